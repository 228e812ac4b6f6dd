"""What an ascent found, on disk: finished, or with all that is needed to go on."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viv1t.checkpoint import load, save
from viv1t.errors import CheckpointError, ConfigError, MissingResultError

REMEDY: Final = "delete it, and generate the stimulus again"


@dataclass(frozen=True, kw_only=True, eq=False)
class Generated:
    """What an ascent found, for each seed the best step.

    Attributes:
        video: (s, t, h, w) float32 grey values as shown, background included.
        responses: (s, n, t) float32 to it, of the neurons of the objective.
        value: (s,) of the objective, of `responses`.
        values: (steps, s) of the objective before each update; step 0 is the start.
        step: (s,) the best step, of which `param` and `video` are.
        converged: (s,) whether the ascent had come to an end.
        best: row of the seed with the best video.
        seeds: (s,).
        param: (s, ...) parameters of which `video` is made, on the CPU.
        interrupted: by Ctrl-C; the best so far.
    """

    video: NDArray[np.float32]
    responses: NDArray[np.float32]
    value: NDArray[np.float32]
    values: NDArray[np.float32]
    step: NDArray[np.int64]
    converged: NDArray[np.bool_]
    best: int
    seeds: tuple[int, ...]
    param: Tensor
    interrupted: bool = False


def load_generated(path: Path) -> Generated:
    """The finished, or interrupted, ascent in the file `path`.

    Raises:
        MissingResultError: there is no such file, or no more than a beginning.
        CheckpointError: the file is damaged.
    """
    found = Record(path, {}).read().get("generated")
    if found is None:
        raise MissingResultError(
            f"{path} holds no finished stimulus; run the same command again to go on"
        )
    return _from_plain(path, found)


class Record:
    """The file of one ascent.

    Args:
        path: of the file; None: nothing is kept.
        facts: what the ascent depends on, see `describe`.
    """

    def __init__(self, path: Path | None, facts: Mapping[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.facts = json.loads(json.dumps(dict(facts)))

    def read(self) -> dict[str, Any]:
        """What the file holds; empty if there is none.

        Raises:
            MissingResultError: nothing is there to read.
            CheckpointError: the file is damaged.
        """
        if self.path is None or not self.path.is_file():
            raise MissingResultError(f"{self.path} does not exist; generate the stimulus first")
        return load(self.path, remedy=REMEDY)

    def resume(self) -> tuple[dict[str, Any] | None, Generated | None]:
        """The state to go on from, and what is finished; None for what there is not.

        Raises:
            ConfigError: the file was made with other facts.
            CheckpointError: the file is damaged.
        """
        if self.path is None or not self.path.is_file():
            return None, None
        content = self.read()
        made = json.loads(content.get("facts", "{}"))
        differing = list(_differences(made, self.facts))
        if differing:
            raise ConfigError(
                f"{self.path} was made with another {'; '.join(differing)}; delete it, or choose "
                "another name for this one"
            )
        if content.get("state") is not None:
            return content["state"], None
        return None, _from_plain(self.path, content.get("generated"))

    def write(
        self, *, state: Mapping[str, Any] | None = None, generated: Generated | None = None
    ) -> None:
        """Keep what is needed to go on, what was found, or both."""
        if self.path is None:
            return
        plain = None if generated is None else _to_plain(generated)
        content = {"facts": json.dumps(self.facts), "state": state, "generated": plain}
        save(self.path, content)


def describe(value: Any) -> Any:  # noqa: ANN401
    """`value` in words and numbers that JSON knows; arrays by shape and hash, no devices."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Tensor):
        return describe(value.detach().cpu().numpy())
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        return [str(array.dtype), *array.shape, sha256(array.tobytes()).hexdigest()[:16]]
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    kind = getattr(value, "__qualname__", type(value).__qualname__)
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if f.name != "device"]
        own = {name: describe(getattr(value, name)) for name in names}
    else:
        own = {}
    return {"kind": kind} | own


def _differences(made: Any, now: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401
    """What differs, by name; plain values are said."""
    if isinstance(made, dict) and isinstance(now, dict):
        for key in sorted({*made, *now}):
            inner = f"{name} {key}".strip()
            yield from _differences(made.get(key), now.get(key), inner)
    elif made != now:
        is_plain = not any(isinstance(value, dict | list) for value in (made, now))
        yield f"{name} ({made}, now {now})" if is_plain else name


def _to_plain(generated: Generated) -> dict[str, Any]:
    plain = {f.name: getattr(generated, f.name) for f in fields(generated)}
    plain["seeds"] = list(generated.seeds)
    return {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in plain.items()}


def _from_plain(path: Path | None, plain: Any) -> Generated:  # noqa: ANN401
    try:
        values = {f.name: plain[f.name] for f in fields(Generated)}
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} should hold a generated stimulus; {REMEDY}") from error
    param = values.pop("param")
    values = {k: v.numpy() if isinstance(v, Tensor) else v for k, v in values.items()}
    return Generated(**{**values, "seeds": tuple(values["seeds"]), "param": param})
