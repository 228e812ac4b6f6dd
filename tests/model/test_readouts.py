"""Readouts against slow versions written another way, and where they read."""

import math

import numpy as np
import pytest
import torch
from model_cases import relative_error, small_config, small_inputs, small_model

from viv1t.batch import DataShapes
from viv1t.errors import ConfigError
from viv1t.model.readouts import READOUTS

CORE_SHAPE = (3, 5, 4, 6)


def build(readout, **flags):
    torch.manual_seed(0)
    config = small_config("linear", readout, **flags).readout
    built = READOUTS.build(
        config,
        core_shape=CORE_SHAPE,
        coordinates=torch.randn(7, 3) * 50,
        mean_response=torch.linspace(0, 1, 7),
    )
    for name, parameter in built.named_parameters():
        if name != "bias":
            torch.nn.init.normal_(parameter, std=0.4)
    return built.eval(), torch.randn(2, *CORE_SHAPE)


def bilinear(frame, x, y):
    """Value of `frame` (h, w) at grid position (x, y); what lies outside is zero."""
    height, width = frame.shape
    column, row = (x + 1) / 2 * (width - 1), (y + 1) / 2 * (height - 1)
    total = 0.0
    for r in (math.floor(row), math.floor(row) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            if 0 <= r < height and 0 <= c < width:
                total += (1 - abs(row - r)) * (1 - abs(column - c)) * frame[r, c]
    return total


@pytest.mark.parametrize("grid_mode", [0, 1, 2])
@pytest.mark.parametrize("is_shifted", [False, True])
def test_gaussian(grid_mode, is_shifted):
    readout, features = build("gaussian", readout_grid_mode=grid_mode)
    shifts = torch.randn(2, 2, 5) * 0.5 if is_shifted else None
    with torch.no_grad():
        found = readout(features, shifts=shifts)
    places = readout.positions().double().numpy()
    assert np.abs(places).max() <= 1
    expected = torch.zeros(2, 7, 5, dtype=torch.float64)
    for b, n, t in np.ndindex(2, 7, 5):
        x, y = places[n] if shifts is None else places[n] + shifts[b, :, t].numpy()
        read = np.array([bilinear(features[b, c, t].double().numpy(), x, y) for c in range(3)])
        expected[b, n, t] = read @ readout.features[0, :, n].detach().double().numpy()
    expected += readout.bias.detach()[:, None]
    assert relative_error(found.double(), expected) < 1e-5


def test_gaussian_noise_has_the_covariance_of_sigma():
    readout, _ = build("gaussian", readout_grid_mode=0)
    with torch.no_grad():
        readout._mu.fill_(0.1)
        readout.sigma.mul_(0.05)
        readout.train()
        torch.manual_seed(0)
        points = readout.sampling_grid(20_000)
        factor = readout.sigma[0, 2]
    expected = factor @ factor.T
    assert relative_error(torch.cov(points[:, 2].T), expected) < 0.05
    assert torch.allclose(points[:, 2].mean(0), torch.tensor([0.1, 0.1]), atol=0.003)


def test_factorized():
    readout, features = build("factorized")
    masked = (features[:, None] * readout.spatial[None, :, None, None]).sum((-2, -1))
    expected = (masked * readout._features[None, :, :, None]).sum(2) + readout.bias[:, None]
    assert relative_error(readout(features, shifts=None), expected) < 1e-5


def test_linear_takes_the_maximum_over_the_frame():
    readout, features = build("linear")
    highest = features.flatten(3).max(-1).values.mT
    expected = (highest @ readout.linear.weight.T + readout.linear.bias).mT
    assert relative_error(readout(features, shifts=None), expected) < 1e-5


def test_factorized_dropout_acts_in_training_only():
    readout, features = build("factorized", readout_dropout=0.5)
    plain = readout(features, shifts=None)
    assert torch.equal(readout(features, shifts=None), plain)
    assert not torch.equal(readout.train()(features, shifts=None), plain)


@pytest.mark.parametrize(("mode", "start"), [(0, None), (1, 0.0), (2, None)])
@pytest.mark.parametrize("readout", ["gaussian", "factorized"])
def test_bias_modes(readout, mode, start):
    bias = build(readout, readout_bias_mode=mode)[0].bias
    if mode == 0:
        assert bias is None
    else:
        expected = torch.linspace(0, 1, 7) if start is None else torch.zeros(7)
        assert torch.equal(bias, expected)


def test_bias_of_unknown_mean_responses_is_zero():
    assert torch.equal(small_model().readouts["A"].bias, torch.zeros(6))


# ---- where neurons read, in pixels


def model_that_reads_at(grid, *, core="vivit", frame=(36, 64), **flags):
    shapes = DataShapes(video=(1, 8, *frame), max_frames=8)
    model = small_model(core, shapes=shapes, readout_grid_mode=0, **flags)
    with torch.no_grad():
        model.readouts["B"]._mu.copy_(torch.tensor(grid).view(1, 1, 1, 2))
    return model


@pytest.mark.parametrize(
    ("grid", "expected"),
    [((-1.0, -1.0), (1.0, 1.0)), ((1.0, 1.0), (63.0, 35.0)), ((0.0, 0.0), (32.0, 18.0))],
)
def test_positions_of_default_patches(grid, expected):
    """Patch 7, stride 2, 36 x 64: the first patch covers pixels -2 to 4, so its centre is 1."""
    patches = {"core_spatial_patch_size": 7, "core_spatial_patch_stride": 2}
    model = model_that_reads_at(grid, **patches)
    assert model.readout_positions_px("B")[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("pad_frame", [0, 1])
def test_feature_centres_are_the_middle_of_the_pixels_they_see(pad_frame):
    """Measured: which pixels move a token, in a tokenizer that sees one frame at a time."""
    shapes = DataShapes(video=(1, 3, 15, 22), max_frames=3)
    model = small_model(shapes=shapes, core_pad_frame=pad_frame, core_pos_encoding=0)
    tokenizer, inputs = model.core.tokenizer, small_inputs(num_frames=3, shapes=shapes)
    video = inputs.pop("inputs").requires_grad_()
    inputs.pop("mouse_id")
    tokens = tokenizer(video, **inputs).unflatten(2, tokenizer.grid)
    row, column = (size // 2 for size in tokenizer.grid)
    tokens[0, -1, row, column].square().sum().backward()
    seen = video.grad[0, 0].abs().sum(0).nonzero().float()
    middle_y, middle_x = ((seen.amin(0) + seen.amax(0)) / 2).tolist()
    centre = model.core.token_centres_px()[row, column].tolist()
    assert centre == pytest.approx([middle_x, middle_y])


@pytest.mark.parametrize("kernel", [4, 5])
def test_feature_centres_of_convolutions(kernel):
    flags = {
        "core_spatial_input_kernel": kernel,
        "core_spatial_hidden_kernel": kernel,
        "core_num_layers": 2,
        "core_temporal_input_kernel": 1,
        "core_temporal_hidden_kernel": 1,
    }
    model = small_model("fcnn", core_linear=True, **flags)
    inputs = small_inputs()
    inputs["inputs"].requires_grad_()
    features = model.features(**inputs)
    assert features.shape[1:] == model.core.output_shape
    features[0, :, 3, 6, 7].sum().backward()
    seen = inputs["inputs"].grad[0, 0, 3].abs().nonzero().float()
    middle_y, middle_x = ((seen.amin(0) + seen.amax(0)) / 2).tolist()
    assert model.core.token_centres_px()[6, 7].tolist() == pytest.approx([middle_x, middle_y])


def test_positions_follow_the_token_centres_and_the_shift():
    model = model_that_reads_at((0.0, 0.0), core="linear", frame=(11, 21))
    assert model.readout_positions_px("B").tolist() == [[10.0, 5.0]]
    moved = model.readout_positions_px("B", mean_shift=torch.tensor([0.5, -0.2]))
    assert moved[0].tolist() == pytest.approx([15.0, 4.0])
    centres = model.core.token_centres_px()
    assert centres[4, 15].tolist() == [15.0, 4.0]


@pytest.mark.parametrize("readout", ["linear", "factorized", "random"])
def test_other_readouts_say_that_they_have_no_positions(readout):
    with pytest.raises(ConfigError, match=f"--readout {readout} has no position per neuron"):
        small_model("linear", readout).readout_positions_px("A")
