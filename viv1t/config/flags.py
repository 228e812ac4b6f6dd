"""The bridge between frozen dataclasses and argparse: a field of a config is a flag."""

import argparse
import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from viv1t.errors import ConfigError

ConfigT = TypeVar("ConfigT")


def flag(default: Any = MISSING, *, help: str) -> Any:  # noqa: ANN401
    """A config field that is also a command-line flag; its default and help live only here."""
    return dataclasses.field(default=default, metadata={"help": help})


def check(condition: bool, message: str) -> None:
    """Raise ConfigError(message) unless `condition` holds. For `__post_init__` of configs."""
    if not condition:
        raise ConfigError(message)


def _reader(hint: Any) -> dict[str, Any]:  # noqa: ANN401
    """The argparse options that read a value of the type `hint`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return _reader(next(a for a in args if a is not type(None)))
    if origin is tuple:
        return {"type": args[0], "nargs": "+"}
    if origin is Literal:
        return {"type": type(args[0]), "choices": args}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"type": hint}


def _flag_fields(config: type) -> list[tuple[dataclasses.Field[Any], Any]]:
    hints = get_type_hints(config)
    return [(f, hints[f.name]) for f in dataclasses.fields(config) if "help" in f.metadata]


def _default(field: dataclasses.Field[Any], defaults: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return defaults.get(field.name, field.default)


def add_flags(
    parser: argparse._ActionsContainer,
    config: type,
    *,
    prefix: str = "",
    defaults: Mapping[str, Any] = types.MappingProxyType({}),
) -> None:
    """Add one `--<prefix><field>` to `parser` for each flag field of `config`.

    The namespace holds a value only if the user gave one; `--help` still shows the default.

    Args:
        parser: an argument parser or group.
        config: a dataclass whose fields were made with `flag`.
        prefix: put before each field name.
        defaults: values that replace the defaults of fields, by field name.
    """
    for field, hint in _flag_fields(config):
        default = _default(field, defaults)
        required = default is MISSING
        shown = "required" if required else f"default: {_shown(default)}"
        text = f"{field.metadata['help']} ({shown})".replace("%", "%%")
        options = _reader(hint) | {"help": text, "default": argparse.SUPPRESS}
        if required:
            options["required"] = True
        parser.add_argument(f"--{prefix}{field.name}", **options)


def _shown(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def from_values(
    config: type[ConfigT],
    values: Mapping[str, Any],
    *,
    prefix: str = "",
    defaults: Mapping[str, Any] = types.MappingProxyType({}),
    **extra: Any,  # noqa: ANN401
) -> ConfigT:
    """A `config` built from flat `values` (keys are flag names without the dashes).

    Args:
        config: the dataclass to build.
        values: flag name -> value; flags that are absent take their default.
        prefix: the prefix under which the fields stand in `values`.
        defaults: values that replace the defaults of fields, by field name.
        extra: fields of `config` that are not flags.
    """
    found = dict(extra)
    for field, hint in _flag_fields(config):
        name = prefix + field.name
        value = values.get(name, _default(field, defaults))
        if value is MISSING:
            raise ConfigError(f"--{name} is required")
        choices = get_args(hint) if get_origin(hint) is Literal else (value,)
        check(value in choices, f"--{name} must be one of {_listed(choices)}, got {value}")
        found[field.name] = convert(hint, value)
    return config(**found)


def _listed(choices: tuple[Any, ...]) -> str:
    return ", ".join(str(choice) for choice in choices)


def convert(hint: Any, value: Any) -> Any:  # noqa: ANN401
    """`value` (from argparse or YAML) as the type `hint` asks: lists to tuples, text to paths."""
    if value is None:
        return None
    if get_origin(hint) in (types.UnionType, Union):
        hint = next(a for a in get_args(hint) if a is not type(None))
    if get_origin(hint) is tuple:
        return tuple(value)
    if hint in (Path, float):
        return hint(value)
    return value


def to_values(config: Any, *, prefix: str = "") -> dict[str, Any]:  # noqa: ANN401
    """Flat {flag name: value} of the flag fields of `config`, ready for YAML."""
    plain: Callable[[Any], Any] = lambda v: (  # noqa: E731
        str(v) if isinstance(v, Path) else list(v) if isinstance(v, tuple) else v
    )
    return {
        prefix + field.name: plain(getattr(config, field.name))
        for field, _ in _flag_fields(type(config))
    }
