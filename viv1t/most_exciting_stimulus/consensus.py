"""What several seeds agree on: their likeness once phases are aligned, and what they share."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]

# Nyquist frequencies have no sign, and count as 0.
NYQUIST: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """How alike the stimuli of several seeds are.

    Attributes:
        correlation: (s, s) between seeds, phases aligned; 1 on the diagonal.
        plain: (s, s) likewise, as they are.
        aligned: (s, t, h, w) deviations from the mean grey value in the free pixels, 0 elsewhere,
            with the phases of the reference.
        shared: (t, h, w) the mean of `aligned`.
    """

    correlation: FloatArray
    plain: FloatArray
    aligned: FloatArray
    shared: FloatArray

    @property
    def mean_correlation(self) -> float:
        """Mean over pairs of seeds, phases aligned; NaN for one seed."""
        return _mean_of_pairs(self.correlation)

    @property
    def mean_plain(self) -> float:
        """Mean over pairs of seeds, as they are; NaN for one seed."""
        return _mean_of_pairs(self.plain)


def consensus(movies: ArrayLike, free: ArrayLike | None = None, *, reference: int = 0) -> Consensus:
    """How alike stimuli are, apart from their phases.

    A neuron that sums the energy of two phases (a complex cell) has no best phase: seeds end
    anywhere between. A change of the temporal and of the spatial phase adds one angle to all
    components that drift along the carrier, another to those against it, a third to those that
    stand still; the angles of a pair are those of the largest correlation, found in closed form.

    Args:
        movies: (s, t, h, w), or images (s, h, w).
        free: (h, w) or (t, h, w) weights 0..1 of pixels that count; None: all.
        reference: the seed with whose phases the others are aligned.

    Raises:
        ValueError: another number of axes.
    """
    videos = np.asarray(movies, dtype=np.float64)
    if videos.ndim == 3:
        videos = videos[:, None]
    if videos.ndim != 4:
        raise ValueError(f"movies should be (s, t, h, w) or (s, h, w), got {np.shape(movies)}")
    weights = np.broadcast_to(1.0 if free is None else np.asarray(free, float), videos.shape[1:])
    total = weights.sum() or 1.0
    means = (videos * weights).sum(axis=(1, 2, 3), keepdims=True) / total
    deviations = (videos - means) * weights
    spectra = np.fft.fftn(deviations, axes=(1, 2, 3))
    groups = _groups(spectra)
    norm = np.sqrt((np.abs(spectra) ** 2).sum(axis=(1, 2, 3)))
    norms = np.where(norm > 0, norm, 1.0)[:, None] * np.where(norm > 0, norm, 1.0)
    # (g, s, s) parts of the correlation, of which the last does not depend on phases.
    parts = np.stack([_products(spectra[:, group]) for group in groups])
    correlation = (2 * np.abs(parts[:-1]).sum(axis=0) + parts[-1].real) / norms
    plain = (2 * parts[:-1].real.sum(axis=0) + parts[-1].real) / norms
    turned = spectra.copy()
    for group, products in zip(groups[:-1], parts[:-1], strict=True):
        angles = np.exp(-1j * np.angle(products[reference]))[:, None]
        turned[:, group] *= angles
        turned[:, _mirrored(group)] *= angles.conj()
    aligned = np.fft.ifftn(turned, axes=(1, 2, 3)).real
    return Consensus(
        correlation=correlation, plain=plain, aligned=aligned, shared=aligned.mean(axis=0)
    )


def spread(values: ArrayLike) -> float:
    """Largest minus smallest value over seeds, as a share of the largest magnitude; 0 for one."""
    found = np.asarray(values, dtype=np.float64)
    top = float(np.abs(found).max(initial=0.0))
    return float(np.ptp(found)) / top if top > 0 else 0.0


def _mean_of_pairs(matrix: FloatArray) -> float:
    pairs = matrix[np.triu_indices(len(matrix), k=1)]
    return float(pairs.mean()) if len(pairs) else float("nan")


def _products(components: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """(s, s): sums over components of conj(first) * second."""
    product: NDArray[np.complex128] = components.conj() @ components.T
    return product


def _groups(spectra: NDArray[np.complex128]) -> list[NDArray[np.bool_]]:
    """Masks (t, h, w): along the carrier, against it, standing still; and what has no side.

    The first three hold one of each pair of conjugate components.
    """
    _, num_frames, height, width = spectra.shape
    temporal, vertical, horizontal = (_frequencies(n) for n in (num_frames, height, width))
    power = (np.abs(spectra) ** 2).sum(axis=(0, 1))
    power[(vertical == 0)[:, None] & (horizontal == 0)] = -1.0  # no side
    row, column = np.unravel_index(int(power.argmax()), power.shape)
    side = vertical[:, None] * vertical[row] + horizontal * horizontal[column]
    ahead = np.broadcast_to(side > 1e-12, spectra.shape[1:])
    behind = np.broadcast_to(side < -1e-12, spectra.shape[1:])
    sign = np.sign(temporal)[:, None, None]
    return [ahead & (sign > 0), ahead & (sign < 0), ahead & (sign == 0), ~(ahead | behind)]


def _frequencies(num: int) -> FloatArray:
    frequencies: FloatArray = np.fft.fftfreq(num).astype(np.float64)
    frequencies[np.abs(frequencies) == NYQUIST] = 0.0
    return frequencies


def _mirrored(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The components conjugate to those of a mask (t, h, w)."""
    axes = (0, 1, 2)
    mirrored: NDArray[np.bool_] = np.roll(np.flip(mask, axes), 1, axes)
    return mirrored
