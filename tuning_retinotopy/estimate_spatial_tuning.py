"""Receptive fields and spatial selectivity from responses to Gaussian dots: spatial_tuning."""

import logging

import numpy as np

from viv1t import log
from viv1t.analysis.dots import dot_images, published_ssi, published_sta, spatial_tuning
from viv1t.config.scripts import run_script, script_parser
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.experiments.dots import ON, black_frames, dot_table
from viv1t.results.responses import ResponseFile
from viv1t.results.store import read_result, write_result
from viv1t.rng import child
from viv1t.utils.files import write_npy

logger = logging.getLogger("viv1t.estimate_spatial_tuning")


def main() -> None:
    """Read the command line, estimate, and say what was written."""
    parser = script_parser(
        "Spatial tuning to dots, recorded (--output_dir <data_dir>) or predicted.",
        *("output_dir", "data_dir", "mouse_ids", "seed", "as_published", "verbose"),
    )
    args = parser.parse_args()
    log.setup(args.verbose)
    every = read_result(args.data_dir, "gaussian_dots", mouse_ids=args.mouse_ids)
    of_mouse = dict(list(every.groupby("mouse")))
    for mouse in choose_mice(args.data_dir, sorted(of_mouse)):
        recording, dots = Recording(mouse), of_mouse[mouse.id]
        file = ResponseFile(args.output_dir / "responses" / f"mouse{mouse.id}.h5")
        lengths = {trial: recording.length(trial) for trial in set(dots["trial"])}
        responses = dot_table(file, dots, num_frames=lengths)
        table, _ = spatial_tuning(
            responses.trace,
            dot_images(responses.conditions, recording.frame_shape),
            on=ON,
            deg_per_px=recording.mouse.monitor.deg_per_px,
            rng=child(args.seed, "dots", mouse.id),
            progress=f"mouse {mouse.id}" if args.verbose > 1 else "",
        )
        table["neuron"] = responses.neurons["neuron"].to_numpy()
        if args.as_published:
            frames = black_frames(file, dots, recording.load_video)
            table["ssi"] = published_ssi(published_sta(frames))
            path = args.output_dir / "tuning" / f"mouse{mouse.id}" / "SSI.npy"
            write_npy(path, table["ssi"].to_numpy(np.float32))
        path = write_result(
            args.output_dir,
            "spatial_tuning",
            table.assign(mouse=mouse.id),
            method={"as_published": args.as_published},
        )
        good = len(table) - int(table["bad_fit"].sum())
        logger.info("wrote %s: %d of %d neurons have a spatial map", path, good, len(table))


if __name__ == "__main__":
    run_script(main)
