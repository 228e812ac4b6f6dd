"""Ascent on a small known neuron: what is kept, when it ends, and how it goes on."""

import itertools
import re

import numpy as np
import pytest
import torch
from small_twins import CAUSAL, small_twin
from torch.nn.functional import softplus

from viv1t.errors import CheckpointError, ConfigError, DataError, MissingResultError
from viv1t.most_exciting_stimulus import ascent
from viv1t.most_exciting_stimulus.ascent import AscentConfig, ascend, has_converged
from viv1t.most_exciting_stimulus.canvas import Canvas, centre_disc
from viv1t.most_exciting_stimulus.constraints import HeldContrast, Sigmoid
from viv1t.most_exciting_stimulus.generated import load_generated
from viv1t.most_exciting_stimulus.objective import one_neuron, population
from viv1t.most_exciting_stimulus.parameters import Fourier, Pixel
from viv1t.most_exciting_stimulus.penalties import Jitter, TotalVariation
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.units import Monitor

SHAPE, FRAMES = (6, 8), 5
FILTERS = torch.randn(2, FRAMES, *SHAPE, generator=torch.Generator().manual_seed(1))
GREY = np.full(SHAPE, 127.0)
FREE = (np.mgrid[:6, :8][1] < 6).astype(np.float32)
CANVAS = Canvas(free=FREE, background=GREY)
PARTS = (CANVAS, Pixel(shape=SHAPE, num_frames=FRAMES), Sigmoid())
QUICK = AscentConfig(num_steps=30, lr=0.2)


def asked(movie):
    """(s, 2, t): two neurons, each a softened sum of what a filter sees up to a frame."""
    seen = torch.einsum("sthw,nthw->snt", (movie - 127) / 127, FILTERS)
    return softplus(seen.cumsum(-1) / 5)


def interrupted_at(number):
    """`asked`, but Ctrl-C is pressed the `number`-th time."""
    calls = []

    def ask(movie):
        calls.append(movie)
        if len(calls) == number:
            raise KeyboardInterrupt
        return asked(movie)

    return ask


def rebuilt(found, parts=PARTS):
    """The video of the parameters that were kept."""
    canvas, parameters, constraint = parts
    return canvas.show(constraint(parameters.movie(found.param), canvas.free_share)).numpy()


