"""The published screen geometry, and the direction of it that always failed for mice K-P."""

import math

import golden_cases
import numpy as np
import pytest

from viv1t.units import Monitor

CASES = golden_cases.facts("geometry")


def monitor(case: dict) -> Monitor:
    return Monitor(**{f"{k}_cm": case[f"monitor_{k}"] for k in ("width", "height", "distance")})


@pytest.mark.parametrize("case", CASES["coverage2radius"])
def test_degrees_to_pixels_and_back(case: dict):
    radius = monitor(case).radius_px(case["degree"])
    assert radius == pytest.approx(case["radius"], rel=1e-9)
    assert monitor(case).diameter_deg(radius) == pytest.approx(case["degree"], rel=1e-9)


@pytest.mark.parametrize("case", CASES["radius2degree"])
def test_pixels_to_degrees(case: dict):
    assert ("error" in case) == (case["monitor_width"] == 51.0)  # published: fails for K-P
    if "error" not in case:
        assert monitor(case).diameter_deg(case["radius"]) == pytest.approx(case["degree"])


@pytest.mark.parametrize("case", CASES["mask"])
def test_disc(case: dict):
    centre = [float(value) for value in case["center"]]
    centre_px = None if math.isnan(centre[0]) else (centre[0], centre[1])
    disc = monitor(case).disc(case["size"], centre_px=centre_px)
    assert disc.sum() == case["sum"]
    np.testing.assert_array_equal(disc.sum(axis=1), case["rows"])
