"""Evaluation during training, and a whole small training, against the golden toy model."""

import logging
import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from golden_cases import arrays, facts
from torch import nn
from torch.nn.functional import softplus

from viv1t import metrics
from viv1t.batch import Batch
from viv1t.config.schema import DataConfig, OptimConfig
from viv1t.criterions import build_criterion
from viv1t.data.loaders import build_loaders
from viv1t.optimizer import AutoClip, averaged, build_optimizer
from viv1t.results.tables import AVERAGE, read_table, scores_table, with_average, write_table
from viv1t.training.epoch import Step, train_epoch
from viv1t.training.evaluate import EVALUATED, evaluate, predict_tier, score

CPU = torch.device("cpu")
FACTS = facts("training")
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


class Toy(nn.Module):
    """softplus(W behaviour + b) per mouse, without the first `drop` frames."""

    def __init__(self, drop=FACTS["drop"]):
        super().__init__()
        self.drop = drop
        stored = {k: torch.from_numpy(v) for k, v in arrays("training").items()}
        self.W, self.b = (
            nn.ParameterDict({m: nn.Parameter(stored[f"init/{kind}/{m}"].clone()) for m in "AB"})
            for kind in "Wb"
        )

    def forward(self, inputs, *, mouse_id, behaviors, pupil_centers):
        y = self.W[mouse_id] @ behaviors + self.b[mouse_id][:, None]
        return softplus(y)[..., self.drop :]


def batch_of(mouse_id, behavior, response, video_id=0, trial_id=100):
    behavior, response = torch.as_tensor(behavior), torch.as_tensor(response)
    ids = torch.full((len(response),), video_id)
    return Batch(
        mouse_id=mouse_id,
        video=torch.zeros(len(response), 1, response.shape[-1], 1, 1),
        response=response,
        behavior=behavior,
        pupil_center=torch.zeros(len(response), 0, response.shape[-1]),
        trial_ids=torch.full_like(ids, trial_id),
        video_ids=ids,
        stimulus_ids=ids * 0,
    )


@dataclass
class FakeLoaders:
    """The part of `viv1t.data.loaders.Loaders` that evaluation sees."""

    trials: dict  # {mouse: {tier: [Batch]}}
    skip_frames: int = 50

    @property
    def mouse_ids(self):
        return tuple(self.trials)

    @property
    def facts(self):
        return {m: SimpleNamespace(skip_frames=self.skip_frames) for m in self.trials}

    def tiers(self, mouse_id):
        return tuple(self.trials[mouse_id])

    def evaluation(self, tier, mouse_id):
        return iter(self.trials[mouse_id][tier])


@pytest.fixture
def golden_loaders():
    stored = arrays("training")
    return FakeLoaders(
        {
            mouse_id: {
                "validation": [
                    batch_of(
                        mouse_id,
                        *(stored[f"evaluate/{mouse_id}/{i}/{s}"] for s in SIGNALS),
                        video_id=video,
                        trial_id=100 + i,
                    )
                    for i, video in enumerate(FACTS["evaluate"]["video_ids"])
                ]
            }
            for mouse_id in "AB"
        }
    )


SIGNALS = ("behavior", "response")


def test_scores_are_the_published_ones(golden_loaders):
    scores = evaluate(Toy(), golden_loaders, ("validation", "live_main"), CPU)
    assert scores.keys() == {"validation"}, "a tier that no mouse has is left out"
    published = FACTS["evaluate"]["result"]
    assert tuple(scores["validation"]) == EVALUATED
    for metric, values in published.items():
        assert scores["validation"][metric] == pytest.approx(values, rel=2e-3, abs=2e-5)


def test_scores_are_plain_enough_for_yaml_and_parquet(golden_loaders, tmp_path):
    scores = evaluate(Toy(), golden_loaders, ("validation",), CPU)
    assert yaml.safe_load(yaml.safe_dump(scores)) == scores
    path = tmp_path / "evaluation.parquet"
    write_table(path, scores_table(scores))
    table = read_table(path, command="python train.py")
    assert list(table) == ["mouse", "tier", "metric", "value"]
    assert len(table) == 2 * len(EVALUATED)
    (value,) = table.query("mouse == 'B' and metric == 'correlation'")["value"]
    assert value == scores["validation"]["correlation"]["B"]


