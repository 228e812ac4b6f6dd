"""What figures of direction tuning compare: tables of several folders, the same neurons of each."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from viv1t import log
from viv1t.analysis.direction import is_selective
from viv1t.analysis.tuning_curves import orientation_curve
from viv1t.config.flags import add_flags, check, flag, from_values
from viv1t.config.scripts import script_parser
from viv1t.errors import ConfigError
from viv1t.plot.style import ModelStyle, Plate, source_styles
from viv1t.results.direction import DIRECTION_TABLE_NAMES, read_direction_tuning
from viv1t.results.manifest import open_compare
from viv1t.results.specs import TABLES
from viv1t.results.store import ResultDir, read_result

TUNINGS = ("direction", "orientation")
# With fewer neurons nothing is drawn.
MIN_NEURONS = 3


@dataclass(frozen=True, kw_only=True)
class DirectionFigureConfig:
    """Which tables a figure of direction tuning shows, and of which neurons."""

    stimulus: Literal["gabor", "grating"] = flag(
        "gabor", help="the recorded drifting Gabors, or the gratings of predict_grating.py"
    )
    si_threshold: float = flag(
        0.2, help="least index of the neurons; they are chosen in the recordings, if compared"
    )

    def __post_init__(self) -> None:
        check(
            0 <= self.si_threshold < 1,
            f"--si_threshold must be 0 or more and less than 1, got {self.si_threshold}",
        )


@dataclass(frozen=True, eq=False)
class Chosen:
    """Neurons of one source; of all sources the same ones in the same order.

    Attributes:
        table: n rows of indexes.
        directions: (d,) of the curves: those that all sources have.
        mean: (n, d) curves; likewise `sem`, `half_a` and `half_b`.
    """

    table: pd.DataFrame
    directions: NDArray[np.float64]
    mean: NDArray[np.float64]
    sem: NDArray[np.float64]
    half_a: NDArray[np.float64]
    half_b: NDArray[np.float64]

    @property
    def mice(self) -> NDArray[np.generic]:
        """(n,) mouse of each neuron."""
        return self.table["mouse"].to_numpy()

    def curves(self, tuning: str, column: str = "mean") -> NDArray[np.float64]:
        """(n, d), or (n, d / 2) for orientation: opposite directions averaged."""
        values: NDArray[np.float64] = getattr(self, column)
        return values if tuning == "direction" else orientation_curve(values)

    def angles(self, tuning: str) -> NDArray[np.float64]:
        """(d,) or (d / 2,) that belong to `curves`."""
        return (
            self.directions if tuning == "direction" else self.directions[: self.mean.shape[1] // 2]
        )


@dataclass(frozen=True, eq=False)
class DirectionComparison:
    """Tables of several sources.

    Attributes:
        tables: label -> indexes of all neurons.
        curves: label -> curves, long.
        paths: label -> folder.
        styles: label -> colour and marker.
        reference: label of the recordings or the truth, if there are any, else of the first
            source: it says which neurons are compared.
        config: stimulus and threshold.
        folder: of the figures.
        seed: of random numbers.
    """

    tables: Mapping[str, pd.DataFrame]
    curves: Mapping[str, pd.DataFrame]
    paths: Mapping[str, Path]
    styles: Mapping[str, ModelStyle]
    reference: str
    config: DirectionFigureConfig
    folder: Path
    seed: int = 0

    @property
    def others(self) -> list[str]:
        """Labels but for the reference."""
        return [label for label in self.tables if label != self.reference]

    def needs_others(self) -> list[str]:
        """Labels but for the reference.

        Raises:
            ConfigError: there is none.
        """
        if not self.others:
            raise ConfigError(
                f"nothing to compare with {self.reference}: name more folders with --compare"
            )
        return self.others

    def chosen(self, tuning: str = "", *, threshold: float | None = None) -> dict[str, Chosen]:
        """Neurons that are selective in the reference and known everywhere, of each source.

        Args:
            tuning: "direction" or "orientation"; empty: all neurons.
            threshold: of the index; None: that of the flags.
        """
        table = self.tables[self.reference]
        if tuning:
            least = self.config.si_threshold if threshold is None else threshold
            parts = [rows for _, rows in table.groupby("mouse")]
            table = pd.concat([r[is_selective(r, tuning, threshold=least)] for r in parts])
        keys = pd.MultiIndex.from_frame(table[["mouse", "neuron"]]).sort_values()
        for other in self.tables.values():
            keys = keys.intersection(pd.MultiIndex.from_frame(other[["mouse", "neuron"]]))
        common = sorted(
            set.intersection(*(set(curves["direction_deg"]) for curves in self.curves.values()))
        )
        found = {}
        for label, table in self.tables.items():
            wide = self.curves[label].set_index(["mouse", "neuron", "direction_deg"]).unstack()
            matrices = [
                wide[column].reindex(keys)[common].to_numpy(float)
                for column in ("mean", "sem", "half_a", "half_b")
            ]
            rows = table.set_index(["mouse", "neuron"]).loc[keys].reset_index()
            found[label] = Chosen(rows, np.array(common), *matrices)
        return found

    def drawn(self) -> list[str]:
        """The kinds of tuning of which enough neurons are selective.

        Raises:
            ConfigError: there is none.
        """
        kinds = [t for t in TUNINGS if len(self.chosen(t)[self.reference].table) >= MIN_NEURONS]
        if not kinds:
            raise ConfigError(
                f"fewer than {MIN_NEURONS} neurons of {self.reference} have an index of "
                f"{self.config.si_threshold} and p <= .05: lower --si_threshold, or show more "
                "stimuli"
            )
        return kinds

    def similarity(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Tables of similarity and of its decay, of all sources; column source.

        Raises:
            MissingResultError: one is missing; the message names the command.
        """
        names = DIRECTION_TABLE_NAMES[self.config.stimulus]
        mice = sorted(set(self.tables[self.reference]["mouse"]))
        bins, decays = [], []
        for label, path in self.paths.items():
            found = read_result(path, names.similarity)
            bins.append(found[found["mouse"].isin(mice)].assign(source=label))
            if not found.attrs.get("as_published", False):
                fits = read_result(path, names.decay)
                decays.append(fits[fits["mouse"].isin(mice)].assign(source=label))
        empty = pd.DataFrame(columns=[*TABLES[names.decay].columns, "source"])
        return pd.concat(bins), pd.concat(decays) if decays else empty

    def save(self, plate: Plate, name: str) -> list[Path]:
        """Paths of figure and numbers, figures/direction_<name>_<stimulus>.*, all written."""
        return plate.save(self.folder, f"direction_{name}_{self.config.stimulus}")


