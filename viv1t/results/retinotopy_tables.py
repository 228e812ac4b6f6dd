"""The tables of receptive fields, dots and flashed images, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

_NEURON: Final = MappingProxyType({"mouse": "mouse", "neuron": "row of the mouse"})
_GAUSSIAN: Final = MappingProxyType(
    {
        "bad_fit": "no receptive field was found; its numbers are NaN",
        "x_px": "column of the centre, 0 is the first",
        "y_px": "row of the centre, 0 is the uppermost",
        "sigma_x_px": "of the envelope, along theta",
        "sigma_y_px": "across it",
        "theta_rad": "turns x towards -y",
        "amplitude": "of the Gaussian, in standard errors of the map",
        "offset": "likewise",
        "r2": "share of the map's variance over all pixels, noise included",
        "peak_z": "peak of the smoothed map, in standard deviations of smoothed noise",
        "x_se_px": "standard error of the centre",
        "y_se_px": "likewise",
    }
)
_TRIAL: Final = MappingProxyType(
    {"mouse": "mouse", "trial": "trial", "frame": "first frame of the trial"}
)

RETINOTOPY_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        "aRF": TableSpec(
            columns={
                **_NEURON,
                **_GAUSSIAN,
                "method": "map that was fitted: sta, sta_energy, second_moment, gradient or "
                "published",
            },
            key=("mouse", "neuron"),
            made_by="tuning_retinotopy/fit_aRFs.py",
        ),
        "gaussian_dots": TableSpec(
            columns={
                **_TRIAL,
                "num_frames": "frames for which the dot stays",
                "video_id": "equal for repeats of a movie",
                "x_px": "column of the centre; NaN: no dot",
                "y_px": "row of the centre",
                "radius_px": "radius at half height",
                "is_black": "1 black, 0 white",
            },
            key=("mouse", "trial", "frame"),
            made_by="tuning_retinotopy/extract_gaussian_dot_features.py",
            folder_flag="--data_dir",
        ),
        "spatial_tuning": TableSpec(
            columns={
                **_NEURON,
                **_GAUSSIAN,
                "latency_frames": "from dot to response, by the strongest map",
                "ssi": "spatial selectivity: -log det of the covariance of the map's coordinates "
                "(degrees), NaN for bad fits; as published: black dots, signed weights, over 0..1",
                "num_dots": "dots that were shown",
            },
            key=("mouse", "neuron"),
            made_by="tuning_retinotopy/estimate_spatial_tuning.py",
        ),
        "flashed_images": TableSpec(
            columns={
                **_TRIAL,
                "num_frames": "frames for which it stays",
                "image": "number of the image within the mouse; -1: blank",
            },
            key=("mouse", "trial", "frame"),
            made_by="misc/extract_flashing_images.py",
            folder_flag="--data_dir",
        ),
    }
)
