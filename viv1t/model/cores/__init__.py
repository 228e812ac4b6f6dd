"""Cores: what all mice share. Importing this package registers them."""

from viv1t.model.cores import fcnn, linear, random, vivit  # noqa: F401
from viv1t.model.cores.base import CORES, Core

__all__ = ["CORES", "Core"]
