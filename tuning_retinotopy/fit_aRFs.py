"""Fit receptive fields to responses to white noise: table aRF."""

import logging

import pandas as pd

from viv1t import log
from viv1t.analysis.retinotopy import fit_energy_maps, fit_noise_maps, noise_maps
from viv1t.analysis.retinotopy_published import as_receptive_fields, published_fit
from viv1t.config.flags import check
from viv1t.config.scripts import TABLE_FLAGS, run_script, script_parser
from viv1t.experiments.noise import load_noise
from viv1t.insilico.gradients import load_gradients
from viv1t.results.store import write_result
from viv1t.results.tables import write_table
from viv1t.rng import child

logger = logging.getLogger("viv1t.fit_aRFs")


def main() -> None:
    """Read the command line, fit, and say what was written."""
    parser = script_parser("Fit Gaussians to receptive fields.", *TABLE_FLAGS)
    choices = ("noise", "gradient")
    parser.add_argument("--method", choices=choices, default="noise", help="what was predicted")
    args = parser.parse_args()
    log.setup(args.verbose)
    is_gradient, as_published = args.method == "gradient", args.as_published
    check(not (is_gradient and as_published), "--as_published needs --method noise")

    chosen = {"mouse_ids": args.mouse_ids}
    says = "mouse %s" if args.verbose > 1 else ""
    fits = {}
    if is_gradient:
        for mouse_id, gradients in load_gradients(args.output_dir, **chosen).items():
            fits[mouse_id] = fit_energy_maps(gradients, progress=says and says % mouse_id)
    else:
        for mouse_id, sums in load_noise(
            args.output_dir, **chosen, as_published=as_published
        ).items():
            if as_published:
                weighted = sums.weighted_sum()[:, 0]
                fits[mouse_id] = published_fit(
                    weighted, seed=args.seed, progress=says and says % mouse_id
                )
                continue
            maps = noise_maps(num_images=sums.num_images, **sums.arrays())
            rng = child(args.seed, "null", mouse_id)
            fits[mouse_id] = fit_noise_maps(maps, rng=rng, progress=says and says % mouse_id)
    table = pd.concat(fits, names=["mouse"]).reset_index("mouse")
    if as_published:
        write_table(args.output_dir / "aRF.parquet", table)
        table = as_receptive_fields(table)
    method = {"method": args.method, "as_published": as_published}
    path = write_result(args.output_dir, "aRF", table, method=method)
    good = len(table) - int(table["bad_fit"].sum())
    logger.info("wrote %s: %d of %d neurons have a receptive field", path, good, len(table))


if __name__ == "__main__":
    run_script(main)
