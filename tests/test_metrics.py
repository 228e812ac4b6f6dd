"""Metrics against the golden numbers and against slow versions written another way."""

import numpy as np
import pytest
import torch
from golden_cases import arrays, facts

from viv1t import metrics

CLOSE = {"rtol": 2e-4, "atol": 2e-5}
LOOSE = {"rtol": 2e-3, "atol": 2e-5}
CASES = sorted(facts("metrics"))
NO_REPEATS = ("all_unique", "single_trial")


def golden_trials(case):
    """Truth, prediction and video ids of a golden case, as stored: tensor or list of tensors."""
    stored = {
        k: torch.from_numpy(v) for k, v in arrays("metrics").items() if k.startswith(f"{case}/")
    }
    trials = []
    for name in ("y_true", "y_pred"):
        whole = stored.get(f"{case}/{name}")
        listed = [k for k in stored if k.startswith(f"{case}/{name}/")]
        trials.append(whole if whole is not None else [stored[k] for k in listed])
    return (*trials, stored[f"{case}/video_ids"])


# ---- slow versions: one neuron, one trial, one movie at a time, in float64


def slow_pearson(x, y):
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.std() == 0 or y.std() == 0:
        return 0.0
    return float(((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std()))


def slow_single_trial(true, pred, ids, n):
    return np.mean([slow_pearson(y[n], p[n]) for y, p in zip(true, pred, strict=True)])


def slow_challenge(true, pred, ids, n):
    return slow_pearson(np.concatenate([y[n] for y in true]), np.concatenate([p[n] for p in pred]))


def slow_movies(true, pred, ids, n):
    for video in sorted(set(ids)):
        at = [i for i, v in enumerate(ids) if v == video]
        if video >= 0 and len(at) > 1:
            length = min(true[i].shape[1] for i in at)
            yield [[y[i][n, :length].astype(np.float64) for i in at] for y in (true, pred)]


def slow_to_average(true, pred, ids, n):
    movies = slow_movies(true, pred, ids, n)
    values = [slow_pearson(np.mean(y, axis=0), np.mean(p, axis=0)) for y, p in movies]
    return np.mean(values) if values else np.nan


def slow_normalized(true, pred, ids, n):
    """Schoppe et al. 2016, equations for the signal power and CC_norm, written out."""
    values = []
    for y, p in slow_movies(true, pred, ids, n):
        total = np.var(np.sum(y, axis=0), ddof=1)
        power = (total - sum(np.var(r, ddof=1) for r in y)) / (len(y) * (len(y) - 1))
        mean_true, mean_pred = np.mean(y, axis=0), np.mean(p, axis=0)
        if power > metrics.MIN_SIGNAL_POWER:
            covariance = np.cov(mean_true, mean_pred)[0, 1]
            values.append(covariance / (np.sqrt(np.var(mean_pred, ddof=1) * power) + 1e-8))
    return np.mean(values) if values else np.nan


SLOW = {
    "correlation": slow_challenge,
    "single_trial_correlation": slow_single_trial,
    "correlation_to_average": slow_to_average,
    "normalized_correlation": slow_normalized,
}


@pytest.fixture(scope="module")
def unequal_trials():
    """Nine trials of three lengths and six neurons: movies 3, 5 repeated, 7 once, -1 unknown."""
    rng = np.random.default_rng(5)
    ids = [3, 5, -1, 3, 7, 5, -1, 5, 3]
    lengths = {3: 40, 5: 55, 7: 31, -1: 48}
    rates = {v: rng.gamma(1.0, 2.0, (6, t)) for v, t in lengths.items()}
    true = [(rates[v] * rng.gamma(4, 0.25, rates[v].shape)).astype(np.float32) for v in ids]
    pred = [(y + rng.gamma(1.0, 1.5, y.shape)).astype(np.float32) for y in true]
    true[3], pred[3] = true[3][:, :33], pred[3][:, :33]
    return true, pred, ids


@pytest.mark.parametrize("name", sorted(SLOW))
def test_metrics_equal_slow_versions_on_trials_of_unequal_length(unequal_trials, name):
    true, pred, ids = unequal_trials
    expected = [SLOW[name](true, pred, ids, n) for n in range(6)]
    tensors = [[torch.from_numpy(y) for y in trials] for trials in (true, pred)]
    values = metrics.neuron_metrics(*tensors, ids)[name]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("correlation", "challenge_correlation"),
        *((m, m) for m in sorted(SLOW) if m != "correlation"),
    ],
)
def test_metrics_of_neurons_are_the_published_ones(case, name, golden):
    y_true, y_pred, video_ids = golden_trials(case)
    values = metrics.neuron_metrics(y_true, y_pred, video_ids)[name]
    published = arrays("metrics")[f"{case}/{golden}/per_neuron"]
    mean = arrays("metrics")[f"{case}/{golden}/mean"]
    if case in NO_REPEATS and published.ndim == 0:
        assert published == 0, "the published code gave a Python 0.0, which crashed training"
        assert values.isnan().all()
        assert values.shape == (y_true[0].shape[0],)
        return
    tolerance = LOOSE if name == "normalized_correlation" else CLOSE
    np.testing.assert_allclose(values, published, **tolerance)
    np.testing.assert_allclose(metrics.over_neurons(name, values), mean, **tolerance)


