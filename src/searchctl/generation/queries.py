"""Queries for passages of an index: what someone would type to find each, kept if the index then finds it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from searchctl.generation.asking import Answers
from searchctl.generation.documents import Excerpt, draw_documents
from searchctl.generation.model import ChatRequest
from searchctl.generation.prompts import TaskName
from searchctl.generation.sifting import KnownTexts, WrittenText, sift
from searchctl.generation.tasks import (
    PromptChoice,
    WrittenLines,
    provenance,
    request_of,
    texts_reader,
    texts_schema,
)
from searchctl.index import Index
from searchctl.types import Json, Where

NOT_FOUND = "doesn't find its passage"
_TOKENS_A_QUERY = 40
_BATCH = 32


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """`documents` None asks about all. `round_trip` is among how many first hits a query must find its document; 0 keeps all."""

    documents: int | None = None
    per_document: int = 3
    round_trip: int = 10
    where: Where | None = None
    seed: int = 0


class QueriesTask:
    """Asks for queries to documents of an index. `held_out` are queries that none may be like. Implements `GenerationTask`."""

    name: TaskName = "queries"

    def __init__(
        self,
        index: Index,
        prompts: PromptChoice,
        settings: QuerySettings,
        *,
        held_out: Iterable[str] = (),
        on_search: Callable[[int, int], None] | None = None,
    ) -> None:
        self._index = index
        self._prompts = prompts
        self._settings = settings
        self._held_out = KnownTexts(held_out)
        self._on_search = on_search
        self._excerpts, self.passed_over = draw_documents(
            index, settings.documents, where=settings.where, seed=settings.seed
        )

    def requests(self) -> list[ChatRequest]:
        """Return a request for each document."""
        count = self._settings.per_document
        found = []
        for excerpt in self._excerpts:
            values = {"title": excerpt.title, "text": excerpt.text, "count": str(count)}
            prompt = self._prompts.of(excerpt.passage)
            schema, read = texts_schema("queries", count), texts_reader("queries", count)
            found.append(request_of(excerpt.document, prompt, values, schema, read, _TOKENS_A_QUERY * count + 40))
        return found

    def lines(self, answers: Answers) -> WrittenLines:
        """Return a line for each query that is kept."""
        rows = [
            (excerpt, text)
            for excerpt in self._excerpts
            if excerpt.document in answers.by_id
            for text in answers.by_id[excerpt.document].value
        ]
        written = [
            WrittenText(text, excerpt.passage, self._prompts.language_of(excerpt.passage)) for excerpt, text in rows
        ]
        kept, left_out = sift(written, KnownTexts(self._prompts.own_texts()), self._held_out)
        ranks = self._ranks([rows[row] for row in kept])
        lines = []
        for row, rank in zip(kept, ranks, strict=True):
            if self._settings.round_trip and rank is None:
                left_out[NOT_FOUND] += 1
                continue
            excerpt, text = rows[row]
            lines.append(self._line(excerpt, text, written[row].language, rank, answers))
        return WrittenLines(lines, left_out)

    def _ranks(self, rows: Sequence[tuple[Excerpt, str]]) -> list[int | None]:
        """Return at which place each query finds its document, None where it isn't among the first ones."""
        depth = self._settings.round_trip
        if not depth:
            return [None] * len(rows)
        ranks: list[int | None] = []
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            for (excerpt, _), hits in zip(
                part, self._index.search_many([text for _, text in part], depth), strict=True
            ):
                ids = [hit.id for hit in hits]
                ranks.append(ids.index(excerpt.document) + 1 if excerpt.document in ids else None)
            if self._on_search is not None:
                self._on_search(len(ranks), len(rows))
        return ranks

    def _line(self, excerpt: Excerpt, text: str, language: str, rank: int | None, answers: Answers) -> Json:
        digest = hashlib.blake2b(f"{excerpt.document}\n{text}".encode("utf-8", "replace"), digest_size=6).hexdigest()
        origin = provenance(answers.by_id[excerpt.document], self._prompts.of(excerpt.passage), excerpt.document)
        place = {} if not excerpt.start else {"start": excerpt.start, "end": excerpt.end}
        return {
            "id": f"g-{digest}",
            "query": text,
            "relevant": {excerpt.document: 1},
            "positive": excerpt.passage,
            "document": excerpt.document,
            "lang": language,
            **({"rank": rank} if rank is not None else {}),
            "generated": {**origin, **place},
        }
