"""How costs grow with frames, neurons, mice and stimuli: `python -m benchmarks.scaling`."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import torch
from matplotlib.axes import Axes

from benchmarks.bench import FULL, MOUSE, QUICK, Bench, Size, build_model
from benchmarks.flags import flags, prepare
from benchmarks.measure import Meter, Run
from benchmarks.whole import training_step
from viv1t.config.scripts import run_script
from viv1t.experiments.timing import Timing
from viv1t.plot.axes import label
from viv1t.plot.style import (
    BLUE,
    PAGE_MM,
    RECORDED,
    ModelStyle,
    house_style,
    new_figure,
    save_drawing,
)
from viv1t.utils.files import write_json

logger = logging.getLogger("viv1t.benchmarks.scaling")

STYLES: Final = (("plain", ModelStyle(RECORDED, "s")), ("fast", ModelStyle(BLUE, "o")))
SHORT_TRIAL: Final = Timing(
    num_frames=90, blank_pre=45, on=15, blank_post=30, slots=1, min_warmup=0
)


class Cost(NamedTuple):
    """Something whose cost was measured.

    Attributes:
        of: title of the panel.
        axis: what grows.
        values: how far, by the fast path.
        plain_values: how far by the plain one, which takes longer.
        compute: what is to be measured of a size, for a value and either path.
    """

    of: str
    axis: str
    values: tuple[int, ...]
    plain_values: tuple[int, ...]
    compute: Callable[[int, bool], Callable[[], Any]]


@dataclass(frozen=True)
class Sweeps:
    """The values of each cost.

    Attributes:
        size: where nothing grows.
        frames: of a movie.
        neurons: of a mouse.
        mice: of a step of training.
        stimuli: noise images, by the fast path.
        plain_stimuli: likewise by the plain path.
    """

    size: Size
    frames: tuple[int, ...]
    neurons: tuple[int, ...]
    mice: tuple[int, ...]
    stimuli: tuple[int, ...]
    plain_stimuli: tuple[int, ...]


LARGE: Final = Sweeps(
    FULL, (15, 30, 60, 120, 300), (1000, 4000, 16000), (1, 2, 4), (1, 2, 4, 8, 16), (1, 2, 4)
)
TINY: Final = Sweeps(QUICK, (6, 12), (20, 40), (1, 2), (1, 2), (1,))


def costs(sweeps: Sweeps, device: torch.device, output_dir: Path) -> Iterator[Cost]:
    """The four costs."""

    def bench(size: Size) -> Bench:
        return Bench(size, device, threads=torch.get_num_threads(), output_dir=output_dir)

    base = bench(sweeps.size)
    short = sweeps.size.short

    def frames(value: int, is_fast: bool) -> Callable[[], Any]:
        movie = bench(sweeps.size).inputs(value)["inputs"][0, 0].cpu().numpy()
        return lambda: base.predict(base.fast if is_fast else base.plain, movie)

    def neurons(value: int, is_fast: bool) -> Callable[[], Any]:
        model = build_model(replace(sweeps.size, neurons=value), is_fast=is_fast)
        model.to(device).eval().requires_grad_(False)
        clip = base.inputs(short)
        return lambda: model(**clip, mouse_id=MOUSE)

    def mice(value: int, is_fast: bool) -> Callable[[], Any]:
        ids = tuple(f"M{i}" for i in range(value))
        model = build_model(sweeps.size, is_fast=is_fast, mouse_ids=ids).to(device)
        inputs = base.inputs(short // 2)
        truth = {m: torch.rand(1, sweeps.size.neurons, short // 2).to(device) for m in ids}
        return lambda: training_step(model, inputs, truth)

    trials = bench(replace(sweeps.size, single=SHORT_TRIAL) if sweeps is LARGE else sweeps.size)

    def stimuli(value: int, is_fast: bool) -> Callable[[], Any]:
        window = trials.size.single.window(0)

        def show() -> None:
            if is_fast and (pieces := trials.fast.engine.pieces) is not None:
                pieces.windows.clear()
                pieces.pasts.clear()
            for seed in range(value):
                twin = trials.fast if is_fast else trials.plain
                trials.predict(twin, trials.noise(seed), window if is_fast else None)

        return show

    size = sweeps.size
    clip = f"{size.neurons} neurons"
    yield Cost(f"Forward, {clip}", "frames", sweeps.frames, sweeps.frames, frames)
    yield Cost(f"Forward, {short} frames", "neurons", sweeps.neurons, sweeps.neurons, neurons)
    yield Cost(f"Training, {short // 2} frames, {clip}", "mice", sweeps.mice, sweeps.mice, mice)
    length = trials.size.frames
    yield Cost(
        f"Trials of {length} frames", "images", sweeps.stimuli, sweeps.plain_stimuli, stimuli
    )


def measure(cost: Cost, meter: Meter) -> pd.DataFrame:
    """One row a value and path: of, axis, value, path, seconds, mb."""
    rows = []
    for value in cost.values:
        paths = [name for name, _ in STYLES if name == "fast" or value in cost.plain_values]
        runs: list[Run] = meter.interleaved(
            *((cost.compute(value, name == "fast"), 1) for name in paths)
        )
        for name, run in zip(paths, runs, strict=True):
            mb = None if run.extra_bytes is None else run.extra_bytes / 1e6
            rows.append((cost.of, cost.axis, value, name, run.typical_s, mb))
            logger.info(
                "%s: %d %s, %s: %.2f s, %s MB",
                *rows[-1][:1],
                value,
                cost.axis,
                name,
                run.typical_s,
                "?" if mb is None else round(mb),
            )
    return pd.DataFrame(rows, columns=["of", "axis", "value", "path", "seconds", "mb"])


def draw(table: pd.DataFrame, folder: Path) -> Path:
    """The path of the figure: seconds above, memory below, a column for each cost."""
    with house_style():
        figure = new_figure(PAGE_MM, 90)
        titles = list(dict.fromkeys(table["of"]))
        panels = figure.subplots(2, len(titles), sharex="col", squeeze=False)
        for column, title in enumerate(titles):
            rows = table[table["of"] == title]
            _lines(panels[0, column], rows, "seconds")
            _lines(panels[1, column], rows, "mb")
            panels[0, column].set_title(title)
            panels[1, column].set_xlabel(f"Number of {rows['axis'].iloc[0]}")
        label(panels[0, 0], y=("Time, one thread", "s"))
        label(panels[1, 0], y=("Peak memory added", "MB"))
        panels[0, 0].legend()
    return save_drawing(figure, folder, "benchmark_scaling", suffixes=("png",))[0]


def _lines(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    for name, style in STYLES:
        shown = rows[rows["path"] == name].dropna(subset=[column])
        axes.plot(
            shown["value"],
            shown[column],
            color=style.colour,
            marker=style.marker,
            markersize=3,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    values = sorted(set(rows["value"]))
    axes.set_xticks(values, [str(value) for value in values])
    axes.minorticks_off()


def main() -> None:
    """Read the command line, measure, draw, and write the numbers."""
    parser = flags("Measure how costs grow with frames, neurons, mice and stimuli.")
    args = parser.parse_args()
    device = prepare(args)
    sweeps = TINY if args.quick else LARGE
    meter = Meter(device, threads=args.threads)
    tables = [measure(cost, meter) for cost in costs(sweeps, device, args.output_dir)]
    table = pd.concat(tables, ignore_index=True)
    path = args.output_dir / "scaling.json"
    write_json(path, table.to_dict("records"))
    logger.info("wrote %s and %s", path, draw(table, args.output_dir))


if __name__ == "__main__":
    run_script(main)
