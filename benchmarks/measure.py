"""Time, peak memory and floating-point operations of a call."""

import ctypes
import gc
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from viv1t.model.kernels import attention as compiled
from viv1t.model.layers.linear import has_one_dnn, product

PEAK_SIZE: Final = 2048
PEAK_CALLS: Final = 5


@dataclass
class Run:
    """The calls of one way to compute something.

    Attributes:
        result: of the first call.
        seconds: of each call.
        extra_bytes: peak memory of the first call beyond what was in use before; None if this
            system does not tell.
        flops: operations of the last call, see `FlopCount`.
    """

    result: Any
    seconds: list[float]
    extra_bytes: int | None = None
    flops: int = 0

    @property
    def typical_s(self) -> float:
        """The median, without the first call where there are at least three."""
        return statistics.median(self.seconds[1:] if len(self.seconds) > 2 else self.seconds)


class Meter:
    """Measures calls on one device.

    Seconds are those of the processor where one thread computes, so that other programs do not
    count; else those of the clock on the wall.
    """

    def __init__(self, device: torch.device, *, threads: int) -> None:
        """Compute with `threads` from now on."""
        self.device = device
        self.is_processor_time = device.type == "cpu" and threads == 1
        self.kind_of_time = "of the processor" if self.is_processor_time else "on the wall"
        torch.set_num_threads(threads)

    def seconds(self) -> float:
        """The time now, once everything has been computed."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.process_time() if self.is_processor_time else time.perf_counter()

    def call(self, compute: Callable[[], Any], *, is_watched: bool, is_counted: bool) -> Run:
        """One call, with its peak memory and its operations where wanted."""
        before = self._reset_memory() if is_watched else None
        count = FlopCount() if is_counted else None
        start = self.seconds()
        if count is None:
            result = compute()
        else:
            with count:
                result = compute()
        run = Run(result, [self.seconds() - start], flops=count.total if count else 0)
        if before is not None:
            run.extra_bytes = max(0, self._peak_memory() - before)
        return run

    def interleaved(self, *wanted: tuple[Callable[[], Any], int]) -> list[Run]:
        """A run for each function and its number of calls; the functions take turns."""
        runs: dict[int, Run] = {}
        for turn in range(max(number for _, number in wanted)):
            for index, (compute, number) in enumerate(wanted):
                if turn < number:
                    is_last = turn == number - 1
                    found = self.call(compute, is_watched=turn == 0, is_counted=is_last)
                    run = runs.setdefault(index, found)
                    if run is not found:
                        run.seconds += found.seconds
                        run.flops = found.flops
        return [runs[index] for index in range(len(wanted))]

    def peaks(self) -> dict[str, float]:
        """FLOP/s of large float32 matrix products, by the libraries that there are."""
        a, b = torch.randn(2, PEAK_SIZE, PEAK_SIZE, device=self.device)
        ways: dict[str, Callable[[], Tensor]] = {"torch.mm": lambda: a @ b}
        if self.device.type == "cpu" and has_one_dnn():
            ways["oneDNN"] = lambda: product(a, b)
        runs = self.interleaved(*((way, PEAK_CALLS) for way in ways.values()))
        work = 2 * PEAK_SIZE**3
        return {name: work / min(run.seconds) for name, run in zip(ways, runs, strict=True)}

    def _reset_memory(self) -> int | None:
        """Forget the peak so far; the bytes in use now, or None if this system does not tell."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            return torch.cuda.memory_allocated(self.device)
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)  # memory that was freed but is still held would hide what the call takes
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return None
        return _bytes_of("VmRSS", "/proc/self/status")

    def _peak_memory(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return _bytes_of("VmHWM", "/proc/self/status") or 0


def available_bytes() -> int | None:
    """Memory that the machine has left, or None if this system does not tell."""
    return _bytes_of("MemAvailable", "/proc/meminfo")


def _bytes_of(name: str, path: str) -> int | None:
    """What the line "name: number kB" of a file says."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None


class FlopCount(TorchDispatchMode):
    """Counts the operations of matrix products, convolutions and attention, those of oneDNN too.

    A multiplication and an addition are two. The fused attention kernels count as if they were
    not causal; other attention counts what it computes, the compiled one too.

    Attributes:
        total: operations so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self._counts: dict[Any, Callable[..., int]] = {}
        self._compiled = mock.patch.multiple(
            compiled,
            attend=self._counted(compiled.attend, 4),
            attend_backward=self._counted(compiled.attend_backward, 10),
        )
        if has_one_dnn():
            linear = torch.ops.mkldnn._linear_pointwise
            fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
            backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
            self._counts = {
                linear.default: _count_linear,
                linear.binary: lambda rows, plus, weight, *_: _count_linear(rows, weight),
                fused.default: _count_attention,
                backward.default: _count_attention_backward,
            }

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Compute, and count."""
        named = kwargs or {}
        found = func(*args, **named)
        if func in self._counts:
            self.total += self._counts[func](*args)
        elif func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **named, out_val=found)
        return found

    def __enter__(self) -> "FlopCount":
        """Begin to count."""
        self._compiled.start()
        return cast(FlopCount, super().__enter__())

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401
        """Stop."""
        self._compiled.stop()
        super().__exit__(*error)

    def _counted(self, ask: Callable[..., Any], per_pair: int) -> Callable[..., Any]:
        """`ask` of the compiled attention, of which dispatch knows nothing."""

        def counted(*stacks: Tensor, **options: Any) -> Any:  # noqa: ANN401
            num_batch, num_heads, length, head_dim = stacks[-1].shape
            own = length * (length + 1) // 2 if options["is_causal"] else length**2
            pairs = own + length * (options["seen"][0].shape[2] if options.get("seen") else 0)
            self.total += per_pair * num_batch * num_heads * pairs * head_dim
            return ask(*stacks, **options)

        return counted


def _count_linear(rows: Tensor, weight: Tensor, *_: object) -> int:
    return 2 * rows.numel() * weight.shape[0]


def _count_attention(query: Tensor, key: Tensor, value: Tensor, *_: object) -> int:
    return int(sdpa_flop_count(query.shape, key.shape, value.shape))


def _count_attention_backward(_: Tensor, query: Tensor, key: Tensor, *__: object) -> int:
    return 10 * query.numel() * key.shape[-2]  # five products
