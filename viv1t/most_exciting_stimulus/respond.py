"""Anything that answers movies, asked so that gradients reach the movie."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from viv1t.data.synthetic import SyntheticMouse
from viv1t.data.synthetic.population import Population
from viv1t.errors import ConfigError
from viv1t.insilico.probe import State
from viv1t.insilico.responders import Ensemble
from viv1t.names import MouseId
from viv1t.registry import unknown_name
from viv1t.units import GREY, SKIP_FRAMES

# Grey values (s, t, h, w) -> responses (s, n, t) in recorded units; gradients pass.
Asked: TypeAlias = Callable[[Tensor], Tensor]

# The truth forgets faster: before it sees anything it stands as after endless grey, but for the
# smoothing of its rates.
TRUTH_LEAD_FRAMES: Final = 12


def ask_of(
    responder: Any,  # noqa: ANN401
    mouse_id: MouseId,
    *,
    neurons: Sequence[int] | ArrayLike,
    lead_frames: int = SKIP_FRAMES,
    after_frames: int | None = None,
    state: State = (None, None),
    grey: float = GREY,
) -> Asked:
    """A function from grey values (s, t, h, w) to responses (s, n, t) in recorded units.

    Grey comes before the movies, and after them if the model depends on later frames; responses
    are those to the frames of the movies. Gradients reach the movies and nothing else. Movies may
    be on any device, responses are on the same.

    Args:
        responder: a `DigitalTwin`, a `SyntheticMouse`, an `Ensemble` of them, or what has a method
            `respond` with the signature of `DigitalTwin.respond`.
        mouse_id: the mouse that watches.
        neurons: rows of the n neurons, in the order of the responses.
        lead_frames: frames of grey before the movies; of the truth never more than it remembers.
        after_frames: frames of grey after them; None: as many as before, and none for models that
            cannot depend on them.
        state: behaviour (k,) and pupil centre (p,) of the mouse; None: the training-set mean.
        grey: grey value before and after.

    Raises:
        ConfigError: a responder that knows no gradients, or neurons it does not have.
    """
    rows = np.atleast_1d(np.asarray(neurons, np.int64))
    options: dict[str, Any] = {
        "neurons": rows,
        "lead_frames": lead_frames,
        "after_frames": after_frames,
        "state": state,
        "grey": grey,
    }
    if isinstance(responder, Ensemble):
        members = [ask_of(member, mouse_id, **options) for member in responder.members]
        return lambda movie: torch.stack([asked(movie) for asked in members]).mean(0)
    if isinstance(responder, SyntheticMouse):
        return _ask_truth(responder, mouse_id, rows, state=state, grey=grey, lead=lead_frames)
    if not hasattr(responder, "respond"):
        raise ConfigError(
            f"stimuli are optimised on what passes gradients: a twin, the synthetic truth or "
            f"several of them, got {type(responder).__name__}, which has no method respond"
        )
    if after_frames is None:
        after_frames = lead_frames if looks_ahead(responder) else 0
    behavior, pupil_center = state
    device = getattr(responder, "device", None)

    def asked(movie: Tensor) -> Tensor:
        shown = movie if device is None else movie.to(device)
        num_frames = shown.shape[1]
        if after_frames:
            after = shown.new_full((len(shown), after_frames, *shown.shape[2:]), grey)
            shown = torch.cat((shown, after), dim=1)
        answers: Tensor = responder.respond(
            shown[:, None],
            mouse_id,
            start=lead_frames,
            grey=grey,
            behavior=behavior,
            pupil_center=pupil_center,
            neurons=rows,
        )
        return answers[..., :num_frames].to(movie.device)

    return asked


def looks_ahead(responder: Any) -> bool:  # noqa: ANN401
    """Whether responses depend on later frames, those of any member; known neurons' do not."""
    members = getattr(responder, "members", (responder,))
    cores = [getattr(getattr(member, "model", None), "core", None) for member in members]
    return any(core is not None and not core.causal for core in cores)


def _ask_truth(
    truth: SyntheticMouse,
    mouse_id: MouseId,
    rows: np.ndarray,
    *,
    state: State,
    grey: float,
    lead: int,
) -> Asked:
    """Only the neurons that are asked for are computed."""
    if mouse_id not in truth.mouse_ids:
        raise unknown_name("mouse", mouse_id, truth.mouse_ids)
    population = truth.model.populations[mouse_id]
    assert isinstance(population, Population)
    table = population.truth
    if rows.min() < 0 or rows.max() >= len(table):
        raise ConfigError(f"mouse {mouse_id} has neurons 0 to {len(table) - 1}, got {rows}")
    chosen = Population(table.iloc[rows]).eval().requires_grad_(False)
    lead = min(lead, TRUTH_LEAD_FRAMES) if grey == GREY else lead
    signals = [None if s is None else torch.as_tensor(np.asarray(s)).float() for s in state]

    def asked(movie: Tensor) -> Tensor:
        before = movie.new_full((len(movie), lead, *movie.shape[2:]), grey)
        shown = torch.cat((before, movie), dim=1)[:, None].float()
        behaviors, pupils = (
            None if s is None else s[:, None].expand(len(shown), -1, shown.shape[2])
            for s in signals
        )
        answers: Tensor = chosen.to(shown.device)(shown, behaviors=behaviors, pupil_centers=pupils)
        return answers[..., lead:]

    return asked
