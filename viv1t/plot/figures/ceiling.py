"""How near each neuron comes to the best that any model could do."""

import pandas as pd

from viv1t.plot.panels.scatter import against_ceiling, ceiling_lines
from viv1t.plot.style import PAGE_MM, Plate, house_style, model_styles, new_figure


def ceiling_figure(scores: pd.DataFrame, *, share: float = 0.7) -> Plate:
    """Correlation of each neuron against its noise ceiling, one panel a mouse.

    Args:
        scores: one row a model, mouse and neuron; columns model, mouse_id, neuron, correlation,
            ceiling.
        share: of the ceiling, drawn as a dashed line.
    """
    styles = model_styles(scores["model"].tolist())
    mice = list(scores.groupby("mouse_id", sort=False))
    limit = min(1.0, 1.08 * float(scores[["correlation", "ceiling"]].max().max()))
    with house_style():
        figure = new_figure(min(PAGE_MM, 12 + 75 * len(mice)), 78)
        panels = figure.subplots(1, len(mice), squeeze=False, sharey=True)[0]
        for axes, (mouse_id, of_mouse) in zip(panels, mice, strict=True):
            for model, rows in of_mouse.groupby("model", sort=False):
                style = styles[str(model)]
                ratio = rows["correlation"].mean() / rows["ceiling"].mean()
                text = f"{model}: {100 * ratio:.0f} % of the ceiling"
                against_ceiling(axes, rows, style=style, model=text, limit=limit)
            ceiling_lines(axes, limit=limit, share=share)
            axes.set_title(f"Mouse {mouse_id}")
            legend = axes.legend(loc="upper left", handletextpad=0.2, alignment="left")
            legend.set_title("small: neurons, large: mean", prop={"size": 6.5})
    caption = (
        "Correlation of predictions with single recorded responses of each neuron, against the "
        f"best that any model could reach. Dashed: {100 * share:.0f} % of that ceiling."
    )
    return Plate(figure, {"neurons": scores}, caption)
