"""What is kept between questions: tokens of windows, and the past of movies that start alike.

Both are bounded in bytes; what was used longest ago goes first.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from viv1t.model.cores.vivit.incremental import KeysValues

logger = logging.getLogger(__name__)

WINDOW_BYTES: Final = 256 * 2**20
PAST_BYTES: Final = 2 * 2**30

# Of a frame of zeros that stands before the movie.
PADDING_KEY: Final = b"padding"


def frame_keys(video: Tensor, signals: Tensor) -> list[bytes]:
    """A hash of each frame of a movie, behaviour included; equal only if every bit is.

    Args:
        video: (c, t, h, w).
        signals: (k, t).
    """
    frames = video.detach().cpu().transpose(0, 1).contiguous().numpy()
    states = signals.detach().cpu().mT.contiguous().numpy()
    return [
        hashlib.blake2b(frame.tobytes() + state.tobytes(), digest_size=16).digest()
        for frame, state in zip(frames, states, strict=True)
    ]


def num_equal_first(keys: Sequence[bytes]) -> int:
    """How many frames at the start of a movie are the same."""
    return next((i for i, key in enumerate(keys) if key != keys[0]), len(keys))


class WindowMemory:
    """Tokens (p, d) of windows of frames, by key.

    Args:
        max_bytes: kept at most.
    """

    def __init__(self, max_bytes: int = WINDOW_BYTES) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._tokens: OrderedDict[bytes, Tensor] = OrderedDict()

    def get(self, key: bytes) -> Tensor | None:
        """The tokens of a window, or None."""
        found = self._tokens.get(key)
        if found is not None:
            self._tokens.move_to_end(key)
        return found

    def put(self, key: bytes, tokens: Tensor) -> None:
        """Keep a copy of the tokens of a window that is not there yet."""
        self._tokens[key] = tokens.clone()
        self.num_bytes += tokens.nbytes
        while self.num_bytes > self.max_bytes:
            self.num_bytes -= self._tokens.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget everything."""
        self._tokens.clear()
        self.num_bytes = 0


@dataclass(frozen=True)
class PastKey:
    """Which past: the frame that fills it, and the places."""

    frame: bytes
    places: bytes


@dataclass(frozen=True)
class Past:
    """Keys and values of all temporal blocks of the first `num_frames` frames, at some places."""

    num_frames: int
    blocks: list[KeysValues] = field(default_factory=list)

    @property
    def num_bytes(self) -> int:
        """Memory that it takes."""
        return sum(tensor.nbytes for block in self.blocks for tensor in block)

    def first(self, num_frames: int) -> list[KeysValues]:
        """That of the first frames only, as views."""
        return [block.frames(num_frames) for block in self.blocks]


class PastMemory:
    """The past of movies that start with one frame, again and again.

    A past that does not fit beside others of the same frame is not kept: to throw those out would
    mean to compute all of them anew for each movie.

    Args:
        max_bytes: kept at most.
    """

    def __init__(self, max_bytes: int = PAST_BYTES) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._is_reported = False
        self._pasts: OrderedDict[PastKey, Past] = OrderedDict()

    def get(self, key: PastKey, num_frames: int) -> Past | None:
        """A past of at least `num_frames` frames, or None."""
        found = self._pasts.get(key)
        if found is None or found.num_frames < num_frames:
            return None
        self._pasts.move_to_end(key)
        return found

    def put(self, key: PastKey, past: Past) -> None:
        """Keep a past if there is room; it replaces a shorter one."""
        if key in self._pasts:
            self._drop(key)
        for other in [k for k in self._pasts if k.frame != key.frame]:
            if self.num_bytes + past.num_bytes > self.max_bytes:
                self._drop(other)
        if self.num_bytes + past.num_bytes <= self.max_bytes:
            self._pasts[key] = past
            self.num_bytes += past.num_bytes
        elif not self._is_reported:
            self._is_reported = True
            logger.info(
                "the grey start of these movies needs more than %d MB to be kept: parts of it are "
                "computed anew for each batch",
                self.max_bytes // 2**20,
            )

    def clear(self) -> None:
        """Forget everything."""
        self._pasts.clear()
        self.num_bytes = 0

    def _drop(self, key: PastKey) -> None:
        self.num_bytes -= self._pasts.pop(key).num_bytes


def tensors_version(tensors: Sequence[Tensor]) -> tuple[tuple[int, int], ...]:
    """Changes whenever one of the tensors is replaced or written to."""
    return tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)


def unique_rows(keys: Sequence[Sequence[bytes]]) -> tuple[list[bytes], Tensor]:
    """The different keys in `keys` (b, t), and for each key its row among them, (b, t) int64."""
    rows = {key: row for row, key in enumerate(dict.fromkeys(k for of in keys for k in of))}
    return list(rows), torch.tensor([[rows[key] for key in of] for of in keys])
