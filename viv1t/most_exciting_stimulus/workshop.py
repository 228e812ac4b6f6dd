"""Makes generated stimuli, keeps them, and says what their seeds agree on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.ascent import AscentConfig, ascend
from viv1t.most_exciting_stimulus.blank import Blank
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.consensus import consensus, spread
from viv1t.most_exciting_stimulus.constraints import mean_luminance, rms_contrast
from viv1t.most_exciting_stimulus.diversity import Diversity
from viv1t.most_exciting_stimulus.generated import Generated
from viv1t.most_exciting_stimulus.library import write_library
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.origins import Found
from viv1t.most_exciting_stimulus.parts import Part, Settings, recipe
from viv1t.most_exciting_stimulus.penalties import Jitter
from viv1t.most_exciting_stimulus.published import presentation_mask, save_checkpoint
from viv1t.most_exciting_stimulus.respond import Asked, ask_of, looks_ahead
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.names import MouseId
from viv1t.units import GREY, MAX_FRAMES, SKIP_FRAMES
from viv1t.utils.files import read_yaml, write_npy, write_yaml

SUMMARY: Final = "summary.yaml"
VARIED: Final = "varied"
SEED: Final = "seed"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Makes the stimuli of one target, and keeps them.

    Attributes:
        probe: who is asked.
        mouse_id: the mouse.
        target: for whom.
        settings: of all parts.
        ascent: how they are optimised.
        folder: of the target; that of each role lies within.
        library: folder of the library.
        outer_deg: diameter beyond which all is grey; None: no limit.
        held_out: who is shown the finished stimuli, too.
        blank: what is shown next to stimuli; None: grey.
        as_published: the recipe of `parts.recipe`, its start, and the published length of grey.
    """

    probe: Probe
    mouse_id: MouseId
    target: Target
    settings: Settings
    ascent: AscentConfig
    folder: Path
    library: Path
    outer_deg: float | None = None
    held_out: tuple[Witness, ...] = ()
    blank: Blank | None = None
    as_published: bool = False

    def finished(self, role: str) -> dict[str, Any] | None:
        """What is known of the stimulus of a role; None: it is not finished."""
        path = self.folder / role / SUMMARY
        return read_yaml(path) if path.is_file() else None

    def make(self, part: Part) -> Found:
        """The best stimulus of a part; one that is finished is only read, one begun goes on.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was reached is kept.
        """
        where = self.folder / part.role
        seeds = tuple(self.probe.seed + number for number in range(self.settings.num_seeds))
        if part.shown is not None:
            found, varied = self._as_it_is(part, part.shown), None
        else:
            found, varied = self._ascend(part, seeds, where / "ascent.pt"), None
            if self.settings.diversity > 0:
                varied = self._ascend(part, seeds, where / f"{VARIED}.pt", of=found)
        if self.finished(part.role) is None:
            self._keep(part, found, varied)
        rms, mean = (float(values[found.best]) for values in _contrast(found, part.canvas))
        return Found(frames=found.video[found.best], rms=rms, mean=mean, name=part.role)

    @cached_property
    def _asked(self) -> Asked:
        return self._ask(self.probe)

    def _ask(self, probe: Probe) -> Asked:
        state = probe.states.get(self.mouse_id, (None, None))
        lead_frames = self._grey if self.as_published else SKIP_FRAMES
        asked = ask_of(
            probe.responder,
            self.mouse_id,
            neurons=self.target.neurons,
            state=state,
            lead_frames=lead_frames - (0 if self.blank is None else len(self.blank.before)),
        )
        if self.blank is None:
            return asked
        return self.blank.around(asked, looks_ahead=looks_ahead(probe.responder))

    @property
    def _grey(self) -> int:
        """Published frames of grey before and after a stimulus, or what the model can take."""
        shapes = getattr(self.probe.responder, "shapes", None)
        total = min(MAX_FRAMES, getattr(shapes, "max_frames", MAX_FRAMES))
        return max((total - self.settings.num_frames) // 2, SKIP_FRAMES)

    def _as_it_is(self, part: Part, shown: NDArray[np.float32]) -> Generated:
        """A finished stimulus as if no step had been taken."""
        video = np.asarray(shown, np.float32)[None]
        with torch.no_grad():
            responses = self._asked(torch.from_numpy(video)).cpu().float()
        value = part.objective.value(responses).numpy()
        return Generated(
            video=video,
            responses=responses.numpy(),
            value=value,
            values=value[None],
            step=np.zeros(1, np.int64),
            converged=np.ones(1, bool),
            best=0,
            seeds=(-1,),
            param=torch.from_numpy(video),
        )

    def _ascend(
        self, part: Part, seeds: tuple[int, ...], path: Path, *, of: Generated | None = None
    ) -> Generated:
        """Ascend; with `of`, towards stimuli that differ, weighed by its best response."""
        settings = self.settings
        parameters, penalties = recipe(
            settings,
            part,
            self.probe.output_dir,
            self.mouse_id,
            responder=self.probe.responder,
            as_published=self.as_published,
        )
        batch_size = self.probe.batch_size
        if of is not None:
            weight = settings.diversity * float(np.abs(of.value).max())
            penalties = [*penalties, Diversity(weight, torch.from_numpy(part.canvas.free))]
            batch_size = len(seeds)
        found = ascend(
            self._asked,
            part.objective,
            part.canvas,
            parameters,
            part.constraint,
            penalties=penalties,
            jitter=Jitter(px=settings.jitter, seed=self.probe.seed) if settings.jitter else None,
            config=self.ascent,
            seeds=seeds,
            init=part.start(as_published=self.as_published),
            batch_size=batch_size,
            path=path,
            facts={"mouse": self.mouse_id, "provenance": dict(self.probe.provenance)},
            progress=self.probe.progress,
        )
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    def _keep(self, part: Part, found: Generated, varied: Generated | None) -> None:
        """Write rows of the library and the published file; last, that all is finished."""
        where = self.folder / part.role
        names = self._write_rows(part, found, SEED)
        agreed = consensus(found.video, part.canvas.free, reference=found.best)
        summary: dict[str, Any] = {
            "stimulus": names[found.best],
            "value": float(found.value[found.best]),
            "converged": bool(found.converged[found.best]),
            "num_seeds": len(found.seeds),
            "share_converged": float(found.converged.mean()),
            "spread": spread(found.value),
            "correlation": agreed.mean_correlation,
            "correlation_unaligned": agreed.mean_plain,
            "steps": 0 if part.shown is not None else len(found.values),
        }
        if len(found.seeds) > 1:
            write_npy(where / "consensus.npy", agreed.shared.astype(np.float32))
        if varied is not None:
            self._write_rows(part, varied, VARIED)
            likeness = consensus(varied.video, part.canvas.free).plain
            pairs = likeness[np.triu_indices(len(likeness), k=1)]
            summary["varied_value"] = float((varied.value / found.value[found.best]).mean())
            summary["varied_correlation"] = float(pairs.max())
        summary |= self._judged(part, found.video[found.best])
        self._write_checkpoint(part, found)
        write_yaml(where / SUMMARY, summary)

    def _write_rows(self, part: Part, found: Generated, word: str) -> list[str]:
        """Names of the stimuli, which stand in the library afterwards."""
        rms, mean = _contrast(found, part.canvas)
        height, width = part.canvas.free.shape
        x, y = self.target.centre_px or (width / 2, height / 2)
        name = "_".join((self.target.name, *part.kind.values()))
        names, source = [name], [part.source]
        if part.shown is None:
            names = [f"{name}_{word}{seed}" for seed in found.seeds]
            source = [f"{word}, {self.settings.method}, step {step}" for step in found.step]
        is_whole = part.kind["centre"].startswith("full_")
        table = pd.DataFrame(
            {
                "stimulus": names,
                "neuron": self.target.neuron,
                **part.kind,
                "seed": found.seeds,
                "value": found.value.astype(float),
                "converged": found.converged,
                "centre_x_px": float(x),
                "centre_y_px": float(y),
                "size_deg": np.nan if is_whole else float(self.target.size_deg),
                "outer_deg": np.nan if self.outer_deg is None else float(self.outer_deg),
                "rms": rms,
                "mean": mean,
                "contrast_matched": part.shown is None and part.rms is not None,
                "source": source,
            }
        )
        method = {"settings": asdict(self.settings), "ascent": asdict(self.ascent)}
        write_library(self.library, self.mouse_id, table, found.video, method=method)
        return names

    def _judged(self, part: Part, video: NDArray[np.float32]) -> dict[str, Any]:
        """Values of the background alone, and of both on those who did not make the stimulus."""
        nothing = np.broadcast_to(part.canvas.background, video.shape)
        shown = torch.from_numpy(np.stack([video, nothing]).astype(np.float32))

        def values(asked: Asked) -> tuple[float, float]:
            with torch.no_grad():
                first, second = part.objective.value(asked(shown)).tolist()
            return first, second

        value, baseline = values(self._asked)
        facts: dict[str, Any] = {"baseline": baseline}
        others: dict[str, Mapping[str, float]] = {}
        for witness in self.held_out:
            other, other_baseline = values(self._ask(witness.probe))
            gain = value - baseline
            others[witness.label] = {
                "value": other,
                "baseline": other_baseline,
                "share": (other - other_baseline) / gain if gain else float("nan"),
            }
        return facts | {"held_out": others}

    def _write_checkpoint(self, part: Part, found: Generated) -> None:
        """ckpt.pt: the best stimulus between grey screens (or `blank`), and all responses."""
        best, num_frames, lead = found.best, found.video.shape[1], self._grey
        behavior, pupil = self.probe.states.get(self.mouse_id, (None, None))
        video = np.pad(
            found.video[best], ((lead, lead), (0, 0), (0, 0)), constant_values=GREY
        ).astype(np.float32)
        if self.blank is not None:
            self.blank.put(video, lead, lead + num_frames)
        answer = self.probe.responder.predict(
            video,
            self.mouse_id,
            behavior=None if behavior is None else np.tile(behavior[:, None], len(video)),
            pupil_center=None if pupil is None else np.tile(pupil[:, None], len(video)),
            neurons=list(self.target.neurons),
        )
        response = torch.from_numpy(answer[:, -(len(video) - SKIP_FRAMES) :])
        is_one = not self.target.is_population
        save_checkpoint(
            self.folder / part.role,
            param=found.param[best],
            video=torch.from_numpy(video)[None],
            response=response[0] if is_one else response,
            step=int(found.step[best]),
            mouse=self.mouse_id,
            neuron=self.target.neuron if is_one else None,
            loss=torch.tensor(-part.objective.sign * float(found.value[best])),
            presentation_mask=torch.from_numpy(presentation_mask(lead, num_frames)),
        )


def _contrast(found: Generated, canvas: Canvas) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(s,) RMS contrast and (s,) mean in the free pixels."""
    video, free = torch.from_numpy(found.video), torch.from_numpy(canvas.free)
    plain = [_numpy(of(video, free)) for of in (rms_contrast, mean_luminance)]
    return plain[0], plain[1]


def _numpy(values: Tensor) -> NDArray[np.float64]:
    return values.double().numpy()
