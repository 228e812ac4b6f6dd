"""Published checkpoints of stimuli, taken into a library."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.library import (
    POPULATION,
    Library,
    library_folder,
    read_library,
    write_library,
)
from viv1t.most_exciting_stimulus.published import (
    load_checkpoint,
    presentation_mask,
    response_stats,
)
from viv1t.units import GREY

PREFIX: Final = "predict_"
PUBLISHED_BLANK: Final = 135
_ORIGINS: Final = ("natural", "grating", "generated")
_MOTIONS: Final = re.compile("(static|dynamic)_center_(static|dynamic)_surround")


def adopt_checkpoint(output_dir: Path, input_dir: Path) -> Library:
    """The library, of one stimulus, into which a published ckpt.pt was copied.

    Its name is predict_ and the path of the folder with underscores for slashes, as published.
    What the stimulus shows is told from the published names of the folders, see `kind_of_folder`;
    its contrast is that of the pixels which are not grey throughout.

    Args:
        output_dir: the folder of results that gets the library.
        input_dir: the file, or the folder that holds it.

    Raises:
        MissingResultError: there is no such file.
        DataError: it is damaged, or tells no frames of the stimulus.
    """
    input_dir = Path(input_dir)
    values = load_checkpoint(input_dir)
    folder = (input_dir if input_dir.is_dir() else input_dir.parent).resolve()
    video = values["video"].squeeze(0).numpy()
    mask = values.get("presentation_mask")
    if mask is None:
        mask = presentation_mask(PUBLISHED_BLANK, max(len(video) - 2 * PUBLISHED_BLANK, 0))
    mask = np.asarray(mask)
    if video.ndim != 3 or len(mask) != len(video) or not mask.any():
        raise DataError(
            f"{folder} holds a video of shape {video.shape} and a presentation mask of "
            f"{len(mask)} frames; expected (t, h, w) and as many, some of which are on"
        )
    frames = video[mask > 0]
    shown = frames[:, (frames != GREY).any(axis=0)]
    response = values["response"].numpy()
    of_neurons = response if response.ndim == 1 else response.mean(axis=0)
    row = kind_of_folder(folder) | {
        "stimulus": folder.name,
        "neuron": int(values.get("neuron", POPULATION)),
        "value": response_stats(of_neurons, mask)[1],
        "rms": float(shown.std()) if shown.size else 0.0,
        "mean": float(shown.mean()) if shown.size else float(GREY),
        "centre_x_px": np.nan,
        "centre_y_px": np.nan,
        "converged": False,
        "source": str(folder),
    }
    target = library_folder(output_dir, PREFIX + "_".join(folder.parts[1:]))
    method = {"input_dir": str(folder), "step": int(values["step"])}
    mouse_id = str(values["mouse"])
    write_library(target, mouse_id, pd.DataFrame([row]), frames[None], method=method)
    return read_library(target, [mouse_id])


def kind_of_folder(folder: Path) -> dict[str, object]:
    """Columns of a library, as far as the published names of folders tell them.

    Args:
        folder: such as .../natural_center/static_center_dynamic_surround/001/mouseA/neuron0001/
            most_exciting, or .../full_field/dynamic/001/mouseA/most_inhibiting.
    """
    parts = folder.parts
    kind: dict[str, object] = {"goal": "inhibit" if "inhibiting" in folder.name else "excite"}
    if "full_field" in parts:
        motion = "static" if "static" in parts else "dynamic"
        return kind | {"centre": "full_generated", "centre_motion": motion}
    centre = next((name for name in _ORIGINS if f"{name}_center" in parts), None)
    motions = next(filter(None, map(_MOTIONS.fullmatch, parts)), None)
    if centre is None or motions is None:
        return kind
    kind |= {"centre": centre, "centre_motion": motions[1]}
    if folder.name != "center":
        kind |= {"surround": "generated", "surround_motion": motions[2]}
    return kind
