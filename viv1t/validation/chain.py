"""The chain of tuning analyses on the physiology populations, with and without noise."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from viv1t.analysis.contextual import contextual_modulation
from viv1t.analysis.direction import direction_tuning
from viv1t.analysis.feedback import onset_tables, size_tables
from viv1t.analysis.flips import contrast_flips
from viv1t.analysis.retinotopy import NoiseMaps, fit_noise_maps, noise_maps
from viv1t.analysis.tuning_curves import Design
from viv1t.data.synthetic import SyntheticMouse
from viv1t.data.synthetic.noisy import BLOCK_FRAMES, GAIN_SHAPE, NoisyResponder
from viv1t.data.synthetic.oracle import Part, write_oracle
from viv1t.errors import MissingResultError
from viv1t.experiments import contextual_responses, direction, feedback_responses
from viv1t.experiments.contextual import SIZE as SIZE_DEG
from viv1t.experiments.contextual import ContextualConfig, show_gratings
from viv1t.experiments.feedback import (
    ONSET,
    SIZE,
    OnsetConfig,
    ShownTo,
    SizeConfig,
    show_onsets,
    show_sizes,
    size_set,
)
from viv1t.experiments.feedback_published import ONSET_TIMING, SIZE_TIMING
from viv1t.experiments.noise import NoiseConfig, load_noise, show_noise
from viv1t.experiments.probing import groups_of, run_all
from viv1t.experiments.saved import load_experiment
from viv1t.experiments.table import ResponseTable
from viv1t.insilico.probe import Probe
from viv1t.names import MouseId
from viv1t.results.contextual_tables import FLIPS, MODULATION
from viv1t.results.direction import write_direction_tuning
from viv1t.results.store import read_result, spec_of, write_result
from viv1t.results.tables import write_table
from viv1t.rng import child
from viv1t.units import DEFAULT_MONITOR

LOGGER = logging.getLogger(__name__)

NUM_IMAGES: Final = 6000
ONSET_FRAMES: Final = ONSET_TIMING.slot_frames
# Sizes at which the true optimum is looked for, without noise.
DENSE_DEG: Final = tuple(float(size) for size in range(0, 91, 2))
# Which part of the chain a negative control goes through: its effect could only show there.
CONTROL_STEPS: Final[Mapping[Part, tuple[str, ...]]] = MappingProxyType(
    {
        "surround": ("contextual",),
        "feedback": ("sizes",),
        "facilitation": ("contextual",),
        "tuning": ("direction",),
    }
)
_TABLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "noise": ("aRF",),
        "direction": ("selectivity", "direction_curves"),
        "contextual": (MODULATION, FLIPS),
        "sizes": ("size_tuning", "size_curves"),
        "onset": ("response_onset", "onset_traces"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where the chain runs.

    Attributes:
        folder: of everything; data/ holds the truth, noisy/ and noiseless/ the results.
        gain_shape: of the gamma gain per presentation: 60 is a CV of 13 %, 4 of 50 %.
        progress: show progress bars.
    """

    folder: Path
    gain_shape: float = GAIN_SHAPE
    progress: bool = False

    @property
    def data_dir(self) -> Path:
        """The folder of the populations."""
        return self.folder / "data"

    @property
    def noisy(self) -> Path:
        """The folder of what is found with noise."""
        return self.folder / "noisy"

    @property
    def noiseless(self) -> Path:
        """The folder of what the same stimuli give without noise: the truth of every index."""
        return self.folder / "noiseless"

    def probe(self, mouse_id: MouseId, *, block_frames: int | None = BLOCK_FRAMES) -> Probe:
        """A population that answers with noise, one gain a block; None: without noise."""
        truth = SyntheticMouse.open(self.data_dir, [mouse_id])
        seed = int("".join(filter(str.isdigit, mouse_id)))
        noisy = NoisyResponder(
            truth, seed=seed, gain_shape=self.gain_shape, block_frames=block_frames or BLOCK_FRAMES
        )
        return Probe(
            output_dir=self.noisy if block_frames else self.noiseless,
            responder=noisy if block_frames else truth,
            monitors={mouse_id: DEFAULT_MONITOR},
            provenance={"run": f"oracle {mouse_id}", "gain_shape": str(self.gain_shape)},
            seed=seed,
            progress=self.progress,
        )


