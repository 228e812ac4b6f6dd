"""Reading features at points (`--core_fast 1`) against `grid_sample` and a sum over channels."""

import pytest
import torch
from model_cases import relative_error, small_config, small_inputs, small_model

from viv1t.model.layers import gather
from viv1t.model.layers.gather import read_points
from viv1t.model.readouts import READOUTS
from viv1t.model.readouts.gaussian import sample_points

CHANNELS, HEIGHT, WIDTH = 5, 4, 7


def draw(*, num_batch=2, num_frames=9, num_points=40, spread=0.9, dtype=torch.float32):
    """Features, a grid for each frame, and weights; in memory the features are as of a core."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    features = normal(num_batch, HEIGHT, WIDTH, num_frames, CHANNELS).permute(0, 4, 3, 1, 2)
    grid = torch.rand(num_batch, num_frames, num_points, 2, generator=generator, dtype=dtype)
    return features, (grid * 2 - 1) * spread, normal(num_points, CHANNELS)


def outcome(read, tensors):
    """Responses and the gradients of a sum of them to all arguments."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    responses = read(*leaves)
    (responses * torch.linspace(-1, 1, responses.numel()).view(responses.shape)).sum().backward()
    return responses.detach(), [leaf.grad for leaf in leaves]


def assert_same(fast, plain):
    torch.testing.assert_close(fast[0], plain[0], rtol=2e-4, atol=2e-5)
    for found, expected in zip(fast[1], plain[1], strict=True):
        assert relative_error(found, expected) < 1e-4


@pytest.mark.parametrize("spread", [0.2, 0.9, 1.6, 40.0])
@pytest.mark.parametrize("points_per_chunk", [1, 200, 2**16])
def test_points_of_each_frame(spread, points_per_chunk, monkeypatch):
    """Points may lie far outside: the shift is added after they were kept within the frame."""
    monkeypatch.setattr(gather, "POINTS_PER_CHUNK", points_per_chunk)
    tensors = draw(spread=spread)
    assert_same(outcome(read_points, tensors), outcome(sample_points, tensors))


@pytest.mark.parametrize("num_frames", [1, 9, 31])
@pytest.mark.parametrize("num_points", [1, 40, 500])
@pytest.mark.parametrize("spread", [0.9, 1.6])
@pytest.mark.parametrize("features_per_chunk", [1, 5000, 2**22])
def test_the_same_points_in_all_frames(
    num_frames, num_points, spread, features_per_chunk, monkeypatch
):
    monkeypatch.setattr(gather, "FEATURES_PER_CHUNK", features_per_chunk)
    features, grid, weights = draw(num_frames=num_frames, num_points=num_points, spread=spread)
    tensors = features, grid[:1, :1], weights
    plain = outcome(sample_points, tensors)
    assert_same(outcome(read_points, tensors), plain)
    with torch.no_grad():
        torch.testing.assert_close(read_points(*tensors), plain[0], rtol=2e-4, atol=2e-5)


def test_points_on_features_and_on_the_edge():
    """There the slope is the one to the right or below, as of `grid_sample`."""
    features, grid, weights = draw()
    places = torch.tensor((WIDTH - 1, HEIGHT - 1))
    grid = ((grid + 1) / 2 * places).round() / places * 2 - 1
    grid[0, :3] = torch.tensor((-1.0, 1.0))
    tensors = features, grid, weights
    assert_same(outcome(read_points, tensors), outcome(sample_points, tensors))


def test_gradients_against_finite_differences():
    features, grid, weights = draw(num_frames=2, num_points=6, spread=1.3, dtype=torch.float64)
    leaves = [tensor.requires_grad_() for tensor in (features, grid, weights)]
    assert torch.autograd.gradcheck(read_points, leaves, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_one_gradient_alone(wanted):
    def read(read_with, leaf):
        return read_with(*(leaf if i == wanted else t for i, t in enumerate(tensors)))

    tensors = draw()
    fast, plain = (
        outcome(lambda leaf, f=f: read(f, leaf), [tensors[wanted]])
        for f in (read_points, sample_points)
    )
    assert_same(fast, plain)


def test_points_that_are_nan_give_nan():
    features, grid, weights = draw()
    grid[0, 2, 5, 0] = torch.nan
    found = read_points(features, grid, weights).isnan()
    assert found[0, 5, 2]
    assert found.sum() == 1


# ---- the readout


def gaussian(*, fast, grid_mode, training):
    torch.manual_seed(0)
    readout = READOUTS.build(
        small_config("linear", "gaussian", readout_grid_mode=grid_mode).readout,
        core_shape=(CHANNELS, 9, HEIGHT, WIDTH),
        coordinates=torch.randn(40, 3) * 50,
        fast=fast,
    )
    torch.nn.init.normal_(readout.features)
    return readout.train(training)


@pytest.mark.parametrize("grid_mode", [0, 1, 2])
@pytest.mark.parametrize("is_shifted", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_readout(grid_mode, is_shifted, training):
    features, _, _ = draw()
    shifts = torch.randn(2, 2, 9) if is_shifted else torch.zeros(2, 2, 9)
    found = []
    for fast in (True, False):
        readout = gaussian(fast=fast, grid_mode=grid_mode, training=training)
        torch.manual_seed(1)

        def read(features, shifts, readout=readout):
            return readout(features, shifts=shifts if is_shifted else None) + 0 * shifts.sum()

        responses, gradients = outcome(read, (features, shifts))
        parameters = [p.grad for p in readout.parameters() if p.grad is not None]
        found.append((responses, gradients + parameters, torch.rand(1)))
    (*fast, fast_random), (*plain, plain_random) = found
    assert_same(fast, plain)
    assert torch.equal(fast_random, plain_random)


@pytest.mark.parametrize(
    ("core", "flags", "is_fast"),
    [("vivit", {}, True), ("vivit", {"core_fast": 0}, False), ("linear", {}, True)],
)
def test_when_it_is_used(core, flags, is_fast, monkeypatch):
    calls = []
    name = "viv1t.model.readouts.gaussian.read_points"
    monkeypatch.setattr(name, lambda *tensors: calls.append(1) or sample_points(*tensors))
    with torch.no_grad():
        small_model(core, **flags)(**small_inputs())
    assert bool(calls) == is_fast


def test_models_respond_and_learn_alike():
    rates = ("core_p_dropout", "core_mha_dropout", "core_ff_dropout", "core_drop_path")

    def trained(fast):
        model = small_model(core_fast=fast, **dict.fromkeys(rates, 0.0)).train()
        torch.manual_seed(2)
        responses = model(**small_inputs())
        responses.square().mean().backward()
        kept = model.readouts["A"], model.shifters["A"]
        return responses.detach(), [p.grad for module in kept for p in module.parameters()]

    fast, plain = (trained(fast) for fast in (1, 0))
    assert relative_error(fast[0], plain[0]) < 2e-4
    for found, expected in zip(fast[1], plain[1], strict=True):
        assert relative_error(found, expected) < 1e-3
