"""Downloads from a real HTTP server on this machine, which can be told to misbehave."""

import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sessions import write_session, zip_folder

from viv1t.data.download import LICENCE, download_mouse, fetch, read_digests, session_url
from viv1t.data.mice import SENSORIUM, find_mice
from viv1t.errors import ConfigError, DataError

NAME = f"{SENSORIUM['A']}.zip"
SCRIPT = Path(__file__).parents[2] / "data/download_GIN.py"


class Server(ThreadingHTTPServer):
    """Serves one file.

    Attributes:
        content: the file.
        drop_after: bytes after which the connection is dropped, one entry an answer; then never.
        statuses: error statuses that are answered first.
        ranges: whether Range is understood.
        requests: the Range headers that were seen.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.drop_after: list[int] = []
        self.statuses: list[int] = []
        self.ranges = True
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/files"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        status = server.statuses.pop(0) if server.statuses else 200
        if status != 200 or self.path != f"/files/{NAME}":
            self.send_error(404 if status == 200 else status)
            return
        start = 0
        if asked and server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            status = 206 if start < len(server.content) else 416
        self.send_response(status)
        body = b"" if status == 416 else server.content[start:]
        if status == 416:
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.drop_after.pop(0)] if server.drop_after else body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("made")
    write_session(folder / "S", tiers=("train", "oracle"), num_frames=10, pad_to=12)
    return zip_folder(folder / "S", folder / "S.zip", root=SENSORIUM["A"]).read_bytes()


@pytest.fixture
def server(content: bytes) -> Iterator[Server]:
    with Server(content) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: Server, path: Path, **options: object) -> None:
    fetch(f"{server.url}/{path.name}", path, pause_s=0.0, **options)


def test_a_mouse_is_downloaded_and_unpacked(server: Server, tmp_path: Path):
    folder = download_mouse("A", tmp_path, base_url=server.url)
    assert folder == find_mice(tmp_path)["A"].folder
    assert (folder / "data/videos/1.npy").is_file()
    assert [p.name for p in folder.parent.iterdir()] == [SENSORIUM["A"]]
    assert download_mouse("A", tmp_path, base_url=server.url) == folder
    assert server.requests == [None]


def test_the_zip_can_be_kept(server: Server, tmp_path: Path, content: bytes):
    archive = download_mouse("A", tmp_path, base_url=server.url, keep_zip=True)
    assert archive == tmp_path / "sensorium" / NAME
    assert archive.read_bytes() == content


@pytest.mark.parametrize("ranges", [True, False])
def test_a_dropped_connection_is_resumed(
    server: Server, tmp_path: Path, content: bytes, ranges: bool
):
    server.drop_after, server.ranges = [1000, 500], ranges
    get(server, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content
    second = "bytes=1000-"
    assert server.requests == [None, second, "bytes=1500-" if ranges else "bytes=500-"]
    assert not (tmp_path / f"{NAME}.part").exists()


def test_what_came_is_kept_for_the_next_call(server: Server, tmp_path: Path, content: bytes):
    server.drop_after = [700] + [0] * 6
    with pytest.raises(DataError, match=r"connection was dropped; 700 bytes are kept in .*\.part"):
        get(server, tmp_path / NAME)
    assert not (tmp_path / NAME).exists()
    server.requests.clear()
    get(server, tmp_path / NAME)
    assert server.requests == ["bytes=700-"]
    assert (tmp_path / NAME).read_bytes() == content


def test_a_part_that_is_already_whole_or_too_long(server: Server, tmp_path: Path, content: bytes):
    for part in (content, content + b"more"):
        (tmp_path / f"{NAME}.part").write_bytes(part)
        get(server, tmp_path / NAME)
        assert (tmp_path / NAME).read_bytes() == content


def test_a_missing_file(server: Server, tmp_path: Path):
    with pytest.raises(DataError, match=f"{re.escape(server.url)}/other.zip answered 404"):
        get(server, tmp_path / "other.zip")
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_in_trouble_is_asked_again(server: Server, tmp_path: Path):
    server.statuses = [503, 500]
    get(server, tmp_path / NAME)
    server.statuses = [503] * 10
    with pytest.raises(DataError, match="the server answered 503"):
        get(server, tmp_path / "again.zip")


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_file_is_refused_and_removed(
    server: Server, tmp_path: Path, content: bytes, damage: str
):
    flipped = content[:400] + bytes([content[400] ^ 1]) + content[401:]
    server.content = content[:-500] if damage == "truncated" else flipped
    with pytest.raises(DataError, match=r"not a whole zip archive .*download it again"):
        get(server, tmp_path / NAME)
    assert list(tmp_path.iterdir()) == []


def test_digests(server: Server, tmp_path: Path, content: bytes):
    good = hashlib.sha256(content).hexdigest()
    digests = tmp_path / "list.txt"
    digests.write_text(f"{good}  {NAME}\n\n{'0' * 64} *folder/other.zip\n")
    assert read_digests(digests) == {NAME: good, "other.zip": "0" * 64}
    download_mouse("A", tmp_path, base_url=server.url, sha256=read_digests(digests))
    with pytest.raises(DataError, match=f"has the SHA-256 {good}, expected 000"):
        get(server, tmp_path / NAME, sha256="0" * 64)
    digests.write_text("nonsense\n")
    with pytest.raises(DataError, match=r"list\.txt, line 1: expected"):
        read_digests(digests)
    with pytest.raises(DataError, match="does not exist"):
        read_digests(tmp_path / "nowhere")


def test_nobody_answers(tmp_path: Path):
    with pytest.raises(DataError, match=r"could not be fetched, .*[Rr]efused"):
        fetch("http://127.0.0.1:9/x.zip", tmp_path / "x.zip", pause_s=0.0)


def test_addresses():
    gin = "https://gin.g-node.org/pollytur"
    assert session_url("E") == f"{gin}/Sensorium2023Data/raw/master/{SENSORIUM['E']}.zip"
    assert session_url("F") == f"{gin}/sensorium_2023_dataset/raw/master/{SENSORIUM['F']}.zip"
    with pytest.raises(ConfigError, match="unknown Sensorium mouse 'K'"):
        session_url("K")


@pytest.mark.parametrize(("mouse_id", "status"), [("A", 0), ("B", 2), ("Z", 2)])
def test_the_script(server: Server, tmp_path: Path, mouse_id: str, status: int):
    flags = ["--data_dir", tmp_path, "--mouse_ids", mouse_id, "--base_url", server.url]
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, flags)], capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert LICENCE in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == (status != 0)
    assert find_mice(tmp_path)["A"].folder.is_dir() == (mouse_id == "A")
