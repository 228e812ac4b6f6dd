"""Flags of trainings that take a second, and what to compare of their run folders."""

import json
from pathlib import Path
from typing import Any

import torch

SMALL = ("--core", "linear", "--readout", "gaussian", "--epochs", "2", "--crop_frame", "60")
# Dropout draws from torch's generator at every step; batches of two mix trials.
WITH_DROPOUT = (
    *("--core", "fcnn", "--core_hidden_dim", "2", "--core_num_layers", "2"),
    *("--core_dropout", "0.3", "--core_spatial_input_kernel", "5"),
    *("--core_temporal_input_kernel", "5", "--readout", "gaussian", "--crop_frame", "30"),
    *("--batch_size", "2", "--verbose", "0", "--adam_warmup_steps", "3"),
)
SMALL_VIVIT = (
    *("--core_emb_dim", "16", "--core_spatial_depth", "1", "--core_temporal_depth", "1"),
    *("--core_ff_dim", "16", "--core_head_dim", "8", "--core_reg_tokens", "2"),
)


def outcome(folder: Path) -> dict[str, Any]:
    """What a training came to, without times: history, info, evaluation, and all tensors."""
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    last = torch.load(folder / "ckpt/last.pt", weights_only=True)
    return {
        "history": [{k: v for k, v in row.items() if k != "elapse"} for row in rows],
        "texts": [(folder / name).read_text() for name in ("ckpt/info.yaml", "evaluation.yaml")],
        "best": flat(torch.load(folder / "ckpt/model.pt", weights_only=True)),
        "last": flat({key: last[key] for key in ("model", "optimizer", "clip", "rng")}),
    }


def flat(value: Any) -> Any:
    """`value` with every tensor as its bytes, so that == compares bit for bit."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [flat(item) for item in value]
    return value
