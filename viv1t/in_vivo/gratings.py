"""Gratings with surrounds for an animal, as a library of stimuli that can be exported."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.errors import DataError
from viv1t.experiments.contextual import ContextualConfig, contextual_set
from viv1t.experiments.placed import Placement, good_receptive_fields
from viv1t.in_vivo.contextual import KINDS
from viv1t.most_exciting_stimulus.library import POPULATION
from viv1t.names import MouseId
from viv1t.results.store import read_result
from viv1t.rng import child
from viv1t.stimuli.aperture import disc
from viv1t.units import Monitor


def contextual_stimuli(
    monitor: Monitor,
    centre_px: tuple[float, float],
    *,
    size_deg: float,
    contrasts: Sequence[float] = (0.05, 1.0),
    directions_deg: Sequence[float] = (0.0, 180.0),
    cpd: float = 0.04,
    hz: float = 2.0,
) -> tuple[pd.DataFrame, list[NDArray[np.float32]]]:
    """Table and frames for `library.write_library`: CM000, ... for each direction.

    Contrasts ascend; of each, the centre alone, with the same (iso) and with the orthogonal
    grating around it (cross). The source says which: "low_iso contrast 0.05 direction 0".

    Args:
        monitor: the screen.
        centre_px: (x, y) of the disc.
        size_deg: its diameter.
        contrasts: two or more, the lowest is called low, others high.
        directions_deg: of the centre.
        cpd: cycles per degree.
        hz: cycles per second.
    """
    config = ContextualConfig(
        contrasts=tuple(contrasts),
        sizes_deg=(size_deg,),
        directions_deg=tuple(directions_deg),
        cpd=cpd,
        hz=hz,
    )
    stimuli = contextual_set(config, Placement(monitor=monitor, centre_px=centre_px))
    inside = disc(monitor, size_deg, centre_px=centre_px)
    rows: list[dict[str, object]] = []
    frames: list[NDArray[np.float32]] = []
    fixed = {"phase_deg": 0.0, "side_deg": 90.0, "surround_phase_deg": 0.0}
    for direction in directions_deg:
        for contrast in sorted(contrasts):
            for kind in KINDS:
                what = {"contrast": contrast, "kind": kind, "direction": direction} | fixed
                movie = stimuli.render(what | {"size_deg": size_deg}, child(0, "contextual"))
                shown = movie[:, inside] if kind == "centre" else movie
                level = "low" if contrast == min(contrasts) else "high"
                rows.append(
                    {
                        "stimulus": f"CM{len(rows):03d}",
                        "neuron": POPULATION,
                        "centre": "grating",
                        "centre_motion": "dynamic",
                        "surround": "none" if kind == "centre" else "grating",
                        "surround_motion": "none" if kind == "centre" else "dynamic",
                        "goal": "none",
                        "value": np.nan,
                        "centre_x_px": centre_px[0],
                        "centre_y_px": centre_px[1],
                        "size_deg": size_deg,
                        "rms": float(shown.std()),
                        "mean": float(shown.mean()),
                        "source": f"{level}_{kind} contrast {contrast:g} direction {direction:g}",
                    }
                )
                frames.append(np.asarray(movie, dtype=np.float32))
    return pd.DataFrame(rows), frames


def population_centre(folder: Path, mouse_id: MouseId, monitor: Monitor) -> tuple[float, float]:
    """(x, y) in whole pixels: the middle of the good receptive fields of a mouse, their mean.

    Args:
        folder: of the results, with the table aRF.
        mouse_id: the mouse.
        monitor: its screen.

    Raises:
        MissingResultError: the table is missing; the message names the command.
        DataError: no receptive field is good.
    """
    fields = good_receptive_fields(read_result(folder, "aRF", mouse_ids=[mouse_id]), monitor)
    if fields.empty:
        raise DataError(f"{folder}: mouse {mouse_id} has no good receptive field in the table aRF")
    x, y = np.rint(fields[["x_px", "y_px"]].to_numpy(float).mean(axis=0))
    return float(x), float(y)
