"""What rerankers learn from: judged questions with the top of their fused lists, kept apart from what benchmarks/rerank.py asks."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.evaluation.dataset import JudgedQuery, read_corpus, read_dataset
from searchctl.index import Index
from searchctl.search.query import parse_query
from searchctl.search.rerank import Rerank
from searchctl.types import Vectors

SETS = {  # name -> corpus, questions
    "scifact-en": ("scifact-en", "scifact-en"),
    "danetqa-ru": ("danetqa-ru", "danetqa-ru"),
    "xquad-en": ("xquad-en", "xquad-en"),
    "xquad-ru": ("xquad-ru", "xquad-ru"),
    "xquad ru→en": ("xquad-en", "xquad-ru"),
    "xquad en→ru": ("xquad-ru", "xquad-en"),
}
ARTICLE = 5  # paragraphs that xquad has of an article, one after the other
DEPTH = 10
KEPT = 0.5  # of xquad's questions, since each is asked in four ways

States = NDArray[np.float16]


@dataclass(frozen=True)
class Example:
    """A question and the top of its fused list; texts as a reranker gets them, and which of them answer."""

    set: str
    query: str
    texts: tuple[str, ...]
    scores: tuple[float, ...]
    answers: tuple[bool, ...]


def learns(document: str) -> bool:
    """Tell on which side a paragraph of xquad is, by its article."""
    return int(document.removeprefix("p")) // ARTICLE % 2 == 0


def questions_of(name: str, data: Path) -> tuple[list[JudgedQuery], set[str]]:
    """Return the questions of a set that may be learnt from, and the documents that may not be shown.

    These are train judgements, but for questions that share a relevant document with other judgements; where there are no
    train judgements, every other article.
    """
    folder = data / SETS[name][1]
    splits = {path.stem: read_dataset(folder, path.stem).queries for path in (folder / "qrels").glob("*.tsv")}
    learnt = splits.pop("train", None)
    if learnt is None:
        (learnt,) = splits.values()
        held = {document for one in learnt for document in one.grades if not learns(document)}
    else:
        held = {document for queries in splits.values() for one in queries for document in one.grades}
    return [one for one in learnt if not held & set(one.grades)], held


def names_without(left_out: Sequence[str]) -> list[str]:
    """Return the sets but for those whose names begin so."""
    return [name for name in SETS if not name.startswith(tuple(left_out) or "-")]


class Recorder:
    """A `Reranker` that leaves the order alone and remembers which texts it was given, best first."""

    name, weight = "recorder", 0.0

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return zeros."""
        self.texts.setdefault(query, []).extend(texts)
        return np.zeros(len(texts))


def mine(name: str, data: Path, work: Path, seed: int) -> Iterator[Example]:
    """Yield a set's examples: questions whose answer is near the top of the fused list, but not certain there."""
    rng = random.Random(f"{name} {seed}")
    queries, held = questions_of(name, data)
    if name.startswith("xquad"):
        queries = [one for one in queries if rng.random() < KEPT]
    with Index.open(work / SETS[name][0]) as index:
        index.ingest(read_corpus(data / SETS[name][0] / "corpus.jsonl"))
        recorder = Recorder()
        asked = [one.text for one in queries]
        results = index.search_many(asked, DEPTH, repair=False, rerank=Rerank(recorder, DEPTH))
        for one, found in zip(queries, results, strict=True):
            texts = recorder.texts.get(parse_query(one.text).text, [])
            shown = [
                (text, hit.score, one.grades.get(hit.id, 0) > 0)
                for hit, text in zip(found, texts, strict=False)
                if hit.id not in held
            ]
            if {answers for *_, answers in shown} == {True, False}:
                yield Example(name, one.text, *zip(*shown, strict=True))


class Memory:
    """An encoder that encodes the tokens of a text once, and keeps them in half precision."""

    def __init__(self, encoder: Any, path: Path) -> None:
        self._encoder, self._path = encoder, path
        self._known = _read_states(path) if path.exists() else {}
        self._saved = len(self._known)
        self.query_tokens = encoder.query_tokens

    def document_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Encode what is searched, if it isn't known."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for text, tokens in zip(new, self._encoder.document_tokens(new), strict=True):
            self._known[text] = tokens.astype(np.float16)
        return [self._known[text].astype(np.float32) for text in texts]

    def save(self) -> None:
        """Write what is new."""
        if len(self._known) > self._saved:
            _write_states(self._path, self._known)
            self._saved = len(self._known)


def _read_states(path: Path) -> dict[str, States]:
    with np.load(path, allow_pickle=False) as file:
        texts = json.loads(file["texts"].tobytes())
        return dict(zip(texts, np.split(file["states"], file["ends"][:-1]), strict=True))


def _write_states(path: Path, known: Mapping[str, States]) -> None:
    temporary = path.with_name(f"new-{path.name}")
    ends = np.cumsum([len(states) for states in known.values()])
    texts = np.frombuffer(json.dumps(list(known)).encode(), np.uint8)
    np.savez(temporary, texts=texts, ends=ends, states=np.concatenate(list(known.values())))
    os.replace(temporary, path)


def memory_of(corpus: str, encoder: Any, work: Path) -> Memory:
    """Return the encoder with the memory of a corpus."""
    return Memory(encoder, work / f"{corpus}-token-states-{encoder.revision}.npz")
