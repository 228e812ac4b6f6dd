"""Recordings without behaviour or pupil lower defaults, and refuse what was asked for."""

from types import SimpleNamespace

import pytest

from viv1t.errors import ConfigError
from viv1t.training.modes import fit_modes

VIVIT = ("--core", "vivit", "--readout", "gaussian")


def recording(*, behaviors, pupils):
    return SimpleNamespace(num_behaviors=behaviors, num_pupils=pupils)


@pytest.mark.parametrize(
    ("behaviors", "pupils", "modes"),
    [(2, 2, (2, 1)), (1, 2, (2, 1)), (1, 0, (1, 0)), (0, 2, (0, 1)), (0, 0, (0, 0))],
)
def test_defaults_are_lowered_with_a_line(parse, caplog, behaviors, pupils, modes):
    parsed = parse(base=VIVIT)
    sessions = [recording(behaviors=behaviors, pupils=pupils)]
    with caplog.at_level("INFO", "viv1t"):
        model = fit_modes(parsed.config, sessions, given=parsed.given).model
    assert (model.core.behavior_mode, model.shifter_mode) == modes
    assert ("the recordings lack" in caplog.text) == (modes != (2, 1))


def test_one_mouse_without_pupil_is_enough(parse):
    sessions = [recording(behaviors=2, pupils=2), recording(behaviors=2, pupils=0)]
    assert fit_modes(parse(base=VIVIT).config, sessions, given=()).model.shifter_mode == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--core_behavior_mode", "2"), r"--core_behavior_mode 2 .* lack pupil: give at most 1"),
        (("--shifter_mode", "1"), r"--shifter_mode 1 .* lack pupil: give at most 0"),
    ],
)
def test_what_was_asked_for_is_an_error(parse, flags, message):
    parsed = parse(*flags, base=VIVIT)
    with pytest.raises(ConfigError, match=message):
        fit_modes(parsed.config, [recording(behaviors=2, pupils=0)], given=parsed.given)


def test_cores_that_take_no_behaviour_have_nothing_to_lower(parse):
    parsed = parse("--shifter_mode", "0", base=("--core", "random", "--readout", "random"))
    assert fit_modes(parsed.config, [recording(behaviors=0, pupils=0)], given=()) == parsed.config