def test_truth_and_prediction_are_aligned_at_their_end(golden_loaders):
    stored = arrays("training")
    result = predict_tier(Toy(), golden_loaders, "validation", "A", CPU)
    for i, (true, pred) in enumerate(zip(result.y_true, result.y_pred, strict=True)):
        response = torch.from_numpy(stored[f"evaluate/A/{i}/response"])[0]
        assert torch.equal(true, response[:, 50:])
        assert pred.shape == true.shape
    late = predict_tier(Toy(drop=60), golden_loaders, "validation", "A", CPU)
    assert [y.shape[-1] for y in late.y_true] == [10, 10, 4, 4, 30], "only what the model gives"
    for short, whole in zip(late.y_pred, result.y_pred, strict=True):
        torch.testing.assert_close(short, whole[:, -short.shape[-1] :])


def test_ids_of_trials_come_along(golden_loaders):
    result = predict_tier(Toy(), golden_loaders, "validation", "B", CPU)
    assert result.video_ids.tolist() == FACTS["evaluate"]["video_ids"]
    assert result.trial_ids.tolist() == [100, 101, 102, 103, 104]
    assert result.stimulus_ids.tolist() == [0] * 5
    assert score(result).keys() == metrics.NEURON_METRICS.keys()


def test_trials_come_in_order_however_they_were_read(golden_loaders):
    in_order = predict_tier(Toy(), golden_loaders, "validation", "A", CPU)
    golden_loaders.trials["A"]["validation"].reverse()
    result = predict_tier(Toy(), golden_loaders, "validation", "A", CPU)
    assert torch.equal(result.trial_ids, in_order.trial_ids)
    assert torch.equal(result.video_ids, in_order.video_ids)
    assert all(map(torch.equal, result.y_pred, in_order.y_pred))
    assert all(map(torch.equal, result.y_true, in_order.y_true))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_keeps_its_mode_and_no_graph(golden_loaders, training):
    model = Toy().train(training)
    result = predict_tier(model, golden_loaders, "validation", "A", CPU)
    assert model.training is training
    assert not any(pred.requires_grad for pred in result.y_pred)


def test_mice_without_the_tier_and_undefined_values_stay_out_of_the_average(golden_loaders, caplog):
    unique = golden_loaders.trials["B"]["validation"][1:3]
    golden_loaders.trials["B"] = {"live_main": unique}
    golden_loaders.trials["A"]["live_main"] = golden_loaders.trials["A"]["validation"]
    with caplog.at_level(logging.INFO, logger="viv1t"):
        scores = evaluate(Toy(), golden_loaders, ("validation", "live_main"), CPU)
    assert set(scores["validation"]["correlation"]) == {"A", AVERAGE}
    live = scores["live_main"]["normalized_correlation"]
    assert math.isnan(live["B"])
    assert live[AVERAGE] == live["A"]
    assert [r.getMessage() for r in caplog.records] == [
        "live_main: undefined and left out of averages: mouse B: normalized_correlation"
    ]


def test_the_average_of_undefined_values_is_undefined(recwarn):
    scores = with_average("x", {"A": {"correlation": math.nan}})
    assert math.isnan(scores["correlation"][AVERAGE])
    assert not recwarn.list


def test_the_real_loaders_fit(random_data, tmp_path):
    """Recorded files in, scores of a constant prediction out."""

    class Constant(nn.Module):
        def forward(self, inputs, *, mouse_id, behaviors, pupil_centers):
            return inputs.new_ones(len(inputs), {"R1": 6, "R2": 7}[mouse_id], inputs.shape[2])

    loaders = build_loaders(DataConfig(data_dir=random_data), seed=1)
    scores = evaluate(Constant(), loaders, ("validation", "live_main", "final_main"), CPU)
    assert scores.keys() == {"validation", "live_main"}
    assert scores["live_main"]["correlation"]["R2"] == pytest.approx(0.0, abs=1e-5)


