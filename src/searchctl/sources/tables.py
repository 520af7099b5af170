"""CSV and TSV: one row, one document. A row that is wrong costs that row alone, whatever its quotes say."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from searchctl.notation import ColumnKind, column_kind, read_cell
from searchctl.sources.mapping import RecordMapper, listed
from searchctl.sources.model import Failure, FieldMapping, Limits, Record, SourceFile, Unreadable, size_of
from searchctl.sources.streams import Line, Stream, lines
from searchctl.types import Value

csv.field_size_limit(
    2**31 - 1
)  # records are limited here, by `Limits.record`; the module's own limit is 128 kB a field

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 1000
_EXCERPT = 200


def read_table(
    file: SourceFile, stream: Stream, encoding: str, mapping: FieldMapping, limits: Limits
) -> Iterator[Record | Failure]:
    """Yield a record for each row; the first row names the columns.

    The delimiter is the sign that is most frequent in the first row. A column whose cells are all numbers (or all true and
    false) in the first 64 KB gives numbers (or booleans), also with a decimal comma; an empty cell gives nothing, nor does NULL or N/A in
    such a column.
    """
    feed = _Feed(lines(stream, encoding, limits.record), limits.record)
    delimiter = _delimiter(feed, tabs=file.format == "tsv")
    rows = _rows(feed, delimiter)
    columns = _columns(next(rows, None), mapping)
    kinds = _kinds(columns, stream.head.decode(encoding, "replace"), delimiter)
    mapper = RecordMapper(mapping)
    for row in rows:
        raw: dict[str, str] | None = None
        try:
            raw = _record(columns, row)
            document = mapper.document(raw, f"{file.uri}#{row.number}")
        except Unreadable as failed:
            yield Failure(
                file.source, row.number, failed.id, failed.reason, row.text[:_EXCERPT], raw, "" if raw else row.text
            )
        else:
            cells = {name: _typed(value, kinds.get(name)) for name, value in document.fields.items()}
            fields = {name: cell for name, cell in cells.items() if cell is not None}
            yield Record(replace(document, fields=fields), file.source, row.number, raw)


class _Row(NamedTuple):
    """A row's cells, or why it has none; the number and text of its first line."""

    number: int
    text: str
    cells: list[str]
    error: str = ""


class _Feed:
    """Gives lines to the csv module and remembers those of the current row, so that they can be given again."""

    def __init__(self, source: Iterator[Line], limit: int) -> None:
        self._source = source
        self._again: deque[Line] = deque()
        self._limit = limit
        self._left = limit
        self.row: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self.row.append(line)
        self._left -= len(line.text) + 1
        if line.error:
            raise Unreadable(line.error)
        if self._left < 0:
            raise Unreadable(f"a cell goes on for {size_of(self._limit)}: its closing quote is missing")
        return line.text + "\n"

    def begin_row(self) -> None:
        """Forget the row before."""
        self.row, self._left = [], self._limit

    def give_again(self, count: int) -> None:
        """Give the last `count` lines of this row once more."""
        self._again.extendleft(reversed(self.row[len(self.row) - count :]))


def _delimiter(feed: _Feed, *, tabs: bool) -> str:
    """Return the sign between cells, by the first line, which is given again unless it is Excel's `sep=;`."""
    first = next(feed, "")
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        return first[4]
    feed.give_again(len(feed.row))
    outside = re.sub(r'"[^"]*"', "", first)
    return "\t" if tabs else max(_DELIMITERS, key=outside.count)


def _rows(feed: _Feed, delimiter: str) -> Iterator[_Row]:
    """Yield the rows that aren't blank. After one with wrong quotes, reading goes on with the line after its first."""
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin_row()
        try:
            cells, error = next(reader), ""
        except StopIteration:
            return
        except (csv.Error, Unreadable) as failed:
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            feed.give_again(len(feed.row) - 1)
            # Many programs write tabs without any quoting, so that a quote there is just a quote.
            unquoted = delimiter == "\t" and not feed.row[0].error
            cells, error = (feed.row[0].text.split("\t"), "") if unquoted else ([], str(failed))
        if error or any(map(str.strip, cells)):
            yield _Row(feed.row[0].number, feed.row[0].text, cells, error)


def _columns(header: _Row | None, mapping: FieldMapping) -> list[str]:
    """Return the columns' names, all different; raises Unreadable when there are none or one that was asked for isn't there."""
    if header is None:
        raise Unreadable("the file is empty: no row names the columns")
    if header.error:
        raise Unreadable(
            f"the first row, which names the columns, can't be read: {header.error}", header.text[:_EXCERPT]
        )
    names: list[str] = []
    for place, cell in enumerate(header.cells, 1):
        name = cell.strip() or f"column {place}"
        names.append(name if name not in names else f"{name} {place}")
    asked = [one for one in (mapping.id, mapping.title, *mapping.text, *(mapping.keep or ())) if one]
    missing = [one for one in asked if one not in names]
    if missing:
        raise Unreadable(f"no column {listed(missing)}; the first row has: {listed(names)}", header.text[:_EXCERPT])
    return names


def _record(columns: Sequence[str], row: _Row) -> dict[str, str]:
    if row.error:
        raise Unreadable(f"broken row: {row.error}")
    cells = row.cells
    if len(cells) != len(columns) and (len(cells) < len(columns) or any(cells[len(columns) :])):
        raise Unreadable(f"the row has {len(cells)} cells, the first row has {len(columns)}")
    return dict(zip(columns, cells, strict=False))


def _kinds(columns: Sequence[str], head: str, delimiter: str) -> dict[str, ColumnKind]:
    """Return the columns of numbers and of booleans, as far as the head of the file shows."""
    complete = head[: head.rfind("\n") + 1] or head
    sample: dict[str, set[str]] = {name: set() for name in columns}
    try:
        for row in islice(csv.reader(io.StringIO(complete), delimiter=delimiter), 1, _SAMPLE_ROWS):
            if len(row) == len(columns):
                for name, cell in zip(columns, row, strict=True):
                    sample[name].add(cell)
    except csv.Error:
        pass  # what came before the damage is sample enough
    kinds = {name: column_kind(cells) for name, cells in sample.items()}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _typed(value: Value, kind: ColumnKind | None) -> Value | None:
    """Return a cell as its column's kind; as it is when it isn't of that kind, None when it holds nothing."""
    return read_cell(value, kind) if isinstance(value, str) else value