def assert_equal(found, expected):
    for name in ("video", "responses", "values", "step", "converged"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    assert torch.equal(found.param, expected.param)
    assert (found.best, found.seeds) == (expected.best, expected.seeds)


@pytest.mark.parametrize("goal", ["excite", "inhibit"])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_the_value_moves_where_it_should_and_only_the_canvas_changes(goal, reduce):
    objective = one_neuron(0, goal=goal, reduce=reduce)
    found = ascend(lambda m: asked(m)[:, :1], objective, *PARTS, config=QUICK, seeds=(1, 2))
    gain = objective.sign * (found.value - found.values[0])
    assert (gain > 0.3 * found.values[0]).all()
    assert (found.video[..., FREE == 0] == 127).all()
    assert found.video.shape == (2, FRAMES, *SHAPE)
    assert found.responses.shape == (2, 1, FRAMES)
    assert found.best == np.argmax(objective.sign * found.value)


@pytest.mark.parametrize("kind", [Pixel, Fourier])
@pytest.mark.parametrize("constraint", [Sigmoid(), HeldContrast(rms=30.0)], ids=["range", "rms"])
def test_parameters_video_responses_and_value_are_of_one_step(kind, constraint):
    """The published checkpoint held the parameters of one step later."""
    shown = []
    parts = (CANVAS, kind(shape=SHAPE, num_frames=FRAMES), constraint)
    objective = population([0.5, 0.5])

    def watched(movie: torch.Tensor) -> torch.Tensor:
        shown.append(movie.detach())
        return asked(movie)

    found = ascend(watched, objective, *parts, config=QUICK)
    shown.pop()  # the best, asked once more
    np.testing.assert_array_equal(rebuilt(found, parts), found.video)
    np.testing.assert_array_equal(asked(torch.from_numpy(found.video)), found.responses)
    step = int(found.step[0])
    np.testing.assert_array_equal(shown[step], found.video)
    np.testing.assert_allclose(found.value, found.values[step], rtol=1e-6)
    if step + 1 < len(shown):
        assert np.abs(shown[step + 1].numpy() - found.video).max() > 0.1
    else:
        assert np.abs(shown[step - 1].numpy() - found.video).max() > 0.1


def test_the_start_counts():
    """It is the best there is, and the first step leaps away from it."""
    found = ascend(
        lambda movie: -(movie - 127).square().mean(dim=(2, 3))[:, None],
        one_neuron(0),
        Canvas(free=np.ones(SHAPE), background=GREY),
        Pixel(shape=SHAPE, num_frames=FRAMES, sd=0),
        lambda signal, free: 127 + signal,
        init=torch.full((FRAMES, *SHAPE), 0.01),
        config=AscentConfig(num_steps=3, lr=50.0),
    )
    assert found.step.tolist() == [0]
    assert (found.values[1:] < found.values[0]).all()
    np.testing.assert_allclose(found.video, 127.01, atol=1e-4)


def test_the_best_step_is_that_of_the_weighted_objective():
    """Published: the unweighted sum over the population chose the step."""
    weights = (1.0, 0.02)

    def drift(movie):
        """The second neuron falls tenfold when the first rises."""
        level = (movie - 127).mean(dim=(2, 3)) / 127
        return torch.stack((level, -10 * level), dim=1)

    found = ascend(drift, population(weights), *PARTS, config=QUICK)
    assert found.step[0] == len(found.values) - 1
    unweighted = found.responses.sum()
    assert unweighted < drift(torch.full((1, FRAMES, *SHAPE), 127.0)).sum()


def test_seeds_do_not_influence_one_another():
    objective, seeds = population([1.0, -0.5]), (3, 1, 2)
    options = {"penalties": [TotalVariation(weight=0.01)], "jitter": Jitter(px=1), "config": QUICK}
    together = ascend(asked, objective, *PARTS, seeds=seeds, **options)
    one_by_one = ascend(asked, objective, *PARTS, seeds=seeds, batch_size=1, **options)
    for row, seed in enumerate(seeds):
        alone = ascend(asked, objective, *PARTS, seeds=[seed], **options)
        np.testing.assert_array_equal(one_by_one.video[row], alone.video[0])
        np.testing.assert_array_equal(one_by_one.values[:, row], alone.values[:, 0])
        np.testing.assert_allclose(together.values[:, row], alone.values[:, 0], rtol=1e-3)
        np.testing.assert_allclose(together.video[row], alone.video[0], atol=0.5)
    assert np.abs(together.video[0] - together.video[1]).max() > 1


@pytest.mark.parametrize("flags", [CAUSAL, {}], ids=["causal", "looks ahead"])
def test_seeds_on_a_twin_and_going_on(flags, tmp_path):
    """Many at once, each alone and one after an interruption give the same stimuli."""
    asked_twin = ask_of(small_twin(**flags), "A", neurons=[1, 2], lead_frames=8)
    screen = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=16, height_px=12)
    canvas = centre_disc(screen, size_deg=60, centre_px=(7.0, 6.0))
    parts = (canvas, Fourier(shape=(12, 16), num_frames=5), HeldContrast(rms=40.0))
    config = AscentConfig(num_steps=6, lr=0.1)
    objective = population({1: 0.7, 2: 0.3}, reduce="max")
    together = ascend(asked_twin, objective, *parts, config=config, seeds=(1, 2))
    for row, seed in enumerate((1, 2)):
        path, calls = tmp_path / f"{seed}.pt", itertools.count()

        def ask(movie, calls=calls):
            if next(calls) == 3:
                raise KeyboardInterrupt
            return asked_twin(movie)

        alone = ascend(asked_twin, objective, *parts, config=config, seeds=[seed])
        first = ascend(ask, objective, *parts, config=config, seeds=[seed], path=path)
        assert first.interrupted
        resumed = ascend(ask, objective, *parts, config=config, seeds=[seed], path=path)
        assert_equal(resumed, alone)
        np.testing.assert_allclose(together.values[:, row], alone.values[:, 0], rtol=1e-3)
        assert alone.value > alone.values[0]
        assert (alone.video[..., canvas.free == 0] == 127).all()


