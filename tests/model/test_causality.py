"""Changing frames after t never changes responses up to t for causal models, and does otherwise."""

import pytest
import torch
from model_cases import small_inputs, small_model

from viv1t.model.cores import CORES

CAUSAL = [
    ("vivit", {"core_use_causal_attention": True}),
    ("vivit", {"core_use_causal_attention": True, "core_flash_attention": 0}),
    ("vivit", {"core_use_causal_attention": True, "core_parallel_attention": False}),
    ("vivit", {"core_use_causal_attention": True, "core_pad_frame": 0, "core_pos_encoding": 7}),
    ("vivit", {"core_temporal_depth": 0}),
    ("fcnn", {}),
    ("linear", {}),
    ("linear", {"core_temporal_kernel": 5}),
    ("random", {}),
]
NOT_CAUSAL = [("vivit", {}), ("vivit", {"core_pos_encoding": 0, "core_flash_attention": 0})]
LAST = 14


def responses_to_two_endings(core, flags):
    """Responses to two movies (behaviour and pupil included) that differ after frame LAST only."""
    model = small_model(core, "gaussian", **flags)
    inputs, other = small_inputs(), small_inputs(seed=1)
    frame_axis = {"inputs": 2, "behaviors": 2, "pupil_centers": 2}
    changed = inputs | {
        name: torch.cat(
            (inputs[name].narrow(axis, 0, LAST + 1), other[name].narrow(axis, LAST + 1, 5)), axis
        )
        for name, axis in frame_axis.items()
    }
    found = []
    for movie in (inputs, changed):
        torch.manual_seed(0)
        with torch.no_grad():
            found.append(model(**movie))
    kept = model.num_frames_out(20) - 5
    return model, *(r[..., :kept] for r in found), *(r[..., kept:] for r in found)


@pytest.mark.parametrize(("core", "flags"), CAUSAL)
def test_causal(core, flags):
    model, before, same, after, different = responses_to_two_endings(core, flags)
    assert model.core.causal
    assert before.shape[2] > 2
    assert torch.allclose(before, same, rtol=0, atol=1e-6)
    assert not torch.allclose(after, different, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("core", "flags"), NOT_CAUSAL)
def test_not_causal(core, flags):
    model, before, other, _, _ = responses_to_two_endings(core, flags)
    assert not model.core.causal
    assert not torch.allclose(before, other, rtol=0, atol=1e-6)


def test_every_core_is_tested():
    assert {core for core, _ in CAUSAL} == set(CORES.names())


@pytest.mark.parametrize("num_frames", [7, 13])
def test_a_causal_model_gives_the_same_for_the_start_of_a_movie(num_frames):
    model = small_model(core_use_causal_attention=True)
    inputs = small_inputs()
    start = {k: v if k == "mouse_id" else v.narrow(2, 0, num_frames) for k, v in inputs.items()}
    with torch.no_grad():
        assert torch.allclose(model(**start), model(**inputs)[..., :num_frames], atol=1e-6)