def run_seed(bench: Bench, seed: int) -> None:
    """Everything of one seed: the population and its controls; what is there is not done again.

    Args:
        bench: where.
        seed: from 1.
    """
    if not (bench.data_dir / "mice.yaml").is_file():
        write_oracle(bench.data_dir)
    whole = f"O{seed}"
    for step in STEPS:
        _step(bench, whole, step)
    for name in ("aRF", "selectivity"):
        _copy(bench.noisy, name, whole, bench.noiseless, whole)
    _noiseless(bench, whole)
    for part, steps in CONTROL_STEPS.items():
        control = f"N_{part}{seed}"
        for name in ("aRF", "selectivity"):
            if name != "selectivity" or "direction" not in steps:
                _copy(bench.noisy, name, whole, bench.noisy, control)
        for step in steps:
            _step(bench, control, step)


def _step(bench: Bench, mouse_id: MouseId, step: str) -> None:
    if all(_has(bench.noisy, name, mouse_id) for name in _TABLES[step]):
        return
    STEPS[step](bench.probe(mouse_id, block_frames=ONSET_FRAMES if step == "onset" else 60))
    LOGGER.info("%s: %s done", mouse_id, step)


def _has(folder: Path, name: str, mouse_id: MouseId) -> bool:
    try:
        read_result(folder, name, mouse_ids=[mouse_id])
    except MissingResultError:
        return False
    return True


def _copy(source: Path, name: str, mouse_id: MouseId, target: Path, as_mouse: MouseId) -> None:
    """Rows of a mouse as rows of another: both are shown stimuli at the same places."""
    if _has(target, name, as_mouse):
        return
    table = read_result(source, name, mouse_ids=[mouse_id])
    method = table.attrs.get("method", {})
    write_result(target, name, table.assign(mouse=as_mouse), method=method)


def _noiseless(bench: Bench, mouse_id: MouseId) -> None:
    """Indices, and preferred sizes among many, at the same places without noise."""
    probe = bench.probe(mouse_id, block_frames=None)
    if not _has(bench.noiseless, MODULATION, mouse_id):
        modulation(probe, ContextualConfig(num_repeats=4))
    table = bench.noiseless / f"preferred_sizes_{mouse_id}.parquet"
    if not table.is_file():
        write_table(table, _preferred_sizes(probe, mouse_id))


def _preferred_sizes(probe: Probe, mouse_id: MouseId) -> pd.DataFrame:
    """Columns neuron, classical_deg: the disc to which the response without noise is largest.

    Discs of `DENSE_DEG` along the preferred axis of the stimuli with noise; of these the last half
    second counts, as there. Two opposite phases are all phases of half-squared and energy units.
    """
    rows, half = [], SIZE_TIMING.on // 2
    config = SizeConfig(num_repeats=2, sizes_deg=DENSE_DEG)
    for group in groups_of(probe, mouse_id, mode="neuron", own_direction=True):
        shown = size_set(config, group.placement)
        assert shown.plan is not None
        plan = shown.plan(probe.seed).join(shown.conditions, on="condition")
        discs = plan[plan["inverse"].eq(0)].sort_values(SIZE_DEG)
        rendered = [dict(zip(map(str, discs), row, strict=True)) for row in discs.to_numpy()]
        movies = [shown.render(row, child(0)) for row in rendered]
        answers = probe.responder.predict(
            np.stack(movies), mouse_id, batch_size=8, neurons=group.neurons
        )
        curves = answers[:, :, half:].mean(axis=2).reshape(len(DENSE_DEG), -1, len(group.neurons))
        best = np.asarray(DENSE_DEG)[curves.mean(axis=1).argmax(axis=0)]
        rows += list(zip(group.neurons.tolist(), best.tolist(), strict=True))
    return pd.DataFrame(rows, columns=["neuron", "classical_deg"])