@pytest.mark.parametrize("case", [c for c in CASES if c != "list_variable_length"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("name", ["sse", "poisson_loss"])
def test_errors_over_trials_are_the_published_ones(case, name, reduction):
    y_true, y_pred, _ = golden_trials(case)
    value = getattr(metrics, name)(y_true, y_pred, reduction=reduction)
    np.testing.assert_allclose(value, arrays("metrics")[f"{case}/{name}/{reduction}"], **CLOSE)
    as_list = getattr(metrics, name)(list(y_true), list(y_pred), reduction=reduction)
    np.testing.assert_allclose(as_list, value, rtol=1e-6)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c not in (*NO_REPEATS, "list_variable_length")]
)
def test_all_metrics_of_a_mouse_are_the_published_ones(case):
    values = metrics.compute_metrics(*golden_trials(case))
    prefix = f"{case}/compute_metrics/metrics/"
    published = {
        k.removeprefix(prefix): v for k, v in arrays("metrics").items() if k.startswith(prefix)
    }
    assert values.keys() == published.keys()
    for name, value in published.items():
        np.testing.assert_allclose(values[name], value, err_msg=name, **LOOSE)


@pytest.mark.parametrize("case", NO_REPEATS)
def test_a_set_without_repeats_has_metrics_where_the_published_code_raised(case):
    assert facts("metrics")[case]["compute_metrics/error"] == "AttributeError"
    values = metrics.compute_metrics(*golden_trials(case))
    undefined = {name for name, value in values.items() if np.isnan(value)}
    assert undefined == {"correlation_to_average", "normalized_correlation"}


@pytest.mark.parametrize(
    ("axis", "dim", "eps"),
    [
        ("none", None, 1e-8),
        ("last", -1, 1e-8),
        ("first", 0, 1e-8),
        ("zero_two", (0, 2), 1e-8),
        ("last_eps0.1", -1, 0.1),
    ],
)
def test_correlation_is_the_published_one(axis, dim, eps):
    y1, y2 = (torch.from_numpy(arrays("metrics")[f"corr/{y}"]) for y in ("y1", "y2"))
    value = metrics.correlation(y1, y2, dim=dim, eps=eps)
    np.testing.assert_allclose(value, arrays("metrics")[f"corr/torch/{axis}"], **CLOSE)


@pytest.mark.parametrize("name", ["cc_norm", "cc_abs"])
def test_schoppe_correlations_are_the_published_ones(name):
    y_true, y_pred = (torch.from_numpy(arrays("metrics")[f"cc/{y}"]) for y in ("y_true", "y_pred"))
    value = getattr(metrics, name)(y_true, y_pred)
    np.testing.assert_allclose(value, arrays("metrics")[f"cc/{name}"], **LOOSE)


def test_normalized_correlation_of_the_true_rate_is_one():
    generator = torch.Generator().manual_seed(0)
    rate = 5 + 4 * torch.sin(torch.arange(400) / 7).expand(50, 400)
    y_true = rate + torch.randn(10, 50, 400, generator=generator) * 4
    normalized = metrics.cc_norm(y_true, rate.expand_as(y_true))
    assert normalized.mean() == pytest.approx(1.0, abs=0.02)
    assert metrics.cc_abs(y_true, rate.expand_as(y_true)).mean() < 0.95


def test_signal_power_is_the_variance_of_the_rate():
    generator = torch.Generator().manual_seed(1)
    rate = 3 * torch.randn(40, 500, generator=generator)
    power = metrics.signal_power(rate + torch.randn(8, 40, 500, generator=generator))
    assert power.mean() == pytest.approx(9.0, rel=0.05)


def test_undefined_correlations_count_as_zero_only_when_asked():
    y_true, y_pred, _ = golden_trials("nan_true")
    plain = metrics.challenge_correlation(y_true, y_pred)
    as_zero = metrics.challenge_correlation(y_true, y_pred, nan_as_zero=True)
    assert plain.isnan().any()
    assert (as_zero[plain.isnan()] == 0).all()
    assert torch.equal(as_zero[~plain.isnan()], plain[~plain.isnan()])


def test_movies_of_unknown_id_are_not_repeats():
    assert metrics.repeats([4, -1, 2, 4, -1, 2, 9]) == [[2, 5], [0, 3]]


@pytest.mark.parametrize(
    "pair",
    [([], []), ([torch.zeros(2, 5)], []), ([torch.zeros(2, 5)], [torch.zeros(2, 4)])],
    ids=["no trials", "one missing", "other lengths"],
)
def test_trials_that_do_not_match_are_an_error(pair):
    with pytest.raises(ValueError, match="one prediction"):
        metrics.challenge_correlation(*pair)


def test_blocks_of_neurons_do_not_change_values(monkeypatch):
    trials = golden_trials("bigger")
    whole = metrics.neuron_metrics(*trials)
    monkeypatch.setattr(metrics, "BLOCK_ELEMENTS", 5 * 20 * 70)
    for name, values in metrics.neuron_metrics(*trials).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-5, err_msg=name)


def test_metrics_need_little_memory_beyond_the_trials(monkeypatch):
    """Peak of the largest copy: blocks, not the whole of 20 trials x 2,000 neurons."""
    generator = torch.Generator().manual_seed(2)
    y_true = torch.rand(20, 2000, 50, generator=generator)
    monkeypatch.setattr(metrics, "BLOCK_ELEMENTS", 100_000)
    sizes = []
    concatenate = torch.cat

    def watched(tensors, dim=0):
        out = concatenate(tensors, dim=dim)
        sizes.append(out.numel())
        return out

    monkeypatch.setattr(torch, "cat", watched)
    assert metrics.challenge_correlation(y_true, y_true).mean() == pytest.approx(1.0, abs=1e-4)
    assert max(sizes) <= 100_000
