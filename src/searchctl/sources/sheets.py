"""Excel workbooks: each sheet is a table, read as a CSV file is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from searchctl.sources.csv_dialect import title_rows
from searchctl.sources.csv_rows import CsvRow
from searchctl.sources.model import Failure, Record, Unreadable
from searchctl.sources.package import OLD_OFFICE, check_archive
from searchctl.sources.records import SourceReading, looked_at
from searchctl.sources.streams import whole
from searchctl.sources.tables import table_records
from searchctl.translation import _

_SAMPLE = 50
_MOST_COLUMNS = 16_384
_MOST_STRINGS = 200_000_000  # bytes of the texts of all cells, which are read as a whole


def read_sheets(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield the records of each sheet; raises Unreadable. Formulas give the values that Excel last saw."""
    import openpyxl

    data = whole(reading.stream, reading.limits.file)
    if data.startswith(OLD_OFFICE):
        raise Unreadable(
            _("the workbook has a password or is an old .xls; save it as .xlsx without one"), id=reading.file.uri
        )
    check_archive(data, "XLSX", {"xl/sharedStrings.xml": _MOST_STRINGS})
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged workbook can raise nearly anything
        raise Unreadable(
            _("broken XLSX: {value}").format(value=error or type(error).__name__), id=reading.file.uri
        ) from error
    try:
        given = 0
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                reading.remarks.add("hidden sheets left out", reading.file.source)
                continue
            for item in _sheet_records(sheet, reading, several=len(book.worksheets) > 1):
                given += 1
                yield item
        if not given:
            raise Unreadable(_("the workbook has no rows below names of columns"), id=reading.file.uri)
    finally:
        book.close()


def _sheet_records(sheet: Any, reading: SourceReading, *, several: bool) -> Iterator[Record | Failure]:
    sheet.reset_dimensions()  # what the file states may be wrong
    first, rest = looked_at(_rows(sheet), _SAMPLE)
    if len(first) < 2 and not rest:
        return
    above = title_rows([row.cells for row in first])
    rows = _chained(first[above:], rest)
    if len(first) - above < 2:
        if first:
            reading.remarks.add(f"sheet '{sheet.title}' left out: no rows below names of columns", reading.file.source)
        return
    prefix = f"{sheet.title}!" if several else ""
    try:
        yield from table_records(rows, reading, titles=above, prefix=prefix)
    except Unreadable as error:
        yield Failure(
            reading.file.source,
            first[0].number,
            None,
            _("sheet '{title}': {reason}").format(title=sheet.title, reason=error.reason),
            error.excerpt,
        )


def _chained(first: list[CsvRow], rest: Iterator[CsvRow]) -> Iterator[CsvRow]:
    yield from first
    yield from rest


def _rows(sheet: Any) -> Iterator[CsvRow]:
    try:
        for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS), 1):
            cells = [_text(value) for value in row]
            while cells and not cells[-1].strip():
                cells.pop()
            if cells:
                yield CsvRow(number, "", cells)
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, SyntaxError) as error:
        raise Unreadable(_("broken XLSX: {error}").format(error=error)) from error


def _text(value: Any) -> str:
    """Return a cell as a table of text has it: dates as ISO 8601, whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(timespec="seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
