"""How a table is written and where it begins, decided by its first rows together, not by the first line alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from searchctl.sources.csv_rows import CsvDialect, CsvRow, Feed, RowParser
from searchctl.sources.streams import Line

_DELIMITERS = "\t;|,^~:"  # the ones that texts have by chance come last
_NO_SIGN = "\x1f"  # what no text has: one column
_MOST_ROWS = 200
_TITLE_ROWS = 20  # above the names of the columns, at most
_ALIKE = 0.15  # two signs whose rows are so nearly alike are told apart by their order above
_LARGEST = 10_000_000
_NUMERIC = re.compile(r"[-+]?[\d\s.,:/-]*\d[\d\s.,:/%-]*")


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's dialect, and how many rows stand above its header."""

    dialect: CsvDialect
    title_rows: int = 0


def shape_of(lines: Sequence[str], *, tabs: bool) -> Shape:
    """Return how a table with these first lines is written. `tabs`: its name says that tabs separate the cells."""
    if tabs:
        rows = _parsed(lines, CsvDialect("\t"))
        return Shape(CsvDialect("\t"), title_rows(rows))
    return _below_comments(lines) or _shape_of(lines)


def _below_comments(lines: Sequence[str]) -> Shape | None:
    """Return the shape of a table with comments above it, lines that begin with `#`; None for others.

    The last of them is the header where it has as many cells as the rows: `#id,text`.
    """
    below = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    comments = [line for line in lines[:below] if line.strip()]
    if not comments:
        return None
    shape = _shape_of(lines[below:])
    row = next(iter(_parsed(lines[below:], shape.dialect)), [])
    last = comments[-1]
    is_header = not last.startswith(("# ", "##")) and last.count(shape.dialect.delimiter) + 1 >= len(row)
    if is_header:
        return Shape(shape.dialect, len(comments) - 1)
    return Shape(shape.dialect, shape.title_rows + len(comments))


def _shape_of(lines: Sequence[str]) -> Shape:
    """Return how a table with these first lines is written, by the sign that fits them best."""
    candidates = [candidate for sign in _DELIMITERS if (candidate := _weighed(lines, sign)) is not None]
    if not candidates:
        return Shape(CsvDialect(_NO_SIGN))  # one column, whatever signs its texts have
    best = max(score for score, _ in candidates)
    shape = next(shape for score, shape in candidates if score >= best - _ALIKE)
    return Shape(_with_backslash(lines, shape.dialect), shape.title_rows)


def _weighed(lines: Sequence[str], sign: str) -> tuple[float, Shape] | None:
    """Return how well a sign fits: the share of rows that have as many cells as most. None where it separates no columns."""
    rows = _parsed(lines, CsvDialect(sign))
    widths = [len(row) for row in rows]
    usual, _ = (
        Counter(width for width in widths if width > 1).most_common(1)[0] if max(widths, default=0) > 1 else (1, 0)
    )
    if usual < 2:
        return None
    above = title_rows(rows)
    header = rows[above]
    if len(header) < 2 or (above and all(_NUMERIC.fullmatch(cell.strip()) for cell in header if cell.strip())):
        return None
    if (len(rows[0]) < 2 or above) and _is_prose(lines, sign):
        return None
    width = max(usual, len(header))
    whole = sum(found == width for found in widths[above:])
    some = sum(1 < found < width for found in widths[above:])
    score = (whole + some / 2) / len(widths[above:])
    return score - (0.5 if above and len(rows[0]) < 2 else 0), Shape(CsvDialect(sign), above)


def _is_prose(lines: Sequence[str], sign: str) -> bool:
    """Tell whether a sign stands as in sentences, before a blank."""
    text = "\n".join(lines[:_MOST_ROWS])
    return text.count(sign) > 0 and text.count(f"{sign} ") + text.count(f"{sign}\n") >= 0.8 * text.count(sign)


def title_rows(rows: Sequence[Sequence[str]]) -> int:
    """Return how many rows above the header are a title: their cells end long before those of the rows below."""
    reaches = [_reach(row) for row in rows[: _MOST_ROWS + _TITLE_ROWS]]
    for number, reach in enumerate(reaches[: _TITLE_ROWS + 1]):
        below = reaches[number + 1 :]
        if not below:
            return 0
        usual = median(below)
        short = reach * 2 <= usual or (reach == 1 and usual > 1)
        if not short or (usual < 3 and len(rows[number]) < 2):
            return number
    return 0


def _reach(row: Sequence[str]) -> int:
    """Return how many cells a row has up to its last one that isn't empty."""
    return next((place for place in range(len(row), 0, -1) if row[place - 1].strip()), 0)


def _with_backslash(lines: Sequence[str], dialect: CsvDialect) -> CsvDialect:
    """Return the dialect, with backslashes if that explains more of the rows."""
    if not any('\\"' in line for line in lines):
        return dialect
    other = CsvDialect(dialect.delimiter, backslash=True)
    return other if _misfits(lines, other) < _misfits(lines, dialect) else dialect


def _misfits(lines: Sequence[str], dialect: CsvDialect) -> int:
    """Return how many rows have quotes that don't match, or another number of cells than most."""
    parser, feed = RowParser(dialect), _feed(lines)
    widths: list[int] = []
    wrong = 0
    while (row := parser.row(feed, -1)) is not None and len(widths) < _MOST_ROWS:
        widths.append(len(row.cells))
        wrong += bool(row.error)
    usual = Counter(widths).most_common(1)[0][0] if widths else 0
    return wrong + sum(width != usual for width in widths)


def _parsed(lines: Sequence[str], dialect: CsvDialect) -> list[list[str]]:
    return [row.cells for row in _rows(lines, dialect)]


def _rows(lines: Sequence[str], dialect: CsvDialect) -> Iterator[CsvRow]:
    parser, feed = RowParser(dialect), _feed(lines)
    for _ in range(_MOST_ROWS):
        row = parser.row(feed)
        if row is None:
            return
        if any(map(str.strip, row.cells)):
            yield row


def _feed(lines: Sequence[str]) -> Feed:
    return Feed((Line(number, line) for number, line in enumerate(lines, 1)), _LARGEST)


def looks_like_table(text: str) -> bool:
    """Tell whether a text whose name says nothing is a table: several rows, all of one width, below names of columns."""
    lines = [line for line in text.lstrip("\ufeff").splitlines()[:50] if line.strip()]
    if len(lines) < 2:
        return False
    for sign in "\t;,":
        widths = {len(row) for row in _parsed(lines[:-1] if len(lines) > 3 else lines, CsvDialect(sign))}
        header = lines[0].split(sign)
        names = all(cell.strip() and len(cell) < 40 and not _NUMERIC.fullmatch(cell.strip()) for cell in header)
        if len(widths) == 1 and min(widths) > 1 and names and (sign != "," or not _is_prose(lines, sign)):
            return True
    return False
