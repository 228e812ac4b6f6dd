"""Run folders of the published system: their args.yaml as our configuration.

Published state dicts need no translation: the keys of `Model` are theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from viv1t.batch import DataShapes
from viv1t.config.schema import ModelConfig
from viv1t.config.store import model_from_values
from viv1t.errors import CheckpointError
from viv1t.model.cores import CORES
from viv1t.model.readouts import READOUTS
from viv1t.names import MouseId

# Flags that old args files lack, with the values they had then.
OLD_DEFAULTS = (
    ("core_reg_tokens", 0),
    ("core_use_causal_attention", False),
    ("core_norm_qk", False),
)


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """What a published args.yaml says of its model.

    Attributes:
        config: flags of the model.
        shapes: of the data.
        num_neurons: of each mouse.
    """

    config: ModelConfig
    shapes: DataShapes
    num_neurons: Mapping[MouseId, int]

    def coordinates(self) -> dict[MouseId, Tensor]:
        """Zeros (n, 3) for each mouse: the true ones are unknown, weights hold what follows."""
        return {mouse_id: torch.zeros(n, 3) for mouse_id, n in self.num_neurons.items()}


def from_published(args: Mapping[str, Any], *, source: str) -> PublishedModel:
    """The model that a published args.yaml describes.

    Two flags that the published code ignored take the values that it used: blocks were always
    parallel, the factorised readout never had a bias.

    Args:
        args: content of the file.
        source: the file, for messages.

    Raises:
        CheckpointError: a shape is missing.
        ConfigError: a core or readout that does not exist here, or an impossible flag.
    """
    for name in ("core", "readout", "input_shapes", "output_shapes"):
        if not args.get(name):
            raise CheckpointError(
                f"{source} should say `{name}` and does not: it is not the args.yaml of a "
                "published run"
            )
    values = dict(OLD_DEFAULTS) | dict(args) | {"core_parallel_attention": True}
    if args["readout"] == "factorized":
        values["readout_bias_mode"] = 0
    if args.get("transform_output") == 2 and args.get("output_mode") != 0:
        values["output_mode"] = 4
    return PublishedModel(
        config=model_from_values(values, cores=CORES, readouts=READOUTS),
        shapes=_shapes(args, source=source),
        num_neurons={
            str(mouse_id): int(shape[0]) for mouse_id, shape in args["output_shapes"].items()
        },
    )


def _shapes(args: Mapping[str, Any], *, source: str) -> DataShapes:
    found = args["input_shapes"]
    video = tuple(int(size) for size in found.get("video") or ())
    if len(video) != 4:
        raise CheckpointError(
            f"{source}: `input_shapes: video` should be 4 numbers (c, t, h, w), found {video}"
        )
    channels, num_frames, height, width = video
    return DataShapes(
        video=(channels, num_frames, height, width),
        num_behaviors=int((found.get("behavior") or [0])[0]),
        num_pupils=int((found.get("pupil_center") or [0])[0]),
        max_frames=int(args.get("max_frame") or num_frames),
    )
