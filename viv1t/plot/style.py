"""The house style: colours, sizes in mm, and how a figure is saved with its numbers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure

from viv1t.errors import ConfigError
from viv1t.results.manifest import TRUTH as TRUTH_LABEL
from viv1t.results.manifest import Source
from viv1t.utils.files import atomic

MM_PER_INCH: Final = 25.4
COLUMN_MM: Final = 89.0
PAGE_MM: Final = 183.0
# Where a PNG file holds its caption.
CAPTION_KEY: Final = "Description"

# Okabe & Ito (2008): told apart by people with any common colour blindness, and in grey print.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, ORANGE, WINE = "#AA4499", "#56B4E9", "#E69F00", "#882255"
INK: Final = "#222222"
RECORDED: Final = "#8C8C8C"
FAINT: Final = "#D9D9D9"
TRUTH: Final = GREEN

_RC: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "font.family": "DejaVu Sans",
        "font.size": 7.0,
        "axes.titlesize": 7.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 7.0,
        "axes.linewidth": 0.6,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "text.color": INK,
        "xtick.labelsize": 6.5,
        "ytick.labelsize": 6.5,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "lines.linewidth": 1.2,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "legend.fontsize": 6.5,
        "legend.handlelength": 1.6,
        "figure.facecolor": "white",
        "figure.constrained_layout.h_pad": 0.05,
        "figure.constrained_layout.w_pad": 0.05,
        "savefig.dpi": 250,
        "savefig.facecolor": "white",
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "viv1t",
    }
)


class ModelStyle(NamedTuple):
    """How a model is drawn: a colour, a marker for those who see no colour, what lies on top."""

    colour: str
    marker: str
    zorder: float = 3.0


_MODEL_STYLES: Final = (
    ModelStyle(BLUE, "o"),
    ModelStyle(VERMILION, "s"),
    ModelStyle(PURPLE, "^"),
    ModelStyle(ORANGE, "D"),
    ModelStyle(SKY, "v"),
    ModelStyle(WINE, "P"),
)
RECORDED_STYLE: Final = ModelStyle(INK, "o", 4.0)
TRUTH_STYLE: Final = ModelStyle(TRUTH, "X", 5.0)
CHANCE_STYLE: Final = ModelStyle(RECORDED, "x", 1.0)

# The colours of the paper, by the name of the model there.
PUBLISHED_STYLES: Final[Mapping[str, ModelStyle]] = MappingProxyType(
    {
        "recorded": ModelStyle("black", "o", 5),
        "LN": ModelStyle("lightskyblue", "s", 1),
        "fCNN": ModelStyle("dodgerblue", "D", 2),
        "DwiseNeuro": ModelStyle("slateblue", "^", 3),
        "ViV1T": ModelStyle("limegreen", "o", 6),
        "vivit": ModelStyle("indigo", "v", 4),
        "chance": ModelStyle("dimgrey", "x", 1),
    }
)


@contextmanager
def house_style() -> Iterator[None]:
    """A context in which new figures have the house style; nothing global stays changed."""
    settings: Any = dict(_RC)
    with mpl.rc_context(settings):
        yield


def model_styles(labels: Sequence[str]) -> dict[str, ModelStyle]:
    """A colour and marker for each model, the same ones for the same order of `labels`.

    Raises:
        ConfigError: there are more models than colours that can be told apart.
    """
    unique = list(dict.fromkeys(labels))
    if len(unique) > len(_MODEL_STYLES):
        raise ConfigError(
            f"at most {len(_MODEL_STYLES)} models can be told apart in one figure, "
            f"got {len(unique)}: draw them in several figures"
        )
    return dict(zip(unique, _MODEL_STYLES, strict=False))


def source_styles(
    sources: Sequence[Source], *, as_published: bool = False
) -> dict[str, ModelStyle]:
    """Label -> style of what a figure compares: recordings black, truth green, models in order.

    Args:
        sources: what `viv1t.results.manifest.open_compare` gives.
        as_published: the colours of the paper, for the models that it names.

    Raises:
        ConfigError: there are more models than colours that can be told apart, or a colour is none.
    """
    fixed = {"recorded": RECORDED_STYLE, "truth": TRUTH_STYLE}
    styles = model_styles([source.label for source in sources if source.kind not in fixed])
    for source in sources:
        style = fixed.get(source.kind) or styles[source.label]
        if as_published:
            style = PUBLISHED_STYLES.get(source.label, style)
        if source.colour is not None and not is_color_like(source.colour):
            raise ConfigError(
                f"colour {source.colour} of {source.label} is none that matplotlib knows; give a "
                "name such as black or a code such as '#0072B2'"
            )
        styles[source.label] = style._replace(colour=source.colour or style.colour)
    return {source.label: styles[source.label] for source in sources}


def responder_styles(names: Iterable[str]) -> dict[str, ModelStyle]:
    """The style of each that answers: the one called truth green, models in order.

    Raises:
        ConfigError: there are more models than colours that can be told apart.
    """
    every = list(dict.fromkeys(names))
    styles = model_styles([name for name in every if name != TRUTH_LABEL])
    return {name: styles.get(name, TRUTH_STYLE) for name in every}


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """An empty figure with constrained layout.

    Args:
        width_mm: width; `COLUMN_MM` and `PAGE_MM` are those of a journal.
        height_mm: height.
    """
    size = (width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
    return Figure(figsize=size, layout="constrained")


@dataclass(frozen=True)
class Plate:
    """A figure and the numbers that it shows.

    Attributes:
        figure: the drawing.
        numbers: panel name -> table of what the panel shows.
        caption: what the figure shows, in a sentence or two; written into its files.
    """

    figure: Figure
    numbers: Mapping[str, pd.DataFrame]
    caption: str = ""

    def with_words(self, words: str) -> "Plate":
        """The same with a sentence more in its caption."""
        return replace(self, caption=f"{self.caption} {words}".strip())

    def save(self, folder: Path, name: str) -> list[Path]:
        """Paths of `<name>.pdf`, `<name>.png` and one `<name>_<panel>.csv` a panel, all written.

        Args:
            folder: made if it does not exist.
            name: file name without suffix.
        """
        paths = save_drawing(
            self.figure, folder, name, suffixes=("pdf", "png"), caption=self.caption
        )
        for panel, table in self.numbers.items():
            path = folder / f"{name}_{panel}.csv"
            with atomic(path) as temporary:
                table.to_csv(temporary, index=False)
            paths.append(path)
        return paths


def save_drawing(
    figure: Figure, folder: Path, name: str, *, suffixes: Sequence[str], caption: str = ""
) -> list[Path]:
    """Paths of `<folder>/<name>.<suffix>`, written without a date so that equal figures are equal.

    Args:
        figure: the drawing.
        folder: made if it does not exist.
        name: file name without suffix.
        suffixes: of pdf, png and svg.
        caption: stored in the files, where `viv1t.report` finds it; empty: none.
    """
    undated: dict[str, dict[str, str | None]] = {
        "pdf": {"CreationDate": None},
        "svg": {"Date": None},
        "png": {"Software": None},
    }
    if caption:
        for suffix, key in (("pdf", "Subject"), ("svg", "Description"), ("png", CAPTION_KEY)):
            undated[suffix] |= {key: caption}
    paths = []
    for suffix in suffixes:
        path = folder / f"{name}.{suffix}"
        with house_style(), atomic(path) as temporary:
            figure.savefig(temporary, format=suffix, metadata=undated[suffix])
        paths.append(path)
    return paths
