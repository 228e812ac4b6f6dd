"""Checkpoints: damaged, foreign and malicious files; no disk space."""

import errno
import pickle
import random
from pathlib import Path

import pytest
import torch
from torch import nn

from viv1t import checkpoint
from viv1t.errors import CheckpointError, MissingResultError


class Bomb:
    """Touches a file when it is unpickled by an unguarded reader."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (Path(self.target),)


@pytest.fixture
def path(tmp_path):
    """A good checkpoint."""
    path = tmp_path / "model.pt"
    checkpoint.save(path, {"weight": torch.arange(2000.0).reshape(2, 1000)})
    return path


def test_round_trip(path):
    loaded = checkpoint.load_weights(path)
    assert torch.equal(loaded["weight"], torch.arange(2000.0).reshape(2, 1000))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95, 0.999])
def test_a_truncated_file_is_named(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"model\.pt should be a checkpoint .* train again"):
        checkpoint.load(path)


def test_random_bytes_are_refused(path):
    for seed in range(20):
        path.write_bytes(random.Random(seed).randbytes(300 + seed))
        with pytest.raises(CheckpointError):
            checkpoint.load(path)


def test_a_changed_byte_of_a_tensor_is_noticed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        checkpoint.load(path)


@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_a_pickle_bomb_does_not_go_off(tmp_path, write):
    target, path = tmp_path / "gone_off", tmp_path / "model.pt"
    write({"weight": Bomb(str(target))}, path)
    with pytest.raises(CheckpointError, match="objects other than tensors") as caught:
        checkpoint.load(path)
    assert not target.exists()
    assert "\n" not in str(caught.value)
    pickle.loads(pickle.dumps(Bomb(str(target))))
    assert target.exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingResultError, match=r"nothing\.pt does not exist"):
        checkpoint.load(tmp_path / "nothing.pt")


def test_weights_must_be_tensors(path):
    checkpoint.save(path, {"epoch": 1, "weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="tensors only, found others under epoch"):
        checkpoint.load_weights(path)


def test_the_prefix_of_compiled_modules_is_left_out():
    compiled = torch.compile(nn.Linear(2, 3), backend="eager")
    assert set(checkpoint.weights_of(compiled)) == {"weight", "bias"}
    weights = checkpoint.weights_of(nn.Linear(2, 3))
    checkpoint.load_into(compiled, weights, source="here")
    assert torch.equal(compiled.weight, weights["weight"])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"weight": torch.zeros(3, 2)}, "lacks bias"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(3), "x": torch.zeros(1)}, "holds x, "),
        (
            {"weight": torch.zeros(3, 4), "bias": torch.zeros(3)},
            r"weight is \(3, 4\) and should be \(3, 2\)",
        ),
        ({f"k{i}": torch.zeros(1) for i in range(9)}, "and 6 more"),
    ],
)
def test_weights_that_do_not_fit_leave_the_model_alone(weights, message):
    model = nn.Linear(2, 3)
    before = checkpoint.weights_of(model)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load_into(model, weights, source="other.pt")
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_full_disk_leaves_the_earlier_checkpoint(path, monkeypatch):
    before = path.read_bytes()

    def full(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: .*model\.pt"):
        checkpoint.save(path, {"weight": torch.zeros(2)})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["model.pt"]
