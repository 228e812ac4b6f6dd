"""Tables of scores with effects that are known, or none."""

from itertools import product

import numpy as np
import pandas as pd

from viv1t.results.stimulus_score_tables import RANKS, SCORES, SEEDS
from viv1t.results.store import spec_of

MICE = ("A", "B")
NUM = 14
# Responses to surrounds over those to the centre alone.
EXCITE = {
    ("grating", "dynamic"): 1.0,
    ("natural", "static"): 1.1,
    ("natural", "dynamic"): 1.25,
    ("generated", "static"): 1.4,
    ("generated", "dynamic"): 1.7,
}
VERSIONS = {
    ("shift", 30.0): 0.2,
    ("rotate", 90.0): 0.15,
    ("reverse", 0.0): 0.4,
    ("scramble", 0.0): 0.5,
}
CONTRASTS = {0.1: 0.2, 0.4: 0.6}
BLANK = 5.0


def scores(*, effect: bool = True, responders=("run", "truth"), num: int = NUM) -> pd.DataFrame:
    """stimulus_scores of neurons of two mice: centres, surrounds, controls, full fields."""
    rng = np.random.default_rng(0)
    rows = []
    for mouse, neuron in product(MICE, range(num)):
        gain = rng.lognormal(3.5, 0.4)
        for centre, motion in (("grating", "dynamic"), ("natural", "static")):
            who = {"mouse": mouse, "made_for": neuron, "neuron": neuron, "centre": centre}
            who |= {"centre_motion": motion}
            rows += _of(who, gain, rng, responders, surround="none", goal="excite")
            for (origin, moves), ratio in EXCITE.items():
                for goal in ("excite", "inhibit"):
                    times = (ratio if goal == "excite" else ratio**-3) if effect else 1.0
                    kind = {"surround": origin, "surround_motion": moves, "goal": goal}
                    rows += _of(who, times * gain, rng, responders, **kind)
        who |= {"surround": "generated", "surround_motion": "dynamic", "goal": "excite"}
        selective = float(neuron % 2 == 0)
        for (version, amount), left in VERSIONS.items():
            kept = left if version != "reverse" or selective else 1.0
            above = BLANK + (1.7 * gain - BLANK) * (kept if effect else rng.lognormal(0, 0.05))
            more = {"version": version, "amount": amount, "direction_selective": selective}
            rows += _of(who, above, rng, responders, **more)
        for factor, left in CONTRASTS.items():
            above = BLANK + (1.7 * gain - BLANK) * left
            more = {"version": "contrast", "amount": factor, "rms": 30 * factor}
            rows += _of(who, above, rng, responders, **more)
    for mouse, (place, (origin, moves)) in product(MICE, enumerate(EXCITE)):
        for goal, neuron in product(("excite", "inhibit"), range(num)):
            sign = 1 if goal == "excite" else -1
            who = {"mouse": mouse, "made_for": -1, "neuron": neuron, "surround": "none"}
            who |= {"centre": f"full_{origin}", "centre_motion": moves, "goal": goal}
            gain = rng.lognormal(3 + 0.35 * sign * (1 + place) * effect, 0.5)
            rows += _of(who, gain, rng, responders)
    table = pd.DataFrame(rows)
    defaults = {"surround_motion": "none", "version": "as made", "amount": 0.0, "rms": 30.0}
    defaults |= {"direction_selective": np.nan}
    for name, value in defaults.items():
        table[name] = value if name not in table else table[name].fillna(value)
    table["stimulus"] = (
        table[["made_for", "centre", "centre_motion", "surround", "surround_motion", "goal"]]
        .astype(str)
        .agg("_".join, axis=1)
    )
    table = table.assign(library="made", seed=1234, value=1.0, converged=True, blank=BLANK)
    return table.assign(contrast_matched=True)[list(spec_of(SCORES).columns)]


def _of(who, response, rng, responders, **more):
    roles = {"run": "run", "truth": "truth"}
    return [
        {**who, **more, "responder": name, "role": roles.get(name, "held_out")}
        | {"response": float(response * rng.lognormal(0, 0.04))}
        for name in responders
    ]


def seeds() -> pd.DataFrame:
    """stimulus_seeds of the same neurons."""
    rng = np.random.default_rng(1)
    columns = spec_of(SEEDS).columns
    table = pd.DataFrame({"mouse": np.repeat(MICE, NUM), "made_for": np.tile(range(NUM), 2)})
    table = table.assign(library="made", centre="full_generated", surround="none", goal="excite")
    table = table.assign(centre_motion="dynamic", surround_motion="none", contrast_matched=True)
    table = table.assign(num_seeds=5, num_converged=5, best=1.0, spread=0.02)
    table["correlation"] = rng.uniform(0.8, 0.95, len(table))
    table["correlation_plain"] = rng.uniform(-0.3, 0.4, len(table))
    return table[list(columns)]


def confusion_tables(*, effect: bool = True, num: int = NUM) -> tuple[pd.DataFrame, pd.DataFrame]:
    """stimulus_confusion and stimulus_ranks of mouse A."""
    from viv1t.most_exciting_stimulus.controls import confusion

    rng = np.random.default_rng(2)
    names = pd.DataFrame({"mouse": "A", "library": "made", "made_for": range(num)})
    names["stimulus"] = [f"n{k}" for k in range(num)]
    names = names.assign(responder="run", role="run")
    matrices, ranks = [], []
    for matched in (False, True):
        responses = rng.normal(0, 1, (num, num)) + 5 * effect * np.eye(num)
        found = confusion(responses, np.arange(num))
        for k in range(num):
            given = {"response": responses[:, k], "z": found.z[:, k]}
            matrices.append(names.assign(neuron=k, matched=matched, **given))
        ranked = {"rank": found.rank, "rank_of_stimulus": found.rank_of_stimulus}
        sizes = {"num_neurons": num, "num_stimuli": num, "matched": matched}
        ranks.append(names.assign(**ranked, **sizes))
    return pd.concat(matrices, ignore_index=True), pd.concat(ranks)[list(spec_of(RANKS).columns)]
