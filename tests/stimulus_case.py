"""Known neurons, and a library of the gratings that they prefer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from viv1t.data.synthetic.energy import EnergyNeuron, EnergyNeurons
from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.library import (
    Library,
    library_folder,
    read_library,
    write_library,
)
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.units import GREY, Monitor

FRAME = (24, 40)
MONITOR = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=40, height_px=24)
NUM_FRAMES = 18


def neurons(num: int = 6) -> list[EnergyNeuron]:
    """Spread over place, direction and frequencies; every second has no direction."""
    return [
        EnergyNeuron(
            x_px=float(12 + 3 * (k % 6)),
            y_px=float(9 + 2 * (k % 4)),
            direction_deg=360.0 * k / num,
            cpp=(0.09, 0.13, 0.17)[k % 3],
            cpf=(0.06, 0.12)[k // 3 % 2],
            is_directional=k % 2 == 0,
        )
        for k in range(num)
    ]


def drifting(neuron: EnergyNeuron, *, radius_px: float = 7.0, contrast: float = 0.5):
    """The grating (t, h, w) that a neuron prefers, in a disc on its receptive field."""
    t, y, x = np.mgrid[:NUM_FRAMES, : FRAME[0], : FRAME[1]]
    d = np.deg2rad(neuron.direction_deg)
    along = np.cos(d) * (x - neuron.x_px) - np.sin(d) * (y - neuron.y_px)
    wave = np.sin(2 * np.pi * (neuron.cpp * along + neuron.cpf * t))
    inside = np.hypot(x - neuron.x_px, y - neuron.y_px) < radius_px
    return (GREY + GREY * contrast * wave * inside).astype(np.float32)


@dataclass
class Case:
    """Neurons, who asks them, and their stimuli."""

    cells: list[EnergyNeuron]
    witness: Witness
    library: Library

    @property
    def centres_px(self):
        """(x, y) by neuron."""
        return {k: (cell.x_px, cell.y_px) for k, cell in enumerate(self.cells)}

    @property
    def selective(self):
        """By neuron."""
        return {k: cell.is_directional for k, cell in enumerate(self.cells)}


def witness_of(responder, folder: Path, *, label="run", role="run") -> Witness:
    """One who is asked."""
    probe = Probe(output_dir=folder, responder=responder, monitors={"K": MONITOR}, batch_size=4)
    return Witness(label=label, role=role, probe=probe)


def table_of(cells, **columns) -> pd.DataFrame:
    """Rows of a library, one a neuron."""
    given = {"centre": "full_generated", "centre_motion": "dynamic", "goal": "excite"}
    rows = {
        "neuron": np.arange(len(cells)),
        "value": 1.0,
        "centre_x_px": [cell.x_px for cell in cells],
        "centre_y_px": [cell.y_px for cell in cells],
        "rms": 30.0,
        "mean": float(GREY),
        **given,
        **columns,
    }
    table = pd.DataFrame(rows)
    kind = f"{table['centre'].iloc[0]}_{table['seed'].iloc[0] if 'seed' in table else 0}"
    return table.assign(stimulus=[f"n{k}_{kind}" for k in range(len(cells))])


def known_case(folder: Path, num: int = 6) -> Case:
    """Every neuron with the grating that it prefers, called a generated stimulus."""
    cells = neurons(num)
    movies = np.stack([drifting(cell) for cell in cells])
    name = library_folder(folder, "made")
    write_library(name, "K", table_of(cells), movies, method={"made_by": "a test"})
    return Case(cells, witness_of(EnergyNeurons.of(cells, frame=FRAME), folder), read_library(name))
