"""Which neurons stimuli are made for: ranked by how reliable and how well predicted they are."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from viv1t.analysis.response_statistics import mean_of_known, pair_correlation
from viv1t.config.flags import check, flag
from viv1t.errors import ConfigError, DataError
from viv1t.experiments.placed import Mode
from viv1t.experiments.probing import groups_of
from viv1t.insilico.probe import Probe
from viv1t.names import MouseId
from viv1t.results.store import read_result

logger = logging.getLogger(__name__)

Aim: TypeAlias = Literal["neuron", "population"]

POPULATION: Final = -1
PUBLISHED_REPEATS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Responses to the presentations of one movie.

    Attributes:
        recorded: (r, n, t).
        predicted: (r, n, t).
    """

    recorded: NDArray[np.float32]
    predicted: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """Whom stimuli are made for, and how large they are."""

    objective: Aim = flag(
        "neuron", help="whom stimuli drive: neuron (each one alone), or population (all, weighted)"
    )
    num_neurons: int = flag(30, help="best neurons of table neuron_reliability that are taken")
    neurons: tuple[int, ...] | None = flag(None, help="rows of neurons to take instead")
    stimulus_size: float = flag(20.0, help="diameter of the centre in degrees")
    use_preferred_size: bool = flag(
        False, help="centres of each neuron's preferred size, from table size_tuning"
    )
    use_RF_center: bool = flag(
        True, help="on receptive fields, from table aRF; else in the middle of the screen"
    )

    def __post_init__(self) -> None:
        check(self.num_neurons >= 1, f"--num_neurons must be 1 or more, got {self.num_neurons}")
        check(self.stimulus_size > 0, f"--stimulus_size must be positive, got {self.stimulus_size}")
        check(
            not (self.use_preferred_size and self.objective == "population"),
            "--use_preferred_size is the size of a neuron; leave it out with --objective "
            "population",
        )


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whom a stimulus is made for, and where it is shown.

    Attributes:
        neurons: rows of the mouse.
        weights: of their responses, as many.
        centre_px: (x, y) of the receptive field; None: the middle of the screen.
        size_deg: diameter of the centre.
        is_population: all neurons together, not one.
    """

    neurons: tuple[int, ...]
    weights: tuple[float, ...]
    centre_px: tuple[float, float] | None
    size_deg: float
    is_population: bool = False

    @property
    def neuron(self) -> int:
        """The neuron; -1 for a population."""
        return POPULATION if self.is_population else self.neurons[0]

    @property
    def name(self) -> str:
        """As stimuli that are made for it are called."""
        return "population" if self.is_population else f"neuron{self.neuron:04d}"


def neuron_reliability(
    movies: Iterable[Repeats], bad_fit: ArrayLike, *, as_published: bool = False
) -> pd.DataFrame:
    """One row a neuron: neuron, rank (1 is best), trial_reliability, correlation.

    trial_reliability is the mean correlation over time between pairs of presentations of a movie,
    correlation that of mean recorded with mean predicted response, both averaged over movies. A
    movie in which a response is constant does not count for that neuron (as published: it makes
    the neuron undefined).

    Args:
        movies: repeats of each movie.
        bad_fit: (n,) neurons without a receptive field, which have no rank.
        as_published: see above and `rank_neurons`; movies need 5 presentations.

    Raises:
        DataError: there are no movies, or too few presentations of one.
    """
    reliability, agreement = [], []
    least = PUBLISHED_REPEATS if as_published else 2
    for movie in movies:
        if len(movie.recorded) < least:
            raise DataError(
                f"reliability needs {least} or more presentations of each movie, found "
                f"{len(movie.recorded)}"
            )
        reliability.append(pair_correlation(movie.recorded))
        means = np.stack((movie.recorded.mean(axis=0), movie.predicted.mean(axis=0)))
        agreement.append(pair_correlation(means))
    if not reliability:
        raise DataError("reliability needs movies that were shown repeatedly, found none")
    mean = np.mean if as_published else mean_of_known
    scores = [mean(np.stack(values), axis=0) for values in (reliability, agreement)]
    return pd.DataFrame(
        {
            "neuron": np.arange(len(scores[0])),
            "rank": rank_neurons(scores[0], scores[1], bad_fit, as_published=as_published),
            "trial_reliability": scores[0],
            "correlation": scores[1],
        }
    )


def rank_neurons(
    trial_reliability: ArrayLike,
    correlation: ArrayLike,
    bad_fit: ArrayLike,
    *,
    as_published: bool = False,
) -> NDArray[np.float64]:
    """Rank (n,) by the sum of the ranks by both measures, 1 is best; NaN: has none.

    Neurons without a receptive field, or with an undefined measure, have no rank. In the published
    ranking one undefined neuron left all neurons of the mouse without one.

    Args:
        trial_reliability: (n,).
        correlation: (n,).
        bad_fit: (n,) neurons without a receptive field.
        as_published: as described.
    """
    total = sum(
        _ranks(-np.asarray(values, float), as_published)
        for values in (trial_reliability, correlation)
    )
    return _ranks(np.where(np.asarray(bad_fit, bool), np.nan, total), False)


def choose_neurons(
    table: pd.DataFrame, num: int, *, as_published: bool = False
) -> NDArray[np.int64]:
    """The rows of the `num` best neurons, best first.

    Args:
        table: neuron and rank, of one mouse.
        num: how many; fewer if not so many have a rank.
        as_published: neurons without a rank fill up the number.

    Raises:
        ConfigError: no neuron has a rank.
    """
    ranked = table.sort_values("rank", kind="stable", na_position="last")
    if not as_published:
        ranked = ranked[ranked["rank"].notna()]
    if ranked.empty:
        raise ConfigError(
            f"none of {len(table)} neurons has a rank in table neuron_reliability: each lacks a "
            "receptive field (table aRF) or responses; name some with --neurons"
        )
    return ranked["neuron"].to_numpy(np.int64)[:num]


def population_weights(correlation: ArrayLike) -> NDArray[np.float32]:
    """Weights (n,) of a population, of sum 1: correlations, 0 where negative or undefined.

    Raises:
        ConfigError: no correlation is positive.
    """
    values = np.nan_to_num(np.asarray(correlation, np.float64), nan=0.0).clip(min=0)
    if not values.sum() > 0:
        raise ConfigError(
            "a population needs neurons that the model predicts: no correlation in table "
            "neuron_reliability is positive"
        )
    return (values / values.sum()).astype(np.float32)


def targets_of(
    probe: Probe, mouse_id: MouseId, config: SelectionConfig, *, as_published: bool = False
) -> list[Target]:
    """Whom stimuli are made for, and where, from the tables in the folder of results.

    Neurons without a receptive field, or without a preferred size where it is asked for, are left
    out, and a log line says how many; the next best ones take their place (as published: none does,
    and those without a receptive field are shown stimuli in the middle of the screen).

    Args:
        probe: who is asked.
        mouse_id: the mouse.
        config: settings.
        as_published: choice and places as published.

    Raises:
        MissingResultError: a table is missing; the message names the command.
        ConfigError: a neuron does not exist, or none is left.
    """
    mode: Mode = config.objective if config.use_RF_center else "screen"
    groups = groups_of(probe, mouse_id, mode=mode, as_published=as_published)
    places = {int(n): group.placement.centre_px for group in groups for n in group.neurons}
    if config.objective == "population":
        return [_population(probe, mouse_id, config, places)]
    chosen = _chosen(probe, mouse_id, config, as_published=as_published)
    sizes = dict.fromkeys(chosen, config.stimulus_size)
    if config.use_preferred_size:
        sizes = _preferred_sizes(probe, mouse_id)
    usable = [n for n in chosen if sizes.get(n, 0) > 0 and (n in places or as_published)]
    if len(usable) < len(chosen):
        logger.info(
            "mouse %s: left out %d of %d neurons without receptive field or preferred size",
            mouse_id,
            len(chosen) - len(usable),
            len(chosen),
        )
    if not usable:
        raise ConfigError(
            f"mouse {mouse_id}: none of the {len(chosen)} chosen neurons has a receptive field "
            "(table aRF) and, with --use_preferred_size, a size (table size_tuning); name others "
            "with --neurons"
        )
    if config.neurons is None:
        usable = usable[: config.num_neurons]
    return [
        Target(neurons=(n,), weights=(1.0,), centre_px=places.get(n), size_deg=sizes[n])
        for n in usable
    ]


def share_a_place(targets: Iterable[Target]) -> list[list[Target]]:
    """Targets that share centre and size, which can be shown the same movies."""
    groups: dict[tuple[object, float], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.centre_px, target.size_deg), []).append(target)
    return list(groups.values())


def _population(
    probe: Probe,
    mouse_id: MouseId,
    config: SelectionConfig,
    places: Mapping[int, tuple[float, float] | None],
) -> Target:
    table = read_result(probe.output_dir, "neuron_reliability", mouse_ids=[mouse_id])
    weights = population_weights(table["correlation"])
    known = weights > 0
    return Target(
        neurons=tuple(table["neuron"].to_numpy(int)[known].tolist()),
        weights=tuple(weights[known].tolist()),
        centre_px=next(iter(places.values())),
        size_deg=config.stimulus_size,
        is_population=True,
    )


def _chosen(
    probe: Probe, mouse_id: MouseId, config: SelectionConfig, *, as_published: bool
) -> list[int]:
    """The neurons that are asked for, or all that have a rank, best first (as published: 30)."""
    total = probe.responder.num_neurons(mouse_id)
    if config.neurons is None:
        table = read_result(probe.output_dir, "neuron_reliability", mouse_ids=[mouse_id])
        num = config.num_neurons if as_published else total
        chosen: list[int] = choose_neurons(table, num, as_published=as_published).tolist()
        return chosen
    for neuron in config.neurons:
        check(
            0 <= neuron < total,
            f"--neurons: mouse {mouse_id} has neurons 0 to {total - 1}, got {neuron}",
        )
    return list(config.neurons)


def _preferred_sizes(probe: Probe, mouse_id: MouseId) -> dict[int, float]:
    table = read_result(probe.output_dir, "size_tuning", mouse_ids=[mouse_id])
    sizes = table["classical_deg"].fillna(0.0)
    return dict(zip(table["neuron"].astype(int), sizes.astype(float), strict=True))


def _ranks(values: ArrayLike, is_spoilt: bool) -> NDArray[np.float64]:
    """Ordinal ranks, smallest first; NaN stays NaN, and if `is_spoilt` makes all NaN."""
    policy = "propagate" if is_spoilt else "omit"
    ranks = rankdata(np.asarray(values, float), method="ordinal", nan_policy=policy)
    return np.asarray(ranks, np.float64)
