"""Where tensors live: the choice of a device, and settings that hold for the whole process."""

import os
import random

import numpy as np
import torch

from viv1t.errors import ConfigError

DEVICES = ("cpu", "cuda", "mps")


def choose_device(name: str = "") -> torch.device:
    """The device called `name`; an empty name takes CUDA, else MPS, else the CPU.

    Args:
        name: "", "cpu", "mps", "cuda" or "cuda:<number>".

    Raises:
        ConfigError: no such device, or this machine has none.
    """
    if not name:
        name = next((d for d in ("cuda", "mps") if _is_available(d)), "cpu")
    kind, _, number = name.partition(":")
    if kind not in DEVICES or (number and not (kind == "cuda" and number.isdecimal())):
        raise ConfigError(f"--device should be one of {', '.join(DEVICES)}, got {name!r}")
    if not _is_available(kind):
        raise ConfigError(f"--device {name} was asked for, but torch finds none; use --device cpu")
    if number and int(number) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ConfigError(f"--device {name} was asked for, but torch finds {count} (cuda:0 ...)")
    return torch.device(name)


def _is_available(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    return kind == "cpu" or torch.backends.mps.is_available()


def device_name(device: torch.device) -> str:
    """`device` in words, with the name of the GPU if it is one."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def prepare_process(device: torch.device, *, seed: int, deterministic: bool) -> None:
    """Seed Python, NumPy and torch; allow TF32 on CUDA; ask for deterministic operations.

    Args:
        device: where the model will compute.
        seed: of all three generators.
        deterministic: operations without a deterministic version raise from now on.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.manual_seed(seed)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(deterministic)
