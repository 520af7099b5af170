"""The query language of OpenSearch and Elasticsearch: which text a query asks for, in which fields, and what else it demands.

Only what is understood is made hybrid: a clause or an option that isn't known here leaves the request as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from searchctl.gateway.query_text import is_identifier, plain_words
from searchctl.gateway.reasons import Reason, Refused, WhyLexical
from searchctl.types import Json

FieldTypes: TypeAlias = "Mapping[str, str]"  # a field's path -> its type in the mapping

MOST_TEXT = 2000  # code points of a text that is encoded
_MOST_DEPTH = 40
_MOST_CLAUSES = 4000
_TEXT_TYPES = frozenset({"text", "match_only_text", "search_as_you_type", "annotated_text", "alias", "semantic_text"})
TEXTS = frozenset({"match", "match_phrase", "multi_match", "combined_fields", "query_string", "simple_query_string"})
BEGINNINGS = frozenset({"match_phrase_prefix", "match_bool_prefix"})
_PARTIAL_WORDS = frozenset({"prefix", "wildcard", "regexp"})
_TERMS = _PARTIAL_WORDS | {
    "term", "terms", "terms_set", "range", "exists", "ids", "fuzzy", "type", "script", "match_all", "match_none",
    "geo_bounding_box", "geo_distance", "geo_polygon", "geo_shape", "geo_grid", "shape", "xy_shape",
    "has_child", "has_parent", "parent_id", "rank_feature", "distance_feature",
    "span_term", "span_near", "span_or", "span_not", "span_first", "span_multi", "span_containing", "span_within",
    "field_masking_span", "span_field_masking", "intervals",
}  # fmt: skip
_VECTORS = frozenset(
    {"knn", "neural", "neural_sparse", "neural_knn", "hybrid", "semantic", "sparse_vector", "text_expansion",
     "weighted_tokens", "exact_vector", "rule", "rule_query"}
)  # fmt: skip
_LIKENESS = frozenset({"more_like_this", "percolate"})
_SCORES_BY_MORE = frozenset({"rank_feature", "distance_feature"})
_WORD_OPTIONS = ("analyzer", "fuzziness", "prefix_length", "max_expansions", "fuzzy_transpositions")
_FUZZINESS = re.compile(r"AUTO(:\d+,\d+)?|[012]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextClause:
    """A clause that asks for words: `fields` without boosts, none for the index's default; `exact` for a phrase."""

    text: str
    fields: tuple[str, ...]
    options: Json
    exact: bool = False


@dataclass(frozen=True, slots=True)
class QueryReading:
    """What a query asks for.

    `words` are options under which single words are matched as in the query. `filters` hold for every document the query
    finds, its text apart. `exact`: only phrases are asked for. `by_rank`: scores tell more than words do, so that only the
    order counts. `pinned` ids come first whatever else is found.
    """

    text: str
    fields: tuple[str, ...]
    words: Json
    filters: tuple[Json, ...]
    exact: bool = False
    by_rank: bool = False
    pinned: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    """What was met on the way through a query."""

    required: list[TextClause] = field(default_factory=list)
    optional: list[TextClause] = field(default_factory=list)
    beginnings: bool = False
    likeness: bool = False
    by_rank: bool = False
    only_all: bool = True
    pinned: list[str] = field(default_factory=list)
    clauses: int = 0


def read_query(query: Any, types: FieldTypes) -> QueryReading | WhyLexical:
    """Read a query; `types` says what fields hold, and a field that isn't there counts as text."""
    gathered = _Gathered()
    try:
        if query is None or query == {}:
            return WhyLexical("match_all")
        _walk(query, types, gathered, optional=False, depth=0)
        clauses = gathered.required or gathered.optional
        if not clauses:
            return WhyLexical(_without_text(gathered))
        texts = list(dict.fromkeys(clause.text.strip() for clause in clauses))
        text = " ".join(texts)
        if len(text) > MOST_TEXT:
            return WhyLexical("query_too_long", f"{len(text):,} characters")
        if is_identifier(text):
            return WhyLexical("exact_syntax", "an identifier")
        fields = tuple(dict.fromkeys(name for clause in clauses for name in clause.fields))
        words: Json = {name: value for clause in reversed(clauses) for name, value in clause.options.items()}
        limit = constraint(query, types)
        exact = all(clause.exact for clause in (*gathered.required, *gathered.optional))
        filters = (limit,) if limit is not None else ()
        return QueryReading(text, fields, words, filters, exact, gathered.by_rank, tuple(gathered.pinned))
    except Refused as refused:
        return refused.refusal


def _without_text(gathered: _Gathered) -> Reason:
    if gathered.likeness:
        return "more_like_this"
    if gathered.beginnings:
        return "autocomplete"
    return "match_all" if gathered.only_all else "no_text"


def single(node: Any) -> tuple[str, Any]:
    """Return the name and the content of a clause; raises Refused where it isn't one."""
    if not isinstance(node, Mapping) or len(node) != 1:
        raise Refused("unknown_option", "a clause that isn't an object with one key")
    ((name, content),) = node.items()
    return str(name), content


