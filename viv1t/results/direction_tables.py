"""The tables of direction tuning, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

_NEURON: Final = MappingProxyType({"mouse": "mouse", "neuron": "row of the mouse"})
_PLACE: Final = MappingProxyType({"x_um": "cortical x", "y_um": "cortical y", "z_um": "depth"})
_SELECTIVITY: Final = MappingProxyType(
    {
        **_NEURON,
        **_PLACE,
        "osi": "orientation index, 1 - circular variance",
        "osi_unbiased": "without the mean square that permutations have",
        "osi_crossvalidated": "angle and length from different presentations",
        "osi_low": "lower end of its 95 % interval",
        "osi_high": "upper end",
        "p_orientation": "permutation test of osi",
        "q_orientation": "after Benjamini & Hochberg, within the mouse",
        "orientation_selective": "q <= .05 (as published: p <= .01 of k / 100)",
        "dsi": "direction index, 1 - circular variance",
        "dsi_unbiased": "as osi_unbiased",
        "dsi_crossvalidated": "as osi_crossvalidated",
        "dsi_low": "lower end of its 95 % interval",
        "dsi_high": "upper end",
        "p_direction": "permutation test of dsi",
        "q_direction": "after Benjamini & Hochberg, within the mouse",
        "direction_selective": "q <= .05 (as published: p <= .01 of k / 100)",
        "preferred_direction_deg": "by vector sums; 0 left, 90 down",
        "preferred_orientation_deg": "axis of motion by vector sum, 0 to 180",
        "preferred_bin_deg": "direction of the largest response",
        "reliability": "of the curve, split halves after Spearman & Brown",
        "peak_response": "largest response above baseline",
        "fit_direction_deg": "peak of the fitted double von Mises function",
        "half_width_deg": "its half width at half height",
        "fit_r2": "share of the variance of the curve that it explains",
        "fit_r2_held_out": "fitted to one half of the presentations, of the curve of the other",
    }
)
_CURVES: Final = MappingProxyType(
    {
        **_NEURON,
        "direction_deg": "direction of motion; 0 left, 90 down",
        "mean": "response, balanced over other conditions, above baseline",
        "sem": "its standard error over presentations",
        "half_a": "the same from one half of the presentations",
        "half_b": "from the other half",
    }
)
_GABOR_SCRIPT: Final = "tuning_direction/estimate_selectivity_indexes.py"
_GRATING_SCRIPT: Final = f"{_GABOR_SCRIPT} --stimulus grating"
_SIMILARITY_SCRIPT: Final = "tuning_direction/estimate_tuning_similarity.py"
_PAIR_OF: Final = MappingProxyType(
    {
        "mouse": "mouse",
        "tuning": "direction or orientation",
        "depth_um": "difference in depth, centre of the bin; 0 is the same plane",
    }
)
_SIMILARITY: Final = MappingProxyType(
    {
        **_PAIR_OF,
        "distance_um": "distance in the plane, centre of the bin",
        "mean_distance_um": "of its pairs",
        "num_pairs": "pairs of neurons",
        "num_neurons": "neurons that were compared",
        "similarity": "mean signal correlation of pairs",
        "low": "lower end of its 95 % interval, bootstrap over neurons",
        "high": "upper end",
        "chance": "mean after curves changed places within their plane",
        "p": "share of these that is as large",
    }
)
_DECAY: Final = MappingProxyType(
    {
        **_PAIR_OF,
        **{
            f"{name}{end}": what + said
            for name, what in (
                ("amplitude", "of amplitude exp(-distance / length) + offset"),
                ("length_um", "length of the decay"),
                ("offset", "what stays at large distances"),
                ("slope_per_100um", "of a straight line"),
            )
            for end, said in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        },
        "p_slope": "of the slope, curves changing places within their plane",
    }
)
DIRECTION_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        "gabor_blocks": TableSpec(
            columns={
                "mouse": "mouse",
                "trial": "trial",
                "block": "place in the movie, from 0",
                "video_id": "equal for repeats of a movie",
                "start_frame": "first frame of the block",
                "num_frames": "frames of the movie",
                "direction_deg": "direction of motion; 0 left, 90 down",
                "wavelength": "half screen heights",
                "sf_cpd": "cycles per degree at the centre of the screen",
                "speed_rank": "of the temporal frequency among those of this wavelength, from 0",
                "tf_hz": "cycles per second",
                "phase_deg": "phase of the first frame",
                "r2": "share of the variance of the frames that this Gabor explains",
            },
            key=("mouse", "trial", "block"),
            made_by="tuning_direction/extract_gabor_features.py",
            folder_flag="--data_dir",
        ),
        "selectivity": TableSpec(
            columns=_SELECTIVITY, key=("mouse", "neuron"), made_by=_GRATING_SCRIPT
        ),
        "direction_curves": TableSpec(
            columns=_CURVES, key=("mouse", "neuron", "direction_deg"), made_by=_GRATING_SCRIPT
        ),
        "gabor_selectivity": TableSpec(
            columns=_SELECTIVITY,
            key=("mouse", "neuron"),
            made_by=_GABOR_SCRIPT,
        ),
        "gabor_curves": TableSpec(
            columns=_CURVES,
            key=("mouse", "neuron", "direction_deg"),
            made_by=_GABOR_SCRIPT,
        ),
        "gabor_similarity": TableSpec(
            columns=_SIMILARITY,
            key=("mouse", "tuning", "depth_um", "distance_um"),
            made_by=_SIMILARITY_SCRIPT,
        ),
        "gabor_decay": TableSpec(
            columns=_DECAY, key=("mouse", "tuning", "depth_um"), made_by=_SIMILARITY_SCRIPT
        ),
        "direction_similarity": TableSpec(
            columns=_SIMILARITY,
            key=("mouse", "tuning", "depth_um", "distance_um"),
            made_by=f"{_SIMILARITY_SCRIPT} --stimulus grating",
        ),
        "direction_decay": TableSpec(
            columns=_DECAY,
            key=("mouse", "tuning", "depth_um"),
            made_by=f"{_SIMILARITY_SCRIPT} --stimulus grating",
        ),
    }
)
