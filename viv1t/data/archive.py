"""Unpacking session archives without trusting them."""

import logging
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from viv1t.errors import DataError

logger = logging.getLogger(__name__)


def check_zip(path: Path) -> None:
    """Read every member of the zip file `path` and compare it with its checksum.

    Raises:
        DataError: the file is not a zip, is truncated, or a checksum differs.
    """
    with _opened(path) as archive:
        for member in tqdm(archive.infolist(), desc=f"checking {path.name}", disable=None):
            with archive.open(member) as file:
                while file.read(1 << 20):
                    pass


def extract_session(path: Path, folder: Path) -> Path:
    """Unpack the session archive `path` to `folder`, whole or not at all; returns `folder`.

    The archive may hold the session in a top-level folder of any name, or at its root.

    Raises:
        DataError: the archive is damaged, holds a path that leaves it or a link, holds no
            session, or needs more space than there is.
    """
    logger.info("unpacking %s", path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with _opened(path) as archive:
            members = archive.infolist()
            for member in members:
                _refuse_unsafe(member, path)
            require_space(sum(m.file_size for m in members), scratch, f"unpacking {path}")
            for member in tqdm(members, desc=f"unpacking {path.name}", disable=None):
                archive.extract(member, scratch)
        _session_root(scratch, path).replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def require_space(needed: int, folder: Path, what: str) -> None:
    """Raise a DataError unless the disk of `folder` has `needed` bytes left for `what`."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{what} needs {needed / 1e9:.1f} GB, the disk of {folder} has {free / 1e9:.1f} GB "
            "left; free some space and run the same command again"
        )


class _opened:
    """A zip archive as a context whose errors of reading become one DataError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> zipfile.ZipFile:
        try:
            self._archive = zipfile.ZipFile(self._path)
        except zipfile.BadZipFile as error:
            raise self._damaged(error) from error
        return self._archive

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        self._archive.close()
        if isinstance(error, (zipfile.BadZipFile, zlib.error, EOFError)):
            raise self._damaged(error) from error

    def _damaged(self, error: BaseException) -> DataError:
        return DataError(
            f"{self._path} is not a whole zip archive ({error}); remove it and download it again"
        )


def _refuse_unsafe(member: zipfile.ZipInfo, path: Path) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    leaves = name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]
    if leaves or stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(
            f"{path} holds {member.filename!r}, which would be written outside its folder; "
            "nothing was unpacked. Get the archive from its publisher"
        )


def _session_root(scratch: Path, path: Path) -> Path:
    """The folder below `scratch` that holds data/ and meta/."""
    for folder, names, _ in os.walk(scratch):
        if {"data", "meta"} <= set(names):
            return Path(folder)
    raise DataError(f"{path} holds no session: no folder in it has both data/ and meta/")
