"""Size tuning and onsets of the neurons of a mouse, with what each neuron was shown."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from viv1t.analysis.onset import published_onsets, response_onsets
from viv1t.analysis.size import size_curves, size_tuning
from viv1t.analysis.size_published import published_size_tuning
from viv1t.units import FPS

STIMULI: Final = ("classical", "inverse")
# A hole of this many sigmas keeps the grating off the receptive field.
ISOLATING: Final = 2.5
WHOLE: Final = 0.99
KEYS: Final = ("mouse", "neuron")


def size_tables(
    responses: ArrayLike,
    sizes_deg: ArrayLike,
    *,
    neurons: pd.DataFrame,
    discs: pd.DataFrame,
    rng: np.random.Generator,
    as_published: bool = False,
    progress: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables size_tuning and size_curves of a mouse, without the column mouse.

    Args:
        responses: (n, s, k, d, r) single responses, see `analysis.size`.
        sizes_deg: (s,) ascending from 0.
        neurons: n rows: neuron (row of the mouse) and, where known, z_um.
        discs: rows neuron, size (as in `sizes_deg`), disc_ratio, visible.
        rng: draws the bootstrap samples.
        as_published: the published definitions; columns that they lack are NaN.
        progress: show a progress bar.
    """
    rows = neurons["neuron"].to_numpy()
    curves = size_curves(responses, sizes_deg)
    curves = curves.assign(neuron=rows[curves["neuron"]])
    nothing = {"visible": 1.0, "disc_ratio": 0.0}
    curves = curves.merge(
        discs[["neuron", "size", "visible", "disc_ratio"]].rename(columns={"size": "size_deg"}),
        on=["neuron", "size_deg"],
        how="left",
    )
    curves.loc[curves["size_deg"] == 0, list(nothing)] = list(nothing.values())
    if as_published:
        tuning = _published_columns(responses, sizes_deg)
    else:
        tuning = size_tuning(responses, sizes_deg, rng=rng, progress=progress)
    depth = neurons["z_um"].to_numpy() if "z_um" in neurons else np.nan
    whole = discs[discs["visible"] >= WHOLE].groupby("neuron")["size"].max()
    tuning = tuning.assign(
        neuron=rows, z_um=depth, whole_deg=whole.reindex(rows).fillna(0.0).to_numpy()
    )
    return tuning.assign(near_edge=tuning["whole_deg"] < np.max(np.asarray(sizes_deg))), curves


def _published_columns(responses: ArrayLike, sizes_deg: ArrayLike) -> pd.DataFrame:
    values = np.asarray(responses, dtype=float)
    curves = values.mean(axis=(3, 4))
    found = published_size_tuning(curves, sizes_deg)
    missing = ["classical_r2", "inverse_r2", "suppression_index"]
    missing += [f"{what}_{kind}" for what in "pq" for kind in STIMULI]
    missing += [
        f"{name}_{end}"
        for name in ("classical_deg", "inverse_deg", "suppression_index")
        for end in ("low", "high")
    ]
    return pd.DataFrame(
        {
            "classical_deg": found["classic_preference"],
            "inverse_deg": found["inverse_preference"],
            "classical_tuned": found["classic_tuned"],
            "inverse_tuned": found["inverse_tuned"],
            "classical": curves[:, :, 0].max(axis=1),
            "inverse": curves[:, :, 1].max(axis=1),
            "full_field": curves[:, 0, 1],
            "blank": curves[:, 0, 0],
            "iti": found["iti"],
            **dict.fromkeys(missing, np.nan),
        }
    )


