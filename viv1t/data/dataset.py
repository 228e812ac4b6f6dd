"""Trials of one tier of one mouse, transformed: what a loader hands to a model."""

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import torch

from viv1t import rng
from viv1t.batch import Batch
from viv1t.data.recording import Recording
from viv1t.data.transforms import Transforms
from viv1t.errors import DataError
from viv1t.names import Tier


class CropKey(NamedTuple):
    """When a trial is drawn: this alone, with the seed, decides where its random crop starts."""

    epoch: int
    repeat: int


class TrialDataset:
    """The trials of one tier of one mouse.

    Attributes:
        recording: the recording.
        tier: the tier.
        trials: (length,) int64, indices of the trials in the recording, ascending.
        neurons: (n,) int64, rows of the response that are read.
        transforms: those of these neurons.
    """

    def __init__(
        self,
        recording: Recording,
        tier: Tier,
        *,
        transforms: Transforms,
        neurons: np.ndarray,
        crop_frame: int = -1,
        limit: int | None = None,
        seed: int = 1234,
    ) -> None:
        """Find the trials of `tier`.

        Args:
            recording: the recording.
            tier: the tier.
            transforms: those of the neurons in `neurons`.
            neurons: rows of the response that are read.
            crop_frame: frames of an item at most; -1: all of the trial.
            limit: draw this many of the trials, if there are more.
            seed: of the draw of trials and of the crops.

        Raises:
            DataError: the tier has no trial with files.
        """
        self.recording = recording
        self.tier = tier
        self.neurons = neurons
        self.trials = choose_trials(recording.trials(tier), limit=limit, seed=seed)
        if not len(self.trials):
            raise no_trials(recording, tier)
        self.transforms = transforms
        self._crop_frame = crop_frame
        self._seed = seed

    def __len__(self) -> int:
        return len(self.trials)

    def num_frames(self, index: int) -> int:
        """Frames of item `index`, after cropping."""
        length = self.recording.length(int(self.trials[index]))
        return length if self._crop_frame == -1 else min(length, self._crop_frame)

    def start(self, index: int, key: CropKey) -> int:
        """First frame of the random crop of item `index`: any window of the trial, equally often.

        A pure function of the seed, the key, the mouse and the trial.
        """
        trial = int(self.trials[index])
        spare = self.recording.length(trial) - self.num_frames(index)
        labels = ("crop", self.recording.mouse.id, trial, *key)
        return int(rng.child(self._seed, *labels).integers(spare + 1)) if spare else 0

    def item(self, index: int, *, start: int = 0) -> Batch:
        """Item `index` as a batch of one, cropped from frame `start`."""
        trial = int(self.trials[index])
        frames = (start, start + self.num_frames(index))
        loaded = self.recording.load(trial, neurons=self.neurons, frames=frames)
        transforms = self.transforms
        return Batch(
            mouse_id=self.recording.mouse.id,
            video=transforms.video(torch.from_numpy(loaded.video), in_place=True)[None],
            response=transforms.response(torch.from_numpy(loaded.response), in_place=True)[None],
            behavior=transforms.behavior(torch.from_numpy(loaded.behavior))[None],
            pupil_center=transforms.pupil_center(torch.from_numpy(loaded.pupil_center))[None],
            trial_ids=torch.tensor([trial]),
            video_ids=torch.from_numpy(self.recording.video_ids[[trial]]),
            stimulus_ids=torch.from_numpy(self.recording.stimulus_ids[[trial]]),
        )

    def batch(self, indices: Sequence[int], key: CropKey) -> Batch:
        """The items `indices`, randomly cropped, as one batch; they must be of one length."""
        items = [self.item(index, start=self.start(index, key)) for index in indices]
        return concatenate(items)

    def mean_response(self, size: int = 16) -> torch.Tensor:
        """(n,) transformed responses, the mean over all frames of the first `size` items."""
        total, frames = torch.zeros(len(self.neurons), dtype=torch.float64), 0
        for index in range(min(size, len(self))):
            response = self.item(index).response[0]
            total += response.double().sum(dim=1)
            frames += response.shape[1]
        return (total / frames).float()


def no_trials(recording: Recording, tier: Tier) -> DataError:
    """The error for a tier without trials; it lists the tiers that there are."""
    tiers = ", ".join(sorted(set(recording.tiers)))
    return DataError(
        f"mouse {recording.mouse.id}: no trial of tier {tier} with files in {recording.folder}; "
        f"meta/trials/tiers.npy lists {tiers or 'nothing'}"
    )


def concatenate(batches: Sequence[Batch]) -> Batch:
    """One batch of the trials of several batches of one mouse and length, in order."""
    if len(batches) == 1:
        return batches[0]
    return Batch(
        mouse_id=batches[0].mouse_id,
        **{
            name: torch.cat([getattr(batch, name) for batch in batches])
            for name in (field.name for field in fields(Batch))
            if name != "mouse_id"
        },
    )


def choose_trials(trials: np.ndarray, *, limit: int | None, seed: int) -> np.ndarray:
    """`limit` of the `trials`, ascending (all, if there are no more); the published draw."""
    if limit is None or len(trials) <= limit:
        return trials
    return np.sort(np.random.default_rng(seed).choice(trials, limit, replace=False))


def choose_neurons(present: np.ndarray, *, limit: int | None, seed: int) -> np.ndarray:
    """Rows (int64, ascending) of `limit` of the present neurons; the published draw.

    Args:
        present: (n,) bool, False for missing neurons.
        limit: how many; None: all that are present.
        seed: the seed of the run.
    """
    rows = np.flatnonzero(present)
    if limit is None:
        return rows
    size = min(len(rows), limit)
    chosen = np.random.RandomState(seed).choice(len(rows), size, replace=False)
    return rows[np.sort(chosen)]
