"""One set of stimuli, shown to all mice of a probe."""

from collections.abc import Callable
from pathlib import Path

from viv1t.experiments.placed import Group, Mode, Placement, place, run_placed
from viv1t.experiments.published import published_place
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.tally import Reduction
from viv1t.insilico.probe import Probe
from viv1t.names import MouseId
from viv1t.results.responses import Units
from viv1t.results.store import ResultDir, read_result


def run_all(
    probe: Probe,
    name: str,
    design: Callable[[Placement], StimulusSet],
    *,
    mode: Mode = "screen",
    own_direction: bool = False,
    as_published: bool = False,
    divide: Callable[[MouseId, list[Group]], list[Group]] | None = None,
    reduction: Reduction | None = None,
    units: Units = "recorded",
) -> dict[MouseId, Path]:
    """The file of each mouse, experiments/<name>/mouse<M>.h5, for `saved.load_experiment`.

    What is there already is not shown again, see `placed.run_placed`.

    Args:
        probe: who is asked.
        name: of the experiment.
        design: the stimuli at a place.
        mode: where they are shown, see `placed.place`; but for "screen", the table aRF is needed.
        own_direction: place them along each neuron's preferred direction, from the table
            selectivity.
        as_published: centres as `published.published_place` gives them.
        divide: changes the groups of a mouse: smaller ones with discs of their own, or fewer.
        reduction: what to keep, see `run.run_experiment`.
        units: of the responses.

    Raises:
        MissingResultError: a table is missing; the message names the command.
        ConfigError: a file holds another experiment, or no neuron has a place.
    """
    folder = ResultDir(probe.output_dir).experiment(name)
    for mouse_id in probe.mouse_ids:
        groups = groups_of(
            probe, mouse_id, mode=mode, own_direction=own_direction, as_published=as_published
        )
        groups = groups if divide is None else divide(mouse_id, groups)
        behavior, pupil_center = probe.states.get(mouse_id, (None, None))
        run_placed(
            design,
            probe.responder,
            mouse_id,
            groups,
            folder=folder,
            seed=probe.seed,
            reduction=reduction,
            behavior=behavior,
            pupil_center=pupil_center,
            batch_size=probe.batch_size,
            units=units,
            provenance=probe.provenance,
            progress=probe.progress,
        )
    return {mouse_id: folder / f"mouse{mouse_id}.h5" for mouse_id in probe.mouse_ids}


def groups_of(
    probe: Probe,
    mouse_id: MouseId,
    *,
    mode: Mode,
    own_direction: bool = False,
    as_published: bool = False,
) -> list[Group]:
    """Where the neurons of a mouse are shown stimuli, from the tables in the folder of results.

    Args:
        probe: who is asked.
        mouse_id: the mouse.
        mode: see `placed.place`.
        own_direction: likewise.
        as_published: likewise as the published code did.

    Raises:
        MissingResultError: the table aRF or selectivity is missing; the message names the command.
        ConfigError: no neuron has a place.
    """
    num_neurons, monitor = probe.responder.num_neurons(mouse_id), probe.monitors[mouse_id]
    fields = None
    if mode != "screen":
        fields = read_result(probe.output_dir, "aRF", mouse_ids=[mouse_id])
    if as_published:
        return published_place(num_neurons, monitor=monitor, mode=mode, receptive_fields=fields)
    directions = None
    if own_direction:
        table = read_result(probe.output_dir, "selectivity", mouse_ids=[mouse_id])
        directions = (
            table.set_index("neuron")["preferred_direction_deg"]
            .reindex(range(num_neurons))
            .to_numpy(float)
        )
    return place(
        num_neurons,
        monitor=monitor,
        mode=mode,
        receptive_fields=fields,
        directions_deg=directions,
    )
