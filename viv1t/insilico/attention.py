"""Where the attention of a core goes while it watches a movie, and what its responses react to.

The weights of all blocks of a full-sized core for one movie are 13 GB. They are made some frames,
then some places at a time, handed over, and forgotten.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from viv1t.errors import ConfigError
from viv1t.insilico.pieces import Clips
from viv1t.insilico.questions import check_units, read_movies, read_neurons, read_signal
from viv1t.insilico.twin import DigitalTwin, FloatArray
from viv1t.model.cores.base import AttentionStack, Core
from viv1t.model.layers.attention import Attending, attention_weights
from viv1t.names import MouseId

# Weights that are handed over together.
MAX_BYTES: Final = 2**26


class Sink(Protocol):
    """Takes attention weights as they are made, for example `analysis.rollout.RolloutTally`."""

    def add(self, axis: str, weights: NDArray[np.float32], *, is_causal: bool) -> None:
        """Take the weights of some sequences, in order.

        Args:
            axis: "space": sequences are frames, tokens their places; "time": the other way round.
            weights: (s, blocks, heads, n, n), queries before keys, without register tokens.
            is_causal: whether a token sees no later one.
        """


class PatchGeometry(NamedTuple):
    """Which pixels the patches of a core cover; arguments of `analysis.rollout.fold`.

    Attributes:
        frame_shape: (h, w) of the movies.
        grid: rows and columns of patches.
        patch_px: edge of a patch.
        stride_px: from one patch to the next.
        left_px: zeros left of the frame that the first column of patches begins with.
        top_px: zeros above it.
    """

    frame_shape: tuple[int, int]
    grid: tuple[int, int]
    patch_px: int
    stride_px: int
    left_px: int
    top_px: int


def patch_geometry(twin: DigitalTwin) -> PatchGeometry:
    """Which pixels the patches of the twin's core cover."""
    core = twin.model.core
    middle = (core.patch_px - 1) / 2
    left, top = (round(middle - centre) for centre in core.first_centre_px)
    return PatchGeometry(
        frame_shape=twin.video_shape,
        grid=(core.output_shape[2], core.output_shape[3]),
        patch_px=core.patch_px,
        stride_px=round(core.centre_step_px[0]),
        left_px=left,
        top_px=top,
    )


def watch_attention(
    twin: DigitalTwin,
    video: ArrayLike,
    mouse_id: MouseId,
    sink: Sink,
    *,
    behavior: ArrayLike | None = None,
    pupil_center: ArrayLike | None = None,
) -> FloatArray:
    """Responses (n, t') to one movie; `sink` gets the attention of the core on the way.

    Works for every core that names its `attention_stacks`, whatever its flags; the fast path of
    vivit steps aside meanwhile.

    Args:
        twin: the model; what of it is compiled runs as it was before.
        video: (t, h, w) grey values 0..255.
        mouse_id: the mouse that watches.
        sink: takes the weights.
        behavior: (k, t) in recorded units; None: the mean of the training set.
        pupil_center: (p, t) in recorded units; None: likewise.

    Raises:
        ConfigError: an unknown mouse, a core without attention, or units that are not known.
        DataError: an array of the wrong shape, or one that holds NaN or infinity.
    """
    core, mouse = twin.model.core, twin.mouse(mouse_id)
    layers = _attending(core)
    if not any(layers.values()):
        raise ConfigError(
            "the core of this run has no attention to look at: name a run with --core vivit"
        )
    clips = clips_of(twin, video, mouse_id, behavior=behavior, pupil_center=pupil_center)
    signals = {"behaviors": clips.behaviors, "pupil_centers": clips.pupil_centers}
    num_frames = core.num_frames_out(clips.video.shape[2])
    num_tokens = {"space": core.output_shape[2] * core.output_shape[3], "time": num_frames}
    with torch.no_grad(), _not_compiled(core), _watched(layers, sink, num_tokens):
        with twin.autocast():
            features = core(clips.video, mouse_id=mouse_id, **signals)
        responses = twin.model.read_out(
            features.to(clips.video.dtype), mouse_id=mouse_id, activate=True, **signals
        )
    found: FloatArray = mouse.responses_in("recorded", responses[0].cpu()).numpy()
    return found


