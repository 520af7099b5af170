"""Several indexes of one engine asked at once: each by its own words, encoder and settings, their hits in one order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from searchctl.engines import DEFAULT_ENGINE, open_engine
from searchctl.engines.base import FullEngine
from searchctl.errors import UsageError
from searchctl.index import Index, SearchOptions
from searchctl.search.facets import MAX_VALUES, facets_of
from searchctl.search.request import MAX_HITS
from searchctl.settings.connection import Connection
from searchctl.types import Facet, FacetCounts, FacetValue, LegReport, Mode, Results, Total

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

MAX_INDEXES = 20
_REFUSED = {
    "group_by": "a group has its documents in one index",
    "sort": "an order by fields needs the fields of one index",
    "fusion": "each index joins its legs as it was tuned",
}


class Indexes:
    """Several indexes, asked as one. A context manager; `close` it otherwise. Hits say which index they come from."""

    def __init__(self, engine: FullEngine, indexes: Sequence[Index]) -> None:
        self.engine = engine
        self._indexes = tuple(indexes)

    @classmethod
    def open(
        cls,
        engine: str | os.PathLike[str] = DEFAULT_ENGINE,
        names: str | Sequence[str] = "default",
        *,
        connection: Connection | None = None,
    ) -> Indexes:
        """Open indexes that are there, named in a list or with commas between them. Raises IndexMissing, UsageError."""
        wanted = names_of(names)
        opened = open_engine(engine, connection)
        with ExitStack() as failed:
            failed.callback(opened.close)
            for name in wanted:
                opened.schema(name)  # raises IndexMissing
            failed.pop_all()
        return cls(opened, [Index(opened, name) for name in wanted])

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order given."""
        return tuple(index.name for index in self._indexes)

    def search(self, text: str, k: int = 10, **options: Unpack[SearchOptions]) -> Results:
        """Return the `k` best documents of all indexes, from number `start` on: by relevance, which can be compared between indexes.

        Each index answers with its own encoder and settings, and a filter or facet has to name fields that each of them has.
        Counts of facets are sums. Raises UsageError for `sort`, `group_by` and `fusion`, which one index alone can honour.
        """
        for name, why in _REFUSED.items():
            if options.get(name):
                raise UsageError(
                    f"{why}, so several can't be asked for it at once; leave {name} out, or search them one by one"
                )
        start = options.get("start", 0)
        if k < 1 or start < 0 or start + k > MAX_HITS:
            raise UsageError(
                f"can't give {k} hits from number {start} on; ask for one or more within the first {MAX_HITS}"
            )
        first = options.get("facets", ())
        own: Any = {**options, "start": 0}
        answers = []
        for index in self._indexes:
            if first:
                asked = facets_of(first, index.schema.fields)
                own["facets"] = [one if one.ranges else replace(one, n=MAX_VALUES) for one in asked]
            answers.append(index.search(text, start + k, **own))
        asked = facets_of(first, self._indexes[0].schema.fields) if first else ()
        return _joined(self.names, answers, start, k, asked)

    def __len__(self) -> int:
        return sum(len(index) for index in self._indexes)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Index]:
        return iter(self._indexes)

    def __repr__(self) -> str:
        return f"<Indexes {', '.join(map(repr, self.names))} on {self.engine.url}>"

    def close(self) -> None:
        """Release files and connections."""
        self.engine.close()

    def __enter__(self) -> Indexes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of indexes, each once; raises UsageError for none, an empty one, and too many."""
    pieces = names.split(",") if isinstance(names, str) else list(names)
    wanted = tuple(dict.fromkeys(piece.strip() for piece in pieces))
    if not wanted or not all(wanted):
        raise UsageError(f"'{names}' doesn't name indexes; write them with commas between: --index shop,help")
    if len(wanted) > MAX_INDEXES:
        raise UsageError(f"{len(wanted)} indexes are too many for one search; name at most {MAX_INDEXES}")
    return wanted


def _joined(names: Sequence[str], answers: Sequence[Results], start: int, k: int, facets: Sequence[Facet]) -> Results:
    """Return one answer made of those of several indexes; what is said of one index begins with its name."""
    hits = [replace(hit, index=name) for name, answer in zip(names, answers, strict=True) for hit in answer]
    hits.sort(key=lambda hit: (-hit.relevance, -hit.score, hit.index, hit.id))
    best = max(answers, key=lambda answer: answer.best_relevance)

    def told(remarks: Callable[[Results], Sequence[str]]) -> tuple[str, ...]:
        return tuple(f"{name}: {one}" for name, answer in zip(names, answers, strict=True) for one in remarks(answer))

    return replace(
        best,
        legs=_legs(names, answers),
        total=_total([answer.total for answer in answers]),
        hits=tuple(hits[start : start + k]),
        answered=any(answer.answered for answer in answers),
        unmet=_in_all([answer.unmet for answer in answers]),
        synonyms=_each_once([answer.synonyms for answer in answers]),
        ignored=_each_once([answer.ignored for answer in answers]),
        remarks=told(lambda answer: answer.remarks),
        filtered_out="; ".join(told(lambda answer: [answer.filtered_out] if answer.filtered_out else [])) or None
        if not hits
        else None,
        facets=tuple(_summed(one, [answer.facets[place] for answer in answers]) for place, one in enumerate(facets)),
    )


def _total(totals: Sequence[Total]) -> Total:
    counts: set[Mode | None] = {total.counts for total in totals}
    exact = all(total.relation == "eq" for total in totals)
    return Total(
        sum(total.value for total in totals), "eq" if exact else "gte", counts.pop() if len(counts) == 1 else None
    )


def _legs(names: Sequence[str], answers: Sequence[Results]) -> dict[str, LegReport]:
    legs: dict[str, LegReport] = {}
    for leg in dict.fromkeys(leg for answer in answers for leg in answer.legs):
        reports = {name: answer.legs[leg] for name, answer in zip(names, answers, strict=True) if leg in answer.legs}
        reasons = [f"{name}: {report.reason}" for name, report in reports.items() if report.reason]
        found = any(report.ran and not report.reason for report in reports.values())
        legs[leg] = LegReport(
            any(report.ran for report in reports.values()),
            None if found else "; ".join(reasons) or None,
            round(sum(report.took_ms for report in reports.values()), 3),
        )
    return legs


def _summed(asked: Facet, counted: Sequence[FacetCounts]) -> FacetCounts:
    """Return the sums of several indexes' counts; each was asked for as many values as can be."""
    documents, missing = (sum(getattr(one, name) for one in counted) for name in ("documents", "missing"))
    error = sum(one.error for one in counted) + sum(one.values[-1].count for one in counted if one.more)
    kind = "lexical" if all(one.counts == "lexical" for one in counted) else "scope"
    if asked.ranges:
        sums = [sum(one.values[place].count for one in counted) for place in range(len(asked.ranges))]
        values, more = tuple(map(FacetValue, asked.ranges, sums)), False
    else:
        counter = Counter({(type(one.value) is bool, one.value): 0 for each in counted for one in each.values})
        for each in counted:
            for one in each.values:
                counter[type(one.value) is bool, one.value] += one.count
        ordered = sorted(counter.items(), key=lambda pair: (-pair[1], str(pair[0][1])))
        values = tuple(FacetValue(value, count) for (_, value), count in ordered[: asked.n])
        more = len(ordered) > asked.n or any(one.more for one in counted)
    return FacetCounts(asked.field, values, missing, documents, more, error, kind)  # type: ignore[arg-type]


def _each_once(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for texts in lists for text in texts))


def _in_all(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(text for text in lists[0] if all(text in texts for texts in lists))
