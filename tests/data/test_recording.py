import shutil
from collections.abc import Callable
from pathlib import Path

import golden_cases
import numpy as np
import pytest
from sessions import edit, open_mouse

from viv1t.data.recording import Recording
from viv1t.errors import DataError
from viv1t.names import TIERS

Session = Callable[..., Recording]


def test_the_golden_session(golden_recording: Recording):
    arrays, values = golden_cases.arrays("dataset"), golden_cases.facts("dataset")
    assert list(golden_recording.tiers) == values["tier_names"]
    assert golden_recording.frame_shape == (5, 6)
    assert golden_recording.num_channels == values["train"]["num_channels"]
    assert (golden_recording.mouse.monitor.height_px, golden_recording.mouse.monitor.width_px) == (
        5,
        6,
    )
    assert golden_recording.unit_ids.tolist() == arrays["unit_ids"].tolist()
    assert golden_recording.coordinates.dtype == np.float32
    for tier in TIERS:
        trials = golden_recording.trials(tier).tolist()
        assert trials == values[tier]["trial_ids"]
        assert golden_recording.is_hidden(tier) == values[tier]["hidden_response"]
        for trial in trials:
            loaded, duration = golden_recording.load(trial), int(arrays["durations"][trial])
            raw = arrays[f"raw/videos/{trial}"].transpose(2, 0, 1)[None, :duration]
            np.testing.assert_array_equal(loaded.video, raw)
            for name in ("behavior", "pupil_center"):
                np.testing.assert_array_equal(
                    getattr(loaded, name),
                    arrays[f"raw/{name}/{trial}"][:, :duration].astype(np.float32),
                )
    assert golden_recording.video_ids.tolist() == arrays["video_ids"].tolist()
    assert golden_recording.stimulus_ids.tolist() == arrays["stimulus_ids"].tolist()


def test_part_of_a_trial(session: Session):
    recording = session(num_frames=70)
    whole = recording.load(3)
    part = recording.load(3, neurons=np.array([1, 4]), frames=(10, 31))
    np.testing.assert_array_equal(part.video, whole.video[:, 10:31])
    np.testing.assert_array_equal(part.response, whole.response[[1, 4], 10:31])
    np.testing.assert_array_equal(part.behavior, whole.behavior[:, 10:31])
    np.testing.assert_array_equal(part.pupil_center, whole.pupil_center[:, 10:31])
    assert part.video.flags.c_contiguous


def test_lengths_differ_and_are_capped(session: Session):
    lengths = [60, 70, 80, 55]
    recording = session(
        tiers=("train", "oracle", "train", "none"),
        num_frames=lengths,
        entry={"max_frames": 65},
    )
    assert [recording.duration(t) for t in range(4)] == lengths
    assert [recording.load(t).response.shape[1] for t in range(4)] == [60, 65, 65, 55]
    assert recording.load_video(2).shape == (1, 65, 16, 28)


@pytest.mark.parametrize("names", [("train", "oracle"), ("train", "validation")])
@pytest.mark.parametrize("dtype", [None, object])
def test_tiers_of_either_spelling_and_any_dtype(session: Session, names: tuple, dtype: object):
    recording = session(tiers=names)
    np.save(recording.folder / "meta/trials/tiers.npy", np.array(names, dtype=dtype))
    assert open_mouse(recording.folder.parent).tiers == ("train", "validation")


def test_trials_without_files_are_left_out(session: Session):
    recording = session(tiers=("none", "train", "train", "oracle", "none"))
    for trial in (0, 2, 4):
        for name in ("videos", "responses", "behavior", "pupil_center"):
            (recording.folder / f"data/{name}/{trial}.npy").unlink()
    recording = open_mouse(recording.folder.parent)
    assert recording.num_trials == 5
    assert recording.trials("train").tolist() == [1]
    assert recording.trials("live_main").tolist() == []
    assert recording.video_ids.tolist() == [-1, 0, -1, 1, -1]
    (recording.folder / "data/behavior/3.npy").unlink()
    with pytest.raises(DataError, match=r"behavior/3\.npy does not exist although trial 3"):
        open_mouse(recording.folder.parent).trials("validation")


def test_other_shapes_load(session: Session):
    recording = session(frame=(24, 40), num_behaviors=1, num_pupils=0, entry={"video_px": [24, 40]})
    trial = recording.load(0)
    assert trial.video.shape == (1, 70, 24, 40)
    assert (trial.behavior.shape, trial.pupil_center.shape) == ((1, 70), (0, 70))
    assert (recording.num_behaviors, recording.num_pupils) == (1, 0)


def test_video_channels(session: Session):
    recording = session()
    for path in (recording.folder / "data/videos").iterdir():
        edit(path, lambda video: np.stack((video, video + 1)))
    recording = open_mouse(recording.folder.parent)
    video = recording.load_video(0)
    assert video.shape == (2, 70, 16, 28)
    np.testing.assert_allclose(video[1], video[0] + 1)


def test_missing_neurons(session: Session):
    recording = session(num_neurons=5)
    for path in (recording.folder / "data/responses").iterdir():
        edit(path, lambda x: x.__setitem__(2, np.nan))
    recording = open_mouse(recording.folder.parent)
    assert recording.present.tolist() == [True, True, False, True, True]
    assert (
        np.isnan(recording.load(0).response).all(axis=1).tolist() == (~recording.present).tolist()
    )
    edit(recording.folder / "data/responses/7.npy", lambda x: x.__setitem__(2, 1.0))
    with pytest.raises(DataError, match=r"7\.npy has responses of neuron 2, which is NaN through"):
        recording.load(7)
    edit(recording.folder / "data/responses/8.npy", lambda x: x.__setitem__((2, slice(3)), 1.0))
    with pytest.raises(DataError, match=r"8\.npy has responses of neuron 2"):
        recording.load(8)


