"""Micro batch sizes: the search, with a GPU that runs out of memory where the test says so."""

import pytest
import torch

from viv1t.criterions import build_criterion
from viv1t.data.loaders import build_loaders
from viv1t.errors import ConfigError
from viv1t.model.model import Model
from viv1t.training import micro_batch


def memory_for(most, tried):
    """An attempt that fails beyond `most` trials and notes what was tried."""

    def attempt(size):
        tried.append(size)
        if size > most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return attempt


@pytest.mark.parametrize(
    ("most", "batch_size", "found"),
    [(1, 4, 1), (5, 8, 5), (11, 32, 10), (99, 13, 13), (99, 1, 1), (99, 12, 12), (13, 13, 13)],
)
def test_the_largest_size_that_fits(most, batch_size, found):
    tried = []
    assert micro_batch.largest_that_fits(memory_for(most, tried), batch_size) == found
    assert tried == sorted(set(tried))
    assert max(tried) <= batch_size


def test_not_even_one_trial_is_an_error_that_says_what_to_lower():
    with pytest.raises(ConfigError, match=r"one trial does not fit .*--crop_frame"):
        micro_batch.largest_that_fits(memory_for(0, []), 4)


def test_other_errors_pass_through():
    def attempt(size):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        micro_batch.largest_that_fits(attempt, 4)


@pytest.fixture
def ready(parse):
    """Config, model, loaders and criterion of a run with batches of four."""
    config = parse("--batch_size", "4").config
    loaders = build_loaders(config.data, seed=1)
    model = Model(config.model, shapes=loaders.shapes, coordinates=loaders.coordinates)
    criterion = build_criterion("poisson", ds_scale=1, train_sizes=loaders.train_sizes)
    return config, model, loaders, criterion


def test_the_search_trains_a_copy_and_leaves_model_and_generator_alone(ready, monkeypatch):
    config, model, loaders, criterion = ready
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    sizes = []

    def on_cpu(model, size, loaders, device, **options):
        sizes.append(size)
        if size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        original(model, size, loaders, torch.device("cpu"), **options)

    original = micro_batch.train_on_random
    monkeypatch.setattr(micro_batch, "train_on_random", on_cpu)
    found = micro_batch.choose_micro_batch_size(
        config, model, loaders, criterion, device=torch.device("cuda")
    )
    assert (found, sizes) == (2, [1, 2, 3])
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_cpu_takes_the_whole_batch(ready):
    assert micro_batch.choose_micro_batch_size(*ready, device=torch.device("cpu")) == 4
