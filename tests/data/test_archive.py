import zipfile
from pathlib import Path

import pytest
from sessions import write_session, zip_folder

from viv1t.data.archive import check_zip, extract_session, require_space
from viv1t.errors import DataError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_session(tmp_path / "made", tiers=("train", "oracle"), num_frames=8, pad_to=9)
    return zip_folder(tmp_path / "made", tmp_path / "s.zip", root="s")


def add(archive: Path, name: str, *, mode: int = 0o644) -> None:
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(member, "x")


@pytest.mark.parametrize("name", ["../evil", "/evil", "s/../../evil", r"..\evil", "C:/evil"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, archive: Path, name: str):
    add(archive, name)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(DataError, match="outside its folder; nothing was unpacked"):
        extract_session(archive, tmp_path / "out")
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_link_is_refused(tmp_path: Path, archive: Path):
    add(archive, "s/link", mode=0o120777)
    with pytest.raises(DataError, match=r"s\.zip holds 's/link'"):
        extract_session(archive, tmp_path / "out")


def flip(data: bytes) -> bytes:
    return data[:300] + bytes([data[300] ^ 0xFF]) + data[301:]


@pytest.mark.parametrize(
    "damage", [flip, lambda data: data[: len(data) // 2], lambda _: b"no zip"], ids=str
)
def test_damaged_archives_leave_nothing_behind(tmp_path: Path, archive: Path, damage: object):
    archive.write_bytes(damage(archive.read_bytes()))
    for action in (lambda: check_zip(archive), lambda: extract_session(archive, tmp_path / "out")):
        with pytest.raises(DataError, match=r"s\.zip is not a whole zip archive .*download it"):
            action()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made", "s.zip"]


def test_an_archive_without_a_session(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as file:
        file.writestr("readme.txt", "x")
    with pytest.raises(DataError, match="holds no session"):
        extract_session(tmp_path / "s.zip", tmp_path / "out")


def test_space_is_asked_for_first(tmp_path: Path):
    with pytest.raises(DataError, match=r"unpacking x needs 1000000000\.0 GB"):
        require_space(10**18, tmp_path, "unpacking x")
