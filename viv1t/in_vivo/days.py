"""Later days of several fields of view, and the tables that are made of them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.data.mice import choose_mice, find_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError, MissingResultError
from viv1t.experiments.contextual_responses import traces_of
from viv1t.experiments.saved import load_experiment
from viv1t.experiments.table import ResponseTable
from viv1t.in_vivo import contextual, filters, flips, reliability
from viv1t.in_vivo.session import Session, day_folder, read_session, responses_of
from viv1t.in_vivo.surrounds import session_scores
from viv1t.names import MouseId
from viv1t.results.in_vivo_tables import (
    FLIP_SHARES,
    FLIPS,
    MODULATION,
    NEURONS,
    PREFERENCES,
    SCORES,
)
from viv1t.results.run import RunDir
from viv1t.results.store import read_result, spec_of
from viv1t.rng import child

logger = logging.getLogger(__name__)

RECORDED: Final = "recorded"
PREDICTED: Final = "predicted"
COMMAND: Final = "in_vivo_analysis/predict_session.py"
Criterion: TypeAlias = Literal["band", "correlation"]


@dataclass(frozen=True, kw_only=True)
class Day:
    """A later day of a field of view.

    Attributes:
        first: the recording of the first day.
        session: what was shown and recorded.
    """

    first: Recording
    session: Session

    @property
    def label(self) -> dict[str, Any]:
        """animal, mouse and day: the first columns of all tables."""
        facts = self.session.facts
        return {"animal": facts.animal, "mouse": self.session.mouse, "day": facts.day}


def open_days(data_dir: Path, mouse_ids: Sequence[MouseId] | None, day: int) -> list[Day]:
    """A later day of some mice.

    Args:
        data_dir: folder of the recordings.
        mouse_ids: fields of view, by the id of their first day; None: all that have such a day.
        day: 2, 3, ...

    Raises:
        MissingResultError: no mouse has the day.
        DataError: a session does not fit its files.
    """
    if mouse_ids is None:
        known = find_mice(data_dir).items()
        there = [m for m, mouse in known if day_folder(mouse, day).is_dir() and m[-5:-1] != "_day"]
        if not there:
            raise MissingResultError(
                f"no mouse of {data_dir} has a day {day}, a folder <first day>_day{day} beside the "
                f"first; simulate one: python in_vivo_analysis/simulate_session.py --day {day}"
            )
        mouse_ids = there
    days = []
    for mouse in choose_mice(data_dir, mouse_ids):
        first = Recording(mouse)
        session = read_session(first.mouse, day, num_neurons=first.num_neurons)
        days.append(Day(first=first, session=session))
    return days


def experiment_of(day: int) -> str:
    """The name of the experiment that holds predictions for a day."""
    return f"in_vivo_day{day}"


def tables_of(day: Day, folder: Path) -> dict[str, ResponseTable]:
    """Responses to the stimuli of a day: "recorded", and "predicted" where the folder has them.

    Args:
        day: the day.
        folder: of the run that predicted.

    Raises:
        DataError: what was predicted are other stimuli.
        ConfigError: the run does not have all neurons of the first day.
    """
    RunDir(folder).check_rows(day.session.mouse, day.session.facts.num_neurons)
    found = {RECORDED: responses_of(day.session)}
    try:
        return found | {PREDICTED: predictions_of(day, folder)}
    except MissingResultError:
        logger.info("mouse %s: no predictions; make them with %s", day.session.mouse, COMMAND)
        return found


def predictions_of(day: Day, folder: Path) -> ResponseTable:
    """What was predicted for the stimuli of a day.

    Args:
        day: the day.
        folder: of who predicted.

    Raises:
        MissingResultError: there are no predictions; the message names the command.
        DataError: what was predicted are other stimuli.
    """
    name, mouse_id = experiment_of(day.session.facts.day), day.session.mouse
    table = load_experiment(folder, name, command=COMMAND, mouse_ids=[mouse_id])[mouse_id]
    if table.conditions["stimulus"].tolist() != day.session.conditions["stimulus"].tolist():
        raise DataError(
            f"{folder}/experiments/{name} holds predictions of other stimuli than "
            f"{day.session.folder}: delete it and run {COMMAND} again"
        )
    return table


def neuron_table(
    day: Day,
    *,
    criterion: Criterion = "band",
    share: float = reliability.SHARE,
    minimum: float = 0.3,
    tier: str = reliability.TIER,
    as_published: bool = False,
) -> pd.DataFrame:
    """Rows of the table in_vivo_neurons: who was found again, and answers as on the first day.

    Args:
        day: the day.
        criterion: what makes a neuron stable, see `reliability.stable_neurons` (band) and
            `reliability.correlated_neurons`.
        share: of frames within the band.
        minimum: correlation across days.
        tier: of the movies that all days show.
        as_published: the published band.
    """
    first = reliability.repeated_movies(day.first, tier=tier)
    later = reliability.repeated_movies(day.session.natural(day.first.mouse), tier=tier)
    correlations = reliability.day_correlations(first, later)
    means = correlations.groupby("neuron")[["across", "within"]].mean()
    inside = reliability.inside_band(first, later)
    frames = np.array([min(r.shape[2], later[m].shape[2]) for m, r in first.items() if m in later])
    if criterion == "band":
        stable = reliability.stable_neurons(first, later, share=share, as_published=as_published)
    else:
        stable = reliability.correlated_neurons(correlations, minimum=minimum)
    table = pd.DataFrame(
        {
            "neuron": np.arange(len(inside)),
            "matched": reliability.matched(later),
            "num_movies": inside.shape[1],
            "inside": (inside / frames).mean(axis=1),
            "across": means["across"].to_numpy(),
            "within": means["within"].to_numpy(),
            "stable": stable,
        }
    )
    return table.assign(**day.label)


def contextual_tables(
    day: Day,
    folder: Path,
    *,
    field_deg: float = filters.FIELD_DEG,
    seed: int = 1234,
    as_published: bool = False,
) -> dict[str, pd.DataFrame]:
    """Rows of in_vivo_modulation, _flips, _flip_shares and _preferences of a day, by table.

    The filters are those of the recording, and choose the same neurons in predictions. These have
    no noise: their flips are those of the published rule. Filters look at the centre at the highest
    contrast alone: iso against cross is tested on trials that did not select, but suppression at
    that contrast is too large in neurons that hardly respond (an index of .02 to .08 where there is
    none; up to .02 in those that respond clearly).

    Args:
        day: the day.
        folder: of the results: predictions, and the table aRF.
        field_deg: see `filters.in_field`.
        seed: of bootstraps and shuffles.
        as_published: responses with those to grey, and the published filters.
    """
    kept = _filtered(day, folder, field_deg=field_deg, as_published=as_published)
    chosen = kept.loc[kept["kept"], "neuron"].to_numpy()
    names = (MODULATION, FLIPS, FLIP_SHARES, PREFERENCES)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in names}
    for responder, table in tables_of(day, folder).items():
        gratings = contextual.grating_responses(table)
        samples, conditions, grey = contextual.samples_of(gratings, above_grey=not as_published)
        rng = child(seed, "in vivo", day.session.mouse, responder)
        found = contextual.modulation(samples, conditions, grey, rng=rng)
        found = found.rename(columns={"row": "neuron"}).merge(kept, on="neuron")
        high, low = contextual.two_contrasts(samples, conditions, grey)
        flipping = flips.flips(high[chosen], low[chosen]).assign(neuron=chosen)
        shares = flips.flip_shares(high[chosen], low[chosen], rng=rng)
        ends = conditions["contrast"].max(), conditions["contrast"].min()
        preferences = [
            {"contrast": end, **flips.preference(pair[chosen], rng=rng)}
            for end, pair in zip(ends, (high, low), strict=True)
        ]
        if responder == PREDICTED:  # without noise there is nothing to test
            flipping = flipping.assign(flip=flipping["published"], p=np.nan, q=np.nan)
            shares = shares[shares["definition"] == "published"].assign(
                **dict.fromkeys(("chance", "chance_low", "chance_high", "p"), np.nan),
                chance_published=np.nan,
            )
            preferences = [row | {"p": np.nan} for row in preferences]
        made = (found, flipping, shares, pd.DataFrame(preferences))
        for name, part in zip(names, made, strict=True):
            labelled = part.assign(responder=responder, **day.label)
            parts[name].append(labelled[list(spec_of(name).columns)])
    return {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}


def gratings_of(
    folder: Path, *, mouse_ids: Sequence[MouseId] | None = None, as_published: bool = False
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Responder -> in_vivo_modulation and in_vivo_flips of the neurons that passed the filters.

    Args:
        folder: of the results.
        mouse_ids: fields of view; None: all.
        as_published: flips are those of the published rule.

    Raises:
        MissingResultError: a table is missing; the message names the command.
        DataError: no neuron passed.
    """
    modulation, flips = (read_result(folder, n, mouse_ids=mouse_ids) for n in (MODULATION, FLIPS))
    modulation = modulation[modulation["kept"]]
    if modulation.empty:
        raise DataError(
            f"no neuron of {folder}/tables/{MODULATION}.parquet passed all filters: make it again "
            "with a larger --field_deg, or more presentations"
        )
    if as_published:
        flips = flips.assign(flip=flips["published"])
    return {
        str(responder): (part, flips[flips["responder"] == responder])
        for responder, part in modulation.groupby("responder", sort=False)
    }


