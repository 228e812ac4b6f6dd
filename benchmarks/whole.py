"""The whole model: predictions, and steps of training."""

from collections.abc import Iterator, Mapping
from typing import Final

import torch
from torch import Tensor

from benchmarks.bench import MOUSE, Bench
from benchmarks.measure import available_bytes
from benchmarks.table import Goal, Row, build_row, error_of, error_of_gradients, gradients, worst
from viv1t.criterions import poisson
from viv1t.insilico.twin import DigitalTwin
from viv1t.model.model import Model

# What a step of training takes at the default size, with some to spare.
SHORT_BYTES: Final = 13e9
LONG_BYTES: Final = 18e9


def forward(bench: Bench) -> Iterator[Row]:
    """Predictions of a clip, and of whole trials."""
    size = bench.size
    clip = bench.noise(0)[size.single.blank_pre - size.short // 2 :][: size.short]
    plain, fast = bench.meter.interleaved(
        (lambda: bench.predict(bench.plain, clip), 3), (lambda: bench.predict(bench.fast, clip), 5)
    )
    yield build_row(
        "forward",
        f"forward, {size.short} frames",
        plain,
        fast,
        error=error_of(fast.result, plain.result),
        goals=bench.goals(Goal(2.3, 4)),
    )
    movies = [bench.images(0), bench.gratings(0)]
    expected = [bench.plain_trial(movies[0])]
    fast = bench.meter.call(
        lambda: bench.predict(bench.fast, movies[0]), is_watched=True, is_counted=True
    )
    expected.append(bench.plain_trial(movies[1]))
    again = bench.meter.call(
        lambda: bench.predict(bench.fast, movies[1]), is_watched=False, is_counted=False
    )
    fast.seconds += again.seconds
    errors = [error_of(run.result, x) for run, x in zip((fast, again), expected, strict=True)]
    yield build_row(
        "forward",
        f"forward, {size.frames} frames",
        bench.whole_plain,
        fast,
        error=worst(errors),
        goals=bench.goals(Goal(3, 5.5), Goal(500, 250, is_mb=True)),
    )


def train(bench: Bench) -> Iterator[Row]:
    """Forward and backward pass of a step of training with the default dropouts."""
    size = bench.size
    short, long = f"training step, {size.short} frames", f"training step, {size.frames} frames"
    ratio, memory = Goal(2.5, 4), Goal(4000, 2500, is_mb=True)
    if (note := _too_large(bench, SHORT_BYTES)) is None:
        inputs, truth = _batch(bench, size.short)
        plain, fast = bench.meter.interleaved(
            (lambda: training_step(bench.plain.model, inputs, truth), 2),
            (lambda: training_step(bench.fast.model, inputs, truth), 4),
        )
        errors = [
            error_of(fast.result.pop("responses"), plain.result.pop("responses")),
            error_of_gradients(fast.result, plain.result),
        ]
        goals = bench.goals(ratio, memory)
        yield build_row("train", short, plain, fast, error=worst(errors), goals=goals)
    else:
        yield Row(benchmark="train", what=short, plain_s=None, fast_s=None, note=note)
    _forget_gradients(bench.plain, bench.fast)
    if (note := _too_large(bench, LONG_BYTES)) is None:
        inputs, truth = _batch(bench, size.frames)
        (fast,) = bench.meter.interleaved(
            (lambda: training_step(bench.fast.model, inputs, truth), 1)
        )
        goals = bench.goals(Goal(24000, 16000, is_mb=True))
        note = "no checkpointing; the plain path was not run"
        yield build_row("train", long, None, fast, error=None, goals=goals, note=note)
    else:
        yield Row(benchmark="train", what=long, plain_s=None, fast_s=None, note=note)
    _forget_gradients(bench.fast)


def training_step(
    model: Model, inputs: Mapping[str, Tensor], truth: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Responses of the first mouse and all gradients after one batch of each mouse.

    Args:
        model: in eval mode before and after.
        inputs: see `Bench.inputs`.
        truth: responses (1, n, t) of each mouse.
    """
    model.train()
    model.zero_grad(set_to_none=True)
    torch.manual_seed(4)
    found: dict[str, Tensor] = {}
    for mouse_id, response in truth.items():
        responses = model(**inputs, mouse_id=mouse_id)
        poisson(response, responses).backward()
        found.setdefault("responses", responses.detach())
    model.eval()
    return found | gradients(model)


def _batch(bench: Bench, num_frames: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    random = torch.Generator().manual_seed(5)
    truth = torch.rand(1, bench.size.neurons, num_frames, generator=random)
    return bench.inputs(num_frames), {MOUSE: truth.to(bench.device)}


def _too_large(bench: Bench, needed: float) -> str | None:
    """Why the step cannot be run, or None."""
    available = available_bytes()
    if bench.device.type != "cpu" or not bench.size.has_goals or available is None:
        return None
    if available > needed:
        return None
    return f"not run: needs {needed / 1e9:.0f} GB, {available / 1e9:.0f} GB are free"


def _forget_gradients(*twins: DigitalTwin) -> None:
    for twin in twins:
        twin.model.zero_grad(set_to_none=True)
