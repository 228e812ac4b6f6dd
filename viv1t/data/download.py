"""Fetching sessions over HTTP: resumed where they broke off, checked before they are used."""

import errno
import hashlib
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tqdm import tqdm

from viv1t.data.archive import check_zip, extract_session, require_space
from viv1t.data.mice import SENSORIUM, find_mice
from viv1t.errors import DataError
from viv1t.names import MouseId
from viv1t.registry import unknown_name

logger = logging.getLogger(__name__)

LICENCE: Final = (
    "The Sensorium 2023 recordings are licensed CC BY-NC-ND 4.0 "
    "(https://creativecommons.org/licenses/by-nc-nd/4.0/): name the authors, do not use them "
    "commercially, do not pass on changed or derived data. By downloading you accept this."
)
_GIN: Final = "https://gin.g-node.org/pollytur"
_CHUNK: Final = 1 << 18
# Failures in a row, none of which brought new bytes, after which a download is given up.
_TRIES: Final = 6
_TIMEOUT_S: Final = 60.0
_LOCAL_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


def session_url(mouse_id: MouseId, *, base_url: str | None = None) -> str:
    """The address of the zipped session of a Sensorium mouse.

    Args:
        mouse_id: one of A-J.
        base_url: where the zip files lie; None: the two repositories on GIN.
    """
    if mouse_id not in SENSORIUM:
        raise unknown_name("Sensorium mouse", mouse_id, SENSORIUM)
    repository = "Sensorium2023Data" if mouse_id in "ABCDE" else "sensorium_2023_dataset"
    base = base_url or f"{_GIN}/{repository}/raw/master"
    return f"{base.rstrip('/')}/{SENSORIUM[mouse_id]}.zip"


def download_mouse(
    mouse_id: MouseId,
    data_dir: Path,
    *,
    base_url: str | None = None,
    sha256: Mapping[str, str] | None = None,
    keep_zip: bool = False,
    pause_s: float = 2.0,
) -> Path:
    """The session folder of a Sensorium mouse (its zip with `keep_zip`), fetched if needed.

    An interrupted download continues where it stopped, also in a later call.

    Args:
        mouse_id: one of A-J.
        data_dir: the session is written to <data_dir>/sensorium.
        base_url: where the zip files lie; None: GIN.
        sha256: {file name: hex digest}; a file that is listed must match.
        keep_zip: leave the zip as it is instead of unpacking it.
        pause_s: seconds before the first retry; doubled at each failure that follows a failure.

    Raises:
        DataError: the file is not there, the connection keeps failing, or the file is damaged.
    """
    url = session_url(mouse_id, base_url=base_url)
    folder = find_mice(data_dir)[mouse_id].folder
    archive = folder.parent / f"{folder.name}.zip"
    if folder.is_dir():
        logger.info("mouse %s: %s is there already", mouse_id, folder)
        return folder
    if not archive.is_file():
        fetch(url, archive, sha256=(sha256 or {}).get(archive.name), pause_s=pause_s)
    if keep_zip:
        return archive
    extract_session(archive, folder)
    archive.unlink()
    return folder


def fetch(url: str, path: Path, *, sha256: str | None = None, pause_s: float = 2.0) -> None:
    """Download the zip file at `url` to `path`, which only ever holds a whole, checked file.

    What has come so far lies in `<path>.part`.

    Args:
        url: the address.
        path: the zip file to write.
        sha256: hex digest that the file must have.
        pause_s: seconds before the first retry; doubled at each failure that follows a failure.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    farthest, failures = _size(part), 0
    while (reason := _try(url, part)) is not None:
        failures = 0 if _size(part) > farthest else failures + 1
        farthest = max(farthest, _size(part))
        logger.info("%s: %s after %d bytes", path.name, reason, _size(part))
        if failures == _TRIES:
            raise DataError(
                f"{url} could not be fetched, {reason}; {_size(part)} bytes are kept in {part}. "
                "Run the same command again to continue"
            )
        time.sleep(pause_s * 2**failures)
    _check(part, url, sha256)
    part.replace(path)


def _try(url: str, part: Path) -> str | None:
    """Fetch what is missing; None on success, else why it failed. A refusal is a DataError."""
    try:
        return None if _fetch_rest(url, part) else "the connection was dropped"
    except urllib.error.HTTPError as error:
        error.close()
        if error.code < http.client.INTERNAL_SERVER_ERROR:
            raise DataError(f"{url} answered {error.code} ({error.reason})") from error
        return f"the server answered {error.code}"
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, OSError) and error.errno in _LOCAL_ERRORS:
            raise
        return str(getattr(error, "reason", "") or error or type(error).__name__)


def _fetch_rest(url: str, part: Path) -> bool:
    """Append what is missing to `part`; whether all of the file is there now."""
    done = _size(part)
    headers = {"Range": f"bytes={done}-"} if done else {}
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        whole = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
        error.close()
        if whole and int(whole[1]) == done:
            return True
        part.unlink()
        return False
    with answer:
        resumed = answer.status == http.client.PARTIAL_CONTENT
        done = done if resumed else 0
        total = done + int(answer.headers.get("Content-Length") or 0)
        require_space(total - done, part.parent, f"downloading {part.stem}")
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(
                total=total or None,
                initial=done,
                unit="B",
                unit_scale=True,
                desc=part.stem,
                disable=None,
            ) as bar,
        ):
            while chunk := answer.read1(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    return not total or _size(part) == total


def _check(part: Path, url: str, sha256: str | None) -> None:
    """Remove `part` and raise unless it is a whole zip with the expected digest."""
    try:
        if sha256:
            with part.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256.lower():
                raise DataError(f"{url} has the SHA-256 {found}, expected {sha256}")
        check_zip(part)
    except DataError:
        part.unlink(missing_ok=True)
        raise


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def read_digests(path: Path) -> dict[str, str]:
    """{file name: SHA-256} of a list as `sha256sum` writes it.

    Raises:
        DataError: there is no such file, or a line is not "<64 hex digits>  <name>".
    """
    if not path.is_file():
        raise DataError(f"the list of digests {path} does not exist")
    digests = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](\S+)", line.strip())
        if line.strip() and not match:
            raise DataError(f"{path}, line {number}: expected '<64 hex digits>  <file name>'")
        if match:
            digests[Path(match[2]).name] = match[1]
    return digests
