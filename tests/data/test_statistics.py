from collections.abc import Callable
from pathlib import Path

import golden_cases
import numpy as np
import pytest
from sessions import edit, open_mouse

from viv1t.data import cache, statistics
from viv1t.data.moments import MOMENTS, row_moments, streamed_moments
from viv1t.data.recording import Recording
from viv1t.data.statistics import Statistics, compute_statistics, load_statistics
from viv1t.errors import DataError

Session = Callable[..., Recording]


def test_the_golden_statistics(golden_recording: Recording):
    golden = golden_cases.arrays("dataset")
    found = compute_statistics(golden_recording).to_arrays()
    for key in (k for k in golden if k.startswith("statistics/")):
        value = found[key.removeprefix("statistics/")]
        assert value.shape == golden[key].shape
        np.testing.assert_allclose(value, golden[key], rtol=2e-4, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 1001])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_streamed_moments_are_exact(size: int, scale: float):
    rng = np.random.default_rng(size)
    values = (scale * rng.normal(size=size)).astype(np.float32)
    values[: size // 3] = values[0]  # ties around the median
    moments = streamed_moments(lambda: np.array_split(values, 3) if size > 3 else [values])
    assert moments.median == np.median(values)
    assert (moments.min, moments.max) == (values.min(), values.max())
    assert moments.mean == pytest.approx(values.mean(dtype=np.float64), rel=1e-6)
    assert moments.std == pytest.approx(values.std(dtype=np.float64), rel=1e-6, abs=1e-12)


def test_row_moments_leave_missing_rows_out():
    values = np.random.default_rng(0).normal(3, 2, (3, 50)).astype(np.float32)
    values[1] = np.nan
    moments = row_moments(values)
    for name in MOMENTS:
        assert np.isnan(getattr(moments, name)).tolist() == [False, True, False]
        np.testing.assert_allclose(
            getattr(moments, name)[2], getattr(np, name)(values[2]), rtol=1e-5
        )
    assert row_moments(values[:0]).mean.shape == (0,)


def test_blocks_do_not_change_anything(session: Session, monkeypatch: pytest.MonkeyPatch):
    recording = session(num_neurons=7, num_frames=[55 + i for i in range(14)], num_behaviors=0)
    whole = compute_statistics(recording).to_arrays()
    monkeypatch.setattr(statistics, "BLOCK_BYTES", 4 * 400 * 2)  # two neurons at a time
    blocks = compute_statistics(recording).to_arrays()
    assert whole.keys() == blocks.keys()
    for key, value in whole.items():
        np.testing.assert_array_equal(value, blocks[key], err_msg=key)
    assert whole["behavior/mean"].shape == (0,)


def test_all_recorded_frames_count(session: Session):
    recording = session(entry={"max_frames": 60})
    last = max(recording.read_rows("behavior", t, start=0, stop=70)[0, 65:].max() for t in range(6))
    edit(recording.folder / "data/behavior/1.npy", lambda x: x.__setitem__((0, 66), 10 * last))
    assert compute_statistics(recording).behavior.max[0] == np.float32(10 * last)


def test_cached_until_the_data_change(session: Session, monkeypatch: pytest.MonkeyPatch):
    recording = session()
    first = load_statistics(recording)
    assert (recording.folder / "viv1t/statistics.npz").is_file()
    counted: list[Recording] = []

    def count(recording: Recording) -> Statistics:
        counted.append(recording)
        return compute_statistics(recording)

    monkeypatch.setattr(statistics, "compute_statistics", count)
    again = load_statistics(open_mouse(recording.folder.parent))
    assert not counted
    assert again.to_arrays().keys() == first.to_arrays().keys()
    assert (again.response.median == first.response.median).all()
    edit(recording.folder / "data/responses/2.npy", lambda x: 2 * x)
    changed = load_statistics(open_mouse(recording.folder.parent))
    assert len(counted) == 1
    assert (changed.response.mean > first.response.mean).all()
    (recording.folder / "viv1t/statistics.npz").write_bytes(b"damaged")
    load_statistics(open_mouse(recording.folder.parent))
    assert len(counted) == 2


def test_a_folder_that_cannot_be_written(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def refuse(path: Path, arrays: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    recording = session()
    monkeypatch.setattr(cache, "write_npz", refuse)
    with caplog.at_level("INFO", logger="viv1t"):
        assert load_statistics(recording).video.mean > 0
    assert "statistics.npz could not be kept (Permission denied)" in caplog.text


def test_no_training_trials(session: Session):
    with pytest.raises(DataError, match="mouse S: no trial of tier train with files in"):
        compute_statistics(session(tiers=("oracle", "oracle")))


def test_floor_is_that_of_all_neurons(session: Session):
    values = compute_statistics(session(num_neurons=8))
    some = values.select(np.array([1, 5]))
    assert some.response_floor == values.response_floor
    assert some.response_floor == pytest.approx(0.01 * values.response.std.mean(), rel=1e-5)
    stored = {k: v for k, v in values.to_arrays().items() if k != "response_floor"}
    assert Statistics.from_arrays(stored).response_floor == pytest.approx(values.response_floor)
    del stored["video/mean"]
    with pytest.raises(DataError, match="statistics lack video/mean"):
        Statistics.from_arrays(stored)
