"""Animations: length, content, equal bytes for equal arguments."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viv1t.errors import ConfigError, DataError
from viv1t.plot import animate as module
from viv1t.plot.animate import animate


@pytest.fixture
def movie():
    x = np.mgrid[:12, :16][1]
    return np.stack([127 + 120 * np.sin(x / 2 + k) for k in range(9)])


def frames_of(path):
    """Pictures (t, H, W, 3) and their durations in ms."""
    with Image.open(path) as image:
        pictures, durations = [], []
        for k in range(image.n_frames):
            image.seek(k)
            durations.append(image.info["duration"])
            pictures.append(np.array(image.convert("RGB"), dtype=int))
    return np.stack(pictures), durations


def test_every_frame_is_shown_for_its_time(movie, tmp_path):
    path = animate(movie, fps=30.0, path=tmp_path / "new" / "a.gif", trace=np.arange(9.0))
    pictures, durations = frames_of(path)
    assert len(pictures) == 9
    assert sum(durations) == 300
    assert all((a != b).any() for a, b in pairwise(pictures))
    height, width = pictures.shape[1:3]
    assert height % 2 == width % 2 == 0


def test_equal_arguments_give_equal_files(movie, tmp_path):
    options = {"fps": 30.0, "trace": {"a": np.arange(9.0), "b": np.ones(5)}, "window": slice(2, 5)}
    first = animate(movie, path=tmp_path / "a.gif", **options)
    second = animate(movie, path=tmp_path / "b.gif", **options)
    assert first.read_bytes() == second.read_bytes()
    options["window"] = slice(2, 6)
    other = animate(movie, path=tmp_path / "c.gif", **options)
    assert first.read_bytes() != other.read_bytes()


def test_the_overlay_is_drawn_where_it_is_and_nowhere_else(movie, tmp_path):
    overlay = np.zeros((7, 12, 16))
    overlay[:, :, 8:] = 1.0
    still = np.full_like(movie, 127.0)
    pictures, _ = frames_of(
        animate(still, fps=30.0, path=tmp_path / "a.gif", overlay=overlay, title="Attention")
    )
    # two frames come before the overlay begins, the same picture but for the clock
    is_coloured = np.ptp(pictures, axis=-1) > 30
    assert not is_coloured[:2].any()
    left, right = np.array_split(is_coloured[-1], 2, axis=1)
    assert not left.any()
    assert right.mean() > 0.5


def test_several_movies_stand_side_by_side(movie, tmp_path):
    single, _ = frames_of(animate(movie, fps=30.0, path=tmp_path / "a.gif"))
    several, _ = frames_of(
        animate({"0°": movie, "90°": movie, "180°": movie}, fps=30.0, path=tmp_path / "b.gif")
    )
    assert several.shape[2] > single.shape[2]


def test_without_ffmpeg_it_becomes_a_gif_and_says_so(movie, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "find_ffmpeg", lambda: None)
    with caplog.at_level("INFO"):
        path = animate(movie, fps=30.0, path=tmp_path / "a.mp4")
    assert path == tmp_path / "a.gif"
    assert path.is_file()
    assert [record.getMessage() for record in caplog.records] == [
        f"no ffmpeg (pip install imageio-ffmpeg): {tmp_path / 'a.mp4'} becomes a GIF"
    ]


def test_ffmpeg_of_the_path_comes_first(monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda _: "/usr/bin/ffmpeg")
    assert module.find_ffmpeg() == "/usr/bin/ffmpeg"
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    assert Path(str(module.find_ffmpeg())).is_file()
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    assert module.find_ffmpeg() is None


def test_an_mp4_has_all_frames(movie, tmp_path):
    path = animate(movie, fps=30.0, path=tmp_path / "a.mp4")
    assert path.suffix == ".mp4"
    command = [
        str(module.find_ffmpeg()),
        "-i",
        str(path),
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    size = re.search(rb" (\d{3,})x(\d{3,})", done.stderr)
    assert size is not None
    assert len(done.stdout) == len(movie) * int(size[1]) * int(size[2])


def test_an_ffmpeg_that_fails_leaves_a_gif(movie, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda _: "/bin/false")
    assert animate(movie, fps=30.0, path=tmp_path / "a.mp4").suffix == ".gif"
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]


def test_what_does_not_go_together_is_named(movie, tmp_path):
    with pytest.raises(ConfigError, match=r"\.gif or \.mp4"):
        animate(movie, fps=30.0, path=tmp_path / "a.avi")
    with pytest.raises(DataError, match="one length"):
        animate({"a": movie, "b": movie[1:]}, fps=30.0, path=tmp_path / "a.gif")
    with pytest.raises(DataError, match="trace"):
        animate(movie, fps=30.0, path=tmp_path / "a.gif", trace=np.ones(10))
    with pytest.raises(DataError, match="overlay"):
        animate(movie, fps=30.0, path=tmp_path / "a.gif", overlay=np.ones((9, 3, 3)))
    assert not any(tmp_path.iterdir())
