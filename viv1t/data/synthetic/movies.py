"""Natural-like movies: dead leaves, motion clouds, camera paths and moving patches; no gratings.

Each generator returns a contrast signal (t, h, w) float32 of about zero mean and unit SD.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy import fft
from scipy.ndimage import map_coordinates
from scipy.special import expit

Frame = tuple[int, int]

# expit of a normal signal times 1.27 minus 1.05, times 255: mean 80 and SD 57 grey levels.
LOGIT_MEAN: Final = -1.05
LOGIT_SD: Final = 1.3
SHARE_SCRAMBLED: Final = 0.2


def natural_movie(num_frames: int, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """(t, h, w) uint8: one to three cuts of random families; one movie in five phase-scrambled."""
    shortest = max(num_frames // 3, 1)
    cuts = [0]
    while num_frames - cuts[-1] > 2 * shortest:
        cuts.append(cuts[-1] + int(rng.integers(shortest, 2 * shortest)))
    families = list(FAMILIES)
    pieces = [
        FAMILIES[families[rng.integers(len(families))]](stop - start, frame, rng)
        for start, stop in zip(cuts, [*cuts[1:], num_frames], strict=True)
    ]
    signal = np.concatenate([unit(piece) * rng.uniform(0.7, 1.2) for piece in pieces])
    if rng.uniform() < SHARE_SCRAMBLED:
        signal = phase_scramble(signal, rng)
    return to_grey(signal)


def to_grey(signal: np.ndarray) -> np.ndarray:
    """uint8 grey levels of a contrast signal; unit normal contrast gives mean 80 and SD 57."""
    return np.rint(255 * expit(LOGIT_MEAN + LOGIT_SD * signal)).astype(np.uint8)


def unit(signal: np.ndarray) -> np.ndarray:
    """`signal` shifted and scaled to mean 0 and SD 1."""
    return (signal - signal.mean()) / max(float(signal.std()), 1e-6)


def phase_scramble(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A signal with the spectrum of `signal` (t, h, w) and random phases."""
    noise = fft.rfftn(rng.standard_normal(signal.shape, dtype=np.float32))
    spectrum = fft.rfftn(signal) * noise / np.maximum(np.abs(noise), 1e-9)
    return fft.irfftn(spectrum, s=signal.shape).astype(np.float32)


def motion_cloud(
    num_frames: int,
    frame: Frame,
    rng: np.random.Generator,
    *,
    direction_deg: float | None = None,
    bandwidth_rad: float | None = None,
    slope: float | None = None,
) -> np.ndarray:
    """Random texture that drifts (Leon et al. 2012; Simoncini et al. 2012).

    Args:
        num_frames: t.
        frame: (h, w).
        rng: random numbers.
        direction_deg: of motion; 0 left, 90 down; None: random.
        bandwidth_rad: spread of orientations; None: random and broad.
        slope: s of the 1/f^s amplitude spectrum in space; None: random, .3 to 1.
    """
    direction = np.radians(rng.uniform(0, 360) if direction_deg is None else direction_deg)
    spread = rng.uniform(0.4, 1.5) if bandwidth_rad is None else bandwidth_rad
    speed = np.exp(rng.uniform(np.log(0.2), np.log(1.5)))
    exponent = rng.uniform(0.3, 1.0) if slope is None else slope
    ft, fy, fx = _frequencies(num_frames, frame)
    radius = np.hypot(fx, fy)
    radius[0, 0, 0] = np.inf
    low = 1.0 / max(frame)
    angle = np.arctan2(-fy, fx) - direction
    tuned = np.exp((np.cos(2 * angle) - 1) / (2 * spread**2))
    along = np.cos(direction) * fx - np.sin(direction) * fy
    width = 0.3 * speed * radius + 0.5 / num_frames
    moving = np.exp(-((ft - speed * along) ** 2) / (2 * width**2)) / np.sqrt(width)
    amplitude = tuned * moving / np.maximum(radius, low) ** exponent
    noise = fft.rfftn(rng.standard_normal((num_frames, *frame), dtype=np.float32))
    return fft.irfftn(noise * amplitude, s=(num_frames, *frame)).astype(np.float32)


