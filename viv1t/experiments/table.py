"""The result of an experiment: responses by condition."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from viv1t.errors import ConfigError
from viv1t.experiments.tally import FloatArray, Reduction, Tally
from viv1t.results.responses import Source


@dataclass(frozen=True, kw_only=True)
class ResponseTable:
    """Responses of n neurons to k conditions, in p presentations.

    Attributes:
        conditions: k rows.
        presentations: p rows, in the order in which they were shown: condition, repeat, trial,
            slot, onset.
        neurons: n rows: neuron (row of the mouse) and, where known, x_um, y_um, z_um.
        mean: (n, k) mean over the stimulus, then over repeats.
        sem: (n, k) its standard error over repeats; NaN without repeats.
        trace: (n, k, w) mean over repeats; None if not kept. It begins `reduction.before` frames
            before the onset.
        trace_sem: (n, k, w), likewise.
        amplitude: (n, p) mean over the stimulus of each presentation; None if not kept.
        on: frames of a stimulus.
        reduction: how responses were reduced.
        source: "predicted" or "recorded".
    """

    conditions: pd.DataFrame
    presentations: pd.DataFrame
    neurons: pd.DataFrame
    mean: FloatArray
    sem: FloatArray
    trace: FloatArray | None
    trace_sem: FloatArray | None
    amplitude: FloatArray | None
    on: int
    reduction: Reduction
    source: Source

    @classmethod
    def of(
        cls,
        tally: Tally,
        *,
        conditions: pd.DataFrame,
        presentations: pd.DataFrame,
        neurons: pd.DataFrame,
        source: Source,
    ) -> "ResponseTable":
        """The table of a finished tally, see the attributes."""
        trace = tally.trace
        return cls(
            conditions=conditions.reset_index(drop=True),
            presentations=presentations,
            neurons=neurons,
            mean=tally.amplitude.mean.T,
            sem=tally.amplitude.sem(tally.counts).T,
            trace=None if trace is None else trace.mean.swapaxes(0, 1),
            trace_sem=None if trace is None else trace.sem(tally.counts).swapaxes(0, 1),
            amplitude=None if tally.single is None else tally.single.T,
            on=tally.on,
            reduction=tally.reduction,
            source=source,
        )

    def select(self, *, neurons: ArrayLike | None = None, **conditions: Any) -> "ResponseTable":  # noqa: ANN401
        """The table of some neurons and conditions.

        Args:
            neurons: rows of this table, or a mask; None: all.
            conditions: column of the conditions -> value, or list of values.

        Raises:
            ConfigError: no such column, or no such condition.
        """
        rows = np.arange(len(self.neurons))
        rows = rows if neurons is None else rows[np.asarray(neurons)]
        keep = np.ones(len(self.conditions), dtype=bool)
        for name, wanted in conditions.items():
            values = wanted if isinstance(wanted, list | tuple | set) else [wanted]
            keep &= self._column(name).isin(list(values)).to_numpy()
        if not keep.any():
            raise ConfigError(f"no condition has {conditions}; there are:\n{self.conditions}")
        chosen = np.flatnonzero(keep)
        shown = keep[self.presentations["condition"].to_numpy()]
        new_row = np.cumsum(keep) - 1
        presentations = self.presentations[shown].reset_index(drop=True)
        presentations["condition"] = new_row[presentations["condition"]]

        def cut(values: FloatArray | None, columns: NDArray[np.generic]) -> Any:  # noqa: ANN401
            return None if values is None else values[rows][:, columns]

        return replace(
            self,
            conditions=self.conditions.iloc[chosen].reset_index(drop=True),
            presentations=presentations,
            neurons=self.neurons.iloc[rows].reset_index(drop=True),
            mean=cut(self.mean, chosen),
            sem=cut(self.sem, chosen),
            trace=cut(self.trace, chosen),
            trace_sem=cut(self.trace_sem, chosen),
            amplitude=cut(self.amplitude, np.flatnonzero(shown)),
        )

    def tuning(self, *by: str) -> tuple[FloatArray, list[NDArray[np.generic]]]:
        """Mean responses on a grid: (n, len(levels[0]), len(levels[1]), ...), and the levels.

        Conditions that share a cell are averaged; cells without a condition are NaN.

        Args:
            by: columns of the conditions, one axis each, levels ascending.

        Raises:
            ConfigError: no such column.
        """
        levels, places = zip(
            *(np.unique(self._column(name).to_numpy(), return_inverse=True) for name in by),
            strict=True,
        )
        shape = tuple(len(level) for level in levels)
        cells = np.ravel_multi_index(places, shape)
        sums = np.zeros((int(np.prod(shape)), len(self.mean)))
        np.add.at(sums, cells, self.mean.T)
        counts = np.bincount(cells, minlength=len(sums)).astype(float)
        counts[counts == 0] = np.nan
        return (sums.T / counts).astype(np.float32).reshape(-1, *shape), list(levels)

    def _column(self, name: str) -> pd.Series:
        if name not in self.conditions:
            raise ConfigError(
                f"no column {name!r} in the conditions; there are "
                f"{', '.join(map(repr, self.conditions.columns))}"
            )
        return self.conditions[name]


def tabulate(
    trials: Iterable[tuple[int, FloatArray]],
    *,
    conditions: pd.DataFrame,
    presentations: pd.DataFrame,
    on: int,
    reduction: Reduction,
    source: Source,
    neurons: pd.DataFrame | None = None,
) -> ResponseTable:
    """The table of responses that exist already: recorded trials, or predictions of them.

    Args:
        trials: (trial, responses (n, t)), in any order; trials that show nothing are passed over.
        conditions: k rows.
        presentations: p rows: condition (row of `conditions`), trial, onset (frame of the
            responses).
        on: frames of a stimulus.
        reduction: what to keep.
        source: "predicted" or "recorded".
        neurons: n rows that describe them; None: numbers.

    Raises:
        ConfigError: a stimulus does not lie within its responses, or its trial is missing.
    """
    presentations = presentations.reset_index(drop=True)
    of_trial = dict(list(presentations.groupby("trial")))
    tally: Tally | None = None
    for trial, responses in trials:
        shown = of_trial.pop(trial, None)
        if shown is None:
            continue
        if tally is None:
            tally = Tally(
                num_neurons=len(responses),
                num_conditions=len(conditions),
                num_presentations=len(presentations),
                on=on,
                reduction=reduction,
            )
        add_trial(tally, shown, responses, first_frame=0)
    if tally is None or of_trial:
        raise ConfigError(f"no responses to trials {', '.join(map(str, of_trial))}")
    if neurons is None:
        neurons = pd.DataFrame({"neuron": np.arange(tally.amplitude.mean.shape[1])})
    return ResponseTable.of(
        tally,
        conditions=conditions,
        presentations=presentations,
        neurons=neurons,
        source=source,
    )


def add_trial(
    tally: Tally, shown: pd.DataFrame, responses: FloatArray, *, first_frame: int
) -> None:
    """Take the responses (n, t) to one trial.

    Args:
        tally: to update.
        shown: presentations of the trial; the index numbers presentations.
        responses: (n, t).
        first_frame: of the trial, at which they begin.

    Raises:
        ConfigError: a stimulus does not lie within them.
    """
    columns = (shown[name].to_numpy() for name in ("condition", "onset"))
    for presentation, condition, onset in zip(shown.index.to_numpy(), *columns, strict=True):
        frames = tally.reduction.frames(int(onset) - first_frame, tally.on)
        if frames.start < 0 or frames.stop > responses.shape[1]:
            raise ConfigError(
                f"presentation {presentation} needs frames {frames.start} to {frames.stop} of "
                f"responses to {responses.shape[1]} frames"
            )
        tally.add(int(presentation), int(condition), responses[:, frames])