def clauses_of(value: Any) -> list[Any]:
    """Return the clauses of a `bool`'s part, which may be one object or a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _walk(node: Any, types: FieldTypes, gathered: _Gathered, *, optional: bool, depth: int) -> None:
    """Collect the text of a clause that scores."""
    gathered.clauses += 1
    if depth > _MOST_DEPTH or gathered.clauses > _MOST_CLAUSES:
        raise Refused("query_too_long", "too many clauses")
    name, content = single(node)
    if name in TEXTS or name in BEGINNINGS:
        _add_text(name, content, types, gathered, optional=optional)
    elif name in _TERMS:
        gathered.beginnings |= name in _PARTIAL_WORDS
        gathered.by_rank |= name in _SCORES_BY_MORE
        gathered.only_all &= name == "match_all"
    elif name in _VECTORS:
        raise Refused("already_vector", name)
    elif name in _LIKENESS:
        gathered.likeness, gathered.only_all = True, False
    else:
        for below, lenient in _inner(name, content, gathered):
            _walk(below, types, gathered, optional=optional or lenient, depth=depth + 1)


def _inner(name: str, content: Any, gathered: _Gathered) -> Iterator[tuple[Any, bool]]:
    """Yield the scoring clauses inside a compound one, and whether a document needn't match them."""
    if not isinstance(content, Mapping):
        raise Refused("unknown_option", f"{name} without an object")
    if name == "bool":
        _check_inert(content, gathered)
        musts, filters = clauses_of(content.get("must")), clauses_of(content.get("filter"))
        gathered.only_all &= not filters and not clauses_of(content.get("must_not"))
        yield from ((clause, False) for clause in musts)
        loose = bool(musts or filters) and content.get("minimum_should_match") in (None, 0, "0")
        yield from ((clause, loose) for clause in clauses_of(content.get("should")))
    elif name == "dis_max":
        yield from ((clause, False) for clause in clauses_of(content.get("queries")))
    elif name == "constant_score":
        gathered.by_rank = True
        yield content.get("filter"), False
    elif name in ("function_score", "script_score"):
        gathered.by_rank = True
        yield content.get("query", {"match_all": {}}), False
    elif name == "boosting":
        gathered.by_rank = True
        yield content.get("positive"), False
    elif name == "nested":
        gathered.only_all = False
        yield content.get("query"), False
    elif name == "pinned":
        gathered.by_rank = True
        gathered.pinned += map(str, content.get("ids") or [doc.get("_id") for doc in clauses_of(content.get("docs"))])
        yield content.get("organic"), False
    else:
        raise Refused("unknown_option", f"query {name[:40]}")


def _check_inert(content: Mapping[str, Any], gathered: _Gathered) -> None:
    """Look through what only filters: vectors and clauses unknown here can't be repeated in the other leg unseen."""
    for part in ("filter", "must_not"):
        for clause in clauses_of(content.get(part)):
            for name in _names(clause, 0):
                if name in _VECTORS:
                    raise Refused("already_vector", name)
                if name in _LIKENESS:
                    gathered.likeness = True
                if name == "wrapper":
                    raise Refused("unknown_option", "query wrapper")


def _names(node: Any, depth: int) -> Iterator[str]:
    if depth > _MOST_DEPTH:
        raise Refused("query_too_long", "too many clauses")
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield str(name)
            yield from _names(value, depth + 1)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _names(value, depth + 1)


def _add_text(name: str, content: Any, types: FieldTypes, gathered: _Gathered, *, optional: bool) -> None:
    gathered.only_all = False
    if not _asks_text(name, content, types):
        return
    if is_beginning(name, content):
        gathered.beginnings = True
        return
    clause = _text_clause(name, content)
    if clause is None:
        gathered.only_all = True
    elif clause.text.strip():
        (gathered.optional if optional else gathered.required).append(clause)


def is_beginning(name: str, content: Any) -> bool:
    """Tell whether a clause completes what is being typed."""
    if name in BEGINNINGS:
        return True
    kind = content.get("type") if name == "multi_match" and isinstance(content, Mapping) else None
    return kind in ("phrase_prefix", "bool_prefix")


def _asks_text(name: str, content: Any, types: FieldTypes) -> bool:
    """Tell whether a text clause looks into a text, as its fields aren't all known to hold something else."""
    if not isinstance(content, Mapping):
        raise Refused("unknown_option", f"{name} without an object")
    fields = _fields(name, content)
    return not fields or any(_is_text(path, types) for path in fields)


def _is_text(path: str, types: FieldTypes) -> bool:
    if "*" in path:
        return True
    kind = types.get(path)
    return kind is None or kind in _TEXT_TYPES


