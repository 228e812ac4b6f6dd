"""What is inside a twin, counted and taken out, beside what the twin computes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_twins import grey_values, small_twin

from viv1t.errors import ConfigError
from viv1t.insilico import throughput
from viv1t.insilico.anatomy import (
    ALL,
    core_outputs,
    count_parameters,
    learned_positions,
    patch_filters,
)

NO_SIGNALS = {"behavior": None, "pupil_center": None}


@pytest.mark.parametrize("core", ["vivit", "fcnn", "linear"])
def test_all_numbers_are_counted_once(core):
    model = small_twin(core).model
    table = count_parameters(model)
    blocks, parts = table[table["block"] != ALL], table[table["block"] == ALL]
    parameters = sum(p.numel() for p in model.parameters())
    both = sum(tensor.numel() for tensor in model.state_dict().values())
    assert table["parameters"].iloc[-1] == parameters == blocks["parameters"].sum()
    assert (blocks["parameters"] + blocks["buffers"]).sum() == both
    of_core = parts.set_index("part")["parameters"]["core"]
    assert of_core == sum(p.numel() for p in model.core.parameters())
    assert {"readouts.A", "readouts.B"} <= set(blocks["block"])


def test_filters_weigh_the_windows_that_the_tokenizer_cuts():
    twin = small_twin("vivit", core_behavior_mode=2)
    unfold = twin.model.core.tokenizer.tokenizer
    filters = patch_filters(twin)
    movie = torch.randn(1, filters.shape[1], 20, 12, 16)
    windows = unfold.windows(movie)
    expected = unfold.linear(unfold.norm.weight * windows) - unfold.linear.bias
    pt, ps = unfold.patch
    st, ss = unfold.stride
    first = movie[0, :, st : st + pt, ss : ss + ps, :ps].numpy()
    found = (filters * first).sum(axis=(1, 2, 3, 4))
    np.testing.assert_allclose(found, expected[0, 1, 1, 0].detach(), rtol=1e-3, atol=1e-4)


def test_positions_are_those_that_are_learned():
    tokenizer = small_twin("vivit", core_pos_encoding=2).model.core.tokenizer
    found = learned_positions(small_twin("vivit", core_pos_encoding=2))
    assert found["space"].shape[:2] == tokenizer.grid
    assert found["time"].shape[0] == tokenizer.max_tokens
    assert set(learned_positions(small_twin("vivit", core_pos_encoding=6))) == {"space"}
    assert learned_positions(small_twin("vivit", core_pos_encoding=5)) == {}
    both = learned_positions(small_twin("vivit", core_pos_encoding=1))
    assert both["space"].shape[:2] == tokenizer.grid


def test_a_core_without_patches_says_so():
    with pytest.raises(ConfigError, match="cuts no patches"):
        patch_filters(small_twin("fcnn"))


def test_features_read_out_are_the_responses():
    twin, movie = small_twin("vivit"), grey_values(20, 12, 16)
    features = torch.from_numpy(core_outputs(twin, movie, "A", signals=NO_SIGNALS))[None]
    mouse, num_frames = twin.mouse("A"), features.shape[2]
    means = {
        "behaviors": mouse.transforms.behavior(means_over(mouse, "behavior", num_frames)),
        "pupil_centers": mouse.transforms.pupil_center(means_over(mouse, "pupil_center", 20)),
    }
    with torch.no_grad():
        outputs = twin.model.read_out(features, mouse_id="A", activate=True, **means)
    expected = twin.predict(movie, "A")
    found = mouse.responses_in("recorded", outputs[0]).numpy()
    np.testing.assert_allclose(found, expected[:, -num_frames:], rtol=2e-3, atol=1e-3)


def means_over(mouse, name, num_frames):
    mean = torch.from_numpy(np.asarray(getattr(mouse.statistics, name).mean))
    return mean[None, :, None].expand(1, -1, num_frames).float()


def test_throughput_is_the_median_after_a_first_pass_of_ever_new_movies(monkeypatch):
    twin, shown = small_twin("linear"), []
    clock = iter([0.0, 100.0, 0.0, 1.0, 0.0, 4.0, 0.0, 50.0])
    monkeypatch.setattr(throughput, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(twin, "predict", lambda movies, *_, **__: shown.append(movies))
    timing = throughput.Timing(num_passes=3, num_frames=15, batch_size=2)
    assert throughput.trials_per_s(twin, timing) == pytest.approx(2 / 4)
    assert [movies.shape for movies in shown] == [(2, 15, 12, 16)] * 4
    assert len({movie.tobytes() for movies in shown for movie in movies}) == 8
    with pytest.raises(ConfigError, match="--num_passes must be at least 1"):
        throughput.Timing(num_passes=0)
