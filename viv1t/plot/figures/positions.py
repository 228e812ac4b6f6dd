"""Where the readouts look, beside where the receptive fields truly are."""

import pandas as pd

from viv1t.plot.panels.map import position_map
from viv1t.plot.panels.scatter import learned_against_true
from viv1t.plot.style import PAGE_MM, ModelStyle, Plate, house_style, new_figure


def positions_figure(
    positions: pd.DataFrame, *, frame_px: tuple[int, int], style: ModelStyle
) -> Plate:
    """Learned readout positions and true receptive-field centres of one model, one row a mouse.

    Args:
        positions: one row a mouse and neuron; columns mouse_id, neuron, true_x_px, true_y_px,
            learned_x_px, learned_y_px.
        frame_px: (h, w) of the movie.
        style: colour and marker of the model.
    """
    mice = list(positions.groupby("mouse_id", sort=False))
    agreement = []
    with house_style():
        figure = new_figure(PAGE_MM, 57 * len(mice))
        rows = figure.subplots(len(mice), 3, squeeze=False, width_ratios=[1, 1, 1.55])
        for panels, (mouse_id, of_mouse) in zip(rows, mice, strict=True):
            for axes, axis in zip(panels, ("x", "y"), strict=False):
                r = float(of_mouse[f"true_{axis}_px"].corr(of_mouse[f"learned_{axis}_px"]))
                learned_against_true(axes, of_mouse, axis=axis, style=style, correlation=r)
                agreement.append({"mouse_id": mouse_id, "axis": axis, "correlation": r})
            position_map(panels[2], of_mouse, frame_px=frame_px, style=style)
            panels[0].set_title(f"Mouse {mouse_id}")
            panels[2].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    caption = (
        "Positions at which the readouts look, against the true receptive-field centres of the "
        "synthetic neurons; right: both in the frame of the movie."
    )
    numbers = {"positions": positions, "agreement": pd.DataFrame(agreement)}
    return Plate(figure, numbers, caption)
