"""Features of parts of movies from a causal core, computing nothing twice.

Movies of experiments are mostly grey, and repeat themselves. A token of the core depends on a
short window of frames (13 by default), so each different window goes through the spatial stage
once; a start of equal frames goes through the temporal stage once and is continued by all movies
that share it; nothing is computed after the last frame that was asked for, nor, over time, at
places that nobody reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from viv1t.insilico.memory import (
    PADDING_KEY,
    Past,
    PastKey,
    PastMemory,
    WindowMemory,
    frame_keys,
    num_equal_first,
    tensors_version,
    unique_rows,
)
from viv1t.model.cores.vivit.incremental import (
    TEMPORAL_TOKENS,
    IncrementalViViT,
    KeysValues,
)
from viv1t.names import MouseId

# Places whose past is kept as one piece.
GROUP_PLACES: Final = 80
# Windows that are embedded together.
BATCH_WINDOWS: Final = 16

# (movie, places) -> what each temporal block remembers of them
Pasts: TypeAlias = Callable[[int, Tensor], Sequence[KeysValues]]


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Transformed movies of one length for one mouse.

    Attributes:
        mouse_id: the mouse that watches.
        video: (b, c, t, h, w).
        behaviors: (b, k, t).
        pupil_centers: (b, p, t).
    """

    mouse_id: MouseId
    video: Tensor
    behaviors: Tensor
    pupil_centers: Tensor

    def frames(self, chosen: slice) -> "Clips":
        """Some of the frames, as views."""
        return replace(
            self,
            video=self.video[:, :, chosen],
            behaviors=self.behaviors[..., chosen],
            pupil_centers=self.pupil_centers[..., chosen],
        )

    def followed_by(self, later: "Clips") -> "Clips":
        """These, then `later`; a single movie is followed by any number of them."""

        def join(before: Tensor, after: Tensor) -> Tensor:
            before = before.to(after).expand(len(after), *before.shape[1:])
            return torch.cat((before, after), dim=2)

        return replace(
            later,
            video=join(self.video, later.video),
            behaviors=join(self.behaviors, later.behaviors),
            pupil_centers=join(self.pupil_centers, later.pupil_centers),
        )

    def to(self, device: torch.device) -> "Clips":
        """The same on `device`."""
        return replace(
            self,
            video=self.video.to(device),
            behaviors=self.behaviors.to(device),
            pupil_centers=self.pupil_centers.to(device),
        )


@dataclass(frozen=True, kw_only=True)
class _Movie:
    """A movie with the zeros before it, and what identifies its windows.

    Attributes:
        video: (c, t + zeros, h, w).
        signals: (k, t + zeros).
        windows: key of the window of each token.
        first_frame: key of the first frame.
        num_alike: tokens at the start which see nothing but the first frame (and zeros).
    """

    video: Tensor
    signals: Tensor
    windows: list[bytes]
    first_frame: bytes
    num_alike: int

    def window(self, token: int, length: int) -> tuple[Tensor, Tensor]:
        """What a token sees: video (c, length, h, w) and signals (k, length)."""
        seen = slice(token, token + length)
        return self.video[:, seen], self.signals[:, seen]


