"""Find out which drifting Gabors the movies of the recordings show: table gabor_blocks."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from viv1t import log
from viv1t.analysis.gabors import BLOCK_FRAMES, CYCLES, gabor_features
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.recorded import recordings_showing
from viv1t.results.store import write_result
from viv1t.utils.files import write_npy

logger = logging.getLogger("viv1t.extract_gabor_features")


def main() -> None:
    """Read the command line, look at each movie once, and say what was written."""
    parser = script_parser(
        "Direction, wavelength, temporal frequency and phase of the drifting Gabors of recordings.",
        *("data_dir", "mouse_ids", "as_published", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    for recording, shown in recordings_showing(args.data_dir, args.mouse_ids, "drifting_gabor"):
        mouse = recording.mouse
        bar = tqdm(shown.items(), desc=f"mouse {mouse.id}", disable=args.verbose < 2)
        features = gabor_features(
            ((video, recording.load_video(trials[0])[0]) for video, trials in bar),
            deg_per_px=mouse.monitor.deg_per_px,
            fps=mouse.fps,
            as_published=args.as_published,
        )
        pairs = [(trial, video) for video, trials in shown.items() for trial in trials]
        blocks = pd.DataFrame(pairs, columns=["trial", "video_id"]).merge(features, on="video_id")
        path = write_result(
            args.data_dir,
            "gabor_blocks",
            blocks.assign(mouse=mouse.id),
            method={"as_published": args.as_published},
        )
        if args.as_published:
            write_published(args.data_dir / "ood_features/drifting_gabor" / mouse.id, blocks)
        logger.info("wrote %d blocks of %d trials to %s", len(blocks), len(pairs), path)


def write_published(folder: Path, blocks: pd.DataFrame) -> None:
    """Write <trial>.npy, (t, 3) float32: direction, wavelength and frequency in each frame."""
    frequency = blocks["tf_hz"] / 30 * (BLOCK_FRAMES - 1) / CYCLES
    for trial, rows in blocks.assign(frequency=frequency).groupby("trial"):
        values = rows.sort_values("block")[["direction_deg", "wavelength", "frequency"]]
        write_npy(
            folder / f"{trial}.npy", np.repeat(values.to_numpy(np.float32), BLOCK_FRAMES, axis=0)
        )


if __name__ == "__main__":
    run_script(main)
