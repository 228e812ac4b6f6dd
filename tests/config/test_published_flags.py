"""train.py has every published flag, with the published name, choices and default."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import published_flags
import pytest

from viv1t.config.store import run_to_values
from viv1t.errors import ConfigError
from viv1t.model.cores import CORES
from viv1t.model.readouts import READOUTS
from viv1t.training.cli import parse_run

PAIRS = [(core, "gaussian") for core in published_flags.CORES] + [
    ("vivit", readout) for readout in published_flags.READOUTS
]
NEW_FLAGS = {
    *("schema", "core", "readout", "output_dir", "core_reg_scale", "readout_reg_scale"),
    *("shifter_reg_scale", "wandb_project", "wandb_entity", "tensorboard"),
    *("core_temporal_kernel", "core_fast", "core_patch_contrast"),
}


def parse(*flags, core="vivit", readout="gaussian"):
    return parse_run(["--output_dir", "r", "--core", core, "--readout", readout, *flags])


def values_of(*flags, **names):
    return run_to_values(parse(*flags, **names).config, cores=CORES, readouts=READOUTS)


@pytest.mark.parametrize(("core", "readout"), PAIRS)
def test_flags_and_defaults_are_the_published_ones(core, readout):
    expected = (
        published_flags.GENERAL | published_flags.CORES[core] | published_flags.READOUTS[readout]
    )
    found = values_of(core=core, readout=readout)
    assert {name: found.get(name, "absent") for name in expected} == expected
    assert set(found) - set(expected) <= NEW_FLAGS


@pytest.mark.parametrize("name", published_flags.CHOICES)
def test_published_choices_are_accepted_and_others_refused(name, capsys):
    for choice in published_flags.CHOICES[name]:
        assert values_of(f"--{name}", str(choice))[name] == choice
    with pytest.raises(SystemExit, match="2"):
        parse(f"--{name}", "99")
    assert f"argument --{name}: invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize("name", published_flags.SWITCHES)
def test_switches_go_on_and_off(name):
    assert values_of(f"--{name}")[name] is True
    assert values_of(f"--no-{name}")[name] is False


def test_the_published_command_line():
    parsed = parse_run(published_flags.README_COMMAND.split())
    found = run_to_values(parsed.config, cores=CORES, readouts=READOUTS)
    assert found["data_dir"] == "data"
    assert found["output_dir"] == str(Path("runs/001_viv1t"))
    assert (found["wandb"], found["lr"], found["core_lr"]) == ("vivit", 0.0073, 0.0126)
    for switch in ("core_use_causal_attention", "schedule_free", "compile", "clear_output_dir"):
        assert found[switch] is True
    given = {
        flag.split("=")[0].removeprefix("--") for flag in published_flags.README_COMMAND.split()
    }
    assert parsed.given == given


@pytest.mark.parametrize(("core", "readout"), PAIRS)
def test_help_lists_every_flag_with_its_default(core, readout, capsys):
    with pytest.raises(SystemExit, match="0"):
        parse("--help", core=core, readout=readout)
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    for name, default in values_of(core=core, readout=readout).items():
        if name in ("schema", "core", "readout", "output_dir"):
            continue
        shown = ("off", "on")[default] if isinstance(default, bool) else str(default).lower()
        assert re.search(rf"--{name}\b.*?\(default: {re.escape(shown)}\)", text, re.I), name


@pytest.mark.parametrize(
    ("core", "readout", "message"),
    [
        ("vivt", "gaussian", r"unknown core 'vivt'; did you mean 'vivit'\? \(known: fcnn,"),
        ("vivit", "gausian", r"unknown readout 'gausian'; did you mean 'gaussian'\?"),
    ],
)
def test_unknown_names_suggest_the_nearest(core, readout, message):
    with pytest.raises(ConfigError, match=message):
        parse(core=core, readout=readout)


def test_an_unknown_criterion_is_refused_before_anything_is_built():
    with pytest.raises(ConfigError, match=r"unknown criterion 'poison'; did you mean 'poisson'"):
        parse("--criterion", "poison")


def test_the_core_is_matched_in_lower_case():
    assert values_of(core="ViViT")["core"] == "vivit"


@pytest.mark.parametrize(
    ("flags", "core"),
    [(("--core_emb_dim", "8"), "fcnn"), (("--cor_lr", "1"), "vivit"), (("--epoch", "1"), "vivit")],
)
def test_flags_of_another_core_and_abbreviations_are_unknown(flags, core, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(*flags, core=core)
    assert f"unrecognized arguments: {flags[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--transform_output", "2", "--output_mode", "1"), "needs --output_mode 4"),
        (("--restore", "a", "--pretrained_core", "b"), "give one of them"),
        (("--batch_size", "2", "--micro_batch_size", "3"), "--micro_batch_size must be between"),
        (("--center_crop", "0"), "--center_crop must be in"),
        (("--epochs", "0"), "--epochs must be at least 1"),
        (("--crop_frame", "0"), "--crop_frame must be -1"),
        (("--clip_grad", "-2"), "--clip_grad must be -1, 0 or positive"),
        (("--mouse_ids", "A", "A"), "--mouse_ids names a mouse twice: A A"),
        (("--limit_neurons", "0"), "--limit_neurons must be at least 1"),
        (("--shifter_layers", "0"), "--shifter_layers must be at least 1"),
    ],
)
def test_contradictory_flags_are_named(flags, message):
    with pytest.raises(ConfigError, match=message):
        parse(*flags)


def test_scaled_responses_get_a_sigmoid():
    assert values_of("--transform_output", "2")["output_mode"] == 4
    assert values_of("--transform_output", "2", "--output_mode", "0")["output_mode"] == 0


def test_what_was_given_is_known_even_if_it_equals_the_default():
    assert parse("--num_workers", "2").given == {"output_dir", "core", "readout", "num_workers"}


def test_the_configuration_cannot_be_changed():
    config = parse().config
    for part in fields(config):
        value = getattr(config, part.name)
        assert is_dataclass(value)
        assert value.__dataclass_params__.frozen
