"""Who is asked for responses to finished stimuli, and what is known of the neurons."""

import argparse
import logging
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from viv1t.analysis.direction import is_selective
from viv1t.config.flags import check
from viv1t.errors import MissingResultError
from viv1t.experiments.placed import good_receptive_fields
from viv1t.insilico.probe import Probe
from viv1t.insilico.responders import open_probe
from viv1t.names import MouseId
from viv1t.results.store import read_result

logger = logging.getLogger(__name__)

Role: TypeAlias = Literal["run", "held_out", "truth"]
TRUTH: Final = "truth"


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Who is asked.

    Attributes:
        label: in tables and figures.
        role: "run" made the stimuli, or might have; the others did not.
        probe: the responder, its screens and states.
    """

    label: str
    role: Role
    probe: Probe


def open_witnesses(args: argparse.Namespace) -> list[Witness]:
    """Who is asked, of the flags `config.scripts.PROBE_FLAGS` and `--held_out`.

    Args:
        args: `held_out` names more runs, or "truth"; None, or no such flag: none.

    Raises:
        UserError: flags that cannot work, runs of other recordings, or files that are missing.
    """
    first = open_probe(args)
    is_truth = args.responder == TRUTH
    found = [
        Witness(
            label=TRUTH if is_truth else args.output_dir.resolve().name,
            role="truth" if is_truth else "run",
            probe=first,
        )
    ]
    for entry in getattr(args, "held_out", None) or ():
        role: Role = "truth" if str(entry) == TRUTH else "held_out"
        is_run = role != "truth"
        other: dict[str, Any] = {"responder": "twin" if is_run else TRUTH, "ensemble": None}
        other["evaluate"] = args.evaluate and is_run
        folder = args.output_dir if role == "truth" else entry
        asked = {**vars(args), **other, "output_dir": folder, "mouse_ids": first.mouse_ids}
        probe = open_probe(argparse.Namespace(**asked))
        shape, wanted = probe.responder.video_shape, first.responder.video_shape
        check(
            shape == wanted,
            f"--held_out {entry} watches movies of {shape} pixels, the stimuli have {wanted}; "
            "name a run of the same recordings",
        )
        label = TRUTH if role == "truth" else entry.resolve().name
        found.append(Witness(label=label, role=role, probe=probe))
    labels = [witness.label for witness in found]
    check(
        len(set(labels)) == len(labels),
        f"--held_out: {', '.join(labels)} should have names that differ; rename a folder",
    )
    return found


def centres_of(probe: Probe, mouse_id: MouseId) -> dict[int, tuple[float, float]]:
    """(x, y) of the good receptive fields in the table aRF; none without the table."""
    try:
        fields = read_result(probe.output_dir, "aRF", mouse_ids=[mouse_id])
    except MissingResultError as error:
        logger.info("mouse %s: stimuli lie where their library says (%s)", mouse_id, error)
        return {}
    good = good_receptive_fields(fields, probe.monitors[mouse_id])
    places = zip(good["x_px"], good["y_px"], strict=True)
    return {int(n): (float(x), float(y)) for n, (x, y) in zip(good["neuron"], places, strict=True)}


def selective_of(probe: Probe, mouse_id: MouseId) -> dict[int, bool]:
    """Whether neurons are selective for direction by the table selectivity; none without it."""
    try:
        table = read_result(probe.output_dir, "selectivity", mouse_ids=[mouse_id])
    except MissingResultError as error:
        logger.info("mouse %s: selectivity for direction is unknown (%s)", mouse_id, error)
        return {}
    flags = is_selective(table, "direction")
    return {int(n): bool(s) for n, s in zip(table["neuron"], flags, strict=True)}
