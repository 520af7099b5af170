"""The list that a page is cut from: continued beyond the window, sorted by fields, and with one document a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from searchctl.engines.base import Engine
from searchctl.fields import comparables, shown
from searchctl.schema import Schema
from searchctl.search.leg_answers import WINDOW, LegAnswers, Ordered
from searchctl.search.legs import Legs
from searchctl.search.request import MAX_HITS, Request
from searchctl.search.sorting import SortKey, sort_keys, sortable, sorted_rows
from searchctl.types import Group, Relation, Total, Value

_FASTER = 10  # how much deeper each step of a sorted list looks


@dataclass(frozen=True, slots=True)
class Listed:
    """Documents in the order of an answer. `answer` is what the legs said as deep as they were asked.

    `groups` are those of the documents that have one, by id, `group_total` how many there are; None where nothing is grouped.
    `remarks` say what was left out.
    """

    answer: LegAnswers
    ordered: Ordered
    is_whole: bool = False
    groups: Mapping[str, Group] = field(default_factory=dict)
    group_total: Total | None = None
    remarks: tuple[str, ...] = ()


class Lister:
    """Makes lists of one index. `order` joins what the legs said."""

    def __init__(
        self, engine: Engine, index: str, schema: Schema, legs: Legs, order: Callable[[LegAnswers], Ordered]
    ) -> None:
        self._engine = engine
        self._index = index
        self._schema = schema
        self._legs = legs
        self._order = order

    def listed(self, answer: LegAnswers, ordered: Ordered, request: Request, seen: Iterable[str]) -> Listed:
        """Return the list as far as a page needs it; `ordered` is its beginning, of those `seen`. Raises UsageError."""
        keys = sort_keys(request.sort, self._schema.fields)
        if request.group_by is not None:
            sortable(request.group_by, self._schema.fields, "group")
        if keys:
            whole = self._sorted(answer, keys, request.floor)
        elif request.group_by is not None and request.floor > 0.0:
            whole = self._whole(answer, request.floor)
        else:
            return self._continued(answer, ordered, request, seen)
        return whole if request.group_by is None else self._grouped(whole, request.group_by)

    # As far as a page needs it

    def _continued(self, answer: LegAnswers, ordered: Ordered, request: Request, seen: Iterable[str]) -> Listed:
        """Return the list continued beyond the window, as far as the page needs it, by what deeper legs are fused to.

        A document beyond has its own score and relevance, but no score above those before it. Each step doubles the depth, so
        that the order doesn't depend on how far the list goes.
        """
        wanted, least = request.start + request.k, request.floor
        listed = Listed(answer, ordered, not answer.is_cut_off or ordered.unseen < least)
        known, depth, deeper = set(seen), WINDOW, answer
        last = float(ordered.fused.scores[-1]) if len(ordered.fused.ids) else float("inf")
        while True:
            grouped = listed if request.group_by is None else self._grouped(listed, request.group_by)
            if len(grouped.ordered.fused.ids) >= wanted or listed.is_whole or depth >= MAX_HITS:
                return grouped
            depth = min(2 * depth, MAX_HITS)
            deeper = self._legs.deeper(answer, depth)
            block = self._order(deeper)
            rows = [row for row, id in enumerate(block.fused.ids) if id not in known and block.relevance[row] >= least]
            known.update(block.fused.ids)
            ordered = self._followed(answer, ordered, block.only(np.array(rows, dtype=np.int64)), last, least)
            last = float(ordered.fused.scores[-1]) if len(ordered.fused.ids) else last
            listed = Listed(answer, ordered, not deeper.is_cut_off or block.unseen < least)

    @staticmethod
    def _followed(answer: LegAnswers, ordered: Ordered, later: Ordered, last: float, least: float) -> Ordered:
        fused = ordered.fused.followed_by(later.fused.lowered(last))
        relevance = np.concatenate([ordered.relevance, later.relevance])
        total = answer.total_from(len(fused.ids), later.unseen, least) if least > 0.0 else ordered.total
        return replace(ordered, fused=fused, relevance=relevance, total=total)

    # All of it

    def _whole(self, answer: LegAnswers, least: float) -> Listed:
        """Return all documents that are relevant enough, as far as the legs may be asked."""
        deeper, ordered = answer, self._order(answer)
        while ordered.unseen >= least and deeper.is_cut_off and deeper.depth < MAX_HITS:
            deeper = self._legs.deeper(answer, _FASTER * deeper.depth)
            ordered = self._order(deeper)
        kept = np.flatnonzero(ordered.relevance >= least)
        is_whole = not deeper.is_cut_off or ordered.unseen < least
        total = deeper.total_from(len(kept), ordered.unseen, least)
        remark = (
            f"more than {MAX_HITS:,} documents may be relevant enough; of each leg the best {MAX_HITS:,} are looked at, "
            "a filter or a higher --min-relevance leaves fewer"
        )
        listed = replace(ordered.only(kept), total=total)
        return Listed(deeper, listed, is_whole, remarks=() if is_whole else (remark,))

    def _sorted(self, answer: LegAnswers, keys: Sequence[SortKey], least: float) -> Listed:
        whole = self._whole(answer, least)
        names = [key.field for key in keys if key.field in self._schema.fields]
        values = self._values(whole.ordered.fused.ids, names) if names else [{} for _ in whole.ordered.fused.ids]
        rows = sorted_rows(keys, values, whole.ordered.relevance, self._schema.fields)
        return replace(whole, ordered=whole.ordered.only(rows))

    # Groups

    def _grouped(self, listed: Listed, name: str) -> Listed:
        """Return the first document of each value of a field, and of those without a value all."""
        ids, kind = listed.ordered.fused.ids, self._schema.fields[name]
        values = [next(comparables(name, kind, fields.get(name, ())), None) for fields in self._values(ids, [name])]
        counts = Counter(values)
        first: dict[str | int | float, int] = {}  # the row of each value's first document
        for row, value in enumerate(values):
            if value is not None:
                first.setdefault(value, row)
        rows = [row for row, value in enumerate(values) if value is None or first[value] == row]
        relation: Relation = "eq" if listed.is_whole else "gte"
        groups = {
            ids[row]: Group(name, shown(kind, value), Total(counts[value], relation)) for value, row in first.items()
        }
        ordered = listed.ordered.only(np.array(rows, dtype=np.int64))
        return replace(listed, ordered=ordered, groups=groups, group_total=Total(len(rows), relation))

    def _values(self, ids: Sequence[str], names: Sequence[str]) -> list[Mapping[str, Value]]:
        """Return fields of documents; those that are gone have none."""
        entries = self._engine.get(self._index, ids, fields=names)
        return [entry.document.fields if entry is not None else {} for entry in entries]
