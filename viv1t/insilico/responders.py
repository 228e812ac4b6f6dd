"""Opening what answers movies: a trained twin, the mean of several, or the truth behind data."""

import argparse
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viv1t.config.flags import check
from viv1t.data.mice import choose_mice, find_mice
from viv1t.data.recording import Recording
from viv1t.data.statistics import load_statistics
from viv1t.data.synthetic import SyntheticMouse
from viv1t.data.synthetic.truth import truth_path
from viv1t.errors import ConfigError
from viv1t.insilico.load import is_published, load, weights_id
from viv1t.insilico.probe import BehaviorState, Probe, ResponderKind, State
from viv1t.insilico.responder import Responder
from viv1t.insilico.restored import check_restored
from viv1t.insilico.twin import DigitalTwin, Precision
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.results.run import RunDir
from viv1t.units import Monitor

# Shares of the training frames in which a mouse counts as still, and as not running.
STILL: Final = 0.1
NOT_RUNNING: Final = 0.9
SPEED: Final = 1


class Ensemble:
    """The mean of the responses of several responders, each of which has all mice of the first.

    Args:
        members: one or more.
        labels: names of the members, for messages.
    """

    def __init__(self, members: Sequence[Responder], labels: Sequence[str]) -> None:
        self.members = tuple(members)
        first = self.members[0]
        for member, label in zip(self.members, labels, strict=True):
            sizes = {m: member.num_neurons(m) for m in first.mouse_ids if m in member.mouse_ids}
            wanted = {m: first.num_neurons(m) for m in first.mouse_ids}
            if sizes != wanted or member.video_shape != first.video_shape:
                raise ConfigError(
                    f"--ensemble: {label} should answer for the mice and neurons of {labels[0]} "
                    f"{wanted} at {first.video_shape} pixels, it has {sizes} at "
                    f"{member.video_shape}; name runs of the same recordings"
                )

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """Ids of the mice."""
        return self.members[0].mouse_ids

    @property
    def video_shape(self) -> tuple[int, int]:
        """(h, w) in pixels of the movies."""
        return self.members[0].video_shape

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.members[0].fps

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons n of a mouse."""
        return self.members[0].num_neurons(mouse_id)

    def neuron_coordinates(self, mouse_id: MouseId) -> NDArray[np.float32] | None:
        """(n, 3) cortical positions in µm, or None if unknown."""
        return self.members[0].neuron_coordinates(mouse_id)

    def predict(
        self,
        video: ArrayLike,
        mouse_id: MouseId,
        **asked: Any,  # noqa: ANN401
    ) -> NDArray[np.float32]:
        """The mean of what the members answer, see `Responder.predict`."""
        total = self.members[0].predict(video, mouse_id, **asked)
        for member in self.members[1:]:
            answer = member.predict(video, mouse_id, **asked)
            # Models may answer fewer frames than they are shown; the last ones coincide.
            shared = min(total.shape[-1], answer.shape[-1])
            total = total[..., -shared:] + answer[..., -shared:]
        mean: NDArray[np.float32] = total / np.float32(len(self.members))
        return mean


def open_responder(
    output_dir: Path,
    *,
    data_dir: Path,
    responder: ResponderKind = "twin",
    ensemble: Sequence[Path] = (),
    device: str = "",
    precision: Precision = "32",
    compile: bool = False,
    mouse_ids: Sequence[MouseId] | None = None,
    grad_checkpointing: bool = False,
) -> Responder:
    """What answers movies.

    Args:
        output_dir: the run of a twin; of the truth, any folder.
        data_dir: the recordings: statistics of published runs, and the truth.
        responder: "twin" is the trained model, "truth" the synthetic population.
        ensemble: more runs, whose responses are averaged with those of the twin.
        device: empty: the best there is.
        precision: "32" or "bf16".
        compile: compile the cores with torch.compile.
        mouse_ids: mice of the truth; None: all.
        grad_checkpointing: of the twins, see `load`.

    Raises:
        UserError: a run, its weights or the truth cannot be opened.
    """
    if responder == "truth":
        check(not ensemble, "--ensemble averages trained runs; leave it out with --responder truth")
        return SyntheticMouse.open(data_dir, mouse_ids)
    paths = [Path(output_dir), *map(Path, ensemble)]
    twins = []
    for path in paths:
        statistics = data_dir if is_published(RunDir.open(path)) else None
        twins.append(
            load(
                path,
                device=device or None,
                precision=precision,
                statistics=statistics,
                grad_checkpointing=grad_checkpointing,
            )
        )
        if compile:
            twins[-1].model.compile_core()
    return twins[0] if len(twins) == 1 else Ensemble(twins, [str(path) for path in paths])


def open_probe(args: argparse.Namespace) -> Probe:
    """Who is asked, where and in which state, of the flags `config.scripts.PROBE_FLAGS`.

    Raises:
        UserError: flags that cannot work, or files that are missing or damaged.
    """
    check(args.batch_size >= 1, f"--batch_size must be at least 1, got {args.batch_size}")
    check(
        not args.evaluate or args.responder == "twin",
        "--evaluate checks the weights of trained runs; leave it out with --responder truth",
    )
    ensemble = args.ensemble or ()
    responder = open_responder(
        args.output_dir,
        data_dir=args.data_dir,
        responder=args.responder,
        ensemble=ensemble,
        device=args.device,
        precision=args.precision,
        compile=args.compile,
        mouse_ids=args.mouse_ids,
        grad_checkpointing=bool(getattr(args, "grad_checkpointing", 0)),
    )
    mouse_ids = tuple(args.mouse_ids or responder.mouse_ids)
    for mouse_id in mouse_ids:
        if mouse_id not in responder.mouse_ids:
            raise unknown_name("mouse", mouse_id, responder.mouse_ids)
    if args.evaluate:
        options = {"batch_size": args.batch_size, "progress": args.verbose > 1}
        for run, twin in zip((args.output_dir, *ensemble), _members(responder), strict=True):
            assert isinstance(twin, DigitalTwin)
            check_restored(twin, run, args.data_dir, **options)
    state: BehaviorState = args.behavior_state
    if args.responder == "truth":
        provenance = _truth_id(args.data_dir, mouse_ids)
    else:
        provenance = _ensemble_id([args.output_dir, *ensemble])
    return Probe(
        output_dir=args.output_dir,
        responder=responder,
        monitors={m: monitor_of(responder, args.data_dir, m) for m in mouse_ids},
        states={m: probing_state(responder, args.data_dir, m, state) for m in mouse_ids},
        provenance=provenance | {"behavior_state": state, "precision": args.precision},
        seed=args.seed,
        batch_size=args.batch_size,
        progress=args.verbose > 1,
    )


def probing_state(
    responder: Responder, data_dir: Path, mouse_id: MouseId, state: BehaviorState
) -> State:
    """Behaviour (k,) and pupil centre (p,), in recorded units, of a mouse in an experiment.

    "mean" and "median" are those of the training frames ("mean" is None, None: what responders
    take by themselves). "still" and "running" are the .1 and .9 quantile of running speed, with
    the mean pupil of the frames that are as slow, or as fast (decisions.md).

    Args:
        responder: a twin knows its statistics; for others they are those of the recording.
        data_dir: folder of the recordings.
        mouse_id: the mouse.
        state: the name of the state.

    Raises:
        ConfigError: no running speed was recorded.
        DataError: the recording is missing.
    """
    if state == "mean":
        return None, None
    if state == "median":
        twin = _twin_of(responder)
        known = None if twin is None else twin.mouse(mouse_id).statistics
        statistics = known or load_statistics(_recording(data_dir, mouse_id))
        behavior, pupil = statistics.behavior.median, statistics.pupil_center.median
        return (behavior if len(behavior) else None), (pupil if len(pupil) else None)
    recording = _recording(data_dir, mouse_id)
    if recording.num_behaviors <= SPEED:
        raise ConfigError(
            f"--behavior_state {state} needs the running speed of mouse {mouse_id}, of which "
            f"{recording.folder} holds {recording.num_behaviors} behaviour rows (pupil size, "
            "speed); use mean or median"
        )
    trials = [int(trial) for trial in recording.trials("train")]
    behavior, pupil = (
        np.concatenate(
            [recording.read_rows(k, t, start=0, stop=recording.duration(t)) for t in trials], axis=1
        )
        for k in ("behavior", "pupil_center")
    )
    share = STILL if state == "still" else NOT_RUNNING
    speed = np.quantile(behavior[SPEED], share)
    chosen = behavior[SPEED] <= speed if state == "still" else behavior[SPEED] >= speed
    behavior = behavior[:, chosen].mean(axis=1, dtype=np.float64).astype(np.float32)
    behavior[SPEED] = speed
    centre = pupil[:, chosen].mean(axis=1, dtype=np.float64).astype(np.float32)
    return behavior, (centre if len(centre) else None)


def monitor_of(responder: Responder, data_dir: Path, mouse_id: MouseId) -> Monitor:
    """The screen of a mouse, with the pixels of the movies that `responder` takes.

    Args:
        responder: a twin knows the screens of its mice; for others data_dir does.
        data_dir: folder with mice.yaml, or that of the known mice.
        mouse_id: the mouse.

    Raises:
        ConfigError: neither knows the mouse.
    """
    twin = _twin_of(responder)
    facts = None if twin is None else twin.mouse(mouse_id).facts
    if facts is not None:
        monitor = facts.monitor
    else:
        mice = find_mice(data_dir)
        if mouse_id not in mice:
            raise unknown_name("mouse", mouse_id, mice)
        monitor = mice[mouse_id].monitor
    height_px, width_px = responder.video_shape
    return monitor.with_px(width_px=width_px, height_px=height_px)


def _twin_of(responder: Responder) -> DigitalTwin | None:
    """The twin, or the first of an ensemble."""
    first = _members(responder)[0]
    return first if isinstance(first, DigitalTwin) else None


def _members(responder: Responder) -> tuple[Responder, ...]:
    return responder.members if isinstance(responder, Ensemble) else (responder,)


def _recording(data_dir: Path, mouse_id: MouseId) -> Recording:
    (mouse,) = choose_mice(data_dir, [mouse_id])
    return Recording(mouse)


def _ensemble_id(runs: Sequence[Path]) -> dict[str, str | int]:
    """The run and weights of a twin; of several, all of them, joined by " + "."""
    ids = [weights_id(RunDir.open(run)) for run in runs]
    if len(ids) == 1:
        return ids[0]
    return {name: " + ".join(str(one[name]) for one in ids) for name in ("run", "weights")}


def _truth_id(data_dir: Path, mouse_ids: Sequence[MouseId]) -> dict[str, str | int]:
    """The data folder, and a hash of the tables of true parameters."""
    mice, digest = find_mice(data_dir), sha256()
    for mouse_id in mouse_ids:
        digest.update(truth_path(mice[mouse_id].folder).read_bytes())
    return {"run": f"truth of {data_dir}", "weights": digest.hexdigest()[:16]}
