"""The numbers of the proof: each line by seed, negative controls, and both as Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from viv1t.analysis.retinotopy import NoiseMaps, fit_noise_maps
from viv1t.analysis.stats import benjamini_hochberg
from viv1t.data.mice import find_mice
from viv1t.data.synthetic.ceiling import noise_ceiling
from viv1t.data.synthetic.truth import load_truth
from viv1t.errors import MissingResultError
from viv1t.names import MouseId
from viv1t.results.contextual_tables import FLIPS, MODULATION
from viv1t.results.store import read_result
from viv1t.results.tables import read_table
from viv1t.rng import child
from viv1t.validation.chain import Bench, maps_of
from viv1t.validation.lines import LINES, Bound, Line, measure

TABLES: Final = ("aRF", "selectivity", MODULATION, FLIPS, "size_tuning", "response_onset")
# Cells whose model correlation is below this share of the ceiling do not count end to end.
MIN_OF_CEILING: Final = 0.4
TIER: Final = "live_main"
# What a control must not show: table and column of p; flips have a rule of their own.
EFFECTS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = MappingProxyType(
    {
        "surround": (
            ("suppression by the surround, full contrast", MODULATION, "suppression_p"),
            ("iso against cross, full contrast", MODULATION, "cmi_p"),
        ),
        "feedback": (("inverse tuning", "size_tuning", "p_inverse"),),
        "facilitation": (("contrast flips", FLIPS, "p"),),
        "tuning": (
            ("orientation tuning", "selectivity", "p_orientation"),
            ("direction tuning", "selectivity", "p_direction"),
        ),
    }
)
MAX_P: Final = 0.05
MAX_Q: Final = 0.02


def true_parameters(data_dir: Path, mouse_id: MouseId) -> pd.DataFrame:
    """The true parameters of a synthetic mouse, with the columns mouse and neuron."""
    truth = load_truth(find_mice(data_dir)[mouse_id].folder)
    return truth.assign(mouse=mouse_id, neuron=np.arange(len(truth)))


def tables_of(folder: Path, mouse_ids: Sequence[MouseId]) -> dict[str, pd.DataFrame]:
    """The tables in a folder that hold these mice; of modulation, the highest contrast."""
    found = {}
    for name in TABLES:
        try:
            found[name] = read_result(folder, name, mouse_ids=list(mouse_ids))
        except MissingResultError:
            continue
    if MODULATION in found:
        found[MODULATION] = full_contrast(found[MODULATION])
    return found


def full_contrast(modulation: pd.DataFrame) -> pd.DataFrame:
    """The rows of the highest contrast."""
    return modulation[modulation["contrast"].eq(modulation["contrast"].max())]


def oracle_lines(bench: Bench, seed: int) -> pd.DataFrame:
    """The lines of one seed, see `lines.measure`.

    Args:
        bench: where `chain.run_seed` ran.
        seed: which.
    """
    mouse_id = f"O{seed}"
    tables = tables_of(bench.noisy, [mouse_id])
    maps = maps_of(bench.noisy, mouse_id)
    linear = NoiseMaps(sta=maps.sta, second_moment=np.zeros_like(maps.sta))
    null = child(seed, "null", mouse_id)
    tables["aRF_sta"] = fit_noise_maps(linear, rng=null).assign(mouse=mouse_id)
    noise = child(seed, "maps of noise").standard_normal((2, *maps.sta.shape)).astype(np.float32)
    tables["aRF_noise"] = fit_noise_maps(
        NoiseMaps(sta=noise[0], second_moment=noise[1]), rng=null
    ).assign(mouse=mouse_id)
    truth = true_parameters(bench.data_dir, mouse_id)
    exact = full_contrast(read_result(bench.noiseless, MODULATION, mouse_ids=[mouse_id]))
    best = read_table(bench.noiseless / f"preferred_sizes_{mouse_id}.parquet", command="run_seed")
    truth["true_cmi"] = truth["neuron"].map(exact.set_index("neuron")["cmi"])
    truth["true_classical_deg"] = truth["neuron"].map(best.set_index("neuron")["classical_deg"])
    asked = [line for line in LINES if line.oracle is not None or line.end_to_end is None]
    return measure(tables, truth, lines=asked)


def control_lines(bench: Bench, seed: int) -> pd.DataFrame:
    """One row a control and effect: control, effect, num_neurons, num_p, num_q.

    num_p cells have an effect at p < .05, num_q after false-discovery control. A flip is one by
    the rule of the table, with p or q in its place.

    Args:
        bench: where `chain.run_seed` ran.
        seed: which.
    """
    rows = []
    for part, effects in EFFECTS.items():
        tables = tables_of(bench.noisy, [f"N_{part}{seed}"])
        for effect, name, column in effects:
            if name not in tables:
                continue
            table = tables[name]
            p = table[column].to_numpy(float)
            also = np.ones(len(p), dtype=bool)
            if name == FLIPS:
                also = (table["exceeds"] & table["reproduced"]).to_numpy(bool)
            found, kept = (also & (np.nan_to_num(x, nan=1.0) < MAX_P) for x in (p, _q(p)))
            rows.append((part, effect, len(p), int(found.sum()), int(kept.sum())))
    columns = ["control", "effect", "num_neurons", "num_p", "num_q"]
    return pd.DataFrame(rows, columns=columns)


def _q(p: np.ndarray) -> np.ndarray:
    return benjamini_hochberg(np.nan_to_num(p, nan=1.0))


def end_to_end_lines(
    folder: Path, truth_folder: Path, data_dir: Path, mouse_ids: Sequence[MouseId]
) -> pd.DataFrame:
    """The lines of a model that was trained on synthetic recordings, all mice together.

    Only neurons whose correlation on live_main exceeds .4 of their ceiling count. The truth of
    indices is what the same scripts find with `--responder truth`.

    Args:
        folder: the run.
        truth_folder: results of the truth itself.
        data_dir: the recordings.
        mouse_ids: mice of both.
    """
    command = f"python misc/evaluate_response.py --output_dir {folder}"
    scores = read_table(folder / "neuron_performance.parquet", command=command)
    scores = scores[scores["tier"].eq(TIER)]
    parts = []
    for mouse_id in mouse_ids:
        own = scores[scores["mouse"].eq(mouse_id)].set_index("neuron")["correlation"]
        truth = true_parameters(data_dir, mouse_id)
        ceiling = noise_ceiling(data_dir, mouse_id, TIER)
        reached = truth["neuron"].map(own).to_numpy() / ceiling
        parts.append(truth[reached > MIN_OF_CEILING])
    truth = pd.concat(parts, ignore_index=True)
    exact = tables_of(truth_folder, mouse_ids)
    for column, name, of in (
        ("true_cmi", MODULATION, "cmi"),
        ("true_classical_deg", "size_tuning", "classical_deg"),
        ("true_osi", "selectivity", "osi"),
    ):
        values = exact[name].set_index(["mouse", "neuron"])[of]
        truth = truth.join(values.rename(column), on=["mouse", "neuron"])
    asked = [line for line in LINES if line.end_to_end is not None]
    return measure(tables_of(folder, mouse_ids), truth, lines=asked)


def summarise_lines(by_seed: pd.DataFrame, *, end_to_end: bool = False) -> pd.DataFrame:
    """One row a line: line, cells, tolerance, mean, low, high, num_seeds, share_met, met.

    low and high are the range over seeds; a line is met if its mean is, and share_met of the
    seeds are. Lines without a tolerance have neither.

    Args:
        by_seed: rows of `oracle_lines`, one seed after the other.
        end_to_end: the tolerances of models.
    """
    bounds = {line.name: _bound(line, end_to_end=end_to_end) for line in LINES}
    rows = []
    for (name, cells), group in by_seed.groupby(["line", "cells"], sort=False):
        bound, values = bounds[str(name)], group["value"].to_numpy(float)
        mean = float(np.nanmean(values)) if np.isfinite(values).any() else np.nan
        rows.append(
            {
                "line": name,
                "cells": cells,
                "tolerance": "-" if bound is None else str(bound),
                "mean": mean,
                "low": float(np.nanmin(values)) if np.isfinite(values).any() else np.nan,
                "high": float(np.nanmax(values)) if np.isfinite(values).any() else np.nan,
                "num_seeds": len(values),
                "share_met": np.nan if bound is None else np.mean([*map(bound.is_met, values)]),
                "met": "-" if bound is None else "yes" if bound.is_met(mean) else "no",
            }
        )
    return pd.DataFrame(rows)


def _bound(line: Line, *, end_to_end: bool) -> Bound | None:
    return line.end_to_end if end_to_end else line.oracle


def summarise_controls(by_seed: pd.DataFrame) -> pd.DataFrame:
    """One row a control and effect: control, effect, num_neurons, share_p, share_q, met."""
    keys = ["control", "effect"]
    total = by_seed.groupby(keys, sort=False)[["num_neurons", "num_p", "num_q"]].sum()
    table = total.reset_index()
    table["share_p"] = table["num_p"] / table["num_neurons"]
    table["share_q"] = table["num_q"] / table["num_neurons"]
    met = (table["share_p"] <= MAX_P) & (table["share_q"] <= MAX_Q)
    return table.assign(met=np.where(met, "yes", "no")).drop(columns=["num_p", "num_q"])