def receptive_fields(probe: Probe) -> None:
    """Table aRF."""
    show_noise(probe, NoiseConfig(num_samples=NUM_IMAGES))
    for mouse_id in probe.mouse_ids:
        maps = maps_of(probe.output_dir, mouse_id)
        table = fit_noise_maps(maps, rng=child(probe.seed, "null", mouse_id))
        method = {"method": "noise", "num_images": NUM_IMAGES}
        write_result(probe.output_dir, "aRF", table.assign(mouse=mouse_id), method=method)


def maps_of(folder: Path, mouse_id: MouseId) -> NoiseMaps:
    """Receptive-field maps of the noise that was shown."""
    sums = load_noise(folder, mouse_ids=[mouse_id])[mouse_id]
    return noise_maps(num_images=sums.num_images, **sums.arrays())


def directions(probe: Probe) -> None:
    """Tables selectivity and direction_curves."""
    design = partial(direction.direction_set, direction.DirectionConfig())
    run_all(probe, direction.NAME, design, mode="neuron", reduction=direction.REDUCTION)
    for mouse_id in probe.mouse_ids:
        table = load_experiment(
            probe.output_dir, direction.NAME, command="run_seed", mouse_ids=[mouse_id]
        )[mouse_id]
        samples = direction.grating_samples(table)
        found = direction_tuning(
            samples.responses,
            Design.of(samples.direction_deg),
            baseline=samples.baseline,
            seed=probe.seed,
        )
        who = (probe.output_dir, mouse_id, "grating")
        write_direction_tuning(*who, *found, samples.neurons, method={"seeds": "own"})


def modulation(probe: Probe, config: ContextualConfig | None = None) -> None:
    """Tables contextual_modulation and contrast_flips."""
    config = config or ContextualConfig()
    show_gratings(probe, config, centre="neuron")
    shown = contextual_responses.load_gratings(
        probe.output_dir, centre="neuron", mouse_ids=list(probe.mouse_ids)
    )
    for mouse_id, (responses, discs) in shown.items():
        samples, conditions = contextual_responses.samples_of(responses)
        for name, analyse in ((MODULATION, contextual_modulation), (FLIPS, contrast_flips)):
            found = analyse(
                samples,
                conditions,
                baseline=contextual_responses.grey_of(responses),
                rng=child(probe.seed, name, mouse_id),
            )
            _write(probe, mouse_id, name, discs.merge(found, on=["row", "size"]))


def sizes(probe: Probe) -> None:
    """Tables size_tuning and size_curves."""
    show_sizes(probe, SizeConfig(), ShownTo())
    for mouse_id, (shown, discs) in _shown(probe, SIZE).items():
        sizes_deg, responses = feedback_responses.single_responses(shown)
        rng = child(probe.seed, "size", mouse_id)
        tuning, curves = size_tables(
            responses, sizes_deg, neurons=shown.neurons, discs=discs, rng=rng
        )
        _write(probe, mouse_id, "size_tuning", tuning)
        _write(probe, mouse_id, "size_curves", curves)


def onsets(probe: Probe) -> None:
    """Tables response_onset and onset_traces."""
    show_onsets(probe, OnsetConfig(), ShownTo())
    for mouse_id, (shown, discs) in _shown(probe, ONSET).items():
        found = onset_tables(
            *feedback_responses.mean_traces(shown),
            before=shown.reduction.before,
            on=shown.on,
            neurons=shown.neurons["neuron"].tolist(),
            discs=discs,
            rng=child(probe.seed, "onset", mouse_id),
        )
        for name, table in zip(_TABLES["onset"], found, strict=True):
            _write(probe, mouse_id, name, table)


def _shown(probe: Probe, name: str) -> dict[MouseId, tuple[ResponseTable, pd.DataFrame]]:
    return feedback_responses.load_shown(probe.output_dir, name, mouse_ids=list(probe.mouse_ids))


def _write(probe: Probe, mouse_id: MouseId, name: str, table: pd.DataFrame) -> None:
    kept = table.assign(mouse=mouse_id)[list(spec_of(name).columns)]
    write_result(probe.output_dir, name, kept, method={"settings": "default"})


STEPS: Final[Mapping[str, Callable[[Probe], None]]] = MappingProxyType(
    {
        "noise": receptive_fields,
        "direction": directions,
        "contextual": modulation,
        "sizes": sizes,
        "onset": onsets,
    }
)
