"""Which drifting Gabor a movie shows, block by block."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t.analysis.tuning_curves import FloatArray
from viv1t.errors import DataError

BLOCK_FRAMES: Final = 25
DIRECTIONS: Final = tuple(range(0, 360, 45))
WAVELENGTHS: Final = (0.18, 0.38, 0.65)
FREQUENCIES: Final = (0.008, 0.022, 0.055)
# Standard deviation of the envelope; lengths are in half screen heights.
SIGMA: Final = 0.3
# Cycles within a block of a Gabor of frequency 1.
CYCLES: Final = 64
_FFT: Final = 1024
# Speeds that differ by less than this factor are one.
_SAME_SPEED: Final = 1.15


def screen_axes(frame_shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Columns x (h, w) and rows y (h, w), downwards, in half screen heights from the centre."""
    h, w = frame_shape
    y, x = np.meshgrid(np.linspace(-1, 1, h), np.linspace(-w / h, w / h, w), indexing="ij")
    return x, y


def published_template(
    direction_deg: float,
    wavelength: float,
    frequency: float,
    *,
    frame_shape: tuple[int, int] = (36, 64),
) -> FloatArray:
    """(25, h, w) grey values 0..255 of a Gabor at phase 0.

    Args:
        direction_deg: of motion; 0 left, 90 down.
        wavelength: in half screen heights.
        frequency: times 64 the cycles in a block.
        frame_shape: (h, w).
    """
    x, y = screen_axes(frame_shape)
    angle = math.radians(direction_deg)
    turns = (math.cos(angle) * x - math.sin(angle) * y) / wavelength
    tau = np.arange(BLOCK_FRAMES)[:, None, None] / (BLOCK_FRAMES - 1)
    envelope = np.exp(-(x**2 + y**2) / (2 * SIGMA**2))
    wave = np.cos(2 * np.pi * (turns + CYCLES * frequency * tau))
    return (envelope * wave + 1) * 127.5


