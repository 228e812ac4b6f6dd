"""Every golden case of the published model: tokens, features, responses, loss and gradients."""

import pytest
import torch
from model_cases import golden_case, golden_names, relative_error

OUTPUTS = 2e-5
GRADIENTS = 2e-4
LOSS = 2e-6
CASES = golden_names(with_readout=True)


def test_the_cases_are_there():
    assert {"vivit_readme_small", "fcnn_gaussian", "linear_factorized"} <= set(CASES)
    case = golden_case("vivit_readme_small")
    assert len(case.group("sd/")) > 40
    assert len(case.group("grad/A/")) > 3


@pytest.mark.parametrize("name", golden_names(with_readout=False))
def test_core(name):
    case = golden_case(name)
    core, mouse_id = case.core(), case.mouse_ids[0]
    video, signals = case.tensor("in/video"), case.signals()
    with torch.no_grad():
        if f"out/{mouse_id}/tokens" in case.arrays:
            tokens = core.tokenizer(video, **signals)
            assert relative_error(tokens, case.tensor(f"out/{mouse_id}/tokens")) < OUTPUTS
        features = core(video, mouse_id=mouse_id, **signals)
    assert relative_error(features, case.tensor(f"out/{mouse_id}/core")) < OUTPUTS
    assert core.num_frames_out(video.shape[2]) == features.shape[2]
    assert core.output_shape[::2] == (features.shape[1], features.shape[3])
    assert core.output_shape[3] == features.shape[4]
    assert sum(p.numel() for p in core.parameters()) == case.meta["n_core_params"]


@pytest.mark.parametrize("name", CASES)
def test_state_dict(name):
    case = golden_case(name)
    model = case.model(as_published=True)
    stored = case.group("sd/")
    assert list(model.state_dict()) == list(stored)
    for key, value in model.state_dict().items():
        assert (value.shape, value.dtype) == (stored[key].shape, stored[key].dtype)
    assert sum(p.numel() for p in model.parameters()) == case.meta["n_params"]


@pytest.mark.parametrize(
    ("name", "mouse_id"), [(n, m) for n in CASES for m in golden_case(n).mouse_ids]
)
def test_responses_loss_and_gradients(name, mouse_id):
    case = golden_case(name)
    model = case.model(as_published=True)
    inputs = {"inputs": case.tensor("in/video"), "mouse_id": mouse_id, **case.signals()}
    with torch.no_grad():
        raw = model(**inputs, activate=False)
    assert relative_error(raw, case.tensor(f"out/{mouse_id}/pre_activation")) < OUTPUTS
    responses = model(**inputs)
    assert relative_error(responses, case.tensor(f"out/{mouse_id}/model")) < OUTPUTS
    loss = golden_loss(case, responses, case.tensor(f"target/{mouse_id}"))
    assert relative_error(loss, case.tensor(f"out/{mouse_id}/loss")) < LOSS
    loss.backward()
    gradients = {
        key: torch.zeros_like(p) if p.grad is None else p.grad
        for key, p in model.named_parameters()
    }
    for key, expected in case.group(f"grad/{mouse_id}/").items():
        assert relative_error(gradients[key], expected) < GRADIENTS, key
    norm = torch.stack([g.norm() for g in gradients.values()]).norm()
    assert relative_error(norm, case.tensor(f"out/{mouse_id}/grad_norm_total")) < GRADIENTS


def golden_loss(case, responses, target):
    """The loss of the fixtures, written out here so that it does not move with ours."""
    if case.args["output_mode"] == 0:
        return (responses - target).square().mean()
    eps = torch.finfo(torch.float32).eps
    return (responses + eps - (target + eps) * torch.log(responses + eps)).sum()
