"""What is inside a twin: how many numbers, learned filters and positions, features of a movie."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from viv1t.errors import ConfigError
from viv1t.insilico.attention import clips_of
from viv1t.insilico.twin import DigitalTwin
from viv1t.model.cores.vivit.core import ViViTCore
from viv1t.model.cores.vivit.tokenizer import Tokenizer
from viv1t.model.model import Model
from viv1t.names import MouseId

ALL: Final = "all"


def count_parameters(model: Model) -> pd.DataFrame:
    """The numbers that make up a model: rows of blocks, of each part, and of the whole.

    Columns: part (core, shifters, readouts, output_activation, all), block (what repeats itself
    counts singly; "all": the sum), parameters, buffers (other numbers in checkpoints). The
    published counts are the sum of the two.

    Args:
        model: any.
    """
    trained = dict(model.named_parameters())
    blocks = sorted(_blocks(model), key=len, reverse=True)
    rows = []
    for name, tensor in model.state_dict().items():
        block = next(b for b in blocks if name == b or name.startswith(f"{b}."))
        size = (tensor.numel(), 0) if name in trained else (0, tensor.numel())
        rows.append((block.split(".")[0], block, *size))
    table = pd.DataFrame(rows, columns=["part", "block", "parameters", "buffers"])
    of_block = table.groupby(["part", "block"], sort=False).sum().reset_index()
    of_part = table.drop(columns="block").groupby("part", sort=False).sum().reset_index()
    numbers = ["parameters", "buffers"]
    whole = of_part[numbers].sum().to_frame().T.assign(part=ALL)
    return pd.concat(
        [of_block, of_part.assign(block=ALL), whole.assign(block=ALL)], ignore_index=True
    )


def _blocks(module: nn.Module, name: str = "") -> list[str]:
    """Names of the parts of a module: its lists are taken apart, what has no list is one part."""
    found = [name] if name else []
    lists = (nn.ModuleList, nn.ModuleDict)
    if not any(isinstance(part, lists) for part in module.modules()):
        return found
    for child, part in module.named_children():
        found += _blocks(part, f"{name}.{child}" if name else child)
    return found


def patch_filters(twin: DigitalTwin) -> NDArray[np.float32]:
    """(d, c, t, h, w): what each entry of a token weighs in a patch; c: movie, then behaviour.

    Weights of the linear layer times those of the norm before it; filters of the movie as it
    enters the model, before its mean is taken away.

    Args:
        twin: of a core that cuts patches.

    Raises:
        ConfigError: its core has no patches.
    """
    unfold = _tokenizer(twin).tokenizer
    (pt, ps), weights = unfold.patch, unfold.linear.weight.detach()
    gain = getattr(unfold.norm, "weight", None)
    if gain is not None:
        weights = weights * gain.detach()
    found: NDArray[np.float32] = weights.unflatten(1, (-1, pt, ps, ps)).cpu().numpy()
    return found


def learned_positions(twin: DigitalTwin) -> dict[str, NDArray[np.float32]]:
    """Learned embeddings of positions: "space" (h', w', d) and "time" (t', d), where there are any.

    Rotary and sinusoidal positions are not learned. Embeddings of places in space and time are
    averaged over the other axis.

    Args:
        twin: of a core that cuts patches.

    Raises:
        ConfigError: its core has no patches.
    """
    tokenizer = _tokenizer(twin)
    found: dict[str, Tensor] = {}
    for name, parameter in tokenizer.named_parameters(recurse=False):
        if name == "pos_embedding":
            found |= {"space": parameter[0].mean(dim=0), "time": parameter[0].mean(dim=1)}
        elif name == "spatial_pos_embedding":
            found["space"] = parameter[0, 0]
        elif name == "temporal_pos_embedding":
            found["time"] = parameter[0, :, 0]
    if "space" in found:
        found["space"] = found["space"].unflatten(0, tokenizer.grid)
    return {name: table.detach().cpu().numpy() for name, table in found.items()}


def core_outputs(
    twin: DigitalTwin,
    video: ArrayLike,
    mouse_id: MouseId,
    *,
    signals: Mapping[str, ArrayLike | None],
) -> NDArray[np.float32]:
    """Features (c, t', h, w) that the core makes of a movie; the last frames of both coincide.

    Args:
        twin: the model.
        video: (t, h, w) grey values.
        mouse_id: the mouse that watches.
        signals: "behavior" (k, t) and "pupil_center" (p, t) in recorded units; None: their means.

    Raises:
        ConfigError: an unknown mouse.
        DataError: an array of the wrong shape.
    """
    clips = clips_of(
        twin,
        video,
        mouse_id,
        behavior=signals["behavior"],
        pupil_center=signals["pupil_center"],
    )
    with torch.no_grad(), twin.autocast():
        features = twin.model.features(
            clips.video,
            mouse_id=mouse_id,
            behaviors=clips.behaviors,
            pupil_centers=clips.pupil_centers,
        )
    found: NDArray[np.float32] = features[0].float().cpu().numpy()
    return found


def _tokenizer(twin: DigitalTwin) -> Tokenizer:
    core = twin.model.core
    if not isinstance(core, ViViTCore):
        raise ConfigError(
            f"the core of this run ({type(core).__name__}) cuts no patches: name a run that was "
            "trained with --core vivit"
        )
    return core.tokenizer
