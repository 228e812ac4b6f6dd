"""Dropout of entries, of whole residual branches and of whole tokens."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 2**16


class Dropout(nn.Module):
    """Zeroes entries and scales the rest, as `nn.Dropout`.

    On the CPU, where PyTorch draws 64 random bits for each entry, 16 decide: six times as fast,
    at a rate rounded to 1 / 65536.

    Args:
        rate: probability of being dropped.

    Attributes:
        scale: factor of what is kept, so that the mean stays.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.num_dropped = min(round(rate * LEVELS), LEVELS - 1)
        self.scale = LEVELS / (LEVELS - self.num_dropped)

    def draw(self, shape: tuple[int, ...]) -> Tensor | None:
        """Which entries are kept: bool on the CPU; None for all of them, as in eval."""
        if not self.training or self.rate == 0:
            return None
        size = torch.Size(shape).numel()
        words = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
        halves = words.view(torch.int16)[:size]
        return (halves >= self.num_dropped - LEVELS // 2).view(shape)

    def forward(self, inputs: Tensor) -> Tensor:
        """The inputs, some entries zero in training; unchanged in eval."""
        if inputs.device.type != "cpu" or torch.compiler.is_compiling():
            return F.dropout(inputs, self.rate, self.training)
        kept = self.draw(inputs.shape)
        return inputs if kept is None else inputs * kept * self.scale


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): drops a residual branch for whole entries of axis 0.

    Args:
        rate: probability of being dropped; the rest is scaled by 1 / (1 - rate).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    @property
    def scale(self) -> float:
        """Factor of what is kept, so that the mean stays."""
        return 1 / (1 - self.rate)

    def draw(self, like: Tensor) -> Tensor | None:
        """1 for entries of axis 0 of `like` that are kept, 0 for others; None if all are."""
        if not self.training or self.rate == 0:
            return None
        return like.new_empty(len(like)).bernoulli_(1 - self.rate)

    def forward(self, branch: Tensor) -> Tensor:
        """The branch (batch, ...), some of its entries zero in training; unchanged in eval."""
        kept = self.draw(branch)
        if kept is None:
            return branch
        return branch * (kept * self.scale).view(-1, *(1,) * (branch.ndim - 1))


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
