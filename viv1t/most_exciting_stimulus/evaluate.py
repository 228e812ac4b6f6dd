"""Finished stimuli shown to those who did not make them: scores, controls, confusion."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from viv1t.analysis.stimulus_comparisons import origins
from viv1t.config.flags import check, flag
from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.consensus import consensus, spread
from viv1t.most_exciting_stimulus.controls import (
    at_contrast,
    confusion,
    phase_scrambled,
    rotated,
    shifted,
    shown_pixels,
    time_reversed,
)
from viv1t.most_exciting_stimulus.library import KIND, POPULATION, Library
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.names import MouseId
from viv1t.results.stimulus_score_tables import CONFUSION, RANKS, SCORES, SEEDS
from viv1t.rng import child
from viv1t.units import GREY

Tables: TypeAlias = dict[str, pd.DataFrame]

AS_MADE: Final = "as made"
_ORIGIN_ORDER: Final = ("generated", "natural", "grating", "none")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How stimuli are changed in the controls."""

    shift_deg: float = flag(30.0, help="how far stimuli are shifted, in four directions")
    rotate_deg: float = flag(90.0, help="by how much they are turned about their centre")
    num_scrambles: int = flag(4, help="draws of random phases")
    contrasts: tuple[float, ...] = flag(
        (0.05, 0.1, 0.2, 0.4, 0.7), help="factors of the contrast, besides 1"
    )

    def __post_init__(self) -> None:
        check(self.shift_deg > 0, f"--shift_deg must be above 0, got {self.shift_deg}")
        check(self.num_scrambles > 0, f"--num_scrambles must be above 0, got {self.num_scrambles}")
        check(
            all(0 < factor < 1 for factor in self.contrasts),
            f"--contrasts must lie between 0 and 1, got {self.contrasts}",
        )


