import pickle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import golden_cases
import numpy as np
import pytest
import torch
from sessions import edit, write_mice_yaml, write_session

from viv1t.batch import Batch
from viv1t.config.schema import DataConfig
from viv1t.data.loaders import Loaders, bucketed, build_loaders, round_robin
from viv1t.data.recording import Recording
from viv1t.errors import ConfigError, DataError

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes mice {id: options of write_session} and mice.yaml."""

    def write_all(**mice: dict[str, Any]) -> None:
        for seed, (mouse_id, options) in enumerate(mice.items()):
            write_session(tmp_path / mouse_id, **{"seed": seed} | options)
        write_mice_yaml(
            tmp_path,
            {
                m: {"folder": m, "video_px": list(options.get("frame", (16, 28)))}
                for m, options in mice.items()
            },
        )

    return write_all


def build(
    data_dir: Path,
    *,
    seed: int = 7,
    given: Iterable[str] = (),
    device_type: str = "cpu",
    **flags: Any,
) -> Loaders:
    config = DataConfig(data_dir=data_dir, **flags)
    return build_loaders(config, seed=seed, device_type=device_type, given=set(given))


def equal(a: Batch, b: Batch) -> bool:
    names = ("video", "response", "behavior", "pupil_center", "trial_ids", "video_ids")
    return a.mouse_id == b.mouse_id and all(
        torch.equal(getattr(a, name), getattr(b, name)) for name in names
    )


@pytest.mark.parametrize("case", golden_cases.facts("cycle"))
def test_golden_round_robin(case: dict):
    order = list(round_robin(dict(case["lengths"])))
    assert len(order) == case["len"]
    assert [[mouse, f"{mouse}{batch}"] for mouse, _, batch in order] == case["order"]
    assert case["second_epoch"] == case["order"]


def test_batches_are_the_same_whatever_loads_them(write: Write, tmp_path: Path):
    tiers = ("train",) * 5 + ("oracle",) * 2
    write(R1={}, R2={"tiers": tiers, "num_neurons": 8})
    options = {"batch_size": 2, "crop_frame": 55}
    here = build(tmp_path, **options)
    workers = build(tmp_path, **options, num_workers=2, given={"num_workers"})
    thread = build(tmp_path, **options, device_type="cuda")
    for epoch in (4, 1):
        batches = list(here.train(epoch))
        assert len(batches) == here.num_steps == 6
        for loaders in (workers, thread):
            others = list(loaders.train(epoch))
            assert all(equal(a, b) for a, b in zip(batches, others, strict=True))
    resumed = list(build(tmp_path, **options).train(1))
    assert all(equal(a, b) for a, b in zip(batches, resumed, strict=True))
    assert not all(equal(a, b) for a, b in zip(batches, here.train(2), strict=True))
    assert not equal(batches[0], next(build(tmp_path, seed=8, **options).train(1)))


def test_loading_draws_no_global_random_numbers(write: Write, tmp_path: Path):
    write(R1={})
    torch.manual_seed(3)
    before = torch.get_rng_state()
    loaders = build(tmp_path, crop_frame=55, num_workers=1, given={"num_workers"})
    for epoch in range(2):
        list(loaders.train(epoch))
    assert torch.equal(torch.get_rng_state(), before)


def test_data_sets_can_be_sent_to_a_worker(session: Callable[..., Recording]):
    recording = pickle.loads(pickle.dumps(session()))
    assert recording.load(2).response.shape == (6, 70)
    assert recording.trials("validation").tolist() == [6, 7, 8, 9]


def test_an_epoch_shows_each_trial_and_restarts_small_mice(write: Write, tmp_path: Path):
    write(R1={}, R2={"tiers": ("train",) * 2 + ("oracle",) * 2})
    loaders = build(tmp_path, crop_frame=50)
    assert loaders.train_sizes == {"R1": 6, "R2": 2}
    batches = list(loaders.train(0))
    assert [b.mouse_id for b in batches] == ["R1", "R2"] * 6
    trials = {m: [b.trial_ids.item() for b in batches if b.mouse_id == m] for m in ("R1", "R2")}
    assert sorted(trials["R1"]) == list(range(6))
    assert [sorted(trials["R2"][i : i + 2]) for i in (0, 2, 4)] == [[0, 1]] * 3
    shown = [b for b in batches if b.mouse_id == "R2" and b.trial_ids.item() == 0]
    starts = {b.video[0, 0, 0, 0, 0].item() for b in shown}
    assert len(starts) > 1  # a restart crops anew


def test_two_iterators_do_not_disturb_each_other(write: Write, tmp_path: Path):
    write(R1={})
    loaders = build(tmp_path)
    first, second = loaders.train(0), loaders.train(1)
    orders = [[b.trial_ids.item() for b in batches] for batches in (first, second)]
    assert orders[0] == [b.trial_ids.item() for b in loaders.train(0)]
    assert orders[0] != orders[1]


def test_batches_hold_one_length(write: Write, tmp_path: Path):
    lengths = [55, 70, 55, 70, 55, 60] + [70] * 8
    write(R1={"num_frames": lengths})
    loaders = build(tmp_path, batch_size=2)
    for epoch in range(3):
        batches = list(loaders.train(epoch))
        assert len(batches) == loaders.num_steps == 4
        assert sorted(t for b in batches for t in b.trial_ids.tolist()) == list(range(6))
    assert bucketed(np.array([3, 0, 2, 1]), [5, 6, 5, 6], 2) == [(0, 2), (3, 1)]
    assert bucketed(np.array([2, 0, 1]), [0, 0, 0], 2) == [(2, 0), (1,)]


def test_what_a_model_may_know(write: Write, tmp_path: Path):
    write(R1={"num_neurons": 9}, R2={})
    loaders = build(tmp_path, crop_frame=60, limit_neurons=4, limit_data=3)
    shapes = loaders.shapes
    assert (shapes.video, shapes.num_behaviors, shapes.num_pupils) == ((1, 60, 16, 28), 2, 2)
    assert shapes.max_frames == 300
    assert build(tmp_path, crop_frame=-1).shapes.video == (1, 300, 16, 28)
    assert loaders.train_sizes == {"R1": 3, "R2": 3}
    facts = loaders.facts["R1"]
    assert facts.neuron_idx.shape == (4,)
    assert loaders.coordinates["R1"].shape == (4, 3)
    np.testing.assert_array_equal(facts.unit_ids, 100 + facts.neuron_idx)
    assert loaders.mean_responses()["R1"].shape == (4,)
    assert next(loaders.train(0)).response.shape == (1, 4, 60)


def test_missing_neurons_reach_no_batch(write: Write, tmp_path: Path):
    write(R1={"num_neurons": 5})
    for path in (tmp_path / "R1/data/responses").iterdir():
        edit(path, lambda x: x.__setitem__(2, np.nan))
    loaders = build(tmp_path)
    assert loaders.facts["R1"].neuron_idx.tolist() == [0, 1, 3, 4]
    assert loaders.facts["R1"].num_recorded == 5
    assert all(torch.isfinite(b.response).all() for b in loaders.train(0))
    assert torch.isfinite(next(loaders.evaluation("validation", "R1")).response).all()


def test_evaluation_is_whole_trials_in_order(write: Write, tmp_path: Path):
    write(R1={"num_frames": [70 + i % 3 for i in range(14)]})
    loaders = build(tmp_path, crop_frame=51, limit_data=2, batch_size=4)
    assert loaders.tiers("R1") == ("train", "validation", "live_main")
    for tier, trials in (("train", range(6)), ("validation", range(6, 10))):
        batches = list(loaders.evaluation(tier, "R1"))
        assert [b.trial_ids.tolist() for b in batches] == [[t] for t in trials]
        assert [b.video.shape[2] for b in batches] == [70 + t % 3 for t in trials]
    assert [b.video_ids.item() for b in batches] == [6, 7, 8, 9]


def test_evaluation_shows_repeats_in_turn(write: Write, tmp_path: Path):
    write(R1={})
    batches = list(build(tmp_path).evaluation("validation", "R1"))
    assert [b.trial_ids.item() for b in batches] == [6, 8, 7, 9]
    assert torch.equal(batches[0].video, batches[1].video)
    assert not torch.equal(batches[1].video, batches[2].video)


def test_evaluation_refuses_what_it_cannot_score(write: Write, tmp_path: Path):
    write(R1={"num_frames": [70] * 6 + [50] * 4 + [70] * 4})
    loaders = build(tmp_path)
    with pytest.raises(DataError, match=r"trial 6 \(validation\) has 50 frames, the first 50"):
        list(loaders.evaluation("validation", "R1"))
    with pytest.raises(DataError, match="mouse R1: no trial of tier final_bonus"):
        list(loaders.evaluation("final_bonus", "R1"))


def test_withheld_responses_are_said_and_left_out(
    write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    write(R1={})
    for trial in range(10, 14):
        edit(tmp_path / f"R1/data/responses/{trial}.npy", np.zeros_like)
    with caplog.at_level("INFO", logger="viv1t"):
        loaders = build(tmp_path)
    assert "mouse R1: responses of live_main were withheld" in caplog.text
    assert loaders.tiers("R1") == ("train", "validation")
    assert len(list(loaders.evaluation("live_main", "R1"))) == 4  # for prediction


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"frame": (24, 40)}, r"mouse R1 has frames of \(h, w\) \(16, 28\), mouse R2 \(24, 40\)"),
        ({"num_behaviors": 1}, "mouse R1 has behaviour rows: 2, mouse R2 1; choose"),
        ({"num_pupils": 0}, "pupil rows: 2, mouse R2 0"),
    ],
)
def test_mice_of_a_run_are_alike(write: Write, tmp_path: Path, other: dict, message: str):
    write(R1={}, R2=other)
    with pytest.raises(ConfigError, match=message):
        build(tmp_path)
    assert build(tmp_path, mouse_ids=("R2",)).mouse_ids == ("R2",)


@pytest.mark.parametrize("tier", ["train", "validation"])
def test_training_needs_both_tiers(write: Write, tmp_path: Path, tier: str):
    raw = {"train": "oracle", "validation": "train"}[tier]
    write(R1={"tiers": (raw,) * 4})
    with pytest.raises(DataError, match=f"no trial of tier {tier} "):
        build(tmp_path)


def test_a_lab_mouse_loads_with_a_mice_yaml_alone(write: Write, tmp_path: Path):
    write(lab1={"frame": (24, 40), "num_behaviors": 1, "num_pupils": 0})
    loaders = build(tmp_path, crop_frame=60)
    batch = next(loaders.train(0))
    assert batch.video.shape == (1, 1, 60, 24, 40)
    assert (batch.behavior.shape, batch.pupil_center.shape) == ((1, 1, 60), (1, 0, 60))
    assert loaders.shapes.num_pupils == 0
    assert loaders.facts["lab1"].monitor.width_px == 40