def test_what_is_penalised_is_smoother():
    rough, smooth = (
        ascend(asked, population([1, 1]), *PARTS, config=QUICK, penalties=penalties)
        for penalties in ([], [TotalVariation(weight=2.0)])
    )
    variation = [
        float(TotalVariation(weight=1.0)(torch.from_numpy(f.video))) for f in (rough, smooth)
    ]
    assert variation[1] < 0.5 * variation[0]
    assert smooth.value < rough.value


def test_what_is_kept_is_not_moved_by_jitter():
    found = ascend(asked, population([1, 1]), *PARTS, config=QUICK, jitter=Jitter(px=2))
    np.testing.assert_array_equal(rebuilt(found), found.video)
    np.testing.assert_array_equal(asked(torch.from_numpy(found.video)), found.responses)
    assert (found.video[..., FREE == 0] == 127).all()


def test_an_image_stands_still():
    still = Pixel(shape=SHAPE, num_frames=FRAMES, static=True)
    found = ascend(asked, population([1, 1]), CANVAS, still, Sigmoid(), config=QUICK)
    assert (found.video == found.video[:, :1]).all()
    assert found.value > found.values[0]


def test_convergence_is_little_gain_in_the_last_tenth():
    steps = np.arange(100.0)
    columns = {
        "risen": 1 - np.exp(-steps / 5),
        "rising": steps,
        "from below, to nothing": -np.exp(-steps / 5),
        "fallen back": -np.abs(steps - 50),
        "never moved": np.zeros(100),
        "flat, not zero": np.ones(100),
        "not finite": np.full(100, np.nan),
        "just too much": np.append(np.full(90, 98.9), np.full(10, 100.0)),
        "just little": np.append(np.full(90, 99.1), np.full(10, 100.0)),
    }
    found = has_converged(np.stack(list(columns.values()), axis=1), 0.01)
    assert dict(zip(columns, found.tolist(), strict=True)) == {
        "risen": True,
        "rising": False,
        "from below, to nothing": True,
        "fallen back": True,
        "never moved": False,
        "flat, not zero": True,
        "not finite": False,
        "just too much": False,
        "just little": True,
    }
    assert not has_converged(np.ones((9, 2)), 0.01).any()


def test_the_verdict_of_an_ascent():
    short, long = (
        ascend(asked, population([1, 1]), *PARTS, config=AscentConfig(num_steps=n, lr=0.3))
        for n in (12, 200)
    )
    assert (bool(short.converged[0]), bool(long.converged[0])) == (False, True)


@pytest.mark.parametrize("method", [Pixel, Fourier])
def test_interrupted_it_keeps_the_best_and_goes_on_bit_for_bit(tmp_path, method):
    parts = (CANVAS, method(shape=SHAPE, num_frames=FRAMES), Sigmoid())
    options = {"config": QUICK, "seeds": (5, 6), "jitter": Jitter(px=1)}
    objective, path = population([1, 1]), tmp_path / "deep" / "one.pt"
    whole = ascend(asked, objective, *parts, **options)
    for stop in (11, 8):
        first = ascend(interrupted_at(stop), objective, *parts, path=path, **options)
        assert first.interrupted
        assert not first.converged.any()
        assert (first.value > first.values[0]).all()
        assert load_generated(path).interrupted
    assert len(first.values) == 10 + 7
    np.testing.assert_array_equal(first.values, whole.values[:17])
    assert_equal(ascend(asked, objective, *parts, path=path, **options), whole)
    assert_equal(load_generated(path), whole)


def test_a_crash_loses_no_more_than_what_came_after_the_last_save(tmp_path, monkeypatch):
    monkeypatch.setattr(ascent, "SECONDS_BETWEEN_SAVES", 0.0)
    path, objective = tmp_path / "one.pt", population([1, 1])

    calls = iter(range(100))

    def crash(movie):
        if next(calls) == 9:
            raise RuntimeError("out of memory")
        return asked(movie)

    with pytest.raises(RuntimeError, match="out of memory"):
        ascend(crash, objective, *PARTS, config=QUICK, path=path)
    with pytest.raises(MissingResultError, match="go on"):
        load_generated(path)
    asks = []

    def counted(movie):
        asks.append(1)
        return asked(movie)

    found = ascend(counted, objective, *PARTS, config=QUICK, path=path)
    assert_equal(found, ascend(asked, objective, *PARTS, config=QUICK))
    assert len(asks) == QUICK.num_steps - 9 + 1


