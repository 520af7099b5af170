"""Completions of an index: the titles of its documents, and the frequent words and phrases of a sample of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from math import log1p

from searchctl.engines.base import Engine
from searchctl.schema import Analyzer
from searchctl.search.completions import Completion, CompletionTable
from searchctl.text.analysis import is_stop_word
from searchctl.text.folding import searchable
from searchctl.types import Document

MOST_TITLES = 500_000
_SAMPLE = 10_000  # documents whose words are counted
_CHARACTERS = 1_500  # of each
_TITLE = 200  # characters of a title that are shown
_BATCH = 500
_TERMS, _PHRASES = 50_000, 30_000
_FEWEST_TERM, _FEWEST_PHRASE = 2, 3  # documents of the sample
_TOGETHER = 0.1  # share of the rarer word's documents in which a phrase has to occur
_CROWDED = 600_000  # phrases being counted, from which on those met once are forgotten
_PIECES = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\S")  # words, and signs and digits, over which no phrase goes
Progress = Callable[[int, int], None]


def complete_from(engine: Engine, index: str, analyzer: Analyzer, progress: Progress | None = None) -> CompletionTable:
    """Read all documents of an index, and return what a beginning may become."""
    total = engine.count(index)
    step, done = max(1, total // _SAMPLE), 0
    titles: dict[str, tuple[str, str, int]] = {}  # by key: as shown, the first document's id, how many have it
    counts = _WordCounts(analyzer)
    for entries in engine.scan(index, batch=_BATCH):
        for number, entry in enumerate(entries, done):
            _note_title(titles, entry.document)
            if number % step == 0:
                counts.add(entry.document)
        done += len(entries)
        if progress is not None:
            progress(done, max(total, done))
    most = log1p(max((count for _, _, count in titles.values()), default=1))
    named = [Completion(text, "title", log1p(count) / most, id) for text, id, count in titles.values()]
    return CompletionTable.of([*named, *counts.completions()])


def _note_title(titles: dict[str, tuple[str, str, int]], document: Document) -> None:
    shown = " ".join(document.title.split())[:_TITLE]
    key = searchable(shown)
    known = titles.get(key)
    if known is not None:
        titles[key] = (known[0], known[1], known[2] + 1)
    elif key and len(titles) < MOST_TITLES:
        titles[key] = (shown, document.id, 1)


class _WordCounts:
    """How many documents hold each word, and each phrase of two or three words that begins and ends with a telling one."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._terms: Counter[str] = Counter()
        self._phrases: Counter[str] = Counter()
        self._telling: dict[str, bool] = {}

    def add(self, document: Document) -> None:
        """Count the words of a document's title and of the beginning of its text."""
        pieces = _PIECES.findall(f"{document.title}\n{document.text[:_CHARACTERS]}".lower())
        self._terms.update({piece for piece in pieces if self._tells(piece)})
        self._phrases.update(set(self._runs(pieces)))
        if len(self._phrases) > _CROWDED:
            self._phrases = Counter({phrase: count for phrase, count in self._phrases.items() if count > 1})

    def _runs(self, pieces: list[str]) -> Iterator[str]:
        telling = [self._tells(piece) for piece in pieces]
        for place, piece in enumerate(pieces):
            for end in (place + 1, place + 2):
                if end < len(pieces) and telling[place] and telling[end] and pieces[end - 1][0].isalpha():
                    yield " ".join([piece, *pieces[place + 1 : end + 1]])

    def _tells(self, piece: str) -> bool:
        found = self._telling.get(piece)
        if found is None:
            word = searchable(piece).partition(" ")[0]
            found = self._telling[piece] = (
                len(piece) > 1 and piece[0].isalpha() and not is_stop_word(word, self._analyzer)
            )
        return found

    def completions(self) -> Iterator[Completion]:
        """Yield the frequent words and phrases, weighed by how frequent they are."""
        most = log1p(max(self._terms.values(), default=1))
        for term, count in self._terms.most_common(_TERMS):
            if count >= _FEWEST_TERM:
                yield Completion(term, "term", log1p(count) / most)
        for phrase, count in self._phrases.most_common(_PHRASES):
            words = phrase.split()
            rarer = min(self._terms[words[0]], self._terms[words[-1]])
            if count >= _FEWEST_PHRASE and count >= _TOGETHER * rarer:
                yield Completion(phrase, "phrase", log1p(count) / most)
