"""From a configuration to batches: round robin over mice, the same whatever loads them."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from viv1t import rng
from viv1t.batch import Batch, DataShapes
from viv1t.config.schema import DataConfig
from viv1t.data.dataset import CropKey, TrialDataset, choose_neurons, no_trials
from viv1t.data.facts import MouseFacts, facts_of, shapes_of
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.data.statistics import load_statistics
from viv1t.data.transforms import Transforms
from viv1t.errors import ConfigError, DataError
from viv1t.names import TIERS, MouseId, Tier
from viv1t.utils.ahead import read_ahead

logger = logging.getLogger(__name__)


class BatchKey(NamedTuple):
    """One training batch, before it is loaded."""

    mouse_id: MouseId
    indices: tuple[int, ...]
    crop: CropKey


def round_robin(
    lengths: Mapping[MouseId, int],
) -> Iterator[tuple[MouseId, int, int]]:
    """(mouse, pass, batch) in the order A, B, C, A, ...; mice with fewer batches start again.

    An epoch has as many batches of each mouse as the largest mouse has.
    """
    for step in range(max(lengths.values())):
        for mouse_id, length in lengths.items():
            yield mouse_id, *divmod(step, length)


def bucketed(order: np.ndarray, frames: list[int], batch_size: int) -> list[tuple[int, ...]]:
    """Batches of items of one length, in the order in which they fill; the short ones come last.

    Args:
        order: item indices as they are drawn.
        frames: length of each item, by index.
        batch_size: items in a full batch.
    """
    full: list[tuple[int, ...]] = []
    open_batches: dict[int, list[int]] = {}
    for index in order.tolist():
        batch = open_batches.setdefault(frames[index], [])
        batch.append(index)
        if len(batch) == batch_size:
            full.append(tuple(open_batches.pop(frames[index])))
    return full + [tuple(batch) for batch in open_batches.values()]


class EpochPlan(Sampler[BatchKey]):
    """The batches of an epoch in order, as keys: a pure function of the seed and the epoch.

    Attributes:
        epoch: the epoch that is planned next.
        num_batches: {mouse: batches in one pass over its trials}.
    """

    def __init__(
        self, datasets: Mapping[MouseId, TrialDataset], *, batch_size: int, seed: int
    ) -> None:
        self.epoch = 0
        self._batch_size = batch_size
        self._seed = seed
        # Only batches of several trials need to know lengths, which costs opening each file.
        self._frames = {
            mouse_id: [d.num_frames(i) if batch_size > 1 else 0 for i in range(len(d))]
            for mouse_id, d in datasets.items()
        }
        self.num_batches = {m: len(self._batches(m, CropKey(0, 0))) for m in datasets}

    def __len__(self) -> int:
        return len(self.num_batches) * max(self.num_batches.values())

    def __iter__(self) -> Iterator[BatchKey]:
        return self.batches(self.epoch)

    def batches(self, epoch: int) -> Iterator[BatchKey]:
        """The batches of `epoch` in order."""
        batches: dict[tuple[MouseId, CropKey], list[tuple[int, ...]]] = {}
        for mouse_id, repeat, index in round_robin(self.num_batches):
            crop = CropKey(epoch, repeat)
            if (mouse_id, crop) not in batches:
                batches[mouse_id, crop] = self._batches(mouse_id, crop)
            yield BatchKey(mouse_id, batches[mouse_id, crop][index], crop)

    def _batches(self, mouse_id: MouseId, crop: CropKey) -> list[tuple[int, ...]]:
        frames = self._frames[mouse_id]
        order = rng.child(self._seed, "order", mouse_id, *crop).permutation(len(frames))
        return bucketed(order, frames, self._batch_size)


class _Batches(Dataset[Batch]):
    """The data sets of all mice, indexed by whole batches."""

    def __init__(self, datasets: Mapping[MouseId, TrialDataset]) -> None:
        self._datasets = datasets

    def __getitem__(self, key: BatchKey) -> Batch:
        return self._datasets[key.mouse_id].batch(key.indices, key.crop)


def _as_it_is(batch: Any) -> Any:  # noqa: ANN401
    return batch


@dataclass(frozen=True, kw_only=True)
class Loaders:
    """The recordings of a run, ready to be read.

    Attributes:
        mouse_ids: in the order of the round robin.
        shapes: what a model may know of the data.
        facts: what prediction needs, by mouse.
        transforms: of the neurons of the model, by mouse.
        recordings: the recordings, by mouse.
        train_sizes: training trials, by mouse.
        coordinates: (n, 3) float32 in µm, by mouse.
        num_steps: training batches in an epoch, over all mice.
    """

    mouse_ids: tuple[MouseId, ...]
    shapes: DataShapes
    facts: Mapping[MouseId, MouseFacts]
    transforms: Mapping[MouseId, Transforms]
    recordings: Mapping[MouseId, Recording]
    train_sizes: Mapping[MouseId, int]
    coordinates: Mapping[MouseId, Tensor]
    num_steps: int
    _train_sets: Mapping[MouseId, TrialDataset]
    _plan: EpochPlan
    _train: Callable[[], Iterator[Batch]]

    def mean_responses(self) -> dict[MouseId, Tensor]:
        """{mouse: (n,)}: mean transformed response of the first 16 training trials at most."""
        return {mouse_id: d.mean_response() for mouse_id, d in self._train_sets.items()}

    def train(self, epoch: int) -> Iterator[Batch]:
        """The training batches of `epoch`: mice in turn, trials shuffled and randomly cropped."""
        self._plan.epoch = epoch
        return self._train()

    def tiers(self, mouse_id: MouseId) -> tuple[Tier, ...]:
        """Tiers of which the mouse has trials whose responses were not withheld."""
        recording = self.recordings[mouse_id]
        return tuple(
            tier for tier in TIERS if len(recording.trials(tier)) and not recording.is_hidden(tier)
        )

    def evaluation(self, tier: Tier, mouse_id: MouseId) -> Iterator[Batch]:
        """The whole trials of a tier of a mouse, one at a time, the repeats of a movie in turn.

        Raises:
            DataError: there is no such trial, or one has no frame that is scored.
        """
        dataset = TrialDataset(
            self.recordings[mouse_id],
            tier,
            transforms=self.transforms[mouse_id],
            neurons=self.facts[mouse_id].neuron_idx,
        )
        skip = self.facts[mouse_id].skip_frames
        of_trial = self.recordings[mouse_id].video_ids[dataset.trials]
        for index in np.argsort(of_trial, kind="stable").tolist():
            trial = dataset.trials[index]
            if dataset.num_frames(index) <= skip:
                raise DataError(
                    f"mouse {mouse_id}: trial {trial} ({tier}) has {dataset.num_frames(index)} "
                    f"frames, the first {skip} of which are never scored; lower skip_frames in "
                    "mice.yaml or give the trial the tier 'none'"
                )
            yield dataset.item(index)


def build_loaders(
    config: DataConfig,
    *,
    seed: int,
    device_type: str = "cpu",
    given: Collection[str] = frozenset(),
) -> Loaders:
    """The loaders of a run; statistics and ids are computed where they are not there yet.

    Args:
        config: the data part of the configuration.
        seed: decides limits, order and crops.
        device_type: where the model is. On "cpu" nothing is read ahead, it would only take cores
            away from the model; elsewhere a thread reads ahead.
        given: names of the flags that the user gave; with --num_workers that many processes load
            instead, or none. Handing over what they read costs more than reading it.

    Raises:
        ConfigError: an unknown mouse, or mice whose recordings cannot share a model.
        DataError: a recording is missing, damaged or lacks training or validation trials.
    """
    mice = choose_mice(config.data_dir, config.mouse_ids)
    recordings = {mouse.id: Recording(mouse) for mouse in mice}
    _check_alike(recordings)
    train_sets = {mouse_id: _train_set(r, config, seed) for mouse_id, r in recordings.items()}
    plan = EpochPlan(train_sets, batch_size=config.batch_size, seed=seed)
    batches = _Batches(train_sets)
    train = partial(_read, batches, plan, num_threads=int(device_type != "cpu"))
    if "num_workers" in given:
        train = partial(iter, _in_processes(batches, plan, config.num_workers))
    facts = {
        m: facts_of(d.recording, neurons=d.neurons, statistics=d.transforms.statistics)
        for m, d in train_sets.items()
    }
    return Loaders(
        mouse_ids=tuple(recordings),
        shapes=shapes_of(facts.values(), crop_frame=config.crop_frame),
        facts=facts,
        transforms={mouse_id: d.transforms for mouse_id, d in train_sets.items()},
        recordings=recordings,
        train_sizes={mouse_id: len(d) for mouse_id, d in train_sets.items()},
        coordinates={
            m: torch.from_numpy(d.recording.coordinates[d.neurons]) for m, d in train_sets.items()
        },
        num_steps=len(plan),
        _train_sets=train_sets,
        _plan=plan,
        _train=train,
    )


def _read(batches: _Batches, plan: EpochPlan, *, num_threads: int) -> Iterator[Batch]:
    return read_ahead(batches.__getitem__, iter(plan), num_threads=num_threads)


def _in_processes(batches: _Batches, plan: EpochPlan, num_workers: int) -> "DataLoader[Batch]":
    return DataLoader(
        batches,
        sampler=plan,
        batch_size=None,
        collate_fn=_as_it_is,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        # Its own, so that loading never draws from the generator of dropout.
        generator=torch.Generator(),
    )


def _train_set(recording: Recording, config: DataConfig, seed: int) -> TrialDataset:
    """The training trials of a mouse, once it is sure that it also has validation trials."""
    if not len(recording.trials("validation")):
        raise no_trials(recording, "validation")
    neurons = choose_neurons(recording.present, limit=config.limit_neurons, seed=seed)
    transforms = Transforms(
        load_statistics(recording).select(neurons),
        input_mode=config.transform_input,
        output_mode=config.transform_output,
        center_crop=config.center_crop,
    )
    hidden = [t for t in TIERS if recording.is_hidden(t)]
    if hidden:
        logger.info(
            "mouse %s: responses of %s were withheld (all zero); they are predicted, not evaluated",
            recording.mouse.id,
            ", ".join(hidden),
        )
    return TrialDataset(
        recording,
        "train",
        transforms=transforms,
        neurons=neurons,
        crop_frame=config.crop_frame,
        limit=config.limit_data,
        seed=seed,
    )


def _check_alike(recordings: Mapping[MouseId, Recording]) -> None:
    """Raise unless all mice share what one core must know."""
    first_id, first = next(iter(recordings.items()))
    for attribute, name in (
        ("frame_shape", "frames of (h, w)"),
        ("num_channels", "video channels:"),
        ("num_behaviors", "behaviour rows:"),
        ("num_pupils", "pupil rows:"),
    ):
        expected = getattr(first, attribute)
        for mouse_id, recording in recordings.items():
            found = getattr(recording, attribute)
            if found != expected:
                raise ConfigError(
                    f"the mice of a run must be alike: mouse {first_id} has {name} {expected}, "
                    f"mouse {mouse_id} {found}; choose others with --mouse_ids"
                )
