"""Packed copies: the same batches to the bit, and never a stale or damaged one."""

import logging
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scripts import run_script
from sessions import edit, open_mouse, write_mice_yaml, write_session

from viv1t.batch import Batch
from viv1t.config.schema import DataConfig
from viv1t.data import packed as packing
from viv1t.data.loaders import Loaders, build_loaders
from viv1t.data.packed import open_packed, pack, packed_dir
from viv1t.data.recording import Recording
from viv1t.errors import DataError

Session = Callable[..., Recording]
SIGNALS = ("videos", "responses", "behavior", "pupil_center")
LENGTHS = [70 - i % 3 for i in range(14)]


def packed(recording: Recording) -> Recording:
    """The recording, opened again after its packed copy was written."""
    pack(Recording(recording.mouse, use_packed=False))
    found = Recording(recording.mouse)
    assert found.packed is not None
    return found


def same(a: Batch, b: Batch) -> bool:
    names = ("video", "response", "behavior", "pupil_center", "trial_ids", "video_ids")
    pairs = [(getattr(a, name), getattr(b, name)) for name in names]
    return a.mouse_id == b.mouse_id and all(
        torch.equal(x, y) and x.stride() == y.stride() for x, y in pairs
    )


def hide(folder: Path) -> None:
    for trial in range(10, 14):
        edit(folder / f"data/responses/{trial}.npy", np.zeros_like)


def lose_neuron(folder: Path) -> None:
    for path in (folder / "data/responses").iterdir():
        edit(path, lambda x: x.__setitem__(2, np.nan))


def round_video(folder: Path) -> None:
    for path in (folder / "data/videos").iterdir():
        edit(path, np.rint)


@pytest.mark.parametrize(
    ("options", "flags", "change"),
    [
        ({}, {}, None),
        ({}, {"crop_frame": 51}, round_video),
        ({"num_frames": LENGTHS}, {"crop_frame": 69, "batch_size": 4}, None),
        ({"num_frames": LENGTHS, "pad_to": 71}, {"limit_neurons": 3}, None),
        ({"num_neurons": 9}, {"limit_neurons": 4, "crop_frame": 60, "num_workers": 2}, None),
        ({}, {"center_crop": 0.8, "transform_input": 2, "transform_output": 0}, round_video),
        ({"num_pupils": 0, "num_behaviors": 3}, {"crop_frame": 55}, None),
        ({}, {"crop_frame": 60}, hide),
        ({}, {"crop_frame": 60}, lose_neuron),
    ],
)
def test_batches_are_the_same_to_the_bit(
    tmp_path: Path, options: dict[str, Any], flags: dict[str, Any], change: Callable | None
):
    folder = write_session(tmp_path / "R1", **options)
    write_mice_yaml(tmp_path, {"R1": {"folder": "R1"}})
    if change is not None:
        change(folder)

    def build() -> Loaders:
        return build_loaders(DataConfig(data_dir=tmp_path, **flags), seed=7, given=set(flags))

    plain = build()
    assert plain.recordings["R1"].packed is None
    pack(plain.recordings["R1"])
    fast = build()
    assert fast.recordings["R1"].packed is not None
    assert fast.facts["R1"].neuron_idx.tolist() == plain.facts["R1"].neuron_idx.tolist()
    assert fast.tiers("R1") == plain.tiers("R1")
    for epoch in range(2):
        batches = list(plain.train(epoch))
        assert all(map(same, fast.train(epoch), batches))
        assert len(batches) == plain.num_steps
    for tier in ("validation", "live_main"):
        assert all(map(same, fast.evaluation(tier, "R1"), plain.evaluation(tier, "R1")))


@pytest.mark.parametrize("num_channels", [1, 2])
def test_trials_are_the_same_to_the_bit(session: Session, num_channels: int):
    plain = session(num_frames=LENGTHS, num_neurons=300)
    rng = np.random.default_rng(0)
    for path in (plain.folder / "data/videos").iterdir():
        video = np.load(path)
        np.save(path, np.stack([video] * num_channels) if num_channels > 1 else video)
    lose_neuron(plain.folder)
    plain = Recording(plain.mouse)
    fast = packed(plain)
    chosen = (None, np.arange(300), np.arange(40, 90), rng.permutation(300)[:30], np.array([], int))
    for trial in range(plain.num_trials):
        for neurons in chosen:
            for frames in (None, (0, 1), (3, 50), (0, plain.length(trial))):
                a, b = (r.load(trial, neurons=neurons, frames=frames) for r in (plain, fast))
                for name, value in vars(a).items():
                    assert getattr(b, name).tobytes() == value.tobytes()
                    assert getattr(b, name).shape == value.shape
                    assert getattr(b, name).flags.owndata or not getattr(b, name).size
        assert fast.duration(trial) == plain.duration(trial)


