"""Random numbers that depend on what they are for, never on the order in which they are drawn."""

import zlib

import numpy as np


def child(seed: int, *labels: str | int) -> np.random.Generator:
    """A NumPy generator that is a pure function of `seed` and `labels`.

    Args:
        seed: the seed of the run.
        labels: what the numbers are for, for example ("order", epoch, mouse_id).
    """
    words = [zlib.crc32(label.encode()) if isinstance(label, str) else label for label in labels]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
