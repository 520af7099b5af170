"""Objects within objects, and in lists: their values by the names `outer.inner`, and a look along such a path."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from searchctl.notation import parse_number
from searchctl.sources.rich_text import rich_text
from searchctl.sources.usual_names import TEXT_NAMES

MOST_FIELDS = 1000  # of one record
LONGEST_NAME = 200  # characters of a field's name; longer ones make small records large
DEEPEST = 12
_EXTENDED = frozenset("$oid $date $numberLong $numberInt $numberDouble $numberDecimal $uuid $symbol".split())
_OF_TYPED = frozenset(("id", "type"))  # what stands beside the value in an object that says its type
_LONGEST_KEPT = 200  # characters of a value in a list of objects that is kept to filter by; longer ones are texts
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(slots=True)
class Flat:
    """A record without objects in it, and what had to be left out: names and why."""

    fields: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: Any) -> None:
        """Keep a value, unless there is no room for it or one of that name."""
        if name in self.fields:
            return
        if len(name) > LONGEST_NAME:
            self.left_out[f"{name[:40]}…"] = f"a name of more than {LONGEST_NAME} characters"
        elif len(self.fields) >= MOST_FIELDS:
            self.left_out["more"] = f"fields after the first {MOST_FIELDS:,}"
        else:
            self.fields[name] = value

    def add(self, outer: str, value: Mapping[str, Any], depth: int = 1) -> None:
        """Keep an object's values by the names `outer.inner`."""
        if depth > DEEPEST:
            self.left_out[outer] = f"nested more than {DEEPEST} deep"
            return
        for inner, item in value.items():
            name = f"{outer}.{inner}" if outer else inner
            if isinstance(item, dict):
                item = unwrapped(item)
                if isinstance(item, dict) and len(name) <= LONGEST_NAME and rich_text(item) is None:
                    self.add(name, item, depth + 1)
                    continue
            self.put(name, item)
            self.add_objects(name, item)

    def add_objects(self, outer: str, items: Any) -> None:
        """Keep the values of a list's objects by the names `outer.inner`, as lists; the list itself is kept by `put`."""
        for name, values in columns_of(items).items():
            self.put(f"{outer}.{name}", values)


def columns_of(items: Any) -> dict[str, list[Any]]:
    """Return what the objects of a list hold to filter by, for each name all values; texts aren't among it, nor lists of objects."""
    if not isinstance(items, list) or not any(isinstance(item, dict) for item in items) or rich_text(items) is not None:
        return {}
    columns: dict[str, list[Any]] = {}
    for inner in _flat_objects(items):
        for name, value in inner.items():
            for one in value if isinstance(value, list) else (value,):
                if _is_kept(name, one) and (name in columns or len(columns) < MOST_FIELDS):
                    columns.setdefault(name, []).append(one)
    return columns


def has_texts(items: list[Any]) -> bool:
    """Tell whether the objects of a list hold more than `columns_of` gives: texts, lists of objects."""
    return any(
        not (one is None or _is_kept(name, one))
        for inner in _flat_objects(items)
        for name, value in inner.items()
        for one in (value if isinstance(value, list) else (value,))
    )


def _flat_objects(items: list[Any]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        if isinstance(item, dict):
            inner = Flat()
            inner.add("", item, DEEPEST - 2)
            yield inner.fields


def _is_kept(name: str, value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_KEPT and name.rpartition(".")[2].lower() not in TEXT_NAMES
    return isinstance(value, (int, float))


def unwrapped(value: Any) -> Any:
    """Return what an object stands for that only says the type of one value; other values as they are.

    So MongoDB writes, `{"$oid": "5f…"}`, and Notion, `{"type": "number", "number": 2.5}`.
    """
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    if (
        isinstance(kind, str)
        and kind != "type"
        and kind in value
        and len(value) <= 3
        and value.keys() <= {*_OF_TYPED, kind}
    ):
        return unwrapped(value[kind])
    if len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    if kind not in _EXTENDED:
        return value
    inner = unwrapped(inner)
    if kind == "$date" and str(inner).lstrip("-").isdigit():
        try:
            moment = _EPOCH + timedelta(milliseconds=int(inner))
        except OverflowError:
            return inner
        return moment.isoformat()
    if kind in ("$numberLong", "$numberInt") and str(inner).lstrip("-").isdigit() and len(str(inner)) < 20:
        return int(inner)
    if kind in ("$numberDecimal", "$numberDouble") and (number := parse_number(str(inner), "point")) is not None:
        return number
    return inner


def are_short(names: Collection[str]) -> bool:
    """Tell whether a record may have so many fields of these names."""
    return len(names) <= MOST_FIELDS and all(len(name) <= LONGEST_NAME for name in names)


def along(value: Any, path: str) -> Any:
    """Return what stands at a path, `a.b` or a name that has dots itself; of lists, a list of what all elements have there.

    None where nothing does.
    """
    if isinstance(value, dict):
        if path in value:
            return value[path]
        for first, rest in _splits(path):
            if first in value and (values := along(value[first], rest)) is not None:
                return values
        return None
    if isinstance(value, list):
        values = [inner for item in value if (inner := along(item, path)) is not None]
        return [one for inner in values for one in (inner if isinstance(inner, list) else [inner])] or None
    return None


def _splits(path: str) -> Iterator[tuple[str, str]]:
    dot = path.find(".")
    while dot >= 0:
        yield path[:dot], path[dot + 1 :]
        dot = path.find(".", dot + 1)
