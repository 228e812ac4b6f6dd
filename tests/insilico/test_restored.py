"""--evaluate: the validation correlation here, beside the one that training recorded."""

import logging

import pytest
import yaml

import viv1t
from viv1t.config.scripts import PROBE_FLAGS, script_parser
from viv1t.errors import CheckpointError, ConfigError, MissingResultError, UserError
from viv1t.insilico.responders import open_probe
from viv1t.insilico.restored import check_restored, validation_correlation
from viv1t.results.run import RunDir


def flags(run, data_dir, *more):
    given = ("--output_dir", run, "--data_dir", data_dir, "--device", "cpu", *more)
    return script_parser("x", *PROBE_FLAGS).parse_args([str(value) for value in given])


def probe_of(*given):
    return open_probe(flags(*given))


def recorded(run, **values):
    """What the run recorded of its best weights, or now records."""
    path = RunDir.open(run).best_info
    info = yaml.safe_load(path.read_text()) | values
    path.write_text(yaml.safe_dump({k: v for k, v in info.items() if v is not None}))
    return info["best_corr"]


def test_as_training_computed_it(trained_run, twin, random_data):
    expected = yaml.safe_load((trained_run / "evaluation.yaml").read_text())
    found = validation_correlation(twin, random_data, batch_size=3)
    assert found == pytest.approx(expected["validation"]["correlation"]["average"], abs=1e-5)


def test_a_line_says_both(trained_run, random_data, caplog):
    with caplog.at_level(logging.INFO, logger="viv1t"):
        probe_of(trained_run, random_data, "--evaluate", "--mouse_ids", "R2", "--verbose", 0)
    (line,) = [r.getMessage() for r in caplog.records if "validation correlation" in r.getMessage()]
    info = yaml.safe_load(RunDir.open(trained_run).best_info.read_text())
    assert line.startswith(f"{trained_run}: ")
    assert line.count(f"{info['best_corr']:.4f}") == 2


def test_other_weights_are_refused(copied_run, trained_run, random_data):
    stated = recorded(copied_run)
    recorded(copied_run, best_corr=stated + 0.0005)
    probe_of(copied_run, random_data, "--evaluate")
    recorded(copied_run, best_corr=stated + 0.002)
    probe_of(copied_run, random_data)
    for runs in ((copied_run,), (trained_run, "--ensemble", copied_run)):
        with pytest.raises(CheckpointError, match=rf"{stated + 0.002:.4f}.*{stated:.4f}") as caught:
            probe_of(runs[0], random_data, *runs[1:], "--evaluate")
        assert str(copied_run) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_nothing_to_compare_with(copied_run, random_data, caplog):
    for value in (float("nan"), None):
        recorded(copied_run, best_corr=value)
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="viv1t"):
            probe_of(copied_run, random_data, "--evaluate")
        assert "holds no best_corr to compare with" in caplog.text


def test_what_cannot_be_evaluated(trained_run, random_data, twin, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="leave it out with --responder truth"):
        probe_of(trained_run, random_data, "--evaluate", "--responder", "truth")
    with pytest.raises(UserError, match="R1"):
        check_restored(twin, trained_run, tmp_path)
    monkeypatch.setattr("viv1t.insilico.restored.TIER", "final_bonus")
    with pytest.raises(MissingResultError, match="needs the --data_dir of the training"):
        validation_correlation(twin, random_data)


def test_without_the_flag_nothing_is_predicted(trained_run, random_data):
    assert not flags(trained_run, random_data).evaluate


def test_checkpointed_twins_have_frozen_weights(trained_run, twin):
    made_anew = viv1t.load(trained_run, device="cpu", grad_checkpointing=True)
    for found, expected in ((made_anew, True), (twin, False)):
        assert found.model.core.grad_checkpointing is expected
        assert all(w.requires_grad != expected for w in found.model.core.parameters())
