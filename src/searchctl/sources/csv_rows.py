"""Lines to rows of cells, as spreadsheets, databases and people write them.

Not by Python's `csv`: that one stops at a stray quote or drops it, knows no backslash beside doubled quotes, and limits
cells for the whole process. Time grows with the size of the input alone.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from searchctl.sources.model import Unreadable, size_of
from searchctl.sources.streams import Line
from searchctl.translation import _


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How a table is written: the sign between cells, and whether a backslash before a quote makes it a plain sign."""

    delimiter: str
    backslash: bool = False


class CsvRow(NamedTuple):
    """A row's cells, or why it has none; its number as spreadsheets count, from 1 and blank ones too, and its first line's text."""

    number: int
    text: str
    cells: list[str]
    error: str = ""


class Feed:
    """Gives lines and remembers those of the current row, so that they can be given again."""

    def __init__(self, source: Iterator[Line], limit: int) -> None:
        self._source = source
        self._again: deque[Line] = deque()
        self._limit = limit
        self._left = limit
        self.row: list[Line] = []
        self.rows = 0  # that have begun

    def next_line(self) -> Line | None:
        """Return the next line, None at the end; raises Unreadable where the row grows beyond the limit."""
        line = self._again.popleft() if self._again else next(self._source, None)
        if line is None:
            return None
        self.row.append(line)
        self._left -= len(line.text) + 1
        if line.error:
            raise Unreadable(line.error)
        if self._left < 0:
            raise Unreadable(
                _("a cell goes on for {size}: its closing quote is missing").format(size=size_of(self._limit))
            )
        return line

    def more(self) -> bool:
        """Tell whether there is another line."""
        if not self._again and (line := next(self._source, None)) is not None:
            self._again.append(line)
        return bool(self._again)

    def begin_row(self) -> None:
        """Forget the row before."""
        self.row, self._left = [], self._limit
        self.rows += 1

    def give_again(self, count: int) -> None:
        """Give the last `count` lines of this row once more."""
        if count:
            self._again.extendleft(reversed(self.row[-count:]))


class RowParser:
    """Cuts lines into cells by one dialect."""

    def __init__(self, dialect: CsvDialect) -> None:
        sign = re.escape(dialect.delimiter)
        content = r'[^"\\]*(?:(?:""|\\.)[^"\\]*)*' if dialect.backslash else r'[^"]*(?:""[^"]*)*'
        self._delimiter = dialect.delimiter
        self._backslash = dialect.backslash
        # A cell is quoted as a whole, or has no quote at its beginning; behind it comes the sign between cells or the end.
        self._cell = re.compile(rf' *"({content})" *({sign}|\Z)|(?! *")([^{sign}]*)({sign}|\Z)', re.DOTALL)
        self._open = re.compile(rf' *"{content}\\?\Z', re.DOTALL)
        self._begun = re.compile(rf'(?:^|{sign}) *"[^"]*\Z')
        self._single = re.compile(rf'{content}"', re.DOTALL)
        self._loose = re.compile(rf' *"(.*?)" *({sign}|\Z)|([^{sign}]*)({sign}|\Z)')
        self._escaped = re.compile(r'""|\\(["\\])' if dialect.backslash else '""')

    def row(self, feed: Feed, columns: int = 0) -> CsvRow | None:
        """Return the next row, None at the end. After one with wrong quotes, reading goes on with the line after its first.

        Where quotes are no quoting (inch marks, names), the row is cut at its delimiters, if that gives `columns` cells.
        """
        feed.begin_row()
        try:
            line = feed.next_line()
            if line is None:
                return None
            cells = self._cells(line.text, feed)
        except Unreadable as failed:
            cells, error = None, failed.reason
        else:
            error = "its quotes don't match"
        first = feed.row[0]
        if cells is not None:
            return CsvRow(feed.rows, first.text, cells)
        if first.error:
            feed.give_again(len(feed.row) - 1)
            return CsvRow(feed.rows, first.text, [], first.error)
        cells = self._unquoted(first.text, columns)
        if self._is_cut_off(feed, columns):
            return CsvRow(feed.rows, first.text, [], "a closing quote is missing, up to the end of the file")
        feed.give_again(len(feed.row) - 1)
        return CsvRow(feed.rows, first.text, cells or [], "" if cells else error)

    def _is_cut_off(self, feed: Feed, columns: int) -> bool:
        """Tell whether a cell goes on to the end: in the last line, or over lines that are no rows by themselves."""
        if self._delimiter == "\t" or feed.more():
            return False
        if len(feed.row) == 1:
            return self._begun.search(feed.row[0].text) is not None
        return all(line.text.count(self._delimiter) + 1 != columns for line in feed.row[1:3])

    def _cells(self, text: str, feed: Feed) -> list[str] | None:
        """Return the cells of the row that begins with this line; None where its quotes are wrong."""
        if '"' not in text:
            return text.split(self._delimiter)
        cells: list[str] = []
        position = 0
        while True:
            cell = self._cell.match(text, position)
            if cell is None:
                if self._open.match(text, position) is None:
                    return None
                rest = self._rest_of_cell(text[position:], feed)
                if rest is None:
                    return None
                text, position = rest, 0
                continue
            quoted, end, plain, plain_end = cell.groups()
            cells.append(plain if quoted is None else self._meant(quoted))
            if not (plain_end if quoted is None else end):
                return cells
            position = cell.end()

    def _rest_of_cell(self, begun: str, feed: Feed) -> str | None:
        """Return a quoted cell's text up to the end of the line that closes it."""
        parts = [begun]
        while (line := feed.next_line()) is not None:
            parts.append(line.text)
            if self._single.match(line.text):
                return "\n".join(parts)
        return None

    def _meant(self, quoted: str) -> str:
        if '"' not in quoted and not (self._backslash and "\\" in quoted):
            return quoted
        return self._escaped.sub(lambda sign: sign.group(1) or '"' if self._backslash else '"', quoted)

    def _unquoted(self, text: str, columns: int) -> list[str] | None:
        """Return a line's cells where its quotes are signs like others: as many as there are columns, else None."""
        plain = text.split(self._delimiter)
        if not columns or len(plain) == columns:
            return plain
        loose: list[str] = []
        position: int | None = 0
        while position is not None and len(loose) <= columns:
            cell = self._loose.match(text, position)
            if cell is None:
                return None
            quoted, end, bare, bare_end = cell.groups()
            loose.append(bare if quoted is None else quoted)
            position = cell.end() if (bare_end if quoted is None else end) else None
        return loose if len(loose) == columns else None
