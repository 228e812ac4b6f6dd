"""Receptive fields from gradients: of the truth, and of trained twins."""

import numpy as np
import pytest
from small_twins import small_twin

from viv1t.analysis.retinotopy import centre_errors, fit_energy_maps
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.errors import ConfigError, MissingResultError
from viv1t.insilico.gradients import (
    GradientConfig,
    gradient_maps,
    load_gradients,
    show_gradients,
)
from viv1t.insilico.probe import Probe
from viv1t.insilico.responders import Ensemble
from viv1t.units import Monitor

QUICK = GradientConfig(num_images=4, num_frames=8)


def test_gradients_of_the_truth_place_its_receptive_fields():
    truth = oracle_truth(1, num_neurons=8)
    maps = gradient_maps(SyntheticMouse({"O": Population(truth)}), "O", QUICK, batch_size=4)
    table = fit_energy_maps(maps)
    assert not table["bad_fit"].any()
    x, y, sigma = (truth[f"rf_{name}_px"].to_numpy() for name in ("x", "y", "sigma"))
    errors = centre_errors(table, x_px=x, y_px=y, sigma_px=sigma)
    assert errors["error_px"].max() < 1
    assert errors["sigma_ratio"].median() == pytest.approx(1, abs=0.25)


def test_maps_without_structure_are_bad():
    rng = np.random.default_rng(0)
    assert fit_energy_maps(rng.gamma(1.0, 1.0, (50, 24, 32))).bad_fit.mean() >= 0.95


def test_a_gradient_is_what_small_changes_of_a_pixel_do(monkeypatch):
    twin = small_twin(core_use_causal_attention=True)
    monkeypatch.setattr("viv1t.insilico.gradients.SKIP_FRAMES", 10)
    config = GradientConfig(num_images=1, num_frames=5)
    maps = gradient_maps(twin, "A", config, seed=2)
    from viv1t.rng import child

    image = child(2, "gradient", 0).random(twin.video_shape, dtype=np.float32)

    def total(image):
        movie = np.full((15, *image.shape), 127, dtype=np.float32)
        movie[10:] = 255 * image
        return twin.predict(movie, "A", frames=slice(10, 15)).sum(axis=1, dtype=np.float64)

    for row, column in ((3, 4), (8, 11)):
        step = np.zeros_like(image)
        step[row, column] = 0.01
        slope = (total(image + step) - total(image - step)) / 0.02
        np.testing.assert_allclose(maps[:, row, column], slope**2, rtol=0.1, atol=1e-4)


def test_results_are_kept_and_what_is_missing_names_the_command(tmp_path):
    mouse = SyntheticMouse({"O": Population(oracle_truth(1, num_neurons=2))})
    screen = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0)
    probe = Probe(output_dir=tmp_path, responder=mouse, monitors={"O": screen}, batch_size=2)
    config = GradientConfig(num_images=2, num_frames=3)
    with pytest.raises(MissingResultError, match="--method gradient"):
        load_gradients(tmp_path)
    (path,) = show_gradients(probe, config).values()
    before = path.stat().st_mtime_ns
    show_gradients(probe, config)
    assert path.stat().st_mtime_ns == before
    show_gradients(probe, GradientConfig(num_images=1, num_frames=3))
    assert path.stat().st_mtime_ns != before
    assert load_gradients(tmp_path)["O"].shape == (2, 36, 64)
    with pytest.raises(ConfigError, match="--ensemble"):
        gradient_maps(Ensemble([mouse, mouse], ["a", "b"]), "O", config)
