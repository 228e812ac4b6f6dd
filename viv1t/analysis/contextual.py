"""Modulation by what surrounds the receptive field: indices, intervals and tests per neuron."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from viv1t.analysis.stats import FloatArray, benjamini_hochberg, hierarchical_bootstrap
from viv1t.config.flags import check
from viv1t.names import SURROUND_KINDS

# Neurons that are resampled together: memory is `num` times this times 32 bytes.
BLOCK: Final = 256
# As published: the classical sizes that a neuron may prefer, its depth, the size that is analysed.
PUBLISHED_CLASSICAL_DEG: Final = (10.0, 20.0, 30.0)
PUBLISHED_DEPTH_UM: Final = (100.0, 300.0)
PUBLISHED_SIZE_DEG: Final = 20.0
# The published table (one file a run) and our names of its columns.
PUBLISHED_COLUMNS: Final[Sequence[tuple[str, str]]] = (
    ("mouse", "mouse"),
    ("contrast_type", "contrast_type"),
    ("neuron", "neuron"),
    ("center", "centre"),
    ("iso", "iso"),
    ("cross", "cross"),
    ("shift", "shift"),
    ("cmi", "cmi"),
)


# Contextual modulation of mouse V1 in vivo, digitised from Keller et al. (2020, Neuron): shares of
# neurons in bins of .25 from -1.5 to 1.5, below and above them, and the median.
KELLER_EDGES: Final = tuple(np.linspace(-1.5, 1.5, 13))
KELLER_SHARES: Final = (
    *(0.0004, 0.0080, 0.0107, 0.0136, 0.0276, 0.0412),
    *(0.0767, 0.1623, 0.2064, 0.1800, 0.1019, 0.0330),
)
KELLER_BELOW: Final = 0.037
KELLER_ABOVE: Final = 0.0991
KELLER_MEDIAN: Final = 0.6408


def modulation_index(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """(b - a) / (b + a), element by element, in -1..1.

    With a = iso and b = cross it is the contextual modulation index of Keller et al. (2020,
    Neuron); with a = iso and b = centre an index of surround suppression. Negative responses
    (below the baseline) count as none; where neither responds the index is NaN.
    """
    first, second = (np.clip(np.asarray(x, dtype=float), 0, None) for x in (a, b))
    total = first + second
    index = np.full(total.shape, np.nan)
    np.divide(second - first, total, out=index, where=total > 0)
    return index


def suppression(centre: ArrayLike, surround: ArrayLike) -> FloatArray:
    """1 - surround / centre, element by element: 1 is silence, negative facilitation.

    NaN where the centre alone gives no response.
    """
    alone, around = np.broadcast_arrays(np.asarray(centre, float), np.asarray(surround, float))
    ratio = np.full(alone.shape, np.nan)
    np.divide(around, alone, out=ratio, where=alone > 0)
    return 1 - ratio


def resample(samples: FloatArray, *, num: int, rng: np.random.Generator) -> FloatArray:
    """Means (num, n, k) over bootstrapped presentations.

    Presentations with the same place in r stay together, so that stimuli of equal phase are
    compared with each other.

    Args:
        samples: (n, k, r).
        num: bootstraps.
        rng: random numbers.
    """
    r = samples.shape[2]
    weights = rng.multinomial(r, np.full(r, 1 / r), size=num) / r
    return np.einsum("br,nkr->bnk", weights, samples, optimize=True)


def interval_shares(level: float, r: int) -> FloatArray:
    """Quantiles (2,) of bootstraps of `r` samples that make an interval of `level`.

    The expanded percentile interval of Hesterberg (2015): the plain one is too narrow for few
    samples.
    """
    tail = stats.t.ppf((1 - level) / 2, max(r - 1, 1)) * np.sqrt(r / max(r - 1, 1))
    low = float(stats.norm.cdf(tail))
    return np.array([low, 1 - low])


def contextual_modulation(
    samples: ArrayLike,
    conditions: pd.DataFrame,
    *,
    baseline: ArrayLike,
    rng: np.random.Generator,
    num: int = 2000,
    level: float = 0.95,
) -> pd.DataFrame:
    """One row a neuron, contrast and size, in this order of the neurons.

    Columns: row (of the samples), contrast, size, centre, iso, cross, shift (means, with the
    baseline), baseline, num_presentations; without the baseline: cmi = (cross - iso) /
    (cross + iso), si = 1 - iso / centre, and suppression_<kind> = (centre - kind) /
    (centre + kind), with `level` intervals cmi_low, cmi_high, suppression_iso_low,
    suppression_iso_high from bootstrapped presentations; cmi_p and suppression_p of Wilcoxon
    signed-rank tests over presentations (cross against iso, centre against iso), cmi_q and
    suppression_q their false-discovery rates over the neurons of a contrast and size; responsive:
    the interval of the centre's response lies above the baseline.

    Args:
        samples: (n, k, r) response to each presentation; equal places in r are comparable.
        conditions: k rows: contrast, size and kind, one of `names.SURROUND_KINDS`. The iso
            surround continues the centre: it may be given once a contrast, whatever its size.
        baseline: (n,) response to grey, or 0.
        rng: random numbers of the bootstrap.
        num: bootstraps.
        level: of the intervals.

    Raises:
        ValueError: a kind is missing.
    """
    values = np.asarray(samples, dtype=float)
    grey = np.broadcast_to(np.asarray(baseline, dtype=float), len(values))
    frames = []
    centres = conditions[conditions["kind"] == "centre"]
    for contrast, size in centres[["contrast", "size"]].drop_duplicates().to_numpy():
        places = [condition_row(conditions, kind, contrast, size) for kind in SURROUND_KINDS]
        chosen = values[:, places]
        frame = pd.DataFrame({"row": np.arange(len(values)), "contrast": contrast, "size": size})
        means = chosen.mean(axis=2)
        for kind, mean in zip(SURROUND_KINDS, means.T, strict=True):
            frame[kind] = mean
        frame = frame.assign(baseline=grey, num_presentations=chosen.shape[2])
        above = chosen - grey[:, None, None]
        frame = frame.assign(**indices(above.mean(axis=2)))
        frames.append(frame.assign(**_intervals(above, num, level, rng), **_tests(above)))
    return pd.concat(frames, ignore_index=True)


def indices(means: FloatArray) -> dict[str, FloatArray]:
    """cmi, si and suppression_<kind> (...) of means (..., 4) in the order of SURROUND_KINDS."""
    centre, iso, cross, shift = np.moveaxis(means, -1, 0)
    return {
        "cmi": modulation_index(iso, cross),
        "si": suppression(centre, iso),
        "suppression_iso": modulation_index(iso, centre),
        "suppression_cross": modulation_index(cross, centre),
        "suppression_shift": modulation_index(shift, centre),
    }


def condition_row(conditions: pd.DataFrame, kind: str, contrast: float, size: float) -> int:
    """Row of a condition; of the only iso surround of a contrast whatever its size.

    Raises:
        ValueError: there is none, or more than one.
    """
    fits = (conditions["kind"] == kind) & (conditions["contrast"] == contrast)
    same_size = fits & (conditions["size"] == size)
    found = np.flatnonzero(same_size if same_size.any() or kind != "iso" else fits)
    if len(found) != 1:
        raise ValueError(
            f"expected one condition {kind} of contrast {contrast:g} and size {size:g}, "
            f"found {len(found)}"
        )
    return int(found[0])


def _intervals(
    above: FloatArray, num: int, level: float, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    shares = interval_shares(level, above.shape[2])
    bounds: dict[str, list[FloatArray]] = {"cmi": [], "suppression_iso": [], "centre": []}
    for start in range(0, len(above), BLOCK):
        means = resample(above[start : start + BLOCK], num=num, rng=rng)
        resampled = indices(means) | {"centre": means[..., 0]}
        for name, parts in bounds.items():
            drawn = np.nan_to_num(resampled[name])
            parts.append(np.quantile(drawn, shares, axis=0))
    found: dict[str, NDArray[np.generic]] = {}
    for name in ("cmi", "suppression_iso"):
        found[f"{name}_low"], found[f"{name}_high"] = np.concatenate(bounds[name], axis=1)
    return found | {"responsive": np.concatenate(bounds["centre"], axis=1)[0] > 0}


def _tests(above: FloatArray) -> dict[str, FloatArray]:
    centre, iso, cross, _ = above.swapaxes(0, 1)
    found: dict[str, FloatArray] = {}
    for name, difference in (("cmi", cross - iso), ("suppression", centre - iso)):
        p = signed_rank_p(difference)
        found |= {f"{name}_p": p, f"{name}_q": benjamini_hochberg(p)}
    return found


def signed_rank_p(
    differences: FloatArray, *, alternative: Literal["two-sided", "greater"] = "two-sided"
) -> FloatArray:
    """P values (n,) of Wilcoxon signed-rank tests of differences (n, r)."""
    p = np.where(np.isnan(differences).any(axis=1), np.nan, 1.0)
    tested = (p == 1) & differences.any(axis=1)
    if tested.any() and differences.shape[1] > 1:
        p[tested] = stats.wilcoxon(differences[tested], axis=1, alternative=alternative).pvalue
    return p


def published_modulation(table: pd.DataFrame) -> pd.DataFrame:
    """The published table: its columns, contrasts and selection of neurons.

    Kept are size 20°, and neurons whose preferred classical size is 10, 20 or 30° and that lie at
    a depth of 100 to 300 µm, or an unknown one.

    Args:
        table: of `contextual_modulation`, without baseline; columns mouse, neuron, z_um (depth)
            and classical_deg (preferred classical size) besides.
    """
    shallow, deep = PUBLISHED_DEPTH_UM
    kept = table[
        table["size"].eq(PUBLISHED_SIZE_DEG)
        & table["classical_deg"].isin(PUBLISHED_CLASSICAL_DEG)
        & (table["z_um"].isna() | table["z_um"].between(shallow, deep))
    ]
    found = kept.assign(contrast_type=contrast_types(kept["contrast"]))
    return found.rename(columns={ours: name for name, ours in PUBLISHED_COLUMNS})[
        [name for name, _ in PUBLISHED_COLUMNS]
    ].reset_index(drop=True)


def one_size(table: pd.DataFrame, size_deg: float | None) -> pd.DataFrame:
    """The rows of one disc a neuron.

    Args:
        table: columns mouse, neuron, contrast and size_deg.
        size_deg: the diameter that is wanted; None: there is but one a neuron.

    Raises:
        ConfigError: there are several, or none of `size_deg`.
    """
    sizes = sorted(table["size_deg"].round(3).unique())
    listed = ", ".join(f"{size:g}" for size in sizes[:12])
    if size_deg is not None:
        chosen = table[np.isclose(table["size_deg"], size_deg)]
        check(len(chosen) > 0, f"--size_deg {size_deg:g} was not shown; there are {listed}")
        return chosen.reset_index(drop=True)
    key = [name for name in ("mouse", "neuron", "contrast") if name in table]
    check(
        not table.duplicated(key).any(),
        f"discs of several sizes were shown ({listed}): choose one with --size_deg",
    )
    return table.reset_index(drop=True)


def contrast_types(contrast: pd.Series) -> NDArray[np.str_]:
    """The published names: "high_contrast" for the highest contrast of all, else "low_contrast"."""
    return np.where(contrast == contrast.max(), "high_contrast", "low_contrast")


def summarise(
    table: pd.DataFrame, columns: Sequence[str], *, rng: np.random.Generator, num: int = 2000
) -> pd.DataFrame:
    """One row a contrast and column of `table`: what the population does.

    Columns: contrast, index, median (over all neurons), and mean, low, high, p, num_neurons,
    num_mice of a hierarchical bootstrap over mice and their neurons, because neurons of one mouse
    are not independent (Saravanan et al. 2020). Columns without any value have no row.

    Args:
        table: columns mouse, contrast and `columns`.
        columns: which to summarise.
        rng: random numbers.
        num: bootstraps.
    """
    rows = []
    for contrast, part in table.groupby("contrast"):
        for column in columns:
            known = part.dropna(subset=[column])
            if known.empty:
                continue
            estimate = hierarchical_bootstrap(known[column], known["mouse"], num=num, rng=rng)
            about = {"contrast": contrast, "index": column, "median": known[column].median()}
            rows.append(about | vars(estimate))
    return pd.DataFrame(rows)
