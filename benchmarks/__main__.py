"""Measure: `python -m benchmarks` gives the whole table, `python -m benchmarks forward` a part."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks import in_silico, loader, most_exciting_stimulus, parts, table, whole
from benchmarks.bench import FULL, QUICK, Bench
from benchmarks.flags import flags, prepare
from benchmarks.table import Row
from viv1t.config.scripts import run_script
from viv1t.registry import unknown_name

logger = logging.getLogger("viv1t.benchmarks")

# In this order the plain trials of one serve those that follow.
BENCHMARKS: Final[Mapping[str, Callable[[Bench], Iterator[Row]]]] = {
    "tokenizer": parts.tokenizer,
    "readout": parts.readout,
    "loader": loader.loader,
    "train": whole.train,
    "forward": whole.forward,
    "slots": in_silico.slots,
    "streaming": in_silico.streaming,
    "gradient": in_silico.gradient,
    "generate": most_exciting_stimulus.generate,
    "noise": in_silico.noise,
    "grating": in_silico.grating,
}
# One plain step of these takes minutes: they are measured when they are asked for.
LONG: Final = frozenset({"generate"})


def main() -> None:
    """Read the command line, measure, print a table and write it as JSON."""
    parser = flags("Measure the faster paths against the plain ones.")
    parser.add_argument(
        "benchmarks",
        nargs="*",
        help=f"of {', '.join(BENCHMARKS)}; none: all but {', '.join(LONG)}",
    )
    args = parser.parse_args()
    chosen = args.benchmarks or [name for name in BENCHMARKS if name not in LONG]
    for name in chosen:
        if name not in BENCHMARKS:
            raise unknown_name("benchmark", name, BENCHMARKS)
    device = prepare(args)
    bench = Bench(
        QUICK if args.quick else FULL, device, threads=args.threads, output_dir=args.output_dir
    )
    path = args.output_dir / f"{'_'.join(args.benchmarks) or 'all'}.json"
    started = time.monotonic()
    peaks = bench.meter.peaks()
    facts = table.machine(device, threads=args.threads, peaks=peaks)
    for name, value in facts.items():
        logger.info("%s: %s", name, value)
    logger.info("plain before fast in columns of two; time: %s\n", bench.meter.kind_of_time)
    logger.info("%s", table.header())
    rows: list[Row] = []
    for name in chosen:
        for row in BENCHMARKS[name](bench):
            logger.info("%s", table.line(row, peak=max(peaks.values())))
            rows.append(row)
            table.write(path, facts | {"minutes": (time.monotonic() - started) / 60}, rows)
    logger.info("\nwrote %s after %.1f minutes", path, (time.monotonic() - started) / 60)


if __name__ == "__main__":
    run_script(main)
