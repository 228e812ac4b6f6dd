"""Responses on disk: `responses/mouse<M>.h5`, one dataset (n, t) a trial. Imports no torch.

Files of the published system, which hold the datasets but no attributes, are read as well.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.names import TIERS, UNKNOWN_STIMULUS, MouseId
from viv1t.utils.files import atomic

Units: TypeAlias = Literal["recorded", "model"]
Source: TypeAlias = Literal["predicted", "recorded"]

SCHEMA_VERSION: Final = 1
UNKNOWN_VIDEO: Final = -1
# What HDF5 may still hold back of a file that is being written.
SPARE_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, kw_only=True)
class TrialLabels:
    """What a trial showed.

    Attributes:
        tier: internal name of the tier; empty in a published file, which does not say.
        video_id: equal for repeats of one movie; -1 unknown.
        stimulus_id: index into `names.STIMULUS_TYPES`; -1 unknown.
    """

    tier: str = ""
    video_id: int = UNKNOWN_VIDEO
    stimulus_id: int = UNKNOWN_STIMULUS


@dataclass(frozen=True, kw_only=True)
class ResponseAttributes:
    """What all responses of a file have in common; each field is an attribute of the file.

    Attributes:
        mouse: the mouse.
        unit_ids: (n,) int64, ids of the neurons in the order of the rows.
        neuron_idx: (n,) int64, rows of the recording.
        units: "recorded" or "model" (as the model was trained, before the inverse transform).
        source: "predicted" or "recorded".
        skip_frames: frames left out at the start of each trial.
        fps: frames per second.
        provenance: where the responses come from: run, epoch, weights, version, date.
    """

    mouse: MouseId
    unit_ids: NDArray[np.int64]
    neuron_idx: NDArray[np.int64]
    units: Units
    source: Source
    skip_frames: int
    fps: float
    provenance: Mapping[str, str | int] = field(default_factory=dict)

    def write(self, file: h5py.File) -> None:
        """Store all fields as attributes of `file`."""
        values = {k: v for k, v in vars(self).items() if k != "provenance"}
        values["provenance"] = json.dumps(dict(self.provenance), sort_keys=True)
        for name, value in (values | {"schema": SCHEMA_VERSION}).items():
            file.attrs[name] = value

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """Names of what keeps these responses from standing beside those of `stored`."""
        names = ("mouse", "unit_ids", "neuron_idx", "units", "source", "skip_frames", "fps")
        different = [
            name
            for name in names
            if name not in stored or not np.array_equal(stored[name], getattr(self, name))
        ]
        old = stored.get("provenance", {})
        return different + [
            name for name in ("epoch", "weights") if self.provenance.get(name) != old.get(name)
        ]


class ResponseWriter:
    """Adds trials to a file that is being written; made by `ResponseFile.update`."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._file = file
        self._path = path
        self.num_written = 0

    def write(self, trial_id: int, response: NDArray[np.floating], labels: TrialLabels) -> None:
        """Store `response` (n, t) of trial `trial_id` as float32, compressed."""
        name = str(int(trial_id))
        data = np.asarray(response, dtype=np.float32)
        _need_space(self._path, data.nbytes)
        if name in self._file:
            del self._file[name]
        dataset = self._file.create_dataset(
            name,
            data=data,
            compression="gzip",
            compression_opts=4,
            shuffle=True,
        )
        for key, value in vars(labels).items():
            dataset.attrs[key] = value
        self.num_written += 1


