"""Receptive fields: examples, where they lie, how near to the truth, how selective in space."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.plot.axes import legend_below
from viv1t.plot.panels.distributions import step_histogram
from viv1t.plot.panels.images import image_with_contour
from viv1t.plot.panels.marks import corner_text
from viv1t.plot.panels.paired import paired_scatter
from viv1t.plot.panels.screen import centre_density
from viv1t.plot.style import PAGE_MM, ModelStyle, Plate, house_style, new_figure

NUM_COLUMNS: Final = 3
QUANTITIES: Final[Mapping[str, str]] = MappingProxyType(
    {"x_px": "column", "y_px": "row", "sigma_px": "sigma"}
)
MAP_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sta": "spike-triggered average",
        "sta_energy": "spike-triggered average, envelope",
        "second_moment": "second moment",
        "gradient": "squared gradient",
        "published": "weighted sum",
    }
)


def receptive_fields_figure(images: NDArray[np.floating], rows: pd.DataFrame) -> Plate:
    """Maps of some neurons with the outline of their Gaussian at two sigma (Figure 7).

    Args:
        images: (k, h, w) maps.
        rows: k rows of the table aRF.
    """
    num_rows = -(-len(rows) // NUM_COLUMNS)
    height, width = images.shape[1:]
    with house_style():
        figure = new_figure(PAGE_MM, (PAGE_MM / NUM_COLUMNS * height / width + 9) * num_rows)
        panels = figure.subplots(num_rows, NUM_COLUMNS, squeeze=False).ravel()
        for axes, image, row in zip(panels, images, rows.to_dict("records"), strict=False):
            image_with_contour(axes, image, {str(name): value for name, value in row.items()})
            axes.set_title(f"Neuron {row['neuron']}, mouse {row['mouse']}")
            axes.set_xlabel(MAP_NAMES[row["method"]])
        for axes in panels[len(rows) :]:
            axes.set_axis_off()
    caption = (
        "Receptive fields, in standard errors of the map, and the fitted Gaussian at two standard "
        "deviations of its envelope."
    )
    return Plate(figure, {"fits": rows}, caption)


def centres_figure(
    table: pd.DataFrame,
    *,
    labels: Sequence[str],
    frame_px: tuple[int, int],
    truth: pd.DataFrame | None = None,
) -> Plate:
    """Density of the centres of good fits over the screen, a panel for each source and mouse.

    Args:
        table: table aRF with a column label.
        labels: order of the sources.
        frame_px: (h, w) of the screen.
        truth: columns mouse, rf_x_px, rf_y_px; None: unknown.
    """
    good = table[~table["bad_fit"].astype(bool)]
    mice = list(dict.fromkeys(table["mouse"]))
    num_columns = min(len(mice), NUM_COLUMNS)
    num_rows = -(-len(mice) // num_columns)
    with house_style():
        each = PAGE_MM / num_columns * frame_px[0] / frame_px[1] + 14
        figure = new_figure(PAGE_MM, min(each, 75) * num_rows * len(labels) + 6)
        panels = figure.subplots(num_rows * len(labels), num_columns, squeeze=False)
        for number, name in enumerate(labels):
            block = panels[number * num_rows : (number + 1) * num_rows].ravel()
            for axes, mouse in zip(block, mice, strict=False):
                of_mouse = (table["label"] == name) & (table["mouse"] == mouse)
                rows = good[of_mouse.loc[good.index]]
                true = None if truth is None else truth[truth["mouse"] == mouse]
                centre_density(
                    axes,
                    rows["x_px"],
                    rows["y_px"],
                    frame_px=frame_px,
                    true_px=None
                    if true is None or true.empty
                    else (true["rf_x_px"], true["rf_y_px"]),
                )
                axes.set_title(f"{name}, mouse {mouse}")
                corner_text(axes, f"{len(rows)} of {int(of_mouse.sum())} neurons", right=True)
            for axes in block[len(mice) :]:
                axes.set_axis_off()
        legend_below(figure)
    caption = "Centres of receptive fields on the screen; shades are tenths of the largest density."
    columns = ["label", "mouse", "neuron", "x_px", "y_px", "x_se_px", "y_se_px"]
    return Plate(figure, {"centres": good[columns]}, caption)


def recovered_fields_figure(errors: pd.DataFrame, *, styles: Mapping[str, ModelStyle]) -> Plate:
    """Recovered against true receptive fields of synthetic neurons, a row a source.

    Args:
        errors: of `viv1t.analysis.retinotopy.centre_errors`, with columns label and mouse.
        styles: label -> how it is drawn, in order.
    """
    by_label = errors.groupby("label", sort=False)["error_px"]
    summary = by_label.agg(
        median_error_px="median", share_within_3_px=lambda e: (e < 3).mean(), n="size"
    )
    with house_style():
        figure = new_figure(PAGE_MM, 50 * len(styles) + 2)
        rows = figure.subplots(len(styles), 4, squeeze=False, width_ratios=[1, 1, 1, 1.15])
        for panels, (name, style) in zip(rows, styles.items(), strict=True):
            of_source = errors[errors["label"] == name]
            for axes, (column, quantity) in zip(panels, QUANTITIES.items(), strict=False):
                found, true = of_source[column], of_source[f"true_{column}"]
                paired_scatter(
                    axes,
                    true,
                    found,
                    style=style,
                    x_quantity=(f"True {quantity}", "px"),
                    y_quantity=(f"Fitted {quantity}", "px"),
                    limits=_limits(true, found),
                )
            panels[0].set_title(name)
            step_histogram(
                panels[3],
                {name: of_source["error_px"]},
                np.linspace(0, 4, 17),
                styles=styles,
                quantity=("Error of the centre", "px"),
            )
            panels[3].set_title(f"median {of_source['error_px'].median():.2f} px")
    caption = "Receptive fields that were found, against those of the synthetic neurons."
    return Plate(figure, {"errors": errors, "summary": summary.reset_index()}, caption)


def spatial_selectivity_figure(pairs: pd.DataFrame, *, styles: Mapping[str, ModelStyle]) -> Plate:
    """Spatial selectivity of recorded against predicted responses to dots, a panel a model.

    Args:
        pairs: columns label, mouse, neuron, recorded, predicted.
        styles: label of each model -> how it is drawn.
    """
    rows = []
    with house_style():
        figure = new_figure(PAGE_MM / 3 * len(styles) if len(styles) < 3 else PAGE_MM, 60)
        panels = figure.subplots(1, len(styles), squeeze=False)[0]
        for axes, (name, style) in zip(panels, styles.items(), strict=True):
            known = pairs[pairs["label"] == name].dropna()
            r = float(known["recorded"].corr(known["predicted"])) if len(known) > 2 else np.nan
            paired_scatter(
                axes,
                known["recorded"],
                known["predicted"],
                style=style,
                x_quantity=("Recorded SSI", "log deg⁻⁴"),
                y_quantity=("Predicted SSI", "log deg⁻⁴"),
            )
            axes.set_title(f"{name}: r = {r:.2f}")
            rows.append({"label": name, "pearson_r": r, "n": len(known)})
    caption = (
        "Spatial selectivity (-log det of the covariance of the map's coordinates) of neurons that "
        "saw Gaussian dots."
    )
    return Plate(figure, {"pairs": pairs, "agreement": pd.DataFrame(rows)}, caption)


def _limits(true: pd.Series, found: pd.Series) -> tuple[float, float]:
    """Around the truth, and almost all that was found."""
    low, high = min(true.min(), found.quantile(0.02)), max(true.max(), found.quantile(0.98))
    room = 0.05 * (high - low)
    return float(low - room), float(high + room)
