"""Dead letters as they are written and read: a whole document, or the row it would have been, and why it couldn't be stored.

One JSON object each:

    {"document": {"id": …, "title": …, "text": …, "fields": {…}}, "_error": {…}}      a document that was refused
    {"record": {…}, "mapping": {…}, "_error": {…}}                                    a row that gives no document
    {"line": "…", "mapping": {…}, "_error": {…}}                                      a line that couldn't be taken apart
    {"_error": {…}}                                                                   a file that couldn't be read

Whatever the fields are called, nothing can collide, and reading the letter gives the same document or failure again. Corrected
where it is wrong, it gives the document that was meant, tied to the source it came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from searchctl.sources.mapping import RecordMapper, as_value
from searchctl.sources.model import Failure, FieldMapping, Record, Unreadable
from searchctl.translation import _
from searchctl.types import Document

_FORMAT = 2  # the first had the document's fields beside "_error", where they could hide its id and text
_PARTS: tuple[set[str], ...] = (set(), {"document"}, {"record", "mapping"}, {"line", "mapping"})


def as_letter(failure: Failure, document: Document | None, mapping: FieldMapping) -> dict[str, Any]:
    """Return a letter's JSON."""
    letter: dict[str, Any] = {}
    if document is not None:
        letter["document"] = {
            "id": document.id,
            "title": document.title,
            "text": document.text,
            "fields": dict(document.fields),
        }
    elif failure.raw is not None:
        letter |= {"record": dict(failure.raw), "mapping": _plain_mapping(mapping)}
    elif failure.line:
        letter |= {"line": failure.line, "mapping": _plain_mapping(mapping)}
    letter["_error"] = {
        "reason": failure.reason,
        "source": failure.source,
        "position": failure.position,
        "id": failure.id,
        "excerpt": failure.excerpt,
        "letter": _FORMAT,
    }
    return letter


def _plain_mapping(mapping: FieldMapping) -> dict[str, Any]:
    return {name: value for name, value in asdict(mapping).items() if value not in (None, (), [])}


def is_letter(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a dead letter of this format."""
    error = value.get("_error")
    return isinstance(error, dict) and error.get("letter") == _FORMAT and set(value) - {"_error"} in _PARTS


def opened(letter: Mapping[str, Any], source: str, position: int) -> Record | Failure:
    """Return the document that a letter holds, from where that first came, or the failure it still is."""
    error = letter["_error"]
    first = error.get("source"), error.get("position")
    if isinstance(first[0], str) and isinstance(first[1], int):
        source, position = first[0], first[1]
    raw = letter.get("record")
    line = letter.get("line")
    id = error.get("id")
    excerpt = str(error.get("excerpt", ""))
    try:
        if "document" in letter:
            return Record(_document(letter["document"]), source, position)
        if raw is None and line is None:
            raise Unreadable(str(error.get("reason", "a dead letter without a document")))
        mapper = RecordMapper(_mapping(letter.get("mapping")))
        if raw is None:
            raw = _parsed(line, str(error.get("reason", "")))
        if not isinstance(raw, dict):
            reason = error.get("reason") if line is not None else None
            raise Unreadable(str(reason or "the dead letter's record isn't an object"))
        return Record(mapper.document(raw, str(id or f"{source}#{position}")), source, position, raw)
    except Unreadable as failed:
        known = failed.id or (id if isinstance(id, str) else None)
        kept = raw if isinstance(raw, dict) and line is None else None
        return Failure(source, position, known, failed.reason, excerpt, kept, line if isinstance(line, str) else "")


def _document(value: Any) -> Document:
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in ("id", "text")):
        raise Unreadable(_("the dead letter's document needs an 'id' and a 'text', both strings"))
    title, fields = value.get("title", ""), value.get("fields", {})
    if not isinstance(title, str) or not isinstance(fields, dict):
        raise Unreadable(
            _("the dead letter's document has a 'title' that is no string, or 'fields' that are no object")
        )
    kept = {name: plain for name, item in fields.items() if (plain := as_value(item)) is not None}
    return Document(value["id"], value["text"], title, kept)


def _mapping(value: Any) -> FieldMapping:
    if not isinstance(value, dict):
        raise Unreadable(_("the dead letter's mapping isn't an object"))
    names = {name: value[name] for name in ("id", "title", "records") if isinstance(value.get(name), str)}
    lists = {
        name: tuple(map(str, value[name])) for name in ("text", "keep", "apart") if isinstance(value.get(name), list)
    }
    known = FieldMapping.__dataclass_fields__
    return FieldMapping(**{name: given for name, given in {**names, **lists}.items() if name in known})


def _parsed(line: Any, reason: str) -> Any:
    try:
        return json.loads(line, parse_constant=lambda _ignored: None)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unreadable(reason or _("a line that can't be read: {error}").format(error=error)) from error
