"""Surrounds of equal contrast shown to the twin that chose them, and to the truth behind it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.errors import DataError, MissingResultError
from viv1t.insilico.probe import Probe
from viv1t.insilico.responder import Responder
from viv1t.most_exciting_stimulus.canvas import Canvas, surround_ring
from viv1t.most_exciting_stimulus.gratings import GratingSpace, best_grating
from viv1t.most_exciting_stimulus.library import (
    Library,
    best_rows,
    library_folder,
    read_library,
    write_library,
)
from viv1t.most_exciting_stimulus.objective import Goal, Objective, one_neuron
from viv1t.most_exciting_stimulus.respond import Asked, ask_of
from viv1t.most_exciting_stimulus.search import best_clips, match_contrast, recorded_clips
from viv1t.names import MouseId

KINDS: Final = ("generated", "natural", "grating")
CENTRE_ALONE: Final = "none"
GOALS: Final[tuple[Goal, ...]] = ("excite", "inhibit")
# All published directions, at more than the published frequencies; the best is refined.
SPACE: Final = GratingSpace(
    directions_deg=tuple(range(0, 360, 45)),
    cpds=(0.02, 0.04, 0.08),
    hz=(1.0, 2.0, 4.0),
    phases_deg=(0.0, 90.0),
    rounds=1,
)
# Digits of contrast and mean: both goals share a search where they share these.
ROUNDED: Final = 1
_MADE_BY: Final = "most_exciting_stimulus/generate.py"


@dataclass(frozen=True, kw_only=True)
class VersusConfig:
    """Which surrounds are compared."""

    save_dir: str = flag(help="name of the generated stimuli, whose contrast was held (--rms)")
    step: int = flag(15, help="frames from one natural clip of a movie to the next")
    goals: tuple[str, ...] = flag(GOALS, help="exciting surrounds, inhibiting ones, or both")

    def __post_init__(self) -> None:
        check(
            bool(self.goals) and set(self.goals) <= set(GOALS),
            f"--goals must be of {', '.join(GOALS)}, got {', '.join(self.goals)}",
        )
        check(self.step >= 1, f"--step must be 1 or more, got {self.step}")

    @property
    def matched(self) -> str:
        """Name of the library of the natural and grating surrounds of equal contrast."""
        return f"{self.save_dir}_matched"


@dataclass(frozen=True, kw_only=True, eq=False)
class MatchedCanvas(Canvas):
    """A canvas on which every movie gets one RMS contrast and mean; NaN where it cannot.

    Attributes:
        rms: over the free pixels and all frames, in grey values.
        mean: likewise.
    """

    rms: float
    mean: float

    def show(self, movie: Tensor) -> Tensor:
        """(s, t, h, w) grey values on the screen."""
        frames = [self._matched(clip) for clip in movie.cpu().numpy()]
        return super().show(torch.from_numpy(np.stack(frames)))

    def _matched(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return match_contrast(clip, self.free, self.rms, self.mean)
        except DataError:  # a stretch of one grey value
            return np.full_like(clip, np.nan)


def patient(asked: Asked) -> Asked:
    """`asked`, answering NaN to movies that hold NaN."""

    def answer(movie: Tensor) -> Tensor:
        known = movie.isfinite().flatten(1).all(dim=1)
        responses = asked(movie.nan_to_num())
        return responses.masked_fill(~known.to(responses.device)[:, None, None], torch.nan)

    return answer


def compare_surrounds(
    probe: Probe, truth: Responder, config: VersusConfig, *, data_dir: Path
) -> pd.DataFrame:
    """Responses of twin and truth to the surrounds that are best for the twin, at equal contrast.

    For each neuron of a library of generated stimuli, and each goal, gratings (sine and square, all
    directions) and clips of the training movies are searched around the same centre, each with the
    RMS contrast and mean of the generated surround; the best of each are kept in a library of their
    own, `VersusConfig.matched`. Then truth is shown what was best for the twin. Interrupted, the
    same call goes on.

    Columns: mouse, neuron, goal, kind ("none" is the centre alone), twin and truth (sum of the
    responses over the stimulus, recorded units), rms, mean, converged.

    Args:
        probe: the twin.
        truth: the population it was trained on.
        config: which stimuli.
        data_dir: the recordings.

    Raises:
        MissingResultError: no generated surrounds of held contrast; the message names the command.
    """
    tables = []
    for mouse_id in probe.mouse_ids:
        library = read_library(library_folder(probe.output_dir, config.save_dir), [mouse_id])
        trials = [t for t in _trials(library, probe, mouse_id) if t.goal in config.goals]
        if not trials:
            raise MissingResultError(
                f"{config.save_dir} holds no generated surround of held contrast of mouse "
                f"{mouse_id}; make some with: python {_MADE_BY} --output_dir {probe.output_dir} "
                f"--save_dir {config.save_dir} --rms 30"
            )
        for trial in tqdm(
            trials, desc=f"mouse {mouse_id}", unit="surround", disable=not probe.progress
        ):
            shown = {
                CENTRE_ALONE: trial.centre,
                "generated": trial.generated,
                **_baselines(probe, mouse_id, trial, config, data_dir),
            }
            tables.append(_asked_both(probe, truth, mouse_id, trial, shown))
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    """One neuron and goal: the generated surround, its centre, and where others go."""

    row: Mapping[str, Any]
    goal: Goal
    centre: NDArray[np.float32]
    generated: NDArray[np.float32]
    canvas: MatchedCanvas

    @property
    def objective(self) -> Objective:
        return one_neuron(int(self.row["neuron"]), goal=self.goal)


def _trials(library: Library, probe: Probe, mouse_id: MouseId) -> Iterator[_Trial]:
    table = library.table
    best = set(best_rows(table).tolist())
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    for number, row in enumerate(rows):
        is_wanted = row["surround"] == "generated" and row["contrast_matched"]
        if number not in best or not is_wanted or row["neuron"] < 0:
            continue
        of_neuron = (table["neuron"] == row["neuron"]) & (table["surround"] == "none")
        same = of_neuron & (table["centre"] == row["centre"])
        same &= table["centre_motion"] == row["centre_motion"]
        candidates = np.flatnonzero(same.to_numpy(bool))
        if not len(candidates):
            continue
        top = candidates[int(table["value"].to_numpy(float)[candidates].argmax())]
        centre = library.frames(int(top))
        ring = surround_ring(
            probe.monitors[mouse_id],
            centre,
            size_deg=row["size_deg"],
            centre_px=(row["centre_x_px"], row["centre_y_px"]),
            outer_deg=None if np.isnan(row["outer_deg"]) else row["outer_deg"],
        )
        yield _Trial(
            row=row,
            goal=row["goal"],
            centre=centre,
            generated=library.frames(number),
            canvas=MatchedCanvas(
                free=ring.free,
                background=ring.background,
                rms=round(row["rms"], ROUNDED),
                mean=round(row["mean"], ROUNDED),
            ),
        )


def _baselines(
    probe: Probe, mouse_id: MouseId, trial: _Trial, config: VersusConfig, data_dir: Path
) -> dict[str, NDArray[np.float32]]:
    """The best grating and natural surrounds of equal contrast, searched once."""
    folder = library_folder(probe.output_dir, config.matched)
    found = {}
    for kind, search in (("grating", _search_gratings), ("natural", _search_clips)):
        columns = {name: trial.row[name] for name in ("neuron", "centre", "centre_motion", "goal")}
        name = f"{trial.row['stimulus']}_{kind}"
        method = {
            "beside": trial.row["stimulus"],
            "contrast": [trial.canvas.rms, trial.canvas.mean],
        }
        method |= {"step": config.step} if kind == "natural" else {"space": asdict(SPACE)}
        known = _stored(folder, mouse_id, name, method)
        if known is None:
            frames, value, source = search(probe, mouse_id, trial, config, data_dir)
            place = {
                k: trial.row[k] for k in ("centre_x_px", "centre_y_px", "size_deg", "outer_deg")
            }
            row = {
                "stimulus": name,
                **columns,
                **place,
                "surround": kind,
                "surround_motion": "dynamic",
                "value": value,
                "rms": trial.canvas.rms,
                "mean": trial.canvas.mean,
                "contrast_matched": True,
                "source": source,
            }
            write_library(folder, mouse_id, pd.DataFrame([row]), frames[None], method=method)
            known = frames
        found[kind] = known
    return found


def _stored(
    folder: Path, mouse_id: MouseId, name: str, method: Mapping[str, Any]
) -> NDArray[np.float32] | None:
    """The frames of a surround that was searched in the same way; None: there is none."""
    try:
        library = read_library(folder, [mouse_id])
    except MissingResultError:
        return None
    same = json.dumps(dict(method), sort_keys=True, default=str)
    is_it = (library.table["stimulus"] == name) & (library.table["method"] == same)
    rows = np.flatnonzero(is_it)
    return library.frames(int(rows[0])) if len(rows) else None


def _search_gratings(
    probe: Probe, mouse_id: MouseId, trial: _Trial, config: VersusConfig, data_dir: Path
) -> tuple[NDArray[np.float32], float, str]:
    canvas = trial.canvas
    found = best_grating(
        _ask(probe.responder, probe, mouse_id, trial),
        trial.objective,
        Canvas(free=canvas.free, background=canvas.background),
        probe.monitors[mouse_id],
        rms=canvas.rms,
        mean=canvas.mean,
        num_frames=len(trial.generated),
        fps=probe.responder.fps,
        space=SPACE,
        batch_size=probe.batch_size,
        progress=probe.progress,
    )
    source = ", ".join(f"{name} {value}" for name, value in vars(found.grating).items())
    return found.frames, found.value, source


def _search_clips(
    probe: Probe, mouse_id: MouseId, trial: _Trial, config: VersusConfig, data_dir: Path
) -> tuple[NDArray[np.float32], float, str]:
    (mouse,) = choose_mice(data_dir, [mouse_id])
    recording = Recording(mouse)
    clips = recorded_clips(recording, num_frames=len(trial.generated), step=config.step)
    table = best_clips(
        patient(_ask(probe.responder, probe, mouse_id, trial)),
        clips,
        [trial.objective],
        trial.canvas,
        neurons=trial.objective.neurons,
        batch_size=probe.batch_size,
        folder=library_folder(probe.output_dir, config.matched) / "search",
        facts={
            "provenance": dict(probe.provenance),
            "mouse": mouse_id,
            "movies": recording.fingerprint(),
            "rms": float(trial.canvas.rms),
            "mean": float(trial.canvas.mean),
        },
        progress="natural clips" if probe.progress else "",
    )
    rows: dict[str, dict[str, Any]] = table.set_index("goal").to_dict("index")  # type: ignore[assignment]
    row = rows[trial.goal]
    (clip,) = clips.read([int(row["number"])])
    movie = torch.from_numpy(np.array(clip, np.float32))[None]
    shown: NDArray[np.float32] = trial.canvas.show(movie)[0].numpy()
    return shown, float(row["value"]), f"trial {row['trial']} frame {row['frame']}"


def _ask(responder: Responder, probe: Probe, mouse_id: MouseId, trial: _Trial) -> Asked:
    state = probe.states.get(mouse_id, (None, None))
    return ask_of(responder, mouse_id, neurons=trial.objective.neurons, state=state)


def _asked_both(
    probe: Probe,
    truth: Responder,
    mouse_id: MouseId,
    trial: _Trial,
    shown: Mapping[str, NDArray[np.float32]],
) -> pd.DataFrame:
    movies = torch.from_numpy(np.stack(list(shown.values())).astype(np.float32))
    rows = {"mouse": mouse_id, "neuron": int(trial.row["neuron"]), "goal": trial.goal}
    table = pd.DataFrame({**rows, "kind": list(shown)})
    for name, responder in (("twin", probe.responder), ("truth", truth)):
        with torch.no_grad():
            responses = _ask(responder, probe, mouse_id, trial)(movies)
        table[name] = trial.objective.value(responses).double().cpu().numpy()
    is_alone = table["kind"] == CENTRE_ALONE
    table["rms"] = np.where(is_alone, np.nan, trial.canvas.rms)
    table["mean"] = np.where(is_alone, np.nan, trial.canvas.mean)
    table["converged"] = np.where(table["kind"] == "generated", trial.row["converged"], True)
    return table