def published_blocks(video: NDArray[np.number]) -> FloatArray:
    """(b, 3) direction, wavelength, frequency of each block: the best of 72 templates at phase 0.

    Templates at phase 0 find the truth in four blocks of five at most, since a Gabor may start at
    any phase, and force its temporal frequency onto three values; `gabor_blocks` does neither.

    Args:
        video: (t, h, w) grey values.
    """
    labels = [(d, s, f) for d in DIRECTIONS for s in WAVELENGTHS for f in FREQUENCIES]
    shape = (int(video.shape[1]), int(video.shape[2]))
    bank = np.stack([published_template(*label, frame_shape=shape).ravel() for label in labels])
    bank -= bank.mean(1, keepdims=True)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    blocks = _blocks(video).reshape(len(video) // BLOCK_FRAMES, -1)
    return np.array(labels)[np.argmax((blocks - blocks.mean(1, keepdims=True)) @ bank.T, axis=1)]


def gabor_blocks(
    video: NDArray[np.number], *, wavelengths: Sequence[float] = WAVELENGTHS
) -> pd.DataFrame:
    """One row a block of 25 frames: what Gabor it shows.

    For each of the directions and wavelengths the temporal frequency is optimised with a pair of
    Gabors in quadrature, so that phase does not matter; then the best is taken. Columns: block,
    start_frame, direction_deg, wavelength (in half screen heights), cycles_per_frame, phase_deg of
    the first frame, r2 (share of the variance that it explains).

    Args:
        video: (t, h, w) grey values; what does not fill a block is left out.
        wavelengths: that may occur.

    Raises:
        DataError: the movie is shorter than a block.
    """
    frames = _blocks(video)
    x, y = screen_axes((int(video.shape[1]), int(video.shape[2])))
    envelope = np.exp(-(x**2 + y**2) / (2 * SIGMA**2)).ravel()
    pixels = frames.reshape(*frames.shape[:2], -1) - 127.5
    candidates = []
    for direction in DIRECTIONS[: len(DIRECTIONS) // 2]:
        angle = math.radians(direction)
        along = (math.cos(angle) * x - math.sin(angle) * y).ravel()
        for wavelength in wavelengths:
            wave = envelope * np.exp(2j * np.pi * along / wavelength)
            wave -= envelope * (wave.sum() / envelope.sum())
            pair = np.stack([wave.real, wave.imag], axis=1)
            candidates.append((direction, wavelength, pair, pixels @ pair))
    total = frames.var(axis=(1, 2, 3)) * frames[0].size
    rows = []
    for block in range(len(frames)):
        best: tuple[float, ...] = (-1.0,)
        for direction, wavelength, pair, projected in candidates:
            for turn in (1, -1):
                signal = projected[block] @ (1, -1j * turn)
                share = abs(_drift(signal)[1]) ** 2 / np.sum(pair**2)
                if share > best[0]:
                    # Coarse screens sample fine waves so badly that the pair is not orthogonal.
                    exact = np.linalg.solve(pair.T @ pair, projected[block].T).T @ (1, -1j * turn)
                    frequency, amplitude = _drift(exact)
                    phase = math.degrees(np.angle(amplitude)) % 360
                    heading = (direction + (0 if turn == 1 else 180)) % 360
                    best = (share, heading, wavelength, frequency, phase)
        rows.append((block, block * BLOCK_FRAMES, *best[1:], best[0]))
    names = ("block", "start_frame", "direction_deg", "wavelength", "cycles_per_frame")
    table = pd.DataFrame(rows, columns=[*names, "phase_deg", "r2"])
    table["r2"] = np.clip(2 * BLOCK_FRAMES * table["r2"] / np.maximum(total, 1e-9), 0, 1)
    return table


def _blocks(video: NDArray[np.number]) -> FloatArray:
    """(b, 25, h, w)."""
    count = len(video) // BLOCK_FRAMES
    if not count:
        raise DataError(f"a drifting Gabor lasts {BLOCK_FRAMES} frames, the movie has {len(video)}")
    frames = np.asarray(video[: count * BLOCK_FRAMES], dtype=float)
    return frames.reshape(count, BLOCK_FRAMES, *frames.shape[1:])


def _drift(signal: NDArray[np.complex128]) -> tuple[float, complex]:
    """Cycles a frame (0 to .5) and amplitude of the wave that explains most of `signal` (25,).

    The peak of the zero-padded spectrum, then a parabola through it and its neighbours.
    """
    spectrum = np.fft.fft(signal, _FFT)[: _FFT // 2] / len(signal)
    power = np.abs(spectrum) ** 2
    peak = int(np.argmax(power[1:])) + 1
    frequency = peak / _FFT
    if 1 < peak < len(power) - 1:
        before, here, after = power[peak - 1 : peak + 2]
        bend = before - 2 * here + after
        frequency += (before - after) / (2 * bend) / _FFT if bend < 0 else 0.0
    wave = np.exp(-2j * np.pi * frequency * np.arange(len(signal)))
    return frequency, complex(signal @ wave) / len(signal)


def gabor_features(
    movies: Iterable[tuple[int, NDArray[np.number]]],
    *,
    deg_per_px: float,
    fps: float,
    as_published: bool = False,
) -> pd.DataFrame:
    """One row a movie and block, as the table gabor_blocks has them, without mouse and trial.

    Args:
        movies: (video id, (t, h, w) grey values), all movies that a mouse saw.
        deg_per_px: at the centre of the screen.
        fps: frames per second.
        as_published: labels of `published_blocks`; phase and r2 are unknown.
    """
    parts = []
    shape = (0, 0)
    for video_id, video in movies:
        shape = (int(video.shape[1]), int(video.shape[2]))
        part = _published_table(video) if as_published else gabor_blocks(video)
        parts.append(part.assign(video_id=video_id, num_frames=len(video)))
    table = pd.concat(parts, ignore_index=True)
    wavelength = table["wavelength"].to_numpy()
    cycles_per_frame = table.pop("cycles_per_frame").to_numpy()
    h, w = shape
    px_per_length = (w - 1) * h / (2 * w)
    return table.assign(
        sf_cpd=1 / (wavelength * px_per_length * deg_per_px),
        tf_hz=cycles_per_frame * fps,
        speed_rank=speed_ranks(wavelength, cycles_per_frame),
    )


def published_features(blocks: pd.DataFrame, fps: float) -> NDArray[np.float32]:
    """(b, 3) direction, wavelength and frequency of the blocks of one trial, in order.

    Args:
        blocks: of `gabor_features`.
        fps: frames per second.
    """
    ordered = blocks.sort_values("block")
    frequency = ordered["tf_hz"] / fps * (BLOCK_FRAMES - 1) / CYCLES
    columns = [ordered["direction_deg"], ordered["wavelength"], frequency]
    return np.column_stack(columns).astype(np.float32)


def _published_table(video: NDArray[np.number]) -> pd.DataFrame:
    direction, wavelength, frequency = published_blocks(video).T
    block = np.arange(len(direction))
    return pd.DataFrame(
        {
            "block": block,
            "start_frame": block * BLOCK_FRAMES,
            "direction_deg": direction,
            "wavelength": wavelength,
            "cycles_per_frame": CYCLES * frequency / (BLOCK_FRAMES - 1),
            "phase_deg": np.nan,
            "r2": np.nan,
        }
    )


def speed_ranks(wavelength: FloatArray, cycles_per_frame: FloatArray) -> NDArray[np.int64]:
    """(b,) rank of the temporal frequency among those shown at the same wavelength, from 0.

    Frequencies that differ by less than 15 % are one.
    """
    wavelength, frequency = np.asarray(wavelength), np.asarray(cycles_per_frame)
    ranks = np.zeros(len(frequency), np.int64)
    for value in np.unique(wavelength):
        rows = np.flatnonzero(wavelength == value)
        rows = rows[np.argsort(frequency[rows])]
        steps = np.diff(np.log(frequency[rows])) > math.log(_SAME_SPEED)
        ranks[rows] = np.concatenate([[0], np.cumsum(steps)])
    return ranks
