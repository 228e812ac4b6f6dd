"""A step of generating a most exciting video, against the published recipe."""

from collections.abc import Callable, Iterator
from typing import Final

import torch
from torch import Tensor

from benchmarks.bench import GREY, MOUSE, Bench
from benchmarks.in_silico import NEURON, first_call, recompute
from benchmarks.table import Goal, Row, build_row, error_of, error_of_gradients, gradient_of, worst
from viv1t.most_exciting_stimulus.constraints import Sigmoid
from viv1t.most_exciting_stimulus.parameters import Pixel

LEARNING_RATE: Final = 0.05
# Grey values of standardised movies, in which the models of the benchmarks are asked.
BLACK, WHITE = -2.0, 2.4


def generate(bench: Bench) -> Iterator[Row]:
    """A step of gradient ascent on the response of a neuron to a video between grey screens.

    A step: the video from its parameters, the response, the gradient by the parameters, the update
    of AdamW. The plain path is the published recipe: all frames of the trial, those after the video
    too, and all neurons; it recomputes activations in the backward pass, or it would not fit.
    """
    timing = bench.size.single
    window = timing.window(0)
    start = Pixel(shape=bench.size.frame, num_frames=timing.on, device=bench.device).start([0])
    free = torch.ones(bench.size.frame, device=bench.device)
    behavior, pupil = (
        torch.from_numpy(signal)[None].to(bench.device)
        for signal in bench.throughout(timing.num_frames).values()
    )
    model = bench.plain.model

    def step(respond: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        param = start.detach().clone().requires_grad_()
        optimizer = torch.optim.AdamW([param], lr=LEARNING_RATE, weight_decay=0)
        grey_values = Sigmoid()(param, free) / 255
        responses = respond((BLACK + (WHITE - BLACK) * grey_values)[:, None])
        (-responses.sum()).backward()
        found = {"responses": responses.detach(), "param": gradient_of(param)}
        optimizer.step()
        return found

    def plain(video: Tensor) -> Tensor:
        before, after = (
            torch.full((1, 1, number, *bench.size.frame), GREY, device=bench.device)
            for number in (window.start, timing.num_frames - window.stop)
        )
        trial = torch.cat((before, video, after), dim=2)
        responses = model(trial, mouse_id=MOUSE, behaviors=behavior, pupil_centers=pupil)
        frames = slice(window.start - timing.num_frames, window.stop - timing.num_frames)
        chosen: Tensor = responses[0, NEURON, frames]
        return chosen

    def fast(video: Tensor, neurons: list[int] | None) -> Tensor:
        options = {"start": window.start, "grey": GREY, "neurons": neurons, **bench.state}
        responses = bench.fast.respond(video, MOUSE, units="model", **options)
        return responses[0, NEURON if neurons is None else 0]

    with recompute(model):
        runs = bench.meter.interleaved(
            (lambda: step(plain), 1),
            (lambda: step(lambda video: fast(video, None)), 4),
            (lambda: step(lambda video: fast(video, [NEURON])), 4),
        )
    expected = runs[0].result
    for what, run in zip(("all positions", "one neuron"), runs[1:], strict=True):
        gradients = ({"param": found["param"]} for found in (run.result, expected))
        responses = error_of(run.result["responses"], expected["responses"])
        yield build_row(
            "generate",
            f"generating a {timing.on}-frame video, a step, {what}",
            runs[0],
            run,
            error=worst([responses, error_of_gradients(*gradients)]),
            goals=bench.goals(Goal(20, 50)),
            note=first_call(run),
        )
