"""Natural, grating and generated stimuli compared, of the table stimulus_scores."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pandas as pd

from viv1t.analysis.families import Answer, Question, answer_family
from viv1t.errors import ConfigError

NEURON: Final = ("mouse", "neuron")
CENTRE: Final = "centre"
# Contrasts up to this ratio count as one: frames are kept as whole grey values.
SAME_CONTRAST: Final = 1.05
_SIGN: Final = MappingProxyType({"excite": "less", "inhibit": "greater"})
_MOTION: Final = MappingProxyType({"image": "static", "video": "dynamic"})
# The full-field stimuli of a population: most (M) exciting or inhibiting (E, I), grating, natural
# or generated (G, N, G) image or video (I, V).
_FULL_FIELDS: Final = MappingProxyType(
    {
        "G": ("full_grating", "dynamic"),
        "NI": ("full_natural", "static"),
        "NV": ("full_natural", "dynamic"),
        "GI": ("full_generated", "static"),
        "GV": ("full_generated", "dynamic"),
    }
)
FULL_FIELDS: Final = MappingProxyType(
    {
        f"M{letter}{name}": {"centre": centre, "centre_motion": motion, "goal": goal}
        for letter, goal in (("E", "excite"), ("I", "inhibit"))
        for name, (centre, motion) in _FULL_FIELDS.items()
    }
)


def origin_conditions(goal: str) -> dict[str, dict[str, str]]:
    """What moving surrounds show: {"grating": columns of the scores that are so, ...}."""
    kind = {"surround_motion": "dynamic", "goal": goal}
    return {name: {"surround": name, **kind} for name in ("grating", "natural", "generated")}


def motion_conditions(goal: str) -> dict[str, dict[str, str]]:
    """Natural and generated surrounds that stand still or move: {"natural image": ..., ...}."""
    return {
        f"{origin} {name}": {"surround": origin, "surround_motion": motion, "goal": goal}
        for origin in ("natural", "generated")
        for name, motion in _MOTION.items()
    }


ORIGIN_PAIRS: Final = (
    ("grating", "natural"),
    ("natural", "generated"),
    ("grating", "generated"),
)
MOTION_PAIRS: Final = (
    ("natural image", "natural video"),
    ("generated image", "generated video"),
    ("natural image", "generated image"),
    ("natural video", "generated video"),
)


def directed(pairs: Sequence[tuple[str, str]], goal: str) -> list[Question]:
    """Whether the first of each pair drives less, or of inhibiting stimuli silences less."""
    alternative: Literal["less", "greater"] = "less" if _SIGN[goal] == "less" else "greater"
    return [Question(first=a, second=b, alternative=alternative) for a, b in pairs]


def as_made(scores: pd.DataFrame, *, responder: str, any_contrast: bool = False) -> pd.DataFrame:
    """The rows of one responder and of stimuli as they were made.

    Of surrounds, and of full fields, only those of held contrast and mean are compared, if they
    are of two origins or more: one alone would have nothing to be compared with. Discs alone, to
    which surrounds are related, stay.

    Args:
        scores: stimulus_scores.
        responder: its label.
        any_contrast: keep all stimuli.

    Raises:
        ConfigError: nothing is left, or contrasts that were held differ.
    """
    rows = scores[(scores["responder"] == responder) & (scores["version"] == "as made")]
    if rows.empty:
        raise ConfigError(
            f"no stimulus of {responder} is there; asked were "
            f"{', '.join(map(str, scores['responder'].unique()))}"
        )
    held, covers = rows["contrast_matched"].astype(bool), layouts(rows)
    kept = pd.Series(data=True, index=rows.index)
    for layout in () if any_contrast else ("surround", "full field"):
        if origins(rows[held & (covers == layout)]).nunique() > 1:
            kept &= held | (covers != layout)
            _check_contrast(rows[held & (covers == layout)])
    return rows[kept]


def _check_contrast(held: pd.DataFrame) -> None:
    """Raise ConfigError unless the held stimuli made for a neuron have one contrast."""
    of_neuron = held.groupby(["mouse", "made_for"])["rms"]
    low, high = of_neuron.min().to_numpy(), of_neuron.max().to_numpy()
    worst = int(np.argmax(high / low))
    if high[worst] > SAME_CONTRAST * low[worst]:
        raise ConfigError(
            f"stimuli held at RMS {low[worst]:.3g} and {high[worst]:.3g} would be compared as "
            "if of one contrast; evaluate libraries of one contrast (evaluate_stimuli.py --stimuli "
            f"<names>; there are {', '.join(sorted(held['library'].unique()))}), or give "
            "--any_contrast"
        )


def contrast_words(rows: pd.DataFrame) -> str:
    """Whether stimuli that are compared have equal contrast, in a sentence for a caption.

    Args:
        rows: of `as_made`.
    """
    if rows.loc[layouts(rows) != "centre", "contrast_matched"].astype(bool).all():
        return "RMS contrast and mean luminance of the stimuli were held."
    return "Stimuli have the contrast with which they were found or made."


def responses_of(
    rows: pd.DataFrame, conditions: Mapping[str, Mapping[str, object]]
) -> pd.DataFrame:
    """Responses of neurons (index mouse, neuron) to the best stimulus of each condition (columns).

    The best is the one of the best value when it was made, never by the responses that are
    compared; NaN where a neuron has none.

    Args:
        rows: of `as_made`.
        conditions: name -> {column: what it holds}.
    """
    found = {}
    for name, wanted in conditions.items():
        fits = np.ones(len(rows), bool)
        for column, value in wanted.items():
            fits &= (rows[column] == value).to_numpy(bool)
        part = rows[fits].sort_values(
            "value", ascending=wanted.get("goal") == "inhibit", kind="stable"
        )
        found[name] = part.drop_duplicates(list(NEURON)).set_index(list(NEURON))["response"]
    return pd.DataFrame(found).reindex(columns=list(conditions)).sort_index()


def relative_to_centre(
    rows: pd.DataFrame,
    conditions: Mapping[str, Mapping[str, object]],
    *,
    centre: str,
    centre_motion: str | None = None,
) -> pd.DataFrame:
    """`responses_of` around one kind of centre, divided by the response to that centre alone.

    Neurons without a response above 0 to the centre, or without any of the conditions, are left
    out.

    Args:
        rows: of `as_made`, single neurons.
        conditions: of surrounds.
        centre: what the disc shows: grating, natural or generated.
        centre_motion: static or dynamic; None: either.

    Raises:
        ConfigError: no neuron is left.
    """
    same: dict[str, object] = {"centre": centre}
    if centre_motion is not None:
        same["centre_motion"] = centre_motion
    alone = {CENTRE: {**same, "surround": "none"}}
    every = responses_of(
        rows[rows["made_for"] >= 0],
        alone | {name: {**same, **wanted} for name, wanted in conditions.items()},
    )
    every = every[(every[CENTRE] > 0) & every[list(conditions)].notna().any(axis=1)]
    if every.empty:
        raise ConfigError(
            f"no neuron has a {centre_motion or ''} {centre} centre alone and with surrounds: "
            "search or generate both, or give another --centre_kind".replace("  ", " ")
        )
    return every[list(conditions)].div(every[CENTRE], axis=0)


def surround_answers(
    relative: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
    *,
    as_published: bool = False,
) -> dict[str, list[Answer]]:
    """One-sided paired tests of exciting and inhibiting surrounds, one family of both.

    Args:
        relative: goal -> responses of `relative_to_centre`.
        pairs: (weaker, stronger) conditions.
        as_published: p times all tests (Bonferroni), at most 1, instead of Holm.
    """
    joined = pd.concat([table.add_prefix(f"{goal} ") for goal, table in relative.items()], axis=1)
    questions = [
        Question(first=f"{goal} {q.first}", second=f"{goal} {q.second}", alternative=q.alternative)
        for goal in relative
        for q in directed(pairs, goal)
    ]
    answers = answer_family(
        joined,
        questions,
        correction="bonferroni" if as_published else "holm",
        family_size=2 * len(pairs) if as_published else None,
    )
    return {
        goal: answers[place * len(pairs) : (place + 1) * len(pairs)]
        for place, goal in enumerate(relative)
    }


def control_ratios(scores: pd.DataFrame, *, responder: str) -> pd.DataFrame:
    """Responses to changed stimuli over those to the same as made, above grey.

    Columns: mouse, neuron, version, amount, ratio, direction_selective. Stimuli that drive a neuron
    no more than grey have none.

    Args:
        scores: stimulus_scores.
        responder: its label.
    """
    rows = scores[(scores["responder"] == responder) & (scores["made_for"] >= 0)]
    key = ["mouse", "library", "stimulus", "neuron"]
    above = rows.assign(above=rows["response"] - rows["blank"])
    made = above[above["version"] == "as made"].set_index(key)["above"].rename("made")
    changed = above[~above["version"].isin(["as made", "contrast"])].join(made, on=key)
    changed = changed[changed["made"] > 0]
    return changed.assign(ratio=changed["above"] / changed["made"])[
        [*NEURON, "version", "amount", "ratio", "direction_selective"]
    ].reset_index(drop=True)


def contrast_curves(scores: pd.DataFrame, *, responder: str) -> pd.DataFrame:
    """Responses above grey against RMS contrast, by what stimuli show.

    Columns: mouse, neuron, origin, factor, rms, share (of the largest response of the neuron to any
    of its stimuli at full contrast).

    Args:
        scores: stimulus_scores.
        responder: its label.
    """
    rows = scores[(scores["responder"] == responder) & (scores["made_for"] >= 0)]
    key = ["mouse", "library", "stimulus", "neuron"]
    shown = rows[rows["version"] == "contrast"]
    full = rows[rows["version"] == "as made"].assign(amount=1.0)
    full = full.merge(shown[key].drop_duplicates(), on=key)
    both = pd.concat([shown, full], ignore_index=True)
    both["above"] = both["response"] - both["blank"]
    top = both[both["amount"] == 1.0].groupby(list(NEURON))["above"].max().rename("top")
    both = both.join(top, on=list(NEURON))
    both = both[both["top"] > 0]
    return both.assign(
        origin=origins(both), factor=both["amount"], share=both["above"] / both["top"]
    )[[*NEURON, "origin", "factor", "rms", "share"]].reset_index(drop=True)


def held_out_gains(scores: pd.DataFrame, *, any_contrast: bool = False) -> pd.DataFrame:
    """The best generated stimulus of each neuron against its best other one, by responder.

    Both cover the same: the whole screen, the disc, or disc and surround, whichever more neurons
    have; and only stimuli of held contrast are compared, if a neuron has both. Columns: mouse,
    neuron, layout, contrast_matched, responder, role, generated, other (responses above grey),
    ratio (NaN unless both are above 0). Which is best is said by the value when it was made.

    Args:
        scores: stimulus_scores.
        any_contrast: compare all stimuli.

    Raises:
        ConfigError: no neuron has both.
    """
    rows = scores[
        (scores["version"] == "as made") & (scores["made_for"] >= 0) & (scores["goal"] == "excite")
    ]
    rows = rows.assign(
        side=np.where(origins(rows) == "generated", "generated", "other"),
        layout=layouts(rows),
        response=rows["response"] - rows["blank"],
    )
    held = rows[rows["contrast_matched"].astype(bool)]
    gains = pd.DataFrame() if any_contrast else _gains(held).assign(contrast_matched=True)
    if gains.empty:
        gains = _gains(rows).assign(contrast_matched=False)
    if gains.empty:
        raise ConfigError(
            "no neuron has a generated stimulus and another one that covers the same: search or "
            "generate both, then evaluate again"
        )
    known = (gains["generated"] > 0) & (gains["other"] > 0)
    return gains.assign(ratio=(gains["generated"] / gains["other"]).where(known))


def _gains(rows: pd.DataFrame) -> pd.DataFrame:
    """Pairs of the layout of which there are most; empty: there is none."""
    sides = {name: {"side": name} for name in ("generated", "other")}
    found = []
    for layout, part in rows.groupby("layout", sort=False):
        parts = []
        for (responder, role), asked in part.groupby(["responder", "role"], sort=False):
            wide = responses_of(asked, sides).dropna().reset_index()
            parts.append(wide.assign(layout=layout, responder=str(responder), role=str(role)))
        found.append(pd.concat(parts, ignore_index=True))
    return max(found, key=len, default=pd.DataFrame())


def origins(rows: pd.DataFrame) -> pd.Series:
    """grating, natural or generated: what the surround shows, or the centre where it is alone."""
    centre = rows["centre"].str.removeprefix("full_")
    return rows["surround"].where(rows["surround"] != "none", centre)


def layouts(rows: pd.DataFrame) -> pd.Series:
    """What stimuli cover: full field, surround (with its centre) or centre."""
    alone = np.where(rows["centre"].str.startswith("full_"), "full field", "centre")
    return pd.Series(np.where(rows["surround"] != "none", "surround", alone), index=rows.index)


def rank_summary(ranks: pd.DataFrame) -> pd.DataFrame:
    """A row a mouse, responder and kind of showing: median rank, share at the top, and chance.

    Columns: mouse, responder, role, matched, num_stimuli, num_neurons, median_rank, chance_rank,
    top1, chance_top1, median_rank_of_stimulus.

    Args:
        ranks: stimulus_ranks.
    """
    keys = ["mouse", "responder", "role", "matched", "num_neurons"]
    rows = []
    for key, part in ranks.groupby(keys, sort=False):
        num = int(part["num_neurons"].iloc[0])
        rows.append(
            dict(zip(keys, key, strict=True))
            | {
                "num_stimuli": len(part),
                "median_rank": float(part["rank"].median()),
                "chance_rank": (num + 1) / 2,
                "top1": float((part["rank"] == 1).mean()),
                "chance_top1": 1 / num,
                "median_rank_of_stimulus": float(part["rank_of_stimulus"].median()),
            }
        )
    return pd.DataFrame(rows)
