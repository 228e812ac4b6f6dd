"""The tables of results: described, keyed, and made by scripts that exist."""

import re
from pathlib import Path

import pytest

from viv1t.results.specs import TABLES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", TABLES)
def test_specs_are_whole(name):
    spec = TABLES[name]
    assert spec.key
    assert set(spec.key) <= set(spec.columns)
    assert all(text and not text.endswith(".") for text in spec.columns.values())
    assert all(re.fullmatch(r"[a-z0-9_]+", column) for column in spec.columns)


@pytest.mark.parametrize("made_by", sorted({spec.made_by for spec in TABLES.values()}))
def test_the_script_that_makes_a_table_exists(made_by):
    script, *flags = made_by.split()
    assert (ROOT / script).is_file()
    source = (ROOT / script).read_text()
    assert any(
        name in source
        for name in ("TABLE_FLAGS", "PROBE_FLAGS", "DAY_FLAGS", '"output_dir"', '"data_dir"')
    )
    names = [flag.removeprefix("--") for flag in flags if flag.startswith("--")]
    assert [name for name in names if name not in source] == []
