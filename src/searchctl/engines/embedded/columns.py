"""The values of a field by document, as columns: read once, kept until something is written, and counted by numpy."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.rows import RowSet
from searchctl.engines.embedded.store import Store
from searchctl.fields import shown
from searchctl.schema import FieldType
from searchctl.types import Facet, FacetCounts, FacetScope, FacetValue, Range, Scalar

_COLUMNS = 16  # a million documents with one value each take 12 MB


@dataclass(frozen=True, slots=True)
class Column:
    """A field's values: rows of documents (n,), the place of each one's value (n,), and the distinct values, ascending."""

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    values: Sequence[str | int | float]

    def counted(self, facet: Facet, kind: FieldType, among: RowSet, counts: FacetScope) -> FacetCounts:
        """Count the documents of a set by this column."""
        kept = among.holds(self.rows)
        rows, numbers = self.rows[kept], self.places[kept]
        having = len(np.unique(rows))
        if facet.ranges:
            values, more = [FacetValue(one, self._within(one, rows, numbers)) for one in facet.ranges], False
        else:
            frequencies = np.bincount(numbers, minlength=len(self.values))
            order = np.lexsort((np.arange(len(frequencies)), -frequencies))[: np.count_nonzero(frequencies)]
            values = [
                FacetValue(shown(kind, self.values[number]), int(frequencies[number])) for number in order[: facet.n]
            ]
            more = len(order) > facet.n
        return FacetCounts(facet.field, tuple(values), len(among) - having, len(among), more, counts=counts)

    def _within(self, wanted: Range, rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> int:
        """Count the documents with a value between bounds that are numbers."""
        held = np.array([_lies_in(value, wanted) for value in self.values], np.bool_)
        return len(np.unique(rows[held[numbers]])) if len(held) else 0


def _lies_in(value: str | int | float, wanted: Range) -> bool:
    """Compare as Python does: whole numbers exactly."""
    return (
        (wanted.gte is None or value >= wanted.gte)  # type: ignore[operator]  # both are numbers
        and (wanted.gt is None or value > wanted.gt)  # type: ignore[operator]
        and (wanted.lte is None or value <= wanted.lte)  # type: ignore[operator]
        and (wanted.lt is None or value < wanted.lt)  # type: ignore[operator]
    )


class ColumnCache:
    """The columns asked for last (an LRU cache)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutex = threading.Lock()
        self._state: tuple[int, int] = (-1, -1)
        self._held: OrderedDict[str, Column] = OrderedDict()

    def counted(
        self,
        facets: Iterable[Facet],
        fields: Mapping[str, FieldType],
        among: RowSet,
        counts: FacetScope,
        step: int,
    ) -> list[FacetCounts]:
        """Count a set of documents; `step` is another number after whatever another process has written."""
        return [
            self._column(facet.field, fields[facet.field], step).counted(facet, fields[facet.field], among, counts)
            for facet in facets
        ]

    def _column(self, field: str, kind: FieldType, step: int) -> Column:
        state = (step, self._store.changes)
        with self._mutex:
            if state != self._state:
                self._held.clear()
                self._state = state
            column = self._held.get(field)
            if column is None:
                column = self._held[field] = _column_of(self._store.values(field), kind)
            self._held.move_to_end(field)
            while len(self._held) > _COLUMNS:
                self._held.popitem(last=False)
        return column


def _column_of(pairs: Sequence[tuple[int, str | int | float]], kind: FieldType) -> Column:
    """Return rows and values, ascending by value, as a column; equal values of two types are one, as are dates to the millisecond."""
    numbers: dict[Scalar, int] = {}
    values: list[str | int | float] = []
    numbered = []
    for _, value in pairs:
        key = shown("date", value) if kind == "date" else value
        number = numbers.setdefault(key, len(values))
        if number == len(values):
            values.append(value)
        numbered.append(number)
    rows = np.array([row for row, _ in pairs], np.int64)
    taken = np.array(numbered, np.int64)
    unique = np.unique(np.stack([rows, taken]), axis=1) if kind == "date" and len(rows) else np.stack([rows, taken])
    return Column(unique[0], unique[1], values)