def open_figure(description: str) -> DirectionComparison:
    """What the command line of a script that draws direction tuning asks for.

    Args:
        description: the first line of `--help`.

    Raises:
        UserError: flags that cannot work, or tables that are missing.
    """
    parser = script_parser(
        description,
        *("output_dir", "data_dir", "mouse_ids", "compare", "seed", "as_published", "verbose"),
    )
    add_flags(parser, DirectionFigureConfig)
    args = parser.parse_args()
    log.setup(args.verbose)
    return compare_folders(args, from_values(DirectionFigureConfig, vars(args)))


def compare_folders(args: argparse.Namespace, config: DirectionFigureConfig) -> DirectionComparison:
    """The tables of the folders in `args.compare`, of the mice that all of them have.

    Without `compare` the run is compared with the recordings, if the stimulus is theirs.
    """
    is_gabor = config.stimulus == "gabor"
    sources = open_compare(args.compare, args.output_dir, args.data_dir, with_recorded=is_gabor)
    read = {s.label: read_direction_tuning(s.path, config.stimulus) for s in sources}
    mice = set.intersection(*(set(table["mouse"]) for table, _ in read.values()))
    mice &= set(args.mouse_ids or mice)
    if not mice:
        raise ConfigError(
            f"no mouse has tables of all of {', '.join(read)}: name folders of the same mice"
        )
    kept = [[frame[frame["mouse"].isin(mice)] for frame in frames] for frames in read.values()]
    fixed = [s.label for s in sources if s.kind in ("recorded", "truth")]
    return DirectionComparison(
        tables={label: frames[0] for label, frames in zip(read, kept, strict=True)},
        curves={label: frames[1] for label, frames in zip(read, kept, strict=True)},
        paths={s.label: s.path for s in sources},
        styles=source_styles(sources, as_published=args.as_published),
        reference=fixed[0] if fixed else sources[0].label,
        config=config,
        folder=ResultDir(args.output_dir).figures,
        seed=args.seed,
    )
