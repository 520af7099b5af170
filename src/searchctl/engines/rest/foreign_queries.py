"""Queries about an index that others made: in its owner's own fields, with its owner's analyzers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from searchctl.engines.rest.clauses import clause
from searchctl.engines.rest.foreign import FieldPath
from searchctl.engines.rest.queries import Questions
from searchctl.errors import UsageError
from searchctl.schema import FieldType, Schema
from searchctl.text.analysis import analyze
from searchctl.translation import _
from searchctl.types import Clause, Json, OneOf

PLACEHOLDER = "{{query}}"


class ForeignQuestions(Questions):
    """Writes queries for an index of others. `matched` are fields with boosts, as in "name^3"."""

    def __init__(self, schema: Schema, matched: Sequence[str], paths: Mapping[str, FieldPath]) -> None:
        super().__init__(schema, send_words=False)
        self._matched = list(matched)
        self._paths = paths
        body = schema.layout.body if schema.layout is not None else ""
        self._body: Any = json.loads(body) if body else None

    @property
    def in_order(self) -> Json:
        """Return nothing: the documents have no field that all servers can sort ids by."""
        return {}

    @property
    def only_ids(self) -> Json:
        """Return what makes a search bring ids only."""
        return {"_source": False}

    @property
    def highest_boost(self) -> float:
        """Return the factor that a word's score may have beside its BM25."""
        return max((float(name.partition("^")[2] or 1.0) for name in self._matched), default=1.0)

    def statistics(self, text: str) -> Json:
        """Return a search body that counts the documents with each of a text's words, as their fields analyse them."""
        counts = {term: self._in_fields(word) for term, word in self._surfaces(text).items()}
        body: Json = {"size": 0, "track_total_hits": True}
        return {**body, "aggs": {"terms": {"filters": {"filters": counts}}}} if counts else body

    def _surfaces(self, text: str) -> dict[str, str]:
        """Return each term as it was typed: the fields have analyzers of their own."""
        limited = self._limited(text)
        return {token.term: limited[token.start : token.end] for token in analyze(limited, self._analyzer)}

    def _in_fields(self, text: str, **options: Any) -> Json:
        return {"multi_match": {"query": text, "fields": self._matched, "lenient": True, **options}}

    def _match(self, text: str, kind: str = "match", **options: float) -> Json:
        if kind == "match_phrase":
            return self._in_fields(text, type="phrase", **options)
        if self._body is not None:
            return {"bool": {"must": [_filled(self._body, text)], **options}}
        return self._in_fields(text, type="cross_fields", **options)

    def _about_field(self, kind: FieldType, wanted: Clause) -> Json:
        path = self._paths[wanted.field]
        condition = clause(path.path, kind, wanted)
        return {"nested": {"path": path.nested, "query": condition}} if path.nested else condition

    def _column(self, name: str) -> tuple[str, str]:
        return self._paths[name].path, self._paths[name].nested

    def _own(self, wanted: Clause) -> Json:
        if wanted.field == "id" and isinstance(wanted.condition, OneOf):
            return {"ids": {"values": [str(value) for value in wanted.condition.values]}}
        raise UsageError(
            _("this index can't be filtered by the {field} of its documents: others made it").format(field=wanted.field)
        )


def _filled(value: Any, text: str) -> Any:
    """Return the owner's query with the text in its place."""
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, text)
    if isinstance(value, list):
        return [_filled(item, text) for item in value]
    return {name: _filled(item, text) for name, item in value.items()} if isinstance(value, dict) else value
