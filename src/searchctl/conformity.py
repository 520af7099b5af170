"""Whether values read from a file have the types that their dataclass declares: what a person or a fault put there may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_NUMBERS = frozenset((int, float))


_KNOWN: dict[type, dict[str, Any]] = {}  # reading the hints of a class takes longer than all the rest


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _KNOWN:
        _KNOWN[kind] = get_type_hints(kind)
    return _KNOWN[kind]


def check_types(value: Any, what: str = "") -> None:
    """Raise TypeError naming the first field of a dataclass, or of those in it, that has a value of another type.

    Understood are plain types, Literal, unions, tuples of any length, mappings and dataclasses. A whole number is a float, too.
    """
    hints = _hints(type(value))
    for field in fields(value):
        name = f"{what}.{field.name}" if what else field.name
        item = getattr(value, field.name)
        if not _conforms(item, hints[field.name]):
            raise TypeError(f"'{name}' can't be {str(item)[:60]!r}")
        if is_dataclass(item):
            check_types(item, name)


def _conforms(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin in (Union, UnionType):
        return any(_conforms(value, argument) for argument in arguments)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if arguments[0] is float:  # hundreds of them in a stamp
            return _NUMBERS.issuperset(map(type, value))
        return all(_conforms(item, arguments[0]) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            _conforms(key, arguments[0]) and _conforms(item, arguments[1]) for key, item in value.items()
        )
    if hint is float:
        return type(value) in _NUMBERS
    if hint in (int, str, bool):
        return type(value) is hint
    return value is None if hint is NoneType or hint is None else isinstance(value, hint)
