"""Generated stimuli of neurons and populations: centres, surrounds, full fields."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from viv1t.config.flags import check
from viv1t.errors import ConfigError
from viv1t.insilico.probe import Probe
from viv1t.most_exciting_stimulus.ascent import AscentConfig
from viv1t.most_exciting_stimulus.blank import Blank, natural_blank
from viv1t.most_exciting_stimulus.canvas import Canvas, centre_disc, full_field, surround_ring
from viv1t.most_exciting_stimulus.generated_files import (
    motion,
    put_aside,
    target_folder,
    write_summaries,
)
from viv1t.most_exciting_stimulus.library import library_folder
from viv1t.most_exciting_stimulus.neurons import SelectionConfig, Target, targets_of
from viv1t.most_exciting_stimulus.objective import Goal, Objective
from viv1t.most_exciting_stimulus.origins import Found, Origins
from viv1t.most_exciting_stimulus.parts import MATCH, GenerateConfig, Part, in_model_units
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.most_exciting_stimulus.workshop import Workshop
from viv1t.names import MouseId
from viv1t.units import GREY
from viv1t.utils.files import read_yaml, write_yaml

logger = logging.getLogger(__name__)

CENTRE, EXCITING, INHIBITING = "center", "most_exciting", "most_inhibiting"
GOALS: Final[tuple[tuple[str, Goal], ...]] = ((EXCITING, "excite"), (INHIBITING, "inhibit"))
SETTINGS: Final = "settings.yaml"


def generate_stimuli(
    probe: Probe,
    selection: SelectionConfig,
    config: GenerateConfig,
    ascent: AscentConfig,
    *,
    data_dir: Path | None = None,
    held_out: Sequence[Witness] = (),
    overwrite: bool = False,
    as_published: bool = False,
) -> dict[MouseId, Path]:
    """The folder of the library of stimuli, by mouse; every neuron of `selection` is in it.

    Each neuron has a folder of its own (`generated_folder`), with ckpt.pt for each of center,
    most_exciting and most_inhibiting. What is finished is skipped, what was begun goes on.

    Args:
        probe: who is asked; an ensemble gives stimuli that drive the mean of several models.
        selection: whom stimuli are made for.
        config: which stimuli.
        ascent: how they are optimised.
        data_dir: the recordings, of which natural blanks show frames; others need none.
        held_out: who is shown the finished stimuli, too.
        overwrite: begin anew; what was there is kept beside it.
        as_published: choice and places of neurons, units of a population's responses, length of
            the grey before, the mean luminance in the spectrum, and starts (of generated centres,
            the most inhibiting surround) as published.

    Raises:
        MissingResultError: a table, or a stimulus that should stay or be the start, is missing;
            the message names the command.
        ConfigError: a folder holds stimuli of other settings, or a natural blank is asked for
            beside anything but full fields of a population.
    """
    is_whole = config.canvas == "full_field" and selection.objective == "population"
    check(
        not config.use_natural_blank or (is_whole and data_dir is not None),
        "--use_natural_blank shows what a population saw on the whole screen, and reads it from "
        "--data_dir: add --canvas full_field --objective population, or leave it out",
    )
    folders = {}
    for mouse_id in probe.mouse_ids:
        targets = targets_of(probe, mouse_id, selection, as_published=as_published)
        if as_published:
            targets = [in_model_units(target, probe.responder, mouse_id) for target in targets]
        origins = Origins(probe.output_dir, mouse_id, config.num_frames)
        bar = tqdm(targets, desc=f"mouse {mouse_id}", unit="target", disable=not probe.progress)
        for target in bar:
            maker = _Maker(
                probe=probe,
                mouse_id=mouse_id,
                target=target,
                config=config,
                ascent=ascent,
                origins=origins,
                data_dir=data_dir,
                held_out=tuple(held_out),
                as_published=as_published,
            )
            maker.make(overwrite=overwrite)
        write_summaries(probe.output_dir, config, mouse_id, targets)
        folders[mouse_id] = library_folder(probe.output_dir, config.save_dir)
    return folders


@dataclass(frozen=True, kw_only=True)
class _Maker:
    """All stimuli of one target."""

    probe: Probe
    mouse_id: MouseId
    target: Target
    config: GenerateConfig
    ascent: AscentConfig
    origins: Origins
    data_dir: Path | None
    held_out: tuple[Witness, ...]
    as_published: bool

    def make(self, *, overwrite: bool) -> None:
        """Make, go on with, or skip them."""
        where = (self.probe.output_dir, self.config, self.mouse_id, self.target)
        if overwrite:
            put_aside(*where)
        folder, blank = target_folder(*where), self._blank()
        self._begin(folder, blank)
        workshop = Workshop(
            probe=self.probe,
            mouse_id=self.mouse_id,
            target=self.target,
            settings=self.config,
            ascent=self.ascent,
            folder=folder,
            library=library_folder(self.probe.output_dir, self.config.save_dir),
            outer_deg=self.config.outer_stimulus_size,
            held_out=self.held_out,
            blank=blank,
            as_published=self.as_published,
        )
        roles = [role for role, _ in GOALS]
        roles += [CENTRE] if self.config.canvas == "center_surround" else []
        if all(workshop.finished(role) is not None for role in roles):
            return
        if self.config.canvas == "full_field":
            for part in self._full_fields():
                workshop.make(part)
            return
        centre = workshop.make(self._centre())
        for part in self._surrounds(centre):
            workshop.make(part)

    def _blank(self) -> Blank | None:
        if not self.config.use_natural_blank or self.data_dir is None:
            return None
        monitor = self.probe.monitors[self.mouse_id]
        canvas = self._whole_screen()
        return natural_blank(self.origins, self.target, canvas, monitor, self.data_dir)

    def _begin(self, folder: Path, blank: Blank | None) -> None:
        """Write down the settings, or compare them with those that are there."""
        facts: dict[str, Any] = {
            "stimuli": asdict(self.config),
            "ascent": asdict(self.ascent),
            "seed": self.probe.seed,
            "target": {
                "neurons": list(self.target.neurons),
                "weights": list(self.target.weights),
                "centre_px": None
                if self.target.centre_px is None
                else [float(c) for c in self.target.centre_px],
                "size_deg": float(self.target.size_deg),
            },
            "as_published": self.as_published,
            "provenance": dict(self.probe.provenance),
        }
        if blank is None:  # folders of before this flag go on
            del facts["stimuli"]["use_natural_blank"]
        else:
            facts["blank"] = blank.source
        path = folder / SETTINGS
        if not path.is_file():
            write_yaml(path, facts)
            return
        stored = read_yaml(path)
        other = [name for name, value in facts.items() if stored.get(name) != value]
        if other:
            found = _first_difference(stored.get(other[0]), facts[other[0]])
            raise ConfigError(
                f"{folder} holds stimuli made with other settings ({other[0]}: {found}): give "
                "another --save_dir, or --overwrite, which keeps them aside"
            )

    def _objective(self, goal: Goal) -> Objective:
        return Objective(
            neurons=self.target.neurons,
            weights=self.target.weights,
            reduce=self.config.loss_mode,
            goal=goal,
        )

    def _whole_screen(self) -> Canvas:
        return full_field(
            self.probe.monitors[self.mouse_id],
            outer_deg=self.config.outer_stimulus_size,
            centre_px=self.target.centre_px,
        )

    def _full_fields(self) -> Iterator[Part]:
        moves, canvas = motion(self.config.static), self._whole_screen()
        for role, goal in GOALS:
            asked = {"goal": goal, "surround": "none", "sized": False}
            init = None
            if self.config.natural_init:
                init = self.origins.needed(
                    self.target,
                    f"natural full field ({moves}, to {goal})",
                    centre="full_natural",
                    centre_motion=moves,
                    **asked,
                )
            yield self._matched(
                Part(
                    role=role,
                    objective=self._objective(goal),
                    canvas=canvas,
                    static=self.config.static,
                    kind={"centre": "full_generated", "centre_motion": moves, "goal": goal},
                    init=None if init is None else init.frames,
                ),
                centre="full_natural|full_grating",
                **asked,
            )

    def _centre(self) -> Part:
        config, target = self.config, self.target
        moves = motion(config.static_center)
        monitor = self.probe.monitors[self.mouse_id]
        part = Part(
            role=CENTRE,
            objective=self._objective("excite"),
            canvas=centre_disc(monitor, size_deg=target.size_deg, centre_px=target.centre_px),
            static=config.static_center,
            kind={"centre": config.centre, "centre_motion": moves, "goal": "excite"},
        )
        asked = {"surround": "none", "goal": "excite"}
        if config.centre != "generated":
            found = self._searched(config.centre, moves)
            return replace(part, shown=found.frames, source=found.name)
        if config.natural_init:
            found = self._searched("natural", moves)
            if self.as_published:
                found = self._natural_surround("inhibit")
            part = replace(part, init=found.frames)
        return self._matched(part, centre="natural|grating", **asked)

    def _searched(self, origin: str, moves: str) -> Found:
        """The best centre of a search."""
        return self.origins.needed(
            self.target,
            f"{origin} centre ({moves})",
            centre=origin,
            surround="none",
            centre_motion=moves,
            goal="excite",
        )

    def _natural_surround(self, goal: Goal) -> Found:
        """The natural surround of a goal; of a natural centre where the own one is generated."""
        moves = motion(self.config.static_surround)
        centre = "grating" if self.config.use_grating_center else "natural"
        return self.origins.needed(
            self.target,
            f"natural surround ({moves}, to {goal}) of a {centre} centre",
            centre=centre,
            surround="natural",
            surround_motion=moves,
            goal=goal,
        )

    def _surrounds(self, centre: Found) -> Iterator[Part]:
        config, target = self.config, self.target
        moves = motion(config.static_surround)
        canvas = surround_ring(
            self.probe.monitors[self.mouse_id],
            centre.frames,
            size_deg=target.size_deg,
            centre_px=target.centre_px,
            outer_deg=config.outer_stimulus_size,
        )
        for role, goal in GOALS:
            part = Part(
                role=role,
                objective=self._objective(goal),
                canvas=canvas,
                static=config.static_surround,
                kind={
                    "centre": config.centre,
                    "centre_motion": motion(config.static_center),
                    "surround": "generated",
                    "surround_motion": moves,
                    "goal": goal,
                },
                init=self._natural_surround(goal).frames if config.natural_init else None,
            )
            yield self._matched(
                part, centre="natural|grating", surround="natural|grating", goal=goal
            )

    def _matched(self, part: Part, **kind: Any) -> Part:  # noqa: ANN401
        """`part` with the contrast it is held at."""
        if self.config.rms != MATCH:
            rms = None if self.config.rms is None else float(self.config.rms)
            return replace(part, rms=rms, mean=float(GREY))
        found = self.origins.needed(
            self.target,
            "natural or grating stimulus whose contrast --rms match could take",
            **kind,
        )
        return replace(part, rms=found.rms, mean=found.mean)


def _first_difference(stored: Any, wanted: Any) -> str:  # noqa: ANN401
    """What differs, in words."""
    if isinstance(stored, Mapping) and isinstance(wanted, Mapping):
        for name, value in wanted.items():
            if stored.get(name) != value:
                return f"{name} was {stored.get(name)}, now {value}"
    return f"was {stored}, now {wanted}"
