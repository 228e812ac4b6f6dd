"""A run configuration as flat values in the published spelling, and back (args.yaml)."""

from collections.abc import Mapping
from typing import Any

from viv1t.config.flags import from_values, to_values
from viv1t.config.schema import (
    PARTS,
    CoreConfig,
    ModelConfig,
    OptimConfig,
    ReadoutConfig,
    RunConfig,
    ShifterConfig,
)
from viv1t.errors import ConfigError
from viv1t.registry import Registry

SCHEMA_VERSION = 1


def output_mode_default(values: Mapping[str, Any]) -> dict[str, Any]:
    """The default of --output_mode that --transform_output 2 changes (sigmoid for 0..1)."""
    return {"output_mode": 4} if values.get("transform_output") == 2 else {}


def run_from_values(
    values: Mapping[str, Any],
    *,
    cores: Registry[CoreConfig],
    readouts: Registry[ReadoutConfig],
) -> RunConfig:
    """The run configuration of flat `values`: flags of the command line or of args.yaml.

    Args:
        values: flag name without dashes -> value; absent flags take their defaults.
        cores: registry of cores; gives the config type of `values["core"]`.
        readouts: registry of readouts.

    Raises:
        ConfigError: a value is out of range, contradicts another, or is missing.
    """
    return run_around(model_from_values(values, cores=cores, readouts=readouts), values)


def model_from_values(
    values: Mapping[str, Any],
    *,
    cores: Registry[CoreConfig],
    readouts: Registry[ReadoutConfig],
) -> ModelConfig:
    """The model configuration of flat `values`; arguments and errors as `run_from_values`."""
    for name in ("core", "readout"):
        if name not in values:
            raise ConfigError(f"--{name} is required")
    core_type = cores.config_type(str(values["core"]).lower())
    readout_type = readouts.config_type(str(values["readout"]))
    return from_values(
        ModelConfig,
        values,
        defaults=output_mode_default(values),
        core=from_values(core_type, values, prefix="core_"),
        readout=from_values(readout_type, values, prefix="readout_"),
        shifter=from_values(ShifterConfig, values, prefix="shifter_"),
    )


def run_around(model: ModelConfig, values: Mapping[str, Any]) -> RunConfig:
    """The run configuration of `model` whose other parts stand in flat `values`.

    Args:
        model: core, readouts, shifters and output.
        values: flag name without dashes -> value; absent flags take their defaults.
    """
    optim_defaults = type(model.core).optim_defaults
    parts: dict[str, Any] = {
        name: from_values(part, values, defaults=optim_defaults if part is OptimConfig else {})
        for name, part in PARTS
    }
    return RunConfig(model=model, **parts)


def model_to_values(
    config: ModelConfig, *, cores: Registry[CoreConfig], readouts: Registry[ReadoutConfig]
) -> dict[str, Any]:
    """Flat {flag name: value} of a model configuration, core and readout names included."""
    return {
        "core": cores.name_of(config.core),
        "readout": readouts.name_of(config.readout),
        **to_values(config),
        **to_values(config.core, prefix="core_"),
        **to_values(config.readout, prefix="readout_"),
        **to_values(config.shifter, prefix="shifter_"),
    }


def run_to_values(
    config: RunConfig, *, cores: Registry[CoreConfig], readouts: Registry[ReadoutConfig]
) -> dict[str, Any]:
    """Flat {flag name: value} of a whole run: what args.yaml holds, schema version included."""
    values = {"schema": SCHEMA_VERSION}
    for name, _ in PARTS:
        values |= to_values(getattr(config, name))
    return values | model_to_values(config.model, cores=cores, readouts=readouts)
