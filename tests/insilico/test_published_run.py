"""Acceptance 4: a folder of the published system, with no data set beside it."""

import shutil

import numpy as np
import pytest
import torch
from conftest import GOLDEN

import viv1t
from viv1t.insilico.responder import Responder

RUN = GOLDEN / "published_run"


@pytest.fixture(scope="module")
def expected():
    with np.load(RUN / "expected.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    run = shutil.copytree(RUN, tmp_path_factory.mktemp("elsewhere") / "run")
    return viv1t.load(run, device="cpu")


def tensors(expected):
    names = {"inputs": "video", "behaviors": "behavior", "pupil_centers": "pupil_center"}
    return {key: torch.from_numpy(expected[f"in/{name}"]) for key, name in names.items()}


def assert_close(found, truth):
    np.testing.assert_allclose(found, truth, rtol=0, atol=2e-5 * np.abs(truth).max())


def test_model_core_and_activation_reproduce_the_stored_numbers(twin, expected):
    with torch.no_grad():
        core = twin.model.core(mouse_id="A", **tensors(expected))
        out = twin.model(mouse_id="A", **tensors(expected))
        before = twin.model(mouse_id="A", activate=False, **tensors(expected))
    assert_close(core, expected["out/A/core"])
    assert_close(out, expected["out/A/model"])
    assert_close(before, expected["out/A/pre_activation"])


def predict(twin, expected):
    return twin.predict(
        expected["in/video"][:, 0],
        "A",
        behavior=expected["in/behavior"],
        pupil_center=expected["in/pupil_center"][0],
        units="model",
    )


def test_predict_gives_the_same_in_model_units(twin, expected):
    found = predict(twin, expected)
    assert found.dtype == np.float32
    assert_close(found, expected["out/A/model"])


def test_bf16_is_close_and_comes_as_float32(expected):
    found = predict(viv1t.load(RUN, device="cpu", precision="bf16"), expected)
    assert found.dtype == np.float32
    truth = expected["out/A/model"]
    assert 0 < np.abs(found - truth).max() < 0.02 * np.abs(truth).max()


def test_attributes(twin):
    assert isinstance(twin, Responder)
    assert isinstance(twin, viv1t.DigitalTwin)
    assert twin.mouse_ids == ("A",)
    assert twin.num_neurons("A") == 8
    assert twin.neuron_coordinates("A") is None
    assert (twin.video_shape, twin.fps) == ((16, 24), 30.0)
    assert twin.config.model.core.emb_dim == 32
    assert not twin.model.training


def test_published_defects_come_only_when_asked_for(published_run, change_args):
    """Movies longer than the rotary tables: the published code rebuilt them with another centre."""
    change_args(published_run, max_frame=20)
    inputs = {
        "inputs": torch.randn(1, 1, 24, 16, 24, generator=torch.Generator().manual_seed(0)),
        "behaviors": torch.zeros(1, 2, 24),
        "pupil_centers": torch.zeros(1, 2, 24),
    }
    with torch.no_grad():
        mended, defective = (
            viv1t.load(published_run, device="cpu", as_published=flag).model(mouse_id="A", **inputs)
            for flag in (False, True)
        )
    assert not torch.allclose(mended, defective, rtol=1e-3)
