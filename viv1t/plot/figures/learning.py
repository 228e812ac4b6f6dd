"""Learning curves of any number of runs."""

import pandas as pd

from viv1t.plot.panels.learning import best_markers, learning_curve, level_line
from viv1t.plot.style import PAGE_MM, Plate, house_style, model_styles, new_figure


def learning_figure(history: pd.DataFrame, *, ceiling: float | None = None) -> Plate:
    """Training loss and validation correlation against the epoch, best epochs marked.

    Args:
        history: one row a model and epoch; columns model, epoch, loss, correlation (validation;
            NaN where an epoch was not evaluated).
        ceiling: noise ceiling of the validation correlation, if known.
    """
    styles = model_styles(history["model"].tolist())
    with house_style():
        figure = new_figure(PAGE_MM * 0.8, 58)
        loss, correlation = figure.subplots(1, 2)
        learning_curve(
            loss, history, column="loss", quantity=("Training loss", "a.u."), styles=styles
        )
        learning_curve(
            correlation,
            history,
            column="correlation",
            quantity=("Validation correlation", "r"),
            styles=styles,
        )
        best_markers(correlation, history, column="correlation", styles=styles)
        values = history["correlation"].fillna(0.0)
        low, high = values.min(), max(values.max(), ceiling or 0.0)
        room = 0.12 * (high - min(0.0, low)) or 0.1  # for what is written at lines and markers
        correlation.set_ylim(low - room if low < room else 0.0, high + room)
        if ceiling is not None:
            level_line(correlation, ceiling, f"noise ceiling {ceiling:.3f}")
        loss.legend(loc="upper right")
        loss.set_title("Training")
        correlation.set_title("Validation, best epoch marked")
    caption = (
        "Training loss and validation correlation (mean over neurons) after each epoch. Marked: "
        "the epoch whose weights are kept."
    )
    return Plate(figure, {"history": history}, caption)
