"""Compare trained runs with the recordings: a table beside the noise ceiling, and figures."""

import logging
from pathlib import Path
from typing import Final

import pandas as pd

from viv1t import log
from viv1t.config.scripts import run_script, script_parser
from viv1t.errors import ConfigError
from viv1t.insilico import compare, examples
from viv1t.plot import figures
from viv1t.plot.style import Plate, model_styles
from viv1t.utils.files import atomic, write_text

logger = logging.getLogger("viv1t.demo_report")

MAIN_TIER: Final = "live_main"


def main() -> None:
    """Read the command line, print the table, draw the figures."""
    parser = script_parser(
        "Compare trained runs with the recordings that they predicted.",
        *("data_dir", "output_dir", "mouse_ids", "verbose"),
    )
    add = parser.add_argument
    add("--runs", type=Path, nargs="+", required=True, help="run folders (required)")
    add("--labels", nargs="+", default=None, help="their names; none: the names of the folders")
    args = parser.parse_args()
    log.setup(args.verbose)
    labels = args.labels or [run.name for run in args.runs]
    if len(set(labels)) != len(args.runs):
        raise ConfigError(
            f"--labels needs {len(args.runs)} different names, one a run, got {' '.join(labels)}"
        )

    runs = dict(zip(labels, args.runs, strict=True))
    comparison = compare.open_comparison(args.data_dir, runs, args.mouse_ids)
    scores = compare.neuron_scores(comparison)
    summary = compare.summarise(scores)
    positions = examples.readout_positions(comparison)
    report = _report(summary, positions)
    logger.info("%s", report)
    write_text(args.output_dir / "table.txt", f"{report}\n")
    with atomic(args.output_dir / "table.csv") as temporary:
        compare.side_by_side(summary).to_csv(temporary, index=False)
    plates = _plates(comparison, scores, summary, positions)
    for name, plate in plates.items():
        plate.save(args.output_dir / "figures", name)
    logger.info("\nwrote %s", args.output_dir / "table.csv")
    logger.info("wrote %s: %s", args.output_dir / "figures", ", ".join(plates))


def _report(summary: pd.DataFrame, positions: dict[str, pd.DataFrame]) -> str:
    """The table and what it says, as text."""
    lines = [
        "Correlation (r) per neuron over all frames of all trials, mean over neurons; % of the",
        "mean noise ceiling. Frames that every model skips are left out.\n",
        compare.as_text(compare.side_by_side(summary)),
        "",
    ]
    whole = summary[summary["tier"].eq(MAIN_TIER) & summary["stimulus"].eq(compare.ALL_STIMULI)]
    mouse_id = whole["mouse_id"].iloc[-1] if len(whole) else ""
    values = whole[whole["mouse_id"] == mouse_id].set_index("model")
    for label, row in values.iterrows():
        ceiling = f", {row['share']:.0f} % of the ceiling" if pd.notna(row["share"]) else ""
        lines.append(f"{MAIN_TIER}, {mouse_id}: {label} r = {row['correlation']:.3f}{ceiling}")
    first, *others = values["correlation"].items()
    for label, correlation in others:
        lines.append(f"{first[0]} - {label}: {first[1] - correlation:+.3f}")
    for label, table in positions.items():
        for mouse in examples.agreement(table).to_dict("records"):
            lines.append(
                f"{label}, mouse {mouse['mouse_id']}: readout positions against true "
                f"receptive-field centres, r = {mouse['x']:.3f} in x, {mouse['y']:.3f} in y"
            )
    return "\n".join(lines)


def _plates(
    comparison: compare.Comparison,
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    positions: dict[str, pd.DataFrame],
) -> dict[str, Plate]:
    """All figures that the numbers allow, by file name."""
    labels = list(comparison.runs)
    whole = summary[summary["stimulus"].eq(compare.ALL_STIMULI)]
    validation = whole.query("tier == 'validation'").iloc[-1:]["ceiling"].dropna()
    ceiling = validation.item() if len(validation) else None
    plates = {
        "learning_curves": figures.learning_figure(compare.histories(comparison), ceiling=ceiling)
    }
    of_mice = whole[whole["mouse_id"] != compare.MEAN]
    plates["scores"] = figures.scores_figure(of_mice)
    main_scores = scores[scores["tier"].eq(MAIN_TIER) & scores["stimulus"].eq(compare.ALL_STIMULI)]
    if main_scores["ceiling"].notna().any():
        plates["ceiling"] = figures.ceiling_figure(main_scores)
    for mouse_id in comparison.recordings:
        traces = examples.example_traces(comparison, scores, mouse_id, tier=MAIN_TIER)
        if traces is not None:
            plates[f"traces_{mouse_id}"] = figures.traces_figure(
                traces.table,
                video=traces.video,
                fps=traces.fps,
                title=f"{MAIN_TIER}, movie {traces.video_id}, shown {traces.num_repeats} times",
                models=labels,
            )
    for label, table in positions.items():
        frame_px = next(iter(comparison.recordings.values())).frame_shape
        plates[f"positions_{label}"] = figures.positions_figure(
            table, frame_px=frame_px, style=model_styles(labels)[label]
        )
    return plates


if __name__ == "__main__":
    run_script(main)
