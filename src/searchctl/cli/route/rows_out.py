"""Rows as `searchctl route predict` writes them: their own columns as they came, and those of their route after them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol

from searchctl.extras import require
from searchctl.notation import table_cell
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.router import Route
    from searchctl.routing.rows import Row

_MOST_CELL = 32_767  # characters, Excel's own limit
_COLUMNS = ("text", "label", "labels", "confidence", "top", "outside", "neighbours", "why", "error", "row")


def joined_row(row: Row, route: Route | None) -> dict[str, Any]:
    """Return a row's own values, unchanged and in order, and then those of its route."""
    own = _renamed(row.data)
    if route is None:
        found: dict[str, Any] = {"label": None, "error": row.error or "the row has no text", "row": row.place}
    else:
        found = as_json(route)
    if row.text not in own.values():  # joined of several columns
        found = {"text": row.text, **found}
    return {**own, **{_free(name, own): value for name, value in found.items()}}


def _renamed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's own columns in order; its label is called `given_label`, or with a number where that is taken."""
    if "label" not in data:
        return dict(data)
    name, number = "given_label", 2
    while name in data:
        name, number = f"given_label_{number}", number + 1
    return {name if own == "label" else own: value for own, value in data.items()}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    while name in taken:
        name = f"route_{name}"
    return name


def as_json(route: Route) -> dict[str, Any]:
    """Return a route as JSON values."""
    return {
        "label": route.label,
        "labels": list(route.labels),
        "confidence": round(route.confidence, 4),
        "top": [{"label": one.label, "confidence": round(one.confidence, 4)} for one in route.candidates],
        "outside": round(route.outside, 4),
        **({"set": list(route.label_set)} if route.label_set else {}),
        "neighbours": [
            {"id": one.id, "labels": list(one.labels), "similarity": round(one.similarity, 4), "text": one.text}
            for one in route.neighbours
        ],
        "why": route.why,
        **({"read_as": route.read_as} if route.read_as else {}),
    }


class Writer(Protocol):
    """Writes rows; `lost` are the names of values that had no place."""

    lost: set[str]

    def row(self, values: dict[str, Any]) -> None:
        """Write one row at once."""


class JsonWriter:
    """One JSON object a line."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.lost: set[str] = set()

    def row(self, values: dict[str, Any]) -> None:
        """Write one row at once."""
        self._file.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")
        self._file.flush()


class CsvWriter:
    """Flat columns: the best labels as `label:confidence`, sets with `|` between; the neighbours' texts stay out.

    A cell that a spreadsheet program would run as a formula gets a quote before it.

    `names` are the rows' own columns, where they are known beforehand; otherwise the first row tells them. With `excel`
    semicolons stand between cells, as Excel expects where a comma is the decimal sign.
    """

    def __init__(self, file: IO[str], names: Sequence[str] = (), *, excel: bool = False) -> None:
        self._file = file
        self._excel = excel
        self._own = dict.fromkeys(_renamed(dict.fromkeys(names)))
        self._writer: csv.DictWriter[str] | None = None
        self.lost: set[str] = set()

    def row(self, values: dict[str, Any]) -> None:
        """Write one row at once."""
        if self._writer is None:
            own = self._own
            new = [_free(name, own) for name in _COLUMNS]
            names = list(dict.fromkeys((*own, *values, *new)))
            sign, end = (";", "\r\n") if self._excel else (",", "\n")
            self._writer = csv.DictWriter(
                self._file, names, restval="", extrasaction="ignore", delimiter=sign, lineterminator=end
            )
            self._writer.writerow({name: table_cell(name) for name in names})
        self.lost |= values.keys() - set(self._writer.fieldnames)
        self._writer.writerow({name: table_cell(_cell(name, value)) for name, value in values.items()})
        self._file.flush()


class XlsxWriter:
    """The same columns in a workbook, which is written when the work is done. Raises MissingExtra without openpyxl."""

    def __init__(self, file: IO[bytes], names: Sequence[str] = ()) -> None:
        require("openpyxl", _("writing .xlsx"), "office")
        from openpyxl import Workbook

        self._file = file
        self._own = dict.fromkeys(_renamed(dict.fromkeys(names)))
        self._names: list[str] = []
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("routes")
        self.lost: set[str] = set()

    def row(self, values: dict[str, Any]) -> None:
        """Take one row."""
        if not self._names:
            self._names = list(dict.fromkeys((*self._own, *values, *(_free(name, self._own) for name in _COLUMNS))))
            self._sheet.append([self._plain(name) for name in self._names])
        self.lost |= values.keys() - set(self._names)
        self._sheet.append([self._value(name, values.get(name)) for name in self._names])

    def close(self) -> None:
        """Write the workbook."""
        self._book.save(self._file)

    def _value(self, name: str, value: Any) -> Any:
        return value if isinstance(value, (int, float)) else self._plain(_cell(name, value))

    def _plain(self, text: str) -> Any:
        """Return text as a cell that is no formula, without what a workbook can't hold."""
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        cell = WriteOnlyCell(self._sheet, ILLEGAL_CHARACTERS_RE.sub(" ", text)[:_MOST_CELL])
        cell.data_type = "s"
        return cell


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name in ("top", "route_top") and _dicts(value):
        return "|".join(f"{one['label']}:{one['confidence']}" for one in value)
    if name in ("neighbours", "route_neighbours") and _dicts(value):
        return "|".join(one["id"] for one in value)
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return "|".join(value)
    if isinstance(value, (list, tuple, dict, bool)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def _dicts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)
