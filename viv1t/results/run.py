"""The run folder: one place that knows where each file of a run stands (decisions.md)."""

import json
import logging
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from viv1t.config.store import SCHEMA_VERSION
from viv1t.errors import ConfigError, MissingResultError, UserError
from viv1t.names import MouseId
from viv1t.results.specs import TABLES
from viv1t.results.store import ResultDir
from viv1t.utils.files import read_yaml, write_json, write_text, write_yaml

logger = logging.getLogger(__name__)

# Flags that may change when training goes on; `output_dir` is the folder itself.
MAY_DIFFER: Final = frozenset(
    {"epochs", "device", "num_workers", "verbose", "tensorboard", "output_dir", "clear_output_dir"}
    | {"wandb", "wandb_id", "wandb_project", "wandb_entity"}
)
MADE_BY: Final = "viv1t"
# What a run writes, relative to its folder: all that --clear_output_dir removes.
MADE_FILES: Final = (
    "provenance.json",
    "model.txt",
    "history.jsonl",
    "ckpt/model.pt",
    "ckpt/info.yaml",
    "ckpt/last.pt",
    "data/mouse*.npz",
    "evaluation.yaml",
    "evaluation.parquet",
    "responses/mouse*.h5",
    "tensorboard/events.out.tfevents.*",
    "experiments/*/mouse*.h5",
    "experiments/*/mouse*/group*.h5",
    "experiments/*/mouse*/facts.json",
    *(f"tables/{name}.{ending}" for name in TABLES for ending in ("parquet", "json")),
)
MADE_FOLDERS: Final = ("ckpt", "data", "responses", "tensorboard", "tables")
LEFTOVER: Final = re.compile(r"\..+\.\d+\.tmp")


