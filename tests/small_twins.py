"""Digital twins of small models, without training."""

from types import SimpleNamespace

import numpy as np
import torch
from model_cases import NUM_NEURONS, SHAPES, small_model

from viv1t.data.moments import MOMENTS
from viv1t.data.statistics import Statistics
from viv1t.data.transforms import Transforms
from viv1t.insilico.questions import TwinMouse
from viv1t.insilico.twin import DigitalTwin

CAUSAL = {"core_use_causal_attention": True}


def enlarged(core="vivit", readout="gaussian", **flags):
    """A small model whose weights are large enough that every path matters.

    Those that say where neurons look stay: all would look beyond the frame.
    """
    model = small_model(core, readout, **flags)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not name.startswith("shifters") and "mu" not in name:
                weight += 0.3 * torch.randn(weight.shape, generator=generator)
    return model


def statistics_of(num_neurons):
    """Made-up statistics in recorded units."""
    rng = np.random.default_rng(num_neurons)
    shapes = {"video": (), "behavior": (2,), "pupil_center": (2,), "response": (num_neurons,)}
    arrays = {
        f"{part}/{moment}": rng.uniform(1, 3, shape).astype(np.float32)
        for part, shape in shapes.items()
        for moment in MOMENTS
    }
    grey = {"mean": 120.0, "std": 60.0, "min": 0.0, "max": 255.0, "median": 118.0}
    arrays |= {f"video/{name}": np.float32(value) for name, value in grey.items()}
    return Statistics.from_arrays(arrays)


def small_twin(core="vivit", readout="gaussian", *, precision="32", **flags):
    """A twin of mice A and B, whose movies are 12 x 16 pixels, 20 frames long."""
    mice = {}
    for mouse_id, num_neurons in NUM_NEURONS.items():
        statistics = statistics_of(num_neurons)
        mice[mouse_id] = TwinMouse(
            num_neurons=num_neurons,
            statistics=statistics,
            transforms=Transforms(statistics, input_mode=1, output_mode=1),
        )
    return DigitalTwin(
        enlarged(core, readout, **flags),
        config=SimpleNamespace(),
        shapes=SHAPES,
        mice=mice,
        device=torch.device("cpu"),
        precision=precision,
    )


def grey_values(*shape, seed=0):
    """A random movie of grey values."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


def assert_same(found, expected):
    """Equal within the tolerance of all faster paths."""
    pair = (torch.as_tensor(values).float() for values in (found, expected))
    torch.testing.assert_close(*pair, atol=2e-5, rtol=2e-4)
