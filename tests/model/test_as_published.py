"""Defects of the published model that were mended, each tested both ways."""

import pytest
import torch
from model_cases import (
    SHAPES,
    golden_case,
    relative_error,
    small_inputs,
    small_model,
)

from viv1t.errors import ConfigError
from viv1t.model.readouts.gaussian import scaled_coordinates

LONG = 2e-5


def rotary_outputs(*, as_published):
    """Responses to a movie longer than the tables, and to a short one before and after it."""
    case = golden_case("vivit_rope_T_gt_maxframe")
    model = case.model(as_published=as_published)
    long = {"inputs": case.tensor("in/video"), "mouse_id": "A", **case.signals()}
    short = {k: v[..., :10] for k, v in case.signals().items()}
    short |= {"inputs": long["inputs"][:, :, :10], "mouse_id": "A"}
    with torch.no_grad():
        before, whole, after = model(**short), model(**long), model(**short)
    return before, whole, after, case.tensor("out/A/model")


def test_rotary_tables_are_rebuilt_as_published():
    before, whole, after, expected = rotary_outputs(as_published=True)
    assert relative_error(whole, expected) < LONG
    assert not torch.allclose(before, after, rtol=0, atol=1e-6)


def test_rotary_tables_are_extended_by_default():
    before, whole, after, expected = rotary_outputs(as_published=False)
    assert torch.equal(before, after)
    assert torch.allclose(whole[..., :10], before, atol=1e-5)
    assert relative_error(whole, expected) > LONG


def test_factorized_bias():
    shape = {"core": "linear", "readout": "factorized"}
    fixed, published = small_model(**shape), small_model(**shape, as_published=True)
    assert fixed.readouts["A"].bias.shape == (6,)
    assert published.readouts["A"].bias is None
    assert "readouts.A.bias" not in published.state_dict()
    assert small_model(**shape, readout_bias_mode=0).readouts["A"].bias is None
    case = golden_case("linear_factorized")
    assert case.model(as_published=False).readouts["A"].bias is None


def test_source_grid_of_one_neuron():
    place = torch.tensor([[3.0, 4.0]])
    assert torch.equal(scaled_coordinates(place), torch.zeros(1, 2))
    assert scaled_coordinates(place, as_published=True).isnan().all()
    places = torch.tensor([[0.0, 10.0], [4.0, -10.0]])
    expected = torch.tensor([[-0.2, 1.0], [0.2, -1.0]])
    assert torch.allclose(scaled_coordinates(places), expected)


@pytest.mark.parametrize("as_published", [False, True])
def test_free_positions_are_overwritten_in_eval_only_as_published(as_published):
    model = small_model(readout_grid_mode=0, as_published=as_published)
    readout = model.readouts["A"]
    with torch.no_grad():
        readout._mu[0, 0, 0] = torch.tensor([1.7, -3.0])
        changed = readout._mu.clone()
        model(**small_inputs())
    assert torch.equal(readout._mu, changed) != as_published
    assert torch.equal(readout._mu, changed.clamp(-1, 1)) == as_published
    assert torch.equal(readout.positions()[0], torch.tensor([1.0, -1.0]))


def test_free_positions_are_kept_in_the_frame_in_training():
    model = small_model(readout_grid_mode=0).train()
    readout = model.readouts["A"]
    with torch.no_grad():
        readout._mu.fill_(-2.5)
    model(**small_inputs()).sum().backward()
    assert (readout._mu == -1).all()
    assert readout._mu.grad.abs().sum() > 0


def test_clamped_positions_keep_their_gradient():
    model = small_model(readout_grid_mode=0)
    gradients = []
    for value in (1.0, 1.6):
        with torch.no_grad():
            model.readouts["A"]._mu.fill_(value)
        model.zero_grad()
        model(**small_inputs()).sum().backward()
        gradients.append(model.readouts["A"]._mu.grad.clone())
    assert gradients[0].abs().sum() > 0
    assert torch.equal(*gradients)


def test_temporal_stride_is_refused_unless_as_published():
    flags = {"core_temporal_patch_stride": 2, "core_pos_encoding": 3, "shifter_mode": 0}
    with pytest.raises(ConfigError, match=r"--core_temporal_patch_stride 2 .* use 1"):
        small_model(**flags)
    model = small_model(**flags, as_published=True)
    assert model(**small_inputs()).shape == (2, 6, 10)
    assert model.num_frames_out(SHAPES.video[1]) == 10
