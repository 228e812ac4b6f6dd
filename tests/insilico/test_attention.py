"""Recorded attention equals a naive computation, on every path of the core; gradients are right."""

import itertools

import numpy as np
import pytest
import torch
from small_twins import assert_same, grey_values, small_twin

from viv1t.analysis.rollout import RolloutTally, fold, rollout
from viv1t.errors import ConfigError
from viv1t.insilico import attention as module
from viv1t.insilico.attention import patch_geometry, sensitivity, watch_attention
from viv1t.model.cores.vivit import blocks

MOVIE = grey_values(20, 12, 16)


class Everything:
    """All weights, by axis."""

    def __init__(self):
        self.parts = {"space": [], "time": []}
        self.is_causal = {}

    def add(self, axis, weights, *, is_causal):
        self.parts[axis].append(weights)
        self.is_causal[axis] = is_causal

    def all(self, axis):
        return np.concatenate(self.parts[axis])


def naive(twin, monkeypatch):
    """Weights of every call of attention, (b, blocks, heads, n, n) by axis, of a plain core."""
    calls = []

    def spy(query, key, value, *, is_causal, is_fused):
        logits = torch.einsum("bhqd,bhkd->bhqk", query, key) / query.shape[-1] ** 0.5
        if is_causal:
            n = logits.shape[-1]
            logits = logits + torch.full((n, n), -torch.inf).triu(1)
        weights = torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True)
        calls.append(weights)
        return weights @ value

    with monkeypatch.context() as patch:
        patch.setattr(blocks, "attention", spy)
        responses = twin.predict(MOVIE, "A")
    depth = twin.model.config.core.spatial_depth
    num_frames = twin.model.num_frames_out(len(MOVIE))
    places = int(np.prod(twin.model.core.output_shape[2:]))
    space, time = (torch.stack(part, dim=1).numpy() for part in (calls[:depth], calls[depth:]))
    return responses, {
        "space": space[..., :places, :places],
        "time": time[..., :num_frames, :num_frames],
    }


FLAGS = [
    {"core_use_causal_attention": is_causal, "core_reg_tokens": registers, **more}
    for is_causal, registers in itertools.product((True, False), (0, 3))
    for more in ({}, {"core_norm_qk": True, "core_parallel_attention": False})
]


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize(
    "path", [(1, 1), (0, 1), (0, 0), (1, 0)], ids="fast{0[0]} flash{0[1]}".format
)
def test_recorded_attention_is_that_of_a_naive_computation(flags, path, monkeypatch):
    plain = small_twin(core_fast=0, core_flash_attention=0, **flags)
    expected_responses, expected = naive(plain, monkeypatch)
    fast, flash = path
    twin = small_twin(core_fast=fast, core_flash_attention=flash, **flags)
    before = twin.predict(MOVIE, "A")
    monkeypatch.setattr(module, "MAX_BYTES", 40_000)  # several parts
    seen = Everything()
    responses = watch_attention(twin, MOVIE, "A", seen)
    assert_same(responses, expected_responses)
    for axis in ("space", "time"):
        assert len(seen.parts[axis]) > 1
        assert_same(seen.all(axis), expected[axis])
    assert seen.is_causal == {"space": False, "time": flags["core_use_causal_attention"]}
    np.testing.assert_array_equal(twin.predict(MOVIE, "A"), before)  # nobody watches any more


def test_a_block_by_hand():
    """One spatial block without positions, from its weights."""
    twin = small_twin(core_pos_encoding=0, core_spatial_depth=1)
    seen = Everything()
    watch_attention(twin, MOVIE, "A", seen)
    core, mouse = twin.model.core, twin.mouse("A")
    states = [
        getattr(mouse.transforms, name)(
            torch.from_numpy(getattr(mouse.statistics, name).mean)[:, None].float()
        ).expand(1, 2, 20)
        for name in ("behavior", "pupil_center")
    ]
    video = mouse.video_in_model_units(torch.from_numpy(MOVIE)[None, None])
    with torch.no_grad():
        tokens = core.tokenizer(video, behaviors=states[0], pupil_centers=states[1])[0]
        registers = core.vivit.reg_s_tokens.expand(len(tokens), -1, -1)
        block = core.vivit.spatial_transformer.blocks[0]
        normed = block.norm(torch.cat((tokens, registers), dim=1))
        query, key = (normed @ block.fused_linear.weight[16 * k : 16 * (k + 1)].T for k in (0, 1))
        logits = [query[..., h] @ key[..., h].mT / 8**0.5 for h in (slice(0, 8), slice(8, 16))]
    weights = torch.stack(logits, dim=1).softmax(-1)[:, None, :, :48, :48]
    assert_same(seen.all("space"), weights)


