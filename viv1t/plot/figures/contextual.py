"""Responses to gratings with surrounds: magnitudes, iso against cross, modulation indices."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from viv1t import rng
from viv1t.analysis.contextual import (
    KELLER_ABOVE,
    KELLER_BELOW,
    KELLER_EDGES,
    KELLER_MEDIAN,
    KELLER_SHARES,
    summarise,
)
from viv1t.analysis.significance import TestResult
from viv1t.analysis.stats import paired_test
from viv1t.names import SURROUND_KINDS
from viv1t.plot.axes import legend_below
from viv1t.plot.panels import (
    box_and_dots,
    corner_text,
    paired_scatter,
    significance,
    step_histogram,
)
from viv1t.plot.style import (
    BLUE,
    COLUMN_MM,
    FAINT,
    INK,
    ORANGE,
    PAGE_MM,
    RECORDED,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

KIND_STYLES: Final[Mapping[str, ModelStyle]] = MappingProxyType(
    {
        "centre": ModelStyle(INK, "o", 4.0),
        "iso": ModelStyle(BLUE, "s", 3.0),
        "cross": ModelStyle(VERMILION, "^", 5.0),
        "shift": ModelStyle(ORANGE, "D", 2.0),
    }
)
CMI: Final = ("Contextual modulation", "CMI")
_RESPONSE: Final = ("Response", "a.u.")
_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {"centre": "Centre", "iso": "Iso", "cross": "Cross", "shift": "Shift"}
)


def modulation_figure(table: pd.DataFrame, *, style: ModelStyle) -> Plate:
    """Responses to four surrounds, iso against cross, and modulation indices; a row a contrast.

    Args:
        table: contextual_modulation of one source, one disc a neuron.
        style: of the source.
    """
    contrasts = sorted(table["contrast"].unique(), reverse=True)
    tests, histograms = [], []
    summary = summarise(table, ["cmi", "suppression_iso"], rng=rng.child(0, "summary"))
    with house_style():
        figure = new_figure(PAGE_MM, 58 * len(contrasts))
        panels = figure.subplots(len(contrasts), 3, squeeze=False)
        for (boxes, scatter, histogram), contrast in zip(panels, contrasts, strict=True):
            part = table[table["contrast"] == contrast]
            tests += _magnitudes(boxes, part, contrast)
            boxes.set_title(f"Contrast {100 * contrast:g} %")
            paired_scatter(
                scatter,
                part["cross"],
                part["iso"],
                style=style,
                x_quantity=("Cross", "a.u."),
                y_quantity=("Iso", "a.u."),
                test=paired_test(part["cross"], part["iso"]),
                limits=whisker_limits(part["iso"], part["cross"]),
            )
            drawn = step_histogram(
                histogram,
                {"all": part["cmi"]},
                KELLER_EDGES,
                styles={"all": style},
                quantity=CMI,
                mice_by_group={"all": part["mouse"]},
            )
            histograms.append(drawn.assign(contrast=contrast))
            histogram.axvline(0, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
            histogram.set_ylim(0, 1.3 * histogram.get_ylim()[1])  # room for four lines of text
            _write_mean(histogram, summary[summary["contrast"] == contrast])
    numbers = {
        "responses": table[["mouse", "neuron", "contrast", *SURROUND_KINDS, "cmi"]],
        "tests": pd.DataFrame(tests),
        "histogram": pd.concat(histograms, ignore_index=True),
        "summary": summary,
    }
    caption = (
        "Responses to gratings with grey (centre), continued (iso), orthogonal (cross) and "
        "phase-shifted (shift) surrounds, iso against cross, and contextual modulation indices "
        "(cross - iso) / (cross + iso), thin lines single mice. Stars and p: Wilcoxon signed-rank "
        "tests over neurons; intervals: hierarchical bootstrap over mice and neurons."
    )
    return Plate(figure, numbers, caption)


def _magnitudes(axes: Axes, part: pd.DataFrame, contrast: float) -> list[dict[str, object]]:
    """Boxes of the responses, each surround tested against the centre alone."""
    kinds = [kind for kind in SURROUND_KINDS if part[kind].notna().any()]
    values = {_LABELS[kind]: part[kind] for kind in kinds}
    styles = {_LABELS[kind]: KIND_STYLES[kind] for kind in kinds}
    limits = whisker_limits(*values.values())
    box_and_dots(axes, values, styles=styles, quantity=_RESPONSE, limits=limits)
    rows = []
    for place, kind in enumerate(kinds[1:], start=1):
        test = paired_test(part[kind], part["centre"])
        significance(axes, 0, place, test, y=limits[1] * (0.98 + 0.09 * place))
        rows.append(_row(test, contrast=contrast, against="centre", kind=kind))
    test = paired_test(part["cross"], part["iso"])
    return [*rows, _row(test, contrast=contrast, against="iso", kind="cross")]


def _row(test: TestResult, **what: object) -> dict[str, object]:
    return what | vars(test)


def whisker_limits(*groups: ArrayLike) -> tuple[float, float]:
    """Limits of an axis that hold the whiskers of the boxes of all groups, and 0.

    Args:
        groups: values, NaN left out; what lies beyond the whiskers does not stretch the axis.
    """
    low, high = 0.0, 0.0
    for values in groups:
        flat = np.asarray(values, dtype=float).ravel()
        known = flat[np.isfinite(flat)]
        if known.size:
            first, third = np.quantile(known, [0.25, 0.75])
            high = max(high, min(float(known.max()), third + 1.5 * (third - first)))
            low = min(low, max(float(known.min()), first - 1.5 * (third - first)))
    room = 0.05 * (high - low) or 1.0
    return low - (room if low < 0 else 0.0), high + room


def _write_mean(axes: Axes, summary: pd.DataFrame) -> None:
    for row in summary[summary["index"] == "cmi"].to_dict("records"):
        corner_text(
            axes,
            f"mean {row['mean']:.2f}\n[{row['low']:.2f}, {row['high']:.2f}]\n"
            f"median {row['median']:.2f}\nn = {row['num_neurons']}, "
            f"{row['num_mice']} {'mouse' if row['num_mice'] == 1 else 'mice'}",
            right=row["median"] < 0,
        )


def modulation_comparison_figure(
    tables: Mapping[str, pd.DataFrame], *, styles: Mapping[str, ModelStyle]
) -> Plate:
    """Modulation indices of several sources at the highest contrast, and those seen in vivo.

    Args:
        tables: label -> contextual_modulation, one disc a neuron.
        styles: label -> style.
    """
    chosen = {
        name: table[table["contrast"] == table["contrast"].max()] for name, table in tables.items()
    }
    with house_style():
        figure = new_figure(COLUMN_MM, 68)
        axes = figure.subplots()
        _keller(axes)
        drawn = step_histogram(
            axes,
            {name: table["cmi"] for name, table in chosen.items()},
            KELLER_EDGES,
            styles=styles,
            quantity=CMI,
        )
        axes.axvline(0, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
        legend_below(figure)
    keller = pd.DataFrame(
        {
            "bin_low": [-np.inf, *KELLER_EDGES],
            "bin_high": [*KELLER_EDGES, np.inf],
            "percent": 100 * np.array([KELLER_BELOW, *KELLER_SHARES, KELLER_ABOVE]),
        }
    )
    summaries = [
        summarise(table, ["cmi"], rng=rng.child(0, "summary")).assign(label=name)
        for name, table in chosen.items()
    ]
    caption = (
        "Contextual modulation indices at the highest contrast, triangles medians. Grey: mouse V1, "
        "digitised from Keller et al. (2020, Neuron); 4 % lie below and 10 % above the axis, "
        "because fluorescence can be negative, where these responses cannot."
    )
    return Plate(
        figure,
        {"histogram": drawn, "summary": pd.concat(summaries), "keller": keller},
        caption,
    )


def _keller(axes: Axes) -> None:
    axes.stairs(
        100 * np.array(KELLER_SHARES),
        KELLER_EDGES,
        fill=True,
        color=FAINT,
        zorder=0,
        label="in vivo, Keller et al. 2020",
    )
    axes.plot(
        [KELLER_MEDIAN],
        [1.0],
        transform=axes.get_xaxis_transform(),
        marker="v",
        markersize=4.5,
        color=RECORDED,
        linestyle="none",
        clip_on=False,
        label="_median in vivo",
    )
