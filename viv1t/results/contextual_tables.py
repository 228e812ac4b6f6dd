"""The tables of contextual modulation, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

_NEURON: Final = MappingProxyType({"mouse": "mouse", "neuron": "row of the mouse"})
_MODULATION: Final = MappingProxyType(
    {
        **_NEURON,
        "contrast": "of the grating, 0..1",
        "size_deg": "diameter of the disc",
        "disc_ratio": "radius of the disc over the sigma of the receptive field (wider axis)",
        "visible": "share of the disc that is on the screen",
        "num_presentations": "of each stimulus",
        "baseline": "response to grey; subtracted in all indices, 0 if it is not",
        "centre": "mean response, grating in the disc, grey around",
        "iso": "mean response, grating that fills the screen",
        "cross": "mean response, orthogonal grating around",
        "shift": "mean response, grating of opposite phase around",
        "responsive": "95 % interval of the response to the centre lies above the baseline",
        "cmi": "(cross - iso) / (cross + iso), Keller et al. 2020 (Neuron)",
        "cmi_low": "lower end of its 95 % interval, bootstrap of presentations",
        "cmi_high": "upper end",
        "cmi_p": "Wilcoxon signed-rank test of cross against iso, over presentations",
        "cmi_q": "after Benjamini & Hochberg, over neurons of a mouse, contrast and size",
        "si": "1 - iso / centre",
        "suppression_iso": "(centre - iso) / (centre + iso)",
        "suppression_iso_low": "lower end of its 95 % interval",
        "suppression_iso_high": "upper end",
        "suppression_p": "Wilcoxon signed-rank test of centre against iso, over presentations",
        "suppression_q": "as cmi_q",
        "suppression_cross": "(centre - cross) / (centre + cross)",
        "suppression_shift": "(centre - shift) / (centre + shift)",
    }
)
_FLIPS: Final = MappingProxyType(
    {
        **_NEURON,
        "size_deg": "diameter of the disc",
        "cmi_high": "(cross - iso) / (cross + iso) at the highest contrast",
        "cmi_low": "at the lowest contrast",
        "interaction": "cmi_high - cmi_low",
        "interaction_lower": "lower end of its 95 % interval, bootstrap of presentations",
        "interaction_upper": "upper end",
        "p_interaction": "that the interaction is 0, two-sided, of the bootstrap",
        "p_high": "one-sided Wilcoxon signed-rank test of cross > iso at the highest contrast",
        "p_low": "of iso > cross at the lowest contrast",
        "p": "of a flip: the largest of the three",
        "q": "after Benjamini & Hochberg, over neurons of a mouse and size",
        "exceeds": "20 % more cross than iso at high, iso than cross at low contrast (published)",
        "reproduced": "odd and even presentations, each alone, prefer cross at high, iso at low",
        "flip": "exceeds, reproduced and q <= .05; as published: exceeds",
    }
)
MODULATION: Final = "contextual_modulation"
FLIPS: Final = "contrast_flips"
# Tables by what discs were centred on: each neuron's receptive field, or that of the population.
CENTRED: Final[Mapping[str, str]] = MappingProxyType({"neuron": "", "population": "_population"})
_SCRIPT: Final = "tuning_contextual_modulation/estimate_contextual_modulation.py"
CONTEXTUAL_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        name + centred: TableSpec(columns=columns, key=key, made_by=_SCRIPT)
        for centred in CENTRED.values()
        for name, columns, key in (
            (MODULATION, _MODULATION, ("mouse", "neuron", "contrast", "size_deg")),
            (FLIPS, _FLIPS, ("mouse", "neuron", "size_deg")),
        )
    }
)
