"""Parts of responses by the engine, against whole predictions of the plain path."""

import logging
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_cases import relative_error, small_inputs
from small_twins import CAUSAL, assert_same, enlarged

from viv1t.insilico.engine import Engine
from viv1t.insilico.pieces import Clips

GREY = 10
LATE = slice(12, 16)


def grey_then_noise(**options):
    """Movies that are grey for a while, then noise; behaviour is constant."""
    inputs = small_inputs(**options)
    inputs["inputs"][:, :, :GREY] = 0.3
    for name in ("behaviors", "pupil_centers"):
        inputs[name] = inputs[name][:1, :, :1].expand_as(inputs[name]).clone()
    return Clips(
        mouse_id="A",
        video=inputs["inputs"],
        behaviors=inputs["behaviors"],
        pupil_centers=inputs["pupil_centers"],
    )


def whole(model, clips):
    return model(
        clips.video,
        mouse_id=clips.mouse_id,
        behaviors=clips.behaviors,
        pupil_centers=clips.pupil_centers,
    )


def expected_of(model, clips, frames, neurons=slice(None)):
    with torch.no_grad():
        return whole(model, clips)[:, neurons, frames.start - 20 : frames.stop - 20 or None]


def engine_of(model):
    return Engine(model, autocast=nullcontext)


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"core_parallel_attention": False, "core_norm_qk": True},
        {"core_pad_frame": 0, "core_pos_encoding": 7},
        *({"core_pos_encoding": mode} for mode in (0, 1, 2, 3, 4, 6)),
        {"core_ff_activation": "swiglu", "core_norm": "rmsnorm", "core_flash_attention": 0},
        {"core_fast": 0, "core_reg_tokens": 0},
        {"core_behavior_mode": 0, "shifter_mode": 0},
        {"core_temporal_depth": 0, "core_spatial_depth": 0},
        {"core_activation": "elu"},
    ],
    ids=str,
)
@pytest.mark.parametrize("frames", [LATE, slice(6, 20), slice(19, 20)], ids=str)
def test_frames_equal_those_of_the_whole(flags, frames):
    model, clips = enlarged(**CAUSAL, **flags), grey_then_noise()
    expected = expected_of(model, clips, frames)
    engine = engine_of(model)
    assert engine.pieces is not None
    assert expected.std() > 0.01
    assert_same(engine.responses(clips, frames=frames), expected)
    assert_same(engine.responses(clips, frames=frames), expected)


@pytest.mark.parametrize("readout", ["gaussian", "factorized", "linear"])
@pytest.mark.parametrize("shifter_mode", [0, 2])
def test_some_neurons(readout, shifter_mode):
    model = enlarged(readout=readout, shifter_mode=shifter_mode, **CAUSAL)
    inputs = small_inputs()
    clips = replace(
        grey_then_noise(), behaviors=inputs["behaviors"], pupil_centers=inputs["pupil_centers"]
    )
    neurons = np.array([4, 1])
    found = engine_of(model).responses(clips, frames=LATE, neurons=neurons)
    assert_same(found, expected_of(model, clips, LATE, neurons))


def test_one_neuron_costs_only_the_places_that_it_reads():
    model, clips = enlarged(shifter_mode=0, **CAUSAL), grey_then_noise()
    all_places, one = engine_of(model), engine_of(model)
    all_places.responses(clips, frames=LATE)
    one.responses(clips, frames=LATE, neurons=np.array([3]))
    num_places = all_places.pieces.core.num_places
    assert 0 < one.pieces.pasts.num_bytes <= 4 / num_places * all_places.pieces.pasts.num_bytes


def test_a_neuron_that_looks_beyond_the_frame_answers():
    model, clips = enlarged(shifter_mode=0, readout_grid_mode=0, **CAUSAL), grey_then_noise()
    model.eval()
    with torch.no_grad():
        model.readout("A")._mu.fill_(1.0)
    found = engine_of(model).responses(clips, frames=LATE, neurons=np.array([0]))
    assert_same(found, expected_of(model, clips, LATE, [0]))


def count_windows(engine, monkeypatch):
    """A list that grows by the number of windows of each call of the spatial stage."""
    counts = []
    spatial = engine.pieces.core.spatial

    def counted(video, *rest):
        counts.append(len(video))
        return spatial(video, *rest)

    monkeypatch.setattr(engine.pieces.core, "spatial", counted)
    return counts


def test_each_different_window_is_computed_once(monkeypatch):
    model, clips = enlarged(**CAUSAL), grey_then_noise()
    clips.video[1] = clips.video[0]
    clips.video[1, :, -4:] += 1
    clips.video[:, :, 14:16] = clips.video[:, :, 12:14]
    engine = engine_of(model)
    counts = count_windows(engine, monkeypatch)
    found = engine.responses(clips, frames=slice(12, 20))
    # Grey with 2, 1, 0 zeros; 10 frames of the first movie and 4 others of the second.
    assert sum(counts) == 3 + 10 + 4
    assert_same(found, expected_of(model, clips, slice(12, 20)))
    engine.responses(clips, frames=slice(12, 20))
    assert sum(counts) == 17


