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
        r"|\btable\b",
        "Retinotopy": r"arf|receptive|retinotop|noise|spatial|dots|ssi",
        "Direction tuning": r"direction|(?<!spatial_)selectiv|(?<!size_)tuning_(curve|width)"
        r"|preference|microcolumn|gabor|similarity",
        "Contextual modulation": r"context|surround|cmi|contrast|flip|cross|iso_",
        "Feedback receptive fields": r"(?<!attention_)feedback|size_(tuning|responses|stimuli)"
        r"|iti|onset|inverse",
        "Attention": r"attention|rollout",
        "Stimuli": r"stimul|preview",
    }
)


def chapter_of(path: str) -> str:
    """The chapter of the file at `path`, relative to the folder of the report."""
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
