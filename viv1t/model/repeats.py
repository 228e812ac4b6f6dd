"""Movies shown several times in turn: what cannot differ between presentations, computed once."""

import torch
from torch import Tensor

from viv1t.model.model import Model
from viv1t.names import MouseId


class RepeatedMovies:
    """A model, asked movie after movie, that remembers the latest one.

    A core that takes nothing but the movie gives the same features at every presentation, and a
    readout that sees nothing but features the same responses. All other models, and all in
    training mode, compute each time. One movie's features are kept in memory.

    Weights must not change between calls: make a new one for each tier or call of `predict`.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._inputs: Tensor | None = None
        self._features: Tensor | None = None
        self._responses: dict[MouseId, Tensor] = {}

    def __call__(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """As `Model.forward`, activated."""
        signals = {"behaviors": behaviors, "pupil_centers": pupil_centers}
        features = self.features(inputs, mouse_id=mouse_id, **signals)
        return self.read_out(features, mouse_id=mouse_id, **signals)

    def features(
        self, inputs: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """As `Model.features`."""
        if self._features is None or not self._is_known(inputs):
            self._inputs, self._features, self._responses = None, None, {}
            features = self._model.features(
                inputs, mouse_id=mouse_id, behaviors=behaviors, pupil_centers=pupil_centers
            )
            sees_movie_only = getattr(self._model.core.config, "behavior_mode", None) == 0
            if not sees_movie_only or self._model.training:
                return features
            self._inputs, self._features = inputs, features
        return self._features

    def read_out(
        self, features: Tensor, *, mouse_id: MouseId, behaviors: Tensor, pupil_centers: Tensor
    ) -> Tensor:
        """As `Model.read_out`, for what `features` has just returned."""
        if features is self._features and mouse_id in self._responses:
            return self._responses[mouse_id]
        responses = self._model.read_out(
            features,
            mouse_id=mouse_id,
            behaviors=behaviors,
            pupil_centers=pupil_centers,
            activate=True,
        )
        if features is self._features and self._model.readout(mouse_id).sees_features_only:
            self._responses[mouse_id] = responses
        return responses

    def _is_known(self, inputs: Tensor) -> bool:
        known = self._inputs
        return known is not None and known.shape == inputs.shape and torch.equal(known, inputs)
