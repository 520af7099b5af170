"""Rows of texts, with or without labels, from the files people keep them in: CSV, JSON Lines, JSON, or one text a line."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from searchctl.errors import SourceError
from searchctl.fields import as_values
from searchctl.routing.examples import Example
from searchctl.sources import Failure, FieldMapping, Format, Limits, Record, Remarks, discover, read
from searchctl.sources.encodings import detect_lines
from searchctl.sources.mapping import listed
from searchctl.sources.model import STDIN
from searchctl.sources.records import SourceReading
from searchctl.sources.rows import read_jsonl
from searchctl.sources.streams import lines, opened
from searchctl.types import Value

LABEL_NAMES = ("label", "labels", "intent", "category", "class", "queue", "метка", "категория", "класс")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; empty and None stand for the usual names. `separator` cuts a cell into several labels."""

    text: tuple[str, ...] = ()
    label: str | None = None
    separator: str | None = None
    outside: str | None = None  # the label that means: none of the labels


@dataclass(frozen=True, slots=True)
class Row:
    """One text, what stood beside it, and its place in the source, from 1. `error` says why there is no text."""

    place: int
    text: str
    labels: tuple[str, ...] = ()
    data: Mapping[str, Value] = field(default_factory=dict)
    error: str = ""


def read_rows(path: str | Path, columns: Columns | None = None, format: Format | None = None) -> Iterator[Row]:
    """Yield the rows of a file, or of standard input ("-"), lazily. Raises SourceError for a file that can't be read."""
    usual: Format | None = "txt" if Path(path).suffix == "" and str(path) != STDIN else None
    (file,) = discover([str(path)], format=format or usual)
    columns = columns or Columns()
    mapping = FieldMapping(text=columns.text, apart=LABEL_NAMES if columns.label is None else (columns.label,))
    if file.format not in ("txt", "md") and not (file.is_stdin and file.format is None):
        yield from _table_rows(read(file, mapping), columns)
        return
    with opened(file, live=True) as stream:
        encoding = file.encoding or detect_lines(stream.head)
        if encoding is None:
            raise SourceError(f"{file.source} isn't text; give lines of text, CSV or JSON Lines")
        if file.format is None and stream.head.lstrip().startswith(b"{"):
            reading = SourceReading(file, stream, mapping, Limits(), Remarks(), encoding=encoding, live=True)
            yield from _table_rows(read_jsonl(reading), columns)
            return
        for line in lines(stream, encoding, Limits().record):
            if line.error:
                yield Row(line.number, "", error=line.error)
            elif line.text.strip():
                yield Row(line.number, line.text.strip())


def arriving(rows: Iterator[Row], most: int) -> Iterator[list[Row]]:
    """Yield rows in batches of up to `most`: of those that have come, so that a slow source's rows don't wait for others."""
    come: queue.Queue[Row | Exception | None] = queue.Queue(2 * most)

    def fetch() -> None:
        try:
            for row in rows:
                come.put(row)
            come.put(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader of the batches is told
            come.put(error)

    threading.Thread(target=fetch, daemon=True, name="searchctl-rows").start()
    while True:
        batch: list[Row] = []
        one = come.get()
        while isinstance(one, Row):
            batch.append(one)
            if len(batch) == most or come.empty():
                break
            one = come.get()
        if batch:
            yield batch
        if isinstance(one, Exception):
            raise one
        if one is None:
            return


def _table_rows(items: Iterator[Record | Failure], columns: Columns) -> Iterator[Row]:
    for one in items:
        if isinstance(one, Failure):
            yield Row(one.position, "", error=one.reason)
            continue
        document = one.document
        text = f"{document.title}\n{document.text}".strip() if document.title else document.text
        yield Row(one.position, text, _labels(document.fields, columns), dict(document.fields))


def _labels(fields: Mapping[str, Value], columns: Columns) -> tuple[str, ...]:
    usual = {name.lower(): name for name in reversed(tuple(fields))}
    name = columns.label or next((usual[one] for one in LABEL_NAMES if one in usual), None)
    if name is None or name not in fields:
        return ()
    found = [str(one).strip() for one in as_values(fields[name])]
    if columns.separator:
        found = [part.strip() for one in found for part in one.split(columns.separator)]
    return tuple(dict.fromkeys(one for one in found if one and one != columns.outside))


def read_examples(path: str | Path, columns: Columns | None = None, format: Format | None = None) -> list[Example]:
    """Return a file's labelled texts; rows whose label is that of outside texts have none.

    Raises SourceError for a row without a text or without a label, and when there is none.
    """
    columns = columns or Columns()
    found = []
    for row in read_rows(path, columns, format):
        if row.error:
            raise SourceError(f"{path}, row {row.place}: {row.error}")
        if not row.labels and not _is_outside(row, columns):
            raise SourceError(f"{path}, row {row.place} has no label; {_where_labels_are(row, columns)}")
        found.append(Example(row.text, row.labels))
    if not found:
        raise SourceError(f"{path} holds no examples; expected rows with a text and a label")
    return found


def _where_labels_are(row: Row, columns: Columns) -> str:
    name = columns.label or "label"
    if not row.data:
        return f"fill in its '{name}', leave the row out, or say how the rows are written, as in --format csv"
    return f"beside the text it has {listed(tuple(row.data))}: fill in its '{name}', or name the column with --label COLUMN"


def _is_outside(row: Row, columns: Columns) -> bool:
    if columns.outside is None:
        return False
    plain = replace(columns, outside=None)
    return columns.outside in _labels(row.data, plain)


def as_format(name: str | None) -> Format | None:
    """Return a format's name as its type."""
    return name
