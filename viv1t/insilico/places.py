"""Where the neurons read: the places of the feature map that responses depend on."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viv1t.errors import ConfigError
from viv1t.model.model import Model
from viv1t.names import MouseId


def places_read(
    model: Model,
    mouse_id: MouseId,
    neurons: NDArray[np.int64] | None,
    *,
    behaviors: Tensor,
    pupil_centers: Tensor,
) -> Tensor:
    """Places (p,) int64, ascending, row-major over the feature map, which some neurons read.

    A readout that interpolates needs the four places around each point, and the shifter moves
    points from frame to frame. All places for readouts without positions.

    Args:
        model: core, readouts and shifters.
        mouse_id: whose neurons.
        neurons: rows of them; None: all places.
        behaviors: (b, k, t) of the frames in question, transformed.
        pupil_centers: (b, p, t), likewise.
    """
    _, _, height, width = model.core.output_shape
    everywhere = torch.arange(height * width)
    if neurons is None:
        return everywhere
    with torch.no_grad():
        try:
            points = model.readout(mouse_id).positions()[torch.from_numpy(neurons)]
        except ConfigError:
            return everywhere
        shifts = model.shifts(mouse_id=mouse_id, behaviors=behaviors, pupil_centers=pupil_centers)
        if shifts is not None:
            points = points + shifts.mT.reshape(-1, 1, 2)
    size = torch.tensor([width, height], device=points.device)
    corner = ((points.reshape(-1, 2) + 1) / 2 * (size - 1)).floor().long()
    corners = torch.cat(
        [corner + corner.new_tensor(step) for step in ((0, 0), (0, 1), (1, 0), (1, 1))]
    )
    corners = corners[((corners >= 0) & (corners < size)).all(dim=1)]
    found = torch.unique(corners[:, 1] * width + corners[:, 0]).cpu()
    return found if len(found) else everywhere[:1]  # all look beyond the frame, and see zeros
