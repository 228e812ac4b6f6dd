"""The configuration of a run: each flag of `train.py` has its one home in a field.

Flags of a core or readout stand in `viv1t/model/cores` and `viv1t/model/readouts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from viv1t.config.flags import check, flag

DEFAULT_OPTIM: Mapping[str, Any] = MappingProxyType(
    {"lr": 0.001, "core_lr": None, "weight_decay": 0.0, "core_weight_decay": 0.0}
)


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """What all cores share. Subclasses add their flags, spelled `--core_<field>`."""

    optim_defaults: ClassVar[Mapping[str, Any]] = DEFAULT_OPTIM

    reg_scale: float = flag(0.0, help="weight of the L1 penalty on the core; 0 is as published")


@dataclass(frozen=True, kw_only=True)
class ReadoutConfig:
    """What all readouts share. Subclasses add their flags, spelled `--readout_<field>`."""

    reg_scale: float = flag(0.0, help="weight of the L1 penalty on each readout; 0 is as published")


@dataclass(frozen=True, kw_only=True)
class ShifterConfig:
    """The MLP that moves a readout with the eye; flags are spelled `--shifter_<field>`."""

    layers: int = flag(3, help="linear layers of the shifter")
    size: int = flag(5, help="hidden units of the shifter")
    reg_scale: float = flag(0.0, help="weight of the L1 penalty on each shifter; 0 is as published")

    def __post_init__(self) -> None:
        check(self.layers >= 1, f"--shifter_layers must be at least 1, got {self.layers}")
        check(self.size >= 1, f"--shifter_size must be at least 1, got {self.size}")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Core, readouts, shifters and output of a model."""

    core: CoreConfig
    readout: ReadoutConfig
    shifter: ShifterConfig = ShifterConfig()
    shifter_mode: Literal[0, 1, 2] = flag(
        1, help="what moves the readouts: 0 nothing, 1 pupil centre, 2 behaviour and pupil centre"
    )
    output_mode: Literal[0, 1, 2, 3, 4] = flag(
        1, help="output non-linearity: 0 none, 1 ELU + 1, 2 exp, 3 learnable softplus, 4 sigmoid"
    )
    autocast: Literal["auto", "disable", "enable"] = flag(
        "auto", help="bfloat16 in the core on CUDA devices that have it"
    )
    grad_checkpointing: Literal[0, 1] = flag(
        0, help="1: recompute activations in the backward pass to save memory (vivit)"
    )
    compile: bool = flag(False, help="compile the core with torch.compile")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which recordings are read, and how they are transformed and batched."""

    data_dir: Path = flag(Path("data"), help="folder that holds the recordings and mice.yaml")
    mouse_ids: tuple[str, ...] | None = flag(
        None, help="mice to use; none: all of mice.yaml, else those of A-J on disk"
    )
    transform_input: Literal[0, 1, 2] = flag(
        1, help="video, behaviour and pupil: 0 as they are, 1 standardise, 2 scale to 0..1"
    )
    transform_output: Literal[0, 1, 2] = flag(
        1, help="responses: 0 clip at 0, 1 divide by their std, 2 scale to 0..1 (forces sigmoid)"
    )
    center_crop: float = flag(1.0, help="share of the frame that is kept around its centre (0..1]")
    limit_data: int | None = flag(None, help="training trials per mouse; none: all")
    limit_neurons: int | None = flag(None, help="neurons per mouse; none: all")
    num_workers: int = flag(
        2, help="worker processes that load; unless given none, but a thread if not on a CPU"
    )
    batch_size: int = flag(1, help="trials per mouse in one step")
    micro_batch_size: int = flag(
        0, help="trials per forward pass; 0: found by trial on CUDA, else the batch size"
    )
    crop_frame: int = flag(300, help="frames of a training trial, cut at random; -1: all")

    def __post_init__(self) -> None:
        check(0 < self.center_crop <= 1, f"--center_crop must be in (0, 1], got {self.center_crop}")
        check(self.batch_size >= 1, f"--batch_size must be at least 1, got {self.batch_size}")
        check(
            0 <= self.micro_batch_size <= self.batch_size,
            f"--micro_batch_size must be between 0 and --batch_size ({self.batch_size}), "
            f"got {self.micro_batch_size}",
        )
        check(self.num_workers >= 0, f"--num_workers must be 0 or more, got {self.num_workers}")
        check(
            self.crop_frame == -1 or self.crop_frame >= 1,
            f"--crop_frame must be -1 (all frames) or positive, got {self.crop_frame}",
        )
        for name in ("limit_data", "limit_neurons"):
            value = getattr(self, name)
            check(value is None or value >= 1, f"--{name} must be at least 1, got {value}")
        ids = self.mouse_ids or ()
        check(len(set(ids)) == len(ids), f"--mouse_ids names a mouse twice: {' '.join(ids)}")


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimiser, loss and clipping. Defaults of the first four depend on the core."""

    lr: float = flag(0.001, help="learning rate")
    core_lr: float | None = flag(None, help="learning rate of the core; none: --lr; 0: frozen")
    weight_decay: float = flag(0.0, help="weight decay")
    core_weight_decay: float | None = flag(
        0.0, help="weight decay of the core; none: --weight_decay"
    )
    adam_beta1: float = flag(0.9, help="AdamW beta1")
    adam_beta2: float = flag(0.999, help="AdamW beta2")
    adam_eps: float = flag(1e-8, help="AdamW epsilon")
    schedule_free: bool = flag(
        False, help="schedule-free AdamW instead of AdamW + plateau schedule"
    )
    adam_warmup_steps: int = flag(400, help="warm-up steps (schedule-free)")
    adam_r: float = flag(0.0, help="power of the weight average (schedule-free)")
    adam_weight_lr_power: float = flag(2.0, help="power of the lr in the average (schedule-free)")
    criterion: str = flag("poisson", help="training loss, by its registered name")
    ds_scale: Literal[0, 1] = flag(1, help="1: weigh each mouse by its number of training trials")
    clip_grad: float = flag(
        -1.0, help="gradient norm: -1 AutoClip (10 % quantile of the past), 0 no clipping, >0 limit"
    )

    def __post_init__(self) -> None:
        check(self.lr >= 0, f"--lr must not be negative, got {self.lr}")
        check(
            self.clip_grad == -1 or self.clip_grad >= 0,
            f"--clip_grad must be -1, 0 or positive, got {self.clip_grad}",
        )


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long, where and how reproducibly a run trains."""

    epochs: int = flag(400, help="epochs at most")
    seed: int = flag(1234, help="seed of all random numbers")
    deterministic: bool = flag(False, help="refuse operations that are not deterministic (slower)")
    device: str = flag("", help="cpu, cuda or mps; empty: cuda, else mps, else cpu")
    restore: Path | None = flag(None, help="run whose weights, all of them, training starts from")
    pretrained_core: Path | None = flag(None, help="run whose core training starts from")

    def __post_init__(self) -> None:
        check(self.epochs >= 1, f"--epochs must be at least 1, got {self.epochs}")
        check(
            self.restore is None or self.pretrained_core is None,
            "--restore starts from all weights of a run and --pretrained_core from its core: "
            "give one of them",
        )


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """Where results go and who mirrors them."""

    output_dir: Path = flag(help="run folder, for example runs/001_viv1t")
    clear_output_dir: bool = flag(
        False, help="start afresh: remove what an earlier run made in --output_dir"
    )
    verbose: Literal[0, 1, 2, 3] = flag(
        1, help="0 quiet, 1 a line an epoch, 2 progress bars, 3 and the model summary"
    )
    wandb: str | None = flag(None, help="mirror to Weights & Biases, in this group")
    wandb_id: str | None = flag(None, help="W&B run id to continue")
    wandb_project: str | None = flag(None, help="W&B project; none: $WANDB_PROJECT, else viv1t")
    wandb_entity: str | None = flag(None, help="W&B entity; none: $WANDB_ENTITY, else your default")
    tensorboard: bool = flag(False, help="mirror to TensorBoard, in <output_dir>/tensorboard")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All that `train.py` was told. Nothing found at run time ever enters it."""

    data: DataConfig
    model: ModelConfig
    optim: OptimConfig
    loop: LoopConfig
    log: LogConfig

    def __post_init__(self) -> None:
        check(
            self.data.transform_output != 2 or self.model.output_mode in (0, 4),
            f"--transform_output 2 scales responses to 0..1 and needs --output_mode 4 (or 0), "
            f"got {self.model.output_mode}",
        )


# The flat parts of a run: all but the model's core, readout and shifter, which have prefixes.
PARTS: tuple[tuple[str, type], ...] = (
    ("data", DataConfig),
    ("optim", OptimConfig),
    ("loop", LoopConfig),
    ("log", LogConfig),
)
