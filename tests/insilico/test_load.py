"""Opening run folders: moved, published, damaged."""

import pickle
import shutil

import numpy as np
import pytest
import torch

import viv1t
from viv1t.errors import CheckpointError

MOVIE = np.random.default_rng(1).integers(0, 256, (10, 16, 28)).astype(np.uint8)


def test_a_run_needs_nothing_but_its_folder(twin, copied_run, change_args):
    change_args(copied_run, data_dir="/nowhere", output_dir="/nowhere/run")
    for name in ("provenance.json", "history.jsonl", "ckpt/last.pt", "ckpt/info.yaml"):
        (copied_run / name).unlink()
    moved = viv1t.load(str(copied_run), device="cpu")
    np.testing.assert_array_equal(moved.predict(MOVIE, "R2"), twin.predict(MOVIE, "R2"))


def test_loading_leaves_no_trace_of_training(copied_run, change_args):
    change_args(copied_run, autocast="enable", compile=True, grad_checkpointing=1)
    twin = viv1t.load(copied_run, device="cpu")
    assert twin.config.model.compile
    assert twin.model.autocast == "disable"


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the checkpoint ran code",))


def save_bomb(run):
    with (run / "ckpt/model.pt").open("wb") as file:
        pickle.dump({"core": Bomb()}, file)


def cut_weights(run):
    path = run / "ckpt/model.pt"
    path.write_bytes(path.read_bytes()[:-500])


def change_weights(**changes):
    def change(run):
        path = run / "ckpt/model.pt"
        weights = torch.load(path, weights_only=True)
        for key, value in changes.items():
            weights.pop(key, None) if value is None else weights.update({key: value})
        torch.save(weights, path)

    return change


def write(name, text):
    return lambda run: (run / name).write_text(text)


def remove(name):
    return lambda run: (run / name).unlink()


DAMAGES = {
    "no_folder": (shutil.rmtree, FileNotFoundError, r"args.yaml does not exist"),
    "no_args": (remove("args.yaml"), FileNotFoundError, r"args.yaml does not exist"),
    "no_weights": (remove("ckpt/model.pt"), FileNotFoundError, r"model.pt does not exist"),
    "no_facts": (remove("data/mouseR2.npz"), FileNotFoundError, r"mouseR2.npz does not exist"),
    "damaged_facts": (write("data/mouseR1.npz", "no"), ValueError, r"mouseR1.npz is not a whole"),
    "damaged_args": (write("args.yaml", "a: ["), ValueError, r"args.yaml is not valid YAML"),
    "no_mapping": (write("args.yaml", "- 1"), ValueError, r"args.yaml should hold a YAML mapping"),
    "cut_weights": (cut_weights, CheckpointError, r"model.pt should be a checkpoint but cannot"),
    "bomb": (save_bomb, CheckpointError, r"objects other than tensors and plain values"),
    "missing_key": (
        change_weights(**{"readouts.R1.bias": None}),
        CheckpointError,
        r"model.pt does not fit the model: it lacks readouts.R1.bias",
    ),
    "unknown_key": (
        change_weights(**{"core.more": torch.zeros(1)}),
        CheckpointError,
        r"it holds core.more, which the model lacks",
    ),
    "wrong_shape": (
        change_weights(**{"readouts.R2.bias": torch.zeros(3)}),
        CheckpointError,
        r"readouts.R2.bias is \(3,\) and should be \(7,\)",
    ),
    "no_readout": (
        lambda run: torch.save({"core.a": torch.zeros(1)}, run / "ckpt/model.pt"),
        CheckpointError,
        r"model.pt holds no readout",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_runs_are_refused(copied_run, damage):
    change, error, message = DAMAGES[damage]
    change(copied_run)
    with pytest.raises(error, match=message):
        viv1t.load(copied_run, device="cpu")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schema": 99}, r"args.yaml has schema 99, this version of viv1t knows 1"),
        ({"core": "linaer"}, r"args.yaml: unknown core 'linaer'; did you mean 'linear'"),
        ({"lr": "fast"}, r"args.yaml: could not convert"),
        ({"center_crop": 3}, r"args.yaml: --center_crop must be in"),
    ],
)
def test_impossible_args_name_their_file(copied_run, change_args, values, message):
    change_args(copied_run, **values)
    with pytest.raises(ValueError, match=message):
        viv1t.load(copied_run, device="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "16"}, "precision must be '32' or 'bf16', got '16'"),
        ({"device": "abacus"}, "--device should be one of cpu, cuda, mps, got 'abacus'"),
    ],
)
def test_impossible_options_are_refused(trained_run, options, message):
    with pytest.raises(ValueError, match=message):
        viv1t.load(trained_run, **({"device": "cpu"} | options))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"output_shapes": {"A": [9, 24]}, "neuron_idx": None}, r"readouts.A.bias is \(8,\)"),
        ({"output_shapes": {"A": [9, 24]}}, r"`neuron_idx` of mouse A lists 8 neurons"),
        ({"output_shapes": {"A": "many"}}, r"args.yaml: "),
        ({"output_shapes": "REMOVE"}, r"args.yaml should say `output_shapes`"),
        ({"readout": "depth-gaussian"}, r"args.yaml: unknown readout 'depth-gaussian'"),
    ],
)
def test_impossible_published_args_are_refused(published_run, change_args, values, message):
    change_args(published_run, **values)
    with pytest.raises(ValueError, match=message):
        viv1t.load(published_run, device="cpu")


