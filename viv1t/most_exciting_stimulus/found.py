"""What searches write: rows of the library of stimuli, and their frames."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from viv1t.config.flags import add_flags
from viv1t.config.scripts import PROBE_FLAGS, script_parser
from viv1t.errors import ConfigError
from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.constraints import mean_luminance, rms_contrast
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.objective import Objective
from viv1t.most_exciting_stimulus.respond import Asked, ask_of
from viv1t.names import MouseId
from viv1t.units import Monitor

Row = dict[str, Any]


def search_parser(description: str, *configs: type) -> argparse.ArgumentParser:
    """The parser of a script that searches stimuli.

    Args:
        description: of the script.
        configs: dataclasses whose fields are flags.
    """
    parser = script_parser(description, *PROBE_FLAGS, "as_published", "animate", "format")
    for config in configs:
        add_flags(parser, config)
    return parser


def shown_frames(canvas: Canvas, frames: NDArray[np.number]) -> NDArray[np.number]:
    """Frames (t, h, w) as a canvas shows them: uint8 if that holds them, else float32."""
    movie = torch.from_numpy(np.array(frames, np.float32))[None]
    shown: NDArray[np.float32] = canvas.show(movie)[0].numpy()
    as_bytes = shown.astype(np.uint8)
    return as_bytes if np.array_equal(as_bytes, shown) else shown


def library_row(
    target: Target,
    monitor: Monitor,
    canvas: Canvas,
    frames: NDArray[np.number],
    *,
    kind: str,
    **columns: Any,  # noqa: ANN401
) -> Row:
    """A row of the library: name, neuron, place, contrast and mean of a stimulus.

    Args:
        target: for whom it is.
        monitor: the screen.
        canvas: where it was free.
        frames: (t, h, w) as shown.
        kind: what it is, the end of its name.
        columns: the others of the library.
    """
    centre = target.centre_px or (monitor.width_px / 2, monitor.height_px / 2)
    free = torch.from_numpy(canvas.free)
    movie = torch.from_numpy(np.array(frames, np.float32))[None]
    return {
        "stimulus": f"{target.name}_{kind}",
        "neuron": target.neuron,
        "centre_x_px": centre[0],
        "centre_y_px": centre[1],
        "size_deg": target.size_deg,
        "rms": float(rms_contrast(movie, free)[0]),
        "mean": float(mean_luminance(movie, free)[0]),
    } | columns


def ask_targets(
    probe: Probe, mouse_id: MouseId, targets: Sequence[Target], *, lead_frames: int
) -> tuple[Asked, list[int], list[Objective]]:
    """Who answers for some targets: the function, its neurons, and an objective for each target."""
    neurons = sorted({neuron for target in targets for neuron in target.neurons})
    asked = ask_of(
        probe.responder,
        mouse_id,
        neurons=neurons,
        lead_frames=lead_frames,
        state=probe.states.get(mouse_id, (None, None)),
    )
    objectives = [Objective(neurons=t.neurons, weights=t.weights) for t in targets]
    return asked, neurons, objectives


def table_path(folder: Path, name: str, targets: Sequence[Target], mouse_id: MouseId) -> Path:
    """Where a search of some targets leaves its table, beside the library."""
    aim = "population" if targets[0].is_population else "neuron"
    return folder / "tables" / f"{name}_{aim}_mouse{mouse_id}.parquet"


def check_frames(monitor: Monitor, frame_shape: tuple[int, int], source: str) -> None:
    """Raise ConfigError unless movies have the pixels that are shown."""
    shape = monitor.height_px, monitor.width_px
    if frame_shape != shape:
        raise ConfigError(
            f"{source} holds movies of {frame_shape} pixels, the model takes {shape}: give the "
            "--data_dir it was trained on"
        )
