"""Compile the kernels for this processor, and find them again."""

import logging
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from viv1t.errors import UserError
from viv1t.utils.files import atomic

logger = logging.getLogger(__name__)

SOURCE: Final = Path(__file__).with_name("attention.cpp")
FLAGS: Final = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC")
COMPILERS: Final = ("c++", "g++", "clang++")


@cache
def library_path() -> Path:
    """Where the compiled kernels of this source and this kind of processor are kept.

    In the folder VIV1T_CACHE, else in viv1t/ of the user's cache.
    """
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "viv1t"
    folder = Path(os.environ.get("VIV1T_CACHE") or default)
    key = sha256(SOURCE.read_bytes() + " ".join((*FLAGS, _processor())).encode()).hexdigest()
    return folder / f"attention-{key[:16]}.so"


def build() -> Path:
    """The compiled kernels, made if they do not exist.

    Raises:
        UserError: there is no compiler, or it fails.
    """
    path = library_path()
    if path.is_file():
        return path
    compiler = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise UserError(
            f"no C++ compiler ({', '.join(COMPILERS)}) on the PATH: viv1t works without compiled "
            "kernels, attention on the CPU is then up to twice as slow"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(temporary)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(
                f"{compiler} cannot compile {SOURCE} ({done.stderr.strip().splitlines()[:1]}): "
                "viv1t works without compiled kernels; name another compiler in CXX"
            )
    return path


def _processor() -> str:
    """The instructions that this processor knows: a cache may be shared by different machines."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    known = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{sys.platform} {platform.machine()} {platform.processor()} {known}"