@pytest.mark.parametrize(
    ("signal", "index", "message"),
    [
        ("responses", (3, 17), r"responses/4\.npy .*inside the trial: neuron 3, frame 17"),
        ("responses", (3, slice(None)), r"responses/4\.npy .*inside the trial: neuron 3, frame 0"),
        ("behavior", (1, 69), r"behavior/4\.npy .*inside the trial: row 1, frame 69"),
        ("pupil_center", (0, 5), r"pupil_center/4\.npy .*row 0, frame 5"),
        ("videos", (2, 3, 20), r"videos/4\.npy .* in frame 20, pixel \(2, 3\), channel 0"),
        ("videos", (0, 0, 0), r"videos/4\.npy holds no frame"),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_nan_inside_is_named(
    session: Session, signal: str, index: tuple, message: str, value: float
):
    if "no frame" in message and value == np.inf:
        message = r"in frame 0, pixel \(0, 0\)"
    recording = session()
    edit(recording.folder / f"data/{signal}/4.npy", lambda x: x.__setitem__(index, value))
    with pytest.raises(DataError, match=message):
        recording.load(4)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("data/videos/2", lambda x: x[:-1], r"videos/2\.npy has \(c, h, w\) = \(1, 15, 28\)"),
        ("data/videos/2", lambda x: x[0], r"videos/2\.npy should hold a movie"),
        ("data/responses/2", lambda x: x[:-1], r"responses/2\.npy has shape \(5, 80\), expected 6"),
        ("data/responses/2", lambda x: x[:, :60], r"at least the 70 frames of its video"),
        ("data/responses/2", lambda x: x[0], r"responses/2\.npy should hold \(rows, t\)"),
        ("data/behavior/2", lambda x: x[:1], r"behavior/2\.npy has shape \(1, 80\), expected 2"),
        ("data/pupil_center/2", lambda x: x.T, r"pupil_center/2\.npy has shape \(80, 2\)"),
        (
            "meta/neurons/cell_motor_coordinates",
            lambda x: x[:-1],
            r"shape \(5, 3\), expected \(6, 3",
        ),
        ("meta/neurons/cell_motor_coordinates", lambda x: x * np.nan, "infinite coordinate"),
        ("meta/neurons/unit_ids", lambda x: x[:-1], r"unit_ids\.npy has shape \(5,\)"),
        ("meta/trials/tiers", lambda x: x[:-1], r"holds 13\.npy but .* lists 13 trials"),
    ],
)
def test_wrong_shapes_are_named(session: Session, file: str, change: object, message: str):
    recording = session()
    edit(recording.folder / f"{file}.npy", change)
    with pytest.raises(DataError, match=message) as caught:
        open_mouse(recording.folder.parent).load(2)
    assert "\n" not in str(caught.value)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("name", ["videos", "responses", "behavior"])
@pytest.mark.parametrize("damage", [cut, Path.unlink, lambda path: path.write_bytes(b"")])
def test_damaged_trials_are_named(session: Session, name: str, damage: object):
    recording = session()
    damage(recording.folder / f"data/{name}/5.npy")
    with pytest.raises(DataError, match=rf"{name}/5\.npy (is not a whole|does not exist)"):
        recording.load(5)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("data/videos", "videos holds no trial"),
        ("data/responses", "responses holds no trial"),
        ("data", "should hold data/ and meta/"),
        ("meta/trials", r"tiers\.npy does not exist"),
        ("meta/neurons", r"cell_motor_coordinates\.npy does not exist"),
    ],
)
def test_missing_parts_are_named(session: Session, part: str, message: str):
    recording = session()
    shutil.rmtree(recording.folder / part)
    with pytest.raises(DataError, match=message):
        open_mouse(recording.folder.parent)


def test_a_day_with_several_sessions_names_them(session: Session):
    recording = session()
    inner = recording.folder / "natural_movies"
    inner.mkdir()
    for name in ("data", "meta"):
        (recording.folder / name).rename(inner / name)
    with pytest.raises(DataError, match="it holds the sessions natural_movies: name one"):
        open_mouse(recording.folder.parent)
    assert open_mouse(recording.folder.parent, {"folder": "S/natural_movies"}).num_trials == 14


def test_video_px_must_be_that_of_the_files(session: Session):
    with pytest.raises(DataError, match=r"says video_px \[36, 64\], the videos .* \[16, 28\]"):
        session(entry={"video_px": [36, 64]})


def test_withheld_responses(session: Session):
    recording = session()
    assert not recording.is_hidden("live_main")
    for trial in recording.trials("live_main"):
        edit(recording.folder / f"data/responses/{trial}.npy", np.zeros_like)
    recording = open_mouse(recording.folder.parent)
    assert recording.is_hidden("live_main")
    assert not recording.is_hidden("final_main")


def test_fingerprint_survives_a_copy_and_notices_a_change(session: Session):
    recording = session()
    data_dir = recording.folder.parent
    shutil.copytree(data_dir, data_dir / "copy", copy_function=shutil.copyfile)
    copy = open_mouse(data_dir / "copy")
    assert copy.fingerprint() == recording.fingerprint()
    assert copy.cache_key() != recording.cache_key()
    edit(copy.folder / "meta/neurons/unit_ids.npy", lambda x: x[::-1])
    assert open_mouse(data_dir / "copy").fingerprint() != recording.fingerprint()
