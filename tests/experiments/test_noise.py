"""White noise: sums do not depend on how they were come by, and recover known receptive fields."""

import numpy as np
import pytest
from golden_cases import GOLDEN

from viv1t.analysis.retinotopy import centre_errors, fit_noise_maps, noise_maps
from viv1t.data.synthetic import Population, SyntheticMouse
from viv1t.data.synthetic.noisy import NoisyResponder
from viv1t.data.synthetic.oracle import oracle_truth
from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.experiments.noise import (
    BRIEF,
    NoiseConfig,
    NoiseSums,
    load_noise,
    noise_path,
    run_noise,
    show_noise,
)
from viv1t.experiments.timing import SINGLE, Timing
from viv1t.insilico.probe import Probe
from viv1t.units import Monitor

MONITOR = Monitor(width_cm=14.0, height_cm=10.5, distance_cm=15.0, width_px=16, height_px=12)
# The truth forgets within 12 frames.
SHORT = Timing(num_frames=42, blank_pre=12, on=30, blank_post=0, slots=1, min_warmup=0)


class Linear:
    """Answers with the contrast of one pixel a neuron, as long as it is shown, and counts."""

    mouse_ids, video_shape, fps = ("M",), (12, 16), 30.0

    def __init__(self, stop_after=None):
        self.asked, self.stop_after = 0, stop_after

    def num_neurons(self, mouse_id):
        return 3

    def neuron_coordinates(self, mouse_id):
        return None

    def predict(self, video, mouse_id, *, frames=None, batch_size=1, **state):
        self.asked += len(video)
        if self.stop_after is not None and self.asked > self.stop_after:
            raise KeyboardInterrupt
        pixels = video[:, :, [2, 5, 9], [3, 8, 12]].transpose(0, 2, 1)
        return pixels[..., frames]


@pytest.fixture
def probe(tmp_path):
    return Probe(output_dir=tmp_path, responder=Linear(), monitors={"M": MONITOR}, batch_size=4)


def test_sums_are_those_of_all_images_whatever_the_batches():
    sums = [
        run_noise(Linear(), "M", NoiseConfig(num_samples=50), seed=3, batch_size=size)
        for size in (1, 7)
    ]
    for name, values in sums[0].arrays().items():
        np.testing.assert_allclose(values, sums[1].arrays()[name], rtol=2e-4, atol=2e-2)
    table = fit_noise_maps(
        noise_maps(
            num_images=400,
            **run_noise(Linear(), "M", NoiseConfig(num_samples=400), batch_size=50).arrays(),
        ),
        rng=np.random.default_rng(0),
    )
    np.testing.assert_allclose(table["x_px"], [3, 8, 12], atol=0.3)
    np.testing.assert_allclose(table["y_px"], [2, 5, 9], atol=0.3)


def test_interrupted_and_continued_is_unbroken(tmp_path):
    config = NoiseConfig(num_samples=30)
    path = tmp_path / "noise.h5"
    with pytest.raises(KeyboardInterrupt):
        run_noise(Linear(stop_after=17), "M", config, batch_size=4, path=path)
    responder = Linear()
    found = run_noise(responder, "M", config, batch_size=4, path=path)
    assert responder.asked == 14
    whole = run_noise(Linear(), "M", config, batch_size=4)
    for name, values in whole.arrays().items():
        np.testing.assert_array_equal(values, found.arrays()[name])
    again = Linear(stop_after=0)
    run_noise(again, "M", config, path=path)
    assert again.asked == 0


def test_more_images_are_added_fewer_are_refused(tmp_path):
    path = tmp_path / "noise.h5"
    run_noise(Linear(), "M", NoiseConfig(num_samples=10), path=path)
    more = run_noise(Linear(), "M", NoiseConfig(num_samples=25), path=path)
    whole = run_noise(Linear(), "M", NoiseConfig(num_samples=25))
    np.testing.assert_array_equal(more.rv, whole.rv)
    with pytest.raises(ConfigError, match="25 images, more than --num_samples 5"):
        run_noise(Linear(), "M", NoiseConfig(num_samples=5), path=path)
    with pytest.raises(ConfigError, match="other seed"):
        run_noise(Linear(), "M", NoiseConfig(num_samples=30), seed=1, path=path)