# ---- the golden training


def golden_groups(model, args):
    own = {"lr": args["lr"], "weight_decay": args["weight_decay"]}
    return [
        {"name": "core", "params": model.W.values(), "lr": 0.02, "weight_decay": 0.3},
        {"name": "readouts", "params": model.b.values(), **own},
    ]


def golden_config(args, schedule_free):
    names = ("lr", "weight_decay", "adam_beta1", "adam_beta2", "adam_eps")
    if schedule_free:
        names += ("adam_warmup_steps", "adam_r", "adam_weight_lr_power")
    return OptimConfig(schedule_free=schedule_free, **{name: args[name] for name in names})


@pytest.mark.parametrize("run", sorted(FACTS["runs"]))
def test_a_small_training_is_the_published_one(run):
    """Loss, correlation, gradient norms and final weights of `train_epoch`."""
    golden = FACTS["runs"][run]
    optimizer_name, size = run.split("/")
    model = Toy()
    config = golden_config(golden["args"], optimizer_name == "schedule_free")
    step = Step(
        model=model,
        optimizer=build_optimizer(golden_groups(model, golden["args"]), config),
        clip=AutoClip(FACTS["clip_grad"]),
        criterion=build_criterion(
            FACTS["criterion"], ds_scale=FACTS["ds_scale"], train_sizes=FACTS["ds_sizes"]
        ),
        micro_batch_size=int(size.removeprefix("mbs")),
        batch_size=FACTS["batch_size"],
        penalised=False,
        device=CPU,
    )
    batches = [
        batch_of(mouse_id, *(arrays("training")[f"batch/{i}/{s}"] for s in SIGNALS))
        for i, mouse_id in enumerate(FACTS["order"])
    ]
    for epoch in range(golden["epochs_over_batches"]):
        found = train_epoch(step, batches, num_mice=2, num_batches=len(batches), bar=False)
        log = golden["log"][epoch * len(batches) : (epoch + 1) * len(batches)]
        norms = [row["grad_norm"] for row in log if "grad_norm" in row]
        # Published: summed over trials and frames, divided by mice x batch size.
        frames = batches[0].response.shape[-1] - FACTS["drop"]
        units = [FACTS["total_batch_size"] / (len(b) * frames) for b in batches]
        losses = [row["loss/loss"] * unit for row, unit in zip(log, units, strict=True)]
        correlations = [row["metrics/correlation"] for row in log]
        assert found.loss == pytest.approx(np.mean(losses), rel=2e-4)
        assert found.correlation == pytest.approx(np.mean(correlations), rel=2e-4, abs=2e-5)
        assert found.grad_norm == pytest.approx(np.mean(norms), rel=2e-4)
        assert (found.steps, found.skipped, found.diverged) == (2, 0, False)
    with averaged(step.optimizer):
        for kind in "Wb":
            for mouse_id in "AB":
                expected = arrays("training")[f"final/{run}/{kind}/{mouse_id}"]
                trained = getattr(model, kind)[mouse_id].detach()
                np.testing.assert_allclose(trained, expected, **CLOSE)


def test_a_validation_step_is_the_published_one():
    stored = arrays("training")
    batch = batch_of("A", *(stored[f"batch/0/{s}"] for s in SIGNALS))
    result = predict_tier(Toy(), FakeLoaders({"A": {"train": [batch]}}), "train", "A", CPU)
    y_true, y_pred = torch.stack(result.y_true), torch.stack(result.y_pred)
    np.testing.assert_allclose(y_true, stored["validation_step/y_true"], **CLOSE)
    np.testing.assert_allclose(y_pred, stored["validation_step/y_pred"], **CLOSE)
    criterion = build_criterion("poisson", ds_scale=1, train_sizes=FACTS["ds_sizes"])
    np.testing.assert_allclose(
        criterion(y_true, y_pred, "A"), stored["validation_step/loss"], **CLOSE
    )
