"""Draw receptive fields: examples, centres on the screen, and beside the truth (Figure 7)."""

import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.retinotopy import GRADIENT, example_rows, map_of, noise_maps, true_errors
from viv1t.config.scripts import FIGURE_FLAGS, run_script, script_parser
from viv1t.data.synthetic.truth import load_truths
from viv1t.experiments.noise import load_noise
from viv1t.insilico.gradients import load_gradients
from viv1t.plot.figures import retinotopy as figures
from viv1t.plot.style import source_styles
from viv1t.results.compared import read_compared
from viv1t.results.manifest import open_compare
from viv1t.results.store import ResultDir, read_result
from viv1t.rng import child

logger = logging.getLogger("viv1t.visualize_aRFs")


def main() -> None:
    """Read the command line, draw, and say what was written."""
    parser = script_parser(__doc__ or "", *FIGURE_FLAGS, "data_dir", "seed")
    args = parser.parse_args()
    log.setup(args.verbose)
    sources = open_compare(args.compare, args.output_dir)
    table = read_compared(sources, "aRF", mouse_ids=args.mouse_ids)
    labels = [source.label for source in sources]
    own = read_result(args.output_dir, "aRF", mouse_ids=args.mouse_ids)
    mice = list(dict.fromkeys(own["mouse"]))
    plates = {}
    for mouse_id in mice:
        rows = example_rows(own[own["mouse"] == mouse_id], child(args.seed, "examples", mouse_id))
        if rows["method"].eq(GRADIENT).all():
            images = load_gradients(args.output_dir, mouse_ids=[mouse_id])[mouse_id][rows["neuron"]]
        else:
            published = bool(own.attrs["as_published"])
            loaded = load_noise(args.output_dir, mouse_ids=[mouse_id], as_published=published)
            sums = loaded[mouse_id]
            images = map_of(noise_maps(num_images=sums.num_images, **sums.arrays()), rows)
        plates[f"aRF_examples_mouse{mouse_id}"] = figures.receptive_fields_figure(images, rows)
        frame_px = images.shape[1:]
    truth = load_truths(args.data_dir, mice)
    plates["aRF_centres"] = figures.centres_figure(
        table, labels=labels, frame_px=frame_px, truth=truth
    )
    if len(truth):
        errors = pd.concat([true_errors(rows, truth) for _, rows in table.groupby("label")])
        plates["aRF_recovered"] = figures.recovered_fields_figure(
            errors, styles=source_styles(sources)
        )
    folder = ResultDir(args.output_dir).figures
    for name, plate in plates.items():
        plate.save(folder, name)
    logger.info("wrote %s: %s", folder, ", ".join(plates))


if __name__ == "__main__":
    run_script(main)
