"""When responses to gratings with surrounds begin, and when the surround takes effect."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from viv1t.analysis.significance import paired_test
from viv1t.analysis.stats import hierarchical_bootstrap
from viv1t.names import SURROUND_KINDS
from viv1t.plot.figures.contextual import KIND_STYLES, whisker_limits
from viv1t.plot.panels import (
    box_and_dots,
    corner_text,
    paired_scatter,
    significance,
    step_histogram,
)
from viv1t.plot.style import PAGE_MM, PURPLE, ModelStyle, Plate, house_style, new_figure
from viv1t.rng import child

MS: Final = 1000.0
_STYLE: Final = ModelStyle(PURPLE, "o", 3.0)
_DELAY_BINS: Final = np.arange(-200.0, 401.0, 100 / 3)


def surround_onset_figure(onsets: pd.DataFrame) -> Plate:
    """Onsets by surround, of suppression against the centre, and the delay of the surround.

    Args:
        onsets: of `analysis.surround_onsets.surround_onsets`, with columns mouse and neuron.
    """
    with house_style():
        figure = new_figure(PAGE_MM, 62)
        boxes, scatter, delays = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
        tests = _boxes(boxes, onsets)
        centre, late = (MS * onsets[name] for name in ("centre_s", "suppression_s"))
        paired_scatter(
            scatter,
            centre,
            late,
            style=_STYLE,
            x_quantity=("Onset, centre", "ms"),
            y_quantity=("Onset of suppression", "ms"),
            test=paired_test(late, centre),
        )
        drawn = step_histogram(
            delays,
            {"delay": MS * onsets["delay_s"]},
            _DELAY_BINS,
            styles={"delay": _STYLE},
            quantity=("Suppression after centre", "ms"),
            mice_by_group={"delay": onsets["mouse"]},
        )
        known = onsets.dropna(subset=["delay_s"])
        if len(known):
            values = MS * known["delay_s"]
            found = hierarchical_bootstrap(values, known["mouse"], rng=child(0, "delay"))
            corner_text(
                delays,
                f"mean {found.mean:.0f} ms\n[{found.low:.0f}, {found.high:.0f}]\n"
                f"median {values.median():.0f} ms\nn = {found.num_neurons}",
                right=True,
            )
    caption = (
        "Onset of responses to gratings at the highest contrast: 25 % of each response's own peak, "
        "interpolated. Suppression is what the iso surround takes from the response to the centre; "
        "neurons without suppression have no onset of it."
    )
    return Plate(figure, {"onsets": onsets, "tests": tests, "delays": drawn}, caption)


def _boxes(axes: Axes, onsets: pd.DataFrame) -> pd.DataFrame:
    values = {kind.capitalize(): MS * onsets[f"{kind}_s"] for kind in SURROUND_KINDS}
    styles = {kind.capitalize(): KIND_STYLES[kind] for kind in SURROUND_KINDS}
    limits = whisker_limits(*values.values())
    box_and_dots(axes, values, styles=styles, quantity=("Onset", "ms"), limits=limits)
    rows = []
    for place, (name, of_kind) in enumerate(list(values.items())[1:], start=1):
        test = paired_test(of_kind, values["Centre"])
        significance(axes, 0, place, test, y=limits[1] * (0.98 + 0.09 * place))
        rows.append({"kind": name, "against": "Centre"} | vars(test))
    return pd.DataFrame(rows)
