"""Tables for pages of text."""

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """`table` for a page of docs: numbers with three digits."""

    def cell(value: object) -> str:
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    rows = [list(map(str, table)), ["---"] * table.shape[1]]
    rows += [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
