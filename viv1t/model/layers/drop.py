"""Dropout of whole residual branches and of whole tokens."""

import torch.nn.functional as F
from torch import Tensor, nn


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): drops a residual branch for whole entries of axis 0.

    Args:
        rate: probability of being dropped; the rest is scaled by 1 / (1 - rate).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """The branch (batch, ...), some of its entries zero in training; unchanged in eval."""
        if not self.training or self.rate == 0:
            return branch
        keep = 1 - self.rate
        mask = branch.new_empty((len(branch), *(1,) * (branch.ndim - 1))).bernoulli_(keep)
        return branch * mask.div_(keep)


class DropPatch(nn.Module):
    """Zeroes whole tokens, the rest scaled by 1 / (1 - rate).

    Args:
        rate: probability of being dropped.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (b, t, p, d), each kept or zeroed as a whole in training; unchanged in eval."""
        return F.dropout1d(tokens.flatten(1, 2), self.rate, self.training).view_as(tokens)
