"""Fifty steps of training, fast and plain, from one seed."""

import pytest
import torch
from model_cases import small_inputs, small_model

from viv1t.criterions import poisson

STEPS = 50


def loss_curve(fast, flags):
    """The loss of each step of a small model with its default dropouts."""
    model = small_model(core_fast=fast, **flags).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    inputs = small_inputs(num_frames=18)
    with torch.no_grad():
        like = model.eval()(**inputs)
    model.train()
    truth = torch.rand(like.shape, generator=torch.Generator().manual_seed(5)) * 3
    torch.manual_seed(6)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = poisson(truth, model(**inputs))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return torch.tensor(losses)


@pytest.mark.parametrize("is_causal", [True, False])
def test_both_paths_learn_the_same(is_causal):
    plain, fast = (loss_curve(f, {"core_use_causal_attention": is_causal}) for f in (0, 1))
    assert plain[-10:].mean() < 0.95 * plain[:10].mean()
    torch.testing.assert_close(fast, plain, rtol=1e-3, atol=0)
    torch.testing.assert_close(fast[:5], plain[:5], rtol=1e-5, atol=0)
