"""Starting from the weights of another run."""

import logging
from pathlib import Path

import torch

from viv1t import checkpoint
from viv1t.config.schema import LoopConfig
from viv1t.errors import ConfigError, MissingResultError
from viv1t.model.model import Model
from viv1t.results.run import RunDir

logger = logging.getLogger(__name__)

CORE = "core."


def start_from(model: Model, config: LoopConfig) -> None:
    """Copy into `model` the weights that --restore or --pretrained_core asks for, if any.

    Raises:
        ConfigError: what was named is not a run.
        CheckpointError: its weights are damaged or do not fit the model.
    """
    if config.restore is not None:
        run = _trained_run(config.restore, flag="--restore")
        load_best(model, run)
        logger.info("all weights start from %s", run.best_weights)
    if config.pretrained_core is not None:
        path = _trained_run(config.pretrained_core, flag="--pretrained_core").best_weights
        weights = checkpoint.load_weights(path)
        core = {k.removeprefix(CORE): v for k, v in weights.items() if k.startswith(CORE)}
        checkpoint.load_into(model.core, core, source=f"the core in {path}")
        logger.info("the core starts from %s", path)


def load_best(model: Model, run: RunDir) -> None:
    """Copy the best weights of `run` into `model`.

    Raises:
        MissingResultError: there are none.
        CheckpointError: they are damaged or do not fit.
    """
    weights = checkpoint.load_weights(run.best_weights)
    checkpoint.load_into(model, weights, source=run.best_weights)


def _trained_run(path: Path, *, flag: str) -> RunDir:
    try:
        run = RunDir.open(path)
    except MissingResultError as error:
        raise ConfigError(f"{flag}: {error}") from error
    if not run.best_weights.is_file():
        raise ConfigError(f"{flag}: {run.best_weights} does not exist; train that run first")
    return run


def count_parameters(module: torch.nn.Module) -> int:
    """Number of trainable values of `module`."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def model_summary(model: torch.nn.Module) -> str:
    """A table of all parameters: name, shape, number of values; then the trainable total."""
    rows = [
        (name, "x".join(map(str, p.shape)) or "1", f"{p.numel():,}", "" if p.requires_grad else "*")
        for name, p in model.named_parameters()
    ]
    width = max(len(row[0]) for row in rows)
    lines = [
        f"{name:<{width}}  {shape:>16}  {count:>12} {mark}" for name, shape, count, mark in rows
    ]
    for name, child in model.named_children():
        lines.append(f"{name:<{width}}  {'':>16}  {count_parameters(child):>12,} trainable")
    lines.append(f"{'all':<{width}}  {'':>16}  {count_parameters(model):>12,} trainable")
    return "\n".join([*lines, "(* not trained)", ""])
