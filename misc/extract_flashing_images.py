"""Number the images that the recordings flash: table flashed_images."""

import logging

import pandas as pd
from tqdm import tqdm

from viv1t import log
from viv1t.analysis.flashing import image_numbers, image_runs
from viv1t.config.scripts import run_script, script_parser
from viv1t.insilico.recorded import recordings_showing
from viv1t.results.store import write_result
from viv1t.utils.files import write_npy

logger = logging.getLogger("viv1t.extract_flashing_images")


def main() -> None:
    """Read the command line, look at each movie once, and say what was written."""
    parser = script_parser(
        "Number the flashed images of recordings, and tell when each is shown.",
        *("data_dir", "mouse_ids", "as_published", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    for recording, shown in recordings_showing(args.data_dir, args.mouse_ids, "image"):
        mouse = recording.mouse
        bar = tqdm(shown.values(), desc=f"mouse {mouse.id}", disable=args.verbose < 2)
        movies = (recording.load_video(trials[0])[0] for trials in bar)
        parts = []
        numbered = image_numbers(movies, as_published=args.as_published)
        for trials, numbers in zip(shown.values(), numbered, strict=True):
            parts += [image_runs(numbers).assign(trial=trial) for trial in trials]
            for trial in trials if args.as_published else ():
                path = args.data_dir / "ood_features/flashing_images" / f"mouse{mouse.id}"
                write_npy(path / f"{trial}.npy", numbers)
        table = pd.concat(parts).assign(mouse=mouse.id)
        method = {"as_published": args.as_published}
        path = write_result(args.data_dir, "flashed_images", table, method=method)
        num_images = table["image"].max() + 1
        logger.info("wrote %s: mouse %s, %d images", path, mouse.id, num_images)


if __name__ == "__main__":
    run_script(main)