def test_once_finished_it_only_reads(tmp_path):
    path, options = tmp_path / "one.pt", {"config": QUICK, "facts": {"mouse": "A"}}
    first = ascend(asked, population([1, 1]), *PARTS, path=path, **options)
    again = ascend(interrupted_at(1), population([1, 1]), *PARTS, path=path, **options)
    assert_equal(again, first)


def test_what_was_made_on_another_device_is_read(tmp_path):
    options = {"path": tmp_path / "one.pt", "config": QUICK}
    first = ascend(asked, population([1, 1]), *PARTS, **options)
    elsewhere = Pixel(shape=SHAPE, num_frames=FRAMES, device="cuda:0")
    parts = (CANVAS, elsewhere, Sigmoid())
    assert_equal(ascend(interrupted_at(1), population([1, 1]), *parts, **options), first)


def test_a_file_of_another_ascent_is_refused(tmp_path):
    path = tmp_path / "one.pt"
    options = {"path": path, "config": QUICK, "facts": {"mouse": "A"}}
    ascend(asked, population([1, 1]), *PARTS, **options)
    brighter = Canvas(free=FREE, background=GREY + 1)
    for words, objective, parts, change in (
        ("objective weights", population([1, 2]), PARTS, {}),
        ("canvas background", population([1, 1]), (brighter, *PARTS[1:]), {}),
        ("constraint", population([1, 1]), (*PARTS[:2], HeldContrast(rms=20.0)), {}),
        ("seeds", population([1, 1]), PARTS, {"seeds": [4]}),
        (
            "config num_steps (30, now 31)",
            population([1, 1]),
            PARTS,
            {"config": AscentConfig(num_steps=31, lr=0.2)},
        ),
        ("mouse (A, now B)", population([1, 1]), PARTS, {"facts": {"mouse": "B"}}),
        ("penalties", population([1, 1]), PARTS, {"penalties": [TotalVariation(weight=1.0)]}),
    ):
        with pytest.raises(ConfigError, match=re.escape(f"made with another {words}")):
            ascend(asked, objective, *parts, **(options | change))


def test_damaged_and_missing_files(tmp_path):
    with pytest.raises(MissingResultError, match="generate the stimulus first"):
        load_generated(tmp_path / "none.pt")
    (tmp_path / "one.pt").write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match="delete it"):
        load_generated(tmp_path / "one.pt")


def test_before_the_first_step_there_is_nothing_to_keep():
    with pytest.raises(KeyboardInterrupt):
        ascend(interrupted_at(1), population([1, 1]), *PARTS, config=QUICK)


def test_scores_that_are_not_finite():
    with pytest.raises(DataError, match="finite score"):
        ascend(lambda m: asked(m) * torch.nan, population([1, 1]), *PARTS, config=QUICK)

    calls = iter(range(100))

    def breaks(movie):
        return asked(movie) * (1.0 if next(calls) != 6 else torch.nan)

    found = ascend(breaks, population([1, 1]), *PARTS, config=QUICK)
    assert np.isfinite(found.video).all()
    assert found.step[0] == 5
    assert not found.converged[0]


def test_what_cannot_be_run():
    with pytest.raises(ConfigError, match="one seed or more"):
        ascend(asked, population([1, 1]), *PARTS, seeds=[])
    with pytest.raises(ConfigError, match="all different"):
        ascend(asked, population([1, 1]), *PARTS, seeds=[1, 1])
    for flags in ({"num_steps": 0}, {"lr": 0.0}, {"weight_decay": -1.0}, {"tolerance": 0.0}):
        with pytest.raises(ConfigError, match=f"--{next(iter(flags))}"):
            AscentConfig(**flags)
