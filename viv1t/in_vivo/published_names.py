"""The stimuli of the published sessions, told by their names."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from viv1t.data.arrays import read_array
from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.manifest import RigTiming
from viv1t.names import MouseId
from viv1t.units import FPS

PUBLISHED_TIMING: Final = RigTiming(fps=FPS, stimulus=30)
LOW, HIGH = 0.05, 1.0
# Gratings CMnnn of (mouse, day): numbers of low centre, iso, cross, high centre, iso, cross, two
# directions each. The published list of mouse L, day 4, has 003 for the low cross, an error.
GRATINGS: Final[Mapping[tuple[MouseId, int], tuple[tuple[int, int], ...]]] = MappingProxyType(
    {
        ("K", 2): ((0, 4), (1, 5), (2, 6), (8, 12), (9, 13), (10, 14)),
        ("L", 2): ((4, 12), (5, 13), (6, 14), (20, 28), (21, 29), (22, 30)),
        ("M", 2): ((0, 3), (1, 4), (2, 5), (6, 9), (7, 10), (8, 11)),
        ("N", 2): ((0, 3), (1, 4), (2, 5), (6, 9), (7, 10), (8, 11)),
    }
)
_SIX: Final = tuple(
    (contrast, kind) for contrast in (LOW, HIGH) for kind in ("centre", "iso", "cross")
)
# Number of GCSnnn: surround and its motion, of a grating centre; odd excite, even inhibit.
_AROUND_GRATING: Final = (
    ("none", "none"),
    *(2 * (("grating", "dynamic"),)),
    *(2 * (("natural", "dynamic"),)),
    *(2 * (("generated", "dynamic"),)),
)
# The same of CSnnn, of a natural static centre.
_AROUND_NATURAL: Final = (
    ("none", "none"),
    *(2 * (("natural", "static"),)),
    *(2 * (("natural", "dynamic"),)),
    *(2 * (("generated", "static"),)),
    *(2 * (("generated", "dynamic"),)),
)
_NAME: Final = re.compile(r"(CM|GCS|CS|FF)(\d{3})(?:_N(\d+))?")
_COLUMNS: Final = (
    *("stimulus", "neuron", "centre", "surround", "centre_motion", "surround_motion", "goal"),
    *("contrast", "kind", "direction"),
)


def published_conditions(
    names: Sequence[str], *, mouse_id: MouseId, day: int, path: Path
) -> pd.DataFrame:
    """`session.Session.conditions` of stimuli with published names.

    CMnnn are gratings with surrounds (those that the published analyses leave out have no kind),
    GCSnnn_Nx a grating centre of neuron x, CSnnn_Nx a natural static centre, CSnnn the same of the
    population, FFnnn full-field stimuli, of which the names do not say what they are.

    Args:
        names: of the stimuli.
        mouse_id: whose gratings.
        day: likewise.
        path: of the file that names them, for messages.

    Raises:
        DataError: a name is none of these.
    """
    gratings = {
        number: (*_SIX[place], float(180 * second))
        for place, pair in enumerate(GRATINGS.get((mouse_id, day), ()))
        for second, number in enumerate(pair)
    }
    rows = []
    for name in names:
        found = _NAME.fullmatch(name)
        number = int(found[2]) if found else -1
        known = {"GCS": len(_AROUND_GRATING), "CS": len(_AROUND_NATURAL)}
        if found is None or number >= known.get(found[1], 1000):
            raise DataError(
                f"{path}: unknown stimulus {name!r}; published names are CMnnn, GCSnnn_Nxxx "
                "(000-006), CSnnn_Nxxx, CSnnn (000-008) and FFnnn: others need a session.yaml"
            )
        neuron = int(found[3]) if found[3] else -1
        goal = "none" if number == 0 else ("excite" if number % 2 else "inhibit")
        about: tuple[float, str, float] = (np.nan, "", np.nan)
        if found[1] == "CM":
            about = gratings.get(number, about)
            surround = "none" if about[1] in ("centre", "") else "grating"
            role = ("grating", surround, "dynamic", _motion(surround), "none")
        elif found[1] == "GCS":
            role = ("grating", *_split(_AROUND_GRATING[number], "dynamic"), goal)
        elif found[1] == "CS":
            role = ("natural", *_split(_AROUND_NATURAL[number], "static"), goal)
        else:
            role = ("none", "none", "none", "none", "none")
        rows.append((name, neuron, *role, *about))
    return (
        pd.DataFrame(rows, columns=list(_COLUMNS))
        .assign(contrast_matched=False, seed=-1, converged=True, library="published")
        .assign(value=np.nan, rms=np.nan)
    )


def read_published_blocks(path: Path) -> tuple[tuple[str, ...], ...]:
    """The names (trial, block) in a published file.

    Raises:
        DataError: it holds no text of two axes.
    """
    values = read_array(path)
    if values.ndim != 2 or values.dtype.kind not in "US":
        raise DataError(
            f"{path} should hold text (trial, block), found {values.dtype} {values.shape}"
        )
    return tuple(tuple(str(name) for name in trial) for trial in values.astype(np.str_))


def animal_of(folder_name: str) -> str:
    """The animal in the name of a published folder: what stands before the field of view."""
    return folder_name.split("_FOV")[0]


def _motion(surround: str) -> str:
    return "none" if surround == "none" else "dynamic"


def _split(surround: tuple[str, str], centre_motion: str) -> tuple[str, str, str]:
    """(surround, centre_motion, surround_motion)."""
    return surround[0], centre_motion, surround[1]
