"""Golden cases of the model, and small models and movies for the other tests."""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from golden_cases import GOLDEN

from viv1t.batch import DataShapes
from viv1t.config.store import model_from_values
from viv1t.model import compat
from viv1t.model.cores import CORES
from viv1t.model.model import Model
from viv1t.model.readouts import READOUTS

MODEL = GOLDEN / "model"

# A small vivit: 6 x 8 tokens a frame, two blocks of each kind.
SMALL_VIVIT = {
    "core_spatial_patch_size": 5,
    "core_spatial_patch_stride": 2,
    "core_temporal_patch_size": 3,
    "core_spatial_depth": 2,
    "core_temporal_depth": 2,
    "core_num_heads": 2,
    "core_emb_dim": 16,
    "core_head_dim": 8,
    "core_ff_dim": 24,
    "core_reg_tokens": 3,
}
SMALL_FCNN = {
    "core_spatial_input_kernel": 5,
    "core_spatial_hidden_kernel": 3,
    "core_temporal_input_kernel": 4,
    "core_temporal_hidden_kernel": 3,
    "core_num_layers": 3,
    "core_hidden_dim": 4,
}
SMALL = {"vivit": SMALL_VIVIT, "fcnn": SMALL_FCNN}
SHAPES = DataShapes(video=(1, 20, 12, 16), max_frames=20)
NUM_NEURONS = {"A": 6, "B": 1}


@dataclass(frozen=True)
class GoldenCase:
    """Inputs, weights and outputs of the published model."""

    name: str
    arrays: dict[str, np.ndarray]
    meta: dict

    @property
    def mouse_ids(self):
        return self.meta["mouse_ids"]

    @property
    def args(self):
        return self.meta["args"]

    def tensor(self, key):
        return torch.from_numpy(self.arrays[key].copy())

    def group(self, prefix):
        """Tensors whose key starts with `prefix`, without it."""
        return {k.removeprefix(prefix): self.tensor(k) for k in self.arrays if k.startswith(prefix)}

    def signals(self):
        behavior, pupil = self.tensor("in/behavior"), self.tensor("in/pupil_center")
        return {"behaviors": behavior, "pupil_centers": pupil}

    def has_readout(self):
        return self.args["readout"] in READOUTS.names()

    def published(self, **flags):
        """Configuration and shapes; cases of readouts that do not exist here borrow another."""
        args = (self.args if self.has_readout() else self.args | {"readout": "linear"}) | flags
        return compat.from_published(args, source=self.name)

    def model(self, *, as_published):
        """The model with the stored weights, in eval mode."""
        published = self.published()
        coordinates = {mouse_id: self.tensor(f"coords/{mouse_id}") for mouse_id in self.mouse_ids}
        model = Model(
            published.config,
            shapes=published.shapes,
            coordinates=coordinates,
            mean_responses={m: self.tensor(f"mean_resp/{m}") for m in self.mouse_ids},
            as_published=as_published,
        )
        model.load_state_dict(self.group("sd/"))
        return model.eval()

    def core(self, **flags):
        """The core with the stored weights, in eval mode."""
        published = self.published(**flags)
        core = CORES.build(published.config.core, shapes=published.shapes, as_published=True)
        core.load_state_dict(self.group("sd/core."))
        return core.eval()


@cache
def golden_case(name):
    with np.load(MODEL / f"{name}.npz") as stored:
        arrays = {key: stored[key] for key in stored.files}
    meta = json.loads(str(arrays.pop("meta")))
    return GoldenCase(name, arrays, meta)


def golden_names(*, with_readout):
    """Cases whose core exists here; `with_readout`: and whose readout does too."""
    names = sorted(path.stem for path in MODEL.glob("*.npz") if path.stem != "modules")
    cases = [golden_case(name) for name in names]
    known = [case for case in cases if case.args["core"] in CORES.names()]
    return [case.name for case in known if case.has_readout() or not with_readout]


def small_config(core="vivit", readout="gaussian", **flags):
    """A ModelConfig of flags spelled as on the command line; vivit and fcnn are made small."""
    values = {"core": core, "readout": readout} | SMALL.get(core, {}) | flags
    return model_from_values(values, cores=CORES, readouts=READOUTS)


def small_model(core="vivit", readout="gaussian", *, shapes=SHAPES, as_published=False, **flags):
    """A model of mice A and B with seeded weights, in eval mode."""
    torch.manual_seed(0)
    coordinates = {m: torch.randn(n, 3) * 100 for m, n in NUM_NEURONS.items()}
    config = small_config(core, readout, **flags)
    model = Model(config, shapes=shapes, coordinates=coordinates, as_published=as_published)
    return model.eval()


def small_inputs(*, seed=0, num_batch=2, num_frames=20, shapes=SHAPES):
    """Keyword arguments of `Model.forward` for mouse A."""
    generator = torch.Generator().manual_seed(seed)
    channels, _, height, width = shapes.video

    def draw(*shape):
        return torch.randn(num_batch, *shape, generator=generator)

    return {
        "inputs": draw(channels, num_frames, height, width),
        "mouse_id": "A",
        "behaviors": draw(shapes.num_behaviors, num_frames),
        "pupil_centers": draw(shapes.num_pupils, num_frames),
    }


def relative_error(found, expected):
    """Largest difference relative to the largest expected value (the tolerance of the specs)."""
    assert found.shape == expected.shape
    assert torch.isfinite(found).all()
    difference = (found - expected).detach().abs().max()
    return float(difference / expected.detach().abs().max().clamp(min=1e-12))


def gradients_of(model):
    """{name: gradient} of the parameters that have one that is not zero throughout."""
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {name: gradient for name, gradient in found.items() if bool((gradient != 0).any())}
