"""Answers as JSON values: the same for the command line, the HTTP API and tools."""

from __future__ import annotations

from dataclasses import asdict

from searchctl.types import FacetCounts, Group, Hit, HitPassage, Json, Range, Results, Suggestion


def hit_json(hit: Hit) -> Json:
    """Return a hit as JSON values."""
    passage = hit.passage
    return {
        **({"index": hit.index} if hit.index else {}),
        "id": hit.id,
        "score": hit.score,
        "relevance": hit.relevance,
        "title": hit.title,
        "passage": _passage_json(passage) if passage else None,
        "fields": dict(hit.fields),
        "group": group_json(hit.group) if hit.group is not None else None,
        "legs": {
            name: {"rank": leg.rank, "raw": leg.raw, "normalised": leg.normalised, "weight": leg.weight}
            for name, leg in hit.legs.items()
        },
    }


def group_json(group: Group) -> Json:
    """Return a hit's group as JSON values."""
    return {"field": group.field, "value": group.value, "total": asdict(group.total)}


def _passage_json(passage: HitPassage) -> Json:
    """Return a passage as JSON values; all places are in the document's text."""
    sentence = None
    if passage.sentence is not None:
        start, end = passage.sentence
        sentence = {"text": passage.text[start:end], "start": passage.start + start, "end": passage.start + end}
    marks = [{"start": passage.start + start, "end": passage.start + end} for start, end in passage.marks]
    where = {"section": passage.section or None, "line": passage.line, "page": passage.page}
    return {
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "marks": marks,
        "sentence": sentence,
        **{name: value for name, value in where.items() if value is not None},
    }


def facet_json(counted: FacetCounts) -> Json:
    """Return a facet's counts as JSON values; a range has its bounds where a value would be."""
    values: list[Json] = []
    for count in counted.values:
        if isinstance(count.value, Range):
            bounds = {name: bound for name, bound in asdict(count.value).items() if bound is not None}
            values.append({"value": None, "range": bounds, "count": count.count})
        else:
            values.append({"value": count.value, "range": None, "count": count.count})
    return {
        "field": counted.field,
        "values": values,
        "missing": counted.missing,
        "documents": counted.documents,
        "more": counted.more,
        "error": counted.error,
        "counts": counted.counts,
    }


def suggestion_json(one: Suggestion) -> Json:
    """Return a suggestion as JSON values."""
    own = {"text": one.text, "kind": one.kind, "id": one.id, "repair": one.repair}
    return {**own, **({"index": one.index} if one.index else {})}


def results_json(results: Results) -> Json:
    """Return an answer as JSON values."""
    return {
        "query": results.query,
        "mode": results.mode,
        "legs": {
            name: {"ran": leg.ran, "reason": leg.reason, "took_ms": leg.took_ms} for name, leg in results.legs.items()
        },
        "total": asdict(results.total),
        "groups": asdict(results.groups) if results.groups is not None else None,
        "answered": results.answered,
        "best_relevance": results.best_relevance,
        "repaired": {"query": results.repaired.query, "kind": results.repaired.kind} if results.repaired else None,
        "unmet": list(results.unmet),
        "synonyms": list(results.synonyms),
        "required": list(results.required),
        "excluded": list(results.excluded),
        "ignored": list(results.ignored),
        "remarks": list(results.remarks),
        "filtered_out": results.filtered_out,
        "facets": [facet_json(one) for one in results.facets],
        "hits": [hit_json(hit) for hit in results.hits],
    }
