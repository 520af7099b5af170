"""Rows of texts, with or without labels, from the files people keep them in: CSV, JSON Lines, JSON, or one text a line."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from searchctl.errors import SearchctlError, SourceError
from searchctl.routing.examples import Example, example_document
from searchctl.routing.labels import listed_labels, spelt
from searchctl.sources import Failure, FieldMapping, Format, Limits, Record, Remarks, discover, read
from searchctl.sources.encodings import detect_lines
from searchctl.sources.mapping import is_usual_text, listed
from searchctl.sources.model import STDIN
from searchctl.sources.records import SourceReading
from searchctl.sources.rows import read_jsonl
from searchctl.sources.streams import lines, opened
from searchctl.translation import _
from searchctl.types import Document

LABEL_NAMES = ("label", "labels", "intent", "category", "class", "queue", "метка", "категория", "класс")
_MISSING = frozenset({"nan", "none", "null", "nat", "<na>", "#n/a"})  # as pandas, SQL and Excel write an empty cell
_WHOLE = re.compile(r"(-?\d+)\.0+")
_DECIMAL = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; empty and None stand for the usual names. `separator` cuts a cell into several labels.

    A `label` like `group/topic` that is no column itself names the columns of its levels, the uppermost first.
    """

    text: tuple[str, ...] = ()
    label: str | None = None
    separator: str | None = None
    outside: str | None = None  # the label that means: none of the labels

    @property
    def levels(self) -> tuple[str, ...]:
        """The columns of a label's levels, as in `group/topic`; none where one column holds it."""
        return tuple(map(str.strip, self.label.split("/"))) if self.label and "/" in self.label else ()

    def means_outside(self, label: str) -> bool:
        """Tell whether a label is the one that means: none of the labels."""
        return self.outside is not None and spelt(label) == spelt(self.outside)


@dataclass(frozen=True, slots=True)
class Row:
    """One text, the row it stood in, and its place in the source, from 1.

    `data` is the row as it was read: every column, unchanged; empty for a line of text. `error` says why there is no text.
    `guessed` are the columns that were taken for text where none has a usual name and none was asked for.
    """

    place: int
    text: str
    labels: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that gave no example: its place in the source, from 1, and why."""

    place: int
    reason: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """The examples of a file in order, the rows that gave none, and the columns that were taken for text, where that is a guess."""

    examples: tuple[Example, ...]
    skipped: tuple[SkippedRow, ...] = ()
    guessed: tuple[str, ...] = ()


def read_rows(path: str | Path, columns: Columns | None = None, format: Format | None = None) -> Iterator[Row]:
    """Yield the rows of a file, or of standard input ("-"), lazily. Raises SourceError for a file that can't be read."""
    usual: Format | None = "txt" if Path(path).suffix == "" and str(path) != STDIN else None
    (file,) = discover([str(path)], format=format or usual)
    columns = columns or Columns()
    apart = LABEL_NAMES if columns.label is None else (columns.label, *columns.levels)
    mapping = FieldMapping(text=columns.text, apart=apart, every=True)
    if file.format not in ("txt", "md") and not (file.is_stdin and file.format is None):
        yield from _table_rows(read(file, mapping), columns)
        return
    with opened(file, live=True) as stream:
        encoding = file.encoding or detect_lines(stream.head)
        if encoding is None:
            raise SourceError(
                _("{source} isn't text; give lines of text, CSV or JSON Lines").format(source=file.source)
            )
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
        except Exception as error:  # whatever it is, the reader of the batches is told
            come.put(error)

    threading.Thread(target=fetch, daemon=True, name="searchctl-rows").start()
    while True:
        batch: list[Row] = []
        item = come.get()
        while isinstance(item, Row):
            batch.append(item)
            if len(batch) == most or come.empty():
                break
            item = come.get()
        if batch:
            yield batch
        if isinstance(item, Exception):
            raise item
        if item is None:
            return


def _table_rows(items: Iterator[Record | Failure], columns: Columns) -> Iterator[Row]:
    for item in items:
        raw = dict(item.raw or {})
        if isinstance(item, Failure):
            yield Row(item.position, "", _labels(raw, columns), raw, item.reason)
            continue
        document = item.document
        text = document.text if columns.text else f"{document.title}\n{document.text}"
        yield Row(item.position, text.strip(), _labels(raw, columns), raw, guessed=_guessed(document, raw, columns))


