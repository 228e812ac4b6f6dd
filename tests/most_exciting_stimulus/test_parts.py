"""The flags of a stimulus, and the parts that they choose."""

import numpy as np
import pytest
import torch
from small_twins import small_twin

from viv1t.data.cache import write_npz
from viv1t.data.transforms import response_scale
from viv1t.errors import ConfigError, MissingResultError
from viv1t.most_exciting_stimulus.canvas import Canvas, full_field
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.objective import one_neuron, population
from viv1t.most_exciting_stimulus.parameters import Fourier, Pixel, Spectrum
from viv1t.most_exciting_stimulus.parts import (
    Part,
    Settings,
    in_model_units,
    recipe,
    response_unit,
)
from viv1t.most_exciting_stimulus.penalties import Smoothness, SpectrumKL, TotalVariation
from viv1t.most_exciting_stimulus.published import PublishedParameters
from viv1t.most_exciting_stimulus.spectrum import spectrum_path
from viv1t.units import DEFAULT_MONITOR

SCREEN = DEFAULT_MONITOR.with_px(width_px=10, height_px=6)


def part(*, static: bool = False) -> Part:
    return Part(
        role="center",
        objective=one_neuron(0),
        canvas=full_field(SCREEN),
        static=static,
        kind={},
    )


def target(*neurons: int, **given) -> Target:
    return Target(neurons=neurons, centre_px=None, size_deg=20.0, **given)


@pytest.fixture
def folder(tmp_path):
    amplitude = np.ones((4, 6, 6), np.float32)
    arrays = {"freq": np.arange(60, dtype=np.float32), "amplitude": amplitude}
    arrays |= {"amplitude_static": amplitude[:1], "kl": np.ones(3), "kl_with_dc": np.ones(3)}
    write_npz(spectrum_path(tmp_path, "A"), arrays)
    return tmp_path


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize(
    ("method", "kind"),
    [("pixel", Pixel), ("cutoff", Fourier), ("kl", Fourier), ("spectrum", Spectrum)],
)
def test_methods(folder, method, kind, static):
    settings = Settings(method=method, num_frames=4, spatial_cutoff=0.3)
    parameters, penalties = recipe(settings, part(static=static), folder, "A")
    assert isinstance(parameters, kind)
    assert parameters.movie(parameters.start([0, 1])).shape == (2, 4, 6, 10)
    assert [type(penalty) for penalty in penalties] == [SpectrumKL] * (method == "kl")
    if kind is Fourier:
        assert parameters.spatial_cutoff == (1.0 if method == "kl" else 0.3)


@pytest.mark.parametrize("method", ["pixel", "cutoff", "kl"])
def test_as_published(folder, method):
    settings = Settings(method=method, num_frames=4, spatial_cutoff=0.3)
    parameters, penalties = recipe(settings, part(), folder, "A", as_published=True)
    assert isinstance(parameters, PublishedParameters)
    assert parameters.method == method
    assert parameters.spatial_cutoff == (0.5 if method == "kl" else 0.3)
    assert [penalty.with_dc for penalty in penalties] == [True] * (method == "kl")
    assert not any(p.with_dc for p in recipe(settings, part(), folder, "A")[1])


def test_smooth_stimuli_are_asked_for_by_weight(folder):
    settings = Settings(method="kl", num_frames=4, total_variation=0.5, smoothness=0.25)
    _, penalties = recipe(settings, part(), folder, "A")
    assert penalties[:2] == [TotalVariation(weight=0.5), Smoothness(weight=0.25)]
    assert isinstance(penalties[2], SpectrumKL)
    with pytest.raises(ConfigError, match="--smoothness must be 0 or more"):
        Settings(method="pixel", smoothness=-1)


def test_the_natural_spectrum_is_missing(tmp_path):
    with pytest.raises(MissingResultError, match=r"estimate_natural_stimuli_spectrum\.py"):
        recipe(Settings(method="kl"), part(), tmp_path, "A")


def test_a_start_is_a_standardised_clip():
    clip = np.full((4, 6, 10), 200.0, np.float32)
    clip[:, :3] = 100
    start = Part(**{**vars(part()), "init": clip}).start()
    assert torch.equal(start[:, :3], torch.full((4, 3, 10), -1.0))
    assert torch.equal(start[:, 3:], torch.full((4, 3, 10), 1.0))
    assert part().start() is None


def test_what_stays_enters_the_published_start_only():
    clip = np.full((4, 6, 10), 200.0, np.float32)
    clip[:, :2], clip[:, 2] = 100, 0
    free = np.ones((6, 10), np.float32)
    free[2] = 0
    background = np.full((6, 10), 127, np.float32)
    whole = Part(
        **{**vars(part()), "init": clip, "canvas": Canvas(free=free, background=background)}
    )
    ours, published = whole.start(), whole.start(as_published=True)
    np.testing.assert_allclose(ours[:, free > 0].mean(), 0, atol=1e-6)
    assert ours[0, 2].abs().max() < 1e-5
    np.testing.assert_allclose(published, (clip - clip.mean()) / clip.std(), rtol=1e-5)


def test_penalties_are_in_standard_deviations_of_the_response(folder):
    twin = small_twin()
    scale = response_scale(twin.mouse("A").statistics)
    assert response_unit(twin, "A", one_neuron(1)) == pytest.approx(scale[1])
    expected = 0.5 * scale[0] + 2 * scale[2]
    assert response_unit(twin, "A", population([0.5, 0, -2])) == pytest.approx(expected)
    assert response_unit(None, "A", one_neuron(1)) == 1
    settings = Settings(method="kl", num_frames=4, alpha=0.5, smoothness=2)
    whose = Part(**{**vars(part()), "objective": one_neuron(2)})
    smooth, divergence = recipe(settings, whose, folder, "A", responder=twin)[1]
    assert smooth.weight == pytest.approx(2 * scale[2])
    assert divergence.alpha == pytest.approx(0.5 * scale[2])


def test_as_published_a_population_sums_what_the_model_puts_out():
    twin = small_twin()
    scale = response_scale(twin.mouse("A").statistics)
    whole = target(0, 2, weights=(0.25, 0.75), is_population=True)
    found = in_model_units(whole, twin, "A")
    np.testing.assert_allclose(np.array(found.weights) * scale[[0, 2]], whole.weights, rtol=1e-6)
    unit = response_unit(
        twin, "A", population(dict(zip(found.neurons, found.weights, strict=True)))
    )
    assert unit == pytest.approx(1)  # so that --alpha is the published one
    alone = target(2, weights=(1.0,))
    assert in_model_units(alone, twin, "A") is alone
    assert in_model_units(whole, None, "A") == whole
