"""How many trials fit through the model at once."""

import copy
import logging
from collections.abc import Callable, Iterator

import torch

from viv1t.config.schema import OptimConfig, RunConfig
from viv1t.criterions import Criterion
from viv1t.data.loaders import Loaders
from viv1t.errors import ConfigError
from viv1t.model.model import Model
from viv1t.names import MouseId
from viv1t.optimizer import build_optimizer

logger = logging.getLogger(__name__)

TRIAL_STEPS = 2


def choose_micro_batch_size(
    config: RunConfig,
    model: Model,
    loaders: Loaders,
    criterion: Criterion,
    *,
    device: torch.device,
) -> int:
    """Trials per forward pass: what was asked for, else found on CUDA, else the batch size.

    Raises:
        ConfigError: not even one trial fits into the memory of the GPU.
    """
    wanted, batch_size = config.data.micro_batch_size, config.data.batch_size
    if wanted or batch_size == 1 or device.type != "cuda":
        return wanted or batch_size

    def attempt(size: int) -> None:
        train_on_random(model, size, loaders, device, criterion=criterion, optim=config.optim)

    with torch.random.fork_rng():
        found = largest_that_fits(attempt, batch_size)
    logger.info("micro batches of %d trials fit on %s", found, device)
    return found


def largest_that_fits(attempt: Callable[[int], None], batch_size: int) -> int:
    """The largest size up to `batch_size` for which `attempt(size)` does not run out of memory.

    Sizes 1 to 8 are tried, then every second one. Other errors pass through.

    Args:
        attempt: raises torch.OutOfMemoryError if so many trials do not fit.
        batch_size: the most that is of use.

    Raises:
        ConfigError: one trial is too much.
    """
    fits = 0
    for size in _sizes(batch_size):
        try:
            attempt(size)
        except torch.OutOfMemoryError:
            break
        fits = size
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if not fits:
        raise ConfigError(
            "one trial does not fit into the memory of the GPU: lower --crop_frame or the size of "
            "the core, give --grad_checkpointing 1, or --device cpu"
        )
    return fits


def _sizes(batch_size: int) -> Iterator[int]:
    yield from range(1, min(batch_size, 8) + 1)
    yield from range(10, batch_size + 1, 2)
    if batch_size > 8 and batch_size % 2:
        yield batch_size


def train_on_random(
    model: Model,
    size: int,
    loaders: Loaders,
    device: torch.device,
    *,
    criterion: Criterion,
    optim: OptimConfig,
) -> None:
    """Train a copy of `model` for some steps on `size` random trials of the largest mouse."""
    twin = copy.deepcopy(model)
    optimizer = build_optimizer(twin.param_groups(optim), optim)
    mouse_id: MouseId = max(loaders.mouse_ids, key=lambda m: len(loaders.facts[m].neuron_idx))
    shapes, num_neurons = loaders.shapes, len(loaders.facts[mouse_id].neuron_idx)
    frames = shapes.video[1]
    for _ in range(TRIAL_STEPS):
        pred = twin(
            torch.rand(size, *shapes.video, device=device),
            mouse_id=mouse_id,
            behaviors=torch.rand(size, shapes.num_behaviors, frames, device=device),
            pupil_centers=torch.rand(size, shapes.num_pupils, frames, device=device),
        )
        true = torch.rand(size, num_neurons, frames, device=device)[..., -pred.shape[-1] :]
        criterion(true, pred, mouse_id).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
