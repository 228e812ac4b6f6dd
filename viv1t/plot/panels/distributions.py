"""Distributions over neurons, and over mice."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from viv1t import rng
from viv1t.plot.axes import label
from viv1t.plot.panels.marks import median_triangle
from viv1t.plot.style import CHANCE_STYLE, INK, ModelStyle

MAX_DOTS = 1000


def box_and_dots(
    axes: Axes,
    groups: Mapping[str, ArrayLike],
    *,
    styles: Mapping[str, ModelStyle],
    quantity: tuple[str, str],
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw a box (quartiles, median, whiskers of 1.5 times their distance) and dots a group.

    The number of values stands under each name. Values beyond `limits` are triangles at the edge.

    Args:
        axes: the panel.
        groups: name -> (n,) values; NaN are left out. At most 1000 dots are drawn of each.
        styles: name -> colour.
        quantity: name and unit of the values.
        limits: of the y axis; None: all values lie within.
    """
    known = {name: _known(values) for name, values in groups.items()}
    for place, (name, values) in enumerate(known.items()):
        colour = styles[name].colour
        draw = rng.child(0, "dots", place)
        shown = values if len(values) <= MAX_DOTS else draw.choice(values, MAX_DOTS, replace=False)
        x = place + draw.uniform(-0.24, 0.24, len(shown))
        _dots(axes, x, shown, limits=limits or (-np.inf, np.inf), colour=colour)
        if len(values):
            _box(axes, values if limits is None else np.clip(values, *limits), place, colour)
    axes.set_xticks(range(len(known)), [f"{name}\nn = {len(v)}" for name, v in known.items()])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(known) - 0.4)
    if limits is not None:
        axes.set_ylim(*limits)
    label(axes, y=quantity)


def _dots(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    limits: tuple[float, float],
    colour: str,
) -> None:
    """Draw dots; triangles at the edge stand for those beyond `limits`."""
    low, high = limits
    for marker, chosen in (
        ("o", (y >= low) & (y <= high)),
        ("^", y > high),
        ("v", y < low),
    ):
        if chosen.any():
            axes.plot(
                x[chosen],
                np.clip(y[chosen], low, high),
                marker=marker,
                markersize=1.6 if marker == "o" else 2.4,
                markeredgewidth=0,
                color=colour,
                alpha=0.4,
                linestyle="none",
                clip_on=marker == "o",
                label="_neurons",
            )


def _box(axes: Axes, values: NDArray[np.float64], place: float, colour: str) -> None:
    axes.boxplot(
        [values],
        positions=[place],
        widths=0.56,
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": "none", "edgecolor": colour, "linewidth": 0.9},
        whiskerprops={"color": colour, "linewidth": 0.9},
        capprops={"color": colour, "linewidth": 0.9},
        medianprops={"color": INK, "linewidth": 1.6},
        zorder=4,
    )


