"""Mirrors of history.jsonl: Weights & Biases and TensorBoard, both optional."""

import logging
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final, Protocol

from viv1t.config.schema import LogConfig
from viv1t.errors import ConfigError
from viv1t.results.run import RunDir

logger = logging.getLogger(__name__)

Values = Mapping[str, Any]
DEFAULT_PROJECT: Final = "viv1t"
NO_NETWORK_MODES: Final = ("offline", "disabled", "dryrun")
HIDDEN_FLAGS: Final = frozenset({"verbose", "wandb", "clear_output_dir"})


class Tracker(Protocol):
    """What follows a training from outside."""

    def log(self, values: Values, *, epoch: int) -> None:
        """Record named `values` of `epoch`."""

    def finish(self, *, exit_code: int) -> None:
        """Write what is pending and close."""


class WandbTracker:
    """Mirrors a run to Weights & Biases.

    Args:
        config: group (--wandb), run id, project and entity.
        run: its folder name is the name of the W&B run; files go to <run>/wandb.
        values: flags, shown as the configuration.
        run_id: id of the W&B run to go on with, or None.
    """

    def __init__(
        self, config: LogConfig, *, run: RunDir, values: Values, run_id: str | None
    ) -> None:
        import wandb

        try:
            self._run = wandb.init(
                project=config.wandb_project or os.environ.get("WANDB_PROJECT") or DEFAULT_PROJECT,
                entity=config.wandb_entity or os.environ.get("WANDB_ENTITY"),
                group=config.wandb,
                name=run.path.resolve().name,
                id=run_id,
                resume="allow",
                dir=str(run.path),
                config={k: v for k, v in values.items() if k not in HIDDEN_FLAGS},
                settings=wandb.Settings(console="off"),
            )
        except wandb.errors.Error as error:
            raise ConfigError(
                f"--wandb {config.wandb}: W&B refused to start ({' '.join(str(error).split())}); "
                "log in with `wandb login`, set WANDB_MODE=offline, or leave --wandb out"
            ) from error

    @property
    def run_id(self) -> str:
        """The id under which W&B knows this run."""
        return str(self._run.id)

    def log(self, values: Values, *, epoch: int) -> None:
        """Record named `values` of `epoch`."""
        self._run.log(dict(values), step=epoch)

    def finish(self, *, exit_code: int) -> None:
        """Upload what is pending and close the W&B run."""
        self._run.finish(exit_code=exit_code)


class TensorBoardTracker:
    """Mirrors a run to TensorBoard event files.

    Args:
        run: files go to <run>/tensorboard.
        epoch: first epoch that will be logged; later ones of an earlier start are discarded.
    """

    def __init__(self, *, run: RunDir, epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run.path / "tensorboard"), purge_step=epoch)

    def log(self, values: Values, *, epoch: int) -> None:
        """Record the numbers among `values` of `epoch`."""
        for name, value in values.items():
            if isinstance(value, int | float) and math.isfinite(value):
                self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def finish(self, *, exit_code: int) -> None:
        """Write what is pending and close the files, whatever the `exit_code`."""
        self._writer.close()


def check_trackers(config: LogConfig) -> None:
    """Make sure, before any work is done, that the trackers asked for can start.

    Raises:
        ConfigError: a library is missing, or W&B is asked for online without a login.
    """
    if config.tensorboard:
        _require("tensorboard", "--tensorboard")
    if config.wandb is None:
        return
    _require("wandb", "--wandb")
    if os.environ.get("WANDB_MODE", "online").lower() in NO_NETWORK_MODES:
        return
    import wandb

    if not wandb.login(prompt=False, verify=False):
        raise ConfigError(
            f"--wandb {config.wandb} needs a login, and there is none: run `wandb login`, set "
            "WANDB_API_KEY, set WANDB_MODE=offline to keep the record here, or leave --wandb out"
        )


def _require(package: str, flag: str) -> None:
    if find_spec(package) is None:
        raise ConfigError(f"{flag} needs the package {package}: pip install 'viv1t[track]'")


@contextmanager
def open_trackers(
    config: LogConfig, *, run: RunDir, values: Values, epoch: int, run_id: str | None
) -> Iterator[list[Tracker]]:
    """The trackers that `config` asks for; they are closed on leaving, with 1 after an exception.

    Args:
        config: which ones.
        run: the run folder.
        values: flags of the run.
        epoch: the first epoch that will be logged.
        run_id: id of the W&B run to go on with, or None.
    """
    trackers: list[Tracker] = []
    exit_code = 1
    try:
        if config.tensorboard:
            trackers.append(TensorBoardTracker(run=run, epoch=epoch))
        if config.wandb is not None:
            trackers.append(WandbTracker(config, run=run, values=values, run_id=run_id))
        yield trackers
        exit_code = 0
    finally:
        for tracker in trackers:
            tracker.finish(exit_code=exit_code)
