"""The answer to a search in its own shape: the backend's own hits in the fused order, totals and facets as the backend counts."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from searchctl.gateway.dsl import QueryReading, read_query
from searchctl.gateway.filter_path import filtered
from searchctl.gateway.legs import as_key, key_of
from searchctl.gateway.plan import Key, wants_no_ids
from searchctl.gateway.requests import Search
from searchctl.gateway.target import VectorIndexes
from searchctl.ranking.fusion import Fused
from searchctl.search.leg_answers import Ordered
from searchctl.types import Json, LegScore

_FRAGMENT = 100  # the servers' own default of `fragment_size`
_FRAGMENTS = 5
_LONGEST = 1000  # characters of a text that is read by a reranker where no passage is known


@dataclass(frozen=True, slots=True)
class HitsPage:
    """The hits of a page: those both legs ordered (by place in `Ordered`), then the app's own that follow.

    `texts` are sources with text and passages where highlights are wanted, `passages` the number of a hit's best passage.
    """

    hits: Sequence[tuple[int, Json]]
    rest: Sequence[Json]
    texts: Mapping[Key, Json]
    passages: Mapping[Key, int]


def assemble(
    search: Search, lexical: Json, ordered: Ordered, page: HitsPage, target: VectorIndexes, added: int
) -> Json:
    """Return the answer: the lexical leg's, with these hits and `added` documents that only the vector leg found."""
    answer = {name: value for name, value in lexical.items() if name != "status"}
    scores = ordered.fused.scores
    hits = [_hit(search, hit, place, ordered, page, target) for place, hit in page.hits]
    hits += [_scored(search, dict(hit), 0.0) for hit in page.rest]
    shown: Json = {}
    for name, value in lexical["hits"].items():
        if name == "hits":
            shown["hits"] = hits
        elif name == "max_score":
            untold = value is None and lexical["hits"]["hits"]  # sorted by something beside the score
            shown[name] = None if untold or not len(scores) else float(scores.max())
        elif name == "total":
            shown[name] = _total(search, value, added)
    answer["hits"] = shown
    if search.lists_total_as_number and "total" not in shown:
        answer["hits"] = {"total": -1, **shown}
    return answer


def finished(search: Search, answer: Json) -> Json:
    """Return an answer as the address asks for it."""
    paths = search.form.get("filter_path")
    result: Json = filtered(answer, paths) if paths else answer
    return result


def _total(search: Search, total: Any, added: int) -> Any:
    if not isinstance(total, Mapping):
        return int(total) + added
    if search.lists_total_as_number:
        return int(total["value"]) + added
    return {**total, "value": int(total["value"]) + added}


def _hit(search: Search, hit: Json, rank: int, ordered: Ordered, page: HitsPage, target: VectorIndexes) -> Json:
    shown = _scored(search, dict(hit), float(ordered.fused.scores[rank]))
    if search.body.get("explain") or search.explain:
        shown["_explanation"] = explanation(ordered.fused, rank, hit.get("_explanation"))
    wanted = search.body.get("highlight")
    key = key_of(hit)
    if isinstance(wanted, Mapping) and key in page.texts:
        passage = passage_highlight(wanted, page.texts[key], page.passages[key], target)
        missing = {name: value for name, value in passage.items() if name not in (shown.get("highlight") or {})}
        if missing:
            shown["highlight"] = {**(shown.get("highlight") or {}), **missing}
    return shown


def _scored(search: Search, hit: Json, score: float) -> Json:
    """Set a hit's score, also among its sort values."""
    hit["_score"] = score
    if wants_no_ids(search.body):
        del hit["_id"]
    if hit.get("sort"):
        hit["sort"] = [score, *hit["sort"][1:]]
    return hit


def explanation(fused: Fused, rank: int, own: Any) -> Json:
    """Return how a hit came to its place: both legs' parts, and the backend's own explanation in the lexical one."""
    details = []
    for name, leg in fused.legs(rank).items():
        part: Json = {"value": leg.weight * leg.normalised, "description": _told(name, leg), "details": []}
        if name == "lexical" and own:
            part["details"].append(own)
        details.append(part)
    description = "searchctl: sum of the lexical and the vector leg"
    return {"value": float(fused.scores[rank]), "description": description, "details": details}


