"""Documents of an index that a model is asked about: drawn evenly and always the same ones, long ones as an excerpt."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from searchctl.filters import as_filter, holds, typed
from searchctl.index import Index
from searchctl.text.analysis import analyze
from searchctl.types import Document, Entry, Where

EXCERPT = 3000  # characters of a document that a model is shown
_FEWEST_TERMS = 5  # informative words without which there is nothing to ask about


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a model is shown of a document: code points `start` to `end` of its text."""

    document: str
    title: str
    text: str
    start: int
    end: int

    @property
    def passage(self) -> str:
        """Title and text together, as documents are encoded."""
        return f"{self.title}\n{self.text}".strip()


def draw_documents(
    index: Index, count: int | None, *, where: Where | None = None, seed: int = 0
) -> tuple[list[Excerpt], Counter[str]]:
    """Draw excerpts of `count` documents, all for None, by a hash of their ids: the same ones again when others were added.

    Also returns how many documents can't be asked about, by reason. Raises UsageError for a filter that can't be.
    """
    passed_over: Counter[str] = Counter()
    drawn: list[tuple[int, str, Excerpt]] = []
    for entry in _matching(index, where):
        excerpt = _excerpt(entry, seed)
        if len({token.term for token in analyze(excerpt.passage)}) < _FEWEST_TERMS:
            passed_over["too short"] += 1
            continue
        item = (-_drawn_number(seed, excerpt.document), excerpt.document, excerpt)
        if count is None or len(drawn) < count:
            heapq.heappush(drawn, item)
        else:
            heapq.heappushpop(drawn, item)
    return [excerpt for _, _, excerpt in sorted(drawn, reverse=True)], passed_over


def excerpts_of(index: Index, ids: Sequence[str], query: str) -> dict[str, Excerpt]:
    """Return what a model is shown of documents for a query, by id: of long ones the passages that share most words with it."""
    words = {token.term for token in analyze(query)}
    found = {}
    for entry in index.engine.get(index.name, list(ids)):
        if entry is not None:
            found[entry.document.id] = _best_excerpt(entry, words)
    return found


def _matching(index: Index, where: Where | None) -> Iterator[Entry]:
    fields = index.schema.fields
    wanted = as_filter(where)
    checked = typed(wanted, fields) if wanted is not None else None
    for entries in index.engine.scan(index.name):
        for entry in entries:
            if checked is None or holds(entry.document, checked, fields):
                yield entry


def _drawn_number(seed: int, id: str) -> int:
    digest = hashlib.blake2b(f"{seed} {id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _excerpt(entry: Entry, seed: int) -> Excerpt:
    """Return all of a short document, and of a long one a part that begins with one of its passages."""
    document = entry.document
    starts = [passage.start for passage in entry.passages if len(document.text) - passage.start >= EXCERPT // 2] or [0]
    start = starts[_drawn_number(seed, document.id) % len(starts)] if len(document.text) > EXCERPT else 0
    return _cut(document, start)


def _best_excerpt(entry: Entry, words: set[str]) -> Excerpt:
    document = entry.document
    if len(document.text) <= EXCERPT:
        return _cut(document, 0)
    starts = [passage.start for passage in entry.passages] or list(range(0, len(document.text), EXCERPT // 2))

    def shared(start: int) -> int:
        return len(words & {token.term for token in analyze(document.text[start : start + EXCERPT])})

    return _cut(document, max(starts, key=shared))


def _cut(document: Document, start: int) -> Excerpt:
    end = min(len(document.text), start + EXCERPT)
    if end < len(document.text) and (blank := document.text.rfind(" ", start + 1, end)) > start:
        end = blank
    return Excerpt(document.id, document.title, document.text[start:end].strip(), start, end)
