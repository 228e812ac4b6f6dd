"""Published args.yaml files as our configuration."""

import pytest
from golden_cases import GOLDEN

from viv1t.errors import CheckpointError, ConfigError
from viv1t.model.compat import from_published
from viv1t.utils.files import read_yaml


@pytest.fixture
def args():
    return read_yaml(GOLDEN / "published_run" / "args.yaml")


def test_published_args(args):
    published = from_published(args, source="args.yaml")
    config = published.config
    assert config.core.emb_dim == 32
    assert config.core.use_causal_attention
    assert config.core.parallel_attention
    assert published.num_neurons == {"A": 8}
    assert published.shapes.video == (1, 24, 16, 24)
    assert published.shapes.max_frames == 300
    assert published.coordinates()["A"].shape == (8, 3)


def test_flags_that_old_files_lack(args):
    for name in ("core_reg_tokens", "core_use_causal_attention", "core_norm_qk"):
        del args[name]
    core = from_published(args, source="args.yaml").config.core
    assert (core.reg_tokens, core.use_causal_attention, core.norm_qk) == (0, False, False)


def test_flags_that_the_published_code_ignored(args):
    args |= {"core_parallel_attention": False, "transform_output": 2}
    args |= {"readout": "factorized", "readout_bias_mode": 2}
    config = from_published(args, source="args.yaml").config
    assert config.core.parallel_attention
    assert config.readout.bias_mode == 0
    assert config.output_mode == 4


def test_without_max_frame_the_clip_counts(args):
    args["max_frame"] = None
    assert from_published(args, source="args.yaml").shapes.max_frames == 24


@pytest.mark.parametrize("name", ["core", "readout", "input_shapes", "output_shapes"])
def test_missing_facts(args, name):
    del args[name]
    with pytest.raises(CheckpointError, match=f"runs/x/args.yaml should say `{name}`"):
        from_published(args, source="runs/x/args.yaml")


def test_video_shape_that_is_no_shape(args):
    args["input_shapes"]["video"] = [24, 16, 24]
    with pytest.raises(CheckpointError, match="should be 4 numbers"):
        from_published(args, source="args.yaml")


def test_core_that_does_not_exist(args):
    with pytest.raises(ConfigError, match="unknown core 'vivid'; did you mean 'vivit'"):
        from_published(args | {"core": "vivid"}, source="args.yaml")


def test_choice_that_does_not_exist(args):
    with pytest.raises(ConfigError, match="--core_patch_mode must be one of 0, 1, got 2"):
        from_published(args | {"core_patch_mode": 2}, source="args.yaml")
