"""Rows of the table of results: as text, and as JSON."""

import json
import math
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.measure import Run
from viv1t.results.provenance import git_state, versions
from viv1t.utils.device import device_name
from viv1t.utils.files import write_json

ABSOLUTE, RELATIVE = 2e-5, 2e-4
OF_GRADIENT: Final = 1e-3
WIDTHS: Final[Mapping[str, int]] = {
    "what": 46,
    "plain": 8,
    "fast": 8,
    "ratio": 6,
    "goal": 22,
    "error": 15,
    "memory MB": 13,
    "GFLOP": 12,
    "of peak": 8,
}


class Goal(NamedTuple):
    """What a row must reach, and what it aims for: times faster, or MB at most."""

    must: float
    aim: float
    is_mb: bool = False

    def verdict(self, value: float | None) -> str:
        """The goal and how far `value` comes: "aim", "must" or "below"."""
        sign = -1 if self.is_mb else 1
        text = f"{self.must:g}/{self.aim:g} MB" if self.is_mb else f"{self.must:g}/{self.aim:g}x"
        if value is None:
            return text
        reached = [name for name in ("aim", "must") if sign * value >= sign * getattr(self, name)]
        return f"{text} {reached[0] if reached else 'below'}"


class Error(NamedTuple):
    """How far the fast path is from the plain one.

    Attributes:
        largest: difference; of gradients, norm of the difference over the norm.
        of_tolerance: the largest share of what is allowed.
    """

    largest: float
    of_tolerance: float


def error_of(found: Tensor, expected: Tensor) -> Error:
    """The largest difference of two tensors, allowed 2e-5 + 2e-4 |value|."""
    difference = (found - expected).abs()
    share = difference / (ABSOLUTE + RELATIVE * expected.abs())
    return Error(float(difference.max()), float(share.max()))


def error_of_gradients(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Error:
    """The largest norm of a difference over the norm of what is expected, allowed 1e-3."""
    if found.keys() != expected.keys():
        return Error(math.inf, math.inf)
    errors = [
        float((found[name] - value).norm() / value.norm())
        for name, value in expected.items()
        if value.norm() > 0
    ]
    return Error(max(errors), max(errors) / OF_GRADIENT)


def gradients(part: nn.Module) -> dict[str, Tensor]:
    """The gradient of each parameter that has one that is not zero throughout."""
    found = {name: x.grad for name, x in part.named_parameters() if x.grad is not None}
    return {name: gradient for name, gradient in found.items() if bool(gradient.any())}


def gradient_of(tensor: Tensor) -> Tensor:
    """The gradient of a tensor that has one."""
    assert tensor.grad is not None
    return tensor.grad


def worst(errors: Sequence[Error]) -> Error:
    """The error that comes closest to what is allowed."""
    return max(errors, key=lambda error: error.of_tolerance)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was measured, by the plain and by the fast path.

    Attributes:
        benchmark: where it belongs.
        what: in words.
        plain_s: median seconds; None if the plain path was not run.
        fast_s: likewise.
        plain_calls_s: seconds of each call.
        fast_calls_s: likewise.
        plain_mb: peak memory of a call beyond what was in use before; None: unknown.
        fast_mb: likewise.
        plain_gflop: operations of a call; None: nothing that counts.
        fast_gflop: likewise.
        error: see `Error`; None without plain path.
        error_of_tolerance: likewise.
        goal: of the ratio, and of memory, with what was reached.
        note: what else was measured.
    """

    benchmark: str
    what: str
    plain_s: float | None
    fast_s: float | None
    plain_calls_s: tuple[float, ...] = ()
    fast_calls_s: tuple[float, ...] = ()
    plain_mb: float | None = None
    fast_mb: float | None = None
    plain_gflop: float | None = None
    fast_gflop: float | None = None
    error: float | None = None
    error_of_tolerance: float | None = None
    goal: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster the fast path is."""
        return self.plain_s / self.fast_s if self.plain_s and self.fast_s else None


def build_row(
    benchmark: str,
    what: str,
    plain: Run | None,
    fast: Run,
    *,
    error: Error | None,
    goals: Sequence[Goal] = (),
    note: str = "",
) -> Row:
    """The row of two runs; see `Row`."""
    ratio = None if plain is None else plain.typical_s / fast.typical_s
    mb = _mega(fast.extra_bytes)
    return Row(
        benchmark=benchmark,
        what=what,
        plain_s=None if plain is None else plain.typical_s,
        fast_s=fast.typical_s,
        plain_calls_s=() if plain is None else tuple(plain.seconds),
        fast_calls_s=tuple(fast.seconds),
        plain_mb=None if plain is None else _mega(plain.extra_bytes),
        fast_mb=mb,
        plain_gflop=None if plain is None else plain.flops / 1e9 or None,
        fast_gflop=fast.flops / 1e9 or None,
        error=None if error is None else error.largest,
        error_of_tolerance=None if error is None else error.of_tolerance,
        goal=", ".join(goal.verdict(mb if goal.is_mb else ratio) for goal in goals),
        note=note,
    )


def header() -> str:
    """The first two lines of the table."""
    names = _line({name: name for name in WIDTHS})
    return f"{names}\n{_line({name: '-' * width for name, width in WIDTHS.items()})}"


def line(row: Row, *, peak: float) -> str:
    """A row as a line of the table.

    Args:
        row: the row.
        peak: FLOP/s of the machine.
    """
    shares = (
        _share(gflop, seconds, peak)
        for gflop, seconds in ((row.plain_gflop, row.plain_s), (row.fast_gflop, row.fast_s))
    )
    error = ""
    if row.error is not None and row.error_of_tolerance is not None:
        error = f"{row.error:.1e} ({row.error_of_tolerance:.2f})"
    cells = {
        "what": row.what,
        "plain": _time(row.plain_s),
        "fast": _time(row.fast_s),
        "ratio": "-" if row.ratio is None else f"{_short(row.ratio)}x",
        "goal": row.goal,
        "error": error,
        "memory MB": f"{_short(row.plain_mb)} {_short(row.fast_mb)}",
        "GFLOP": f"{_short(row.plain_gflop)} {_short(row.fast_gflop)}",
        "of peak": " ".join(shares),
    }
    return _line(cells) + (f"\n|   {row.note}" if row.note else "")


def machine(device: torch.device, *, threads: int, peaks: Mapping[str, float]) -> dict[str, Any]:
    """What the numbers depend on: hardware, versions, date, load."""
    try:
        cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        cpu = None
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": cpu[1] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "device": device_name(device),
        "threads": threads,
        "load": [round(x, 2) for x in os.getloadavg()],
        "peak_gflops": {name: round(peak / 1e9, 1) for name, peak in peaks.items()},
        "versions": versions(),
        **git_state(),
    }


def write(path: Path, facts: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Write the facts of the machine and all rows to the JSON file `path`."""
    table = [asdict(row) | {"ratio": row.ratio} for row in rows]
    write_json(path, json.loads(json.dumps({"machine": dict(facts), "rows": table})))


def _line(cells: Mapping[str, str]) -> str:
    padded = (cells[name].ljust(width) for name, width in WIDTHS.items())
    return "| " + " | ".join(padded) + " |"


def _mega(size: int | None) -> float | None:
    return None if size is None else size / 1e6


def _share(gflop: float | None, seconds: float | None, peak: float) -> str:
    if gflop is None or not seconds:
        return "-"
    return f"{100 * gflop * 1e9 / seconds / peak:.0f}%"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{_short(seconds)} s" if seconds >= 1 else f"{_short(1e3 * seconds)} ms"


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
