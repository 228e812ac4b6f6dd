"""Gratings, masks and geometry of the published system, byte for byte."""

import golden_cases
import numpy as np
import pytest

from viv1t.stimuli.aperture import compose, disc
from viv1t.stimuli.grating import published_grating
from viv1t.units import DEFAULT_MONITOR, Monitor


def facts(name):
    return golden_cases.facts(name, "tuning")


def arrays(name):
    return golden_cases.arrays(name, "tuning")


def screen(case):
    return Monitor(
        **{f"{k}_cm": case["monitor"][f"monitor_{k}"] for k in ("width", "height", "distance")}
    )


@pytest.mark.parametrize("case", facts("grating")["cases"], ids=lambda case: case["key"])
def test_gratings(case):
    found = published_grating(
        tuple(case["shape"][2:]),
        direction_deg=case["direction"],
        num_frames=case["num_frames"],
        cpd=case["cpd"],
        cpf=case["cpf"],
        phase_deg=case.get("phase", 0),
        contrast=case.get("contrast", 1),
    )
    np.testing.assert_array_equal(found[None], arrays("grating")[case["key"]])


@pytest.mark.parametrize("case", facts("mask")["cases"], ids=lambda case: case["key"])
def test_masks(case):
    x, y = case["center_xy"]
    found = disc(screen(case), case["size"], centre_px=(float(x), float(y)))
    assert found.sum() == case["n_true"]
    np.testing.assert_array_equal(np.packbits(found), arrays("mask")[case["key"]])


@pytest.mark.parametrize("case", facts("center_surround")["cases"], ids=lambda case: case["key"])
def test_a_centre_and_its_surround(case):
    shared = {"num_frames": case["num_frames"], "cpd": case["cpd"], "cpf": case["cpf"]}
    shared |= {"phase_deg": case.get("phase", 0), "contrast": case.get("contrast", 1)}
    centre = published_grating((36, 64), direction_deg=case["center_direction"], **shared)
    surround = 127
    if case["surround_direction"] >= 0:
        surround = published_grating((36, 64), direction_deg=case["surround_direction"], **shared)
    mask = disc(DEFAULT_MONITOR, case["stimulus_size"], centre_px=tuple(case["center"]))
    found = compose(mask, centre, surround)
    np.testing.assert_array_equal(found[None], arrays("center_surround")[case["key"]])


def test_degrees_and_pixels():
    for case in facts("geometry")["size_to_radius"]:
        assert screen(case).radius_px(case["size_deg"]) == pytest.approx(
            case["radius_px"], rel=1e-9
        )
    for case in facts("geometry")["radius_to_degree_default_monitor"]:
        assert DEFAULT_MONITOR.diameter_deg(case["radius_px"]) == pytest.approx(
            case["deg"], rel=1e-9
        )