@dataclass(frozen=True)
class RunDir(ResultDir):
    """Paths of the files of one run, and of the results that follow from it.

    Attributes:
        path: the folder.
    """

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> "RunDir":
        """The run in `path`, ours or a published one.

        Raises:
            MissingResultError: the folder or its args.yaml does not exist.
        """
        run = cls(Path(path))
        if not run.args.is_file():
            raise MissingResultError(
                f"{run.path} is not a run: {run.args} does not exist; "
                f"make one with: python train.py --output_dir {run.path} ..."
            )
        return run

    @classmethod
    def check(cls, path: Path | str, values: Mapping[str, Any], *, clear: bool) -> "RunDir":
        """The run folder `path`, after making sure that a run with `values` may be written there.

        Nothing is changed on disk.

        Args:
            path: the folder; it may not exist yet.
            values: flag name -> value, as `viv1t.config.store.run_to_values` gives them.
            clear: an earlier run there is going to be removed.

        Raises:
            ConfigError: the folder holds something else, or a run with other flags.
        """
        run = cls(Path(path))
        if run.path.exists() and not run.path.is_dir():
            raise ConfigError(f"--output_dir {run.path} is a file; name a folder")
        if not run._is_occupied():
            return run
        if not run._is_ours():
            action = "--clear_output_dir clears only what a run made" if clear else "not touched"
            raise ConfigError(
                f"--output_dir {run.path} holds files, but no run of {MADE_BY} (args.yaml and "
                f"provenance.json): {action}; name a new folder"
            )
        if not clear:
            run._refuse_other_flags(values)
        return run

    @classmethod
    def create(
        cls, path: Path | str, values: Mapping[str, Any], *, clear: bool = False
    ) -> "RunDir":
        """The run folder `path` with `values` in its args.yaml: made, cleared or continued.

        Args:
            path: the folder; it may not exist yet.
            values: flag name -> value, as `viv1t.config.store.run_to_values` gives them.
            clear: remove first what an earlier run made there.

        Raises:
            ConfigError: the folder holds something else, or a run with other flags.
        """
        run = cls.check(path, values, clear=clear)
        if clear and run._is_occupied():
            run._clear()
        run.path.mkdir(parents=True, exist_ok=True)
        run._sweep()
        # provenance.json comes first: a folder that holds it alone is a start that was cut off.
        if not run.provenance.is_file():
            write_json(run.provenance, {"made_by": MADE_BY, "starts": [], "facts": {}})
        write_yaml(run.args, values)
        return run

    @property
    def args(self) -> Path:
        """args.yaml: every flag in its published spelling."""
        return self.path / "args.yaml"

    @property
    def provenance(self) -> Path:
        """provenance.json: what made the run, and facts found at run time."""
        return self.path / "provenance.json"

    @property
    def history(self) -> Path:
        """history.jsonl: one line an epoch."""
        return self.path / "history.jsonl"

    @property
    def model_summary(self) -> Path:
        """model.txt: the parameters of the model."""
        return self.path / "model.txt"

    @property
    def ckpt_dir(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "ckpt"

    @property
    def best_weights(self) -> Path:
        """ckpt/model.pt: weights of the best epoch."""
        return self.ckpt_dir / "model.pt"

    @property
    def best_info(self) -> Path:
        """ckpt/info.yaml: epoch and validation correlation of the best weights."""
        return self.ckpt_dir / "info.yaml"

    @property
    def last_state(self) -> Path:
        """ckpt/last.pt: all that resuming needs."""
        return self.ckpt_dir / "last.pt"

    @property
    def evaluation_yaml(self) -> Path:
        """evaluation.yaml: {tier: {metric: {mouse: value, average: value}}}."""
        return self.path / "evaluation.yaml"

    @property
    def evaluation_parquet(self) -> Path:
        """evaluation.parquet: one row a mouse, tier and metric."""
        return self.path / "evaluation.parquet"

    def mouse_data(self, mouse_id: MouseId) -> Path:
        """data/mouse<M>.npz: all that prediction needs to know of a mouse."""
        return self.path / "data" / f"mouse{mouse_id}.npz"

    def check_rows(self, mouse_id: MouseId, num_neurons: int | None = None) -> None:
        """Raise unless rows of results of the run are rows of the recording of a mouse.

        Args:
            mouse_id: the mouse.
            num_neurons: of the recording; None: as many as the run has.

        Raises:
            ConfigError: the run was trained on some of the neurons.
        """
        path = self.mouse_data(mouse_id)
        if not path.is_file():  # a published run, which has all, or no run
            return
        with np.load(path, allow_pickle=False) as facts:
            rows = facts["neuron_idx"]
        expected = np.arange(len(rows) if num_neurons is None else num_neurons)
        if not np.array_equal(rows, expected):
            raise ConfigError(
                f"{path}: the run has {len(rows)} neurons of mouse {mouse_id}, rows "
                f"{', '.join(map(str, rows[:5]))}, ... of the recording; what was recorded can be "
                "set beside a run of all neurons only: train one without --limit_neurons"
            )

    def responses(self, mouse_id: MouseId) -> Path:
        """responses/mouse<M>.h5: predicted responses."""
        return self.path / "responses" / f"mouse{mouse_id}.h5"

    def read_args(self) -> dict[str, Any]:
        """The flat values of args.yaml."""
        return read_yaml(self.args)

    def read_provenance(self) -> dict[str, Any]:
        """The content of provenance.json: {made_by, starts, facts}.

        Raises:
            MissingResultError: the run has none (a published run).
            UserError: the file is damaged.
        """
        if not self.provenance.is_file():
            raise MissingResultError(f"{self.provenance} does not exist")
        try:
            values = json.loads(self.provenance.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{self.provenance} is not valid JSON: {error}") from error
        if not isinstance(values, dict):
            raise UserError(f"{self.provenance} should hold a JSON object")
        return values

    def record_start(self, start: Mapping[str, Any]) -> None:
        """Append one start of the run to provenance.json."""
        values = self.read_provenance()
        starts = [*values.get("starts", []), dict(start)]
        write_json(self.provenance, values | {"starts": starts})

    def record_facts(self, facts: Mapping[str, Any]) -> None:
        """Add `facts` to those of provenance.json."""
        values = self.read_provenance()
        write_json(self.provenance, values | {"facts": values.get("facts", {}) | dict(facts)})

    def discard_evaluation(self) -> None:
        """Remove the evaluation of weights that training is about to leave behind."""
        self.evaluation_yaml.unlink(missing_ok=True)
        self.evaluation_parquet.unlink(missing_ok=True)

    def write_history(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write `rows`, one line an epoch; NaN and infinity become null."""
        write_text(self.history, "".join(f"{_json_line(row)}\n" for row in rows))

    def read_history(self) -> list[dict[str, Any]]:
        """The rows of history.jsonl.

        Raises:
            MissingResultError: no epoch has finished.
            UserError: a line is damaged.
        """
        if not self.history.is_file():
            raise MissingResultError(f"{self.history} does not exist: no epoch has finished")
        lines = self.history.read_text(encoding="utf-8").splitlines()
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise UserError(f"{self.history} holds a line that is not JSON: {error}") from error

    def _entries(self) -> Iterator[Path]:
        """What stands in the folder, without temporary files of writes that were cut off."""
        if self.path.is_dir():
            yield from (p for p in self.path.iterdir() if not LEFTOVER.fullmatch(p.name))

    def _is_ours(self) -> bool:
        try:
            return self.read_provenance().get("made_by") == MADE_BY
        except UserError:
            return False

    def _is_occupied(self) -> bool:
        names = {entry.name for entry in self._entries()}
        return bool(names) and not (names == {"provenance.json"} and self._is_ours())

    def _refuse_other_flags(self, values: Mapping[str, Any]) -> None:
        stored = self.read_args() if self.args.is_file() else {}
        if stored.get("schema") != SCHEMA_VERSION:
            raise ConfigError(
                f"{self.args} should state schema {SCHEMA_VERSION}, found "
                f"{stored.get('schema')}; name a new --output_dir"
            )
        names = sorted((stored.keys() | values.keys()) - MAY_DIFFER)
        differences = [
            f"--{name} was {stored.get(name)}, now {values.get(name)}"
            for name in names
            if stored.get(name) != values.get(name)
        ]
        if differences:
            raise ConfigError(
                f"--output_dir {self.path} holds a run with other flags: "
                f"{'; '.join(differences)}. Name a new folder, give the same flags to go on, or "
                "start afresh with --clear_output_dir"
            )

    def _sweep(self) -> None:
        """Remove temporary files of writes that were cut off."""
        for folder in (self.path, *(self.path / name for name in MADE_FOLDERS)):
            for entry in folder.glob(".*.tmp"):
                if LEFTOVER.fullmatch(entry.name):
                    entry.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove what a run made; args.yaml goes first, so that a cut leaves no half a run."""
        self._sweep()
        for pattern in ("args.yaml", *MADE_FILES[1:]):
            for entry in self.path.glob(pattern):
                entry.unlink()
        if (self.path / "wandb").is_dir():
            shutil.rmtree(self.path / "wandb")
        experiments = sorted(self.path.glob("experiments/**/"), reverse=True)
        for folder in (*(self.path / name for name in MADE_FOLDERS), *experiments):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        self.provenance.unlink()
        kept = sorted(entry.name for entry in self._entries())
        if kept:
            logger.warning("%s: kept %s, which no run made", self.path, ", ".join(kept))


def _json_line(row: Mapping[str, Any]) -> str:
    finite = {
        key: None if isinstance(v, float) and not abs(v) < float("inf") else v
        for key, v in row.items()
    }
    return json.dumps(finite, sort_keys=True, allow_nan=False)
