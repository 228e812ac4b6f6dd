"""Where in the cortex neurons are tuned alike."""

import numpy as np
import pandas as pd

from viv1t.analysis.direction import tuning_similarity
from viv1t.errors import ConfigError
from viv1t.plot.axes import label, legend_below
from viv1t.plot.direction_sources import MIN_NEURONS, DirectionComparison
from viv1t.plot.panels import corner_text
from viv1t.plot.panels.cortex import cortex_map, similarity_lines
from viv1t.plot.style import PAGE_MM, Plate, house_style, new_figure

MAX_DEPTH_UM = 125.0


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
                    similarity_lines(
                        axes, own, comparison.styles[name], by="depth_um", unit="µm deeper"
                    )
                    fits = decays[(decays["source"] == name) & (decays["tuning"] == tuning)]
                    corner_text(axes, _decay_text(fits, own), right=True)
                axes.set_title(f"{name}, {tuning}")
                axes.label_outer()
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
    lines = [
        f"{row.mouse}: slope {row.slope_per_100um:.2f} "
        f"[{row.slope_per_100um_low:.2f}, {row.slope_per_100um_high:.2f}] / 100 µm\n"
        f"length {row.length_um:.0f} [{row.length_um_low:.0f}, {row.length_um_high:.0f}] µm"
        for row in near.itertuples()
    ]
    return "\n".join(["same plane", *lines[:2]])


def similarity_by_plane_figure(comparison: DirectionComparison) -> Plate:
    """Similarity of neurons of one plane against distance, a line for each plane.

    Raises:
        ConfigError: no position is known, or no neuron is selective.
    """
    tuning = comparison.drawn()[-1]
    parts = []
    for name, chosen in comparison.chosen(tuning).items():
        curves = comparison.curves[name]
        for (mouse, depth), table in chosen.table.groupby(["mouse", "z_um"]):  # type: ignore[misc]
            if len(table) >= MIN_NEURONS:
                own = curves[curves["mouse"] == mouse]
                bins, _ = tuning_similarity(table, own, tuning, seed=comparison.seed)
                parts.append(bins.assign(source=name, mouse=str(mouse), plane_um=float(depth)))
    if not parts:
        raise ConfigError("no plane holds enough selective neurons whose position is known")
    table = pd.concat(parts, ignore_index=True).drop(columns="depth_um")
    mean = _over_mice(table.rename(columns={"plane_um": "depth_um"}))
    with house_style():
        figure = new_figure(PAGE_MM, 76)
        names = list(comparison.styles)
        panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
        for axes, name in zip(panels, names, strict=True):
            own = mean[mean["source"] == name].dropna(subset="similarity")
            if len(own):
                similarity_lines(axes, own, comparison.styles[name], by="depth_um", unit="µm")
            axes.set_title(f"{name}, {tuning}")
            axes.label_outer()
        legend_below(figure, panels[0])
    return Plate(
        figure,
        {"bins": table},
        caption=f"Similarity of {tuning} tuning of neurons in one plane, by the depth of the "
        "plane; bars: 95 % intervals, bootstrap over neurons.",
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
        drawn = None
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
