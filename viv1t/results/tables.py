"""Scores and tables on disk: averages over mice, and parquet files. Imports no torch."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import pandas as pd

from viv1t.errors import DataError, MissingResultError
from viv1t.names import MouseId
from viv1t.utils.files import atomic

logger = logging.getLogger(__name__)

AVERAGE: Final = "average"

# {metric: {mouse: value, "average": value}}
MetricScores: TypeAlias = dict[str, dict[str, float]]


def with_average(label: str, of_mouse: Mapping[MouseId, Mapping[str, float]]) -> MetricScores:
    """{metric: {mouse: value, "average": mean}} of {mouse: {metric: value}}.

    Undefined values (NaN) do not enter the mean; one log line names them.

    Args:
        label: what the scores are of, for the log line.
        of_mouse: at least one mouse; all mice have the same metrics.
    """
    scores: MetricScores = {}
    undefined: dict[MouseId, list[str]] = {}
    for metric in next(iter(of_mouse.values())):
        values = {mouse_id: float(of_mouse[mouse_id][metric]) for mouse_id in of_mouse}
        defined = [value for value in values.values() if not math.isnan(value)]
        for mouse_id, value in values.items():
            if math.isnan(value):
                undefined.setdefault(mouse_id, []).append(metric)
        average = sum(defined) / len(defined) if defined else math.nan
        scores[metric] = values | {AVERAGE: average}
    if undefined:
        listed = "; ".join(f"{mouse}: {', '.join(names)}" for mouse, names in undefined.items())
        logger.info("%s: undefined and left out of averages: mouse %s", label, listed)
    return scores


def scores_table(scores: Mapping[str, MetricScores], *, label: str = "tier") -> pd.DataFrame:
    """One row (mouse, `label`, metric, value) for each value of a mouse; averages are left out.

    Args:
        scores: {tier or stimulus type: {metric: {mouse: value, "average": value}}}.
        label: name of the column of the outer keys.
    """
    rows = [
        (mouse_id, outer, metric, value)
        for outer, metrics in scores.items()
        for metric, values in metrics.items()
        for mouse_id, value in values.items()
        if mouse_id != AVERAGE
    ]
    return pd.DataFrame(rows, columns=["mouse", label, "metric", "value"])


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write `table` to the parquet file `path`, whole or not at all."""
    with atomic(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_table(path: Path, *, command: str) -> pd.DataFrame:
    """The table in the parquet file `path`.

    Args:
        path: the file.
        command: the command that writes it, for the message if it is missing.

    Raises:
        MissingResultError: there is no such file.
        DataError: the file is damaged.
    """
    if not path.is_file():
        raise MissingResultError(f"{path} does not exist; write it with: {command}")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path} is not a readable parquet file ({reason}); write it again with: {command}"
        ) from error
