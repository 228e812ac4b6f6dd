"""The spectrum of natural movies, and how far other movies are from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.data.cache import DAMAGED, read_npz, write_npz
from viv1t.data.recording import Recording
from viv1t.errors import DataError, MissingResultError
from viv1t.names import MouseId

MADE_BY: Final = "most_exciting_stimulus/estimate_natural_stimuli_spectrum.py"
POWER_FLOOR: Final = 1e-8
_ARRAYS: Final = ("freq", "kl", "kl_with_dc", "amplitude", "amplitude_static")


@dataclass(frozen=True, kw_only=True)
class SpectrumConfig:
    """How movies are cut into clips."""

    num_frames: int = flag(30, help="frames of a clip")
    step: int = flag(5, help="frames from the start of a clip to that of the next")

    def __post_init__(self) -> None:
        check(self.num_frames >= 1, f"--num_frames must be 1 or more, got {self.num_frames}")
        check(self.step >= 1, f"--step must be 1 or more, got {self.step}")


@dataclass(frozen=True, kw_only=True, eq=False)
class NaturalSpectrum:
    """The spectrum of the training movies of a mouse.

    Attributes:
        freq: (h * w,) mean log power of the spatial frequencies of single frames, the mean
            luminance first: mean over clips, as published.
        kl: (k,) divergence of each clip from `freq`, its mean luminance left out.
        kl_with_dc: (k,) the same with the mean luminance, as published.
        amplitude: (t, h, w // 2 + 1) root mean square over clips of a real Fourier transform over
            frames, rows and columns; 0 for the mean of a clip.
        amplitude_static: (1, h, w // 2 + 1) the same of single frames.
    """

    freq: NDArray[np.float32]
    kl: NDArray[np.float32]
    kl_with_dc: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    amplitude_static: NDArray[np.float32]

    @property
    def frame_px(self) -> tuple[int, int]:
        """(h, w) of the movies."""
        h = self.amplitude.shape[1]
        return h, len(self.freq) // h


def log_power(movie: Tensor) -> Tensor:
    """(..., h * w) log power of the spatial frequencies of each frame (..., h, w)."""
    spectrum = torch.fft.fft2(movie, norm="ortho").flatten(-2)
    return (spectrum.real.square() + spectrum.imag.square() + POWER_FLOOR).log()


def divergence(natural: Tensor, other: Tensor, *, with_dc: bool = False) -> Tensor:
    """(...) Kullback-Leibler divergence of the normalised power of `natural` from that of `other`.

    0 exactly where the two are equal. Kullback & Leibler (1951).

    Args:
        natural: (f,) log power, that of the mean luminance first.
        other: (..., f).
        with_dc: the mean luminance counts as a frequency.
    """
    first = 0 if with_dc else 1
    p, q = (power[..., first:].log_softmax(dim=-1) for power in (natural, other))
    return (p.exp() * (p - q)).sum(dim=-1)


def natural_spectrum(
    recording: Recording, config: SpectrumConfig, *, progress: bool = False
) -> NaturalSpectrum:
    """The spectrum of the training movies of a recording, one movie in memory at a time.

    Args:
        recording: whose movies are read, twice.
        config: how they are cut.
        progress: show a progress bar.

    Raises:
        DataError: there is no training movie, or none is as long as a clip.
    """
    trials = [int(t) for t in recording.trials("train")]
    longest = max((recording.length(trial) for trial in trials), default=0)
    if longest < config.num_frames:
        raise DataError(
            f"mouse {recording.mouse.id}: the longest of {len(trials)} training movies has "
            f"{longest} frames, a clip {config.num_frames}; give a smaller --num_frames"
        )
    bar: tqdm[Any]
    label = f"spectrum of mouse {recording.mouse.id}"
    with tqdm(total=2 * len(trials), desc=label, unit="movie", disable=not progress) as bar:

        def movies() -> Iterator[Tensor]:
            for trial in trials:
                bar.update()
                if recording.length(trial) >= config.num_frames:
                    yield torch.from_numpy(recording.load_video(trial)[0])

        num, means = 0, _Means()
        for movie in movies():
            clips = movie.unfold(0, config.num_frames, config.step).movedim(-1, 1)
            means.add("freq", _of_clips(movie, config))
            means.add("amplitude", _power(clips, (1, 2, 3)))
            means.add("amplitude_static", _power(movie, (1, 2)))
            num += len(clips)
        freq = means.of("freq").float()
        found = [
            [divergence(freq, _of_clips(movie, config), with_dc=dc) for dc in (False, True)]
            for movie in movies()
        ]
    kl, kl_with_dc = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return NaturalSpectrum(
        freq=freq.numpy(),
        kl=kl,
        kl_with_dc=kl_with_dc,
        amplitude=means.of("amplitude").sqrt().float().numpy(),
        amplitude_static=means.of("amplitude_static").sqrt().float().numpy()[None],
    )


class _Means:
    """Running means over rows, in double precision."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, rows: Tensor) -> None:
        self._sums[name] = self._sums.get(name, torch.zeros(())) + rows.double().sum(dim=0)
        self._counts[name] = self._counts.get(name, 0) + len(rows)

    def of(self, name: str) -> Tensor:
        return self._sums[name] / self._counts[name]


def _of_clips(movie: Tensor, config: SpectrumConfig) -> Tensor:
    """(k, f) mean log power of each clip of a movie (t, h, w)."""
    return log_power(movie).unfold(0, config.num_frames, config.step).mean(dim=-1)


def _power(clips: Tensor, dim: tuple[int, ...]) -> Tensor:
    """Power of the frequencies of clips (k, ...) around their means."""
    centred = clips - clips.mean(dim=dim, keepdim=True)
    return torch.fft.rfftn(centred, dim=dim, norm="ortho").abs().square()


def spectrum_tables(
    spectra: Mapping[MouseId, NaturalSpectrum],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `plot.figures.natural_spectrum` draws: one row a frequency, and one row a clip.

    Columns: mouse, cycles_per_px (radial), log_power; and mouse, kl, kl_with_dc.
    """
    frequencies, clips = [], []
    for mouse_id, found in spectra.items():
        rows, columns = (np.fft.fftfreq(size) for size in found.frame_px)
        radial = np.hypot(rows[:, None], columns).ravel()
        power = pd.DataFrame({"cycles_per_px": radial, "log_power": found.freq})
        frequencies.append(power.assign(mouse=mouse_id))
        divergences = pd.DataFrame({"kl": found.kl, "kl_with_dc": found.kl_with_dc})
        clips.append(divergences.assign(mouse=mouse_id))
    return pd.concat(frequencies, ignore_index=True), pd.concat(clips, ignore_index=True)


def spectrum_path(folder: Path, mouse_id: MouseId) -> Path:
    """The file of the natural spectrum of a mouse in a folder of results."""
    return Path(folder) / "most_exciting_stimulus" / "natural_spectrum" / f"mouse{mouse_id}.npz"


def write_spectrum(
    folder: Path, recording: Recording, config: SpectrumConfig, *, progress: bool = False
) -> Path:
    """The npz file to which the natural spectrum of a recording was written.

    What is there already, of the same recording and cut, is not computed again.

    Args:
        folder: the run, or another folder of results.
        recording: whose training movies are read.
        config: how they are cut.
        progress: show a progress bar.
    """
    path = spectrum_path(folder, recording.mouse.id)
    key = f"{recording.fingerprint()} {config}"
    try:
        known = str(read_npz(path)["key"]) == key
    except DAMAGED:
        known = False
    if not known:
        found = natural_spectrum(recording, config, progress=progress)
        arrays = {name: getattr(found, name) for name in _ARRAYS}
        write_npz(path, arrays | {"key": np.array(key)})
    return path


def read_spectrum(folder: Path, mouse_id: MouseId) -> NaturalSpectrum:
    """The natural spectrum of a mouse that `write_spectrum` left in a folder of results.

    Raises:
        MissingResultError: there is none; the message names the command.
        DataError: the file is damaged.
    """
    path = spectrum_path(folder, mouse_id)
    command = f"python {MADE_BY} --output_dir {folder} --mouse_ids {mouse_id}"
    if not path.is_file():
        raise MissingResultError(f"{path} does not exist; write it with: {command}")
    try:
        arrays = read_npz(path)
        return NaturalSpectrum(**{name: arrays[name] for name in _ARRAYS})
    except DAMAGED as error:
        raise DataError(f"{path} is not readable ({error}); delete it, then: {command}") from error
