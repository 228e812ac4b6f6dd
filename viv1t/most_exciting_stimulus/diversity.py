"""Varied exciting inputs: stimuli that drive a neuron alike and look different."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from viv1t.config.flags import check


@dataclass(frozen=True, eq=False)
class Diversity:
    """A penalty on stimuli of a set that resemble another one.

    Ding et al. (2023) ascend the mean response of a set and the smallest distance between two of
    its images together; here the distance is the Pearson correlation of grey values, which does
    not change with contrast.

    Attributes:
        weight: of a correlation of 1, in units of the score.
        free: (h, w) weights 0..1 of pixels that count.
    """

    weight: float
    free: Tensor

    def __call__(self, movie: Tensor) -> Tensor:
        """(s,) `weight` times the correlation of each movie (s, t, h, w) with the most similar."""
        check(len(movie) > 1, "--diversity needs --num_seeds 2 or more, got 1")
        likeness = correlations(movie, self.free)
        own = torch.eye(len(movie), dtype=torch.bool, device=movie.device)
        return self.weight * likeness.masked_fill(own, -torch.inf).amax(dim=1)


def correlations(movie: Tensor, free: Tensor) -> Tensor:
    """(s, s) Pearson correlations of movies (s, t, h, w) over free pixels (h, w) and frames."""
    weight = free.to(movie).expand_as(movie)
    total = weight.sum(dim=(1, 2, 3), keepdim=True)
    centred = movie - (movie * weight).sum(dim=(1, 2, 3), keepdim=True) / total
    flat = normalize((centred * weight.sqrt()).flatten(1), dim=1)
    return flat @ flat.T