def flip_traces(
    days: Sequence[Day], flips: pd.DataFrame, *, num: int, as_published: bool = False
) -> tuple[pd.DataFrame, float] | None:
    """Recorded responses over time of the neurons that flip most, and the stimulus in seconds.

    As `experiments.contextual_responses.traces_of`, with a column name; None: no neuron flips.

    Args:
        days: of the fields of view.
        flips: in_vivo_flips.
        num: neurons at most.
        as_published: by the published rule.
    """
    column = "published" if as_published else "flip"
    chosen = flips[flips[column] & flips["responder"].eq(RECORDED)]
    size = (chosen["cmi_high"] - chosen["cmi_low"]).nlargest(num).index
    parts = []
    for day in days:
        neurons = chosen.loc[chosen.index.isin(size) & chosen["mouse"].eq(day.session.mouse)]
        if len(neurons):
            table = contextual.grating_responses(responses_of(day.session))
            found = traces_of(table.select(neurons=neurons["neuron"].to_numpy(int)))
            names = found["neuron"].map(lambda n, m=day.session.mouse: f"{m}, neuron {n}")
            parts.append(found.assign(name=names))
    if not parts:
        return None
    timing = days[0].session.timing
    return pd.concat(parts, ignore_index=True), timing.stimulus / timing.fps