def test_rollout_of_a_twin():
    twin = small_twin(core_use_causal_attention=True)
    seen, tally = Everything(), RolloutTally()
    watch_attention(twin, MOVIE, "A", seen)
    responses = watch_attention(twin, MOVIE, "A", tally)
    assert responses.shape == (6, 20)
    found = tally.results()
    naive_map = rollout(seen.all("space")).mean(axis=1) * 48
    np.testing.assert_allclose(found["spatial_attentions"], naive_map, rtol=1e-4)
    assert found["spatial_attentions"].mean() < 1.001  # registers take the rest
    assert found["temporal_attentions"].shape == (20,)
    geometry = patch_geometry(twin)
    folded = fold(found["spatial_attentions"], **geometry._asdict())
    assert folded.shape == (20, 12, 16)
    assert np.isfinite(folded).all()


@pytest.mark.parametrize("flags", [{}, {"core_pad_frame": 0}, {"core_spatial_patch_stride": 3}])
def test_patches_lie_where_the_core_cuts_them(flags):
    """A bright pixel changes the tokens of exactly the patches that cover it."""
    twin = small_twin(**flags)
    geometry = patch_geometry(twin)
    core = twin.model.core
    with torch.no_grad():
        signals = {"behaviors": torch.zeros(1, 2, 20), "pupil_centers": torch.zeros(1, 2, 20)}
        video = torch.randn(1, 1, 20, 12, 16, generator=torch.Generator().manual_seed(0))
        plain = core.tokenizer(video, **signals)[0]
        for row, column in ((0, 0), (5, 7), (11, 15), (2, 14)):
            changed = video.clone()
            changed[..., row, column] += 5
            differs = (core.tokenizer(changed, **signals)[0] - plain).abs().amax(dim=(0, 2)) > 1e-4
            covered = [
                np.nan_to_num(fold(patch, **geometry._asdict()))[row, column] > 0
                for patch in np.eye(differs.numel())
            ]
            assert covered == differs.tolist()


def test_the_gradient_is_that_of_finite_differences():
    twin = small_twin(core_use_causal_attention=True, core_emb_dim=8)
    found = sensitivity(twin, MOVIE, "A", frames=slice(5, 15), neurons=[1, 4])
    assert (found[15:] == 0).all()  # causal: what comes later does not matter
    t, y, x = np.unravel_index(found.argmax(), found.shape)

    def total(step):
        movie = MOVIE.copy()
        movie[t, y, x] += step
        return twin.predict(movie, "A")[[1, 4], 5:15].astype(float).sum()

    slope = (total(2.0) - total(-2.0)) / 4.0
    assert found[t, y, x] == pytest.approx(abs(slope), rel=0.05)


def test_a_compiled_core_is_watched_as_it_was_and_stays_compiled():
    twin, compiled, seen = small_twin(), small_twin(), [Everything(), Everything()]
    transformer = compiled.model.core.vivit.temporal_transformer
    transformer.compile(backend=lambda graph, inputs: pytest.fail("compiled code ran"))
    for one, sink in zip((twin, compiled), seen, strict=True):
        watch_attention(one, MOVIE, "A", sink)
    assert_same(seen[0].all("time"), seen[1].all("time"))
    assert transformer._compiled_call_impl is not None


def test_a_core_without_attention_says_so():
    with pytest.raises(ConfigError, match="no attention"):
        watch_attention(small_twin("linear"), MOVIE, "A", RolloutTally())


def test_observers_leave_when_a_movie_is_refused():
    twin = small_twin()

    class Fails:
        def add(self, *_, **__):
            raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        watch_attention(twin, MOVIE, "A", Fails())
    layers = module._attending(twin.model.core)
    assert [x.observer for found in layers.values() for x in found] == [None] * 4


def test_no_part_is_large(monkeypatch):
    """All weights together are many times what is handed over, and kept, at a time."""
    monkeypatch.setattr(module, "MAX_BYTES", 2**18)
    sizes = []

    class Counts:
        def add(self, axis, weights, *, is_causal):
            sizes.append(weights.nbytes)

    twin = small_twin(core_use_causal_attention=True)
    watch_attention(twin, grey_values(200, 12, 16), "A", Counts())
    at_least_one = 2 * 2 * 200**2 * 4  # a place, all blocks and heads
    assert max(sizes) <= max(2**18, at_least_one)
    assert sum(sizes) > 20 * max(sizes)
