"""The names shared by all layers: mice, tiers and stimulus types."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

MouseId: TypeAlias = str
Tier: TypeAlias = Literal[
    "train", "validation", "live_main", "live_bonus", "final_main", "final_bonus"
]

TIERS: Final[tuple[Tier, ...]] = (
    "train",
    "validation",
    "live_main",
    "live_bonus",
    "final_main",
    "final_bonus",
)
TEST_TIERS: Final[tuple[Tier, ...]] = TIERS[2:]

# Names in the published recordings -> names used here; other strings ("none") stay as they are.
TIER_OF_RAW: Final[Mapping[str, str]] = MappingProxyType(
    {
        "train": "train",
        "oracle": "validation",
        "live_test_main": "live_main",
        "live_test_bonus": "live_bonus",
        "final_test_main": "final_main",
        "final_test_bonus": "final_bonus",
    }
)

# Stimulus ids of the Sensorium 2023 recordings; -1 is unknown.
STIMULUS_TYPES: Final[tuple[str, ...]] = (
    "movie",
    "directional_pink_noise",
    "gaussian_dots",
    "random_dot_kinematogram",
    "drifting_gabor",
    "image",
)
UNKNOWN_STIMULUS: Final = -1

# What is shown around a grating: grey, its continuation, the orthogonal one, its opposite phase.
SURROUND_KINDS: Final[tuple[str, ...]] = ("centre", "iso", "cross", "shift")