def _guessed(document: Document, data: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    """Return which columns of a row became its text for want of a better one."""
    if columns.text or any(map(is_usual_text, data)):
        return ()
    label = label_column(data, columns)
    return tuple(
        name
        for name, value in data.items()
        if isinstance(value, str)
        and value.strip()
        and name not in (label, *columns.levels)
        and value in (document.title, *document.text.split("\n"))
    )


def label_column(names: Mapping[str, Any], columns: Columns) -> str | None:
    """Return the column that holds a row's label: the one asked for, or the first with a usual name; None for none."""
    if columns.label is not None:
        return columns.label if columns.label in names else None
    usual = {name.lower(): name for name in reversed(tuple(names))}
    return next((usual[name] for name in LABEL_NAMES if name in usual), None)


def _labels(data: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    name = label_column(data, columns)
    if name is None:
        return _label_of_levels(data, columns)
    value = data[name]
    if isinstance(value, str):
        value = listed_labels(value) or [value]
    cells = [spelt(str(cell)) for cell in (value if isinstance(value, list) else [value]) if cell is not None]
    if columns.separator:
        cells = [spelt(part) for cell in cells for part in cell.split(columns.separator)]
    return tuple(
        dict.fromkeys(cell for cell in cells if cell and not columns.means_outside(cell) and not is_missing(cell))
    )


def _label_of_levels(data: Mapping[str, Any], columns: Columns) -> tuple[str, ...]:
    """Return a row's label from the columns of its levels, as far down as cells are filled; a slash within one becomes a dash."""
    if not columns.levels or not all(name in data for name in columns.levels):
        return ()
    cells = ["" if data[name] is None else str(data[name]).strip() for name in columns.levels]
    filled = list(takewhile(lambda cell: cell and not is_missing(cell), cells))
    label = spelt("/".join(re.sub(r" ?/ ?", "-", cell) for cell in filled))
    return (label,) if label and not columns.means_outside(label) else ()


def is_missing(label: str) -> bool:
    """Return whether a cell says that there is no label: `nan`, `None`, `NULL` and the like, in any case of letters."""
    return label.casefold() in _MISSING


def read_examples(path: str | Path, columns: Columns | None = None, format: Format | None = None) -> LabelledFile:
    """Read a file's labelled texts; rows whose label is that of outside texts have none.

    A row that can't be read, or has no text, no label, or a label that can't be one, is skipped and reported.
    Raises SourceError when no row gives an example.
    """
    columns = columns or Columns()
    examples: list[Example] = []
    skipped: list[SkippedRow] = []
    unlabelled: Row | None = None
    guessed: dict[str, None] = {}
    for row in read_rows(path, columns, format):
        if reason := _unusable(row, columns):
            skipped.append(SkippedRow(row.place, reason))
            if unlabelled is None and not row.error and not row.labels:
                unlabelled = row
        else:
            examples.append(Example(row.text, row.labels))
            guessed |= dict.fromkeys(row.guessed)
    if not examples:
        if unlabelled is not None:
            hint = _where_labels_are(unlabelled, columns)
            raise SourceError(
                _("{path}, row {place} has no label; {hint}").format(path=path, place=unlabelled.place, hint=hint)
            )
        if skipped:
            raise SourceError(
                _("{path} holds no examples; row {place}: {reason}").format(
                    path=path, place=skipped[0].place, reason=skipped[0].reason
                )
            )
        raise SourceError(_("{path} holds no examples; expected rows with a text and a label").format(path=path))
    return LabelledFile(tuple(_whole_numbers(examples)), tuple(skipped), tuple(guessed))


def _unusable(row: Row, columns: Columns) -> str:
    """Return why a row gives no example; empty where it gives one."""
    if row.error:
        return row.error
    if not row.text:
        return "the row has no text"
    if not row.labels and not _is_outside(row, columns):
        name = label_column(row.data, columns)
        value = row.data.get(name) if name is not None else None
        return f"the row has no label: {value!r} says that there is none" if value else "the row has no label"
    if _holds_object(row, columns):
        return "the label is an object; give its name, or a list of names"
    try:
        example_document(Example(row.text, row.labels))
    except SearchctlError as error:
        return str(error)
    return ""


def _holds_object(row: Row, columns: Columns) -> bool:
    name = label_column(row.data, columns)
    value = row.data[name] if name is not None else None
    return any(isinstance(cell, (dict, list)) for cell in (value if isinstance(value, list) else [value]))


def _whole_numbers(examples: list[Example]) -> list[Example]:
    """Return examples in which `1.0` is `1`, unless labels have other decimals: spreadsheets write both for one number."""
    decimals = {label for example in examples for label in example.labels if _DECIMAL.fullmatch(label)}
    if not decimals or not all(_WHOLE.fullmatch(label) for label in decimals):
        return examples
    return [
        replace(example, labels=tuple(dict.fromkeys(_WHOLE.sub(r"\1", label) for label in example.labels)))
        if any(_WHOLE.fullmatch(label) for label in example.labels)
        else example
        for example in examples
    ]


def _where_labels_are(row: Row, columns: Columns) -> str:
    name = columns.label or "label"
    if not row.data:
        return f"fill in its '{name}', leave the row out, or say how the rows are written, as in --format csv"
    return f"the row has {listed(tuple(row.data))}: fill in its '{name}', or name the column with --label COLUMN"


def _is_outside(row: Row, columns: Columns) -> bool:
    name = label_column(row.data, columns)
    return name is not None and columns.means_outside(str(row.data[name]))


def as_format(name: str | None) -> Format | None:
    """Return a format's name as its type."""
    return name
