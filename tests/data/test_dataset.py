from collections.abc import Callable

import golden_cases
import numpy as np
import pytest
import torch

from viv1t.data.dataset import CropKey, TrialDataset, choose_neurons, choose_trials
from viv1t.data.facts import facts_of
from viv1t.data.recording import Recording
from viv1t.data.statistics import compute_statistics
from viv1t.data.transforms import Transforms, response_scale
from viv1t.errors import DataError

ARRAYS, VALUES = golden_cases.arrays("dataset"), golden_cases.facts("dataset")
TIERS = ("train", "validation", "live_main", "live_bonus", "final_main", "final_bonus")


def dataset(
    recording: Recording, tier: str, neurons: list[int] | None = None, **options: object
) -> TrialDataset:
    statistics = compute_statistics(recording)
    rows = np.arange(recording.num_neurons) if neurons is None else np.array(neurons)
    transforms = Transforms(statistics.select(rows), input_mode=1, output_mode=1)
    return TrialDataset(recording, tier, transforms=transforms, neurons=rows, **options)


@pytest.mark.parametrize("tier", TIERS)
def test_golden_items(golden_recording: Recording, tier: str):
    trials = dataset(golden_recording, tier)
    assert len(trials) == VALUES[tier]["len"]
    for index, expected in enumerate(VALUES[tier]["items"]):
        item = trials.item(index)
        for name in ("video", "response", "behavior", "pupil_center"):
            assert list(getattr(item, name)[0].shape) == expected[name]
            if (key := f"item/{tier}/{index}/{name}") in ARRAYS:
                np.testing.assert_allclose(
                    getattr(item, name)[0], ARRAYS[key], rtol=2e-4, atol=2e-5
                )
        ids = (item.trial_ids.item(), item.video_ids.item(), item.stimulus_ids.item())
        assert ids == (expected["trial_id"], expected["video_id"], expected["stimulus_id"])


def test_golden_neuron_selection(golden_recording: Recording):
    idx = VALUES["neuron_idx"]["idx"]
    trials = dataset(golden_recording, "validation", idx)
    found = trials.item(0).response[0]
    np.testing.assert_allclose(found, ARRAYS["neuron_idx/response"], rtol=2e-4, atol=2e-5)
    facts = facts_of(
        golden_recording, neurons=np.array(idx), statistics=trials.transforms.statistics
    )
    assert facts.unit_ids.tolist() == VALUES["neuron_idx"]["neuron_ids"]
    np.testing.assert_array_equal(facts.coordinates, ARRAYS["neuron_idx/coordinates"])
    precision = 1 / response_scale(facts.statistics)
    np.testing.assert_allclose(precision, ARRAYS["neuron_idx/precision"][:, 0], rtol=2e-4)


def test_golden_crops_and_the_last_window_that_they_never_reach(golden_recording: Recording):
    case = VALUES["random_crop"]
    crop = case["crop_frame"]
    trials = dataset(golden_recording, "train", crop_frame=crop)
    whole = dataset(golden_recording, "train")
    published = np.random.RandomState(case["numpy_seed"])
    for number, draw in enumerate(case["draws"]):
        index = number % len(trials)
        spare = whole.num_frames(index) - crop
        assert published.randint(0, spare) == draw["start"] < spare
        assert (trials.trials[index], trials.num_frames(index)) == (
            draw["trial_id"],
            draw["frames"],
        )
        item = trials.item(index, start=draw["start"])
        expected = whole.item(index).response[..., draw["start"] : draw["start"] + crop]
        np.testing.assert_array_equal(item.response, expected)
    starts = {trials.start(5, CropKey(epoch, 0)) for epoch in range(20)}
    assert trials.trials[5] == 15
    assert starts == {0, 1}  # 52 frames: two windows of 51, of which the published draw knows one


def test_golden_evaluation_crops_start_at_zero(golden_recording: Recording):
    trials = dataset(golden_recording, "validation", crop_frame=51)
    shapes = [list(trials.item(i).video[0].shape) for i in range(len(trials))]
    assert shapes == VALUES["eval_crop_first_frames"]
    mean = trials.mean_response(size=2)
    expected = ARRAYS["estimate_mean_response/validation_crop51_size2"]
    np.testing.assert_allclose(mean, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("case", VALUES["limit_data"])
def test_golden_limit_of_trials(case: str):
    limit, seed = map(int, case.split("/"))
    trials = np.array(VALUES["train"]["trial_ids"])
    assert choose_trials(trials, limit=limit, seed=seed).tolist() == VALUES["limit_data"][case]


@pytest.mark.parametrize("case", VALUES["set_neuron_idx"])
def test_golden_limit_of_neurons(case: str):
    n, limit, seed = map(int, case.split("/"))
    found = choose_neurons(np.ones(n, dtype=bool), limit=limit, seed=seed)
    assert found.tolist() == VALUES["set_neuron_idx"][case]["A"]


def test_missing_neurons_are_never_chosen():
    present = np.arange(30) % 3 > 0
    for limit in (None, 5, 99):
        rows = choose_neurons(present, limit=limit, seed=1)
        assert present[rows].all()
        assert len(rows) == min(limit or 20, 20)


def test_crops_depend_on_their_key_alone(session: Callable[..., Recording]):
    trials = dataset(session(), "train", crop_frame=20, seed=3)
    keys = [CropKey(epoch, repeat) for epoch in range(8) for repeat in range(2)]
    starts = {(i, key): trials.start(i, key) for i in range(len(trials)) for key in keys}
    again = dataset(trials.recording, "train", crop_frame=20, seed=3, limit=4)
    for i, trial in enumerate(again.trials):
        index = trials.trials.tolist().index(trial)
        assert all(again.start(i, key) == starts[index, key] for key in reversed(keys))
    assert len(set(starts.values())) > 30
    other = dataset(trials.recording, "train", crop_frame=20, seed=4)
    assert [other.start(0, key) for key in keys] != [starts[0, key] for key in keys]


def test_a_batch_is_its_items(session: Callable[..., Recording]):
    trials = dataset(session(), "train", crop_frame=60)
    key = CropKey(2, 1)
    batch = trials.batch([4, 1], key)
    assert batch.trial_ids.tolist() == [4, 1]
    for row, index in enumerate((4, 1)):
        item = trials.item(index, start=trials.start(index, key))
        assert torch.equal(batch.video[row], item.video[0])
        assert torch.equal(batch.response[row], item.response[0])


def test_mean_response_of_unequal_trials(session: Callable[..., Recording]):
    lengths = [55, 60, 70] + [70] * 11
    trials = dataset(session(num_frames=lengths), "train")
    responses = torch.cat([trials.item(i).response[0] for i in range(3)], dim=1)
    torch.testing.assert_close(trials.mean_response(size=3), responses.mean(dim=1))


def test_a_tier_without_trials(session: Callable[..., Recording]):
    with pytest.raises(DataError, match=r"no trial of tier final_main .* lists live_main, train"):
        dataset(session(), "final_main")
