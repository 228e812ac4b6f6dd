"""Frame by frame equals the whole movie."""

import dataclasses

import numpy as np
import pytest
import torch
from small_twins import CAUSAL, assert_same, grey_values, small_twin

from viv1t.errors import ConfigError, DataError

MOVIE = grey_values(20, 12, 16)
SIGNALS = {
    name: np.random.default_rng(seed).uniform(0, 3, (2, 20))
    for seed, name in enumerate(("behavior", "pupil_center"))
}


@pytest.mark.parametrize(
    ("core", "flags"),
    [
        ("vivit", CAUSAL),
        ("vivit", CAUSAL | {"core_parallel_attention": False, "core_norm_qk": True}),
        ("vivit", CAUSAL | {"core_pad_frame": 0}),
        *(("vivit", CAUSAL | {"core_pos_encoding": mode}) for mode in (0, 1, 2, 3, 4, 6, 7)),
        ("vivit", {"core_temporal_depth": 0, "core_behavior_mode": 0}),
        ("fcnn", {}),
        ("linear", {"core_temporal_kernel": 5}),
    ],
    ids=str,
)
@pytest.mark.parametrize("units", ["recorded", "model"])
def test_every_step_equals_the_whole_movie(core, flags, units):
    twin = small_twin(core, **flags)
    expected = twin.predict(MOVIE, "A", units=units, **SIGNALS)
    stream = twin.stream("A", units=units)
    for _ in range(2):
        found = [
            stream.step(frame, SIGNALS["behavior"][:, t], SIGNALS["pupil_center"][:, t])
            for t, frame in enumerate(MOVIE)
        ]
        num_silent = 20 - expected.shape[1]
        assert all(x is None for x in found[:num_silent])
        assert found[-1].shape == (6,)
        assert_same(np.stack(found[num_silent:], axis=1), expected)
        stream.reset()


def test_every_step_equals_a_prediction_of_the_movie_so_far():
    twin = small_twin(**CAUSAL)
    stream = twin.stream("A")
    for t, frame in enumerate(MOVIE[:8]):
        assert_same(stream.step(frame), twin.predict(MOVIE[: t + 1], "A")[:, -1])
    assert stream.num_frames == 8


def test_movies_longer_than_those_of_the_training():
    twin = small_twin(**CAUSAL)
    movie = grey_values(33, 12, 16)
    stream = twin.stream("A", max_frames=33)
    found = np.stack([stream.step(frame) for frame in movie], axis=1)
    assert_same(found, twin.predict(movie, "A"))


def test_behaviour_of_the_stream_serves_steps_without():
    twin = small_twin(**CAUSAL)
    still = {name: values[:, 0] for name, values in SIGNALS.items()}
    constant = {name: np.repeat(values[:, :1], 20, axis=1) for name, values in SIGNALS.items()}
    for given, same in ((still, constant), (SIGNALS, SIGNALS), ({}, {})):
        stream = twin.stream("A", **given)
        found = np.stack([stream.step(frame) for frame in MOVIE], axis=1)
        assert_same(found, twin.predict(MOVIE, "A", **same))


def test_bfloat16():
    exact, rounded = small_twin(**CAUSAL), small_twin(**CAUSAL, precision="bf16")
    expected = exact.predict(MOVIE, "A", units="model")
    stream = rounded.stream("A", units="model")
    found = np.stack([stream.step(frame) for frame in MOVIE], axis=1)
    error = np.abs(found - expected).max()
    assert 0 < error < 2 * np.abs(rounded.predict(MOVIE, "A", units="model") - expected).max()
    assert stream.num_bytes < 0.6 * exact.stream("A").num_bytes


def held_bytes(held):
    """Bytes of all tensors in the attributes of an object, the model left out."""
    if isinstance(held, torch.Tensor):
        return held.nbytes
    if isinstance(held, list | tuple):
        return sum(map(held_bytes, held))
    if dataclasses.is_dataclass(held):
        return held_bytes(list(vars(held).values()))
    return 0


@pytest.mark.parametrize(("core", "flags"), [("vivit", CAUSAL), ("fcnn", {})])
def test_memory_is_what_it_says(core, flags):
    stream = small_twin(core, **flags).stream("A", max_frames=20)
    for frame in MOVIE:
        stream.step(frame)
        held = held_bytes(list(vars(stream._stepper).values()))
        assert held <= stream.num_bytes
    assert held == stream.num_bytes


def test_room_for_so_many_frames():
    stream = small_twin(**CAUSAL).stream("A", max_frames=2)
    for frame in MOVIE[:2]:
        stream.step(frame)
    with pytest.raises(ConfigError, match=r"taken 2 frames.*stream.reset\(\).*max_frames="):
        stream.step(MOVIE[2])
    stream.reset()
    assert stream.step(MOVIE[2]).shape == (6,)


def test_refuses_models_that_look_ahead():
    with pytest.raises(ConfigError, match=r"needs a causal model.*--core_use_causal_attention"):
        small_twin().stream("A")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": np.zeros((12, 15))}, r"\(1, 12, 16\) pixels, the video has \(1, 12, 15\)"),
        ({"frame": np.full((12, 16), np.nan)}, "frame holds NaN"),
        ({"behavior": np.zeros(3)}, r"behavior must have shape \(2,\).*got \(3,\)"),
        ({"pupil_center": [0, np.inf]}, "pupil_center holds NaN or infinity"),
    ],
)
def test_bad_steps_are_refused_and_forgotten(change, message):
    twin = small_twin(**CAUSAL)
    stream = twin.stream("A")
    with pytest.raises(DataError, match=message):
        stream.step(**({"frame": MOVIE[0]} | change))
    assert_same(stream.step(MOVIE[0]), twin.predict(MOVIE[:1], "A")[:, 0])


def test_bad_streams_are_refused():
    twin = small_twin(**CAUSAL)
    with pytest.raises(ConfigError, match="unknown mouse 'C'"):
        twin.stream("C")
    with pytest.raises(ConfigError, match="max_frames must be at least 1, got 0"):
        twin.stream("A", max_frames=0)
    stream = twin.stream("A", behavior=np.zeros((2, 1)))
    stream.step(MOVIE[0])
    with pytest.raises(ConfigError, match="behavior of 1 frames, this is frame 1"):
        stream.step(MOVIE[1])
