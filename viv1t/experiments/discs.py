"""Discs that fit each neuron's receptive field, and experiments on some of the neurons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import ConfigError
from viv1t.experiments.placed import Group, Placement
from viv1t.rng import child

# Discs of neurons differ by steps of this radius, so that neurons can share a placement.
RADIUS_STEP_PX: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class DiscPlacement(Placement):
    """A placement with its own disc.

    Attributes:
        radius_px: of the disc.
    """

    radius_px: float


def stepped(radius_px: float) -> float:
    """`radius_px` rounded up to the radius of a disc that is shown."""
    return float(np.ceil(radius_px / RADIUS_STEP_PX) * RADIUS_STEP_PX)


def disc_radius_px(
    receptive_fields: pd.DataFrame, sigmas: float, num_neurons: int
) -> NDArray[np.float64]:
    """Radius (n,) that covers `sigmas` of the wider axis of each receptive field; NaN: no field.

    Args:
        receptive_fields: rows of the table aRF of one mouse.
        sigmas: of the envelope.
        num_neurons: n.
    """
    good = receptive_fields[~receptive_fields["bad_fit"].to_numpy(bool)]
    radius = np.full(num_neurons, np.nan)
    wider = good[["sigma_x_px", "sigma_y_px"]].max(axis=1)
    radius[good["neuron"].to_numpy(int)] = sigmas * wider.to_numpy(float)
    return radius


def with_discs(groups: Sequence[Group], radius_px: NDArray[np.floating]) -> list[Group]:
    """`groups` divided by the size of the disc, rounded up to steps of half a pixel.

    Args:
        groups: of neurons with one centre and direction.
        radius_px: (n,) of all neurons of the mouse; neurons without one (NaN) are left out.
    """
    rounded = np.array([stepped(radius) for radius in radius_px])
    divided = []
    for group in groups:
        of_group = rounded[group.neurons]
        for radius in np.unique(of_group[np.isfinite(of_group)]):
            place = DiscPlacement(**vars(group.placement), radius_px=float(radius))
            divided.append(Group(placement=place, neurons=group.neurons[of_group == radius]))
    return divided


def take_neurons(
    groups: Sequence[Group],
    *,
    neurons: Sequence[int] | None = None,
    max_neurons: int | None = None,
    seed: int = 0,
) -> list[Group]:
    """`groups` with some of their neurons; each neuron costs a pass of its own.

    Args:
        groups: of neurons.
        neurons: rows that are wanted; None: all.
        max_neurons: draw so many of them at random, if there are more; None: all.
        seed: of the draw.

    Raises:
        ConfigError: none is left.
    """
    placed = np.concatenate([group.neurons for group in groups])
    chosen = placed if neurons is None else np.intersect1d(placed, np.asarray(neurons, int))
    if not len(chosen):
        raise ConfigError(
            f"--neurons names none of the {len(placed)} neurons that have a place: "
            f"{', '.join(map(str, np.sort(placed)[:20]))}{', ...' if len(placed) > 20 else ''}"
        )
    if max_neurons is not None and len(chosen) > max_neurons:
        chosen = child(seed, "neurons").choice(np.sort(chosen), max_neurons, replace=False)
    kept = [
        replace(group, neurons=group.neurons[np.isin(group.neurons, chosen)]) for group in groups
    ]
    return [group for group in kept if len(group.neurons)]
