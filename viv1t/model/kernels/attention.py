"""Attention by the compiled kernel, see attention.cpp: where it is built, else nothing."""

import ctypes
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

import torch
from torch import Tensor

from viv1t.model.kernels.build import library_path

MAX_HEAD_DIM: Final = 128
# Products (queries x keys x entries) below which a second thread costs more than it saves.
MIN_SHARED: Final = 2**22


class _Stack(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("batch", ctypes.c_int64),
        ("head", ctypes.c_int64),
        ("row", ctypes.c_int64),
    )

    @classmethod
    def of(cls, tensor: Tensor) -> "_Stack":
        return cls(tensor.data_ptr(), *tensor.stride()[:3])


class _Question(ctypes.Structure):
    _fields_ = (
        *((name, _Stack) for name in ("query", "key", "value", "seen_key", "seen_value", "out")),
        ("logsumexp", ctypes.c_void_p),
        *((n, ctypes.c_int64) for n in ("heads", "length", "seen", "head_dim", "is_causal")),
        *((name, _Stack) for name in ("gradient", "of_query", "of_key", "of_value")),
    )


@cache
def _library() -> ctypes.CDLL | None:
    if os.environ.get("VIV1T_KERNELS") == "0" or not library_path().is_file():
        return None
    try:
        library = ctypes.CDLL(str(library_path()))
    except OSError:
        return None
    for name in ("viv1t_attend", "viv1t_attend_backward"):
        getattr(library, name).argtypes = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        getattr(library, name).restype = None
    return library


def is_built() -> bool:
    """Whether the kernel is there; VIV1T_KERNELS=0 in the environment hides it."""
    return _library() is not None


def covers(*stacks: Tensor) -> bool:
    """Whether the kernel is there and takes these: (b, heads, n, d), float32, dense in d, CPU."""
    return (
        is_built()
        and not torch.compiler.is_compiling()
        and all(x.device.type == "cpu" and x.dtype == torch.float32 for x in stacks)
        and all(x.stride(3) == 1 and x.shape[3] <= MAX_HEAD_DIM and x.numel() > 0 for x in stacks)
    )


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    is_causal: bool,
    seen: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Attention output (b, n, heads, d), and the logarithm of its normaliser (b, heads, n).

    For tensors that are covered, see `covers`.

    Args:
        query: (b, heads, n, d), already scaled by d^-0.5.
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        is_causal: a query sees no later key.
        seen: keys and values (b, heads, m, d) before them.
    """
    out = torch.empty_like(query.transpose(1, 2), memory_format=torch.contiguous_format)
    logsumexp = query.new_empty(query.shape[:3])
    question = _question(query, key, value, out, logsumexp, is_causal=is_causal, seen=seen)
    _ask("viv1t_attend", question, query)
    return out, logsumexp


def attend_backward(
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    found: Tensor,
    logsumexp: Tensor,
    is_causal: bool,
    seen: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Gradients of queries, keys and values, side by side: (b, n, 3, heads, d).

    Args:
        gradient: of the output, (b, n, heads, d).
        query: (b, heads, n, d), already scaled by d^-0.5.
        key: (b, heads, n, d).
        value: (b, heads, n, d).
        found: the output, (b, n, heads, d).
        logsumexp: the second thing that `attend` gave.
        is_causal: a query sees no later key.
        seen: keys and values (b, heads, m, d) before them, which get no gradient.
    """
    num_batch, num_heads, length, head_dim = query.shape
    gradients = query.new_empty((num_batch, length, 3, num_heads, head_dim))
    question = _question(query, key, value, found, logsumexp, is_causal=is_causal, seen=seen)
    gradient = gradient if gradient.stride(-1) == 1 else gradient.contiguous()
    question.gradient = _Stack.of(gradient.transpose(1, 2))
    parts = (_Stack.of(part.transpose(1, 2)) for part in gradients.unbind(2))
    question.of_query, question.of_key, question.of_value = parts
    _ask("viv1t_attend_backward", question, query)
    return gradients


def _question(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    found: Tensor,
    logsumexp: Tensor,
    *,
    is_causal: bool,
    seen: tuple[Tensor, Tensor] | None,
) -> _Question:
    before = _Stack(), _Stack()
    if seen is not None:
        before = _Stack.of(seen[0]), _Stack.of(seen[1])
    return _Question(
        _Stack.of(query),
        _Stack.of(key),
        _Stack.of(value),
        *before,
        _Stack.of(found.transpose(1, 2)),
        logsumexp.data_ptr(),
        query.shape[1],
        query.shape[2],
        0 if seen is None else seen[0].shape[2],
        query.shape[3],
        int(is_causal),
    )


def _ask(name: str, question: _Question, query: Tensor) -> None:
    """Answer for all sequences and heads, by as many threads as PyTorch has."""
    library = _library()
    assert library is not None
    call, address = getattr(library, name), ctypes.addressof(question)
    count = query.shape[0] * query.shape[1]
    work = query.numel() * (question.seen + question.length)
    num_threads = min(torch.get_num_threads(), count, 1 + work // MIN_SHARED)
    if num_threads == 1:
        call(address, 0, count)
        return
    edges = [count * i // num_threads for i in range(num_threads + 1)]
    parts = itertools.pairwise(edges)
    for done in [_threads(num_threads).submit(call, address, *part) for part in parts]:
        done.result()


@cache
def _threads(num_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_threads, thread_name_prefix="viv1t-attention")
