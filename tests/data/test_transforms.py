import dataclasses

import golden_cases
import numpy as np
import pytest
import torch

from viv1t.data.statistics import Statistics, response_floor
from viv1t.data.transforms import Transforms, center_crop, response_scale, uncropped_px

SIGNALS = ("video", "behavior", "pupil_center", "response")
GOLDEN = golden_cases.arrays("transforms")
STATISTICS = Statistics.from_arrays(
    {k.removeprefix("stats/"): v for k, v in GOLDEN.items() if k.startswith("stats/")}
)


def made(mode: int, statistics: Statistics = STATISTICS, share: float = 1.0) -> Transforms:
    return Transforms(statistics, input_mode=mode, output_mode=mode, center_crop=share)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_golden(mode: int, signal: str):
    transforms = made(mode)
    case = f"{'out' if signal == 'response' else 'in'}{mode}/{signal}"
    x = torch.from_numpy(GOLDEN[f"input/{signal}"])
    forward = getattr(transforms, signal)(x)
    np.testing.assert_allclose(forward, GOLDEN[f"{case}/forward"], rtol=2e-4, atol=2e-5)
    stored = torch.from_numpy(GOLDEN[f"{case}/forward"])
    inverse = getattr(transforms, f"invert_{signal}")(stored)
    np.testing.assert_allclose(inverse, GOLDEN[f"{case}/inverse"], rtol=2e-4, atol=1e-3)
    batched = getattr(transforms, signal)(torch.stack((x, 2 * x)))
    np.testing.assert_array_equal(batched[0], forward)


@pytest.mark.parametrize("share", ["0.35", "0.50", "0.80"])
def test_golden_center_crop(share: str):
    x = torch.from_numpy(GOLDEN["input/video"])
    found = made(1, share=float(share)).video(x)
    np.testing.assert_allclose(found, GOLDEN[f"center_crop/{share}"], rtol=2e-4, atol=2e-5)
    np.testing.assert_array_equal(made(1, share=float(share)).video(x[None])[0], found)


@pytest.mark.parametrize("case", ["precision/0", "precision/1", "tuning"])
def test_golden_precision(case: str):
    golden = np.load(golden_cases.GOLDEN / "tuning" / "precision.npz")
    names = ("std", "precision")
    std, precision = (golden[n] if case == "tuning" else GOLDEN[f"{case}/{n}"] for n in names)
    response = dataclasses.replace(STATISTICS.response, std=std)
    statistics = dataclasses.replace(
        STATISTICS, response=response, response_floor=response_floor(std)
    )
    found = 1 / response_scale(statistics)
    np.testing.assert_allclose(found, precision, rtol=2e-4)


def test_precision_of_some_neurons_uses_the_floor_of_all():
    neurons = np.array([4, 1])
    x = torch.from_numpy(GOLDEN["input/response"])
    some = made(1).select(neurons)
    np.testing.assert_array_equal(some.response(x[neurons]), made(1).response(x)[neurons])


def constant(statistics: Statistics) -> Statistics:
    """The statistics of signals that never change."""
    parts = {}
    for signal in SIGNALS:
        moments = getattr(statistics, signal)
        same = dict.fromkeys(("mean", "min", "max", "median"), moments.mean)
        parts[signal] = dataclasses.replace(moments, std=0 * moments.std, **same)
    return dataclasses.replace(statistics, **parts, response_floor=0.0)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("mode", [1, 2])
def test_signals_that_never_change_stay_finite_and_invertible(mode: int, signal: str):
    transforms = made(mode, constant(STATISTICS))
    x = torch.from_numpy(GOLDEN[f"input/{signal}"])
    y = getattr(transforms, signal)(x)
    assert torch.isfinite(y).all()
    assert y.abs().max() < 1e4
    torch.testing.assert_close(getattr(transforms, f"invert_{signal}")(y), x, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("signal", SIGNALS)
def test_inverses_are_exact_and_gradients_pass(signal: str):
    transforms = made(1)
    x = torch.from_numpy(GOLDEN[f"input/{signal}"]).double().requires_grad_()
    y = getattr(transforms, signal)(x)
    torch.testing.assert_close(getattr(transforms, f"invert_{signal}")(y), x)
    y.sum().backward()
    assert x.grad is not None
    assert (x.grad > 0).all()


def test_whole_numbers_become_floats():
    frames = torch.full((1, 2, 3, 4), 200, dtype=torch.uint8)
    np.testing.assert_array_equal(made(1).video(frames), made(1).video(frames.float()))


@pytest.mark.parametrize("share", [1.0, 0.6, 0.35])
def test_positions_in_a_cropped_frame_go_back_to_where_the_pixel_was(share: float):
    frame = (36, 64)
    rows, columns = torch.meshgrid(torch.arange(36.0), torch.arange(64.0), indexing="ij")
    shown = torch.stack((columns, rows))[:, None]
    seen = shown if share == 1.0 else center_crop(shown, share)
    places = torch.tensor([[32.0, 18.0], [20.0, 9.0], [50.0, 30.0]])
    found = uncropped_px(places, share, frame=frame)
    values = torch.stack([seen[:, 0, int(y), int(x)] for x, y in places])
    # the crop takes nearest neighbours: half a pixel of the recording at most, plus interpolation
    assert (found - values).abs().max() <= 0.75
