"""Find out where the Gaussian dots of the recordings are: table gaussian_dots."""

import logging

import pandas as pd
from tqdm import tqdm

from viv1t import log
from viv1t.analysis.dots import dot_features, published_dot_features
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.recorded import recordings_showing
from viv1t.results.store import write_result
from viv1t.utils.files import write_npy

logger = logging.getLogger("viv1t.extract_gaussian_dot_features")


def main() -> None:
    """Read the command line, look at each movie once, and say what was written."""
    parser = script_parser(
        "Place, size and polarity of the Gaussian dots of recordings.",
        *("data_dir", "mouse_ids", "as_published", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    for recording, shown in recordings_showing(args.data_dir, args.mouse_ids, "gaussian_dots"):
        mouse = recording.mouse
        parts = []
        for video, trials in tqdm(
            shown.items(), desc=f"mouse {mouse.id}", disable=args.verbose < 2
        ):
            movie = recording.load_video(trials[0])[0]
            dots = dot_features(movie).assign(video_id=video, mouse=mouse.id)
            parts += [dots.assign(trial=trial) for trial in trials]
            published = published_dot_features(movie) if args.as_published else None
            for trial in trials if args.as_published else ():
                path = args.data_dir / "ood_features/gaussian_dots" / f"mouse{mouse.id}"
                write_npy(path / f"{trial}.npy", published)
        table = pd.concat(parts)
        path = write_result(args.data_dir, "gaussian_dots", table, method={})
        logger.info("wrote %d dots of %d trials to %s", len(table), table["trial"].nunique(), path)


if __name__ == "__main__":
    run_script(main)
