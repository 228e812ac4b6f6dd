"""Registries: a name, the config that holds its flags, and the class that it builds."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from viv1t.errors import ConfigError

ConfigT = TypeVar("ConfigT")
ClassT = TypeVar("ClassT", bound=type)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that does not exist: it lists what does and suggests the nearest."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ConfigError(f"unknown {kind} {name!r}{hint} (known: {', '.join(names)})")


class Registry(Generic[ConfigT]):
    """Named classes of one kind, each with the config dataclass that describes it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, tuple[type[ConfigT], type]] = {}

    def register(self, name: str, config: type[ConfigT]) -> Callable[[ClassT], ClassT]:
        """A class decorator that enters the class under `name`; a second entry is a ValueError."""

        def enter(cls: ClassT) -> ClassT:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = (config, cls)
            return cls

        return enter

    def names(self) -> tuple[str, ...]:
        """All registered names, sorted."""
        return tuple(sorted(self._entries))

    def config_type(self, name: str) -> type[ConfigT]:
        """The config dataclass of `name`; a ConfigError names the nearest if there is none."""
        if name not in self._entries:
            raise unknown_name(self.kind, name, self._entries)
        return self._entries[name][0]

    def name_of(self, config: ConfigT) -> str:
        """The name under which the type of `config` was registered."""
        for name, (config_type, _) in self._entries.items():
            if type(config) is config_type:
                return name
        raise KeyError(f"{type(config).__name__} belongs to no registered {self.kind}")

    def build(self, config: ConfigT, **runtime: Any) -> Any:  # noqa: ANN401
        """An instance of the class that `config` describes, called as `cls(config, **runtime)`."""
        return self._entries[self.name_of(config)][1](config, **runtime)
