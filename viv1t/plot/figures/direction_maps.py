"""Where in the cortex neurons are tuned alike."""

import numpy as np
import pandas as pd

from viv1t.analysis.direction import tuning_similarity
from viv1t.analysis.selectivity import ALPHA
from viv1t.errors import ConfigError
from viv1t.plot.axes import label, legend_below
from viv1t.plot.direction_sources import MIN_NEURONS, DirectionComparison
from viv1t.plot.panels import corner_text
from viv1t.plot.panels.cortex import cortex_map, similarity_lines
from viv1t.plot.style import PAGE_MM, Plate, house_style, new_figure

MAX_DEPTH_UM = 125.0
SLAB_UM = 100.0


def tuning_similarity_figure(
    comparison: DirectionComparison, bins: pd.DataFrame, decays: pd.DataFrame
) -> Plate:
    """Similarity against distance, a line for each difference in depth; a column for each source.

    Args:
        comparison: styles of the sources.
        bins: tables of similarity of all sources; column source.
        decays: tables of fits, likewise; may be empty (as published).
    """
    kinds = [t for t in ("direction", "orientation") if (bins["tuning"] == t).any()]
    names = [name for name in comparison.styles if (bins["source"] == name).any()]
    mean = _over_mice(bins[bins["depth_um"] <= MAX_DEPTH_UM])
    with house_style():
        figure = new_figure(PAGE_MM, 58 * len(kinds) + 10)
        panels = figure.subplots(len(kinds), len(names), squeeze=False, sharex=True, sharey="row")
        for row, tuning in zip(panels, kinds, strict=True):
            for axes, name in zip(row, names, strict=True):
                own = mean[(mean["source"] == name) & (mean["tuning"] == tuning)]
                if len(own):
                    names_of = {d: f"{d:g} µm deeper" for d in np.unique(own["depth_um"])}
                    similarity_lines(axes, own, comparison.styles[name], names=names_of)
                    fits = decays[(decays["source"] == name) & (decays["tuning"] == tuning)]
                    corner_text(axes, _decay_text(fits, own), right=True)
                axes.set_title(f"{name}, {tuning}")
                axes.label_outer()
            low, high = row[0].get_ylim()
            row[0].set_ylim(low, high + 0.35 * (high - low))  # room for what is written
        legend_below(figure, panels[0, 0])
    return Plate(
        figure,
        {"bins": bins, "decays": decays},
        caption="Similarity of tuning (signal correlation of two neurons, each from one half of "
        "the presentations) against distance, mean over mice; bars: 95 % intervals, bootstrap "
        "over neurons; dashed: curves changed places within their plane. Bins are named by their "
        "centres; 0 µm deeper is the same plane.",
    )


def _over_mice(bins: pd.DataFrame) -> pd.DataFrame:
    """Mean over mice; the interval of a mean of independent mice."""
    keys = ["source", "tuning", "depth_um", "distance_um"]
    wide = bins.assign(variance=((bins["high"] - bins["low"]) / 2) ** 2).groupby(keys)
    mean = wide[["similarity", "low", "high", "chance"]].mean()
    half = np.sqrt(wide["variance"].sum()) / wide.size()
    many = wide.size() > 1
    mean.loc[many, "low"] = (mean["similarity"] - half)[many]
    mean.loc[many, "high"] = (mean["similarity"] + half)[many]
    return mean.assign(num_pairs=wide["num_pairs"].sum()).reset_index()


def _decay_text(fits: pd.DataFrame, bins: pd.DataFrame) -> str:
    """Decay and slope of the pairs nearest in depth."""
    if fits.empty:
        return f"{bins['num_pairs'].sum():,} pairs"
    near = fits[fits["depth_um"] == fits["depth_um"].min()]
    lines = ["same plane"]
    for row in near.to_dict("records")[:2]:
        slope, low, high = (row[f"slope_per_100um{end}"] for end in ("", "_low", "_high"))
        lines.append(f"{row['mouse']}: slope {slope:.2f} [{low:.2f}, {high:.2f}] / 100 µm")
        if row["p_slope"] <= ALPHA and row["amplitude_low"] > 0:
            ends = row["length_um_low"], row["length_um_high"]
            lines.append(f"length {row['length_um']:.0f} [{ends[0]:.0f}, {ends[1]:.0f}] µm")
        else:
            lines.append(f"p = {row['p_slope']:.2g}")
    return "\n".join(lines)


