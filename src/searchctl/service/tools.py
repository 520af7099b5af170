"""Tools for agents, by the Model Context Protocol: compact answers, each with the id of the document that it comes from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from searchctl.errors import SearchctlError, UsageError
from searchctl.explore.answer import answer as find_answer
from searchctl.routing.decide import RouteSettings
from searchctl.search.as_json import facet_json, suggestion_json
from searchctl.service.indexes import OpenIndexes
from searchctl.types import FacetCounts, Hit, Json

INSTRUCTIONS = (
    "Search the user's own documents. Cite the id of each document that you use. Where `answered` is false, say that the "
    "documents don't hold an answer instead of making one up."
)
Arguments = ParamSpec("Arguments")
_MAX_HITS = 50
_MAX_TEXT = 20_000  # characters of a document that one call returns
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def make_tools(indexes: OpenIndexes, default: str, version: str) -> MCPServer[Any]:
    """Return a server with the tools search, suggest, similar, get, answer and route, on the offered indexes.

    `default` is the index that is searched where a call names none.
    """
    server: MCPServer[Any] = MCPServer("searchctl", instructions=INSTRUCTIONS, version=version, log_level="WARNING")

    @server.tool(annotations=_READS)
    @_explained
    def search(
        query: str,
        index: str = default,
        k: int = 5,
        where: str | None = None,
        facets: str | None = None,
        sort: str | None = None,
        group_by: str | None = None,
    ) -> Json:
        """Find documents by words and by meaning.

        The query may hold "exact phrases", +required and -excluded words. `index` may name several with commas between.
        `where` filters by fields, for example lang=ru AND price>=10. `facets` counts the documents by fields or ranges, for
        example brand,price:..10,10..50,50.. and `sort` orders them, for example -updated,relevance. `group_by` shows the best
        hit of each value of a field. `relevance` runs from 0 to 1; `answered` is false when even the best hit is no good answer.
        """
        results = indexes.searched(index).search(
            query,
            _hits(k),
            where=where,
            sentences=True,
            facets=facets or (),
            sort=sort or (),
            group_by=group_by or None,
        )
        repaired = {"read_as": results.repaired.query} if results.repaired is not None else {}
        return {
            "answered": results.answered,
            **repaired,
            "total": results.total.value,
            "total_is_exact": results.total.relation == "eq",
            **({"facets": [_facet(one) for one in results.facets]} if results.facets else {}),
            "hits": [_hit(hit) for hit in results.hits],
        }

    @server.tool(annotations=_READS)
    @_explained
    def suggest(typed: str, index: str = default, k: int = 8) -> Json:
        """Complete the beginning of a query: titles, phrases and words that the documents hold, with typing errors corrected."""
        given = indexes.searched(index).suggest(typed, max(1, min(k, _MAX_HITS)))
        return {"suggestions": [suggestion_json(one) for one in given]}

    @server.tool(annotations=_READS)
    @_explained
    def similar(id: str, index: str = default, k: int = 5) -> Json:
        """Find the documents most like one that is stored, given its id."""
        opened = indexes.index(index)
        if opened.get(id) is None:
            raise UsageError(f"there is no document '{id}' in index '{index}'; find ids with the tool search")
        return {"hits": [_hit(hit) for hit in opened.similar(id, _hits(k)).hits]}

    @server.tool(annotations=_READS)
    @_explained
    def get(id: str, index: str = default, start: int = 0) -> Json:
        """Read a document by its id. A long text comes in parts: `next` is the `start` of the next part, or null."""
        document = indexes.index(index).get(id)
        if document is None:
            raise UsageError(f"there is no document '{id}' in index '{index}'; find ids with the tool search")
        begin = max(0, start)
        end = begin + _MAX_TEXT
        return {
            "id": document.id,
            "title": document.title,
            "text": document.text[begin:end],
            "next": end if end < len(document.text) else None,
            "fields": dict(document.fields),
        }

    @server.tool(annotations=_READS)
    @_explained
    def answer(question: str, index: str = default) -> Json:
        """Answer a question with the sentence of a document that says it, or say that there is none."""
        told = find_answer(indexes.index(index), question)
        sentences = [*([told.best] if told.best else []), *told.others]
        return {
            "answered": told.answered,
            "sentences": [
                {"id": one.id, "title": one.title, "sentence": one.sentence, "score": round(one.score, 3)}
                for one in sentences
            ],
        }

    @server.tool(annotations=_READS)
    @_explained
    def route(text: str, index: str = "routes", target_precision: float = 0.95) -> Json:
        """Choose the label of a text, such as a support ticket. `label` is null where none is sure enough."""
        with indexes.routing:
            chosen = indexes.router(index).route(text, RouteSettings(target_precision=target_precision))
        return {
            "label": chosen.label,
            "confidence": round(chosen.confidence, 3),
            "why": chosen.why,
            "examples": [{"text": one.text, "labels": list(one.labels)} for one in chosen.neighbours],
        }

    return server


def _explained(tool: Callable[Arguments, Json]) -> Callable[Arguments, Json]:
    """Return the tool with its errors in a form that the agent gets to read."""

    @functools.wraps(tool)
    def call(*given: Arguments.args, **named: Arguments.kwargs) -> Json:
        try:
            return tool(*given, **named)
        except SearchctlError as error:
            raise ToolError(str(error)) from error

    return call


def _hits(k: int) -> int:
    return max(1, min(k, _MAX_HITS))


def _facet(counted: FacetCounts) -> Json:
    """Return counts as short as can be: a value or range with its number of documents."""
    own = facet_json(counted)
    values = [
        {"value": one["range"] if one["value"] is None else one["value"], "count": one["count"]}
        for one in own["values"]
    ]
    return {"field": counted.field, "values": values, "missing": counted.missing, "documents": counted.documents}


def _hit(hit: Hit) -> Json:
    passage = hit.passage
    sentence = None
    if passage is not None and passage.sentence is not None:
        start, end = passage.sentence
        sentence = passage.text[start:end]
    group = {"group": {"value": hit.group.value, "documents": hit.group.total.value}} if hit.group is not None else {}
    return {
        **({"index": hit.index} if hit.index else {}),
        "id": hit.id,
        "title": hit.title,
        **group,
        "relevance": round(hit.relevance, 3),
        "passage": passage.text if passage is not None else "",
        "sentence": sentence,
        "fields": dict(hit.fields),
    }
