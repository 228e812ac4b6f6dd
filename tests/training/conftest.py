"""Tiny trainings: fixtures shared by the tests of training."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_runs import SMALL

from viv1t.training.cli import ParsedRun, parse_run
from viv1t.training.loop import FitResult, fit

Parse = Callable[..., ParsedRun]
Train = Callable[..., FitResult]


@pytest.fixture
def parse(random_data: Path, tmp_path: Path) -> Parse:
    """A parser of train.py's flags for the random recordings; output_dir is <tmp_path>/run."""

    def with_flags(*flags: str, base: tuple[str, ...] = SMALL, name: str = "run") -> ParsedRun:
        places = ("--data_dir", str(random_data), "--output_dir", str(tmp_path / name))
        return parse_run([*places, *base, *flags])

    return with_flags


@pytest.fixture
def train(parse: Parse) -> Train:
    """A function that trains on the random recordings, with the flags it is given."""

    def with_flags(
        *flags: str,
        base: tuple[str, ...] = SMALL,
        name: str = "run",
        on_epoch: Callable[[int], None] | None = None,
    ) -> FitResult:
        parsed = parse(*flags, base=base, name=name)
        return fit(parsed.config, given=parsed.given, on_epoch=on_epoch)

    return with_flags
