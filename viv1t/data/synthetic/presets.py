"""How large a set of synthetic recordings is, and which mouse sees what."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from viv1t.names import MouseId
from viv1t.units import Monitor

# Raw tier names of the published recordings.
REPEATED: Final = ("oracle", "live_test_main", "final_test_main")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One size of synthetic data.

    Attributes:
        num_neurons: of each mouse.
        frame: (h, w) of the movie.
        num_frames: of each trial.
        padded_frames: of the stored arrays; what lies beyond num_frames is NaN.
        num_train: training movies, each shown once.
        repeated: (movies, repeats) of oracle, live_test_main and final_test_main.
        bonus: (movies, repeats) of each stimulus type of the bonus tiers.
        mice: mouse id -> (stimulus types of live_test_bonus, those of final_test_bonus).
    """

    num_neurons: int
    frame: tuple[int, int]
    num_frames: int
    padded_frames: int
    num_train: int
    repeated: tuple[int, int]
    bonus: tuple[int, int]
    mice: Mapping[MouseId, tuple[tuple[str, ...], tuple[str, ...]]]

    @property
    def monitor(self) -> Monitor:
        """The Sensorium screen, or the part of it that the frame covers (equal cm per pixel)."""
        h, w = self.frame
        return Monitor(
            width_cm=round(56.5 * w / 64, 4),
            height_cm=round(31.8 * h / 36, 4),
            distance_cm=15.0,
            width_px=w,
            height_px=h,
        )

    def blocks(self, mouse_id: MouseId) -> list[tuple[str, str, int, int]]:
        """(raw tier, stimulus type, movies, repeats) of all that the mouse sees."""
        live, final = self.mice[mouse_id]
        return [
            ("train", "movie", self.num_train, 1),
            *[(tier, "movie", *self.repeated) for tier in REPEATED],
            *[("live_test_bonus", stimulus, *self.bonus) for stimulus in live],
            *[("final_test_bonus", stimulus, *self.bonus) for stimulus in final],
        ]


_GABOR, _DOTS, _PINK = "drifting_gabor", "gaussian_dots", "directional_pink_noise"
_RDK, _IMAGE = "random_dot_kinematogram", "image"

# Stimulus types of the ten published mice A-J.
_PUBLISHED: Final = (
    ((_PINK,), (_DOTS, _RDK)),
    ((_GABOR,), (_PINK, _IMAGE)),
    ((_RDK,), (_GABOR, _IMAGE)),
    ((_IMAGE,), (_PINK, _DOTS)),
    ((_DOTS,), (_RDK, _GABOR)),
    ((_PINK,), (_DOTS, _RDK)),
    ((_GABOR,), (_RDK, _IMAGE)),
    ((_DOTS,), (_PINK, _IMAGE)),
    ((_RDK,), (_DOTS, _GABOR)),
    ((_IMAGE,), (_PINK, _GABOR)),
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "test": Preset(
            num_neurons=12,
            frame=(16, 28),
            num_frames=70,
            padded_frames=75,
            num_train=16,
            repeated=(3, 4),
            bonus=(2, 4),
            mice=dict.fromkeys(("S1", "S2"), ((_GABOR,), (_DOTS,))),
        ),
        "demo": Preset(
            num_neurons=192,
            frame=(24, 44),
            num_frames=150,
            padded_frames=150,
            num_train=240,
            repeated=(6, 8),
            bonus=(6, 8),
            mice={"S1": ((_GABOR,), (_DOTS, _IMAGE)), "S2": ((_DOTS,), (_PINK, _RDK))},
        ),
        "full": Preset(
            num_neurons=8000,
            frame=(36, 64),
            num_frames=300,
            padded_frames=300,
            num_train=350,
            repeated=(6, 10),
            bonus=(6, 10),
            mice={f"S{i + 1}": types for i, types in enumerate(_PUBLISHED)},
        ),
    }
)


def preset_table() -> str:
    """The presets as a Markdown table, as it stands in data/README.md."""
    rows = [
        "| preset | mice | neurons | frame | frames | train | oracle, live main, final main "
        "| each bonus type |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, preset in PRESETS.items():
        h, w = preset.frame
        rows.append(
            f"| `{name}` | {', '.join(preset.mice)} | {preset.num_neurons} | {h}x{w} "
            f"| {preset.num_frames} | {preset.num_train} "
            f"| {preset.repeated[0]} x {preset.repeated[1]} "
            f"| {preset.bonus[0]} x {preset.bonus[1]} |"
        )
    return "\n".join(rows)
