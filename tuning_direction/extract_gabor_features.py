"""Find out which drifting Gabors the movies of the recordings show: table gabor_blocks."""

import logging

import numpy as np
import pandas as pd
from tqdm import tqdm

from viv1t import log
from viv1t.analysis.gabors import BLOCK_FRAMES, gabor_features, published_features
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
        table = blocks.assign(mouse=mouse.id)
        method = {"as_published": args.as_published}
        path = write_result(args.data_dir, "gabor_blocks", table, method=method)
        if args.as_published:
            folder = args.data_dir / "ood_features/drifting_gabor" / f"mouse{mouse.id}"
            for trial, rows in table.groupby("trial"):
                frames = np.repeat(published_features(rows, mouse.fps), BLOCK_FRAMES, axis=0)
                write_npy(folder / f"{trial}.npy", frames)
        logger.info("wrote %d blocks of %d trials to %s", len(table), len(pairs), path)


if __name__ == "__main__":
    run_script(main)