class Pieces:
    """A causal core, asked for the features of some frames at some places.

    Attributes:
        core: computes the pieces.
        windows: tokens of windows of frames, kept from call to call.
        pasts: keys and values of the equal frames at the start of movies, likewise.
    """

    def __init__(self, core: IncrementalViViT) -> None:
        self.core = core
        self.windows = WindowMemory()
        self.pasts = PastMemory()
        self._version: object = None

    @property
    def num_frames_lost(self) -> int:
        """Frames at the start of a movie that have no features."""
        return self.core.num_frames_seen - 1 - self.core.num_frames_padded

    def features(self, clips: Clips, *, frames: slice, places: Tensor) -> Tensor:
        """Features (b, d, k, h', w') of k frames of the movies; zero elsewhere than at `places`.

        Args:
            clips: movies, anywhere.
            frames: first and last + 1, of frames that have features.
            places: (p,) ascending, row-major over the feature map.
        """
        self._forget_if_changed()
        first, stop = (frame - self.num_frames_lost for frame in (frames.start, frames.stop))
        movies = self._movies(clips.frames(slice(0, frames.stop)))
        start = self._start(min(first, *(movie.num_alike for movie in movies)))
        table, index = self._tokens(movies, slice(start, stop))
        pasts = self._pasts(movies, start)
        return self._over_time(table, index, start, pasts, places=places, keep=first - start)

    def continued(self, lead: Clips, clips: Clips, *, places: Tensor) -> Tensor:
        """Features (b, d, t, h', w') of movies after a lead of equal frames; gradients pass.

        Args:
            lead: one movie of equal frames, at least `num_frames_lost`.
            clips: what follows, on the device of the core.
            places: (p,) ascending, row-major over the feature map; zero elsewhere.
        """
        with torch.no_grad():
            self._forget_if_changed()
            movies = self._movies(lead)
            start = self._start(len(movies[0].windows))
        num_batch, _, num_frames = clips.video.shape[:3]
        before = [x.expand(num_batch, *x.shape) for x in (movies[0].video, movies[0].signals)]
        after = (clips.video, self.core.signals(clips.behaviors, clips.pupil_centers))
        video, signals = (
            torch.cat((old.to(new), new), dim=2)[:, :, start:]
            for old, new in zip(before, after, strict=True)
        )
        table = self.core.spatial(video, signals, [start] * num_batch)
        num_tokens = table.shape[1]
        index = torch.arange(num_batch * num_tokens).view(num_batch, num_tokens)
        one_past = self._pasts(movies, start)
        return self._over_time(
            table.flatten(0, 1),
            index,
            start,
            lambda _, chosen: one_past(0, chosen),
            places=places,
            keep=num_tokens - num_frames,
        )

    def _start(self, num_alike: int) -> int:
        """The token at which to start, given how many before may be taken from memory."""
        return num_alike if num_alike >= self.core.num_frames_seen else 0

    def _movies(self, clips: Clips) -> list[_Movie]:
        core = self.core
        zeros, seen = core.num_frames_padded, core.num_frames_seen
        movies = []
        for video, signals in zip(
            clips.video, core.signals(clips.behaviors, clips.pupil_centers), strict=True
        ):
            keys = frame_keys(video, signals)
            num_alike = num_equal_first(keys) - self.num_frames_lost
            padded = [PADDING_KEY] * zeros + keys
            windows = [b"".join(padded[t : t + seen]) for t in range(len(padded) - seen + 1)]
            if core.depends_on_time:
                windows = [key + str(t).encode() for t, key in enumerate(windows)]
            movies.append(
                _Movie(
                    video=torch.cat(
                        (video.new_zeros(len(video), zeros, *video.shape[2:]), video), 1
                    ),
                    signals=torch.cat((signals.new_zeros(len(signals), zeros), signals), 1),
                    windows=windows,
                    first_frame=keys[0] if keys else b"",
                    num_alike=num_alike,
                )
            )
        return movies

    def _tokens(self, movies: Sequence[_Movie], tokens: slice) -> tuple[Tensor, Tensor]:
        """Tokens (u, p, d) of the different windows, and which of them each movie shows (b, t)."""
        wanted = [movie.windows[tokens] for movie in movies]
        keys, index = unique_rows(wanted)
        where = {
            key: (movie, t)
            for movie, windows in zip(movies, wanted, strict=True)
            for t, key in enumerate(windows, start=tokens.start)
        }
        found = {key: known for key in keys if (known := self.windows.get(key)) is not None}
        missing = [key for key in keys if key not in found]
        for i in range(0, len(missing), BATCH_WINDOWS):
            batch = missing[i : i + BATCH_WINDOWS]
            computed = self._spatial([where[key] for key in batch])
            for key, of_window in zip(batch, computed, strict=True):
                found[key] = of_window
                self.windows.put(key, of_window)
        return torch.stack([found[key] for key in keys]), index

    def _spatial(self, windows: Sequence[tuple[_Movie, int]]) -> Tensor:
        """Tokens (u, p, d) of windows, each given by its movie and token."""
        core = self.core
        video, signals = (
            torch.stack(cuts).to(core.device)
            for cuts in zip(
                *(movie.window(t, core.num_frames_seen) for movie, t in windows), strict=True
            )
        )
        return core.spatial(video, signals, [t for _, t in windows])[:, 0]

    def _pasts(self, movies: Sequence[_Movie], num_frames: int) -> Pasts:
        """A function that gives, and keeps, the past of a movie up to `num_frames`."""
        leads: dict[bytes, Tensor] = {}

        def past(movie: int, places: Tensor) -> list[KeysValues]:
            first_frame = movies[movie].first_frame
            key = PastKey(first_frame, places.numpy().tobytes())
            found = self.pasts.get(key, num_frames)
            if found is None:
                if first_frame not in leads:
                    table, index = self._tokens([movies[movie]], slice(0, num_frames))
                    leads[first_frame] = table[index[0]]
                tokens = leads[first_frame].index_select(1, places.to(self.core.device))
                found = Past(num_frames, self._remember(tokens.transpose(0, 1)))
                self.pasts.put(key, found)
            return found.first(num_frames)

        return past

    def _remember(self, tokens: Tensor) -> list[KeysValues]:
        """What each temporal block remembers of the first frames, from tokens (p, t, d)."""
        parts = [
            self.core.temporal(part, start=0)[1]
            for part in tokens.split(max(1, TEMPORAL_TOKENS // tokens.shape[1]))
        ]
        return [
            KeysValues(torch.cat([p.keys for p in block]), torch.cat([p.values for p in block]))
            for block in zip(*parts, strict=True)
        ]

    def _over_time(
        self,
        table: Tensor,
        index: Tensor,
        start: int,
        pasts: Pasts,
        *,
        places: Tensor,
        keep: int,
    ) -> Tensor:
        """Features (b, d, t - keep, h', w') of movies whose frame i shows tokens `table[index]`.

        Args:
            table: (u, p', d) tokens of all places.
            index: (b, t) rows of `table`.
            start: frame of the first of the t tokens.
            pasts: of the frames before.
            places: (p,) where to compute; zero elsewhere.
            keep: leave out so many frames at the start.
        """
        groups = []
        index = index.to(table.device)
        for group in places.split(GROUP_PLACES):
            tokens = table.index_select(1, group.to(table.device)).transpose(0, 1)
            size = max(1, TEMPORAL_TOKENS // index.shape[1])
            movies = []
            for movie, rows in enumerate(index):
                past = pasts(movie, group) if start else None
                parts = []
                for i in range(0, len(group), size):
                    chosen = slice(i, i + size)
                    found = self._temporal(
                        tokens[chosen].index_select(1, rows),
                        start,
                        past and [block.places(chosen) for block in past],
                    )
                    parts.append(found[:, keep:])
                movies.append(torch.cat(parts))
            groups.append(torch.stack(movies))
        computed = torch.cat(groups, dim=1)
        features = computed.new_zeros(len(index), self.core.num_places, *computed.shape[2:])
        return self.core.as_map(features.index_copy(1, places.to(table.device), computed))

    def _temporal(self, tokens: Tensor, start: int, past: Sequence[KeysValues] | None) -> Tensor:
        """Features (p, t, d); with gradient checkpointing made anew in the backward pass."""

        def features(given: Tensor) -> Tensor:
            return self.core.temporal(given, start=start, past=past)[0]

        if self.core.core.grad_checkpointing and torch.is_grad_enabled():
            anew: Tensor = checkpoint(features, tokens, use_reentrant=False)
            return anew
        return features(tokens)

    def _forget_if_changed(self) -> None:
        """Drop what other weights, or another precision, have computed."""
        version = (
            tensors_version(self.core.tensors),
            torch.is_autocast_enabled(self.core.device.type),
        )
        if version != self._version:
            self._version = version
            self.windows.clear()
            self.pasts.clear()
