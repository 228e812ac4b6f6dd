"""Modulation by surrounds: published numbers, truth recovered, nothing found where nothing is."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from viv1t.analysis.contextual import (
    contextual_modulation,
    modulation_index,
    published_modulation,
    signed_rank_p,
    summarise,
    suppression,
)
from viv1t.analysis.flips import contrast_flips, flip_sweep, flip_table, flips_as_published
from viv1t.names import SURROUND_KINDS

GOLDEN = Path(__file__).parent.parent / "golden/tuning"
# centre, iso, cross, shift at high and low contrast of neurons without and with a flip.
STEADY = ((10.0, 4.0, 7.0, 6.0), (5.0, 2.0, 3.5, 3.0))
FLIPPING = ((10.0, 4.0, 7.0, 6.0), (5.0, 8.0, 4.0, 6.0))
NOTHING = ((10.0, 10.0, 10.0, 10.0), (5.0, 5.0, 5.0, 5.0))


def conditions(sizes=(30.0,), contrasts=(1.0, 0.05)) -> pd.DataFrame:
    rows = [(c, s, kind) for c in contrasts for s in sizes for kind in SURROUND_KINDS]
    return pd.DataFrame(rows, columns=["contrast", "size", "kind"])


def drawn(means, *, n=200, r=24, seed=0) -> np.ndarray:
    """Presentations (n, 8, r) of neurons with the same means and a CV of 16 %."""
    rng = np.random.default_rng(seed)
    return np.ravel(means)[:, None] * rng.gamma(40, 1 / 40, (n, 8, r))


def analyse(samples, table=None, baseline=0.0, seed=1):
    table = conditions() if table is None else table
    rng = np.random.default_rng(seed)
    return contextual_modulation(samples, table, baseline=baseline, rng=rng, num=500)


def flips(samples, seed=1):
    return contrast_flips(samples, conditions(), baseline=0.0, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "contextual.npz") as file:
        return dict(file), json.loads((GOLDEN / "contextual.json").read_text())


def test_golden_reduction_and_indices(golden):
    arrays, _ = golden
    responses = arrays["responses"].astype(np.float32)
    average = responses[..., 15:45].mean(axis=3)
    np.testing.assert_allclose(average, arrays["pattern_average"], rtol=1e-5)
    shown = arrays["parameters"].reshape(-1, 4)
    table = conditions(np.unique(shown[:, 1]), np.unique(shown[:, 0]))
    order = [
        np.flatnonzero((shown[:, :2] == (c, s)).all(1) & (shown[:, 3] == SURROUND_KINDS.index(k)))
        for c, s, k in table.astype({"contrast": np.float32}).itertuples(index=False)
    ]
    samples = np.stack([average.reshape(3, -1)[:, places] for places in order], axis=1)
    found = analyse(samples, table)
    for kind, number in zip(SURROUND_KINDS, range(4), strict=True):
        values = found[kind].to_numpy().reshape(2, 3, 3)
        expected = arrays["reshaped"][..., number].transpose(1, 2, 0)
        np.testing.assert_allclose(values, expected, rtol=1e-5)
    values = found["cmi"].to_numpy().reshape(2, 3, 3)
    np.testing.assert_allclose(values, arrays["cmi"].transpose(1, 2, 0), rtol=1e-4, atol=1e-7)


def test_golden_flips(golden):
    _, facts = golden
    table = pd.DataFrame(facts["flip_table"])
    for mouse, expected in facts["flip_neurons"].items():
        part = table[table["mouse"] == mouse]
        high, low = (
            part[part["contrast_type"] == f"{name}_contrast"].set_index("neuron")
            for name in ("high", "low")
        )
        found = flips_as_published(
            *(x[kind] for x in (high, low) for kind in ("iso", "cross")),
            threshold=facts["flip_threshold"],
        )
        assert high.index[found].tolist() == expected


def test_indices_by_hand():
    np.testing.assert_allclose(modulation_index([1, 3, 0, -1], [3, 1, 2, 2]), [0.5, -0.5, 1, 1])
    assert np.isnan(modulation_index([0, -1], [0, 0])).all()
    np.testing.assert_allclose(suppression([4, 4, 2], [1, 6, 2]), [0.75, -0.5, 0])
    assert np.isnan(suppression(0.0, 1.0))


def test_intervals_and_tests_find_what_is_there():
    found = analyse(drawn(STEADY))
    high = found[found["contrast"] == 1.0]
    assert high["cmi"].median() == pytest.approx(3 / 11, abs=0.01)
    assert high["si"].median() == pytest.approx(0.6, abs=0.01)
    assert high["suppression_shift"].median() == pytest.approx(0.25, abs=0.01)
    covered = high["cmi_low"].lt(3 / 11) & high["cmi_high"].gt(3 / 11)
    assert 0.88 <= covered.mean() <= 0.99
    assert (high["cmi_q"] < 0.05).all()
    assert (high["suppression_q"] < 0.05).all()
    assert found["responsive"].all()


def test_nothing_is_found_where_nothing_is():
    found = analyse(drawn(NOTHING, n=400))
    for name in ("cmi", "suppression"):
        assert (found[f"{name}_p"] < 0.05).mean() <= 0.07
        assert (found[f"{name}_q"] < 0.05).mean() <= 0.02
    covered = found["cmi_low"].lt(0) & found["cmi_high"].gt(0)
    assert covered.mean() >= 0.88
    silent = analyse(np.zeros((3, 8, 4)))
    assert silent["cmi"].isna().all()
    assert (silent["cmi_p"] == 1).all()
    assert not silent["responsive"].any()


def test_baseline_is_no_response():
    samples = drawn(STEADY)
    raised = analyse(samples + 3.0, baseline=np.full(len(samples), 3.0))
    plain = analyse(samples)
    columns = ["cmi", "si", "cmi_low", "suppression_cross", "cmi_p"]
    np.testing.assert_allclose(raised[columns], plain[columns], rtol=1e-6)
    assert analyse(samples + 3.0)["cmi"].median() < plain["cmi"].median()


def test_flips_are_found_and_only_they():
    found = flips(np.concatenate([drawn(FLIPPING, n=40), drawn(STEADY, n=60, seed=1)]))
    assert found["flip"].to_numpy()[:40].mean() >= 0.95
    assert not found["flip"].to_numpy()[40:].any()
    assert found["interaction"].iloc[:40].median() == pytest.approx(3 / 11 + 4 / 12, abs=0.02)
    inside = found["interaction_lower"].lt(0) & found["interaction_upper"].gt(0)
    assert inside.iloc[40:].mean() >= 0.85


def test_noise_makes_no_flips():
    """By the published rule noise alone flips cells; not by the test."""
    rng = np.random.default_rng(3)
    samples = np.ravel(NOTHING)[:, None] * rng.gamma(1, 1, (600, 8, 8))
    found = flips(samples)
    assert found["exceeds"].mean() > 0.03
    assert (found["p_interaction"] < 0.05).mean() <= 0.06
    assert (found["p"] < 0.05).mean() <= 0.02
    assert found["flip"].mean() <= 0.005


def test_sweep_compares_with_independence():
    rng = np.random.default_rng(0)
    high, low = rng.normal(0, 0.3, (2, 3000))
    sweep = flip_sweep(high, low)
    assert sweep["threshold"].tolist() == [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
    np.testing.assert_allclose(sweep["flips"], sweep["expected"], atol=0.02)
    np.testing.assert_allclose(sweep["expected"], sweep["high"] * sweep["low"])
    assert (sweep["p"] > 0.01).all()
    assert sweep["flips"].is_monotonic_decreasing
    together = flip_sweep(high, -np.abs(high) * np.sign(high))
    assert (together["p"] < 1e-10).all()
    assert flip_sweep([np.nan, 0.5], [0.5, np.nan])["num_neurons"].eq(0).all()


@pytest.mark.parametrize("means", [STEADY, FLIPPING])
def test_metamorphic(means):
    """Gain x 10 and the order of presentations change nothing."""
    samples = drawn(means, n=20)
    expected, flipped = analyse(samples), flips(samples)
    indices = ["cmi", "cmi_low", "cmi_high", "cmi_p", "si", "suppression_iso", "suppression_cross"]
    scaled = analyse(10 * samples)
    np.testing.assert_allclose(scaled[indices], expected[indices], rtol=1e-6)
    pd.testing.assert_frame_equal(flips(10 * samples), flipped)
    order = np.random.default_rng(5).permutation(samples.shape[2])
    shuffled = analyse(samples[..., order])
    exact = ["cmi", "cmi_p", "si", "suppression_p"]
    np.testing.assert_allclose(shuffled[exact], expected[exact], rtol=1e-9)
    np.testing.assert_allclose(shuffled["cmi_low"], expected["cmi_low"], atol=0.03)
    assert (flips(samples[..., order])["flip"] == flipped["flip"]).mean() >= 0.95
    turned = analyse(samples[:, ::-1], conditions().iloc[::-1].reset_index(drop=True))
    turned = turned.sort_values(["contrast", "row"], ascending=[False, True], ignore_index=True)
    np.testing.assert_allclose(turned[exact], expected[exact], rtol=1e-9)


def test_iso_shown_once_serves_all_sizes():
    sizes = (20.0, 40.0)
    every = np.concatenate([drawn(STEADY, n=5, r=12, seed=k) for k in (0, 1)], axis=1)
    table = conditions(sizes)
    iso = table["kind"].eq("iso").to_numpy()
    every[:, iso & table["size"].eq(40).to_numpy()] = every[
        :, iso & table["size"].eq(20).to_numpy()
    ]
    keep = ~(iso & table["size"].eq(40).to_numpy())
    once = table[keep].reset_index(drop=True)
    once.loc[once["kind"] == "iso", "size"] = 0.0
    expected, found = analyse(every, table), analyse(every[:, keep], once)
    assert found["size"].unique().tolist() == [20, 40]
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(ValueError, match="expected one condition cross of contrast 1 and size 20"):
        analyse(every[:, :2], table.iloc[:2])


def test_published_selection():
    table = pd.DataFrame({"mouse": "A", "neuron": range(5), "size": 20.0, "contrast": 1.0})
    table = table.assign(
        z_um=[200, 400, 200, np.nan, 200],
        classical_deg=[10, 20, 0, 30, 20],
        **dict.fromkeys((*SURROUND_KINDS, "cmi"), 1.0),
    )
    table.loc[4, "size"] = 30.0
    low = table.assign(contrast=0.05)
    found = published_modulation(pd.concat([table, low], ignore_index=True))
    columns = ["mouse", "contrast_type", "neuron", "center", "iso", "cross", "shift", "cmi"]
    assert found.columns.tolist() == columns
    assert found["neuron"].tolist() == [0, 3, 0, 3]
    assert found["contrast_type"].tolist() == ["high_contrast"] * 2 + ["low_contrast"] * 2


def test_summary_knows_mice():
    rng = np.random.default_rng(0)
    mice = np.repeat(["A", "B", "C", "D"], 50)
    of_mouse = np.repeat([-0.5, 0.3, 0.0, 0.4], 50)
    table = pd.DataFrame(
        {"mouse": mice, "contrast": 1.0, "cmi": of_mouse + rng.normal(0, 0.01, 200)}
    )
    (row,) = summarise(table, ["cmi"], rng=rng).to_dict("records")
    assert row["num_mice"] == 4
    assert row["num_neurons"] == 200
    assert row["high"] - row["low"] > 0.2  # neurons alone would say .04
    assert summarise(table.assign(cmi=np.nan), ["cmi"], rng=rng).empty


def test_signed_ranks_of_each_row():
    rng = np.random.default_rng(0)
    differences = rng.normal(0.3, 1, (5, 20))
    differences[1] = 0
    differences[2, 3] = np.nan
    p = signed_rank_p(differences)
    assert p[0] == pytest.approx(wilcoxon(differences[0]).pvalue)
    assert p[1] == 1
    assert np.isnan(p[2])
    assert (signed_rank_p(differences[:, :1])[[0, 1]] == 1).all()


def test_a_neuron_without_response_is_no_flip():
    found = flip_table(np.zeros((2, 2, 6)), np.zeros((2, 2, 6)), rng=np.random.default_rng(0))
    assert found["p"].isna().all()
    assert not found["flip"].any()
