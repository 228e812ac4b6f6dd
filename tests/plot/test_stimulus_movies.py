"""Movies of stimuli: titles that fit, one axis for all, videos for a rig."""

import sys

import numpy as np
import pytest

from viv1t.errors import DataError
from viv1t.plot import animate as animations
from viv1t.plot import stimulus_movies as module
from viv1t.plot.stimulus_movies import LINE, SCALE, rig_movie, stimulus_movie

# Stands for ffmpeg: it stores what it is given, and gives it back as `decoded` says.
FFMPEG = """#!{python}
import sys
from pathlib import Path
if "rawvideo" == sys.argv[sys.argv.index("-f") + 1] and sys.argv[-1] != "-":
    Path(sys.argv[-1]).write_bytes(sys.stdin.buffer.read())
else:
    stored = Path(sys.argv[sys.argv.index("-i") + 1]).read_bytes()
    sys.stdout.buffer.write({decoded})
"""


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (5, 4, 6)).astype(np.uint8)


def with_ffmpeg(monkeypatch, folder, decoded="stored"):
    program = folder / "ffmpeg"
    program.write_text(FFMPEG.format(python=sys.executable, decoded=decoded))
    program.chmod(0o755)
    for place in (animations, module):
        monkeypatch.setattr(place, "find_ffmpeg", lambda: str(program))


def test_a_video_is_decoded_again(frames, tmp_path, monkeypatch):
    with_ffmpeg(monkeypatch, tmp_path)
    path = tmp_path / "a.mp4"
    assert rig_movie(path, frames, fps=30.0)
    stored = np.frombuffer(path.read_bytes(), np.uint8).reshape(5, 4 * SCALE, 6 * SCALE)
    np.testing.assert_array_equal(stored[:, ::SCALE, ::SCALE], frames)
    np.testing.assert_array_equal(stored[:, SCALE - 1 :: SCALE, SCALE - 1 :: SCALE], frames)


def test_a_video_with_loss_is_refused(frames, tmp_path, monkeypatch):
    with_ffmpeg(monkeypatch, tmp_path, decoded="stored[:-1] + bytes([stored[-1] ^ 1])")
    with pytest.raises(DataError, match="gives back other frames"):
        rig_movie(tmp_path / "a.mp4", frames, fps=30.0)


def test_without_ffmpeg_there_is_none(frames, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(animations, "find_ffmpeg", lambda: None)
    with caplog.at_level("INFO"):
        assert not rig_movie(tmp_path / "a.mp4", frames, fps=30.0)
    assert not list(tmp_path.iterdir())
    assert "a.mp4 is left out" in caplog.text


def test_ffmpeg_itself_loses_nothing(frames, tmp_path):
    assert rig_movie(tmp_path / "a.mp4", frames, fps=30.0)


def test_titles_fit_and_the_axis_is_that_of_the_set(frames, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(module, "animate", lambda frames, **options: drawn.update(options))
    trace = np.array([1.0, 2, 3, 4, 1])
    stimulus_movie(
        frames,
        {"run": trace, "truth": 2 * trace},
        window=slice(1, 4),
        fps=30.0,
        limits=(0.0, 9.0),
        title="Mouse S1, neuron 12: grating centre video, generated surround video, inhibiting",
        path=tmp_path / "a.gif",
    )
    lines = drawn["title"].split("\n")
    assert max(map(len, lines)) <= LINE
    assert lines[-1] == "Sum (maximum): run 9 (4), truth 18 (8)"
    assert drawn["limits"] == (0.0, 9.0)
    assert drawn["window"] == slice(1, 4)


def test_limits_change_the_drawing(frames, tmp_path):
    trace = np.arange(5.0)
    pictures = []
    for name, limits in (("a", (0, 4)), ("b", (0, 40)), ("c", None)):
        given = {"fps": 30.0, "trace": trace, "limits": limits}
        path = animations.animate(frames, path=tmp_path / f"{name}.gif", **given)
        pictures.append(path.read_bytes())
    assert len(set(pictures)) == 3
