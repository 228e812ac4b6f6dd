"""Opening a trained run: `viv1t.load`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from viv1t import checkpoint
from viv1t.batch import DataShapes
from viv1t.config.schema import ModelConfig, RunConfig
from viv1t.config.store import SCHEMA_VERSION, run_around, run_from_values
from viv1t.data.facts import MouseFacts, shapes_of
from viv1t.data.transforms import Transforms
from viv1t.errors import CheckpointError, ConfigError, MissingResultError, UserError
from viv1t.insilico.questions import TwinMouse
from viv1t.insilico.supplied import KnownMouse, StatisticsSource, supply
from viv1t.insilico.twin import DigitalTwin, Precision
from viv1t.model.compat import from_published
from viv1t.model.cores import CORES
from viv1t.model.model import Model
from viv1t.model.readouts import READOUTS
from viv1t.names import MouseId
from viv1t.results.run import RunDir
from viv1t.utils.device import choose_device
from viv1t.utils.files import read_yaml

READOUT_KEYS = "readouts."


@dataclass(frozen=True, kw_only=True)
class OpenedRun:
    """What a run folder says, before a model is built.

    Attributes:
        config: of the run.
        shapes: the model was built for.
        mice: in the order of the model.
    """

    config: RunConfig
    shapes: DataShapes
    mice: Mapping[MouseId, KnownMouse]


def load(
    run_dir: Path | str,
    *,
    device: str | torch.device | None = None,
    precision: Precision = "32",
    statistics: StatisticsSource | None = None,
    as_published: bool = False,
    grad_checkpointing: bool = False,
) -> DigitalTwin:
    """The digital twin of the run in `run_dir`, in eval mode; the data set is not needed.

    Opens folders written by `train.py` and those of the published system. The latter hold no
    statistics: give them, or ask `predict` for units="model" with transformed inputs.

    Args:
        run_dir: the run folder.
        device: where to compute, for example "cpu"; None: cuda, else mps, else cpu.
        precision: "32", or "bf16" for bfloat16 arithmetic in the core, in `predict`.
        statistics: a data folder, or {mouse: {video|behavior|pupil_center|response:
            {mean, std, min, max, median}}} in recorded units; replaces those of the run.
        as_published: reproduce defects of the published code that change numbers.
        grad_checkpointing: compute activations anew when gradients pass back to a movie, which
            takes longer and less memory (cores that can: vivit); weights get no gradient then.

    Raises:
        MissingResultError: a file of the run is missing (a FileNotFoundError).
        CheckpointError: the weights are damaged or do not fit args.yaml (a ValueError).
        ConfigError: args.yaml, `device` or `precision` holds what cannot be (a ValueError).
        DataError: statistics are damaged, or are those of other neurons (a ValueError).
    """
    where = choose_device("" if device is None else str(device))
    run = RunDir.open(run_dir)
    values = _read_args(run)
    weights = checkpoint.load_weights(run.best_weights)
    opened = _open_own(run, values, weights) if "schema" in values else _open_published(run, values)
    mice = (
        opened.mice if statistics is None else supply(statistics, opened.mice, shapes=opened.shapes)
    )
    model = Model(
        _for_prediction(opened.config.model, grad_checkpointing=grad_checkpointing),
        shapes=opened.shapes,
        coordinates={m: _coordinates(mouse) for m, mouse in mice.items()},
        as_published=as_published,
    )
    checkpoint.load_into(model, weights, source=run.best_weights)
    if grad_checkpointing:  # what is computed anew must ask for the same gradients
        model.requires_grad_(False)
    return DigitalTwin(
        model,
        config=opened.config,
        shapes=opened.shapes,
        mice={m: _twin_mouse(mouse, opened.config) for m, mouse in mice.items()},
        device=where,
        precision=precision,
    )


def is_published(run: RunDir) -> bool:
    """True if `run` was written by the published system."""
    return "schema" not in _read_args(run)


def weights_id(run: RunDir) -> dict[str, str | int]:
    """Which weights a run holds: `run` (its path), `epoch` if known, `weights` (their hash)."""
    epoch = read_yaml(run.best_info).get("epoch") if run.best_info.is_file() else None
    digest = hashlib.sha256(run.best_weights.read_bytes()).hexdigest()[:16]
    known = {} if epoch is None else {"epoch": int(epoch)}
    return {"run": str(run.path), "weights": digest, **known}


def _read_args(run: RunDir) -> dict[str, Any]:
    try:
        return run.read_args()
    except MissingResultError:
        raise
    except UserError as error:
        raise CheckpointError(str(error)) from error


def _open_own(run: RunDir, values: Mapping[str, Any], weights: Mapping[str, Tensor]) -> OpenedRun:
    """A folder of `train.py`; its mice are those of the weights."""
    if values["schema"] != SCHEMA_VERSION:
        raise CheckpointError(
            f"{run.args} has schema {values['schema']}, this version of viv1t knows "
            f"{SCHEMA_VERSION}: update viv1t, or train again"
        )
    try:
        config = run_from_values(values, cores=CORES, readouts=READOUTS)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{run.args}: {error}") from error
    keys = (key.split(".") for key in weights if key.startswith(READOUT_KEYS))
    ids = list(dict.fromkeys(key[1] for key in keys))
    if not ids:
        raise CheckpointError(f"{run.best_weights} holds no readout: no key {READOUT_KEYS}*")
    facts = {mouse_id: MouseFacts.load(run.mouse_data(mouse_id)) for mouse_id in ids}
    return OpenedRun(
        config=config,
        shapes=shapes_of(facts.values(), crop_frame=config.data.crop_frame),
        mice={
            mouse_id: KnownMouse(
                mouse_id=mouse_id,
                num_neurons=len(known.neuron_idx),
                neuron_idx=known.neuron_idx,
                statistics=known.statistics,
                facts=known,
            )
            for mouse_id, known in facts.items()
        },
    )


def _open_published(run: RunDir, values: Mapping[str, Any]) -> OpenedRun:
    """A folder of the published system: shapes and mice stand in args.yaml, statistics nowhere."""
    try:
        published = from_published(values, source=str(run.args))
        config = run_around(published.config, values)
        selected = values.get("neuron_idx") or {}
        mice = {
            mouse_id: KnownMouse.published(mouse_id, n, selected.get(mouse_id))
            for mouse_id, n in published.num_neurons.items()
        }
    except CheckpointError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise ConfigError(f"{run.args}: {error}") from error
    return OpenedRun(config=config, shapes=published.shapes, mice=mice)


def _for_prediction(config: ModelConfig, *, grad_checkpointing: bool) -> ModelConfig:
    """The model without what only training wants; `predict` sets its own precision."""
    recompute: Literal[0, 1] = 1 if grad_checkpointing else 0
    return replace(config, autocast="disable", compile=False, grad_checkpointing=recompute)


def _coordinates(mouse: KnownMouse) -> Tensor:
    """(n, 3) in µm; zeros where unknown, since the weights hold what follows from them."""
    known = None if mouse.facts is None else mouse.facts.coordinates
    return torch.zeros(mouse.num_neurons, 3) if known is None else torch.from_numpy(known)


def _twin_mouse(mouse: KnownMouse, config: RunConfig) -> TwinMouse:
    statistics, data = mouse.statistics, config.data
    return TwinMouse(
        num_neurons=mouse.num_neurons,
        statistics=statistics,
        transforms=None
        if statistics is None
        else Transforms(
            statistics,
            input_mode=data.transform_input,
            output_mode=data.transform_output,
            center_crop=data.center_crop,
        ),
        facts=mouse.facts,
    )
