"""Trainings in processes of their own, to be killed. Imported by those processes, too."""

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from viv1t import log
from viv1t.training.cli import parse_run
from viv1t.training.loop import fit


def train_here(argv: list[str], die_at: int | None) -> None:
    """Train with the flags `argv`; with `die_at` = k, SIGKILL this process at the k-th rename."""
    torch.set_num_threads(1)
    log.setup(0)
    if die_at is not None:
        _die_at_rename(die_at)
    parsed = parse_run(argv)
    fit(parsed.config, given=parsed.given)


def _die_at_rename(number: int) -> None:
    """Odd numbers die just before a file gets its name, even ones just after."""
    rename, count = Path.replace, 0

    def counted(self: Path, target: Path) -> Path:
        nonlocal count
        count += 2
        if count == number + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        done = rename(self, target)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    Path.replace = counted  # type: ignore[method-assign]


def start(argv: list[str], *, die_at: int | None = None) -> BaseProcess:
    """A process that trains with `argv`; it is forked from one that has imported torch."""
    context = multiprocessing.get_context("forkserver")
    # torch._inductor is what the first optimiser of a process imports.
    preload = ["viv1t.training.cli", "viv1t.training.loop", "torch._inductor"]
    context.set_forkserver_preload(preload)
    process = context.Process(target=train_here, args=(argv, die_at))
    process.start()
    return process
