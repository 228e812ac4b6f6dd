"""Parts of responses: some frames, some neurons, with gradients to the movie where wanted."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viv1t.insilico.pieces import Clips, Pieces
from viv1t.insilico.places import places_read
from viv1t.model.model import Model

logger = logging.getLogger(__name__)


class Engine:
    """Asks a model for parts of responses, and keeps what later questions can use.

    Causal ViViT cores are computed in pieces (`pieces.Pieces`), equal to whole predictions up to
    rounding. Other cores compute whole movies, causal ones up to the last frame that is asked for;
    a line says so once.

    Memory besides the model, for cores in pieces: from call to call at most
    `pieces.windows.max_bytes` + `pieces.pasts.max_bytes` (256 MB + 2 GB); in a call, the tokens of
    the different windows of its movies (0.26 MB each at the default size), and three times the
    features of the frames that are asked for (0.26 MB a frame).

    Attributes:
        model: in eval mode; when its weights change, what was kept is forgotten.
        pieces: None if the core cannot be computed in pieces.
    """

    def __init__(
        self, model: Model, *, autocast: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        """Ask `model`, whose core computes within `autocast()`."""
        self.model = model
        self.pieces: Pieces | None = None
        core = model.core.incremental()
        if core is not None:
            self.pieces = Pieces(core)
        self._autocast = autocast
        self._is_reported = False

    @property
    def num_frames_lost(self) -> int:
        """Frames at the start of a movie that have no responses."""
        max_frames = self.model.shapes.max_frames
        return max_frames - self.model.num_frames_out(max_frames)

    def responses(
        self, clips: Clips, *, frames: slice, neurons: NDArray[np.int64] | None = None
    ) -> Tensor:
        """Responses (b, n, k), in model units, of some neurons to k frames of each movie.

        Args:
            clips: transformed movies, on any device.
            frames: first and last + 1; none before `num_frames_lost`.
            neurons: rows of n neurons; None: all.
        """
        device = next(self.model.parameters()).device
        asked = clips.frames(frames).to(device)
        # What is kept must serve gradients later, also if the caller is in inference mode.
        with torch.inference_mode(False), torch.no_grad():
            if self.pieces is None:
                self._report_plain()
                stop = frames.stop if self.model.core.causal else clips.video.shape[2]
                features = self._features(clips.frames(slice(0, stop)).to(device))
                first = features.shape[2] - (stop - frames.start)
                features = features[:, :, first : first + frames.stop - frames.start]
            else:
                places = self._places(asked, neurons)
                with self._autocast():
                    features = self.pieces.features(clips, frames=frames, places=places)
            return self._read_out(features, asked, neurons)

    def respond(
        self, lead: Clips, clips: Clips, *, neurons: NDArray[np.int64] | None = None
    ) -> Tensor:
        """Responses (b, n, t), in model units, to movies after a lead; gradients reach `clips`.

        Weights get no gradient. Memory for the backward pass at the default size: 3 GB for 30
        frames and all places, half of it for a few neurons.

        Args:
            lead: one movie of equal frames, at least `num_frames_lost`; for models that look ahead
                the movie is taken to end with the last frame of `clips`.
            clips: what follows, transformed, on the device of the model.
            neurons: rows of n neurons; None: all.
        """
        with _without_weights(self.model):
            if self.pieces is None:
                self._report_plain()
                features = self._features(lead.followed_by(clips))[:, :, -clips.video.shape[2] :]
            else:
                with torch.no_grad():
                    places = self._places(clips, neurons)
                with self._autocast():
                    features = self.pieces.continued(lead, clips, places=places)
            return self._read_out(features, clips, neurons)

    def _features(self, clips: Clips) -> Tensor:
        with self._autocast():
            return self.model.features(
                clips.video,
                mouse_id=clips.mouse_id,
                behaviors=clips.behaviors,
                pupil_centers=clips.pupil_centers,
            )

    def _places(self, clips: Clips, neurons: NDArray[np.int64] | None) -> Tensor:
        return places_read(
            self.model,
            clips.mouse_id,
            neurons,
            behaviors=clips.behaviors,
            pupil_centers=clips.pupil_centers,
        )

    def _read_out(
        self, features: Tensor, clips: Clips, neurons: NDArray[np.int64] | None
    ) -> Tensor:
        responses = self.model.read_out(
            features.to(clips.video.dtype),
            mouse_id=clips.mouse_id,
            behaviors=clips.behaviors,
            pupil_centers=clips.pupil_centers,
            activate=True,
        )
        return responses if neurons is None else responses[:, neurons]

    def _report_plain(self) -> None:
        if not self._is_reported:
            self._is_reported = True
            logger.info(
                "this core cannot be computed in pieces (only vivit with "
                "--core_use_causal_attention can): predicting whole movies, which is slower"
            )


@contextmanager
def _without_weights(model: nn.Module) -> Iterator[None]:
    """No gradient to the weights from what is computed inside."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