def score_table(day: Day, folder: Path, *, as_published: bool = False) -> pd.DataFrame:
    """Rows of the table in_vivo_scores of a day, recorded and predicted.

    Args:
        day: the day.
        folder: of the results, with the predictions.
        as_published: responses with those to grey.
    """
    parts = [
        session_scores(table, day.session, responder=responder, above_grey=not as_published)
        for responder, table in tables_of(day, folder).items()
    ]
    return pd.concat(parts, ignore_index=True)[list(spec_of(SCORES).columns)]


def stable_rows(folder: Path, mouse_ids: Sequence[MouseId] | None = None) -> pd.DataFrame:
    """Mouse and neuron of those that were found again and are stable.

    Args:
        folder: of the results, with the table in_vivo_neurons.
        mouse_ids: mice that are wanted; None: all.

    Raises:
        MissingResultError: the table is missing; the message names the command.
    """
    table = read_result(folder, NEURONS, mouse_ids=mouse_ids)
    return table.loc[table["matched"] & table["stable"], ["mouse", "neuron"]]


def _filtered(day: Day, folder: Path, *, field_deg: float, as_published: bool) -> pd.DataFrame:
    """neuron, matched, responsive_peak, in_field, reliable and kept: all of them."""
    traces, keys = contextual.single_traces(day.session)
    strongest = keys.index((max(contrast for contrast, _ in keys), "centre"))
    recorded = contextual.grating_responses(responses_of(day.session))
    high = recorded.select(kind="centre", contrast=keys[strongest][0])
    assert high.trace is not None
    before = high.reduction.before
    found = {
        "matched": np.isfinite(traces[:, strongest]).any(axis=(1, 2)),
        "responsive_peak": filters.responsive(high.trace.mean(axis=1), before=before, on=high.on),
        "in_field": _in_field(day, folder, field_deg=field_deg, as_published=as_published),
        "reliable": filters.reliable(traces, strongest, as_published=as_published),
    }
    kept = np.all(list(found.values()), axis=0)
    return pd.DataFrame({"neuron": np.arange(len(kept)), **found, "kept": kept})


def _in_field(day: Day, folder: Path, *, field_deg: float, as_published: bool) -> NDArray[np.bool_]:
    n = day.session.facts.num_neurons
    try:
        fields = read_result(folder, "aRF", mouse_ids=[day.session.mouse]).set_index("neuron")
    except MissingResultError as error:
        logger.warning("mouse %s: all neurons count as in place: %s", day.session.mouse, error)
        return np.ones(n, dtype=bool)
    good = fields[~fields["bad_fit"].astype(bool)]
    centres = good[["x_px", "y_px"]].reindex(range(n)).to_numpy(float)
    return filters.in_field(
        centres, monitor=day.session.monitor, size_deg=field_deg, as_published=as_published
    )
