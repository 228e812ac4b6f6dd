"""The bridge between dataclass fields and argparse."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from viv1t.config.flags import add_flags, flag, from_values, to_values


@dataclass(frozen=True, kw_only=True)
class Example:
    folder: Path = flag(help="needed")
    size: int = flag(3, help="100 % of it")
    names: tuple[str, ...] | None = flag(None, help="several")
    mode: Literal[0, 1] = flag(0, help="one of two")
    fast: bool = flag(True, help="a switch")
    derived: int = 5


def parse(*argv, **options):
    parser = argparse.ArgumentParser()
    add_flags(parser, Example, prefix="x_", **options)
    return vars(parser.parse_args(argv))


def test_only_what_was_given_stands_in_the_namespace():
    assert parse("--x_folder", "a") == {"x_folder": Path("a")}


def test_every_kind_of_flag_is_read():
    argv = ["--x_folder", "a", "--x_size", "4", "--x_names", "p", "q"]
    argv += ["--x_mode", "1", "--no-x_fast"]
    config = from_values(Example, parse(*argv), prefix="x_")
    assert config == Example(folder=Path("a"), size=4, names=("p", "q"), mode=1, fast=False)
    values = {"x_folder": "a", "x_size": 4, "x_names": ["p", "q"], "x_mode": 1, "x_fast": False}
    assert to_values(config, prefix="x_") == values


def test_defaults_can_be_replaced_and_fields_without_flag_given():
    config = from_values(Example, {"folder": "a"}, defaults={"size": 8}, derived=6)
    assert (config.size, config.derived) == (8, 6)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required: --x_folder"),
        (["--x_folder", "a", "--x_mode", "2"], "invalid choice"),
        (["--x_folder", "a", "--x_derived", "2"], "unrecognized arguments"),
    ],
)
def test_argparse_refuses(argv, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(*argv)
    assert message in capsys.readouterr().err


def test_help_shows_replaced_defaults(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse("--help", defaults={"size": 8})
    text = capsys.readouterr().out
    assert "100 % of it (default: 8)" in text
    assert "needed (required)" in text
    assert "a switch (default: on)" in text
