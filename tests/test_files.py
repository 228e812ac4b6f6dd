"""Files are written whole or not at all, and replace files only."""

import os
from pathlib import Path

import pytest

from viv1t.errors import ConfigError
from viv1t.utils.files import atomic, write_text


def test_what_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a/b.txt"
    write_text(path, "old")
    with pytest.raises(FileNotFoundError), atomic(path) as temporary:
        (temporary.parent / "nowhere").read_text()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_devices_and_folders_are_not_replaced(tmp_path):
    for path in (Path(os.devnull), tmp_path):
        with pytest.raises(ConfigError, match="no ordinary file"):
            write_text(path, "text")
    assert not Path(os.devnull).is_file()
