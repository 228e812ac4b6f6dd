"""A small synthetic mouse, exported stimuli, and the day on which it saw them."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from viv1t.data.mice import find_mice
from viv1t.data.recording import Recording
from viv1t.data.synthetic import write_recordings
from viv1t.in_vivo.gratings import contextual_stimuli
from viv1t.in_vivo.simulate import SimulateConfig, simulate_session
from viv1t.most_exciting_stimulus.export import export_stimuli
from viv1t.most_exciting_stimulus.library import library_folder, read_libraries, write_library
from viv1t.most_exciting_stimulus.manifest import RigTiming
from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import drifting_grating
from viv1t.units import GREY

CENTRE = (14.0, 8.0)
SIZE_DEG = 25.0
NEURONS = (1, 3, 5, 8)
AROUND = {
    "single": (("grating", "dynamic"), ("natural", "dynamic"), ("generated", "dynamic")),
    "population": (
        *(("natural", "static"), ("natural", "dynamic")),
        *(("generated", "static"), ("generated", "dynamic")),
    ),
}
CONFIG = SimulateConfig(num_repeats=4, lost=0.25, drift=0.1)


def surround_stimuli(monitor, seed=0):
    """Table and frames: grating centres of `NEURONS`, natural centres of the population, full."""
    rng = np.random.default_rng(seed)
    mask = disc(monitor, SIZE_DEG, centre_px=CENTRE)
    shape = (30, monitor.height_px, monitor.width_px)
    rows, frames = [], []

    def texture(motion):
        drawn = rng.integers(0, 256, shape).astype(np.float32)
        return np.repeat(drawn[:1], 30, axis=0) if motion == "static" else drawn

    def add(neuron, centre, motion, shown, surround="none", around="none", goal="excite"):
        name = f"{centre}_{motion}_{surround}_{around}_{goal}_{neuron}"
        known = {"stimulus": name, "neuron": neuron, "centre": centre, "centre_motion": motion}
        known |= {"surround": surround, "surround_motion": around, "goal": goal, "value": 1.0}
        x, y = CENTRE
        known |= {"centre_x_px": x, "centre_y_px": y, "size_deg": SIZE_DEG}
        rows.append(known | {"rms": float(shown.std()), "mean": float(shown.mean())})
        frames.append(np.rint(shown).astype(np.uint8))

    for neuron in (*NEURONS, -1):
        kind, origin, motion = "population", "natural", "static"
        centre = texture(motion)
        if neuron >= 0:
            kind, origin, motion = "single", "grating", "dynamic"
            centre = drifting_grating(monitor, direction_deg=45.0 * neuron, num_frames=30)
        add(neuron, origin, motion, compose(mask, centre, GREY), goal="none")
        for surround, around in AROUND[kind]:
            for goal in ("excite", "inhibit"):
                shown = compose(mask, centre, texture(around))
                add(neuron, origin, motion, shown, surround, around, goal)
    for origin in ("natural", "generated"):
        for motion in ("static", "dynamic"):
            add(-1, f"full_{origin}", motion, texture(motion))
    return pd.DataFrame(rows), frames


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """data (folder), results, export: a mouse S1 of 12 neurons, its stimuli, exported."""
    folder = tmp_path_factory.mktemp("in_vivo")
    write_recordings(folder / "data", preset="test")
    mouse = Recording(find_mice(folder / "data")["S1"]).mouse
    sets = {
        "gratings": contextual_stimuli(mouse.monitor, CENTRE, size_deg=SIZE_DEG),
        "surrounds": surround_stimuli(mouse.monitor),
    }
    for name, (table, frames) in sets.items():
        write_library(library_folder(folder / "run", name), "S1", table, frames, method={})
    export_stimuli(
        folder / "export",
        read_libraries(folder / "run"),
        mouse_id="S1",
        monitor=mouse.monitor,
        timing=RigTiming(fps=30.0, stimulus=30),
        formats=["npy"],
    )
    return SimpleNamespace(
        data=folder / "data", results=folder / "run", export=folder / "export", mouse=mouse
    )


@pytest.fixture(scope="session")
def seen(exported):
    """The same after day 2; `folder` is that of the day."""
    folder = simulate_session(exported.mouse, exported.export, CONFIG, seed=3)
    return SimpleNamespace(**vars(exported), folder=folder, neurons=NEURONS, config=CONFIG)


@pytest.fixture
def copy(seen, tmp_path):
    """The first day and day 2, to be damaged: `mouse`, `folder`, `session` (the YAML file)."""
    source = Path(seen.mouse.folder)
    for name in (source.name, seen.folder.name):
        shutil.copytree(source.with_name(name), tmp_path / name)
    mouse = find_mice(seen.data)["S1"].__class__(
        **{**vars(seen.mouse), "folder": tmp_path / source.name}
    )
    folder = tmp_path / seen.folder.name
    return SimpleNamespace(mouse=mouse, folder=folder, session=folder / "session.yaml")
