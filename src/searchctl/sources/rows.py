"""JSON Lines and JSON: one object, one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from searchctl.sources.letters import is_letter, opened
from searchctl.sources.mapping import RecordMapper, kind_of
from searchctl.sources.model import Failure, FieldMapping, Limits, Record, SourceFile, Unreadable
from searchctl.sources.streams import Stream, lines, whole

_EXCERPT = 200
# NaN and infinity aren't JSON, but pandas writes them for what is missing.
_decode = json.JSONDecoder(parse_constant=lambda _: None).decode


def read_jsonl(
    file: SourceFile, stream: Stream, encoding: str, mapping: FieldMapping, limits: Limits
) -> Iterator[Record | Failure]:
    """Yield a record for each line that holds an object; blank lines are nothing."""
    mapper = RecordMapper(mapping)
    source, uri = file.source, file.uri
    for number, text, error in lines(stream, encoding, limits.record):
        raw: dict[str, Any] | None = None
        try:
            if error:
                raise Unreadable(error)
            if not text or text.isspace():
                continue
            raw = _object(text)
            if is_letter(raw):
                yield opened(raw, source, number)
                continue
            document = mapper.document(raw, f"{uri}#{number}")
        except Unreadable as failed:
            line = text if raw is None and not error else ""
            yield Failure(source, number, failed.id, failed.reason, failed.excerpt or text[:_EXCERPT], raw, line)
        else:
            yield Record(document, source, number, raw)


def _object(text: str) -> dict[str, Any]:
    value = _parsed(text)
    if not isinstance(value, dict):
        raise Unreadable(f'expected an object like {{"id": …, "text": …}}, found {kind_of(value)}')
    return value


def _parsed(text: str) -> Any:
    try:
        return _decode(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"broken JSON: {error.msg} at character {error.pos + 1}", text[max(0, error.pos - 100) :][:_EXCERPT]
        ) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"JSON that can't be read: {error}", text[:_EXCERPT]) from error


def read_json(
    file: SourceFile, stream: Stream, encoding: str, mapping: FieldMapping, limits: Limits
) -> Iterator[Record | Failure]:
    """Yield the records of a JSON file: an array of objects, an object that has one such array, or a single object."""
    mapper = RecordMapper(mapping)
    records, several = _records(_parsed(whole(stream, limits.file).decode(encoding, "replace")))
    for number, record in enumerate(records, 1):
        try:
            if not isinstance(record, dict):
                raise Unreadable(f"expected an object, found {kind_of(record)}")
            document = mapper.document(record, f"{file.uri}#{number}" if several else file.uri)
        except Unreadable as failed:
            excerpt = failed.excerpt or repr(record)[:_EXCERPT]
            yield Failure(
                file.source, number, failed.id, failed.reason, excerpt, record if isinstance(record, dict) else None
            )
        else:
            yield Record(document, file.source, number, record)


def _records(value: Any) -> tuple[list[Any], bool]:
    """Return the objects in a file's value, and whether it is a list of them."""
    if isinstance(value, list):
        return value, True
    if not isinstance(value, dict):
        raise Unreadable(f"expected an array of objects or an object, found {kind_of(value)}")
    arrays = [
        one for one in value.values() if isinstance(one, list) and one and all(isinstance(item, dict) for item in one)
    ]
    return (arrays[0], True) if len(arrays) == 1 else ([value], False)