def test_nothing_but_the_packed_copy_is_opened(session: Session, monkeypatch: pytest.MonkeyPatch):
    recording = packed(session())

    def refuse(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("viv1t.data.recording.open_array", refuse)
    assert recording.load(3, neurons=np.array([0, 4])).response.shape == (2, 70)


def test_frames_beyond_the_packed_ones_are_read_from_the_originals(session: Session):
    whole = session()
    short = packed(session(entry={"max_frames": 60}))
    assert short.length(0) == 60
    for name in ("read_video", "read_responses"):
        expected = getattr(whole, name)(0, start=50, stop=70)
        np.testing.assert_array_equal(getattr(short, name)(0, start=50, stop=70), expected)


@pytest.mark.parametrize(
    ("change", "dtype"),
    [
        (np.rint, np.uint8),
        (lambda x: np.rint(x) / 2, np.float16),
        (lambda x: np.rint(x) - 1e3, np.float16),
        (lambda x: x, np.float32),
        (lambda x: np.where(x < 9, -0.0, np.rint(x)), np.float16),
    ],
)
def test_the_video_has_the_smallest_dtype_that_keeps_it(
    session: Session, change: Callable, dtype: type
):
    plain = session()
    for path in (plain.folder / "data/videos").iterdir():
        edit(path, lambda x: np.asarray(change(x), dtype=np.float32))
    fast = packed(plain)
    assert np.load(packed_dir(plain) / "videos.npy", mmap_mode="r").dtype == dtype
    for trial in range(plain.num_trials):
        assert fast.load_video(trial).tobytes() == plain.load_video(trial).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda r: edit(r.folder / "data/responses/2.npy", lambda x: x + 1),
        lambda r: (r.folder / "data/videos/13.npy").unlink(),
        lambda r: edit(r.folder / "meta/trials/tiers.npy", lambda x: x[::-1]),
    ],
)
def test_a_changed_recording_leaves_its_copy_aside_with_one_line(
    session: Session, caplog: pytest.LogCaptureFixture, change: Callable
):
    recording = packed(session())
    change(recording)
    with caplog.at_level(logging.INFO, logger="viv1t"):
        again = Recording(recording.mouse)
        found = again.load(2).response
    assert again.packed is None
    (line,) = caplog.messages
    assert "is not used (made of other files, or by another version); run data/pack" in line
    np.testing.assert_array_equal(
        found, Recording(recording.mouse, use_packed=False).load(2).response
    )
    assert packed(recording).load(2).response.tobytes() == found.tobytes()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: cut(folder / "responses.npy"),
        lambda folder: (folder / "behavior.npy").unlink(),
        lambda folder: np.save(folder / "videos.npy", np.zeros((3, 1, 16, 28), np.uint8)),
        lambda folder: (folder / "index.npz").unlink(),
        lambda folder: cut(folder / "index.npz"),
    ],
)
def test_a_damaged_copy_is_left_aside(
    session: Session, caplog: pytest.LogCaptureFixture, damage: Callable
):
    recording = packed(session())
    damage(packed_dir(recording))
    with caplog.at_level(logging.INFO, logger="viv1t"):
        assert open_packed(recording) is None
    (line,) = caplog.messages
    assert line.startswith(f"mouse S: {packed_dir(recording)} is not used (")


def test_what_was_there_survives_a_failure(session: Session, monkeypatch: pytest.MonkeyPatch):
    recording = packed(session())
    plain = Recording(recording.mouse, use_packed=False)
    before = {path.name: path.read_bytes() for path in packed_dir(recording).iterdir()}

    def append(writer: Any, trial: Any, calls: list[int] = []) -> bool:  # noqa: B006
        calls.append(1)
        return len(calls) < 3

    with monkeypatch.context() as patch:
        patch.setattr(packing._Writer, "append", append)
        with pytest.raises(DataError, match=r"trial 2 did not come back .* as it was written"):
            pack(plain)
    usage = shutil.disk_usage(recording.folder)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        with pytest.raises(OSError, match="No space left on device"):
            pack(plain)
    edit(plain.folder / "data/behavior/5.npy", lambda x: x.__setitem__((1, 7), np.nan))
    with pytest.raises(DataError, match=r"behavior/5.npy has a NaN .* row 1, frame 7"):
        pack(plain)
    assert {path.name: path.read_bytes() for path in packed_dir(recording).iterdir()} == before
    assert [path.name for path in recording.cache_dir.iterdir()] == ["packed"]


def test_a_copy_is_made_of_the_originals_only(session: Session):
    with pytest.raises(ValueError, match="use_packed=False"):
        pack(packed(session()))


def test_another_process_maps_the_files_itself(session: Session):
    recording = packed(session(num_neurons=2000))
    expected = recording.load(1).response
    sent = pickle.dumps(recording)
    assert len(sent) < 100_000
    np.testing.assert_array_equal(pickle.loads(sent).load(1).response, expected)


def test_the_script_packs_once(tmp_path: Path, capsys: pytest.CaptureFixture):
    for mouse_id in ("R1", "R2"):
        write_session(tmp_path / mouse_id)
    write_mice_yaml(tmp_path, {m: {"folder": m} for m in ("R1", "R2")})
    script = ("data/pack_recordings.py", "--data_dir", tmp_path, "--verbose", "1")
    assert run_script(*script, "--mouse_ids", "R2") == 0
    assert capsys.readouterr().out == f"wrote {tmp_path}/R2/viv1t/packed (0.00 GB)\n"
    assert run_script(*script) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {tmp_path}/R1/viv1t/packed (0.00 GB)",
        f"mouse R2: {tmp_path}/R2/viv1t/packed is up to date",
    ]
    edit(tmp_path / "R1/data/responses/0.npy", lambda x: x * 2)
    assert run_script(*script, "--mouse_ids", "R1") == 0
    assert "wrote" in capsys.readouterr().out
    assert open_mouse(tmp_path / "R1" / "..", {"folder": "R1"}).packed is not None