class ResponseFile:
    """The responses of one mouse: `read`, `labels` and `trial_ids` by trial, `attrs` for all.

    Attributes:
        path: the file; it need not exist before `update`.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def exists(self) -> bool:
        """True if the file is there."""
        return self.path.is_file()

    @property
    def attrs(self) -> dict[str, Any]:
        """The fields of `ResponseAttributes` and `schema`; empty for a published file.

        Raises:
            MissingResultError: there is no such file.
            DataError: the file is damaged or of a later version.
        """
        with self._open() as file:
            return self._attributes(file)

    def trial_ids(self, tier: str | None = None) -> tuple[int, ...]:
        """Ids of the stored trials, ascending.

        Args:
            tier: only trials of this tier; None: all.
        """
        with self._open() as file:
            ids = self._ids(file)
            return ids if tier is None else tuple(i for i in ids if self._tier(file, i) == tier)

    def tiers(self) -> tuple[str, ...]:
        """The tiers of the stored trials, in the order of `names.TIERS`, others last."""
        with self._open() as file:
            found = {self._tier(file, i) for i in self._ids(file)}
        known = [tier for tier in TIERS if tier in found]
        return (*known, *sorted(found.difference(known)))

    def read(self, trial_id: int) -> NDArray[np.float32]:
        """The responses of trial `trial_id`, (n, t) float32.

        Raises:
            MissingResultError: the file or the trial is not there.
        """
        (response,) = self.read_several((trial_id,))
        return response

    def read_several(self, trial_ids: Iterable[int]) -> Iterator[NDArray[np.float32]]:
        """The responses of some trials in turn, each as `read` gives it; opens the file once."""
        with self._open() as file:
            for trial_id in trial_ids:
                values: NDArray[np.float32] = self._dataset(file, trial_id)[()]
                yield values.astype(np.float32, copy=False)

    def labels(self, trial_id: int) -> TrialLabels:
        """Tier, video id and stimulus id of trial `trial_id`; unknown in a published file."""
        with self._open() as file:
            found = self._dataset(file, trial_id).attrs
            return TrialLabels(
                tier=str(found.get("tier", "")),
                video_id=int(found.get("video_id", UNKNOWN_VIDEO)),
                stimulus_id=int(found.get("stimulus_id", UNKNOWN_STIMULUS)),
            )

    @contextmanager
    def update(
        self, attributes: ResponseAttributes, *, tiers: Iterable[str]
    ) -> Iterator[ResponseWriter]:
        """A writer of all trials of `tiers`; stored trials of other tiers are kept.

        The file is replaced when the block ends well; before that, and whenever the process
        dies or the block raises, the old file stays as it was.

        Args:
            attributes: what the new responses have in common.
            tiers: the tiers that are written anew.

        Raises:
            ConfigError: the file keeps trials which differ from `attributes` in units, neurons
                or model, so that the two must not stand in one file.
        """
        anew = frozenset(tiers)
        kept = self._kept(attributes, anew) if self.exists() else ()
        # The 1.8 format is the first that holds attributes above 64 kB (8,000 unit ids).
        form = ("v108", "latest")
        try:
            with atomic(self.path) as temporary, h5py.File(temporary, "w", libver=form) as file:
                attributes.write(file)
                if kept:
                    _need_space(self.path, self.path.stat().st_size)
                    with self._open() as old:
                        for trial_id in kept:
                            old.copy(str(trial_id), file)
                yield ResponseWriter(file, self.path)
        except OSError as error:
            if error.errno is None or error.filename:
                raise
            # HDF5 explains what the disk refused in ten lines.
            raise OSError(error.errno, os.strerror(error.errno), str(self.path)) from error

    def _kept(self, attributes: ResponseAttributes, anew: frozenset[str]) -> tuple[int, ...]:
        with self._open() as old:
            stored = self._attributes(old)
            tier_of = {i: self._tier(old, i) for i in self._ids(old)}
        kept = tuple(i for i, tier in tier_of.items() if tier not in anew)
        different = attributes.differences(stored)
        if kept and different:
            tiers = ", ".join(sorted({tier_of[i] or "unknown" for i in kept}))
            raise ConfigError(
                f"{self.path} holds responses (tiers: {tiers}) that differ in "
                f"{', '.join(different)} from those to be written; write all tiers anew or move "
                "the file away"
            )
        return kept

    @contextmanager
    def _open(self) -> Iterator[h5py.File]:
        if not self.exists():
            raise MissingResultError(
                f"{self.path} does not exist: predict.py writes predicted responses, "
                "data/save_response.py recorded ones"
            )
        try:
            file = h5py.File(self.path, "r")
        except OSError as error:
            raise DataError(
                f"{self.path} is no readable HDF5 file ({error}); delete it and write it again"
            ) from error
        with file:
            yield file

    def _attributes(self, file: h5py.File) -> dict[str, Any]:
        found = {
            k: v.item() if np.ndim(v) == 0 and hasattr(v, "item") else v
            for k, v in file.attrs.items()
        }
        if found.get("schema", SCHEMA_VERSION) > SCHEMA_VERSION:
            raise DataError(
                f"{self.path} has schema {found['schema']}, this version of viv1t knows "
                f"{SCHEMA_VERSION}: update viv1t"
            )
        if "provenance" in found:
            found["provenance"] = json.loads(found["provenance"])
        return found

    @staticmethod
    def _ids(file: h5py.File) -> tuple[int, ...]:
        return tuple(sorted(int(name) for name in file))

    @staticmethod
    def _tier(file: h5py.File, trial_id: int) -> str:
        return str(file[str(trial_id)].attrs.get("tier", ""))

    def _dataset(self, file: h5py.File, trial_id: int) -> h5py.Dataset:
        name = str(int(trial_id))
        if name not in file:
            raise MissingResultError(
                f"{self.path} holds no trial {name}; it has {len(file)} trials"
            )
        return file[name]


def predicted_mice(output_dir: Path) -> list[MouseId]:
    """Ids of the mice whose predicted responses lie in `output_dir`, ascending.

    Raises:
        MissingResultError: there are none; the message names the command.
    """
    files = sorted((output_dir / "responses").glob("mouse*.h5"))
    if not files:
        raise MissingResultError(
            f"{output_dir / 'responses'} holds no mouse<M>.h5; write them with: python predict.py "
            f"--output_dir {output_dir}"
        )
    return [file.stem.removeprefix("mouse") for file in files]


def _need_space(path: Path, num_bytes: int) -> None:
    """Raise OSError (ENOSPC) unless `num_bytes` and some more fit on the disk of `path`.

    HDF5 itself would notice a full disk late, when it closes files, and print pages about it.
    """
    if shutil.disk_usage(path.parent).free < num_bytes + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