def _told(name: str, leg: LegScore) -> str:
    where = f"rank {leg.rank}" if leg.rank else "not among the first"
    what = {"vector": "cosine", "lexical": "score as BM25"}.get(name, "score")
    raw = f", {what} {leg.raw:.4f}" if leg.raw is not None and not np.isnan(leg.raw) else ""
    return f"{name} leg: {where}{raw}, normalised {leg.normalised:.4f}, weight {leg.weight:.2f}"


# Passages as highlights


def wants_passages(search: Search, target: VectorIndexes) -> bool:
    """Tell whether a highlight of a field was asked for of which passages were cut."""
    wanted = search.body.get("highlight")
    if not isinstance(wanted, Mapping):
        return False
    return any(_field_options(wanted, name) is not None for name in text_fields(target))


def text_fields(target: VectorIndexes) -> tuple[str, ...]:
    """Return the fields of which passages were cut."""
    layout = target.schema.layout
    return layout.text if layout is not None else ("text",)


def passage_highlight(
    wanted: Mapping[str, Any], source: Json, number: int, target: VectorIndexes
) -> dict[str, list[str]]:
    """Return a hit's best passage as the highlight of the field it begins in, where that one is wanted; {} without a passage."""
    passages = source.get("passages") or []
    if not 0 <= number < len(passages):
        return {}
    begin, end = int(passages[number]["start"]), int(passages[number]["end"])
    position = 0
    for name, piece in _pieces(source, text_fields(target)):
        if begin < position + len(piece):
            options = _field_options(wanted, name)
            text = piece[max(begin - position, 0) : end - position]
            if options is None or not text.strip():
                return {}
            return {name: [_fragment(text, {**wanted, **options})]}
        position += len(piece) + 2  # pieces are joined by a blank line
    return {}


def passage_text(source: Json, number: int, target: VectorIndexes) -> str:
    """Return a document's title and passage `number`, its first one where that isn't known, for a model that reads them."""
    layout = target.schema.layout
    titles = _strings(source, layout.title if layout is not None else "title") if layout is None or layout.title else []
    text = "\n\n".join(piece for _, piece in _pieces(source, text_fields(target)))
    passages = source.get("passages") or [{"start": 0, "end": _LONGEST}]
    passage = passages[number] if 0 <= number < len(passages) else passages[0]
    return "\n".join([*titles, text[int(passage["start"]) : int(passage["end"])]])


def _pieces(source: Json, fields: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, piece) for name in fields for piece in _strings(source, name)]


def _strings(value: Any, path: str) -> list[str]:
    """Return the strings at a path, through lists and objects, as the documents were read to be encoded."""
    if isinstance(value, list):
        return [text for item in value for text in _strings(item, path)]
    if not path:
        return [] if value is None or isinstance(value, Mapping) else [str(value)]
    if not isinstance(value, Mapping):
        return []
    if path in value:
        return _strings(value[path], "")
    name, _, rest = path.partition(".")
    return _strings(value.get(name), rest) if rest else []


def _field_options(wanted: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return the options of a field's highlight; None where it wasn't asked for."""
    fields = wanted.get("fields") or {}
    pairs = fields if isinstance(fields, list) else [{key: value} for key, value in fields.items()]
    for pair in pairs:
        for pattern, options in pair.items() if isinstance(pair, Mapping) else ():
            if fnmatchcase(name, str(pattern)):
                return options if isinstance(options, Mapping) else {}
    return None


def _fragment(text: str, options: Mapping[str, Any]) -> str:
    """Return as much of a passage as the app's fragments would show, whole words."""
    size, count = options.get("fragment_size", _FRAGMENT), options.get("number_of_fragments", _FRAGMENTS)
    if isinstance(size, int) and isinstance(count, int) and size > 0 and count > 0 and len(text) > size * count:
        text = text[: size * count].rpartition(" ")[0] or text[: size * count]
    return html.escape(text) if options.get("encoder") == "html" else text


def ordered_keys(ordered: Ordered) -> list[Key]:
    """Return the documents both legs ordered, best first."""
    return [as_key(id) for id in ordered.fused.ids]


def asked_text(search: Search) -> str:
    """Return the text that a search asks for, for people to read; empty where it can't be told."""
    reading = read_query(search.body.get("query"), {})
    return reading.text if isinstance(reading, QueryReading) else ""
