"""The `test` preset, written once, and a population with known differences between its cells."""

import numpy as np
import pytest
import torch

from viv1t.data.synthetic import Population, write_recordings
from viv1t.data.synthetic.presets import PRESETS
from viv1t.data.synthetic.truth import TruthConfig, sample_truth

NUM_NEURONS = 40


@pytest.fixture(scope="session")
def synthetic_data(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("synthetic")
    write_recordings(data_dir, preset="test", seed=7)
    return data_dir


@pytest.fixture(scope="session")
def truth():
    config = TruthConfig(num_neurons=NUM_NEURONS, monitor=PRESETS["full"].monitor, clustered=False)
    return sample_truth(config, np.random.default_rng(0)).assign(
        rf_x_px=np.random.default_rng(1).uniform(20, 44, NUM_NEURONS),
        rf_y_px=np.random.default_rng(2).uniform(11, 25, NUM_NEURONS),
    )


@pytest.fixture(scope="session")
def centred(truth):
    """All receptive fields in the middle, so that one aperture serves all."""
    return truth.assign(rf_x_px=32.0, rf_y_px=18.0)


class Gratings:
    """Drifting gratings in apertures, and what a population answers, averaged after the onset."""

    frames, onset = 60, 30
    y, x = np.mgrid[:36, :64].astype(float)

    def movie(self, direction, *, sf=0.04, tf=2.0, contrast=1.0, phase=0.0):
        turn = np.radians(direction)
        across = np.cos(turn) * self.x - np.sin(turn) * self.y
        time = np.arange(self.frames)[:, None, None] / 30
        wave = np.cos(2 * np.pi * (sf * 3.3711 * across + tf * time) + phase)
        return 127 + 127 * contrast * wave

    def disc(self, radius):
        return np.hypot(self.x - 32, self.y - 18) < radius

    def masked(self, inside, centre, surround=127.0):
        return np.where(inside, centre, surround)

    def respond(self, population, movies):
        with torch.no_grad():
            rates = [population(torch.from_numpy(m).float()[None, None])[0] for m in movies]
        return torch.stack(rates)[:, :, self.onset :].mean(2).numpy()

    def tuning(self, truth, directions, **options):
        movies = [self.movie(d, **options) for d in directions]
        return self.respond(Population(truth), movies)


@pytest.fixture(scope="session")
def gratings():
    return Gratings()
