"""The model around core and readouts: shifters, groups, penalties, freezing, precision."""

import logging

import pytest
import torch
from model_cases import SHAPES, relative_error, small_config, small_inputs, small_model

from viv1t.batch import DataShapes
from viv1t.config.schema import OptimConfig
from viv1t.errors import ConfigError
from viv1t.model.model import Model


def test_shifters_by_mode():
    assert small_model(shifter_mode=0).shifters is None
    for mode, num_inputs in ((1, 2), (2, 4)):
        model = small_model(shifter_mode=mode)
        assert list(model.shifters) == ["A", "B"]
        weights = [
            layer.weight.shape for layer in model.shifters["A"].mlp if hasattr(layer, "weight")
        ]
        assert weights == [(5, num_inputs), (5, 5), (2, 5)]


def test_shifters_need_something_to_see():
    without_pupil = DataShapes(video=(1, 20, 12, 16), num_pupils=0, max_frames=20)
    assert small_model(shapes=without_pupil, shifter_mode=1).shifters is None
    assert small_model(shapes=without_pupil, shifter_mode=2).shifters is not None
    nothing = DataShapes(video=(1, 20, 12, 16), num_pupils=0, num_behaviors=0, max_frames=20)
    model = small_model(shapes=nothing, shifter_mode=2)
    assert model.shifters is None
    inputs = small_inputs(shapes=nothing)
    assert inputs["behaviors"].shape == (2, 0, 20)
    assert model(**inputs).shape == (2, 6, 20)


@pytest.mark.parametrize("num_behaviors", [1, 3])
def test_any_number_of_behaviours(num_behaviors):
    shapes = DataShapes(video=(2, 20, 12, 16), num_behaviors=num_behaviors, max_frames=20)
    model = small_model(shapes=shapes, shifter_mode=2)
    assert model(**small_inputs(shapes=shapes)).shape == (2, 6, 20)


def test_shifts_use_the_last_frames_and_move_the_readout():
    model = small_model("fcnn")
    inputs = small_inputs()
    lost = 20 - model.num_frames_out(20)
    assert lost > 0
    with torch.no_grad():
        before = model(**inputs)
        inputs["pupil_centers"][..., :lost] += 5
        features = {"core_behavior_mode": 0}
        blind = small_model("fcnn", **features)
        assert not torch.equal(model(**inputs), before)
        first = blind(**inputs)
        inputs["pupil_centers"][..., :lost] += 5
        assert torch.equal(blind(**inputs), first)
        inputs["pupil_centers"][..., lost] += 5
        moved = blind(**inputs)
    assert torch.equal(moved[..., 1:], first[..., 1:])
    assert not torch.equal(moved[..., 0], first[..., 0])


def test_activation_can_be_left_out():
    model, inputs = small_model(output_mode=2), small_inputs()
    with torch.no_grad():
        raw = model(**inputs, activate=False)
        assert torch.allclose(model(**inputs), raw.exp())


def test_mouse_that_the_model_does_not_know():
    with pytest.raises(ValueError, match="the model has mice A, B, not 'Z'"):
        small_model()(**small_inputs() | {"mouse_id": "Z"})


@pytest.mark.parametrize("mouse_id", ["a.b", "", "keys"])
def test_impossible_mouse_ids(mouse_id):
    places = {mouse_id: torch.zeros(2, 3)}
    with pytest.raises(ConfigError, match="cannot be the id of a mouse"):
        Model(small_config(), shapes=SHAPES, coordinates=places)


@pytest.mark.parametrize("output_mode", [1, 3])
def test_param_groups(output_mode):
    model = small_model(output_mode=output_mode)
    optim = OptimConfig(lr=0.1, core_lr=0.2, weight_decay=0.3, core_weight_decay=0.4)
    groups = model.param_groups(optim)
    names = ["core", "shifters", "readouts"] + ["activation"] * (output_mode == 3)
    assert [g["name"] for g in groups] == names
    assert [(g["lr"], g["weight_decay"]) for g in groups] == [(0.2, 0.4)] + [(0.1, 0.3)] * (
        len(names) - 1
    )
    counted = sum(p.numel() for g in groups for p in g["params"])
    assert counted == sum(p.numel() for p in model.parameters())
    inherited = model.param_groups(OptimConfig(lr=0.1, weight_decay=0.3, core_weight_decay=None))
    assert (inherited[0]["lr"], inherited[0]["weight_decay"]) == (0.1, 0.3)
    assert [g["name"] for g in small_model(shifter_mode=0).param_groups(optim)] == [
        "core",
        "readouts",
    ]