def similarity_by_plane_figure(comparison: DirectionComparison) -> Plate:
    """Similarity of neurons of one plane against distance, a line for each 100 µm of depth.

    Raises:
        ConfigError: no position is known, or no neuron is selective.
    """
    tuning = comparison.drawn()[-1]
    parts = []
    for name, chosen in comparison.chosen(tuning).items():
        curves = comparison.curves[name]
        slab = (chosen.table["z_um"] // SLAB_UM * SLAB_UM).rename("slab_um")
        for (mouse, top), table in chosen.table.groupby(["mouse", slab]):
            if len(table) >= MIN_NEURONS:
                own = curves[curves["mouse"] == mouse]
                bins, _ = tuning_similarity(table, own, tuning, seed=comparison.seed)
                bins = bins[bins["depth_um"] == 0].assign(source=name, mouse=str(mouse))
                parts.append(bins.assign(depth_um=float(str(top))))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if table.empty:
        raise ConfigError("no plane holds enough selective neurons whose position is known")
    mean = _over_mice(table)
    with house_style():
        figure = new_figure(PAGE_MM, 76)
        names = list(comparison.styles)
        panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
        for axes, name in zip(panels, names, strict=True):
            own = mean[mean["source"] == name].dropna(subset="similarity")
            if len(own):
                tops = np.unique(own["depth_um"])
                names_of = {top: f"{top:g} to {top + SLAB_UM:g} µm" for top in tops}
                similarity_lines(axes, own, comparison.styles[name], names=names_of)
            axes.set_title(f"{name}, {tuning}")
            axes.label_outer()
        legend_below(figure, panels[0])
    return Plate(
        figure,
        {"bins": table},
        caption=f"Similarity of {tuning} tuning of neurons in one plane, of planes in steps of "
        f"{SLAB_UM:g} µm of depth; bars: 95 % intervals, bootstrap over neurons.",
    )


def microcolumns_figure(comparison: DirectionComparison) -> Plate:
    """Preferred orientation of selective neurons, seen from above and from the side.

    Raises:
        ConfigError: no position is known.
    """
    tuning = comparison.drawn()[-1]
    column, period = f"preferred_{tuning}_deg", 180.0 if tuning == "orientation" else 360.0
    tables = {name: of.table for name, of in comparison.chosen(tuning).items()}
    first = str(next(iter(tables.values()))["mouse"].iloc[0])
    shown = {n: t[t["mouse"] == first].dropna(subset="x_um") for n, t in tables.items()}
    if any(table.empty for table in shown.values()):
        raise ConfigError(f"the positions of the neurons of mouse {first} are not known")
    with house_style():
        figure = new_figure(PAGE_MM, 100)
        panels = figure.subplots(2, len(shown), squeeze=False, height_ratios=[2, 1], sharex=True)
        for (above, beside), (name, table) in zip(panels.T, shown.items(), strict=True):
            x, y, z, angle = (table[c] for c in ("x_um", "y_um", "z_um", column))
            drawn = cortex_map(above, x, y, angle, period_deg=period)
            cortex_map(beside, x, z, angle, period_deg=period)
            beside.invert_yaxis()
            above.set_title(f"{name}, n = {len(table)}")
            label(above, y=("Cortex, y", "µm"))
            label(beside, x=("Cortex, x", "µm"), y=("Depth", "µm"))
            above.label_outer()
            beside.label_outer()
        bar = figure.colorbar(drawn, ax=panels, shrink=0.6, ticks=np.linspace(0, period, 5))
        bar.set_label(f"Preferred {tuning} (°)")
    numbers = pd.concat([t.assign(source=n) for n, t in shown.items()], ignore_index=True)
    return Plate(
        figure,
        {"neurons": numbers[["source", "mouse", "neuron", "x_um", "y_um", "z_um", column]]},
        caption=f"Preferred {tuning} (axis of motion) of the {tuning}-selective neurons of mouse "
        f"{first}, from above and from the side.",
    )
