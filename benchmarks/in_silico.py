"""Questions to a trained model: experiments, streaming, gradients to the stimulus."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.bench import GREY, MOUSE, Bench
from benchmarks.measure import Run
from benchmarks.table import Goal, Row, build_row, error_of, error_of_gradients, gradient_of, worst
from viv1t.experiments.timing import Timing
from viv1t.insilico.stream import Stream
from viv1t.model.cores.vivit.blocks import Transformer
from viv1t.model.model import Model

NEURON: Final = 7
LAST_STEPS: Final = 5

Movies = Callable[[int], NDArray[np.float32]]


def noise(bench: Bench) -> Iterator[Row]:
    """A trial of a noise image, as for maps of receptive fields."""
    yield _trials(bench, "noise", "noise-image", bench.noise, bench.size.single, Goal(30, 75))


def grating(bench: Bench) -> Iterator[Row]:
    """A trial of a drifting grating."""
    yield _trials(bench, "grating", "grating", bench.grating, bench.size.single, Goal(25, 58))


def slots(bench: Bench) -> Iterator[Row]:
    """Trials of several stimuli: still images, then drifting gratings."""
    yield _trials(bench, "slots", "images", bench.images, bench.size.slots, Goal(6, 12))
    yield _trials(bench, "slots", "gratings", bench.gratings, bench.size.slots, Goal(6, 12))


def streaming(bench: Bench) -> Iterator[Row]:
    """The last frames of a trial, one by one, against predictions of the window anew."""
    movie = bench.images(0)
    expected = bench.plain_trial(movie)
    found: list[NDArray[np.float32]] = []
    frames = iter(movie)

    def begin() -> Stream:
        stream = bench.fast.stream(MOUSE, units="model", **bench.state)
        for frame in islice(frames, len(movie) - LAST_STEPS):
            step(stream, frame)
        return stream

    def step(stream: Stream, frame: NDArray[np.float32]) -> None:
        responses = stream.step(frame)
        if responses is not None:
            found.append(responses)

    (earlier,) = bench.meter.interleaved((begin, 1))
    stream = earlier.result
    (fast,) = bench.meter.interleaved((lambda: step(stream, next(frames)), LAST_STEPS))
    fast.extra_bytes = earlier.extra_bytes
    responses = torch.from_numpy(np.stack(found, axis=1))
    note = f"the {len(movie) - LAST_STEPS} frames before took {earlier.typical_s:.1f} s"
    yield build_row(
        "streaming",
        f"streaming, frame {len(movie) - 1}",
        bench.whole_plain,
        fast,
        error=error_of(responses, expected),
        goals=bench.goals(Goal(150, 430)),
        note=f"{note}; memory and error are those of all frames",
    )


def gradient(bench: Bench) -> Iterator[Row]:
    """The gradient of a neuron's response to the movie that is shown after grey.

    The plain path ends with the last frame of the movie, and recomputes activations in the backward
    pass (`--grad_checkpointing 1`), without which it would not fit. Its weights get no gradient.
    """
    timing = bench.size.single
    trial = bench.noise(0)
    window = timing.window(0)
    shown = torch.from_numpy(trial[window])[None, None].to(bench.device)
    whole = torch.from_numpy(trial[: window.stop])[None, None].to(bench.device)
    num_frames = window.stop
    behavior, pupil = (
        torch.from_numpy(x)[None].to(bench.device) for x in bench.throughout(num_frames).values()
    )
    model = bench.plain.model

    def plain() -> dict[str, Tensor]:
        video = shown.clone().requires_grad_()
        responses = model(
            torch.cat((whole[:, :, : window.start], video), dim=2),
            mouse_id=MOUSE,
            behaviors=behavior,
            pupil_centers=pupil,
        )
        responses[0, NEURON, -timing.on :].sum().backward()
        return {"responses": responses.detach()[0], "video": gradient_of(video)}

    def fast(neurons: list[int] | None) -> dict[str, Tensor]:
        video = shown.clone().requires_grad_()
        responses = bench.fast.respond(
            video,
            MOUSE,
            start=window.start,
            grey=GREY,
            neurons=neurons,
            units="model",
            **bench.state,
        )
        chosen = responses[0, NEURON if neurons is None else 0]
        chosen.sum().backward()
        return {"responses": chosen.detach(), "video": gradient_of(video)}

    with recompute(model):
        ways = (plain, 1), (lambda: fast(None), 3), (lambda: fast([NEURON]), 3)
        runs = bench.meter.interleaved(*ways)
    expected = runs[0].result
    bench.keep_answer(trial, expected["responses"].cpu())
    goals = (Goal(20, 50), Goal(30, 80))
    for what, run, goal in zip(("all positions", "one neuron"), runs[1:], goals, strict=True):
        of_neuron = expected["responses"][NEURON, -timing.on :]
        gradients = ({"video": r["video"]} for r in (run.result, expected))
        errors = [error_of(run.result["responses"], of_neuron), error_of_gradients(*gradients)]
        yield build_row(
            "gradient",
            f"gradient of a {timing.on}-frame movie, {what}",
            runs[0],
            run,
            error=worst(errors),
            goals=bench.goals(goal),
            note=first_call(run),
        )


def _trials(
    bench: Bench, benchmark: str, what: str, movies: Movies, timing: Timing, goal: Goal
) -> Row:
    """The row of trials that an experiment shows one after the other, each a new movie.

    The first trial also computes the grey that all share: it is left out of the median.
    """
    frames = slice(timing.window(0).start, timing.window(timing.slots - 1).stop)
    seeds = count()

    def ask() -> Tensor:
        return bench.predict(bench.fast, movies(next(seeds)), frames=frames)

    (fast,) = bench.meter.interleaved((ask, 4))
    expected = bench.plain_part(movies(0), frames.stop)[:, frames.start - frames.stop :]
    course = f"{timing.blank_pre}, {timing.on}, {timing.blank_post}"
    return build_row(
        benchmark,
        f"{what} trial, {timing.slots} x [{course}]",
        bench.whole_plain,
        fast,
        error=error_of(fast.result, expected),
        goals=bench.goals(goal),
        note=first_call(fast),
    )


def first_call(run: Run) -> str:
    """What the first call took, as a note."""
    return f"the first call, which computes the grey before: {run.seconds[0]:.2f} s"


@contextmanager
def recompute(model: Model) -> Iterator[None]:
    """Meanwhile weights get no gradient, and activations are computed anew for the backward pass.

    Args:
        model: of the plain path.
    """
    transformers = [m for m in model.modules() if isinstance(m, Transformer)]
    model.requires_grad_(False)
    for transformer in transformers:
        transformer.grad_checkpointing = True
    yield
    for transformer in transformers:
        transformer.grad_checkpointing = False
    model.requires_grad_(True)