def sensitivity(
    twin: DigitalTwin,
    video: ArrayLike,
    mouse_id: MouseId,
    *,
    behavior: ArrayLike | None = None,
    pupil_center: ArrayLike | None = None,
    frames: slice | None = None,
    neurons: ArrayLike | None = None,
) -> FloatArray:
    """(t, h, w): how strongly the sum of responses reacts to each pixel of each frame, >= 0.

    The absolute gradient (Simonyan et al. 2014), in recorded units per grey level: unlike
    attention it takes in all that the model does. It costs about one step of training.

    Args:
        twin: the model.
        video: (t, h, w) grey values 0..255.
        mouse_id: the mouse that watches.
        behavior: (k, t) in recorded units; None: the mean of the training set.
        pupil_center: (p, t) in recorded units; None: likewise.
        frames: of the responses (n, t') that are summed; None: all.
        neurons: rows that are summed; None: all.

    Raises:
        ConfigError: an unknown mouse, or units that are not known.
        DataError: an array of the wrong shape, or one that holds NaN or infinity.
    """
    mouse = twin.mouse(mouse_id)
    rows = read_neurons(neurons, mouse.num_neurons)
    pixels = torch.from_numpy(np.array(video, dtype=np.float32)).to(twin.device).requires_grad_()
    clips = clips_of(twin, video, mouse_id, behavior=behavior, pupil_center=pupil_center)
    with torch.enable_grad():
        movie = mouse.video_in_model_units(pixels[None, None])
        with twin.autocast():
            responses = twin.model(
                movie,
                mouse_id=mouse_id,
                behaviors=clips.behaviors,
                pupil_centers=clips.pupil_centers,
            )
        recorded = mouse.responses_in("recorded", responses[0])
        chosen = recorded if rows is None else recorded[torch.from_numpy(rows).to(twin.device)]
        total = chosen[:, frames or slice(None)].sum()
    (gradient,) = torch.autograd.grad(total, pixels)
    found: FloatArray = gradient.abs().cpu().numpy()
    return found


def clips_of(
    twin: DigitalTwin,
    video: ArrayLike,
    mouse_id: MouseId,
    *,
    behavior: ArrayLike | None,
    pupil_center: ArrayLike | None,
) -> Clips:
    """One movie with its signals, transformed, on the device of the twin."""
    mouse = twin.mouse(mouse_id)
    check_units("recorded", mouse_id, mouse)
    movies, _ = read_movies(video, twin.shapes, min_frames=1)
    movies = movies[:1]
    num_frames = movies.shape[2]
    sizes = {"behavior": twin.shapes.num_behaviors, "pupil_center": twin.shapes.num_pupils}
    given = {"behavior": behavior, "pupil_center": pupil_center}
    behaviors, pupil_centers = (
        read_signal(name, given[name], mouse, (1, sizes[name], num_frames)) for name in sizes
    )
    pixels = torch.from_numpy(np.array(movies, dtype=np.float32))
    return Clips(
        mouse_id=mouse_id,
        video=mouse.video_in_model_units(pixels),
        behaviors=behaviors,
        pupil_centers=pupil_centers,
    ).to(twin.device)


def _attending(core: Core) -> dict[AttentionStack, list[Attending]]:
    """The attention layers of each stack, in order."""
    return {
        stack: [x for x in core.get_submodule(stack.name).modules() if isinstance(x, Attending)]
        for stack in core.attention_stacks
    }


@contextmanager
def _not_compiled(core: Core) -> Iterator[None]:
    """A context in which no part of the core runs compiled: nobody can watch it there."""
    compiled = {part: part._compiled_call_impl for part in core.modules()}
    try:
        for part in compiled:
            part._compiled_call_impl = None
        yield
    finally:
        for part, call in compiled.items():
            part._compiled_call_impl = call


@contextmanager
def _watched(
    layers: dict[AttentionStack, list[Attending]], sink: Sink, num_tokens: dict[str, int]
) -> Iterator[None]:
    """A context in which `sink` gets what the layers attend to."""
    try:
        for stack, blocks in layers.items():
            kept: list[tuple[Tensor, Tensor]] = []
            take = partial(_take, blocks, kept, sink, stack.axis, num_tokens[stack.axis])
            for block in blocks:
                block.observer = take
        yield
    finally:
        for blocks in layers.values():
            for block in blocks:
                block.observer = None


def _take(
    blocks: list[Attending],
    kept: list[tuple[Tensor, Tensor]],
    sink: Sink,
    axis: str,
    num_tokens: int,
    query: Tensor,
    key: Tensor,
) -> None:
    """Keep queries and keys; after the last block, make weights of them and hand them over."""
    kept.append((query.float().contiguous(), key.float().contiguous()))
    if len(kept) < len(blocks):
        return
    num_heads, length = query.shape[1:3]
    step = max(1, MAX_BYTES // (4 * len(blocks) * num_heads * length**2))
    is_causal = blocks[0].is_causal
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        weights = torch.stack(
            [
                attention_weights(q[part], k[part], is_causal=is_causal)[
                    ..., :num_tokens, :num_tokens
                ]
                for q, k in kept
            ],
            dim=1,
        )
        sink.add(axis, weights.cpu().numpy(), is_causal=is_causal)
    kept.clear()
