"""The picture of docs/architecture.md: the rooms of the package and who imports whom."""

from types import MappingProxyType
from typing import Final, NamedTuple

from matplotlib.figure import Figure

from viv1t.plot.diagram import PALE, arrow, box, canvas
from viv1t.plot.style import BLUE, GREEN, ORANGE, VERMILION


def architecture() -> Figure:
    """The rooms of the package, in layers; an arrow means "imports"."""
    figure, axes = canvas(183, 134)
    for number, name in enumerate(_LAYERS):
        bottom = _bottom(number)
        box(axes, (3, bottom - 2), (177, 15), face="#F5F5F5", edge="#F5F5F5")
        axes.text(6, bottom + 5.5, f"{number}   {name}", va="center", color="#666666")
    for name, room in ROOMS.items():
        corner, size = (room.left, _bottom(room.layer)), (room.width, 11.0)
        x, y = box(axes, corner, size, face=PALE[room.colour], edge=room.colour)
        axes.text(x, y + 2.1, name, ha="center", va="center", fontweight="bold")
        axes.text(x, y - 2.2, room.note, ha="center", va="center", fontsize=6)
    for importer, x_start, imported, x_end in _ARROWS:
        top, end = ROOMS[importer], ROOMS[imported]
        start_y, end_y = _bottom(top.layer) - 0.3, _bottom(end.layer) + 11.4
        if top.layer == end.layer:
            start_y = end_y = _bottom(top.layer) + 5.5
        arrow(axes, (x_start, start_y), (x_end, end_y), colour="#555555", linewidth=0.9)
    axes.text(
        6,
        3.4,
        "An arrow means: imports. Besides: layer 0 and config are open to all, layer 1 to training "
        "and insilico, results to layers 4 and 5, data, stimuli\nand analysis to layer 5, "
        "everything to scripts. The table below is exact; tests/test_architecture.py checks it.",
        va="center",
        fontsize=6.5,
    )
    return figure


class Room(NamedTuple):
    """A part of the package in the picture: where it stands (mm) and what it holds."""

    layer: int
    left: float
    width: float
    colour: str
    note: str


_LAYERS: Final = (
    "words",
    "plain parts",
    "data, models",
    "at work",
    "ask, draw",
    "put together",
    "scripts",
)
_STEP: Final = "criterions  optimizer  scheduler  checkpoint"
_WORDS: Final = "names  errors  units  rng  registry  log  batch  utils"
SCRIPTS: Final = "train.py   predict.py   data/   misc/   tuning_*/   most_*/   in_vivo_*/"
ROOMS: Final = MappingProxyType(
    {
        SCRIPTS: Room(6, 33, 144, VERMILION, "flags in, calls of the package, a line out"),
        "validation": Room(5, 39, 24, BLUE, "is truth recovered?"),
        "in_vivo": Room(5, 66, 23, BLUE, "later recordings"),
        "most_exciting_stimulus": Room(5, 93, 44, BLUE, "searched, generated, exported"),
        "report": Room(5, 141, 36, GREEN, "all of it on one page"),
        "plot": Room(4, 141, 36, GREEN, "tables in, figures out"),
        "experiments": Room(4, 66, 33, BLUE, "stimuli out, tables back"),
        "training": Room(3, 33, 34, BLUE, "loop, resuming, evaluation"),
        "stimuli": Room(3, 70, 27, GREEN, "gratings, discs, noise"),
        "insilico": Room(3, 101, 34, BLUE, "load, DigitalTwin, replay"),
        "analysis": Room(3, 141, 36, GREEN, "responses in, tables out"),
        _STEP: Room(2, 33, 62, ORANGE, "what one step of training needs"),
        "model": Room(2, 101, 36, ORANGE, "cores, readouts, shifters"),
        "data": Room(2, 141, 36, ORANGE, "recordings, synthetic mouse"),
        "metrics": Room(1, 33, 36, ORANGE, "tensors in, numbers out"),
        "config": Room(1, 87, 50, ORANGE, "a field of a dataclass is a flag"),
        "results": Room(1, 141, 36, GREEN, "run folder, tables"),
        _WORDS: Room(0, 33, 144, "#777777", "what all others share"),
    }
)
# importer, x at its lower edge, imported, x at its upper edge (mm); side by side: x of the gap
_ARROWS: Final = (
    (SCRIPTS, 36, "training", 36),
    (SCRIPTS, 51, "validation", 51),
    (SCRIPTS, 77, "in_vivo", 77),
    (SCRIPTS, 115, "most_exciting_stimulus", 115),
    (SCRIPTS, 159, "report", 159),
    ("validation", 57, "experiments", 69),
    ("in_vivo", 77, "experiments", 77),
    ("in_vivo", 89, "most_exciting_stimulus", 93),
    ("report", 141, "most_exciting_stimulus", 137),
    ("most_exciting_stimulus", 101, "experiments", 91),
    ("most_exciting_stimulus", 115, "insilico", 115),
    ("report", 159, "plot", 159),
    ("experiments", 83, "stimuli", 83),
    ("experiments", 95, "insilico", 108),
    ("plot", 159, "analysis", 159),
    ("training", 50, _STEP, 50),
    ("training", 58, "model", 108),
    ("training", 64, "data", 146),
    ("insilico", 106, _STEP, 86),
    ("insilico", 119, "model", 119),
    ("insilico", 132, "data", 159),
    (_STEP, 51, "metrics", 51),
    (_STEP, 88, "config", 97),
    ("model", 119, "config", 112),
    ("data", 148, "config", 132),
)


def _bottom(layer: int) -> float:
    """Height in mm of the lower edge of the rooms of a layer."""
    return 10.0 + 18.0 * layer
