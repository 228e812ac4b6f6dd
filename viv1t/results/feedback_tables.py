"""The tables of size tuning and of onsets, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

_NEURON: Final = MappingProxyType({"mouse": "mouse", "neuron": "row of the mouse"})
_LOW, _HIGH = "lower end of its 95 % interval", "upper end"
_SIZE: Final = MappingProxyType(
    {
        **_NEURON,
        "z_um": "depth; NaN if unknown",
        "classical_deg": "preferred diameter of a disc, by the ratio-of-Gaussians fit (as "
        "published: size of the largest mean)",
        "classical_deg_low": _LOW + ", bootstrap of repeats",
        "classical_deg_high": _HIGH,
        "classical_r2": "share of the variance over sizes that the fit explains",
        "inverse_deg": "preferred diameter of a hole, by a difference of integrated Gaussians; 0: "
        "the full field",
        "inverse_deg_low": _LOW,
        "inverse_deg_high": _HIGH,
        "inverse_r2": "share of the variance over sizes that the fit explains",
        "suppression_index": "share of the fitted response to the best disc that the largest loses",
        "suppression_index_low": _LOW,
        "suppression_index_high": _HIGH,
        "p_classical": "some disc drives more than the blank screen, over presentations",
        "q_classical": "after Benjamini & Hochberg, over neurons of the mouse",
        "classical_tuned": "q <= .05 (as published: z score over sizes)",
        "p_inverse": "some hole drives more than the full field and the blank screen",
        "q_inverse": "after Benjamini & Hochberg, over neurons of the mouse",
        "inverse_tuned": "q <= .05 and classical_tuned (as published: z score, no test)",
        "classical": "mean response to the best disc, chosen on other repeats",
        "inverse": "mean response to the best hole, chosen on other repeats",
        "full_field": "mean response to a grating that fills the screen",
        "blank": "mean response to the grey screen",
        "iti": "inverse tuning index, 0 discs only .. 1 holes only",
        "whole_deg": "largest disc shown that lies on the screen as a whole",
        "near_edge": "the largest disc is cut off by the screen: suppression may be too small",
    }
)

FEEDBACK_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        "size_tuning": TableSpec(
            columns=_SIZE,
            key=("mouse", "neuron"),
            made_by="tuning_feedbackRF/estimate_size_tuning_curve.py",
        ),
        "size_curves": TableSpec(
            columns={
                **_NEURON,
                "stimulus": "classical (disc) or inverse (hole)",
                "size_deg": "diameter",
                "mean": "mean response, without the first half second",
                "sem": "its standard error over presentations",
                "fit": "the fit of table size_tuning",
                "visible": "share of the disc or hole that is on the screen",
                "disc_ratio": "radius over sigma of the receptive field (wider axis)",
            },
            key=("mouse", "neuron", "stimulus", "size_deg"),
            made_by="tuning_feedbackRF/estimate_size_tuning_curve.py",
        ),
        "response_onset": TableSpec(
            columns={
                **_NEURON,
                "size_deg": "diameter of disc and hole",
                "disc_ratio": "radius over sigma of the receptive field (wider axis)",
                "visible": "share of the disc that is on the screen",
                "isolated": "disc_ratio >= 2.5: the hole keeps the grating off the receptive field",
                "classical_onset_s": "response to a disc reaches 25 % of its peak (as published: a "
                "common z score of 1)",
                "classical_onset_low_s": _LOW + ", traces redrawn with their standard errors",
                "classical_onset_high_s": _HIGH,
                "inverse_onset_s": "likewise for a hole",
                "inverse_onset_low_s": _LOW,
                "inverse_onset_high_s": _HIGH,
                "delay_s": "inverse - classical",
                "delay_low_s": _LOW,
                "delay_high_s": _HIGH,
                "classical_peak": "largest response above baseline",
                "inverse_peak": "likewise for a hole",
            },
            key=("mouse", "neuron"),
            made_by="tuning_feedbackRF/estimate_response_onset.py",
        ),
        "onset_traces": TableSpec(
            columns={
                **_NEURON,
                "stimulus": "classical (disc) or inverse (hole)",
                "time_s": "from the first frame of the stimulus",
                "mean": "mean response",
                "sem": "its standard error over presentations",
            },
            key=("mouse", "neuron", "stimulus", "time_s"),
            made_by="tuning_feedbackRF/estimate_response_onset.py",
        ),
    }
)
