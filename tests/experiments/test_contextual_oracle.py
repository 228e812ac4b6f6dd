"""Contextual modulation on the physiology population: truth recovered, nothing found without it."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from viv1t.analysis.contextual import contextual_modulation
from viv1t.analysis.flips import contrast_flips
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.noisy import NoisyResponder
from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.experiments.contextual import REDUCTION, ContextualConfig, contextual_set
from viv1t.experiments.contextual_responses import grey_of, samples_of
from viv1t.experiments.discs import disc_radius_px, with_discs
from viv1t.experiments.placed import place, run_placed
from viv1t.units import DEFAULT_MONITOR

NUM_NEURONS = 16
CONFIG = ContextualConfig(num_repeats=8)
pytestmark = pytest.mark.proof


def tables(truth, *, noisy):
    """Modulation and flips of neurons whose receptive fields and directions are known."""
    sigma = truth["rf_sigma_px"].to_numpy()
    fields = pd.DataFrame({"neuron": truth.index, "bad_fit": False})
    fields = fields.assign(
        x_px=truth["rf_x_px"], y_px=truth["rf_y_px"], sigma_x_px=sigma, sigma_y_px=sigma
    )
    groups = place(
        len(truth),
        monitor=DEFAULT_MONITOR,
        mode="neuron",
        receptive_fields=fields,
        directions_deg=truth["direction_deg"].to_numpy(),
    )
    groups = with_discs(groups, disc_radius_px(fields, CONFIG.disc_sigmas, len(truth)))
    mouse = SyntheticMouse({"O": Population(truth).eval()})
    responder = NoisyResponder(mouse, seed=1) if noisy else mouse
    shown = run_placed(
        lambda at: contextual_set(CONFIG, at),
        responder,
        "O",
        groups,
        reduction=REDUCTION,
        batch_size=4,
    )
    samples, conditions = samples_of(shown)
    return [
        analyse(samples, conditions, baseline=grey_of(shown), rng=np.random.default_rng(0))
        for analyse in (contextual_modulation, contrast_flips)
    ]


def high(table):
    return table[table["contrast"] == 1.0].set_index("row")


def test_modulation_and_flips_are_recovered():
    truth = oracle_truth(1, num_neurons=NUM_NEURONS)
    (found, flips), (noiseless, _) = (tables(truth, noisy=noisy) for noisy in (True, False))
    expected, measured = high(noiseless)["cmi"], high(found)["cmi"]
    large = expected.abs() > 0.05
    assert (np.sign(measured[large]) == np.sign(expected[large])).mean() >= 0.9
    assert spearmanr(measured, expected).statistic >= 0.75
    free = truth["w_feedback"].eq(0).to_numpy()
    assert spearmanr(measured[free], truth["w_iso"][free]).statistic >= 0.6
    designated = truth["w_facilitation"].gt(0).to_numpy()
    flip = flips["flip"].to_numpy()
    assert (flip & designated).sum() >= 0.8 * designated.sum() > 0
    assert (flip & designated).sum() >= 0.8 * flip.sum()


@pytest.mark.parametrize("part", ["surround", "facilitation"])
def test_nothing_is_found_where_nothing_is(part):
    truth = oracle_truth(1, num_neurons=NUM_NEURONS, without=(part,))
    found, flips = tables(truth, noisy=True)
    assert not flips["flip"].any()
    if part == "surround":
        assert (high(found)["cmi_p"] < 0.05).mean() <= 0.13  # 2 of 16
        assert (found["cmi_q"] < 0.05).mean() <= 0.02
        assert (found["suppression_q"] < 0.05).mean() <= 0.02