def _frequencies(num_frames: int, frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Temporal and spatial frequencies of rfftn of (t, h, w), as float32 that broadcast."""
    ft = fft.fftfreq(num_frames).astype(np.float32)[:, None, None]
    fy = fft.fftfreq(frame[0]).astype(np.float32)[None, :, None]
    fx = fft.rfftfreq(frame[1]).astype(np.float32)[None, None, :]
    return ft, fy, fx


def _power_law_radii(count: int, largest: float, rng: np.random.Generator) -> np.ndarray:
    """Radii with density r^-3 between 1.2 px and `largest`."""
    u = rng.uniform(size=count)
    return 1 / np.sqrt(1 / 1.2**2 - u * (1 / 1.2**2 - 1 / largest**2))


def dead_leaves(num_frames: int, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Discs of power-law radius, each moving its own way, nearer ones hiding farther ones.

    Lee, Mumford & Huang 2001. Leaves lie on a torus larger than the frame.
    """
    h, w = frame
    out = np.zeros((num_frames, h, w), np.float32)
    count = max(int(0.11 * h * w), 20)
    radii = _power_law_radii(count, 0.45 * h, rng)
    border = 0.45 * h
    size = np.array([w + 2 * border, h + 2 * border])
    heading = rng.uniform(0, 2 * np.pi, count)
    speed = np.exp(rng.uniform(np.log(0.1), np.log(1.2), count)) * rng.uniform(0.5, 1.5)
    velocity = np.stack([np.cos(heading), np.sin(heading)], 1) * speed[:, None]
    velocity += rng.normal(0, 0.2, 2)
    start = rng.uniform(0, 1, (count, 2)) * size
    grey = rng.standard_normal(count).astype(np.float32)
    out += rng.standard_normal() * 0.5
    times = np.arange(num_frames)[:, None]
    for leaf in range(count):
        centre = (start[leaf] + velocity[leaf] * times) % size - border
        _paint(out, centre.astype(np.float32), float(radii[leaf]), grey[leaf])
    return out


def _paint(out: np.ndarray, centre: np.ndarray, radius: float, grey: float) -> None:
    """Blend a disc at `centre` (t, 2) into `out` (t, h, w), one frame at a time, in its box."""
    reach = int(np.ceil(radius)) + 1
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    corner = np.rint(centre).astype(int)
    fraction = centre - corner
    dx = offset[None] - fraction[:, :1]
    dy = offset[None] - fraction[:, 1:]
    distance = np.sqrt(dy[:, :, None] ** 2 + dx[:, None, :] ** 2)
    alpha = np.clip(radius + 0.5 - distance, 0, 1)
    rows = corner[:, 1, None] + offset.astype(int)
    columns = corner[:, 0, None] + offset.astype(int)
    inside = ((rows >= 0) & (rows < out.shape[1]))[:, :, None] & (
        (columns >= 0) & (columns < out.shape[2])
    )[:, None, :]
    index = np.nonzero(inside & (alpha > 0))
    where = index[0], rows[index[0], index[1]], columns[index[0], index[2]]
    share = alpha[index]
    out[where] += share * (grey - out[where])


def scene(size: Frame, rng: np.random.Generator) -> np.ndarray:
    """(h, w) still picture: hard-edged leaves over a cloud with a 1/f amplitude spectrum."""
    fy, fx = fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None]
    radius = np.maximum(np.hypot(fy, fx), 1 / max(size))
    cloud = fft.irfft2(fft.rfft2(rng.standard_normal(size)) / radius, s=size)
    leaves = np.zeros((1, *size), np.float32)
    count = int(0.04 * size[0] * size[1])
    radii = _power_law_radii(count, 0.3 * size[0], rng)
    centres = rng.uniform(0, 1, (count, 2)) * (size[1], size[0])
    greys = rng.standard_normal(count).astype(np.float32)
    for centre, radius_px, grey in zip(centres.astype(np.float32), radii, greys, strict=True):
        _paint(leaves, centre[None], float(radius_px), grey)
    return (unit(leaves[0]) + rng.uniform(0.3, 1.5) * unit(cloud)).astype(np.float32)


def camera_path(num_frames: int, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """A still scene seen by a panning, zooming camera that jumps every 0.3 to 1 s."""
    h, w = frame
    picture = scene((3 * h, 3 * w), rng)
    x, y = np.zeros(num_frames), np.zeros(num_frames)
    start = 0
    while start < num_frames:
        stop = min(start + int(rng.integers(9, 31)), num_frames)
        heading, speed = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(0.1), np.log(1.5)))
        steps = np.arange(stop - start)
        x[start:stop] = rng.uniform(0, 3 * w) + np.cos(heading) * speed * steps
        y[start:stop] = rng.uniform(0, 3 * h) + np.sin(heading) * speed * steps
        start = stop
    zoom = np.exp(rng.uniform(-0.3, 0.3) + rng.uniform(-0.01, 0.01) * np.arange(num_frames))
    rows = zoom[:, None] * (np.arange(h) - h / 2) + y[:, None]
    columns = zoom[:, None] * (np.arange(w) - w / 2) + x[:, None]
    grid = np.broadcast_arrays(rows[:, :, None], columns[:, None, :])
    return map_coordinates(picture, grid, order=1, mode="grid-wrap", output=np.float32)


def moving_patches(num_frames: int, frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Two drifting textures and blanks, shared out by a moving mosaic of soft patches.

    Centre and surround of a receptive field see different things, or nothing.
    """
    ft, fy, fx = _frequencies(num_frames, frame)
    coarse = np.exp(-(fx**2 + fy**2) * (2 * np.pi * 4.0) ** 2 / 2 - (ft * 2 * np.pi * 5) ** 2 / 2)
    masks = []
    for _ in range(2):
        noise = fft.rfftn(rng.standard_normal((num_frames, *frame), dtype=np.float32))
        masks.append(unit(fft.irfftn(noise * coarse, s=(num_frames, *frame))))
    first = expit(8 * (masks[0] - 0.3)) * unit(motion_cloud(num_frames, frame, rng))
    second = expit(8 * (masks[1] - 0.3)) * unit(motion_cloud(num_frames, frame, rng))
    return (first + second).astype(np.float32)


FAMILIES: Final[Mapping[str, Callable[[int, Frame, np.random.Generator], np.ndarray]]] = (
    MappingProxyType(
        {
            "dead_leaves": dead_leaves,
            "motion_cloud": motion_cloud,
            "camera_path": camera_path,
            "moving_patches": moving_patches,
        }
    )
)
