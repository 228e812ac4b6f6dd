"""What holds for every registered core with every registered readout."""

import pytest
import torch
from model_cases import NUM_NEURONS, SHAPES, small_config, small_inputs, small_model

from viv1t.config.schema import CoreConfig, ReadoutConfig
from viv1t.errors import ConfigError
from viv1t.model.cores import CORES
from viv1t.model.readouts import READOUTS
from viv1t.registry import Registry

PAIRS = [(core, readout) for core in CORES.names() for readout in READOUTS.names()]
VIVIT_FLAGS = [
    *({"core_pos_encoding": mode} for mode in range(8)),
    {"core_patch_mode": 1},
    {"core_pad_frame": 0},
    {"core_reg_tokens": 0},
    {"core_use_causal_attention": True},
    {"core_parallel_attention": False, "core_norm_qk": True, "core_ff_activation": "swiglu"},
    {"core_flash_attention": 0, "core_norm": "rmsnorm", "core_activation": "tanh"},
    {"core_norm": "dyt", "core_norm_qk": True, "core_behavior_mode": 0},
    {"shifter_mode": 2, "output_mode": 3, "readout_grid_mode": 2, "core_behavior_mode": 1},
    {"shifter_mode": 0, "output_mode": 4, "readout_grid_mode": 0, "readout_bias_mode": 1},
    {"output_mode": 2, "shifter_layers": 1},
]


def loss_of(model, inputs):
    """A loss that moves every response."""
    torch.manual_seed(3)
    responses = model(**inputs)
    return (responses * torch.linspace(-1, 1, responses.numel()).view_as(responses)).sum()


def without_gradient(model, *, core, readout, training=True):
    """Names of parameters that are known to get no gradient, or one of zero.

    * anything behind a random core or readout, and the core's own dummy parameter;
    * shifters, unless the readout is Gaussian;
    * temporal register tokens under causal attention, which no frame sees;
    * sigma in eval mode, when nothing is drawn;
    * the bias of the last convolution before a batch norm is taken away by it in training.
    """
    names = [name for name, _ in model.named_parameters()]
    dead = {name for name in names if name.startswith(("shifters.B", "readouts.B"))}
    if readout == "random":
        return set(names)
    if core == "random":
        dead |= {name for name in names if name.startswith("core.")}
    if readout != "gaussian":
        dead |= {name for name in names if name.startswith("shifters.")}
    elif not training:
        dead.add("readouts.A.sigma")
    if model.core.causal:
        dead.add("core.vivit.reg_t_tokens")
    return dead | {"output_activation.B.log_beta"}


@pytest.mark.parametrize(("core", "readout"), PAIRS)
@pytest.mark.parametrize("training", [True, False])
def test_every_pair(core, readout, training):
    model = small_model(core, readout).train(training)
    inputs = small_inputs(num_frames=18)
    loss = loss_of(model, inputs)
    assert torch.isfinite(loss)
    loss.backward()
    dead = without_gradient(model, core=core, readout=readout, training=training)
    for name, parameter in model.named_parameters():
        alive = parameter.grad is not None and bool((parameter.grad != 0).any())
        assert alive == (name not in dead) or conv_bias_under_norm(name, core, training), name
    for mouse_id, num_neurons in NUM_NEURONS.items():
        shape = (2, num_neurons, model.num_frames_out(18))
        with torch.no_grad():
            assert model(**inputs | {"mouse_id": mouse_id}).shape == shape


def conv_bias_under_norm(name, core, training):
    """A batch norm takes away the bias before it: its gradient is rounding noise or zero."""
    return core == "fcnn" and training and name.endswith("bias") and "conv_" in name


@pytest.mark.parametrize("core", CORES.names())
def test_core_keeps_its_promises(core):
    model = small_model(core)
    inputs = small_inputs(num_frames=SHAPES.max_frames)
    with torch.no_grad():
        features = model.features(**inputs)
    assert features.shape[1:] == model.core.output_shape
    height, width = features.shape[3:]
    assert model.core.token_centres_px().shape == (height, width, 2)