def test_the_grey_start_is_computed_once_and_serves_shorter_and_other_movies(monkeypatch):
    model = enlarged(**CAUSAL)
    engine = engine_of(model)
    engine.responses(grey_then_noise(), frames=slice(10, 12))
    size = engine.pieces.pasts.num_bytes
    keys_and_values, blocks, places, inner = 2, 2, 6 * 8, 2 * 8
    assert size == keys_and_values * blocks * places * inner * 10 * 4
    monkeypatch.setattr(engine.pieces, "_remember", pytest.fail)
    for seed, frames in ((1, slice(10, 20)), (2, slice(8, 9))):
        clips = grey_then_noise(seed=seed)
        clips.behaviors[:] = grey_then_noise().behaviors
        clips.pupil_centers[:] = grey_then_noise().pupil_centers
        assert_same(engine.responses(clips, frames=frames), expected_of(model, clips, frames))
    assert engine.pieces.pasts.num_bytes == size


def test_other_behaviour_is_another_start():
    model, clips = enlarged(**CAUSAL), grey_then_noise()
    moved = replace(clips, behaviors=clips.behaviors + 1)
    engine = engine_of(model)
    for movies in (clips, moved, clips):
        assert_same(engine.responses(movies, frames=LATE), expected_of(model, movies, LATE))
    assert not torch.allclose(
        engine.responses(clips, frames=LATE), engine.responses(moved, frames=LATE)
    )


@pytest.mark.parametrize(("windows", "pasts"), [(0, 0), (10_000, 60_000), (10**6, 10**6)])
def test_little_memory_changes_nothing(windows, pasts, monkeypatch, caplog):
    monkeypatch.setattr("viv1t.insilico.pieces.GROUP_PLACES", 10)
    model, clips = enlarged(**CAUSAL), grey_then_noise(num_batch=3)
    engine = engine_of(model)
    engine.pieces.windows.max_bytes, engine.pieces.pasts.max_bytes = windows, pasts
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            found = engine.responses(clips, frames=LATE)
            assert_same(found, expected_of(model, clips, LATE))
            assert engine.pieces.windows.num_bytes <= windows
            assert engine.pieces.pasts.num_bytes <= pasts
    assert caplog.text.count("computed anew for each batch") == (pasts < 10**5)


def test_new_weights_are_noticed():
    model, clips = enlarged(**CAUSAL), grey_then_noise()
    engine = engine_of(model)
    before = engine.responses(clips, frames=LATE)
    with torch.no_grad():
        model.core.vivit.spatial_transformer.blocks[0].norm.weight.mul_(1.5)
    after = engine.responses(clips, frames=LATE)
    assert_same(after, expected_of(model, clips, LATE))
    assert not torch.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize(
    ("core", "flags", "num_frames_lost"),
    [("vivit", {}, 0), ("fcnn", {}, 7), ("linear", {"core_temporal_kernel": 3}, 0)],
)
def test_other_models_compute_whole_movies_and_say_so_once(core, flags, num_frames_lost, caplog):
    model, clips = enlarged(core, **flags), grey_then_noise()
    engine = engine_of(model)
    assert engine.pieces is None
    assert engine.num_frames_lost == num_frames_lost
    neurons = np.array([5, 0])
    with caplog.at_level(logging.INFO):
        for frames in (LATE, slice(8, 20)):
            found = engine.responses(clips, frames=frames, neurons=neurons)
            assert_same(found, expected_of(model, clips, frames, neurons))
    assert caplog.text.count("predicting whole movies") == 1


@pytest.mark.parametrize(
    ("core", "flags", "start"),
    [
        ("vivit", CAUSAL, 10),
        ("vivit", CAUSAL, 1),
        ("vivit", CAUSAL, 0),
        ("vivit", CAUSAL | {"core_pad_frame": 0}, 2),
        ("vivit", CAUSAL | {"core_fast": 0, "core_pos_encoding": 2}, 10),
        ("vivit", {}, 10),
        ("fcnn", {}, 10),
    ],
)
@pytest.mark.parametrize("neurons", [None, np.array([2])], ids=["all", "one"])
def test_gradients_to_the_movie(core, flags, start, neurons):
    model, clips = enlarged(core, **flags), grey_then_noise()
    clips.video[:, :, :start] = 0.3
    lead = replace(
        clips,
        video=clips.video[:1],
        behaviors=clips.behaviors[:1],
        pupil_centers=clips.pupil_centers[:1],
    )
    lead, after = lead.frames(slice(0, start)), clips.frames(slice(start, None))
    found = engine_of(model)
    movie = after.video.clone().requires_grad_()
    responses = found.respond(lead, replace(after, video=movie), neurons=neurons)
    (gradient,) = torch.autograd.grad(responses.square().sum(), movie)
    same = clips.video.clone().requires_grad_()
    chosen = slice(None) if neurons is None else neurons
    expected = whole(model, replace(clips, video=same))[:, chosen, start - 20 :]
    (expected_gradient,) = torch.autograd.grad(expected.square().sum(), same)
    assert_same(responses, expected)
    assert relative_error(gradient, expected_gradient[:, :, start:]) < 1e-3
    assert expected_gradient.abs().max() > 1e-3
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
