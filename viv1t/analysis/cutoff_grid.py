"""Which low-pass of generated stimuli loses little: responses over a grid of cutoffs."""

from dataclasses import dataclass

import pandas as pd

from viv1t.analysis.elbow import elbow
from viv1t.errors import ConfigError

CUTOFFS = ("spatial_cutoff", "temporal_cutoff")


@dataclass(frozen=True, kw_only=True)
class CutoffPick:
    """Cutoffs beyond which responses hardly grow.

    Attributes:
        spatial: as a share of the highest spatial frequency; None: there is no elbow.
        temporal: likewise.
    """

    spatial: float | None
    temporal: float | None


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with a column gain_percent, 100 (value - reference) / reference, of the best seed.

    Args:
        table: mouse, neuron, spatial_cutoff, temporal_cutoff, value, reference; a row a stimulus.

    Raises:
        ConfigError: no reference is above 0.
    """
    key = ["mouse", "neuron", "spatial_cutoff", "temporal_cutoff"]
    best = table.sort_values("value", ascending=False).drop_duplicates(key).sort_values(key)
    best = best[best["reference"] > 0]
    if best.empty:
        raise ConfigError(
            "no neuron has a reference response above 0: gains are relative to the best natural "
            "stimulus, or to the stimuli of the highest cutoffs"
        )
    gain = 100 * (best["value"] - best["reference"]) / best["reference"]
    return best.assign(gain_percent=gain).reset_index(drop=True)


def mean_grid(table: pd.DataFrame) -> pd.DataFrame:
    """Mean gains over neurons: index spatial, columns temporal cutoff, both ascending.

    Args:
        table: of `gains`.
    """
    return table.pivot_table(
        index="spatial_cutoff", columns="temporal_cutoff", values="gain_percent", aggfunc="mean"
    )


def cutoff_curves(grid: pd.DataFrame) -> dict[str, pd.Series]:
    """{"spatial", "temporal"}: mean gains by one cutoff (the index), averaged over the other.

    Args:
        grid: of `mean_grid`; cells may be missing.
    """
    return {"spatial": grid.T.mean(), "temporal": grid.mean()}


def pick_cutoffs(grid: pd.DataFrame) -> CutoffPick:
    """The elbows (`elbow.elbow`) of the gains over one cutoff, averaged over the other.

    Args:
        grid: of `mean_grid`; cells may be missing.
    """
    found: dict[str, float | None] = {}
    for name, curve in cutoff_curves(grid).items():
        cutoffs = curve.index.to_numpy(float)
        place = elbow(cutoffs, curve.to_numpy(float))
        found[name] = None if place is None else float(cutoffs[place])
    return CutoffPick(**found)
