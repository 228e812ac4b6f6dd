"""The command line that the benchmarks share."""

import argparse
from pathlib import Path

import torch

from viv1t import log
from viv1t.config.scripts import script_parser
from viv1t.utils.device import choose_device


def flags(description: str) -> argparse.ArgumentParser:
    """A parser with --device, --threads, --quick and --output_dir."""
    parser = script_parser(description, "device")
    add = parser.add_argument
    add("--threads", type=int, default=1, help="of the processor")
    add("--quick", action="store_true", help="tiny sizes: whether it runs, not how fast")
    add("--output_dir", type=Path, default=Path("runs/benchmarks"), help="where results go")
    return parser


def prepare(args: argparse.Namespace) -> torch.device:
    """The device, with this process and the output folder ready."""
    log.setup()
    torch.backends.cudnn.allow_tf32 = False  # the tolerance is one of float32
    args.output_dir.mkdir(parents=True, exist_ok=True)
    return choose_device(args.device)
