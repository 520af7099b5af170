"""From a record's fields to a document: which field is the id, the title, the text, and what is kept beside them.

Without a mapping, the first of the usual names that a record has is taken, in any case of letters. A record with none of
the text names gives all its strings, unless others of its file have one. Objects are flattened to `outer.inner`;
`metadata` (BEIR) and `_source` (dumps of search engines) are merged, and so are `fields`, `attributes` and `properties`
where the usual names stand only there (Jira, JSON:API, GeoJSON). Short values in a list of objects are kept to filter by,
all that one name has as a list: `labels.name`. Texts in it aren't searched unless they are named, and that is remarked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from searchctl.notation import without_halves
from searchctl.sources.markup import MarkupFields
from searchctl.sources.model import FieldMapping, Remarks, Unreadable
from searchctl.sources.nested import MOST_FIELDS, Flat, along, are_short, has_texts, unwrapped
from searchctl.sources.rich_text import rich_text
from searchctl.sources.usual_names import ID_NAMES, TEXT_NAMES, TITLE_NAMES, dressed, first_of, may_be_words, translated
from searchctl.suggest import did_you_mean
from searchctl.translation import _
from searchctl.types import Document, Scalar, Value

_MERGED = ("metadata", "_source")
_WRAPPERS = ("fields", "attributes", "properties")
_DUMPED = "_source"  # beside it, names like `_index` and `_score` are about the search engine
_IGNORED = "_error"  # where a dead letter says why it is one
_UNFIT_FOR_ID = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffd]")
_FIGURES = re.compile(r"[\d\s.,:/+()#№-]*")  # numbers, dates, times, telephone numbers
_PLANS = 256  # different sets of field names that are remembered
_SHOWN = 12  # names in a message
_SHOWN_LENGTH = 60  # characters of a name in a message
_LARGEST_NUMBER = 2**63


class NoText(Unreadable):
    """Raised for a record whose text is empty where others have one: nothing to find it by, and nothing wrong with it."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which of a record's fields serve as what. `text` is None where every string is text."""

    id: str | None
    title: str | None
    text: tuple[str, ...] | None
    fields: tuple[str, ...]
    apart: frozenset[str]