@pytest.mark.parametrize("flags", VIVIT_FLAGS, ids=str)
def test_every_vivit_flag(flags):
    model = small_model(**flags)
    inputs = small_inputs()
    loss = loss_of(model, inputs)
    loss.backward()
    dead = without_gradient(model, core="vivit", readout="gaussian", training=False)
    for name, parameter in model.named_parameters():
        alive = parameter.grad is not None and bool((parameter.grad != 0).any())
        assert alive == (name not in dead), name
    assert torch.isfinite(loss_of(model.train(), inputs))
    assert model(**inputs).shape[2] == model.num_frames_out(20)


@pytest.mark.parametrize("is_parallel", [True, False])
def test_checkpointing_changes_nothing(is_parallel):
    flags = {"core_parallel_attention": is_parallel}
    results = []
    for checkpointing in (0, 1):
        model = small_model(**flags, grad_checkpointing=checkpointing).train()
        loss = loss_of(model, small_inputs())
        loss.backward()
        results.append((loss.detach(), model.core.tokenizer.tokenizer.linear.weight.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.allclose(results[0][1], results[1][1], rtol=1e-4)


def test_training_draws_and_eval_does_not():
    model, inputs = small_model(), small_inputs()
    with torch.no_grad():
        assert torch.equal(model(**inputs), model(**inputs))
        model.train()
        assert not torch.equal(model(**inputs), model(**inputs))


@pytest.mark.parametrize("registry", [CORES, READOUTS])
def test_registries_list_and_suggest(registry: Registry):
    for name in registry.names():
        config = registry.config_type(name)()
        assert registry.name_of(config) == name
        assert isinstance(config, CoreConfig | ReadoutConfig)
    with pytest.raises(ConfigError, match=r"did you mean 'linear'\?.*known: "):
        registry.config_type("liner")


@pytest.mark.parametrize(
    ("core", "lr", "core_lr"),
    [
        ("vivit", 0.0073, 0.0126),
        ("fcnn", 0.005, None),
        ("linear", 0.005, None),
        ("random", 0.001, None),
    ],
)
def test_optimiser_defaults(core, lr, core_lr):
    defaults = CORES.config_type(core).optim_defaults
    assert (defaults["lr"], defaults["core_lr"]) == (lr, core_lr)


@pytest.mark.parametrize(
    ("core", "flags", "message"),
    [
        ("vivit", {"core_num_heads": 0}, "--core_num_heads must be at least 1, got 0"),
        ("vivit", {"core_reg_tokens": -1}, "--core_reg_tokens must not be negative"),
        ("vivit", {"core_drop_path": 1.0}, r"--core_drop_path must be in \[0, 1\), got 1.0"),
        ("vivit", {"core_head_dim": 5}, "--core_head_dim must be even for rotary"),
        ("vivit", {"core_emb_dim": 18, "core_pos_encoding": 7}, "must be a multiple of 4"),
        ("vivit", {"core_emb_dim": 5, "core_pos_encoding": 4}, "must be a multiple of 2"),
        ("vivit", {"core_patch_contrast": 0.0}, "--core_patch_contrast must be above 0"),
        (
            "vivit",
            {"core_patch_contrast": 1.0, "core_norm": "dyt"},
            "layernorm or rmsnorm, got 1.0",
        ),
        ("fcnn", {"core_num_layers": 0}, "--core_num_layers must be at least 1"),
        ("fcnn", {"core_dropout": 1.5}, "--core_dropout must be in"),
        ("linear", {"core_temporal_kernel": 0}, "--core_temporal_kernel must be at least 1"),
    ],
)
def test_impossible_flags_are_refused(core, flags, message):
    with pytest.raises(ConfigError, match=message):
        small_config(core, **flags)


@pytest.mark.parametrize(
    ("core", "flags", "message"),
    [
        ("vivit", {"core_pad_frame": 0, "core_spatial_patch_size": 13}, "do not fit into movies"),
        ("fcnn", {"core_temporal_hidden_kernel": 20}, "need more than 41 frames"),
    ],
)
def test_flags_that_do_not_fit_the_data_are_refused(core, flags, message):
    with pytest.raises(ConfigError, match=message):
        small_model(core, **flags)
