"""The first and the last part of the model on their own."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.bench import MOUSE, Bench
from benchmarks.table import (
    Error,
    Goal,
    Row,
    build_row,
    error_of,
    error_of_gradients,
    gradient_of,
    gradients,
    worst,
)

CALLS = (5, 15)


def tokenizer(bench: Bench) -> Iterator[Row]:
    """The patch embedding of two clips' length, forward; and with gradients."""
    num_frames = 2 * bench.size.short
    inputs = bench.inputs(num_frames)
    parts = [twin.model.core.get_submodule("tokenizer") for twin in (bench.plain, bench.fast)]
    with torch.no_grad():
        slope = torch.randn_like(parts[0](**inputs))

    def forward(part: nn.Module) -> dict[str, Tensor]:
        with torch.no_grad():
            return {"tokens": part(**inputs)}

    def of_weights(part: nn.Module) -> dict[str, Tensor]:
        part.zero_grad()
        tokens = part(**inputs)
        tokens.backward(slope)
        return {"tokens": tokens.detach()} | gradients(part)

    def of_video(part: nn.Module) -> dict[str, Tensor]:
        part.requires_grad_(False)
        video = inputs["inputs"].clone().requires_grad_()
        tokens = part(**inputs | {"inputs": video})
        tokens.backward(slope)
        part.requires_grad_(True)
        return {"tokens": tokens.detach(), "video": gradient_of(video)}

    label = f"tokenizer, {num_frames} frames"
    yield _row(bench, "tokenizer", f"{label}: forward", forward, parts, [Goal(12, 17)])
    yield _row(bench, "tokenizer", f"{label}: + backward", of_weights, parts, [Goal(8, 14)])
    yield _row(bench, "tokenizer", f"{label}: + backward to movie", of_video, parts, [])


def readout(bench: Bench) -> Iterator[Row]:
    """The Gaussian readout in eval mode; and in training, with gradients."""
    num_frames = 2 * bench.size.short
    channels, _, height, width = bench.plain.model.core.output_shape
    random = torch.Generator().manual_seed(2)
    tokens = torch.randn(1, height, width, num_frames, channels, generator=random)
    features = tokens.to(bench.device).permute(0, 4, 3, 1, 2)  # as they leave the core
    shifts = 0.1 * torch.randn(1, 2, num_frames, generator=random).to(bench.device)
    slope = torch.randn(1, bench.size.neurons, num_frames, generator=random).to(bench.device)
    parts = [twin.model.readout(MOUSE) for twin in (bench.plain, bench.fast)]

    def forward(part: nn.Module) -> dict[str, Tensor]:
        with torch.no_grad():
            return {"responses": part(features, shifts=shifts)}

    def train(part: nn.Module) -> dict[str, Tensor]:
        part.train()
        part.zero_grad()
        torch.manual_seed(3)
        leaf = features.detach().requires_grad_()
        responses = part(leaf, shifts=shifts)
        responses.backward(slope)
        part.eval()
        return {"responses": responses.detach(), "features": gradient_of(leaf)} | gradients(part)

    label = f"readout, {bench.size.neurons} neurons, {num_frames} frames"
    work = 10 * channels * bench.size.neurons * num_frames
    yield _row(bench, "readout", f"{label}: eval", forward, parts, [Goal(12, 70)], work)
    goals = [Goal(3.5, 30)]
    yield _row(bench, "readout", f"{label}: train f+b", train, parts, goals, 3 * work)


def _row(
    bench: Bench,
    benchmark: str,
    what: str,
    compute: Callable[[Any], dict[str, Tensor]],
    parts: Sequence[nn.Module],
    goals: Sequence[Goal],
    flops: int | None = None,
) -> Row:
    """The row of what `compute` does with the plain and the fast part.

    Args:
        bench: sizes and meter.
        benchmark: where the row belongs.
        what: in words.
        compute: gives the output first, then gradients.
        parts: plain and fast.
        goals: of the row.
        flops: operations, where they cannot be counted.
    """
    plain, fast = bench.meter.interleaved(
        *((lambda part=part: compute(part), n) for part, n in zip(parts, CALLS, strict=True))
    )
    if flops is not None:
        plain.flops = fast.flops = flops
    output, *others = plain.result
    errors: list[Error] = [error_of(fast.result[output], plain.result[output])]
    if others:
        found, expected = ({name: run.result[name] for name in others} for run in (fast, plain))
        errors.append(error_of_gradients(found, expected))
    return build_row(benchmark, what, plain, fast, error=worst(errors), goals=bench.goals(*goals))
