"""A stimulus that is to be generated: what is free, how it is parameterised and constrained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viv1t.config.flags import check, flag
from viv1t.data.transforms import response_scale
from viv1t.insilico.twin import DigitalTwin
from viv1t.most_exciting_stimulus.ascent import Penalty
from viv1t.most_exciting_stimulus.canvas import Canvas
from viv1t.most_exciting_stimulus.constraints import Constraint, HeldContrast, Sigmoid
from viv1t.most_exciting_stimulus.neurons import Target
from viv1t.most_exciting_stimulus.objective import Objective, Reduce
from viv1t.most_exciting_stimulus.parameters import (
    Fourier,
    Parameterisation,
    Pixel,
    Spectrum,
    standardised,
)
from viv1t.most_exciting_stimulus.penalties import Smoothness, SpectrumKL, TotalVariation
from viv1t.most_exciting_stimulus.published import PublishedParameters
from viv1t.most_exciting_stimulus.spectrum import read_spectrum
from viv1t.names import MouseId
from viv1t.units import GREY

Method: TypeAlias = Literal["pixel", "kl", "cutoff", "spectrum"]
CanvasKind: TypeAlias = Literal["center_surround", "full_field"]
Origin: TypeAlias = Literal["natural", "grating", "generated"]

MATCH: Final = "match"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How stimuli are parameterised and constrained."""

    method: Method = flag(
        help="what is optimised: pixel; cutoff, low frequencies; kl, all frequencies, near the "
        "natural spectrum; spectrum, phases of the natural spectrum"
    )
    num_frames: int = flag(30, help="frames of a stimulus")
    sd: float = flag(0.01, help="standard deviation of the noise at the start")
    alpha: float = flag(
        1.0, help="weight of the divergence, of --method kl, in standard deviations of the response"
    )
    spatial_cutoff: float = flag(0.5, help="share of spatial frequencies that cutoff keeps")
    temporal_cutoff: float = flag(1.0, help="share of temporal frequencies that cutoff keeps")
    loss_mode: Reduce = flag("sum", help="the response over the stimulus: its sum or max")
    rms: str | None = flag(
        None,
        help="RMS contrast in grey values that is held; match: that, and the mean, of the best "
        "natural or grating stimulus of the same role; none: free, as published",
    )
    num_seeds: int = flag(1, help="starts, ascended together; results tell what they agree on")
    jitter: int = flag(0, help="pixels by which stimuli are moved at random in each step")
    total_variation: float = flag(
        0.0,
        help="standard deviations of the response given up for each grey value of the mean step "
        "between neighbours in space and time",
    )
    smoothness: float = flag(
        0.0,
        help="standard deviations of the response given up for each squared grey value between "
        "frames, on average",
    )
    diversity: float = flag(
        0.0,
        help="make as many varied stimuli as seeds besides: the share of the best response that a "
        "correlation of 1 with another costs",
    )

    def __post_init__(self) -> None:
        check(self.num_frames >= 1, f"--num_frames must be 1 or more, got {self.num_frames}")
        check(self.num_seeds >= 1, f"--num_seeds must be 1 or more, got {self.num_seeds}")
        for name in ("diversity", "total_variation", "smoothness"):
            value = getattr(self, name)
            check(value >= 0, f"--{name} must be 0 or more, got {value}")
        check(
            self.diversity == 0 or self.num_seeds > 1,
            "--diversity makes stimuli that differ: set --num_seeds 2 or more",
        )
        is_number = self.rms is None or self.rms == MATCH or _is_positive(self.rms)
        check(is_number, f"--rms is a number of grey values above 0, or match, got {self.rms!r}")


