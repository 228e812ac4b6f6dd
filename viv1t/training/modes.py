"""Fitting the defaults of a run to recordings that lack behaviour or pupil."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from viv1t.config.schema import RunConfig
from viv1t.data.recording import Recording
from viv1t.errors import ConfigError

logger = logging.getLogger(__name__)


def fit_modes(
    config: RunConfig, recordings: Iterable[Recording], *, given: Collection[str]
) -> RunConfig:
    """`config` with --core_behavior_mode and --shifter_mode lowered to what was recorded.

    One log line says so.

    Args:
        config: what was asked for.
        recordings: those of the run.
        given: flags that the user gave.

    Raises:
        ConfigError: a mode that the user gave needs a signal that a recording lacks.
    """
    sessions = list(recordings)
    has_behavior = all(r.num_behaviors > 0 for r in sessions)
    has_pupil = all(r.num_pupils > 0 for r in sessions)
    model = config.model
    if has_behavior and has_pupil:
        return config
    lacking = " and ".join(
        name for name, there in (("behaviour", has_behavior), ("pupil", has_pupil)) if not there
    )
    changes: dict[str, Any] = {}
    behavior_mode = getattr(model.core, "behavior_mode", 0)
    highest = 0 if not has_behavior else 1
    if behavior_mode > highest:
        _announce("core_behavior_mode", behavior_mode, highest, lacking=lacking, given=given)
        changes["core"] = replace(model.core, behavior_mode=highest)  # type: ignore[call-arg]
    highest = 0 if not has_pupil else 1
    if model.shifter_mode > highest:
        _announce("shifter_mode", model.shifter_mode, highest, lacking=lacking, given=given)
        changes["shifter_mode"] = highest
    return replace(config, model=replace(model, **changes)) if changes else config


def _announce(flag: str, wanted: int, there: int, *, lacking: str, given: Collection[str]) -> None:
    if flag in given:
        raise ConfigError(
            f"--{flag} {wanted} was asked for, but the recordings lack {lacking}: "
            f"give at most {there}, or leave the flag out"
        )
    logger.info("the recordings lack %s: --%s is %d instead of %d", lacking, flag, there, wanted)
