"""Recordings of later days: who answers alike, flips and chance, predictions and recordings."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.plot.axes import label, legend_below
from viv1t.plot.figures.contextual import whisker_limits
from viv1t.plot.figures.surround_comparisons import surround_figure
from viv1t.plot.panels import (
    bars_with_points,
    box_and_dots,
    corner_text,
    paired_scatter,
    step_histogram,
    tuning_curve,
)
from viv1t.plot.style import (
    BLUE,
    COLUMN_MM,
    PAGE_MM,
    RECORDED,
    RECORDED_STYLE,
    VERMILION,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

STYLES: Final[Mapping[str, ModelStyle]] = MappingProxyType(
    {"recorded": RECORDED_STYLE, "predicted": ModelStyle(BLUE, "o", 3.0)}
)
_DAYS: Final = MappingProxyType(
    {"across days": ModelStyle(VERMILION, "s", 4.0), "within day 1": ModelStyle(BLUE, "o", 3.0)}
)
_DASHED: Final = (0, (4, 2))


def reliability_figure(neurons: pd.DataFrame) -> Plate:
    """Correlations across and within days, and the share of frames within the band.

    Args:
        neurons: in_vivo_neurons.
    """
    with house_style():
        figure = new_figure(PAGE_MM, 62)
        histogram, scatter, band = figure.subplots(1, 3)
        drawn = step_histogram(
            histogram,
            {"across days": neurons["across"], "within day 1": neurons["within"]},
            np.linspace(-0.2, 1, 25),
            styles=_DAYS,
            quantity=("Correlation", "r"),
        )
        histogram.legend(loc="upper left")
        paired_scatter(
            scatter,
            neurons["within"],
            neurons["across"],
            style=RECORDED_STYLE,
            x_quantity=("Within day 1", "r"),
            y_quantity=("Across days", "r"),
        )
        found = neurons[neurons["matched"].astype(bool)]
        stable = found["stable"].astype(bool)
        step_histogram(
            band,
            {"stable": found.loc[stable, "inside"], "others": found.loc[~stable, "inside"]},
            np.linspace(0, 1, 21),
            styles={"stable": RECORDED_STYLE, "others": ModelStyle(RECORDED, "x", 2.0)},
            quantity=("Frames within 1 SD of day 1", "share"),
            medians=False,
        )
        band.set_ylim(0, 1.25 * band.get_ylim()[1])
        band.legend(loc="upper left")
        corner_text(band, f"{stable.sum()} of {len(found)}\nare stable", right=True)
    caption = (
        "Responses to the movies that are shown on all days. Left: correlation of the means of "
        "both days, and of repeats 1 to 5 and the others of the first day, means over movies; "
        "middle: one against the other, a dot a neuron. Right: share of frames in which the mean "
        "of the later day lies within one standard deviation of the first, of neurons that count "
        "as stable and of others (percent of each)."
    )
    return Plate(figure, {"histogram": drawn, "neurons": neurons}, caption)


def flip_shares_figure(shares: pd.DataFrame) -> Plate:
    """Shares of neurons that flip, by definition, with the level of chance of each.

    Args:
        shares: in_vivo_flip_shares.
    """
    names = list(dict.fromkeys(shares["definition"]))
    responders = [name for name in STYLES if name in set(shares["responder"])]
    table = shares.assign(
        label=shares["responder"], group=shares["definition"], value=100 * shares["share"]
    )
    with house_style():
        figure = new_figure(COLUMN_MM * len(responders), 66)
        panels = figure.subplots(1, len(responders), squeeze=False, sharey=True)[0]
        for axes, responder in zip(panels, responders, strict=True):
            part = table[table["responder"] == responder]
            chance = 100 * part.groupby("definition")["chance"].mean()
            bars_with_points(
                axes,
                part,
                groups=names,
                styles={responder: STYLES[responder]},
                quantity=("Flip neurons", "%"),
                chance={str(k): float(v) for k, v in chance.items()},
            )
            axes.set_title(responder.capitalize())
            text = "\n".join(
                f"{row.mouse}, {row.definition}: {row.num_flips} of {row.num_neurons}"
                for row in part.itertuples()
            )
            axes.set_ylim(0, 1.5 * max(axes.get_ylim()[1], 1.0))
            corner_text(axes, text)
    caption = (
        "Neurons whose preference flips from cross surrounds at high to iso surrounds at low "
        "contrast. Cross-validated: selected in one half of the presentations, tested in the "
        "other, false-discovery rate .05. Published: by the means of all presentations, without a "
        "test. Dashed: mean over shuffles of iso and cross surrounds at each contrast, so that no "
        "neuron prefers anything. A point is a field of view."
    )
    return Plate(figure, {"shares": shares}, caption)


def sweep_figure(sweeps: Mapping[str, pd.DataFrame]) -> Plate:
    """Shares of neurons that flip by thresholds of 0 to 30 %.

    Args:
        sweeps: responder -> of `analysis.flips.flip_sweep`.
    """
    with house_style():
        figure = new_figure(COLUMN_MM, 62)
        axes = figure.subplots()
        for responder, sweep in sweeps.items():
            style = STYLES[responder]
            percent = 100 * sweep["threshold"]
            tuning_curve(axes, percent, 100 * sweep["flips"], None, style, name=responder)
            expected = ModelStyle(style.colour, "x", 2.0)
            name = f"{responder}, if independent"
            tuning_curve(axes, percent, 100 * sweep["expected"], None, expected, name=name)
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper right")
        label(axes, x=("Threshold", "%"), y=("Flip neurons", "%"))
    caption = (
        "Neurons that flip by the published rule, by its threshold, and as many as were expected "
        "if preferences at the two contrasts were independent."
    )
    parts = [sweep.assign(responder=name) for name, sweep in sweeps.items()]
    return Plate(figure, {"sweep": pd.concat(parts, ignore_index=True)}, caption)


def surround_plates(
    responses: Mapping[str, Mapping[str, pd.DataFrame]],
    pairs: Sequence[tuple[str, str]],
    *,
    centre: str,
    tests: pd.DataFrame,
    agreement: pd.DataFrame,
    numbers: str,
    as_published: bool = False,
) -> dict[str, Plate]:
    """Plates by name: recorded, predicted (responses to surrounds), and predictions.

    Args:
        responses: responder -> goal -> responses relative to the centre.
        pairs: (weaker, stronger) conditions that are tested.
        centre: what the disc shows.
        tests: of all responders, stored beside each plate.
        agreement: of predictions and recordings, a row a goal and condition.
        numbers: of neurons, fields of view and animals, in words.
        as_published: correct p values as published.
    """
    plates = {}
    for responder, of_goal in responses.items():
        plate = surround_figure(of_goal, pairs, centre=centre, as_published=as_published)
        nested = tests[tests["responder"] == responder]
        caption = f"{plate.caption} {responder.capitalize()}; {numbers}."
        plates[responder] = Plate(plate.figure, {**plate.numbers, "nested": nested}, caption)
    if "predicted" in responses:
        plates["prediction"] = prediction_figure(
            responses["predicted"],
            responses["recorded"],
            agreement,
            quantity=("Response", "of centre alone"),
            unit=1.0,
            numbers=numbers,
        )
    return plates


def prediction_figure(
    predicted: Mapping[str, pd.DataFrame],
    recorded: Mapping[str, pd.DataFrame],
    agreement: pd.DataFrame,
    *,
    quantity: tuple[str, str],
    unit: float | None,
    numbers: str,
) -> Plate:
    """What was predicted and recorded of each condition, and of each neuron; a row a goal.

    Args:
        predicted: goal -> responses (index mouse, neuron; a column a condition).
        recorded: the same.
        agreement: a row a goal and condition: correlation, same_sign.
        quantity: name and unit of responses.
        unit: where a line is drawn: the centre alone; None: nowhere.
        numbers: of neurons, fields of view and animals, in words.
    """
    goals = [goal for goal in recorded if goal in predicted]
    long = []
    with house_style():
        figure = new_figure(PAGE_MM, 70 * len(goals))
        panels = figure.subplots(len(goals), 2, squeeze=False, width_ratios=(2, 1))
        for (boxes, scatter), goal in zip(panels, goals, strict=True):
            names = [str(name) for name in recorded[goal] if name in predicted[goal]]
            both = pd.concat(
                {"predicted": predicted[goal][names], "recorded": recorded[goal][names]}, axis=1
            )
            _condition_boxes(boxes, both, names, quantity, unit)
            x, y = (both[name].to_numpy(float).ravel() for name in ("predicted", "recorded"))
            paired_scatter(
                scatter,
                x,
                y,
                style=STYLES["predicted"],
                x_quantity=(f"Predicted {quantity[0].lower()}", quantity[1]),
                y_quantity=(f"Recorded {quantity[0].lower()}", quantity[1]),
                limits=whisker_limits(x, y, [1.1] if unit else [0.0]),
            )
            boxes.set_title(goal.replace("_", " ").capitalize())
            long.append(both.stack(level=1, future_stack=True).assign(goal=goal).reset_index())
        legend_below(figure, panels[0][0])
    caption = (
        f"Predicted and recorded responses, {numbers}. Left: quartiles and median of neurons, a "
        "dot a neuron. Right: a dot a neuron and condition; its conditions are not independent, so "
        "that tests are made of each alone (table of agreement)."
    )
    numbers_drawn = {"responses": pd.concat(long, ignore_index=True), "agreement": agreement}
    return Plate(figure, numbers_drawn, caption)


def _condition_boxes(
    axes: Axes,
    both: pd.DataFrame,
    names: Sequence[str],
    quantity: tuple[str, str],
    unit: float | None,
) -> None:
    groups, styles, ticks = {}, {}, []
    for name in names:
        for responder, style in STYLES.items():
            groups[f"{name} {responder}"] = both[responder, name]
            styles[f"{name} {responder}"] = style
        counts = " / ".join(str(both[responder, name].notna().sum()) for responder in STYLES)
        ticks.append(f"{name}\nn = {counts}".replace(" image", "\nimage").replace(" vid", "\nvid"))
    limits = whisker_limits(*groups.values(), [1.1] if unit else [0.0])
    box_and_dots(axes, groups, styles=styles, quantity=quantity, limits=limits)
    axes.set_xticks(0.5 + 2 * np.arange(len(names)), ticks)
    for responder, style in STYLES.items():
        axes.plot([], [], color=style.colour, linewidth=1.4, label=responder)
    if unit is not None:
        axes.axhline(unit, color=RECORDED, linewidth=0.8, linestyle=_DASHED, zorder=0)


def field_figure(means: Mapping[str, pd.DataFrame], *, quantity: tuple[str, str]) -> Plate:
    """One value a field of view and condition, predicted and recorded.

    Args:
        means: responder -> index mouse, a column a condition.
        quantity: name and unit of the values.
    """
    table = pd.concat(
        [
            part.rename_axis(index="mouse")
            .reset_index()
            .melt(id_vars="mouse", var_name="group", value_name="value")
            .assign(label=responder)
            for responder, part in means.items()
        ],
        ignore_index=True,
    )
    names = list(dict.fromkeys(table["group"]))
    with house_style():
        figure = new_figure(PAGE_MM * 0.7, 66)
        axes = figure.subplots()
        styles = {name: style for name, style in STYLES.items() if name in means}
        drawn = bars_with_points(axes, table, groups=names, styles=styles, quantity=quantity)
        axes.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
        legend_below(figure)
    caption = (
        "Medians over neurons of each field of view (points), and their mean with its standard "
        "error. Fields of view of one animal are not independent: see the nested tests."
    )
    return Plate(figure, {"fields": table, "means": drawn}, caption)
