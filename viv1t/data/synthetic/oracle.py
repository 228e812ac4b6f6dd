"""The physiology population: neurons on which every tuning analysis is proven.

It is apart from the population of the recordings, so that either can change alone. Its parameters
are frozen in tests/golden/oracle: a change is a new population, never a repair of an analysis.
"""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from viv1t import rng as randomness
from viv1t.data.synthetic.presets import PRESETS
from viv1t.data.synthetic.recordings import enter_mice, mouse_entry
from viv1t.data.synthetic.truth import TruthConfig, sample_truth, save_truth
from viv1t.errors import ConfigError
from viv1t.names import MouseId

LOGGER = logging.getLogger(__name__)

Part: TypeAlias = Literal["surround", "feedback", "facilitation", "tuning"]

NUM_SEEDS: Final = 10
NUM_NEURONS: Final = 40
_SURROUND: Final = ("w_iso", "w_cross", "w_untuned", "w_feedback", "w_facilitation")
# What a negative control lacks: these columns are 0.
WITHOUT: Final[Mapping[Part, tuple[str, ...]]] = MappingProxyType(
    {
        "surround": _SURROUND,
        "feedback": ("w_feedback",),
        "facilitation": ("w_facilitation",),
        "tuning": ("direction_selectivity", "orientation_selectivity", *_SURROUND),
    }
)


def oracle_truth(
    seed: int, *, num_neurons: int = NUM_NEURONS, without: Collection[Part] = ()
) -> pd.DataFrame:
    """True parameters of a physiology population on the Sensorium screen, one row a neuron.

    The columns of `sample_truth` and `feedback_half`. Of the cells 30 % are facilitated by their
    surround at low contrast, so that iso and cross change places; half of the others are driven
    by feedback from a surround around a hole. Drive and surround are 1 at full contrast, the
    feedback comes 3 frames after the drive, and the mean behaviour is 0.

    Args:
        seed: of the population; its neurons do not depend on `without`.
        num_neurons: rows.
        without: parts that no cell has: "surround" (nothing from beyond the receptive field),
            "feedback", "facilitation", "tuning" (responds to all directions alike, no surround).

    Raises:
        ConfigError: a part that there is not.
    """
    unknown = set(without) - set(WITHOUT)
    if unknown:
        raise ConfigError(f"without should name some of {', '.join(WITHOUT)}; got {unknown}")
    rng = randomness.child(seed, "oracle")
    n = num_neurons
    monitor = PRESETS["full"].monitor
    truth = sample_truth(TruthConfig(num_neurons=n, monitor=monitor, clustered=False), rng)
    # Shares, not chances: every seed has as many cells of each kind.
    kind = rng.permutation(n)
    flips = kind < round(0.3 * n)
    feedback = ~flips & (kind < round(0.65 * n))
    sigma = rng.uniform(2.0, 2.5, n)
    cycles = rng.uniform(0.32, 0.4, n)
    w_iso = rng.uniform(0.4, 2.0, n)
    latency = truth["latency_frames"]
    truth = truth.assign(
        rf_sigma_px=sigma,
        direction_deg=(45.0 * rng.integers(0, 8, n) + rng.uniform(-10, 10, n)) % 360,
        sf_cpd=np.clip(cycles / (monitor.deg_per_px * sigma), 0.036, 0.048),
        tf_hz=rng.uniform(1.6, 2.1, n),
        orientation_selectivity=1.0,
        simple_fraction=rng.uniform(0.3, 0.8, n),
        w_iso=w_iso,
        w_cross=w_iso * rng.uniform(0, 0.1, n),
        w_untuned=rng.uniform(0.15, 0.25, n),
        w_feedback=np.where(feedback, rng.uniform(1.0, 2.0, n), 0.0),
        feedback_half=0.04,
        w_facilitation=np.where(flips, rng.uniform(1.5, 3, n), 0.0),
        half_saturation=0.02,
        feedback_latency_frames=latency + 3,
        baseline=rng.uniform(0.002, 0.006, n),
        scale=10 * rng.lognormal(0, 0.4, n),
    )
    return truth.assign(**{column: 0.0 for part in without for column in WITHOUT[part]})


def oracle_mice(num_seeds: int = NUM_SEEDS) -> dict[MouseId, tuple[int, tuple[Part, ...]]]:
    """{mouse: (seed, parts that it lacks)}: O1, O2, ..., then N_surround1 and so on."""
    seeds = range(1, num_seeds + 1)
    whole: dict[MouseId, tuple[int, tuple[Part, ...]]] = {f"O{seed}": (seed, ()) for seed in seeds}
    return whole | {f"N_{part}{seed}": (seed, (part,)) for part in WITHOUT for seed in seeds}


def write_oracle(data_dir: Path, *, num_seeds: int = NUM_SEEDS) -> tuple[MouseId, ...]:
    """Mice of which only the truth exists, now in `data_dir`/oracle and in `data_dir`/mice.yaml.

    They have no recordings: scripts question them with `--responder truth`. What is there already
    is written again, the same.

    Args:
        data_dir: folder of recordings and mice.yaml.
        num_seeds: populations, each whole and once without each part of `WITHOUT`.
    """
    mice = oracle_mice(num_seeds)
    for mouse_id, (seed, without) in mice.items():
        folder = Path(data_dir) / "oracle" / mouse_id
        (folder / "meta").mkdir(parents=True, exist_ok=True)
        save_truth(oracle_truth(seed, without=without), folder)
    enter_mice(data_dir, {m: mouse_entry(f"oracle/{m}", PRESETS["full"]) for m in mice})
    LOGGER.info("%s: %d mice, O1 to O%d and their controls", data_dir, len(mice), num_seeds)
    return tuple(mice)