@dataclass(frozen=True, kw_only=True)
class GenerateConfig(Settings):
    """What is generated, beside the settings of a part."""

    save_dir: str = flag(help="name of the stimuli: of their folders, and of their library")
    canvas: CanvasKind = flag(
        "center_surround", help="a centre and its surrounds, or the full_field"
    )
    use_natural_center: bool = flag(False, help="the centre is the best natural clip")
    use_grating_center: bool = flag(False, help="the centre is the best grating")
    outer_stimulus_size: float | None = flag(
        None, help="diameter in degrees beyond which all is grey; none: no limit"
    )
    static: bool = flag(False, help="full fields are images")
    static_center: bool = flag(False, help="the centre is an image")
    static_surround: bool = flag(False, help="surrounds are images")
    natural_init: bool = flag(False, help="start from the best natural clip of the same role")
    use_natural_blank: bool = flag(
        False,
        help="full fields of a population: the 10 frames before and after are those around the "
        "best natural movie that was recorded, not grey",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            not (self.use_natural_center and self.use_grating_center),
            "--use_natural_center and --use_grating_center exclude each other: choose one",
        )
        check(
            not (self.use_grating_center and self.static_center),
            "--static_center: the grating in the centre drifts; leave out one of the two",
        )
        check(
            self.save_dir != "" and Path(self.save_dir).name == self.save_dir,
            f"--save_dir is a name, without a path, got {self.save_dir!r}",
        )

    @property
    def centre(self) -> Origin:
        """Where the centre comes from."""
        if self.use_natural_center:
            return "natural"
        return "grating" if self.use_grating_center else "generated"


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A stimulus that is to be made.

    Attributes:
        role: its folder: center, most_exciting or most_inhibiting.
        objective: what is wanted.
        canvas: what is free, and what is around.
        static: an image.
        kind: columns of the library.
        init: (t, h, w) where to start; None: noise.
        shown: (t, h, w) a finished stimulus, that is only asked; None: generate one.
        source: where a finished one comes from.
        rms: RMS contrast that is held; None: free.
        mean: mean grey value that is held with it.
    """

    role: str
    objective: Objective
    canvas: Canvas
    static: bool
    kind: Mapping[str, str]
    init: NDArray[np.float32] | None = None
    shown: NDArray[np.float32] | None = None
    source: str = ""
    rms: float | None = None
    mean: float = float(GREY)

    @property
    def constraint(self) -> Constraint:
        """How its signal becomes grey values."""
        return Sigmoid() if self.rms is None else HeldContrast(rms=self.rms, mean=self.mean)

    def start(self, *, as_published: bool = False) -> Tensor | None:
        """`init` as a signal, or None.

        What is not free takes the mean of what is; as published it stays, and enters the mean and
        the deviation by which all is divided.
        """
        if self.init is None:
            return None
        clip = np.array(self.init, np.float32)
        if not as_published:
            is_free = self.canvas.free > 0
            clip[:, ~is_free] = clip[:, is_free].mean()
        return standardised(torch.from_numpy(clip))


def recipe(
    settings: Settings,
    part: Part,
    folder: Path,
    mouse_id: MouseId,
    *,
    responder: Any = None,  # noqa: ANN401
    as_published: bool = False,
) -> tuple[Parameterisation, list[Penalty]]:
    """What is optimised for a part, and what is not wanted of it.

    Args:
        settings: the method and its numbers.
        part: what is made.
        folder: of the results, where the natural spectrum of kl and spectrum is.
        mouse_id: the mouse.
        responder: who is asked; its device holds the numbers, and penalties are in standard
            deviations of its response; None: on the CPU, and in units of the response.
        as_published: the published numbers, and the mean luminance counts in the spectrum.

    Raises:
        MissingResultError: the natural spectrum is missing; the message names the command.
    """
    start: dict[str, Any] = {
        "shape": part.canvas.free.shape,
        "num_frames": settings.num_frames,
        "static": part.static,
        "sd": settings.sd,
        "device": getattr(responder, "device", "cpu"),
    }
    unit = response_unit(responder, mouse_id, part.objective)
    penalties: list[Penalty] = [
        penalty(weight=unit * weight)
        for penalty, weight in (
            (TotalVariation, settings.total_variation),
            (Smoothness, settings.smoothness),
        )
        if weight > 0
    ]
    spatial, temporal = settings.spatial_cutoff, settings.temporal_cutoff
    kept: dict[str, Any] = {"spatial_cutoff": spatial, "temporal_cutoff": temporal}
    if settings.method in ("pixel", "cutoff") and as_published:
        return PublishedParameters(**start, **kept, method=settings.method), penalties
    if settings.method == "pixel":
        return Pixel(**start), penalties
    if settings.method == "cutoff":
        return Fourier(**start, **kept), penalties
    spectrum = read_spectrum(folder, mouse_id)
    if settings.method == "spectrum":
        amplitude = spectrum.amplitude_static if part.static else spectrum.amplitude
        return Spectrum(**start, amplitude=amplitude), penalties
    freq = torch.from_numpy(spectrum.freq)
    divergence = SpectrumKL(spectrum=freq, alpha=unit * settings.alpha, with_dc=as_published)
    penalties.append(divergence)
    if as_published:
        return PublishedParameters(**start, method="kl"), penalties
    return Fourier(**start, spatial_cutoff=1.0, temporal_cutoff=1.0), penalties


def response_unit(responder: Any, mouse_id: MouseId, objective: Objective) -> float:  # noqa: ANN401
    """A standard deviation of the objective's response in the recordings; 1 if it is not known.

    Of several neurons, the sum of theirs, weighted. Published losses were in these units.

    Args:
        responder: a twin with statistics, or an ensemble of them, of which the first counts.
        mouse_id: the mouse.
        objective: whose response it is.
    """
    return float(np.abs(objective.weights) @ _deviations(responder, mouse_id, objective.neurons))


def in_model_units(target: Target, responder: Any, mouse_id: MouseId) -> Target:  # noqa: ANN401
    """`target` with the published weights: of responses divided by their standard deviations.

    Published losses summed what the model puts out, so that neurons counted alike whatever the
    size of their responses; values of the objective are in these units then. A single neuron
    stays as it is.

    Args:
        target: for whom a stimulus is made.
        responder: see `response_unit`.
        mouse_id: the mouse.
    """
    if not target.is_population:
        return target
    weights = np.array(target.weights) / _deviations(responder, mouse_id, target.neurons)
    return replace(target, weights=tuple(weights.tolist()))


def _deviations(responder: Any, mouse_id: MouseId, neurons: Sequence[int]) -> Any:  # noqa: ANN401
    """(n,) standard deviations of recorded responses; 1 if they are not known."""
    twin = getattr(responder, "members", (responder,))[0]
    statistics = twin.mouse(mouse_id).statistics if isinstance(twin, DigitalTwin) else None
    if statistics is None:
        return np.ones(len(neurons))
    return response_scale(statistics)[list(neurons)].astype(float)


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
