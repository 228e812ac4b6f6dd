"""Tables of scores as text."""

from typing import Final

import pandas as pd

from viv1t.names import TIERS

METRICS: Final = (
    "correlation",
    "single_trial_correlation",
    "correlation_to_average",
    "normalized_correlation",
)


def as_markdown(table: pd.DataFrame) -> str:
    """One row a model, one column a tier: mean ± standard error over mice.

    Args:
        table: columns model, tier, mean, sem, num_mice.
    """
    cells = _cells(table, plus_minus=" ± ")
    lines = ["| model | " + " | ".join(cells.columns) + " |"]
    lines.append("| --- |" + " --- |" * cells.shape[1])
    lines += [f"| {model} | " + " | ".join(row) + " |" for model, row in cells.iterrows()]
    return "\n".join(lines)


def as_latex(table: pd.DataFrame) -> str:
    """`as_markdown` as a LaTeX tabular; standard errors in brackets, as in the paper."""
    cells = _cells(table, plus_minus=" (", end=")")
    rows = [["model", *cells.columns]]
    rows += [[str(model), *row] for model, row in cells.iterrows()]
    head, *body = (" & ".join(row).replace("_", r"\_") + r" \\" for row in rows)
    begin = r"\begin{tabular}{l" + "c" * cells.shape[1] + "}"
    return "\n".join([begin, head, r"\hline", *body, r"\end{tabular}"])


def _cells(table: pd.DataFrame, *, plus_minus: str, end: str = "") -> pd.DataFrame:
    """Texts: rows models, columns tiers; single mice have no standard error."""
    text = [
        f"{mean:.3f}{plus_minus}{sem:.3f}{end}" if num > 1 else f"{mean:.3f}"
        for mean, sem, num in zip(table["mean"], table["sem"], table["num_mice"], strict=True)
    ]
    wide = table.assign(text=text).pivot(index="model", columns="tier", values="text")
    wide = wide.loc[list(dict.fromkeys(table["model"]))]
    return wide[[tier for tier in TIERS if tier in wide]].fillna("-")
