"""Libraries of made-up stimuli, and a mouse whose answers to them can be computed by hand."""

from pathlib import Path

import numpy as np
import pandas as pd

from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.library import library_folder, write_library
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.units import Monitor

FRAMES, HEIGHT, WIDTH = 6, 9, 16
MONITOR = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=WIDTH, height_px=HEIGHT)


class PixelMouse:
    """Neuron n answers with the grey value of pixel n of the first row, times `gain`."""

    mouse_ids = ("S1",)
    video_shape = (HEIGHT, WIDTH)
    fps = 30.0

    def __init__(self, gain=0.01):
        self.gain = gain

    def num_neurons(self, mouse_id):
        """All pixels of a row."""
        return WIDTH

    def respond(self, video, mouse_id, *, start, neurons, **state):
        """(b, n, t); grey before the movie does not matter."""
        return self.gain * video[:, 0, :, 0][..., list(neurons)].transpose(1, 2)


def witness(label="run", gain=0.01, folder=Path()):
    """Somebody to ask."""
    probe = Probe(
        output_dir=folder,
        responder=PixelMouse(gain),
        monitors={"S1": MONITOR},
        provenance={"run": label},
        batch_size=3,
    )
    return Witness(label=label, role="run", probe=probe)


def stimulus(name, neuron=3, **columns):
    """A row of a library."""
    needed = {"value": 1.0, "rms": 20.0, "mean": 127.5, "centre_x_px": 4.0, "centre_y_px": 3.0}
    return {"stimulus": name, "neuron": neuron, "goal": "excite", **needed, **columns}


def movies(count, seed=0):
    """(k, t, h, w) of noise."""
    shape = (count, FRAMES, HEIGHT, WIDTH)
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def fill(output_dir, name, rows, seed=0):
    """Write a library; its frames."""
    frames = movies(len(rows), seed)
    write_library(library_folder(output_dir, name), "S1", pd.DataFrame(rows), frames, method={})
    return frames


def surrounds(neuron, **columns):
    """All kinds of stimuli around a grating that have a published name; values by kind."""
    centre = {"centre": "grating", "centre_motion": "dynamic", "size_deg": 20.0, **columns}
    rows = [stimulus(f"centre{neuron}", neuron, **centre)]
    for origin in ("grating", "natural", "generated"):
        for goal in ("excite", "inhibit"):
            kind = {"surround": origin, "surround_motion": "dynamic", "goal": goal}
            rows.append(stimulus(f"{origin}_{goal}{neuron}", neuron, **centre | kind))
    return rows