def test_what_is_missing_names_the_command(probe, tmp_path):
    with pytest.raises(MissingResultError, match=r"predict_noise\.py --output_dir"):
        load_noise(tmp_path)
    show_noise(probe, NoiseConfig(num_samples=6))
    assert load_noise(tmp_path)["M"].num_images == 6
    with pytest.raises(MissingResultError, match="--mouse_ids Q"):
        load_noise(tmp_path, mouse_ids=["Q"])
    probe.responder.stop_after = 8
    with pytest.raises(KeyboardInterrupt):
        show_noise(probe, NoiseConfig(num_samples=20))
    with pytest.raises(MissingResultError, match="of 20 images"):
        load_noise(tmp_path)
    noise_path(tmp_path, "M").write_bytes(b"nothing")
    with pytest.raises(DataError, match="delete it"):
        load_noise(tmp_path)


def test_published_trials_and_weighted_sums(probe, tmp_path):
    show_noise(probe, NoiseConfig(num_samples=5), as_published=True)
    with np.load(tmp_path / "aRFs" / "mouseM.npz") as file:
        assert file.files == ["data"]
        published = file["data"]
    sums = run_noise(Linear(), "M", NoiseConfig(num_samples=5), seed=probe.seed, timing=SINGLE)
    np.testing.assert_allclose(published, sums.weighted_sum(), rtol=1e-5)
    assert published.shape == (3, 1, 12, 16)
    assert SINGLE.window(0) == slice(135, 165)
    assert BRIEF.window(0) == slice(50, 80)


def test_golden_weighted_sum():
    golden = np.load(GOLDEN / "tuning" / "arf_weighted_sum.npz")
    sums = NoiseSums(3, (36, 64))
    for part in (slice(0, 7), slice(7, 20)):
        sums.add(golden["noise"][part, 0].astype(np.float32), golden["responses"][part])
    np.testing.assert_allclose(sums.weighted_sum(), golden["weighted"], rtol=1e-4, atol=1e-3)


def recovered(seed, num_samples, num_neurons=40, gain_shape=60.0):
    """Errors of good fits, and all fits, of an oracle population under noise."""
    truth = oracle_truth(seed, num_neurons=num_neurons)
    noiseless = SyntheticMouse({"O": Population(truth)})
    mouse = NoisyResponder(noiseless, seed=seed, gain_shape=gain_shape, block_frames=42)
    config = NoiseConfig(num_samples=num_samples)
    sums = run_noise(mouse, "O", config, seed=seed, timing=SHORT, batch_size=16)
    maps = noise_maps(num_images=sums.num_images, **sums.arrays())
    table = fit_noise_maps(maps, rng=np.random.default_rng(seed))
    x, y, sigma = (truth[f"rf_{name}_px"].to_numpy() for name in ("x", "y", "sigma"))
    return centre_errors(table, x_px=x, y_px=y, sigma_px=sigma), table


def test_few_images_place_a_small_population():
    """400 images, 12 cells: three times the tolerance of 6,000."""
    errors, table = recovered(1, 400, num_neurons=12)
    assert (~table["bad_fit"]).mean() >= 0.8
    assert errors["error_px"].median() <= 2
    assert (errors["error_px"] < 3).mean() >= 0.9


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1, 11))
def test_oracle_receptive_fields(seed):
    """science.md b3, 6,000 images, noise of decisions.md."""
    errors, table = recovered(seed, 6000)
    assert (~table["bad_fit"]).mean() >= 0.8
    assert errors["error_px"].median() <= 0.6
    assert (errors["error_px"] < 3).mean() >= 0.93
    assert (abs(errors["sigma_ratio"] - 1) <= 0.25).mean() >= 0.9
