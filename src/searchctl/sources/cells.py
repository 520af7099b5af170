"""What the cells of a column are, by the first rows: numbers, truth values, dates that `notation` can't tell alone, or text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from searchctl.notation import column_kind, is_nothing, parse_date, read_cell
from searchctl.types import Scalar

CellReader: TypeAlias = Callable[[str], "Scalar | None"]

NOTHING = frozenset(("NULL", "\\N", "<NULL>", "(null)", "#N/A"))  # in a column of texts; elsewhere, see `notation`
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/\d{4}( \d{1,2}:\d{2}(:\d{2})?)?")
_THREE_DIGITS = re.compile(r"-?[1-9]\d{0,2},\d{3}|-?\d{1,3}")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_AS_TEXT = re.compile(r'="([^"]*)"')  # how programs keep a spreadsheet from taking a code for a number
_YEAR = re.compile(r"(?:19|20)\d\d")


def cell_readers(columns: Mapping[str, Iterable[str]]) -> tuple[dict[str, CellReader], dict[str, str]]:
    """Return how the cells of each column that isn't text are read, and doubts about columns that stay text.

    A reader gives None for a cell that holds nothing, and a cell that isn't of the column's kind as it is.
    """
    readers: dict[str, CellReader] = {}
    doubts: dict[str, str] = {}
    for name, cells in columns.items():
        known = {cell.strip() for cell in cells if not is_nothing(cell, typed=True)}
        kind = column_kind(known)
        if kind is not None:
            readers[name] = partial(read_cell, kind=kind)
        elif any("," in cell for cell in known) and all(map(_THREE_DIGITS.fullmatch, known)):
            doubts[name] = "1,234 may be a thousand or one and a bit: kept as text"
        elif known and all(map(_SLASHED.fullmatch, known)):
            order = _order(known)
            if order is None:
                doubts[name] = "3/4/2026 may be in March or in April: kept as text"
            else:
                readers[name] = partial(_slashed_date, order=order)
    return readers, doubts


def plain_cells(cells: Sequence[str]) -> Sequence[str]:
    """Return a row's cells; of one written as a formula that is a text, `="00123"`, the text."""
    if not any(cell.startswith('="') for cell in cells):
        return cells
    return [formula[1] if (formula := _AS_TEXT.fullmatch(cell.strip())) else cell for cell in cells]


def is_data(cell: str, reader: CellReader | None) -> bool:
    """Tell whether a cell of the first row is a value of its column, not its name; years are names of columns too."""
    text = cell.strip()
    return reader is not None and bool(text) and not _YEAR.fullmatch(text) and reader(text) not in (None, text)


def _order(cells: Iterable[str]) -> str | None:
    """Return whether days or months come first, None where both may."""
    possible = [order for order in ("%d/%m/%Y", "%m/%d/%Y") if all(_parsed(cell, order) is not None for cell in cells)]
    return possible[0] if len(possible) == 1 else None


def _parsed(cell: str, order: str) -> str | None:
    return parse_date(cell, order + _CLOCKS[cell.count(":")])


def _slashed_date(text: str, order: str) -> str | None:
    if is_nothing(text, typed=True):
        return None
    cell = text.strip()
    return (_parsed(cell, order) if _SLASHED.fullmatch(cell) else None) or cell
