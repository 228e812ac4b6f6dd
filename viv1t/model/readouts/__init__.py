"""Readouts: what each mouse has for itself. Importing this package registers them."""

from viv1t.model.readouts import factorized, gaussian, linear, random  # noqa: F401
from viv1t.model.readouts.base import READOUTS, Readout

__all__ = ["READOUTS", "Readout"]
