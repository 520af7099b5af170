"""CSV and TSV: one row, one document. A row that is wrong costs that row alone, whatever its quotes say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from searchctl.sources.cells import NOTHING, CellReader, cell_readers, is_data, plain_cells
from searchctl.sources.csv_dialect import Shape, shape_of
from searchctl.sources.csv_rows import CsvDialect, CsvRow, Feed, RowParser
from searchctl.sources.mapping import listed
from searchctl.sources.model import EXCERPT, Failure, FieldMapping, Record, Unreadable
from searchctl.sources.records import RawRow, SourceReading, looked_at, mapped
from searchctl.sources.streams import lines
from searchctl.suggest import did_you_mean
from searchctl.translation import _

_SAMPLE_ROWS = 1000
_SAMPLE_CELLS = 100_000
_MOST_TYPED = 10_000  # columns; no more are kept as fields anyway
_DECLARED = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)


def read_table(reading: SourceReading) -> Iterator[Record | Failure]:
    r"""Yield a record for each row; the first row that isn't a title names the columns.

    How cells are separated and quoted is decided by the first rows together. A column whose cells are all numbers, dates or
    truth values in the first 1,000 rows gives those; an empty cell, NULL and \N give nothing.
    """
    feed = Feed(lines(reading.stream, reading.encoding, reading.limits.record), reading.limits.record)
    shape = _shape(reading, feed)
    rows = _rows(feed, RowParser(shape.dialect), shape.title_rows)
    titles = list(islice(rows, shape.title_rows))
    yield from table_records(rows, reading, titles=len(titles))


def _shape(reading: SourceReading, feed: Feed) -> Shape:
    """Return how the table is written; Excel's first line `sep=;` says it, and is read over."""
    text = reading.stream.head.decode(reading.encoding, "replace").lstrip("\ufeff")
    head = re.split("\r\n|\n|\r", text)
    if declared := _DECLARED.fullmatch(head[0]):
        feed.next_line()
        head = head[1:]
    if len(head) > 2:
        head = head[:-1]  # the last line may be cut
    if declared:
        dialect = CsvDialect(declared.group(1))
        return Shape(dialect)
    return shape_of(head, tabs=reading.file.format == "tsv")


def _rows(feed: Feed, parser: RowParser, title_rows: int) -> Iterator[CsvRow]:
    """Yield the rows that aren't blank; those below the header are to have as many cells as it has."""
    columns = count = 0
    while (row := parser.row(feed, columns)) is not None:
        if row.error or any(map(str.strip, row.cells)):
            count += 1
            if count > title_rows and not columns:
                columns = len(row.cells)
            yield row


@dataclass(frozen=True, slots=True)
class TableColumns:
    """A table's columns: their names, all different, and how cells of those that aren't text are read."""

    names: tuple[str, ...]
    readers: Mapping[str, CellReader]


def table_records(
    rows: Iterator[CsvRow], reading: SourceReading, *, titles: int = 0, prefix: str = ""
) -> Iterator[Record | Failure]:
    """Yield the records of rows whose first one names the columns. `prefix` goes before the number of a row in its id.

    Raises Unreadable when no row names columns, or one that was asked for isn't there.
    """
    header = next(rows, None)
    names = _names(header, reading.mapping)
    sample, rest = looked_at(rows, max(1, min(_SAMPLE_ROWS, _SAMPLE_CELLS // len(names))))
    fitting = [plain_cells(row.cells) for row in sample if not row.error and not _has_more_cells(row.cells, names)]
    cells = {
        name: [row[column] for row in fitting if column < len(row)] for column, name in enumerate(names[:_MOST_TYPED])
    }
    readers, doubts = cell_readers(cells)
    source, remarks = reading.file.source, reading.remarks
    if header is not None:
        _check_header(header, names, readers, reading)
    if reading.mapping.records:
        remarks.add("--records means nothing for a table", source)
    if titles:
        remarks.add(f"passed over: {titles} rows above the names of the columns", source)
    for name, doubt in doubts.items():
        remarks.add(f"column '{name}': {doubt}", source)
    columns = TableColumns(names, readers)
    table = (_row(row, columns, header, reading, prefix) for row in chain(sample, rest))
    yield from mapped((row for row in table if row is not None), reading, readers)


def _names(header: CsvRow | None, mapping: FieldMapping) -> tuple[str, ...]:
    if header is None:
        raise Unreadable(_("the file is empty: no row names the columns"))
    if header.error:
        raise Unreadable(
            _("the first row, which names the columns, can't be read: {error}").format(error=header.error),
            header.text[:EXCERPT],
        )
    names: dict[str, None] = {}
    for column, cell in enumerate(header.cells, 1):
        name = cell.strip() or f"column {column}"
        names[name if name not in names else f"{name} {column}"] = None
    wanted = [name for name in (mapping.id, mapping.title, *mapping.text, *(mapping.keep or ())) if name]
    missing = [name for name in wanted if name not in names]
    if missing:
        near = did_you_mean(missing[0], names, "")
        raise Unreadable(
            _("no column {listed}; the first row has: {listed2}{what}").format(
                listed=listed(missing), listed2=listed(tuple(names)), what=f"; {near}" if near else ""
            ),
            header.text[:EXCERPT],
        )
    return tuple(names)


def _check_header(
    header: CsvRow, names: Sequence[str], readers: Mapping[str, CellReader], reading: SourceReading
) -> None:
    """Raise Unreadable where the first row is one of the data: else its document would be lost unsaid."""
    mapping = reading.mapping
    if mapping.id or mapping.title or mapping.text:
        return
    data = [name for name, cell in zip(names, header.cells, strict=False) if is_data(cell, readers.get(name))]
    if data:
        raise Unreadable(
            _("the first row looks like data, not like names of columns: {listed}; put a row of names above it").format(
                listed=listed(data)
            ),
            header.text[:EXCERPT],
        )


def _row(
    row: CsvRow, columns: TableColumns, header: CsvRow | None, reading: SourceReading, prefix: str
) -> RawRow | None:
    """Return a row as a record by the columns' names, None for the header once more."""
    uri = f"{reading.file.uri}#{prefix}{row.number}"
    source, names, cells = reading.file.source, columns.names, row.cells
    if row.error:
        return RawRow(row.number, uri, error=f"broken row: {row.error}", line=row.text)
    if header is not None and cells == header.cells:
        reading.remarks.add("passed over: the names of the columns once more, as a row", source)
        return None
    if _has_more_cells(cells, names):
        reason = _("the row has {count} cells, the first row has {count2}").format(count=len(cells), count2=len(names))
        return RawRow(row.number, uri, error=reason, line=row.text)
    if len(cells) < len(names):
        reading.remarks.add("rows with fewer cells than there are columns: the last ones are taken as empty", source)
    record = dict(zip(names, cells, strict=False))
    plain = plain_cells(cells)
    nothing: list[str] = []
    if len(names) > 1 and not NOTHING.isdisjoint(cells):
        nothing = [name for name, cell in record.items() if cell in NOTHING]
    meant = None
    if nothing or len(cells) < len(names) or plain is not cells:
        said = dict(zip(names, plain, strict=False))
        meant = {name: "" if name in nothing else said.get(name, "") for name in names}
    return RawRow(row.number, uri, record, line=row.text, meant=meant)


def _has_more_cells(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether a row has cells that no column is for; empty ones don't count."""
    return len(cells) > len(names) and any(map(str.strip, cells[len(names) :]))
