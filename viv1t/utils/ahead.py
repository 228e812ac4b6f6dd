"""Reading ahead in threads: no other process, so that nothing is copied to hand it over."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def read_ahead(
    read: Callable[[K], V], keys: Iterable[K], *, num_threads: int, depth: int = 1
) -> Iterator[V]:
    """`read(key)` for each key, in order.

    Args:
        read: must be safe to call from several threads.
        keys: what to read.
        num_threads: threads that read; 0: the caller's own, when it asks.
        depth: results that each thread keeps ready beside the one that it works on.
    """
    if num_threads < 1:
        yield from map(read, keys)
        return
    pending: deque[Future[V]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for key in keys:
                pending.append(pool.submit(read, key))
                if len(pending) > (1 + depth) * num_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
