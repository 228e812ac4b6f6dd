"""Drifting waves are read off a movie, and nothing is read off one that does not move."""

import numpy as np
import pytest

from viv1t.analysis.moving_waves import dominant_wave, energy_centre

SHAPE = (30, 36, 64)


def wave(direction_deg: float, cpp: float, cpf: float) -> np.ndarray:
    t, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    angle = np.radians(direction_deg)
    along = np.cos(angle) * x - np.sin(angle) * y
    return 127 + 60 * np.cos(2 * np.pi * (cpp * along + cpf * t) + 0.7)


@pytest.mark.parametrize("direction_deg", range(0, 360, 30))
@pytest.mark.parametrize(("cpp", "cpf"), [(0.08, 0.1), (0.1, 1 / 15), (0.125, 1 / 30)])
def test_gratings_are_recovered(direction_deg: int, cpp: float, cpf: float):
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    envelope = np.exp(-((x - 30) ** 2 + (y - 16) ** 2) / (2 * 5.0**2))
    movie = 127 + envelope * (wave(direction_deg, cpp, cpf) - 127)
    found = dominant_wave(movie)
    assert abs((found.direction_deg - direction_deg + 180) % 360 - 180) < 3
    assert found.cpp == pytest.approx(cpp, rel=0.05)
    assert found.cpf == pytest.approx(cpf, abs=0.004)
    assert found.direction_index > 0.9
    assert energy_centre(movie) == pytest.approx((30, 16), abs=0.3)


def test_two_directions_at_once_have_none():
    found = dominant_wave(wave(45, 0.1, 0.1) + wave(225, 0.1, 0.1))
    assert abs(found.direction_index) < 0.05
    assert found.cpp == pytest.approx(0.1, rel=0.05)


def test_still_movie_has_no_direction():
    found = dominant_wave(np.repeat(wave(45, 0.1, 0.0)[:1], 30, axis=0))
    assert np.isnan(found.direction_deg)
    assert found.cpf == pytest.approx(0, abs=1e-6)
    assert found.cpp == pytest.approx(0.1, rel=0.05)


def test_only_the_canvas_counts():
    canvas = np.zeros(SHAPE[1:])
    canvas[:, :32] = 1
    movie = np.where(canvas > 0, wave(90, 0.1, 0.1), 3 * wave(0, 0.05, 0.05))
    assert dominant_wave(movie, canvas).direction_deg == pytest.approx(90, abs=3)
    assert energy_centre(movie, canvas)[0] < 32
    assert dominant_wave(np.full(SHAPE, 127.0)).direction_index == 0