def evaluate(
    library: Library,
    witnesses: Sequence[Witness],
    mouse_id: MouseId,
    *,
    config: EvaluateConfig,
    centres_px: Mapping[int, tuple[float, float]],
    selective: Mapping[int, bool] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Tables:
    """The tables of `results.stimulus_score_tables` of one mouse, by name; none is empty.

    All stimuli are shown as they were made; the best exciting ones of each neuron and origin also
    fainter, the best generated one (else the best) changed as in `controls`, and on the receptive
    fields of all other neurons that have one. Sums are over the frames of the stimulus.

    Args:
        library: stimuli; those of other mice are left out.
        witnesses: who is asked.
        mouse_id: the mouse.
        config: of the controls.
        centres_px: (x, y) of receptive fields by neuron; stimuli of neurons that are missing lie
            where the library says.
        selective: whether a neuron is selective for direction; None: unknown.
        seed: of random phases.
        progress: show progress bars.

    Raises:
        ConfigError: the library has no stimulus of the mouse.
    """
    library = library.of(library.table["mouse"] == mouse_id)
    if not len(library):
        raise ConfigError(f"no stimulus of mouse {mouse_id}: name other libraries or mice")
    parts: dict[str, list[pd.DataFrame]] = {n: [] for n in (SCORES, CONFUSION, RANKS)}
    best = best_of_each_neuron(library.table)
    for witness in witnesses:
        room = _Room(witness, mouse_id, config, seed, progress)
        parts[SCORES].append(_scores(room, library, best, centres_px, selective or {}))
        table, ranks = _confusions(room, library, best, centres_px)
        parts[CONFUSION].append(table)
        parts[RANKS].append(ranks)
    tables = {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}
    tables[SEEDS] = seeds_of(library)
    return {name: table for name, table in tables.items() if len(table)}


def best_of_each_neuron(table: pd.DataFrame) -> pd.DataFrame:
    """The strongest exciting stimulus of every neuron and origin.

    Columns: row (number in `table`), neuron, origin, first (whether it is the neuron's generated
    one, or the best of the others where there is none). Populations are left out.

    Args:
        table: of a library, of one mouse.
    """
    known = table.assign(row=np.arange(len(table)), origin=origins(table))
    known = known[(known["goal"] == "excite") & (known["neuron"] != POPULATION)]
    known = known.sort_values("value", ascending=False, kind="stable")
    best = known.drop_duplicates(["neuron", "origin"])
    place = best["origin"].map({name: k for k, name in enumerate(_ORIGIN_ORDER)})
    best = best.assign(_place=place).sort_values(["neuron", "_place"], kind="stable")
    best = best.assign(first=~best["neuron"].duplicated())
    return best[["row", "neuron", "origin", "first"]].reset_index(drop=True)


def seeds_of(library: Library) -> pd.DataFrame:
    """What seeds agree on: one row a neuron and kind of which there are two seeds or more.

    Correlations are means over pairs of seeds, within the pixels that any of them shows.
    """
    rows = []
    numbered = library.table.assign(row=np.arange(len(library)))
    for _, group in numbered.groupby(["mouse", "library", "neuron", *KIND], sort=False):
        if group["seed"].nunique() < 2:
            continue
        movies = np.stack([library.frames(row) for row in group["row"]])
        agreed = consensus(movies, np.any([shown_pixels(movie) for movie in movies], axis=0))
        first = group.iloc[0]
        rows.append(
            {name: first[name] for name in ("mouse", "library", *KIND)}
            | {
                "made_for": int(first["neuron"]),
                "num_seeds": len(group),
                "num_converged": int(group["converged"].sum()),
                "best": float(group["value"].max()),
                "spread": spread(group["value"]),
                "correlation": agreed.mean_correlation,
                "correlation_plain": agreed.mean_plain,
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Room:
    """One witness and one mouse."""

    witness: Witness
    mouse_id: MouseId
    config: EvaluateConfig
    seed: int
    progress: bool

    @property
    def num_neurons(self) -> int:
        return self.witness.probe.responder.num_neurons(self.mouse_id)

    @property
    def shift_px(self) -> int:
        return max(
            1,
            round(2 * self.witness.probe.monitors[self.mouse_id].radius_px(self.config.shift_deg)),
        )

    def responses(self, movies: ArrayLike, neurons: Sequence[int] | None) -> NDArray[np.float64]:
        """(k, n, t) to movies (k, t, h, w) after grey; None: all neurons."""
        probe = self.witness.probe
        rows = range(self.num_neurons) if neurons is None else neurons
        ask = ask_of(
            probe.responder,
            self.mouse_id,
            neurons=list(rows),
            state=probe.states.get(self.mouse_id, (None, None)),
        )
        shown = torch.as_tensor(np.asarray(movies, np.float32))
        with torch.no_grad():
            parts = [ask(piece).double().cpu().numpy() for piece in shown.split(probe.batch_size)]
        return np.concatenate(parts)

    def sums(self, movies: ArrayLike, neurons: Sequence[int] | None) -> NDArray[np.float64]:
        """(k, n) likewise, over the frames of the movies."""
        return self.responses(movies, neurons).sum(axis=2)

    def bar(self, rows: Sequence[Any], what: str) -> Iterator[Any]:
        text = f"mouse {self.mouse_id}, {self.witness.label}: {what}"
        yield from tqdm(rows, desc=text, disable=not self.progress, leave=False)

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(responder=self.witness.label, role=self.witness.role)


def _who(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that name a stimulus."""
    names = {name: row[name] for name in ("mouse", "library", "stimulus")}
    return {**names, "made_for": int(row["neuron"])}


def _scores(
    room: _Room,
    library: Library,
    best: pd.DataFrame,
    centres_px: Mapping[int, tuple[float, float]],
    selective: Mapping[int, bool],
) -> pd.DataFrame:
    kinds = [*KIND, "seed", "value", "converged"]
    roles = best.set_index("row")["first"]
    parts, blanks = [], {}
    for number in room.bar(range(len(library)), "scores"):
        row, movie = library.table.iloc[number], library.frames(number)
        versions = [(AS_MADE, 0.0, movie)]
        if number in roles.index:
            versions += [("contrast", f, at_contrast(movie, f)) for f in room.config.contrasts]
        if number in roles.index and roles[number]:
            centre = centres_px.get(row["neuron"], (row["centre_x_px"], row["centre_y_px"]))
            versions += list(_changed(room, movie, centre, number))
        neurons = None if row["neuron"] == POPULATION else [int(row["neuron"])]
        sums = room.sums(np.stack([shown for *_, shown in versions]), neurons)
        where, rows = shown_pixels(movie), np.arange(room.num_neurons)[neurons or slice(None)]
        found = pd.DataFrame(
            {
                "version": [name for name, *_ in versions],
                "amount": [amount for _, amount, _ in versions],
                "rms": [
                    float(shown[:, where].std()) if where.any() else 0.0 for *_, shown in versions
                ],
            }
        )
        found = pd.concat([found.assign(neuron=n, response=sums[:, k]) for k, n in enumerate(rows)])
        means = found.groupby(["version", "amount", "neuron"], sort=False).mean().reset_index()
        if movie.shape not in blanks:
            grey = np.full((1, *movie.shape), GREY, np.float32)
            blanks[movie.shape] = room.sums(grey, None)[0]
        means["blank"] = blanks[movie.shape][means["neuron"]]
        means["direction_selective"] = [
            float(selective[n]) if n in selective else np.nan for n in means["neuron"]
        ]
        parts.append(means.assign(**_who(row), **{name: row[name] for name in kinds}))
    return room.label(pd.concat(parts, ignore_index=True))


def _changed(
    room: _Room, movie: NDArray[np.float32], centre_px: tuple[float, float], number: int
) -> Iterator[tuple[str, float, NDArray[np.float32]]]:
    """The controls of a stimulus: (version, amount, movie); of one name they will be averaged."""
    config, step = room.config, room.shift_px
    for dx, dy in ((step, 0), (-step, 0), (0, step), (0, -step)):
        yield "shift", config.shift_deg, shifted(movie, dx, dy)
    yield "rotate", config.rotate_deg, rotated(movie, config.rotate_deg, centre_px)
    yield "reverse", 0.0, time_reversed(movie)
    for draw in range(config.num_scrambles):
        rng = child(room.seed, "scramble", room.mouse_id, number, draw)
        yield "scramble", 0.0, phase_scrambled(movie, rng)


def _confusions(
    room: _Room,
    library: Library,
    best: pd.DataFrame,
    centres_px: Mapping[int, tuple[float, float]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every neuron's stimulus to every neuron, as made and moved onto its receptive field."""
    chosen = best[best["first"]]
    neurons = chosen["neuron"].tolist()
    own_px = library.table.iloc[chosen["row"]][["centre_x_px", "centre_y_px"]].to_numpy(float)
    places = np.array([centres_px.get(n, tuple(own_px[k])) for k, n in enumerate(neurons)])
    moves = np.rint(places[None] - places[:, None]).astype(int)  # (stimulus, neuron, xy)
    responses = np.zeros((2, len(neurons), len(neurons)))
    for k, number in enumerate(room.bar(chosen["row"].tolist(), "confusion")):
        movie = library.frames(number)
        steps, which = np.unique(np.vstack([[[0, 0]], moves[k]]), axis=0, return_inverse=True)
        movies = np.stack([shifted(movie, int(dx), int(dy)) for dx, dy in steps])
        sums, which = room.sums(movies, neurons), which.ravel()
        responses[0, k] = sums[which[0]]
        responses[1, k] = sums[which[1:], np.arange(len(neurons))]
    tables, ranks = [], []
    names = pd.DataFrame([_who(library.table.iloc[number]) for number in chosen["row"]])
    for matched, values in zip((False, True), responses, strict=True):
        if not len(names):
            continue
        found = confusion(values, np.arange(len(neurons)))
        for column, neuron in enumerate(neurons):
            given = {"response": values[:, column], "z": found.z[:, column]}
            tables.append(names.assign(neuron=neuron, matched=matched, **given))
        ranks.append(
            names.assign(
                matched=matched,
                rank=found.rank,
                num_neurons=len(neurons),
                rank_of_stimulus=found.rank_of_stimulus,
                num_stimuli=len(neurons),
            )
        )
    if not tables:
        return pd.DataFrame(), pd.DataFrame()
    table, ranked = (pd.concat(parts, ignore_index=True) for parts in (tables, ranks))
    return room.label(table), room.label(ranked)
