"""JSON Lines and JSON: one object, one document. How a file is laid out decides how it's read, whatever its name says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Literal, TypeAlias

from searchctl.sources.json_layouts import find_records, is_action
from searchctl.sources.json_values import JsonValue, line_values, streamed_values, with_whole_letters
from searchctl.sources.mapping import kind_of
from searchctl.sources.model import Failure, Record, Unreadable
from searchctl.sources.records import RawRow, SourceReading, mapped
from searchctl.sources.streams import HEAD
from searchctl.translation import _

Layout: TypeAlias = Literal["lines", "values"]


def read_jsonl(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield a record for each line that holds an object, or for each object where they go over several lines."""
    yield from _read(reading, lines_expected=True)


def read_json(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield the records of a JSON file: of an array, of the list that an object holds, or of lines; else the object itself."""
    yield from _read(reading, lines_expected=False)


def _read(reading: SourceReading, *, lines_expected: bool) -> Iterator[Record | Failure]:
    stream, encoding = reading.stream, reading.encoding
    head = stream.head.decode(encoding, "replace")
    if _layout(head, lines_expected, whole=len(stream.head) < HEAD) == "lines":
        yield from mapped(_line_rows(line_values(stream, encoding, reading.limits.record), reading), reading)
        return
    values = streamed_values(stream, encoding, reading.limits)
    first = next(values, None)
    if first is None:
        if not lines_expected and not head.lstrip("\ufeff \t\r\n"):
            raise Unreadable(_("the file is empty"))
        return
    yield from mapped(_value_rows(first, values, reading), reading)


def _layout(head: str, lines_expected: bool, *, whole: bool) -> Layout:
    """Tell whether each line is a value, by the beginning of a file. `whole`: that is all of it."""
    text = head.lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):
        return "values" if text.startswith("[") and not _is_line_of_array(text) or not lines_expected else "lines"
    first, newline, rest = text.partition("\n")
    if not newline:
        return "lines" if lines_expected else "values"
    try:
        json.loads(first)
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError):
            return "lines"
        if error.msg.startswith(("Unterminated", "Invalid")) or error.pos < len(first.rstrip()):
            return "lines" if lines_expected else "values"  # broken within the line
        return "values" if not lines_expected or _goes_on(text, whole) else "lines"
    except RecursionError:
        return "lines"
    return "lines" if lines_expected or rest.strip("\ufeff \t\r\n") else "values"


def _is_line_of_array(text: str) -> bool:
    """Tell whether the first line is an array by itself, and not one of objects: such lines aren't records."""
    first = text.partition("\n")[0]
    return first.rstrip().endswith("]") and not first[1:].lstrip().startswith("{")


def _goes_on(text: str, whole: bool) -> bool:
    """Tell whether an object that isn't closed in its line is closed, or may be, in later ones."""
    try:
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        return not whole and (error.msg.startswith("Unterminated") or error.pos >= len(text) - 12)
    except (ValueError, RecursionError):
        return False
    return True


def _line_rows(values: Iterator[JsonValue], reading: SourceReading) -> Iterator[RawRow]:
    first = next(values, None)
    if first is None:
        return
    values = chain((first,), values)
    if is_action(first.value):
        yield from _bulk_rows(values, reading)
        return
    for value in values:
        yield from _rows_of(value, reading)


def _rows_of(value: JsonValue, reading: SourceReading) -> Iterator[RawRow]:
    """Yield the row of a value, or the rows at the path that the user names."""
    uri = f"{reading.file.uri}#{value.position}"
    if value.error:
        yield RawRow(value.position, uri, error=value.error, line=value.text)
    elif reading.mapping.records:
        yield from _rows_at(value, uri, reading.mapping.records)
    elif isinstance(value.value, dict):
        yield _row(value.position, uri, value.value, value.text)
    else:
        wanted = "an object" if value.inside else 'an object like {"id": …, "text": …}'
        yield RawRow(value.position, uri, error=f"expected {wanted}, found {kind_of(value.value)}", line=value.text)


def _rows_at(value: JsonValue, uri: str, path: str) -> Iterator[RawRow]:
    try:
        records = find_records(value.value, path)
    except Unreadable as failed:
        yield RawRow(value.position, uri, error=failed.reason, line=value.text)
        return
    for number, item in enumerate(records.items, 1):
        yield _row(value.position, f"{uri}.{number}", item, value.text)


def _bulk_rows(values: Iterator[JsonValue], reading: SourceReading) -> Iterator[RawRow]:
    """Yield the documents of a bulk file: each stands below the action that names its id."""
    action: Mapping[str, Any] | None = None
    for value in values:
        uri = f"{reading.file.uri}#{value.position}"
        if action is None:
            if value.error or not is_action(value.value):
                reason = value.error or 'expected an action of a bulk file, like {"index": {"_id": "1"}}'
                yield RawRow(value.position, uri, error=reason, line=value.text)
            elif "delete" in value.value:
                reading.remarks.add("passed over: a delete action of a bulk file", reading.file.source)
            else:
                action = value.value
            continue
        ((kind, meta),) = action.items()
        action = None
        source = value.value.get("doc") if kind == "update" and isinstance(value.value, dict) else value.value
        if value.error or not isinstance(source, dict):
            reason = value.error or f"expected the document of a bulk file's action, found {kind_of(source)}"
            yield RawRow(value.position, uri, error=reason, line=value.text)
            continue
        yield RawRow(value.position, uri, {**source, "_id": meta["_id"]} if "_id" in meta else source, line=value.text)
    if action is not None:
        yield RawRow(1, reading.file.uri, error="the bulk file ends with an action that has no document; it is cut off")


def _value_rows(first: JsonValue, values: Iterator[JsonValue], reading: SourceReading) -> Iterator[RawRow]:
    second = next(values, None)
    if second is not None or first.inside or first.error:
        for value in chain((first,), () if second is None else (second,), values):
            yield from _rows_of(value, reading)
        return
    try:
        records = find_records(first.value, reading.mapping.records)
    except Unreadable as failed:
        yield RawRow(first.position, reading.file.uri, error=failed.reason, line=first.text)
        return
    if records.path and not reading.mapping.records:
        others = f"; left out: {', '.join(records.left_out)}" if records.left_out else ""
        reading.remarks.add(f"the records are those at '{records.path}'{others}", reading.file.source)
    for number, item in enumerate(records.items, 1):
        row = _row(number, f"{reading.file.uri}#{number}", item, first.text)
        if records.single:
            row = replace(row, id=reading.file.uri)
        elif records.ids and row.record is not None:
            row = replace(row, record={"id": records.ids[number - 1], **row.record}, meant=None)
        yield row


def _row(position: int, uri: str, item: Any, text: str) -> RawRow:
    """Return a value as a row; `text` is what it was read from."""
    if isinstance(item, dict):
        return RawRow(position, uri, item, line=text, meant=with_whole_letters(item, text))
    return RawRow(
        position, uri, error=f"expected an object, found {kind_of(item)}", line=json.dumps(item, ensure_ascii=False)
    )