def test_published_runs_need_no_info_file(published_run):
    (published_run / "ckpt/info.yaml").unlink()
    assert viv1t.load(published_run, device="cpu").mouse_ids == ("A",)


def test_without_statistics_recorded_units_are_refused_with_the_way_out(published_run):
    twin = viv1t.load(published_run, device="cpu")
    movie = np.zeros((10, 16, 24), dtype=np.float32)
    with pytest.raises(ValueError, match=r"give viv1t.load\(run_dir, statistics=...\) the data"):
        twin.predict(movie, "A")
    with pytest.raises(ValueError, match=r"behavior has no default without statistics"):
        twin.predict(movie, "A", units="model")


def moments(shape, std):
    values = {"mean": 2.0, "std": std, "min": 0.0, "max": 9.0, "median": 1.5}
    return {name: np.full(shape, value) for name, value in values.items()}


def published_statistics(num_neurons=8):
    return {
        "video": moments((), 50.0),
        "behavior": moments(2, 4.0),
        "pupil_center": moments(2, 5.0),
        "response": moments(num_neurons, 3.0),
    }


def test_statistics_from_a_mapping_serve_recorded_units(published_run):
    bare = viv1t.load(published_run, device="cpu")
    twin = viv1t.load(published_run, device="cpu", statistics={"A": published_statistics()})
    movie = np.random.default_rng(0).uniform(0, 255, (10, 16, 24)).astype(np.float32)
    by_hand = bare.predict(
        (movie - 2) / 50,
        "A",
        behavior=np.full((2, 10), 2.0 / 4),
        pupil_center=np.zeros((2, 10)),
        units="model",
    )
    np.testing.assert_allclose(twin.predict(movie, "A"), by_hand * 3, rtol=1e-4)
    assert twin.neuron_coordinates("A") is None


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        ({"B": published_statistics()}, "unknown mouse 'B'"),
        ({"A": published_statistics(9)}, r"response/mean should have shape \(8,\), found \(9,\)"),
        ({"A": {"video": moments((), 1)}}, r"statistics of mouse A: statistics lack behavior/mean"),
        ("/nowhere", r"statistics: /nowhere holds no session of mice A"),
    ],
)
def test_statistics_that_do_not_fit_are_refused(published_run, statistics, message):
    with pytest.raises(ValueError, match=message):
        viv1t.load(published_run, device="cpu", statistics=statistics)


def test_statistics_of_a_data_folder_replace_those_of_the_run(trained_run, random_data, twin):
    again = viv1t.load(trained_run, device="cpu", statistics=random_data)
    np.testing.assert_array_equal(again.predict(MOVIE, "R1"), twin.predict(MOVIE, "R1"))


def test_a_data_folder_of_other_neurons_is_refused(published_run, change_args, random_data):
    change_args(published_run, output_shapes={"R1": [5, 24]}, neuron_idx=None)
    with pytest.raises(ValueError, match=r"model has 5 neurons, rows 0 to 4 .* holds 6"):
        viv1t.load(published_run, device="cpu", statistics=random_data)