def published_preferences(tuning: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The published table size_tuning_preference: one row a neuron, curves as lists.

    Args:
        tuning: table size_tuning, made `as_published`.
        curves: table size_curves.
    """
    ordered = curves.sort_values("size_deg").groupby(["mouse", "neuron", "stimulus"])["mean"]
    lists = ordered.apply(list).unstack("stimulus").reset_index()
    names = {
        "z_um": "depth",
        "classical_tuned": "classic_tuned",
        "classical_deg": "classic_preference",
        "inverse_deg": "inverse_preference",
        "classical": "classic_tuning_curve",
        "inverse": "inverse_tuning_curve",
    }
    table = tuning.drop(columns=list(STIMULI)).merge(lists, on=["mouse", "neuron"])
    table = table.rename(columns=names)
    order = ["mouse", "neuron", "depth", "classic_tuned", "inverse_tuned", "classic_preference"]
    order += ["inverse_preference", "classic_tuning_curve", "inverse_tuning_curve"]
    return table[order]


def onset_tables(
    traces: ArrayLike,
    sems: ArrayLike,
    *,
    before: int,
    on: int,
    neurons: Sequence[int],
    discs: pd.DataFrame,
    rng: np.random.Generator,
    as_published: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables response_onset and onset_traces of a mouse, without the column mouse.

    Args:
        traces: (n, 2, w) mean responses to disc and hole.
        sems: (n, 2, w) their standard errors.
        before: frames before the stimulus.
        on: frames of the stimulus.
        neurons: (n,) rows of the mouse.
        discs: rows neuron, size_deg, disc_ratio, visible; one a neuron.
        rng: draws the bootstrap samples.
        as_published: onsets by the published definition, without intervals.
    """
    values = np.asarray(traces, dtype=float)
    onsets = response_onsets(values, sems, before=before, on=on, rng=rng)
    if as_published:
        found = published_onsets(values, before=before, on=on)
        ends = [name for name in map(str, onsets) if "_low_" in name or "_high_" in name]
        onsets = onsets.assign(
            classical_onset_s=found[:, 0],
            inverse_onset_s=found[:, 1],
            delay_s=found[:, 1] - found[:, 0],
            **dict.fromkeys(ends, np.nan),
        )
    onsets = onsets.assign(neuron=np.asarray(neurons)).merge(
        discs[["neuron", "size_deg", "disc_ratio", "visible"]], on="neuron", how="left"
    )
    onsets["isolated"] = onsets["disc_ratio"] >= ISOLATING - 1e-6
    row, stimulus, frame = (axis.ravel() for axis in np.indices(values.shape))
    course = pd.DataFrame(
        {
            "neuron": np.asarray(neurons)[row],
            "stimulus": np.array(STIMULI)[stimulus],
            "time_s": (frame - before) / FPS,
            "mean": values.ravel(),
            "sem": np.asarray(sems, dtype=float).ravel(),
        }
    )
    return onsets, course


def with_both_fields(
    onsets: pd.DataFrame, tuning: pd.DataFrame, *, keys: Sequence[str] = KEYS
) -> pd.DataFrame:
    """The rows of `onsets` that a delay can be read from.

    Classical and inverse tuned neurons whose hole isolates the feedback, and whose onsets are both
    known.

    Args:
        onsets: table response_onset.
        tuning: table size_tuning.
        keys: columns that tell neurons apart.
    """
    tuned = tuning[tuning["classical_tuned"] & tuning["inverse_tuned"]]
    chosen = onsets[onsets["isolated"]].merge(tuned[list(keys)], on=list(keys))
    return chosen[chosen["delay_s"].notna()].reset_index(drop=True)


def published_both_fields(
    onsets: pd.DataFrame, tuning: pd.DataFrame, *, keys: Sequence[str] = KEYS
) -> pd.DataFrame:
    """The published choice: both tuned, both preferred sizes 10 to 30 degrees, depth 200 to 300 µm.

    Args:
        onsets: table response_onset.
        tuning: table size_tuning.
        keys: columns that tell neurons apart.
    """
    chosen = tuning["classical_tuned"] & tuning["inverse_tuned"] & tuning["z_um"].between(200, 300)
    for name in ("classical_deg", "inverse_deg"):
        chosen &= tuning[name].between(10, 30)
    return onsets.merge(tuning.loc[chosen, list(keys)], on=list(keys))
