"""Which analysis a file belongs to, told from its name."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OTHER: Final = "Other"

# Chapter -> words in the path of a file, in the order in which the chapters stand. The first
# chapter with the word found last in the path has it: the name of a file says more than its folder.
CHAPTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Recovered against true": r"recover|end_to_end|oracle|controls",
        "Training and scores": r"learning|scores|ceiling|traces|positions|evaluation|performance"
        r"|\btable\b|model_(stats|parameters)|response_statistics|tokenizer|core_outputs|cortex_",
        "Retinotopy": r"arf|receptive|retinotop|noise|spatial|dots|ssi",
        "Direction tuning": r"direction|(?<!spatial_)selectiv|(?<!size_)tuning_(curve|width)"
        r"|preference|microcolumn|gabor|similarity",
        "Contextual modulation": r"context|surround|cmi|contrast|flip|cross|iso_",
        "Feedback receptive fields": r"(?<!attention_)feedback|size_(tuning|responses|stimuli)"
        r"|iti|onset|inverse",
        "Attention": r"attention|rollout",
        "Most exciting stimuli": r"most_exciting_stimulus|stimulus_(confusion|controls|held_out)"
        r"|stimuli_mouse|twin_and_truth|grating_vs_generated|static_vs_dynamic|cutoff_grid"
        r"|full_field_population|population_responses|natural_spectrum",
        "In vivo": r"in_vivo|single_neuron_(grating_vs_generated|static_vs_dynamic)"
        r"|population_(full_field|center_surround)",
        "Stimuli": r"stimul|preview",
    }
)

# Chapters that have a file wherever their words stand; the first of these that fits.
_DECIDED: Final = ("In vivo", "Most exciting stimuli")


def chapter_of(path: str) -> str:
    """The chapter of the file at `path`, relative to the folder of the report."""
    for chapter in _DECIDED:
        if re.search(CHAPTERS[chapter], path.lower()):
            return chapter
    best, place = OTHER, -1
    for chapter, words in CHAPTERS.items():
        ends = [found.start() for found in re.finditer(words, path.lower())]
        if ends and ends[-1] > place:
            best, place = chapter, ends[-1]
    return best


def words_of(name: str) -> str:
    """The name of a file without suffix as words, for a figure that has no caption."""
    words = re.sub(r"[_\-]+", " ", name).strip()
    return words[:1].upper() + words[1:]