def test_penalty():
    assert float(small_model().penalty("A").detach()) == 0.0
    scales = {"core_reg_scale": 0.5, "readout_reg_scale": 2.0, "shifter_reg_scale": 3.0}
    model = small_model("linear", **scales)

    def size(part):
        return sum(float(p.detach().abs().sum()) for p in part.parameters())

    rest = 2 * size(model.readouts["A"]) + 3 * size(model.shifters["A"])
    assert float(model.penalty("A").detach()) == pytest.approx(0.5 * size(model.core) + rest)
    model.penalty("A").backward()
    assert torch.equal(model.core.weight.grad, 0.5 * model.core.weight.detach().sign())
    model.freeze_core()
    assert float(model.penalty("A").detach()) == pytest.approx(rest)
    model = small_model("linear", core_reg_scale=1.0)
    model.freeze_core()
    model.penalty("A").backward()
    assert float(model.penalty("A").detach()) == 0.0


def test_frozen_core_gets_no_gradient():
    model = small_model()
    model.freeze_core()
    model(**small_inputs()).sum().backward()
    assert all(p.grad is None for p in model.core.parameters())
    assert model.readouts["A"].features.grad is not None
    assert model.is_core_frozen


def test_features_keep_the_dtype_of_the_inputs():
    model, inputs = small_model(), small_inputs()
    with torch.no_grad():
        plain = model(**inputs)
        with torch.autocast("cpu", torch.bfloat16):
            features = model.features(**inputs)
            rounded = model(**inputs)
    assert features.dtype == torch.float32
    assert 1e-6 < relative_error(rounded.float(), plain) < 0.05


def test_autocast_does_nothing_on_a_cpu():
    found = []
    for mode in ("disable", "auto", "enable"):
        model = small_model(autocast=mode)
        with torch.no_grad():
            found.append(model(**small_inputs()))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_temporal_kernel_of_the_linear_core():
    model, inputs = (
        small_model("linear", core_temporal_kernel=4, core_behavior_mode=1),
        small_inputs(),
    )
    with torch.no_grad():
        model.core.weight.normal_()
        model.core.bias.normal_()
        features = model.features(**inputs)
    maps = [inputs["inputs"]] + [
        s[:, None, :, None, None].expand(-1, -1, -1, 12, 16) for s in inputs["behaviors"].unbind(1)
    ]
    channels = torch.cat(maps, 1)
    for t, lag in ((0, 0), (2, 1), (2, 3), (19, 3)):
        seen = channels[:, 2, t - lag] if t >= lag else torch.zeros(2, 12, 16)
        index = 2 * 4 + 3 - lag
        expected = model.core.weight[index] * seen + model.core.bias[index]
        assert torch.allclose(features[:, index, t], expected)


def test_an_uncompilable_core_runs_as_it_is(caplog, monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent/compiler")
    monkeypatch.setenv("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")
    torch._dynamo.reset()
    model, inputs = small_model(core_spatial_depth=1, core_temporal_depth=0), small_inputs()
    with torch.no_grad():
        expected = model(**inputs)
        model.compile_core()
        with caplog.at_level(logging.WARNING, logger="viv1t"):
            assert torch.equal(model(**inputs), expected)
            assert torch.equal(model(**inputs), expected)
    assert [record.message[:30] for record in caplog.records] == [
        "--compile does not work here, g"[:30]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("core", ["vivit", "linear"])
@pytest.mark.filterwarnings("default")  # those of torch.compile itself
def test_compiled_core_gives_the_same(core, caplog):
    torch._dynamo.reset()
    model, inputs = small_model(core), small_inputs()
    keys = list(model.state_dict())
    loss = model(**inputs).sum()
    loss.backward()
    gradient = next(model.core.parameters()).grad.clone()
    model.zero_grad()
    model.compile_core()
    with caplog.at_level(logging.WARNING, logger="viv1t"):
        compiled = model(**inputs).sum()
        compiled.backward()
        shorter = model(**small_inputs(num_frames=11))
    assert relative_error(compiled, loss) < 1e-4
    assert relative_error(next(model.core.parameters()).grad, gradient) < 1e-3
    assert shorter.shape == (2, 6, 11)
    assert list(model.state_dict()) == keys
    assert not caplog.records
