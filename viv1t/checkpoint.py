"""Checkpoints: written whole or not at all, read without ever running code from the file."""

import errno
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from viv1t.errors import CheckpointError, MissingResultError
from viv1t.utils.files import atomic

COMPILED = "_orig_mod."
SHOWN = 3


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` (tensors, numbers, text, lists, dicts) to `path`, whole or not at all."""
    # Through memory: where there is no space left, torch hides the error of the disk.
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: Path, *, remedy: str = "take it from a copy or train again") -> dict[str, Any]:
    """The content of the checkpoint `path`, tensors on the CPU.

    Only tensors and plain values are read: a file that asks for code to be run is refused.

    Args:
        path: a file that `save`, or torch.save of the published system, wrote.
        remedy: what to do about a damaged file; ends the message.

    Raises:
        MissingResultError: there is no such file.
        CheckpointError: the file is damaged, or holds something else.
    """
    if not path.is_file():
        raise MissingResultError(f"{path} does not exist; train.py writes it after each epoch")
    try:
        _check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load of damaged files raises a dozen types
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk; a damaged file makes readers seek before its start: EINVAL
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        if "weights_only" in str(error) or "Unsupported" in str(error):
            reason = "it holds objects other than tensors and plain values, which are never read"
        raise CheckpointError(
            f"{path} should be a checkpoint but cannot be read ({reason}); {remedy}"
        ) from error
    if not isinstance(content, dict):
        found = type(content).__name__
        raise CheckpointError(f"{path} should hold a dict, found {found}; {remedy}")
    return content


def _check_archive(path: Path) -> None:
    """Raise zipfile.BadZipFile for a damaged archive; torch.load does not compare checksums."""
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"checksum of {damaged} is wrong")


def load_weights(path: Path) -> dict[str, Tensor]:
    """The state dict in `path`: {key: tensor}, without the prefix that torch.compile adds.

    Raises:
        MissingResultError: there is no such file.
        CheckpointError: the file is damaged, or holds more than tensors.
    """
    content = load(path)
    others = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise CheckpointError(
            f"{path} should hold tensors only, found others under {_some(others)}; "
            "give the folder of a run, whose ckpt/model.pt holds its weights"
        )
    return {key.replace(COMPILED, ""): value for key, value in content.items()}


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy on the CPU of the state dict of `model`, in published keys."""
    return {
        key.replace(COMPILED, ""): value.detach().to("cpu", copy=True)
        for key, value in model.state_dict().items()
    }


def check_weights(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], *, source: Path | str
) -> None:
    """Raise CheckpointError unless `found` has the keys and shapes of `expected`.

    Args:
        expected: state dict of the model.
        found: weights that are going to be loaded into it.
        source: where `found` comes from, for the message.
    """
    problems = []
    if missing := sorted(expected.keys() - found.keys()):
        problems.append(f"lacks {_some(missing)}")
    if unknown := sorted(found.keys() - expected.keys()):
        problems.append(f"holds {_some(unknown)}, which the model lacks")
    shapes = [
        f"{key} is {tuple(found[key].shape)} and should be {tuple(expected[key].shape)}"
        for key in sorted(expected.keys() & found.keys())
        if expected[key].shape != found[key].shape
    ]
    if shapes:
        problems.append(_some(shapes))
    if problems:
        raise CheckpointError(
            f"{source} does not fit the model: it {'; it '.join(problems)}. Its args.yaml says "
            "which flags and mice it was made with"
        )


def load_into(model: nn.Module, weights: Mapping[str, Tensor], *, source: Path | str) -> None:
    """Copy `weights` into `model`; all keys and shapes must match.

    Raises:
        CheckpointError: a key is missing, too many, or of another shape; the model is unchanged.
    """
    own = {key.replace(COMPILED, ""): value for key, value in model.state_dict().items()}
    check_weights(own, weights, source=source)
    with torch.no_grad():
        for key, value in own.items():
            value.copy_(weights[key])


def _some(items: list[str]) -> str:
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
