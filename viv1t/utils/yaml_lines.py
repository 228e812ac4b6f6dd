"""YAML files that people edit: read into dataclasses, with errors that name the line."""

import dataclasses
import math
import types
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from viv1t.errors import DataError, MissingResultError

FieldsT = TypeVar("FieldsT")
# Keys and positions that lead to a value, such as ("stimuli", 3, "name").
Where = tuple[str | int, ...]


class YamlLines:
    """A YAML file and the line of each of its values.

    Attributes:
        path: the file.
        values: the mapping that it holds.

    Args:
        path: the file.

    Raises:
        MissingResultError: there is no such file.
        DataError: it is not YAML, or holds no mapping.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MissingResultError(f"{path} does not exist")
        try:
            loader = yaml.SafeLoader(self.path.read_text(encoding="utf-8"))
            node = loader.get_single_node()
            values = None if node is None else loader.construct_document(node)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise DataError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
        if node is None or not isinstance(values, dict):
            raise DataError(f"{path} should hold a YAML mapping, found {type(values).__name__}")
        self.values: dict[str, Any] = values
        self._lines: dict[Where, int] = {}
        self._note(node, ())

    def _note(self, node: yaml.Node, where: Where) -> None:
        self._lines[where] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._note(value, (*where, str(key.value)))
                self._lines[(*where, str(key.value))] = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._note(value, (*where, number))

    def error(self, where: Where, message: str) -> DataError:
        """The error that says `message` of the value at `where`: file and line come first."""
        known = next(where[:n] for n in range(len(where), -1, -1) if where[:n] in self._lines)
        return DataError(f"{self.path}, line {self._lines[known]}: {message}")

    def items(self, where: Where) -> Sequence[Where]:
        """Where the items of the list at `where` stand.

        Raises:
            DataError: there is no list.
        """
        values = self._at(where)
        if not isinstance(values, list):
            raise self.error(where, f"{_named(where)} should be a list, found {_shown(values)}")
        return [(*where, number) for number in range(len(values))]

    def fields(
        self,
        where: Where,
        kind: type[FieldsT],
        *,
        besides: Collection[str] = (),
        **given: Any,  # noqa: ANN401
    ) -> FieldsT:
        """A `kind` built from the mapping at `where`, whose keys are its fields.

        Args:
            where: of the mapping; () is the file itself.
            kind: a dataclass of plain fields: numbers, text, truth values, None, `Literal`s and
                tuples of them. A field that is not in the mapping takes its default.
            besides: further keys of the mapping, which others read.
            given: fields that are not read from the mapping; keys of that name are left alone.

        Raises:
            DataError: a key that is missing or unknown, or a value of another type, or one that
                `kind` refuses (ValueError).
        """
        values = self._at(where)
        if not isinstance(values, Mapping):
            raise self.error(where, f"{_named(where)} should be a mapping, found {_shown(values)}")
        wanted = {f.name: f for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
        hints = get_type_hints(kind)
        unknown = [key for key in values if key not in (*wanted, *besides)]
        if unknown:
            raise self.error(
                (*where, str(unknown[0])),
                f"unknown key {unknown[0]} in {_named(where)}; known: {', '.join(wanted)}",
            )
        missing = [
            name
            for name, field in wanted.items()
            if name not in values
            and name not in given
            and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise self.error(where, f"{_named(where)} lacks {', '.join(missing)}")
        read = {
            name: self._read((*where, name), value, hints[name])
            for name, value in values.items()
            if name in wanted and name not in given
        }
        try:
            return kind(**read, **given)
        except ValueError as error:
            raise self.error(where, f"{_named(where)}: {error}") from error

    def _at(self, where: Where) -> Any:  # noqa: ANN401
        value: Any = self.values
        for step in where:
            if isinstance(value, Mapping) and step not in value:
                raise self.error(where[:-1], f"{_named(where[:-1])} lacks {step}")
            value = value[step]
        return value

    def _read(self, where: Where, value: Any, hint: Any) -> Any:  # noqa: ANN401
        read = _convert(value, hint)
        if read is _REFUSED:
            raise self.error(
                where, f"{_named(where)} should be {_type_words(hint)}, found {_shown(value)}"
            )
        return read


_REFUSED = object()


def _convert(value: Any, hint: Any) -> Any:  # noqa: ANN401
    """`value` as the type `hint` asks, or _REFUSED."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        found = (_convert(value, each) for each in args)
        return next((each for each in found if each is not _REFUSED), _REFUSED)
    if origin is Literal:
        return value if value in args else _REFUSED
    if origin is tuple:
        if not isinstance(value, list):
            return _REFUSED
        kinds = [args[0]] * len(value) if args[1:] == (...,) else list(args)
        if len(kinds) != len(value):
            return _REFUSED
        read = tuple(_convert(v, k) for v, k in zip(value, kinds, strict=True))
        return _REFUSED if any(each is _REFUSED for each in read) else read
    if hint is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and math.isfinite(value) else _REFUSED
    if hint is int and isinstance(value, bool):
        return _REFUSED
    return value if isinstance(value, hint) else _REFUSED


def _type_words(hint: Any) -> str:  # noqa: ANN401
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return " or ".join(_type_words(each) for each in args)
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin is tuple:
        words = _type_words(args[0]).removeprefix("a ")
        return f"a list of {words}s" if args[1:] == (...,) else f"a list of {len(args)} {words}s"
    names = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
    return names.get(hint, "null")


def _named(where: Where) -> str:
    """Where a value stands, as "stimuli[3].name"."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    return text.removeprefix(".") or "the file"


def _shown(value: Any) -> str:  # noqa: ANN401
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
