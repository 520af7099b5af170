"""One answer made of the answers of several indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from searchctl.schema import FieldType
from searchctl.search.sorting import SortKey, sorted_rows
from searchctl.types import (
    Facet,
    FacetCounts,
    FacetValue,
    Hit,
    LegReport,
    Mode,
    Relation,
    Results,
    Suggestion,
    Suggestions,
    Total,
)


def joined(
    names: Sequence[str],
    answers: Sequence[Results],
    start: int,
    k: int,
    facets: Sequence[Facet],
    keys: Sequence[SortKey],
    fields: Mapping[str, FieldType],
) -> Results:
    """Return one answer made of those of several indexes; what is said of one index begins with its name.

    Each of the `answers` has its hits from the first to number `start + k`; `keys` are what they were sorted by, if they were.
    """
    hits = [replace(hit, index=name) for name, answer in zip(names, answers, strict=True) for hit in answer]
    hits.sort(key=lambda hit: (-hit.relevance, -hit.score, hit.index, hit.id))
    if keys:
        relevance = np.array([hit.relevance for hit in hits], dtype=np.float64)
        hits = [hits[row] for row in sorted_rows(keys, [hit.fields for hit in hits], relevance, fields)]
    groups = None
    if answers[0].groups is not None:
        hits, groups = _grouped(hits, answers)
    best = max(answers, key=lambda answer: answer.best_relevance)

    def told(remarks: Callable[[Results], Sequence[str]]) -> tuple[str, ...]:
        return tuple(f"{name}: {one}" for name, answer in zip(names, answers, strict=True) for one in remarks(answer))

    return replace(
        best,
        legs=_legs(names, answers),
        total=_sum([answer.total for answer in answers]),
        hits=tuple(hits[start : start + k]),
        answered=any(answer.answered for answer in answers),
        unmet=_in_all([answer.unmet for answer in answers]),
        synonyms=_each_once([answer.synonyms for answer in answers]),
        ignored=_each_once([answer.ignored for answer in answers]),
        remarks=told(lambda answer: answer.remarks),
        filtered_out="; ".join(told(lambda answer: [answer.filtered_out] if answer.filtered_out else [])) or None
        if not hits
        else None,
        groups=groups,
        facets=tuple(_summed(one, [answer.facets[place] for answer in answers]) for place, one in enumerate(facets)),
    )


def _grouped(hits: Sequence[Hit], answers: Sequence[Results]) -> tuple[list[Hit], Total]:
    """Return the first hit of each group, and how many groups there are: at least so many where an index has further ones."""
    sizes: Counter[tuple[bool, object]] = Counter()
    first: dict[tuple[bool, object], Hit] = {}
    whole = all(one.groups is not None and one.groups == Total(len(one), "eq", one.groups.counts) for one in answers)
    relation: Relation = (
        "eq" if whole and all(hit.group is None or hit.group.total.relation == "eq" for hit in hits) else "gte"
    )
    kept: list[Hit] = []
    for hit in hits:
        if hit.group is None:
            kept.append(hit)
            continue
        key = (isinstance(hit.group.value, bool), hit.group.value)
        sizes[key] += hit.group.total.value
        if first.setdefault(key, hit) is hit:
            kept.append(hit)
    told = [
        hit
        if hit.group is None
        else replace(
            hit,
            group=replace(hit.group, total=Total(sizes[isinstance(hit.group.value, bool), hit.group.value], relation)),
        )
        for hit in kept
    ]
    most = max(one.groups.value for one in answers if one.groups is not None)
    return told, Total(max(len(kept), most), "eq" if whole else "gte")


def joined_suggestions(names: Sequence[str], given: Sequence[Suggestions], k: int) -> Suggestions:
    """Return the best of each index in turn, what was typed right before what was corrected; equal texts once."""
    own = [[replace(one, index=name) for one in suggestions] for name, suggestions in zip(names, given, strict=True)]
    in_turn = [one for row in zip_longest(*own) for one in row if one is not None]
    chosen: dict[str, Suggestion] = {}
    for one in sorted(in_turn, key=lambda one: one.repair is not None):
        chosen.setdefault(one.text.lower(), one)
    return Suggestions(given[0].typed, tuple(chosen.values())[:k], all(one.ready for one in given))


def _sum(totals: Sequence[Total]) -> Total:
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
