"""The command line of train.py: flags of the configs in, a run configuration out."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from viv1t.config.flags import add_flags
from viv1t.config.schema import (
    PARTS,
    ModelConfig,
    OptimConfig,
    RunConfig,
    ShifterConfig,
)
from viv1t.config.store import run_from_values
from viv1t.criterions import CRITERIONS
from viv1t.model.cores import CORES
from viv1t.model.readouts import READOUTS


@dataclass(frozen=True, kw_only=True)
class ParsedRun:
    """A run as the user asked for it.

    Attributes:
        config: the configuration.
        given: names of the flags that stood on the command line.
    """

    config: RunConfig
    given: frozenset[str]


def parse_run(argv: Sequence[str] | None = None) -> ParsedRun:
    """The run that the command line `argv` (default: sys.argv) asks for.

    Two passes: the first reads --core and --readout, the second knows their flags too, so that
    `--help` lists everything. Unknown flags leave through argparse with status 2.

    Raises:
        ConfigError: a core, readout or criterion that does not exist, or contradictory flags.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    probe = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    probe.add_argument("--core", type=str.lower, default="vivit")
    probe.add_argument("--readout", default="gaussian")
    chosen = probe.parse_known_args(argv)[0]
    parser = _full_parser(chosen.core, chosen.readout)
    values = vars(parser.parse_args(argv))
    config = run_from_values(values, cores=CORES, readouts=READOUTS)
    CRITERIONS.check(config.optim.criterion)
    return ParsedRun(config=config, given=frozenset(values))


def _full_parser(core: str, readout: str) -> argparse.ArgumentParser:
    core_type, readout_type = CORES.config_type(core), READOUTS.config_type(readout)
    parser = argparse.ArgumentParser(
        description="Train a model of visual cortex on recordings.", allow_abbrev=False
    )
    model = parser.add_argument_group("model")
    model.add_argument(
        "--core",
        type=str.lower,
        required=True,
        help=f"one of {', '.join(CORES.names())} (required)",
    )
    model.add_argument(
        "--readout", required=True, help=f"one of {', '.join(READOUTS.names())} (required)"
    )
    add_flags(model, ModelConfig)
    for name, part in PARTS:
        defaults = core_type.optim_defaults if part is OptimConfig else {}
        title = f"{name} (defaults of --core {core})" if part is OptimConfig else name
        add_flags(parser.add_argument_group(title), part, defaults=defaults)
    group = parser.add_argument_group(f"--core {core} (for another: --core NAME --help)")
    add_flags(group, core_type, prefix="core_")
    group = parser.add_argument_group(f"--readout {readout} (for another: --readout NAME --help)")
    add_flags(group, readout_type, prefix="readout_")
    add_flags(parser.add_argument_group("shifter"), ShifterConfig, prefix="shifter_")
    return parser
