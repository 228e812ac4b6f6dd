"""Stimuli for the out-of-distribution tiers, each with the parameters of every frame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from viv1t.data.synthetic.movies import Frame, motion_cloud, natural_movie, scene, to_grey, unit
from viv1t.units import GREY

GABOR_FRAMES: Final = 25
GABOR_SIGMA: Final = 0.3
DIRECTIONS: Final = tuple(range(0, 360, 45))
WAVELENGTHS: Final = (0.18, 0.38, 0.65)
FREQUENCIES: Final = (0.008, 0.022, 0.055)
CYCLES: Final = 64
DOT_FRAMES: Final = 25 / 3
BLOCK_FRAMES: Final = 30
IMAGE_SECONDS: Final = 0.55


@dataclass(frozen=True, kw_only=True)
class Request:
    """One movie of a set of movies.

    Attributes:
        number: of the movie in its set, from 0.
        num_frames: t.
        frame: (h, w).
        own: random numbers of this movie.
        shared: random numbers that are the same for all movies of the set.
    """

    number: int
    num_frames: int
    frame: Frame
    own: np.random.Generator
    shared: np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """A movie and what it shows.

    Attributes:
        frames: (t, h, w) uint8.
        parameters: name -> (t,) value in each frame.
    """

    frames: np.ndarray
    parameters: Mapping[str, np.ndarray]


def drifting_gabors(request: Request) -> Stimulus:
    """Drifting Gabors in the middle of the screen, another condition every 25 frames.

    A set goes through the 72 conditions (8 directions x 3 wavelengths x 3 frequencies) in a random
    order in which every 8 in a row hold each direction once. `wavelength` is in half screen
    heights, `frequency` times 64 the cycles in a block, `phase_deg` the phase of its first frame;
    `direction_deg` 0 is left, 90 down.
    """
    num_frames, (h, w) = request.num_frames, request.frame
    blocks = -(-num_frames // GABOR_FRAMES)
    order = _gabor_conditions(request.shared)
    phases = request.own.uniform(0, 360, blocks)
    chosen = order[(request.number * blocks + np.arange(blocks)) % len(order)]
    y, x = np.meshgrid(np.linspace(-1, 1, h), np.linspace(-w / h, w / h, w), indexing="ij")
    envelope = np.exp(-(x**2 + y**2) / (2 * GABOR_SIGMA**2))
    tau = np.arange(GABOR_FRAMES)[:, None, None] / (GABOR_FRAMES - 1)
    pieces = []
    for (direction, wavelength, frequency), phase in zip(chosen, phases, strict=True):
        angle = np.radians(direction)
        turns = (np.cos(angle) * x - np.sin(angle) * y) / wavelength + CYCLES * frequency * tau
        pieces.append(envelope * np.cos(2 * np.pi * turns + np.radians(phase)))
    signal = np.concatenate(pieces)[:num_frames]
    table = np.repeat(np.column_stack([chosen, phases]), GABOR_FRAMES, axis=0)[:num_frames]
    names = ("direction_deg", "wavelength", "frequency", "phase_deg")
    return Stimulus(
        frames=np.rint((signal + 1) * 127.5).astype(np.uint8),
        parameters=dict(zip(names, table.T, strict=True)),
    )


def _gabor_conditions(rng: np.random.Generator) -> np.ndarray:
    """(72, 3) all conditions; each run of 8 holds every direction once."""
    pairs = [(wavelength, frequency) for wavelength in WAVELENGTHS for frequency in FREQUENCIES]
    of_direction = np.stack([rng.permutation(pairs) for _ in DIRECTIONS], 1)
    rounds = [
        [(DIRECTIONS[d], *of_direction[i, d]) for d in rng.permutation(len(DIRECTIONS))]
        for i in range(len(pairs))
    ]
    return np.array(rounds).reshape(-1, 3)


def gaussian_dots(request: Request) -> Stimulus:
    """Blurred black or white dots on grey, one at a time, each for 8 or 9 frames.

    `x_px`, `y_px` centre, `radius_px` radius at half height, `black` 1 for black dots.
    """
    num_frames, (h, w), rng = request.num_frames, request.frame, request.own
    shown = (np.arange(num_frames) / DOT_FRAMES).astype(int)
    count = int(shown[-1]) + 1
    x, y = rng.uniform(0.13 * w, 0.85 * w, count), rng.uniform(0.21 * h, 0.79 * h, count)
    radius = rng.uniform(4, 9, count) * h / 36
    black = rng.integers(0, 2, count)
    rows, columns = np.mgrid[:h, :w]
    squared = (columns - x[:, None, None]) ** 2 + (rows - y[:, None, None]) ** 2
    bump = np.exp(-np.log(2) * squared / radius[:, None, None] ** 2)
    sign = np.where(black, -GREY, 255 - GREY)[:, None, None]
    frames = np.rint(GREY + sign * bump).astype(np.uint8)
    names = ("x_px", "y_px", "radius_px", "black")
    return Stimulus(
        frames=frames[shown],
        parameters={n: v[shown] for n, v in zip(names, (x, y, radius, black), strict=True)},
    )


def pink_noise(request: Request) -> Stimulus:
    """1/f noise that drifts in another direction every 30 frames; `direction_deg`."""
    num_frames, frame, rng = request.num_frames, request.frame, request.own
    blocks = -(-num_frames // BLOCK_FRAMES)
    direction = rng.uniform(0, 360, blocks)
    pieces = [
        unit(motion_cloud(BLOCK_FRAMES, frame, rng, direction_deg=d, bandwidth_rad=0.5, slope=1.0))
        for d in direction
    ]
    return Stimulus(
        frames=to_grey(np.concatenate(pieces)[:num_frames]),
        parameters={"direction_deg": np.repeat(direction, BLOCK_FRAMES)[:num_frames]},
    )


def random_dots(request: Request) -> Stimulus:
    """A random-dot kinematogram on grey; motion changes every 30 frames.

    `direction_deg` (0 left, 90 down) and `coherence`, the share of dots that follow it; the others
    jump to a random place in every frame.
    """
    num_frames, (h, w), rng = request.num_frames, request.frame, request.own
    blocks = -(-num_frames // BLOCK_FRAMES)
    direction = np.repeat(rng.choice(DIRECTIONS, blocks), BLOCK_FRAMES)[:num_frames]
    coherence = np.repeat(rng.choice([0.5, 1.0], blocks), BLOCK_FRAMES)[:num_frames]
    count = max(h * w // 60, 4)
    position = rng.uniform(0, 1, (count, 2)) * (w, h)
    bright = np.where(rng.integers(0, 2, count), 255, 0)
    rows, columns = np.mgrid[:h, :w]
    frames = np.full((num_frames, h, w), GREY, np.uint8)
    for t in range(num_frames):
        angle = np.radians(direction[t])
        step = 0.5 * np.array([-np.cos(angle), np.sin(angle)])
        position = (position + step) % (w, h)
        jump = rng.uniform(size=count) >= coherence[t]
        position[jump] = rng.uniform(0, 1, (int(jump.sum()), 2)) * (w, h)
        squared = (columns - position[:, :1, None]) ** 2 + (rows - position[:, 1:, None]) ** 2
        nearest = squared.argmin(0)
        hit = squared.min(0) < 1.5**2
        frames[t][hit] = bright[nearest[hit]]
    return Stimulus(frames=frames, parameters={"direction_deg": direction, "coherence": coherence})


def flashed_images(request: Request) -> Stimulus:
    """Still scenes, each for 16 or 17 frames, with 12 to 18 grey frames between; `image`.

    Images of a set are numbered through; -1 is grey.
    """
    num_frames, frame, rng = request.num_frames, request.frame, request.own
    most = num_frames // 28 + 1
    frames = np.full((num_frames, *frame), GREY, np.uint8)
    image = np.full(num_frames, -1)
    start, shown = int(rng.integers(12, 19)), 0
    while start < num_frames:
        stop = start + int(rng.integers(16, 18))
        frames[start:stop] = to_grey(unit(scene(frame, rng)))
        image[start:stop] = request.number * most + shown
        start, shown = stop + int(rng.integers(12, 19)), shown + 1
    return Stimulus(frames=frames, parameters={"image": image})


def movie(request: Request) -> Stimulus:
    """A natural-like movie (see `natural_movie`); it has no parameters."""
    frames = natural_movie(request.num_frames, request.frame, request.own)
    return Stimulus(frames=frames, parameters={})


STIMULI: Final[Mapping[str, Callable[[Request], Stimulus]]] = MappingProxyType(
    {
        "movie": movie,
        "drifting_gabor": drifting_gabors,
        "gaussian_dots": gaussian_dots,
        "directional_pink_noise": pink_noise,
        "random_dot_kinematogram": random_dots,
        "image": flashed_images,
    }
)
