"""Rows of any format on their way to documents: mapped, passed over where there is no text, failed one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeAlias, TypeVar

from searchctl.sources.dead_letter_format import is_letter
from searchctl.sources.dead_letter_format import opened as opened_letter
from searchctl.sources.mapping import NoText, RecordMapper
from searchctl.sources.model import EXCERPT, Failure, FieldMapping, Limits, Record, Remarks, SourceFile, Unreadable
from searchctl.sources.streams import Stream
from searchctl.translation import _
from searchctl.types import Scalar

_SAMPLE = 20
_MOST_FAILURES, _TIMES = (
    1000,
    9,
)  # where so many rows fail, and so many times those that don't, a source isn't what it seems
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One source being read: the file, its open stream, and what the user wants of it.

    `encoding` is that of its text, empty for formats that aren't text. With `live`, records are given as they come.
    """

    file: SourceFile
    stream: Stream
    mapping: FieldMapping
    limits: Limits
    remarks: Remarks
    encoding: str = ""
    boilerplate: bool = False
    live: bool = False


RowReader: TypeAlias = Callable[[SourceReading], "Iterator[Record | Failure]"]


@dataclass(frozen=True, slots=True)
class RawRow:
    """A record as it stands in its source. `error` says why there is none; `id` is the one it gets if it has no own.

    `line` is the text it was taken from, where it's a line. `meant` is what the record says where that isn't what stands
    there: cells that say NULL, for one.
    """

    position: int
    id: str
    record: Mapping[str, Any] | None = None
    error: str = ""
    line: str = ""
    meant: Mapping[str, Any] | None = None


def mapped(
    rows: Iterator[RawRow], reading: SourceReading, typed: Mapping[str, Callable[[str], Scalar | None]] | None = None
) -> Iterator[Record | Failure]:
    """Yield a record or failure for each row, but nothing for one without any text: those are counted as a remark.

    Where the mapping wants `every` row, those are failures too. `typed` says how the cells of a table are read; see `RecordMapper`.
    """
    mapper = RecordMapper(reading.mapping, reading.remarks, reading.file.source, typed)
    if not reading.live:
        sample, rest = looked_at(rows, _SAMPLE)
        mapper.learn([row.record for row in sample if row.record is not None])
        rows = chain(sample, rest)
    source = reading.file.source
    given = failed_rows = 0
    for row in rows:
        if failed_rows >= _MOST_FAILURES and failed_rows > _TIMES * given:
            raise Unreadable(
                _("{failed_rows:,} of the first {failed_rows2:,} rows can't be read; the others aren't tried").format(
                    failed_rows=failed_rows, failed_rows2=failed_rows + given
                )
            )
        if row.record is None:
            failed_rows += 1
            yield Failure(source, row.position, None, row.error, row.line[:EXCERPT], line=row.line)
            continue
        if is_letter(row.record):
            yield opened_letter(row.record, source, row.position)
            continue
        try:
            document = mapper.document(row.record if row.meant is None else row.meant, row.id)
        except NoText as empty:
            if reading.mapping.every:
                yield Failure(source, row.position, empty.id, empty.reason, row.line[:EXCERPT], row.record)
                continue
            reading.remarks.add("passed over: neither text nor title", source)
            reading.remarks.ids.add(empty.id or row.id)
        except Unreadable as failed:
            failed_rows += 1
            excerpt = (failed.excerpt or row.line or _shown(row.record))[:EXCERPT]
            yield Failure(source, row.position, failed.id, failed.reason, excerpt, row.record)
        else:
            given += 1
            yield Record(document, source, row.position, row.record)


def looked_at(rows: Iterator[_T], most: int) -> tuple[list[_T], Iterator[_T]]:
    """Return the first rows, `most` of them at most, and the others. An error among the first comes with the others."""
    first: list[_T] = []
    try:
        for row in rows:
            first.append(row)
            if len(first) == most:
                break
    except Exception as error:  # noqa: BLE001 - raised again once what stands before it has been used
        return first, _failing(error)
    return first, rows


def _failing(error: Exception) -> Iterator[Any]:
    raise error
    yield


def _shown(record: Mapping[str, Any]) -> str:
    """Return the beginning of a record, without spelling out all of it."""
    pairs = (f"{str(name)[:EXCERPT]!r}: {_short(value)}" for name, value in islice(record.items(), 10))
    return f"{{{', '.join(pairs)}}}"


def _short(value: object) -> str:
    if isinstance(value, (list, dict)):
        return "[…]" if isinstance(value, list) else "{…}"
    return repr(value[:EXCERPT] if isinstance(value, str) else value)
