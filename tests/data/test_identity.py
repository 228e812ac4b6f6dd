from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from sessions import edit, open_mouse, write_mice_yaml, write_session

from viv1t.data import identity
from viv1t.data.identity import BONUS_TYPES, same_movie, types_of_tier
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.data.stimulus_type import classify
from viv1t.data.synthetic.stimuli import STIMULI, Request
from viv1t.errors import DataError
from viv1t.names import STIMULUS_TYPES

Session = Callable[..., Recording]
OOD = tuple(range(1, len(STIMULUS_TYPES)))


def stimulus(name: str, *, seed: int, num_frames: int, frame: tuple[int, int]) -> np.ndarray:
    """(t, h, w) uint8 frames of an artificial stimulus."""
    own, shared = np.random.default_rng(seed), np.random.default_rng(100 + seed)
    request = Request(number=0, num_frames=num_frames, frame=frame, own=own, shared=shared)
    return STIMULI[name](request).frames


@pytest.mark.parametrize(("num_frames", "frame"), [(150, (36, 64)), (70, (16, 28))])
@pytest.mark.parametrize("name", STIMULUS_TYPES[1:])
def test_stimuli_are_recognised_among_all_types(name: str, num_frames: int, frame: tuple[int, int]):
    for seed in range(5):
        frames = stimulus(name, seed=seed, num_frames=num_frames, frame=frame)
        video = frames[None].astype(np.float32)
        noise = np.random.default_rng(seed).uniform(-0.4, 0.4, video.shape[2:])
        found = classify((video + noise).clip(0, 255), OOD)
        assert STIMULUS_TYPES[found] == name
        assert classify(video, tuple({*OOD} - {found})) == -1


def test_the_table_of_sensorium_types():
    assert types_of_tier("A", "live_bonus") == (1,)
    assert types_of_tier("A", "final_bonus") == (2, 3)
    assert types_of_tier("A", "live_main") == types_of_tier("S1", "train") == (0,)
    assert types_of_tier("S1", "final_bonus") == (-1,)
    for live, final in BONUS_TYPES.values():  # each mouse saw three types, one of them live
        assert (len(live), len(final), len({*live, *final})) == (1, 2, 3)


def test_types_of_a_sensorium_mouse(tmp_path: Path):
    tiers = ("train", "oracle", "live_test_bonus") + ("final_test_bonus",) * 4 + ("none",)
    folder = write_session(tmp_path / "S", tiers=tiers)
    names = ("gaussian_dots", "directional_pink_noise", "gaussian_dots", "image")
    for trial, name in enumerate(names, start=3):
        frames = stimulus(name, seed=trial % 2, num_frames=80, frame=(16, 28))
        np.save(folder / f"data/videos/{trial}.npy", np.moveaxis(frames, 0, -1))
        edit(folder / f"data/responses/{trial}.npy", np.nan_to_num)
        edit(folder / f"data/behavior/{trial}.npy", np.nan_to_num)
        edit(folder / f"data/pupil_center/{trial}.npy", np.nan_to_num)
    write_mice_yaml(tmp_path, {"D": {"folder": "S"}})
    recording = Recording(choose_mice(tmp_path, None)[0])
    # D: live images, final pink noise and dots; the last trial is neither
    assert recording.stimulus_ids.tolist() == [0, 0, 5, 2, 1, 2, -1, -1]
    assert recording.video_ids.tolist() == [0, 1, 2, 3, 4, 3, 5, -1]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda video: video, True),
        (lambda video: video + 1, True),
        (lambda video: video + 1.1, False),
        (lambda video: np.where(np.arange(100)[:, None, None] < 14, 0, video), True),
        (lambda video: np.where(np.arange(100)[:, None, None] < 15, 0, video), False),
        (lambda video: video[:, :99], False),
    ],
    ids=["equal", "within 1", "beyond 1", "86 of 100", "85 of 100", "shorter"],
)
def test_the_rule_for_repeats(change: Callable[[np.ndarray], np.ndarray], same: bool):
    video = np.random.default_rng(0).integers(2, 250, (1, 100, 4, 6)).astype(np.float32)
    assert same_movie(video, change(video)) == same


def write_movies(recording: Recording, movies: Sequence[np.ndarray]) -> Recording:
    """The session with other movies (h, w, t), opened afresh."""
    for trial, movie in enumerate(movies):
        np.save(recording.folder / f"data/videos/{trial}.npy", movie)
    return open_mouse(recording.folder.parent)


def test_ids_of_repeats(session: Session):
    recording = session(
        tiers=("train", "train", "oracle", "none", "oracle", "live_test_main", "oracle", "oracle"),
        num_frames=[70] * 7 + [69],
    )
    rng = np.random.default_rng(5)
    a, b = rng.uniform(5, 250, (2, 16, 28, 70))
    shifted = a.copy()
    shifted[7, 13] += 5  # one pixel that few probes would see
    late = np.concatenate((a, np.full((16, 28, 5), np.nan)), axis=-1)
    recording = write_movies(recording, [a, a, b, a, b + 0.9, late, shifted, b[..., :69]])
    # training movies are always new; others repeat the first that fits, also a training movie
    assert recording.video_ids.tolist() == [0, 1, 2, -1, 2, 0, 3, 4]


def test_derived_ids_are_kept_until_the_data_change(
    session: Session, monkeypatch: pytest.MonkeyPatch
):
    recording = session()
    ids = recording.video_ids
    assert (recording.folder / "viv1t/trial_ids.npz").is_file()
    whole = recording.load_video(7)[0].transpose(1, 2, 0)
    monkeypatch.setattr(identity, "_derive", lambda _: pytest.fail("derived again"))
    assert open_mouse(recording.folder.parent).video_ids.tolist() == ids.tolist()
    monkeypatch.undo()
    np.save(recording.folder / "data/videos/6.npy", whole)
    assert open_mouse(recording.folder.parent).video_ids[6:8].tolist() == [6, 6]


@pytest.mark.parametrize("dtype", [np.int32, object, "U9"])
def test_ids_that_the_session_brings(session: Session, dtype: object):
    recording = session(tiers=("train", "oracle", "oracle"))
    path = recording.folder / "meta/trials/video_ids.npy"
    text = dtype == "U9"
    np.save(path, np.array(["b7", "a1", "a1"] if text else [12, 40, 40], dtype=dtype))
    found = open_mouse(recording.folder.parent)
    assert found.video_ids.tolist() == ([1, 0, 0] if text else [12, 40, 40])
    assert found.stimulus_ids.tolist() == [0, 0, 0]
    np.save(path, np.arange(2))
    with pytest.raises(DataError, match=r"video_ids\.npy has 2 entries, the session has 3 trials"):
        _ = open_mouse(recording.folder.parent).video_ids