class RecordMapper:
    """Turns the records of one source into documents by one mapping; what it leaves out goes to `remarks`.

    With `typed`, fields are cells of a table: those of these names are read so, all others are strings.
    """

    def __init__(
        self,
        mapping: FieldMapping,
        remarks: Remarks | None = None,
        source: str = "",
        typed: Mapping[str, Callable[[str], Scalar | None]] | None = None,
    ) -> None:
        self._mapping = mapping
        named = (mapping.id, mapping.title, *mapping.text, *(mapping.keep or ()))
        self._paths = tuple(name for name in named if name and "." in name)
        self._typed = typed
        self._flat_names: dict[tuple[str, ...], bool] = {}
        self._remarks = remarks or Remarks()
        self._source = source
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._markup = MarkupFields()
        self._has_text_names = self._has_texts = False

    def learn(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Look at the first records of a source: whether they have a usual text name, and which fields hold HTML."""
        for record in records:
            flat = self._flat(record, Flat())
            plan = _planned(tuple(flat), self._mapping, all_strings=False)
            self._has_text_names = self._has_text_names or bool(plan.text)
            self._has_texts = self._has_texts or any(flat[name] for name in plan.text or ())
            self._markup.learn(flat)

    def document(self, record: Mapping[str, Any], default_id: str, default_title: str = "") -> Document:
        """Return the record's document; raises Unreadable, and NoText where there is nothing to find it by."""
        kept = Flat()
        flat = self._flat(record, kept)
        plan = self._plan(tuple(flat))
        id = _id(flat, plan.id, self._mapping.id is not None) or default_id
        try:
            title = self._text(flat, (plan.title,)) if plan.title else ""
            text = self._text(flat, plan.text) if plan.text is not None else self._all_text(flat, plan)
            fields = {name: value for name in plan.fields if (value := self._value(name, flat[name])) is not None}
        except Unreadable as error:
            raise Unreadable(error.reason, id=id) from error
        self._tell(kept)
        if not text.strip() and not title.strip() and not self._mapping.text:
            text = self._pieces(flat, plan)
        if not text.strip() and not title.strip():
            empty = NoText if self._has_texts and (plan.title or plan.text) else Unreadable
            raise empty("the document is empty: no text and no title", id=id)
        return Document(id, text, title or default_title, fields)

    def _tell(self, kept: Flat) -> None:
        for name, why in kept.left_out.items():
            self._remarks.add(f"'{name}' left out: {why}", self._source)

    def _flat(self, record: Mapping[str, Any], kept: Flat) -> Mapping[str, Any]:
        """Return the record without objects, and with the values at the paths that were asked for."""
        if self._has_flat_names(tuple(record)) and not any(map(_holds_objects, record.values())):
            flat = record
        else:
            flat = _flattened(self._ordered(record) if len(record) > MOST_FIELDS else record, kept)
        if missing := [name for name in self._paths if name not in flat]:
            base = _merged(record)
            nested = {name: value for name in missing if (value := along(base, name)) is not None}
            flat = {**flat, **nested} if nested else flat
        return flat

    def _has_flat_names(self, names: tuple[str, ...]) -> bool:
        known = self._flat_names.get(names)
        if known is None:
            if len(self._flat_names) >= _PLANS:
                self._flat_names.clear()
            known = self._flat_names[names] = _IGNORED not in names and are_short(names)
        return known

    def _ordered(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record that has too many fields with those first that matter most."""
        mapping = self._mapping
        first = {*ID_NAMES, *TITLE_NAMES, *TEXT_NAMES, mapping.id, mapping.title, *mapping.text, *(mapping.keep or ())}
        return dict(sorted(record.items(), key=lambda item: item[0] not in first and item[0].lower() not in first))

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[names] = _planned(names, self._mapping, all_strings=not self._has_text_names)
        return plan

    def _value(self, name: str, value: object) -> Value | None:
        """Return what is stored for a field, None for nothing; raises Unreadable for a named field that can't be."""
        if self._typed is not None and isinstance(value, str):
            reader = self._typed.get(name)
            return value.strip() or None if reader is None else reader(value)
        kept = as_value(value)
        if kept is None and value:
            if self._mapping.keep is not None:
                raise Unreadable(
                    _("the field '{name}' holds {kind}, expected a string, number, boolean or a list of them").format(
                        name=name, kind=kind_of(value)
                    )
                )
            if isinstance(value, list) and rich_text(value) is None and not _are_kept(value):
                self._remarks.add(f"'{name}' left out: {kind_of(value)}{_advice(name, value)}", self._source)
        return kept

    def _text(self, record: Mapping[str, Any], names: Sequence[str]) -> str:
        """Return the fields' text, joined by blank lines; raises Unreadable when one isn't text."""
        parts = []
        for name in names:
            value = record[name]
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                parts.append(str(value))
            elif value is not None:
                text = rich_text(value)
                if text is None:
                    raise Unreadable(
                        _("the field '{name}' holds {kind}, expected text{advice}").format(
                            name=name, kind=kind_of(value), advice=_advice(name, value)
                        )
                    )
                parts.append(self._markup.read(name, text))
        return parts[0] if len(parts) == 1 else "\n\n".join(part for part in parts if part)

    def _all_text(self, record: Mapping[str, Any], plan: _Plan) -> str:
        """Return all strings; of records with objects in them, which are made by programs, not those that aren't words."""
        strings = self._strings(record, plan, _prose)
        if self._typed is None and any("." in name for name in record):
            strings = {name: text for name, text in strings.items() if may_be_words(name, text)} or strings
        return "\n".join(strings.values())

    def _pieces(self, record: Mapping[str, Any], plan: _Plan) -> str:
        """Return the texts of a record's other fields that hold texts in pieces, as the blocks and attachments of a message."""
        return "\n".join(
            self._strings(record, plan, lambda value: None if isinstance(value, str) else _prose(value)).values()
        )

    def _strings(self, record: Mapping[str, Any], plan: _Plan, read: Callable[[object], str | None]) -> dict[str, str]:
        other = {plan.id, plan.title, *plan.apart}
        return {
            name: self._markup.read(name, text)
            for name, value in record.items()
            if name not in other and (text := read(value)) and not (self._mapping.every and _FIGURES.fullmatch(text))
        }


def is_usual_text(name: str) -> bool:
    """Tell whether a field of this name is taken for the text of a record."""
    return name.lower() in TEXT_NAMES or any(name.lower().startswith(f"{one}.") for one in TEXT_NAMES)


def _prose(value: object) -> str | None:
    """Return a string, or a text that is kept in pieces; not a list of single words, which are tags more often than not."""
    if isinstance(value, (str, dict)):
        return rich_text(value)
    if not isinstance(value, list):
        return None
    pieces = any(isinstance(item, dict) or (isinstance(item, str) and len(item.split()) > 1) for item in value)
    return rich_text(value) if pieces else None


def _are_kept(items: list[Any]) -> bool:
    """Tell whether all that a list of objects holds is kept under the names `outer.inner`."""
    return bool(items) and all(isinstance(item, dict) for item in items) and not has_texts(items)


def _planned(names: Sequence[str], mapping: FieldMapping, *, all_strings: bool) -> _Plan:
    """Return which of these fields serve as what. Without `all_strings`, a record that has no text name has no text."""
    marked = {name.lower() for name in mapping.apart}
    apart = frozenset(name for name in names if name.lower() in marked)
    usual = {name.lower(): name for name in reversed(names) if name not in apart}
    id = mapping.id or first_of(ID_NAMES, usual)
    title = mapping.title or first_of(TITLE_NAMES, usual) or dressed(TITLE_NAMES, usual)
    title = title or next(iter(translated(TITLE_NAMES, names)), None)
    if mapping.text:
        text: tuple[str, ...] | None = tuple(name for name in mapping.text if name in names)
        if not text and all_strings:
            near = did_you_mean(mapping.text[0], names, "")
            raise Unreadable(
                _("no field {listed}; the record has: {listed2}{what}").format(
                    listed=listed(mapping.text), listed2=listed(names), what=f"; {near}" if near else ""
                )
            )
    else:
        chosen = first_of([name for name in TEXT_NAMES if usual.get(name) not in (id, title)], usual)
        chosen = chosen or dressed(TEXT_NAMES, {name: own for name, own in usual.items() if own != title})
        others = tuple(name for name in translated(TITLE_NAMES, names) if title and name != title)
        text = (chosen,) if chosen else (*others, *translated(TEXT_NAMES, names)) or (None if all_strings else ())
    used = {id, title, *(text or ())}
    fields = tuple(name for name in names if (name not in used if mapping.keep is None else name in mapping.keep))
    return _Plan(id if id in names or mapping.id else None, title if title in names else None, text, fields, apart)


def listed(names: Sequence[str]) -> str:
    """Return names for a message, each in quotes; long ones and many are cut short."""
    cut = [name if len(name) <= _SHOWN_LENGTH else f"{name[:_SHOWN_LENGTH]}…" for name in names[:_SHOWN]]
    shown = ", ".join(f"'{name}'" for name in cut)
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown or "no field"


def _flattened(record: Mapping[str, Any], kept: Flat) -> Mapping[str, Any]:
    """Return the record without objects: merged, or flattened. What a record itself says comes before what it wraps."""
    dumped = _DUMPED in record
    merged = _merged_names(record)
    wrapped: list[str] = []
    for name, value in record.items():
        if name == _IGNORED or (dumped and name.startswith("_") and name not in (*ID_NAMES, _DUMPED)):
            continue
        if isinstance(value, dict):
            value = unwrapped(value)
            if isinstance(value, dict) and rich_text(value) is None:
                wrapped.append(name)
                continue
        kept.put(name, value)
        kept.add_objects(name, value)
    for name in wrapped:
        kept.add("" if name in merged else name, record[name])
    return kept.fields


def _holds_objects(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _merged_names(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the objects of a record whose fields count as its own."""
    names = {name.lower() for name in record}
    if names & {*TEXT_NAMES, *TITLE_NAMES}:
        return _MERGED
    usual = {*TEXT_NAMES, *TITLE_NAMES}
    return (
        *_MERGED,
        *(
            name
            for name in _WRAPPERS
            if isinstance(record.get(name), dict) and {inner.lower() for inner in record[name]} & usual
        ),
    )


def _merged(record: Mapping[str, Any]) -> dict[str, Any]:
    base = dict(record)
    for name in _merged_names(record):
        if isinstance(inner := record.get(name), dict):
            base = {**inner, **base}
    return base


def _id(record: Mapping[str, Any], name: str | None, named: bool) -> str:
    """Return the record's id, empty where it has none; raises Unreadable when it can't be one or was asked for."""
    value = record.get(name) if name else None
    id = value.strip() if isinstance(value, str) else value  # some programs pad codes with blanks
    if id is None or id == "":
        if named:
            raise Unreadable(
                _("no id: the field '{name}' is missing or empty; the record has: {listed}").format(
                    name=name, listed=listed(tuple(record))
                )
            )
        return ""
    if isinstance(id, bool) or not isinstance(id, (str, int, float)):
        raise Unreadable(_("the id is {kind}, expected a string or a number").format(kind=kind_of(id)))
    id = without_halves(str(id))
    if _UNFIT_FOR_ID.search(id):
        raise Unreadable(
            _(
                "the id {id!r} has characters that an id can't have: line ends, control characters, damaged letters"
            ).format(id=id[:80])
        )
    return id


def _advice(name: str, value: object) -> str:
    """Say how to search the text within a list of objects, where it has a usual name."""
    items = value if isinstance(value, list) else ()
    inner = next((key for item in items if isinstance(item, dict) for key in item if key.lower() in TEXT_NAMES), None)
    return f"; to search its texts, name them too: --text …,{name}.{inner}" if inner else ""


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
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        values = [kept for item in value if isinstance(kept := as_value(item), (str, int, float))]
        return values or None
    return None


def kind_of(value: object) -> str:
    """Return what JSON calls a value, with an article."""
    if isinstance(value, list):
        return "a list of objects or lists" if any(isinstance(item, (list, dict)) for item in value) else "a list"
    names = {dict: "an object", bool: "true or false", str: "a string", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