def step_histogram(
    axes: Axes,
    values_by_group: Mapping[str, ArrayLike],
    bins: ArrayLike,
    *,
    styles: Mapping[str, ModelStyle],
    quantity: tuple[str, str],
    mice_by_group: Mapping[str, ArrayLike] | None = None,
    medians: bool = True,
) -> pd.DataFrame:
    """The shares of neurons in each bin, drawn as steps: thick for all, thin for each mouse.

    Columns of the table: group, mouse ("all" for all), bin_low, bin_high, percent, n. Values
    outside of the bins count for 100 %, and the panel says how many there are.

    Args:
        axes: the panel.
        values_by_group: name -> (n,) values; NaN are left out.
        bins: (k + 1,) edges.
        styles: name -> colour.
        quantity: name and unit of the values.
        mice_by_group: name -> (n,) mouse of each value; None: no lines for mice.
        medians: draw a triangle at the median of each group.
    """
    edges = np.asarray(bins, dtype=float)
    rows, outside = [], 0
    for name, values in values_by_group.items():
        every = np.asarray(values, dtype=float).ravel()
        known = ~np.isnan(every)
        parts = [("all", every[known])]
        if mice_by_group is not None:
            owner = np.asarray(mice_by_group[name])[known]
            mice = pd.unique(owner)
            parts += [(str(m), every[known][owner == m]) for m in mice] if len(mice) > 1 else []
        outside += int(np.sum((every[known] < edges[0]) | (every[known] > edges[-1])))
        for mouse, of_mouse in parts:
            percent = 100 * np.histogram(of_mouse, edges)[0] / max(1, len(of_mouse))
            whole = mouse == "all"
            axes.stairs(
                percent,
                edges,
                color=styles[name].colour,
                linewidth=1.4 if whole else 0.5,
                alpha=1.0 if whole else 0.6,
                zorder=styles[name].zorder,
                label=name if whole else f"_{name} {mouse}",
            )
            rows.append(
                pd.DataFrame(
                    {
                        "group": name,
                        "mouse": mouse,
                        "bin_low": edges[:-1],
                        "bin_high": edges[1:],
                        "percent": percent,
                        "n": len(of_mouse),
                    }
                )
            )
        if medians and len(parts[0][1]):
            median = float(np.clip(np.median(parts[0][1]), edges[0], edges[-1]))
            median_triangle(axes, median, styles[name])
    if outside:
        # Above the tails, below what callers write into the upper corners.
        text, place = f"{outside} outside", (0.97, 0.35)
        axes.text(*place, text, transform=axes.transAxes, ha="right", fontsize=6, color=INK)
    axes.set_xlim(edges[0], edges[-1])
    # What callers write into the upper corners stays clear of most steps.
    axes.set_ylim(0, 1.2 * max(axes.dataLim.y1, 1.0))
    label(axes, x=quantity, y=("Neurons", "%"))
    return pd.concat(rows, ignore_index=True)


def bars_with_points(
    axes: Axes,
    table: pd.DataFrame,
    *,
    groups: Sequence[str],
    styles: Mapping[str, ModelStyle],
    quantity: tuple[str, str],
    chance: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Bars of the mean over mice with its standard error, and a point for each mouse.

    Columns of the table: label, group, mean, sem, num_mice.

    Args:
        axes: the panel.
        table: columns label (model or recording), group, mouse, value; one row each.
        groups: order of the groups along x.
        styles: label -> colour and marker; their order is that of the bars of a group.
        quantity: name and unit of the values.
        chance: group -> level expected by chance, dashed; None: not drawn.
    """
    width = 0.8 / len(styles)
    rows = []
    for place, (name, style) in enumerate(styles.items()):
        of_label = table[table["label"] == name]
        for centre, group in enumerate(groups):
            values = _known(of_label.loc[of_label["group"] == group, "value"])
            x = centre + (place - (len(styles) - 1) / 2) * width
            mean = float(values.mean()) if len(values) else np.nan
            sem = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else np.nan
            axes.bar(
                [x],
                [mean],
                width=0.88 * width,
                color=style.colour,
                alpha=0.55,
                label=name if centre == 0 else f"_{name}",
            )
            axes.errorbar([x], [mean], yerr=[sem], color=INK, elinewidth=0.8, capsize=1.5)
            reach = 0.2 * width if len(values) > 1 else 0.0
            spread = np.linspace(-reach, reach, len(values))
            axes.plot(
                x + spread,
                values,
                marker=style.marker,
                markersize=2.6,
                markeredgecolor="white",
                markeredgewidth=0.3,
                color=style.colour,
                linestyle="none",
                zorder=5,
                label=f"_mice of {name}",
            )
            rows.append((name, group, mean, sem, len(values)))
    for centre, group in enumerate(groups):
        if chance is not None and group in chance:
            axes.plot(
                [centre - 0.45, centre + 0.45],
                [chance[group]] * 2,
                color=CHANCE_STYLE.colour,
                linewidth=1.0,
                linestyle=(0, (2, 1)),
                zorder=6,
                label="chance" if centre == 0 else "_chance",
            )
    axes.set_xticks(range(len(groups)), list(groups))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    label(axes, y=quantity)
    return pd.DataFrame(rows, columns=["label", "group", "mean", "sem", "num_mice"])


def _known(values: ArrayLike) -> NDArray[np.float64]:
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[~np.isnan(flat)]