def _fields(name: str, content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of the fields a text clause looks into, without boosts."""
    if name in ("match", "match_phrase", *BEGINNINGS):
        return tuple(map(str, content))[:1]
    given = content.get("fields") or content.get("default_field") or ()
    names = given if isinstance(given, (list, tuple)) else str(given).split(",")
    bare = [str(path).partition("^")[0].strip() for path in names]
    return tuple(dict.fromkeys(path for path in bare if path and path != "*"))


def _text_clause(name: str, content: Mapping[str, Any]) -> TextClause | None:
    """Return what a clause asks for, None for one that asks for everything; raises Refused for a language of its own."""
    fields = _fields(name, content)
    if name in ("match", "match_phrase"):
        if len(content) != 1:
            raise Refused("unknown_option", f"{name} with several fields")
        (spec,) = content.values()
        spec = spec if isinstance(spec, Mapping) else {"query": spec}
        return TextClause(_text(spec), fields, _options(spec), exact=name == "match_phrase")
    if name in ("query_string", "simple_query_string"):
        words = plain_words(_text(content), simple=name == "simple_query_string")
        return None if words is None else TextClause(words, fields, _options(content))
    return TextClause(_text(content), fields, _options(content), exact=content.get("type") == "phrase")


def _text(spec: Mapping[str, Any]) -> str:
    text = spec.get("query", "")
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise Refused("unknown_option", "a text that isn't a string")
    return str(text)


def _options(spec: Mapping[str, Any]) -> Json:
    """Return what decides how a single word is matched; a phrase's words are matched as they are."""
    options = {name: spec[name] for name in _WORD_OPTIONS if spec.get(name) is not None}
    if not _FUZZINESS.fullmatch(str(options.get("fuzziness", "0"))) or str(spec.get("type", "")).startswith("phrase"):
        options = {name: value for name, value in options.items() if name == "analyzer"}
    return options


# What documents must satisfy


def constraint(node: Any, types: FieldTypes) -> Json | None:
    """Return a query that holds for every document the clause finds, and would without its text; None where there's none."""
    name, content = single(node)
    if name in TEXTS or name in BEGINNINGS:
        return None if _asks_text(name, content, types) else {name: content}
    if name == "match_all":
        return None
    if name == "bool":
        return _bool_constraint(content, types)
    if name == "dis_max":
        return _any_of([constraint(clause, types) for clause in clauses_of(content.get("queries"))])
    inner = {"constant_score": "filter", "boosting": "positive", "pinned": "organic"}.get(name)
    if name in ("function_score", "script_score"):
        inner = "query" if "query" in content else None
        if inner is None:
            return None
    if inner is not None:
        return constraint(content[inner], types)
    if name == "nested":
        below = constraint(content["query"], types)
        kept = {key: value for key, value in content.items() if key in ("path", "ignore_unmapped")}
        return {"nested": {**kept, "query": below}} if below is not None else None
    return {name: content}


def _bool_constraint(content: Mapping[str, Any], types: FieldTypes) -> Json | None:
    musts, filters = clauses_of(content.get("must")), clauses_of(content.get("filter"))
    excluded, shoulds = clauses_of(content.get("must_not")), clauses_of(content.get("should"))
    parts = [*filters, *(limit for limit in (constraint(clause, types) for clause in musts) if limit is not None)]
    optional = content.get("minimum_should_match")
    least = _least(optional, len(shoulds), 0 if musts or filters or not shoulds else 1)
    limits = [constraint(clause, types) for clause in shoulds]
    known = [limit for limit in limits if limit is not None]
    if least is None:
        if len(known) < len(limits) and known:
            raise Refused("unknown_option", "minimum_should_match of texts and filters together")
        parts += [{"bool": {"should": known, "minimum_should_match": optional}}] if known else []
    elif least > len(shoulds):
        parts.append({"match_none": {}})
    elif (missing := least - (len(limits) - len(known))) > 0:
        parts.append({"bool": {"should": known, "minimum_should_match": missing}})
    if not parts and not excluded:
        return None
    return {"bool": {**({"filter": parts} if parts else {}), **({"must_not": excluded} if excluded else {})}}


def _least(value: Any, count: int, usual: int) -> int | None:
    """Return how many of `count` optional clauses have to match; None where that is said in a way not read here."""
    if value is None:
        return usual
    text = str(value).strip()
    if text.removeprefix("-").isdigit():
        return int(text) if not text.startswith("-") else max(count + int(text), 0)
    share = text.removesuffix("%")
    if text.endswith("%") and share.removeprefix("-").isdigit():
        part = count * abs(int(share)) // 100
        return part if not share.startswith("-") else count - part
    return None


def _any_of(limits: Sequence[Json | None]) -> Json | None:
    if not limits or any(limit is None for limit in limits):
        return None
    return {"bool": {"should": list(limits), "minimum_should_match": 1}}


def without_inner_hits(node: Any) -> Any:
    """Return a query without names and inner hits, which may stand in a request only once."""
    if isinstance(node, Mapping):
        return {key: without_inner_hits(value) for key, value in node.items() if key not in ("inner_hits", "_name")}
    return [without_inner_hits(value) for value in node] if isinstance(node, list) else node
