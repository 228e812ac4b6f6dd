"""The video vision transformer of ViV1T: flags, tokenizer, blocks and core."""

from viv1t.model.cores.vivit.config import ViViTConfig
from viv1t.model.cores.vivit.core import ViViTCore

__all__ = ["ViViTConfig", "ViViTCore"]
