"""From a record's fields to a document: which field is the id, the title, the text, and what is kept beside them.

Without a mapping, the first of the usual names that a record has is taken, in any case of letters. A record with none of
the text names gives all its strings. One level of objects is flattened to `outer.inner`; `metadata` (BEIR) and `_source`
(dumps of search engines) are merged instead. What is deeper, or a list of objects, isn't kept, unless it is named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from searchctl.sources.model import FieldMapping, Unreadable
from searchctl.types import Document, Value

ID_NAMES = ("_id", "id")
TITLE_NAMES = ("title", "subject", "headline", "name", "заголовок", "название", "тема")
TEXT_NAMES = ("text", "body", "content", "description", "текст", "содержание", "описание")
_METADATA = "metadata"
_DUMPED = "_source"  # beside it, names like `_index` and `_score` are about the search engine
_IGNORED = "_error"  # where a dead letter says why it is one
_UNFIT_FOR_ID = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffd]")
_PLANS = 256  # different sets of field names that are remembered
_SHOWN = 12  # names in a message
_LARGEST_NUMBER = 2**63


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which of a record's fields serve as what. `text` is None where every string is text."""

    id: str | None
    title: str | None
    text: tuple[str, ...] | None
    fields: tuple[str, ...]
    apart: frozenset[str]


class RecordMapper:
    """Turns records into documents by one mapping."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._mapping = mapping
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def document(self, record: Mapping[str, Any], default_id: str, default_title: str = "") -> Document:
        """Return the record's document; raises Unreadable."""
        flat = _flat(record)
        plan = self._plan(tuple(flat))
        id = _id(flat, plan.id, self._mapping.id is not None) or default_id
        try:
            title = _text(flat, (plan.title,)) if plan.title else ""
            text = _text(flat, plan.text) if plan.text is not None else _all_text(flat, plan)
            fields = {name: value for name in plan.fields if (value := self._value(name, flat[name])) is not None}
        except Unreadable as error:
            raise Unreadable(error.reason, id=id) from error
        if not text.strip() and not title.strip():
            raise Unreadable("the document is empty: no text and no title", id=id)
        return Document(id, text, title or default_title, fields)

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[names] = _planned(names, self._mapping)
        return plan

    def _value(self, name: str, value: object) -> Value | None:
        """Return what is stored for a field, None for nothing; raises Unreadable for a named field that can't be."""
        kept = as_value(value)
        if kept is None and value and self._mapping.keep is not None:
            raise Unreadable(
                f"the field '{name}' holds {kind_of(value)}, expected a string, number, boolean or a list of them"
            )
        return kept


def _planned(names: Sequence[str], mapping: FieldMapping) -> _Plan:
    marked = {name.lower() for name in mapping.apart}
    apart = frozenset(name for name in names if name.lower() in marked)
    usual = {name.lower(): name for name in reversed(names) if name not in apart}
    id = mapping.id or _first(ID_NAMES, usual)
    title = mapping.title or _first(TITLE_NAMES, usual)
    if mapping.text:
        text: tuple[str, ...] | None = tuple(name for name in mapping.text if name in names)
        if not text:
            raise Unreadable(f"no field {listed(mapping.text)}; the record has: {listed(names)}")
    else:
        found = _first([name for name in TEXT_NAMES if usual.get(name) not in (id, title)], usual)
        text = (found,) if found else None
    used = {id, title, *(text or ())}
    fields = tuple(name for name in names if (name not in used if mapping.keep is None else name in mapping.keep))
    return _Plan(id if id in names or mapping.id else None, title if title in names else None, text, fields, apart)


def _first(candidates: Sequence[str], names: Mapping[str, str]) -> str | None:
    return next((names[name] for name in candidates if name in names), None)


def listed(names: Sequence[str]) -> str:
    """Return names for a message, each in quotes."""
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown or "no field"


def _flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record without objects: merged, or flattened by one level."""
    if _IGNORED not in record and not any(isinstance(value, dict) for value in record.values()):
        return record
    dumped = _DUMPED in record
    flat: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for name, value in record.items():
        if name == _IGNORED or (dumped and name.startswith("_") and name not in (*ID_NAMES, _DUMPED)):
            continue
        if isinstance(value, dict):
            for inner, one in value.items():
                objects.setdefault(inner if name in (_METADATA, _DUMPED) else f"{name}.{inner}", one)
        else:
            flat[name] = value
    return {**objects, **flat}


def _id(record: Mapping[str, Any], name: str | None, named: bool) -> str:
    """Return the record's id, empty where it has none; raises Unreadable when it can't be one or was asked for."""
    value = record.get(name) if name else None
    if value is None or value == "":
        if named:
            raise Unreadable(f"no id: the field '{name}' is missing or empty; the record has: {listed(tuple(record))}")
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Unreadable(f"the id is {kind_of(value)}, expected a string or a number")
    id = str(value)
    if _UNFIT_FOR_ID.search(id):
        raise Unreadable(
            f"the id {id[:80]!r} has characters that an id can't have: line ends, control characters, damaged letters"
        )
    return id


def _text(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the fields' text, joined by blank lines; raises Unreadable when one isn't text."""
    parts = []
    for name in names:
        value = record[name]
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            parts.append("\n\n".join(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            parts.append(str(value))
        elif value is not None:
            raise Unreadable(f"the field '{name}' holds {kind_of(value)}, expected text")
    return parts[0] if len(parts) == 1 else "\n\n".join(part for part in parts if part)


def _all_text(record: Mapping[str, Any], plan: _Plan) -> str:
    other = {plan.id, plan.title, *plan.apart}
    strings = [value for name, value in record.items() if name not in other and isinstance(value, str)]
    return "\n".join(one for one in strings if one)


def as_value(value: object) -> Value | None:
    """Return a value as a field stores it; None for nothing (empty, null, NaN) and for what no field can hold."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_NUMBER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list) and not any(isinstance(one, (list, dict)) for one in value):
        values = [kept for one in value if isinstance(kept := as_value(one), (str, int, float))]
        return values or None
    return None


def kind_of(value: object) -> str:
    """Return what JSON calls a value, with an article."""
    if isinstance(value, list):
        return "a list of objects or lists" if any(isinstance(one, (list, dict)) for one in value) else "a list"
    names = {dict: "an object", bool: "true or false", str: "a string", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
