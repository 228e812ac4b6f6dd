"""Losses and their gradients against the golden numbers."""

import numpy as np
import pytest
import torch
from golden_cases import arrays, facts

from viv1t.criterions import CRITERIONS, build_criterion
from viv1t.errors import ConfigError

FACTS = facts("criterions")
LOSSES = sorted(key.removesuffix("/loss") for key in arrays("criterions") if key.endswith("/loss"))


def test_all_published_losses_exist():
    assert CRITERIONS.names() == tuple(sorted(FACTS["names"]))


@pytest.mark.parametrize("key", LOSSES)
def test_loss_and_gradient_are_the_published_ones(key):
    case, name, scale, mouse_id = key.split("/")
    stored = arrays("criterions")
    y_true = torch.from_numpy(stored[f"{case}/y_true"])
    y_pred = torch.from_numpy(stored[f"{case}/y_pred"]).requires_grad_()
    ds_scale = int(scale.removeprefix("scale"))
    criterion = build_criterion(name, ds_scale=ds_scale, train_sizes=FACTS["sizes"])
    loss = criterion(y_true, y_pred, mouse_id)
    (gradient,) = torch.autograd.grad(loss, y_pred)
    np.testing.assert_allclose(loss.item(), stored[f"{key}/loss"], rtol=2e-4, atol=2e-5)
    if case == "const_pred" and "correlation" in name:
        assert gradient.isfinite().all(), "amplified by 1/eps: only finiteness can be compared"
        return
    expected = stored[f"{key}/grad"]
    huge = np.nanmax(np.abs(expected), initial=0) > 1e3
    np.testing.assert_allclose(gradient, expected, rtol=2e-3, atol=0 if huge else 1e-5)


@pytest.mark.parametrize("mouse_id", sorted(FACTS["weights"]))
def test_weights_of_mice_are_the_published_ones(mouse_id):
    criterion = build_criterion("mse", ds_scale=1, train_sizes=FACTS["sizes"])
    assert criterion.weights[mouse_id] == pytest.approx(FACTS["weights"][mouse_id], rel=1e-6)


def test_without_scaling_all_mice_weigh_the_same():
    y_true, y_pred = torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    criterion = build_criterion("mse", ds_scale=0, train_sizes=FACTS["sizes"])
    assert {float(criterion(y_true, y_pred, mouse_id)) for mouse_id in "ABC"} == {1.0}


@pytest.mark.parametrize("ask", [CRITERIONS.check, CRITERIONS.__getitem__])
def test_an_unknown_name_gets_the_nearest_one(ask):
    with pytest.raises(ConfigError, match=r"unknown criterion 'poison'; did you mean 'poisson'"):
        ask("poison")


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="registered twice"):
        CRITERIONS.register("mse")(lambda y_true, y_pred: y_pred.sum())
