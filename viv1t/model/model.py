"""The model: a shared core; a readout, a shifter and an output non-linearity for each mouse."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from viv1t.batch import DataShapes
from viv1t.config.flags import check
from viv1t.config.schema import ModelConfig, OptimConfig
from viv1t.model.compiling import CompiledCore
from viv1t.model.cores import CORES, Core
from viv1t.model.layers.activations import build_output_activation
from viv1t.model.readouts import READOUTS, Readout
from viv1t.model.shifter import Shifter, shifter_inputs
from viv1t.names import MouseId

logger = logging.getLogger(__name__)

BFLOAT16_CAPABILITY = 8


class Model(nn.Module):
    """Responses of the neurons of a mouse to a movie, given its behaviour.

    Keys of the state_dict are the published ones. Children: `core`, `shifters` (a ModuleDict by
    mouse; None if off or if there is nothing to see for them), `readouts`, `output_activation`.

    Attributes:
        config: flags of the model.
        shapes: of the data.
        mouse_ids: in the order of `coordinates`.
        autocast: "auto", "disable" or "enable"; may be changed at any time.
        is_core_frozen: whether `freeze_core` was called.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        shapes: DataShapes,
        coordinates: Mapping[MouseId, Tensor],
        mean_responses: Mapping[MouseId, Tensor] | None = None,
        as_published: bool = False,
    ) -> None:
        """Build the model.

        Args:
            config: flags of the model.
            shapes: of the data.
            coordinates: of each mouse, (n, 3) in µm; their lengths are the numbers of neurons.
            mean_responses: of each mouse, (n,), the start of the readout biases; None: zeros.
            as_published: reproduce defects of the published code that change numbers.

        Raises:
            ConfigError: flags that cannot work with these shapes, or an impossible mouse id.
        """
        super().__init__()
        self.config = config
        self.shapes = shapes
        self.mouse_ids = tuple(coordinates)
        for mouse_id in self.mouse_ids:
            check(
                bool(mouse_id) and "." not in mouse_id and not hasattr(nn.ModuleDict, mouse_id),
                f"{mouse_id!r} cannot be the id of a mouse: use letters, digits, - and _",
            )
        self.autocast = config.autocast
        self.is_core_frozen = False
        self._compiled: CompiledCore | None = None
        self.core: Core = CORES.build(
            config.core,
            shapes=shapes,
            grad_checkpointing=bool(config.grad_checkpointing),
            as_published=as_published,
        )
        self.shifters = self._build_shifters()
        self.readouts = nn.ModuleDict(
            {
                mouse_id: READOUTS.build(
                    config.readout,
                    core_shape=self.core.output_shape,
                    coordinates=place,
                    mean_response=None if mean_responses is None else mean_responses[mouse_id],
                    as_published=as_published,
                    fast=bool(getattr(config.core, "fast", True)),
                )
                for mouse_id, place in coordinates.items()
            }
        )
        self.output_activation = nn.ModuleDict(
            {
                mouse_id: build_output_activation(config.output_mode, as_published=as_published)
                for mouse_id in self.mouse_ids
            }
        )

    def _build_shifters(self) -> nn.ModuleDict | None:
        config, shapes = self.config, self.shapes
        num_inputs = (0, shapes.num_pupils, shapes.num_behaviors + shapes.num_pupils)
        if num_inputs[config.shifter_mode] == 0:
            return None
        return nn.ModuleDict(
            {
                mouse_id: Shifter(config.shifter, num_inputs=num_inputs[config.shifter_mode])
                for mouse_id in self.mouse_ids
            }
        )

    def readout(self, mouse_id: MouseId) -> Readout:
        """The readout of a mouse.

        Raises:
            ValueError: the model does not know the mouse.
        """
        if mouse_id not in self.readouts:
            raise ValueError(f"the model has mice {', '.join(self.mouse_ids)}, not {mouse_id!r}")
        readout = self.readouts[mouse_id]
        assert isinstance(readout, Readout)
        return readout

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons of a mouse."""
        return self.readout(mouse_id).num_neurons

    def num_frames_out(self, num_frames: int) -> int:
        """Frames of responses to a movie of `num_frames` frames, aligned with its end."""
        return self.core.num_frames_out(num_frames)

    def _autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        if self.autocast == "disable" or device.type != "cuda":
            return nullcontext()
        if torch.cuda.get_device_capability(device)[0] < BFLOAT16_CAPABILITY:
            return nullcontext()
        return torch.autocast("cuda", dtype=torch.bfloat16)

    def features(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """Features of the core, (b, c', t', h', w'), in the dtype of `inputs`.

        Args:
            inputs: (b, c, t, h, w), transformed.
            mouse_id: the mouse that watched.
            behaviors: (b, k, t), transformed.
            pupil_centers: (b, p, t), transformed.
        """

        def run() -> Tensor:
            with self._autocast(inputs.device):
                features: Tensor = self.core(
                    inputs, mouse_id=mouse_id, behaviors=behaviors, pupil_centers=pupil_centers
                )
            return features.to(inputs.dtype)

        return run() if self._compiled is None else self._compiled(run)

    def compile_core(self) -> None:
        """Compile the core on its next call; go on without, after one line, if that fails."""
        self._compiled = CompiledCore(self.core)

    def shifts(
        self, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor | None:
        """Displacement of the gaze (b, 2, t) in grid units (x, y); None without shifters.

        Args:
            mouse_id: the mouse.
            behaviors: (b, k, t), transformed.
            pupil_centers: (b, p, t), transformed.
        """
        if self.shifters is None:
            return None
        mode = self.config.shifter_mode
        signals = shifter_inputs(mode, behaviors=behaviors, pupil_centers=pupil_centers)
        return self.shifters[mouse_id](signals)

    def forward(
        self,
        inputs: Tensor,
        *,
        mouse_id: MouseId,
        behaviors: Tensor,
        pupil_centers: Tensor,
        activate: bool = True,
    ) -> Tensor:
        """Responses (b, n, t'), t' <= t, aligned with the end of the movie.

        Args:
            inputs: (b, c, t, h, w), transformed.
            mouse_id: the mouse that watched.
            behaviors: (b, k, t), transformed.
            pupil_centers: (b, p, t), transformed.
            activate: apply the output non-linearity.

        Raises:
            ValueError: the model does not know the mouse.
        """
        self.readout(mouse_id)  # refuses an unknown mouse before the core computes
        signals = {"behaviors": behaviors, "pupil_centers": pupil_centers}
        features = self.features(inputs, mouse_id=mouse_id, **signals)
        return self.read_out(features, mouse_id=mouse_id, activate=activate, **signals)

    def read_out(
        self,
        features: Tensor,
        *,
        mouse_id: MouseId,
        behaviors: Tensor,
        pupil_centers: Tensor,
        activate: bool,
    ) -> Tensor:
        """Responses (b, n, t') to what the core made of a movie.

        Args:
            features: (b, c', t', h', w').
            mouse_id: the mouse that watched.
            behaviors: (b, k, t), transformed; the last t' frames count.
            pupil_centers: (b, p, t), transformed; likewise.
            activate: apply the output non-linearity.

        Raises:
            ValueError: the model does not know the mouse.
        """
        num_frames = features.shape[2]
        shifts = self.shifts(
            mouse_id=mouse_id,
            behaviors=behaviors[..., -num_frames:],
            pupil_centers=pupil_centers[..., -num_frames:],
        )
        responses = self.readout(mouse_id)(features, shifts=shifts)
        return self.output_activation[mouse_id](responses) if activate else responses

    def readout_positions_px(
        self, mouse_id: MouseId, *, mean_shift: Tensor | None = None
    ) -> Tensor:
        """(n, 2) pixel (x, y) in the frame at which each neuron reads, on the CPU.

        A position -1..1 maps to features with the corners aligned, a feature to the centre of its
        patch in the unpadded frame; pixel centres have whole numbers.

        Args:
            mouse_id: the mouse.
            mean_shift: (2,) mean displacement of the gaze (x, y) in grid units, for example the
                mean of `shifts` over training trials; None: no displacement.

        Raises:
            ConfigError: the readout has no positions.
        """
        grid = self.readout(mouse_id).positions().cpu()
        if mean_shift is not None:
            grid = grid + mean_shift.detach().cpu()
        _, _, height, width = self.core.output_shape
        index = (grid + 1) / 2 * (torch.tensor([width, height]) - 1)
        first, step = self.core.first_centre_px, self.core.centre_step_px
        return torch.tensor(first) + index * torch.tensor(step)

    def penalty(self, mouse_id: MouseId) -> Tensor:
        """L1 terms to add to the loss of a mouse, a scalar; zero with the default scales.

        It can always be differentiated, also where no term is left.
        """
        readout = self.readout(mouse_id)
        total = next(readout.parameters()).new_zeros((), requires_grad=True) + readout.penalty()
        if self.shifters is not None:
            shifter = self.shifters[mouse_id]
            assert isinstance(shifter, Shifter)
            total = total + shifter.penalty()
        return total if self.is_core_frozen else total + self.core.penalty()

    def freeze_core(self) -> None:
        """Stop training the core; call it when `--core_lr` is 0."""
        self.core.requires_grad_(False)
        self.is_core_frozen = True

    def param_groups(self, optim: OptimConfig) -> list[dict[str, Any]]:
        """Parameter groups of an optimiser: core, shifters, readouts, activation.

        Each has name, params, lr and weight_decay; weight decay covers every tensor in a group.
        Groups without parameters are left out.

        Args:
            optim: `core_lr` and `core_weight_decay` fall back to `lr` and `weight_decay`.
        """
        core_lr = optim.lr if optim.core_lr is None else optim.core_lr
        core_decay = optim.core_weight_decay
        core_decay = optim.weight_decay if core_decay is None else core_decay
        rest = (optim.lr, optim.weight_decay)
        groups = (
            ("core", self.core, core_lr, core_decay),
            ("shifters", self.shifters, *rest),
            ("readouts", self.readouts, *rest),
            ("activation", self.output_activation, *rest),
        )
        found = [
            {"name": name, "params": list(part.parameters()), "lr": lr, "weight_decay": decay}
            for name, part, lr, decay in groups
            if part is not None
        ]
        return [group for group in found if group["params"]]
