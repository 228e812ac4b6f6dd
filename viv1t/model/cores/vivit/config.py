"""Flags of `--core vivit`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from viv1t.config.flags import check, flag
from viv1t.config.schema import CoreConfig
from viv1t.model.layers.activations import ActivationName, FeedForwardName
from viv1t.model.layers.behaviors import BehaviorMode
from viv1t.model.layers.norms import NormName

VIVIT_OPTIM: Mapping[str, Any] = MappingProxyType(
    {"lr": 0.0073, "core_lr": 0.0126, "weight_decay": 0.6893, "core_weight_decay": 0.0783}
)
POSITIVE = (
    "spatial_patch_size",
    "spatial_patch_stride",
    "temporal_patch_size",
    "temporal_patch_stride",
    "num_heads",
    "emb_dim",
    "head_dim",
    "ff_dim",
)
NOT_NEGATIVE = ("reg_tokens", "spatial_depth", "temporal_depth")
RATES = ("p_dropout", "mha_dropout", "ff_dropout", "drop_path")


@dataclass(frozen=True, kw_only=True)
class ViViTConfig(CoreConfig):
    """A factorised video transformer: attention within each frame, then over time."""

    optim_defaults: ClassVar[Mapping[str, Any]] = VIVIT_OPTIM

    behavior_mode: BehaviorMode = flag(
        2, help="channels added to the movie: 0 none, 1 behaviour, 2 behaviour and pupil centre"
    )
    patch_mode: Literal[0, 1] = flag(
        0, help="how patches are cut: 0 unfold, 1 one-hot convolution (same numbers, slower)"
    )
    pad_frame: int = flag(
        1, help="pad the movie with zeros so that no frame or pixel is lost; 0: no"
    )
    pos_encoding: Literal[0, 1, 2, 3, 4, 5, 6, 7] = flag(
        5,
        help="0 none, 1 learnt, 2 learnt space + time, 3 learnt space + sinusoidal time, "
        "4 sinusoidal, 5 rotary, 6 learnt space + rotary time, 7 2-D sinusoidal + rotary time",
    )
    reg_tokens: int = flag(24, help="register tokens at the end of each sequence")
    spatial_patch_size: int = flag(7, help="edge of a patch in pixels")
    spatial_patch_stride: int = flag(2, help="pixels between patches")
    spatial_depth: int = flag(14, help="spatial transformer blocks")
    temporal_patch_size: int = flag(13, help="frames of a patch")
    temporal_patch_stride: int = flag(1, help="frames between patches")
    temporal_depth: int = flag(14, help="temporal transformer blocks")
    num_heads: int = flag(2, help="attention heads")
    emb_dim: int = flag(112, help="length of a token")
    head_dim: int = flag(80, help="length of queries, keys and values of one head")
    ff_dim: int = flag(224, help="hidden units of the feed-forward layers")
    ff_activation: FeedForwardName = flag("relu", help="activation of the feed-forward layers")
    use_causal_attention: bool = flag(False, help="a frame attends only to itself and earlier ones")
    p_dropout: float = flag(0.17, help="probability that a token is dropped")
    mha_dropout: float = flag(0.04, help="dropout of the attention output")
    ff_dropout: float = flag(0.21, help="dropout in the feed-forward layers")
    drop_path: float = flag(0.43, help="probability that a residual branch is dropped")
    activation: ActivationName = flag("none", help="activation of the core's output")
    parallel_attention: bool = flag(
        True, help="attention and feed-forward side by side; off: one after the other"
    )
    flash_attention: Literal[0, 1] = flag(1, help="1 fused attention kernel, 0 step by step")
    norm: NormName = flag("layernorm", help="norm of tokens and blocks")
    patch_contrast: float | None = flag(
        None,
        help="tell tokens the log contrast of their patch, which its norm hides; the value is "
        "added to the variance of patches (that of the movie is 1), so that flat ones are not "
        "all noise; none: as published",
    )
    norm_qk: bool = flag(False, help="norm queries and keys")
    fast: Literal[0, 1] = flag(
        1, help="1 faster paths, equal to rounding; 0 the plain ones, step by step"
    )

    def __post_init__(self) -> None:
        for name in POSITIVE:
            value = getattr(self, name)
            check(value >= 1, f"--core_{name} must be at least 1, got {value}")
        for name in NOT_NEGATIVE:
            value = getattr(self, name)
            check(value >= 0, f"--core_{name} must not be negative, got {value}")
        for name in RATES:
            value = getattr(self, name)
            check(0 <= value < 1, f"--core_{name} must be in [0, 1), got {value}")
        check(
            self.patch_contrast is None or (self.patch_contrast > 0 and self.norm != "dyt"),
            f"--core_patch_contrast must be above 0, and --core_norm layernorm or rmsnorm, got "
            f"{self.patch_contrast} and {self.norm}",
        )
        rotary = self.pos_encoding in (5, 6, 7)
        check(
            not rotary or self.head_dim % 2 == 0,
            f"--core_head_dim must be even for rotary positions (--core_pos_encoding "
            f"{self.pos_encoding}), got {self.head_dim}",
        )
        divisor = {3: 2, 4: 2, 7: 4}.get(self.pos_encoding, 1)
        check(
            self.emb_dim % divisor == 0,
            f"--core_emb_dim must be a multiple of {divisor} for --core_pos_encoding "
            f"{self.pos_encoding}, got {self.emb_dim}",
        )
