"""What made a result: command line, code, machine and versions."""

import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import viv1t

PACKAGES: Final = ("torch", "numpy", "scipy", "schedulefree", "h5py", "pandas")


def provenance(*, device: str) -> dict[str, Any]:
    """Plain facts of this start: time (UTC), argv, git, host, versions, device.

    Args:
        device: the device that computes, in words.
    """
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": list(sys.argv),
        "host": socket.gethostname(),
        "device": device,
        "versions": versions(),
        **git_state(),
    }


def versions() -> dict[str, str]:
    """Version of Python, of this package and of those it computes with."""
    found = {"python": platform.python_version(), "viv1t": viv1t.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_state(folder: Path | None = None) -> dict[str, Any]:
    """`git_hash` and `git_dirty` of the working tree that holds `folder`; empty without git.

    Args:
        folder: any folder; the default is that of this package.
    """
    folder = folder or Path(__file__).parent
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"git_hash": commit, "git_dirty": bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
