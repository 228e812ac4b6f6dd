"""Gradient ascent on the stimulus, several seeds at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from viv1t.config.flags import check, flag
from viv1t.errors import DataError
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.constraints import Constraint
from viv1t.most_exciting_stimulus.generated import Generated as Generated
from viv1t.most_exciting_stimulus.generated import Record, describe
from viv1t.most_exciting_stimulus.objective import Objective
from viv1t.most_exciting_stimulus.parameters import Parameterisation
from viv1t.most_exciting_stimulus.penalties import Penalty
from viv1t.most_exciting_stimulus.respond import Asked

# (movies (s, t, h, w), step) -> what the responder sees in that step.
Jitter: TypeAlias = Callable[[Tensor, int], Tensor]

SECONDS_BETWEEN_SAVES: Final = 30.0
LAST_SHARE: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class AscentConfig:
    """How a stimulus is optimised."""

    num_steps: int = flag(1000, help="optimisation steps")
    lr: float = flag(0.05, help="learning rate of AdamW")
    weight_decay: float = flag(0.0, help="weight decay of AdamW, on the parameters of the stimulus")
    tolerance: float = flag(
        0.01, help="converged: the last tenth of the steps gained less than this share"
    )

    def __post_init__(self) -> None:
        check(self.num_steps >= 1, f"--num_steps must be 1 or more, got {self.num_steps}")
        check(self.lr > 0, f"--lr must be positive, got {self.lr}")
        check(self.weight_decay >= 0, f"--weight_decay must be 0 or more, got {self.weight_decay}")
        check(self.tolerance > 0, f"--tolerance must be positive, got {self.tolerance}")


@dataclass(frozen=True, kw_only=True)
class _Stimuli:
    """All that turns parameters into a movie, and a movie into a score."""

    asked: Asked
    objective: Objective
    canvas: Canvas
    parameters: Parameterisation
    constraint: Constraint
    penalties: tuple[Penalty, ...]
    jitter: Jitter | None

    def shown(self, param: Tensor) -> Tensor:
        """(s, t, h, w) grey values on the screen."""
        signal = self.parameters.movie(param)
        return self.canvas.show(self.constraint(signal, self.canvas.free_share))

    def scores(self, param: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """(s,) scores, and (s,) what is ascended: scores minus penalties."""
        movie = self.shown(param)
        seen = movie if self.jitter is None else self.jitter(movie, step)
        score = self.objective.score(self.asked(seen))
        penalised = score
        for penalty in self.penalties:
            penalised = penalised - penalty(movie)
        return score, penalised


def ascend(
    asked: Asked,
    objective: Objective,
    canvas: Canvas,
    parameters: Parameterisation,
    constraint: Constraint,
    *,
    penalties: Sequence[Penalty] = (),
    jitter: Jitter | None = None,
    config: AscentConfig | None = None,
    seeds: Sequence[int] = (0,),
    init: Tensor | None = None,
    batch_size: int | None = None,
    path: Path | None = None,
    facts: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Generated:
    """The stimuli, one a seed, that score best on an objective.

    AdamW (Loshchilov & Hutter 2019) follows the gradient of the score minus the penalties. Seeds
    do not influence one another. Of each seed the step that was best by that measure is kept,
    with the parameters of before its update; the start counts.

    Ctrl-C ends the ascent with the best so far (`Generated.interrupted`); in the first step there
    is none, and it ends the program. With a `path`, the same call goes on where the other ended, on
    a CPU bit for bit, and once finished it only reads.

    Args:
        asked: gives responses to movies, as `ask_of` makes it.
        objective: what is wanted.
        canvas: which pixels are generated.
        parameters: what is optimised.
        constraint: turns it into grey values.
        penalties: what is not wanted of a movie.
        jitter: moves movies before they are asked; what is kept is not moved.
        config: steps, learning rate; None: the defaults.
        seeds: of the starts.
        init: where all seeds start, see `Parameterisation.start`.
        batch_size: stimuli that are computed together; None: all.
        path: a file that holds the ascent.
        facts: more that the result depends on (mouse, weights, state); a file that was made with
            others is refused.
        progress: show a progress bar.

    Raises:
        ConfigError: no seeds, or a file of another ascent.
        DataError: scores that are not finite.
    """
    config = AscentConfig() if config is None else config
    check(
        len(seeds) > 0 and len(set(seeds)) == len(seeds),
        f"an ascent needs one seed or more, all different; got {list(seeds)}",
    )
    stimuli = _Stimuli(
        asked=asked,
        objective=objective,
        canvas=canvas,
        parameters=parameters,
        constraint=constraint,
        penalties=tuple(penalties),
        jitter=jitter,
    )
    known = {name: value for name, value in vars(stimuli).items() if name != "asked"}
    known |= {"config": config, "seeds": list(seeds), "init": init, **(facts or {})}
    record = Record(path, {name: describe(value) for name, value in known.items()})
    state, finished = record.resume()
    if finished is not None:
        return finished
    run = _Run(stimuli, config, seeds, init=init, batch_size=batch_size or len(seeds))
    if state is not None:
        run.restore(state)
    interrupted = run.climb(record, progress=progress)
    if interrupted and not run.done:
        raise KeyboardInterrupt
    generated = run.result(interrupted=interrupted)
    if run.is_between_steps:
        record.write(state=run.state() if interrupted else None, generated=generated)
    return generated


class _Run:
    """An ascent that is going on."""

    def __init__(
        self,
        stimuli: _Stimuli,
        config: AscentConfig,
        seeds: Sequence[int],
        *,
        init: Tensor | None,
        batch_size: int,
    ) -> None:
        self.stimuli = stimuli
        self.config = config
        self.seeds = tuple(seeds)
        self.rows = [slice(i, i + batch_size) for i in range(0, len(seeds), batch_size)]
        self.param = stimuli.parameters.start(seeds, init=init)
        self.optimizer = torch.optim.AdamW(
            [self.param], lr=config.lr, weight_decay=config.weight_decay
        )
        self.done = 0
        size = (2, config.num_steps, len(seeds))
        self.scores = torch.full(size, torch.nan, device=self.param.device)
        self.best_param = self.param.detach().clone()
        self.best_score = self.scores.new_full((len(seeds),), -torch.inf)
        self.best_step = torch.zeros(len(seeds), dtype=torch.long, device=self.param.device)
        self.is_between_steps = True

    def climb(self, record: Record, *, progress: bool) -> bool:
        """Take the steps that are left; True if Ctrl-C ended them."""
        saved = time.monotonic()
        bar = tqdm(
            total=self.config.num_steps, initial=self.done, desc="ascent", disable=not progress
        )
        with bar:
            try:
                while self.done < self.config.num_steps:
                    self._step()
                    bar.update()
                    if progress and bar.n == bar.last_print_n:
                        sign = self.stimuli.objective.sign
                        bar.set_postfix(
                            value=f"{sign * float(self.best_score.max()):.4g}", refresh=False
                        )
                    if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                        record.write(state=self.state())
                        saved = time.monotonic()
            except KeyboardInterrupt:
                return True
        return False

    def _step(self) -> None:
        """Score the parameters, keep the best, then update."""
        self.optimizer.zero_grad()
        for rows in self.rows:
            score, penalised = self.stimuli.scores(self.param[rows], self.done)
            (-penalised.sum()).backward()
            self.scores[0, self.done, rows] = score.detach().to(self.scores)
            self.scores[1, self.done, rows] = penalised.detach().to(self.scores)
        self.is_between_steps = False
        now = self.scores[1, self.done]
        better = now > self.best_score
        each = better.view(-1, *[1] * (self.param.ndim - 1))
        self.best_param = torch.where(each, self.param.detach(), self.best_param)
        self.best_step = torch.where(better, self.done, self.best_step)
        self.best_score = torch.where(better, now, self.best_score)
        self.optimizer.step()
        self.done += 1
        self.is_between_steps = True

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, on any device."""
        tensors = {name: getattr(self, name).detach() for name in self._kept}
        return {**tensors, "done": self.done, "optimizer": self.optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        with torch.no_grad():
            self.param.copy_(state["param"])
        for name in self._kept[1:]:
            setattr(self, name, state[name].to(self.param.device))
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]

    _kept = ("param", "scores", "best_param", "best_score", "best_step")

    @torch.no_grad()
    def result(self, *, interrupted: bool) -> Generated:
        """The best of each seed, asked once more without jitter."""
        score, ascended = self.scores[:, : self.done].cpu().numpy()
        best = self.best_score.cpu()
        if not bool(torch.isfinite(best).any()):
            raise DataError(
                f"none of {self.done} steps gave a finite score; the responses of the model, or a "
                "penalty, are NaN or infinite from the start"
            )
        movies = [self.stimuli.shown(self.best_param[rows]) for rows in self.rows]
        responses = torch.cat([self.stimuli.asked(movie) for movie in movies]).cpu().float()
        return Generated(
            video=torch.cat(movies).cpu().float().numpy(),
            responses=responses.numpy(),
            value=self.stimuli.objective.value(responses).numpy(),
            values=self.stimuli.objective.sign * score,
            step=self.best_step.cpu().numpy(),
            converged=has_converged(ascended, self.config.tolerance) & (not interrupted),
            best=int(best.argmax()),
            seeds=self.seeds,
            param=self.best_param.cpu(),
            interrupted=interrupted,
        )


def has_converged(scores: NDArray[np.float32], tolerance: float) -> NDArray[np.bool_]:
    """(s,) whether the best score rose by less than a share in the last tenth of the steps.

    The share is of the best score, or if that is more, of all that was gained: scores of inhibited
    neurons end near 0. Fewer than 10 steps, NaN, and what never left 0 have not converged.

    Args:
        scores: (steps, s), larger is better.
        tolerance: the share.
    """
    last = int(len(scores) * LAST_SHARE)
    if last < 1:
        return np.zeros(scores.shape[1], bool)
    best = np.maximum.accumulate(scores.astype(np.float64), axis=0)
    gained = best[-1] - best[-1 - last]
    scale = np.maximum(np.abs(best[-1]), best[-1] - scores[0])
    converged: NDArray[np.bool_] = gained < tolerance * scale
    return converged
