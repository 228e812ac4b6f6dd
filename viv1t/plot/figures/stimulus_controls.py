"""What becomes of a response when its stimulus is changed, fainter, or shown to others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.analysis.families import Answer, Question, answer_family
from viv1t.analysis.stimulus_comparisons import contrast_curves, control_ratios, held_out_gains
from viv1t.errors import ConfigError
from viv1t.plot.axes import label, log_y
from viv1t.plot.figures.twin_and_truth import ORIGIN_STYLES
from viv1t.plot.panels import box_and_dots, corner_text, significance
from viv1t.plot.style import (
    BLUE,
    INK,
    PAGE_MM,
    RECORDED,
    WINE,
    ModelStyle,
    Plate,
    house_style,
    new_figure,
)

_MADE: Final = "as made"
_NAMES: Final = MappingProxyType(
    {
        "shift": "shifted",
        "rotate": "turned",
        "scramble": "scrambled",
        "reverse": "reversed",
        "reverse selective": "reversed,\nselective",
        "reverse others": "reversed,\nothers",
    }
)
_CONTROL: Final = ModelStyle(BLUE, "o")


def controls_figure(scores: pd.DataFrame, seeds: pd.DataFrame, *, responder: str) -> Plate:
    """Controls of the best stimulus of each neuron, response against contrast, and seeds.

    Args:
        scores: stimulus_scores.
        seeds: stimulus_seeds; empty: only one seed was made.
        responder: who answered.

    Raises:
        ConfigError: no stimulus of a neuron drives it more than grey.
    """
    ratios = control_ratios(scores, responder=responder)
    if ratios.empty:
        raise ConfigError(
            f"no stimulus drives its neuron more than grey when {responder} is asked: nothing to "
            "control; look at the table stimulus_scores"
        )
    wide = control_columns(ratios)
    curves = contrast_curves(scores, responder=responder)
    with house_style():
        figure = new_figure(PAGE_MM, 70)
        boxes, contrast, agreed = figure.subplots(1, 3, width_ratios=(1.5, 1, 0.8))
        answers = _controls(boxes, wide)
        drawn = _contrast(contrast, curves)
        _seeds(agreed, seeds)
    caption = (
        "Left: responses above grey to the best stimulus of each neuron after a change, over those "
        "to it as made (dashed); stars: one-sided Wilcoxon signed-rank tests after Holm. Reversed "
        "in time only cells selective for direction should lose. Middle: against RMS contrast, "
        "over each neuron's largest; means and standard errors over neurons. Right: correlation "
        "between stimuli of two seeds, phases aligned."
    )
    numbers = {
        "controls": wide.reset_index(),
        "tests": pd.DataFrame([answer.row for answer in answers]),
        "contrast": drawn,
        "seeds": seeds,
    }
    return Plate(figure, numbers, caption)


def control_columns(ratios: pd.DataFrame) -> pd.DataFrame:
    """(mouse, neuron) x (as made: 1, and each control): ratios, reversal split by selectivity.

    Args:
        ratios: of `stimulus_comparisons.control_ratios`.
    """
    known = ratios["direction_selective"].notna()
    kind = np.where(ratios["direction_selective"] == 1, "reverse selective", "reverse others")
    is_split = (ratios["version"] == "reverse") & known
    name = ratios["version"].where(~is_split, pd.Series(kind, index=ratios.index))
    wide = ratios.assign(name=name).pivot_table(
        index=["mouse", "neuron"], columns="name", values="ratio"
    )
    order = [column for column in _NAMES if column in wide]
    return wide[order].assign(**{_MADE: 1.0})


def _controls(axes: Axes, wide: pd.DataFrame) -> list[Answer]:
    columns = [column for column in wide if column != _MADE]
    answers = answer_family(
        wide, [Question(first=str(c), second=_MADE, alternative="less") for c in columns]
    )
    groups = {_NAMES[str(column)]: wide[column].to_numpy(float) for column in columns}
    every = wide[columns].to_numpy(float)
    top = max(1.25, float(np.nanquantile(every, 0.98)))
    bottom = min(-0.05, float(np.nanquantile(every, 0.02)))
    box_and_dots(
        axes,
        groups,
        styles=dict.fromkeys(groups, _CONTROL),
        quantity=("Response above grey", "of as made"),
        limits=(bottom, top),
    )
    axes.axhline(1, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= top])
    for place, answer in enumerate(answers):
        significance(axes, place, place, answer.test, y=top)
    axes.set_title("Controls")
    return answers


def _contrast(axes: Axes, curves: pd.DataFrame) -> pd.DataFrame:
    drawn = (
        curves.groupby(["origin", "factor"])
        .agg(
            rms=("rms", "mean"), share=("share", "mean"), sem=("share", "sem"), n=("share", "size")
        )
        .reset_index()
    )
    for origin, part in drawn.groupby("origin", sort=False):
        style = ORIGIN_STYLES.get(str(origin), ModelStyle(INK, "^"))
        axes.errorbar(
            part["rms"],
            100 * part["share"],
            yerr=100 * part["sem"].fillna(0.0),
            color=style.colour,
            marker=style.marker,
            markersize=3,
            elinewidth=0.7,
            label=f"{origin}, n = {part['n'].max()}",
        )
    axes.axhline(0, color=RECORDED, linewidth=0.6, zorder=0)
    axes.set_xlim(left=0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.1 * (1 + drawn["origin"].nunique()) * (high - low))
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= 101])
    axes.legend(loc="upper left")
    axes.set_title("Contrast")
    label(axes, x=("RMS contrast", "grey values"), y=("Response above grey", "% of largest"))
    return drawn


def _seeds(axes: Axes, seeds: pd.DataFrame) -> None:
    axes.set_title("Seeds")
    if seeds.empty:
        axes.set_axis_off()
        corner_text(axes, "one seed of each")
        return
    groups = {
        "plain": seeds["correlation_plain"].to_numpy(float),
        "aligned": seeds["correlation"].to_numpy(float),
    }
    styles = {"plain": ModelStyle(RECORDED, "o"), "aligned": ModelStyle(WINE, "o")}
    low = min(-0.05, float(np.nanmin(np.concatenate(list(groups.values())))) - 0.05)
    box_and_dots(axes, groups, styles=styles, quantity=("Between seeds", "r"), limits=(low, 1.3))
    axes.set_yticks([tick for tick in axes.get_yticks() if tick <= 1.01])
    axes.set_ylim(low, 1.3)
    converged = seeds["num_converged"].sum() / max(1, seeds["num_seeds"].sum())
    corner_text(
        axes,
        f"spread of values {100 * seeds['spread'].median():.1f} %\n"
        f"converged {100 * converged:.0f} %",
    )


def held_out_figure(
    scores: pd.DataFrame, *, styles: Mapping[str, ModelStyle], any_contrast: bool = False
) -> Plate:
    """Generated over other stimuli, on the responder that made them and on those that did not.

    Args:
        scores: stimulus_scores of one or several responders.
        styles: responder -> style.
        any_contrast: see `stimulus_comparisons.held_out_gains`.
    """
    gains = held_out_gains(scores, any_contrast=any_contrast)
    names = list(dict.fromkeys(gains["responder"]))
    log = gains.assign(log_ratio=np.log2(gains["ratio"]))
    wide = log.pivot(index=["mouse", "neuron"], columns="responder", values="log_ratio")[names]
    answers = answer_family(
        wide.assign(_none=0.0),
        [Question(first="_none", second=name, alternative="less") for name in names],
    )
    layout = gains["layout"].iloc[0]
    contrast = "at equal" if gains["contrast_matched"].iloc[0] else "whatever their"
    with house_style():
        figure = new_figure(PAGE_MM * 0.75, 72)
        boxes, pairs = figure.subplots(1, 2, width_ratios=(1.1, 1))
        _ratios(boxes, wide, answers, styles)
        drawn = _better(pairs, wide, styles)
    tests = pd.DataFrame([{"responder": n} | a.row for n, a in zip(names, answers, strict=True)])
    caption = (
        f"Response above grey to the best generated stimulus ({layout}) of each neuron over that "
        f"to its best natural clip or grating, {contrast} RMS contrast, both chosen on the "
        "responder that made them. Left: a "
        "dot a neuron, stars: one-sided Wilcoxon signed-rank tests against equality after Holm. "
        "Right: neurons that prefer the generated one."
    )
    return Plate(figure, {"ratios": gains, "tests": tests, "preferring": drawn}, caption)


def _ratios(
    axes: Axes,
    wide: pd.DataFrame,
    answers: list[Answer],
    styles: Mapping[str, ModelStyle],
) -> None:
    ratios = {str(name): 2 ** wide[name].to_numpy(float) for name in wide}
    every = np.concatenate(list(ratios.values()))
    known = every[np.isfinite(every)]
    low, high = (known.min(), known.max()) if known.size else (0.5, 2.0)
    limits = (min(0.8, float(low) / 1.15), max(1.25, float(high) * 1.15))
    log_y(axes, *limits)
    box_and_dots(
        axes, ratios, styles=styles, quantity=("Generated", "of best other"), limits=limits
    )
    axes.axhline(1, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    for place, answer in enumerate(answers):
        significance(axes, place, place, answer.test, y=limits[1])
    axes.set_title("Generated against others")


def _better(axes: Axes, wide: pd.DataFrame, styles: Mapping[str, ModelStyle]) -> pd.DataFrame:
    rows = []
    for place, name in enumerate(wide):
        known = wide[name].dropna()
        share = 100 * float((known > 0).mean()) if len(known) else np.nan
        axes.bar([place], [share], width=0.6, color=styles[str(name)].colour, alpha=0.6)
        axes.text(place, share + 1.5, f"{share:.0f}", ha="center", va="bottom", fontsize=6)
        rows.append({"responder": name, "percent": share, "n": len(known)})
    axes.axhline(50, color=RECORDED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=3)
    axes.set_xticks(range(len(rows)), [f"{r['responder']}\nn = {r['n']}" for r in rows])
    axes.tick_params(axis="x", length=0)
    axes.set(xlim=(-0.6, len(rows) - 0.4), ylim=(0, 112), title="Prefer the generated")
    axes.set_yticks(range(0, 101, 25))
    label(axes, y=("Neurons", "%"))
    return pd.DataFrame(rows)
