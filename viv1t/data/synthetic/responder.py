"""The ground truth, asked the way a trained model is asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from viv1t.data.mice import find_mice
from viv1t.data.synthetic.population import Population
from viv1t.data.synthetic.truth import load_truth, truth_path
from viv1t.errors import DataError
from viv1t.names import MouseId
from viv1t.registry import unknown_name


def load_population(data_dir: Path, mouse_id: MouseId) -> Population:
    """The population that made the recordings of `mouse_id`, rebuilt from its stored truth.

    Raises:
        DataError: `data_dir` has no such mouse, or it is no synthetic one.
    """
    mice = find_mice(Path(data_dir))
    if mouse_id not in mice:
        raise DataError(str(unknown_name("mouse", mouse_id, mice)))
    return Population(load_truth(mice[mouse_id].folder)).eval()


class PopulationModel(nn.Module):
    """Populations of several mice, called as a trained model is.

    Inputs are NOT transformed: grey values 0..255, behaviour and pupil in recorded units.

    Args:
        populations: mouse id -> population.
    """

    def __init__(self, populations: Mapping[MouseId, Population]) -> None:
        super().__init__()
        self.populations = nn.ModuleDict(populations)

    def forward(
        self,
        inputs: Tensor,
        *,
        mouse_id: MouseId,
        behaviors: Tensor | None = None,
        pupil_centers: Tensor | None = None,
        activate: bool = True,
    ) -> Tensor:
        """Noiseless responses (b, n, t) in recorded units; differentiable.

        Args:
            inputs: (b, 1, t, h, w).
            mouse_id: whose neurons.
            behaviors: (b, 2, t); None: the training-set mean.
            pupil_centers: (b, 2, t); None: the training-set mean.
            activate: False gives the logarithm of the responses.
        """
        if mouse_id not in self.populations:
            raise ValueError(str(unknown_name("mouse", mouse_id, self.populations)))
        rate = self.populations[mouse_id](inputs, behaviors=behaviors, pupil_centers=pupil_centers)
        return rate if activate else rate.log()


class SyntheticMouse:
    """The true populations of synthetic mice behind the interface of `DigitalTwin`.

    Responses are noiseless and in recorded units; t' = t.

    Args:
        populations: mouse id -> population.

    Attributes:
        model: the `PopulationModel`.
    """

    def __init__(self, populations: Mapping[MouseId, Population]) -> None:
        self.model = PopulationModel(populations).eval()
        self._populations = dict(populations)

    @classmethod
    def open(cls, data_dir: Path, mouse_ids: Sequence[MouseId] | None = None) -> "SyntheticMouse":
        """The truth behind the recordings in `data_dir`.

        Args:
            data_dir: folder with mice.yaml.
            mouse_ids: which mice; None: all synthetic ones.

        Raises:
            DataError: a mouse is missing or not synthetic.
        """
        if mouse_ids is None:
            mice = find_mice(Path(data_dir))
            mouse_ids = [m for m, mouse in mice.items() if truth_path(mouse.folder).is_file()]
        if not mouse_ids:
            raise DataError(
                f"no synthetic mouse in {data_dir}; make some with "
                f"python data/make_synthetic.py --data_dir {data_dir}"
            )
        populations = {mouse_id: load_population(data_dir, mouse_id) for mouse_id in mouse_ids}
        for population in populations.values():
            population.surround.each_frame_once = True
        return cls(populations)

    @property
    def mouse_ids(self) -> tuple[MouseId, ...]:
        """Names of the mice."""
        return tuple(self._populations)

    @property
    def video_shape(self) -> tuple[int, int]:
        """(h, w) of a frame in pixels."""
        return self._first.frame_shape

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._first.fps

    @property
    def _first(self) -> Population:
        return next(iter(self._populations.values()))

    def _population(self, mouse_id: MouseId) -> Population:
        if mouse_id not in self._populations:
            raise ValueError(str(unknown_name("mouse", mouse_id, self._populations)))
        return self._populations[mouse_id]

    def num_neurons(self, mouse_id: MouseId) -> int:
        """Number of neurons of `mouse_id`."""
        return self._population(mouse_id).num_neurons

    def neuron_coordinates(self, mouse_id: MouseId) -> np.ndarray:
        """(n, 3) float32 cortical positions in µm."""
        table = self._population(mouse_id).truth
        return table[["x_um", "y_um", "z_um"]].to_numpy(np.float32)

    @torch.inference_mode()
    def predict(
        self,
        video: ArrayLike | Tensor,
        mouse_id: MouseId,
        *,
        behavior: ArrayLike | Tensor | None = None,
        pupil_center: ArrayLike | Tensor | None = None,
        units: Literal["recorded", "model"] = "recorded",
        batch_size: int = 1,
        frames: slice | None = None,
        neurons: ArrayLike | None = None,
    ) -> np.ndarray:
        """Noiseless responses, float32 (n, t) for one movie (t, h, w), (b, n, t) for several.

        Args:
            video: grey values 0..255, (t, h, w) or (b, t, h, w).
            mouse_id: whose neurons.
            behavior: (2, t) or (b, 2, t), recorded units; None: the training-set mean.
            pupil_center: (2, t) or (b, 2, t), recorded units; None: the training-set mean.
            units: both are recorded units here.
            batch_size: movies at a time.
            frames: frames of the movie whose responses are wanted; None: all.
            neurons: rows of the neurons that are wanted, or a mask; None: all.

        Raises:
            ValueError: unknown mouse or units, or shapes that do not fit.
        """
        if units not in ("recorded", "model"):
            raise ValueError(f"units should be 'recorded' or 'model', got {units!r}")
        population = self._population(mouse_id)
        movies = torch.as_tensor(video).float()
        single = movies.ndim == 3
        movies = movies[None] if single else movies
        if movies.ndim != 4 or movies.shape[2:] != population.frame_shape:
            h, w = population.frame_shape
            raise ValueError(
                f"video should be (t, {h}, {w}) or (b, t, {h}, {w}), got {np.shape(video)}"
            )
        b, t = movies.shape[:2]
        behaviors = _state("behavior", behavior, (b, 2, t))
        pupils = _state("pupil_center", pupil_center, (b, 2, t))
        rates = [
            population(
                movies[i : i + batch_size, None],
                behaviors=None if behaviors is None else behaviors[i : i + batch_size],
                pupil_centers=None if pupils is None else pupils[i : i + batch_size],
            )
            for i in range(0, b, batch_size)
        ]
        result = torch.cat(rates).numpy()[..., slice(None) if frames is None else frames]
        result = result if neurons is None else result[:, np.atleast_1d(np.asarray(neurons))]
        return result[0] if single else result


def _state(
    name: str, values: ArrayLike | Tensor | None, shape: tuple[int, int, int]
) -> Tensor | None:
    """`values` (k, t) or (b, k, t) as a float32 tensor of `shape` (b, k, t)."""
    if values is None:
        return None
    tensor = torch.as_tensor(values).float()
    tensor = tensor[None] if tensor.ndim == 2 else tensor
    if tensor.ndim != 3 or tensor.shape[1:] != shape[1:] or len(tensor) not in (1, shape[0]):
        raise ValueError(f"{name} should be {shape[1:]} or {shape}, got {np.shape(values)}")
    return tensor.expand(shape)
