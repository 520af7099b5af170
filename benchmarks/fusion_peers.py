"""Other systems' own hybrid search, on the same passages and vectors: what benchmarks/fusion.py sets beside ours.

Each gets every passage as a row of its own, under the document's title as we encode it, and the same vectors of passages and
queries; a document counts where its first passage comes. Words are theirs to analyse, in the corpus's language where they
can be told it. What isn't installed isn't measured.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from searchctl.index import Index
from searchctl.ingest.encoding import passage_texts
from searchctl.types import Vectors

DEEP = 100
FIRST = 10
LANGUAGES = {"en": "English", "ru": "Russian"}
Answer: TypeAlias = "Callable[[str], Sequence[str]]"


@dataclass(frozen=True)
class Corpus:
    """The passages of an index, with the vectors of what is asked."""

    name: str
    index: Index
    documents: list[str]
    texts: list[str]
    vectors: Vectors
    asked: dict[str, Any]


def corpus_of(name: str, index: Index, asked: dict[str, Any]) -> Corpus:
    entries = [entry for batch in index.engine.scan(index.name, vectors=True) for entry in batch]
    documents = [entry.document.id for entry in entries for _ in entry.passages]
    texts = [text for entry in entries for text in passage_texts(entry)]
    vectors = np.concatenate([entry.vectors for entry in entries if entry.vectors is not None])
    return Corpus(name, index, documents, texts, vectors, asked)


def first(documents: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(documents))[:FIRST]


def lancedb(corpus: Corpus, folder: Path) -> Answer:
    """LanceDB's hybrid query with its default, reciprocal ranks."""
    library = importlib.import_module("lancedb")
    rows = [
        {"document": document, "text": text, "vector": vector}
        for document, text, vector in zip(corpus.documents, corpus.texts, corpus.vectors, strict=True)
    ]
    table = library.connect(str(folder / f"lance-{corpus.name}")).create_table("passages", rows, mode="overwrite")
    table.create_fts_index("text", language=LANGUAGES[corpus.name[-2:]], stem=True, remove_stop_words=True)
    match = importlib.import_module("lancedb.query").MatchQuery

    def answer(text: str) -> Sequence[str]:
        query = table.search(query_type="hybrid").vector(corpus.asked[text]).text(match(text, "text"))
        return first([row["document"] for row in query.distance_type("cosine").limit(DEEP).to_list()])

    return answer


def txtai(corpus: Corpus, folder: Path) -> Answer:
    """txtai's hybrid index with its defaults: BM25 normalised, half and half."""
    library = importlib.import_module("txtai")
    known: dict[str, Any] = dict(zip(corpus.texts, corpus.vectors, strict=True)) | corpus.asked
    made = library.Embeddings(
        method="external", transform=lambda texts: np.stack([known[one] for one in texts]), hybrid=True
    )
    made.index(list(enumerate(corpus.texts)))
    return lambda text: first([corpus.documents[row] for row, _ in made.search(text, DEEP)])


def haystack(corpus: Corpus, folder: Path) -> Answer:
    """Haystack's joiner in its other mode, on our own two legs: its retrievers are the servers'."""
    joiner = importlib.import_module("haystack.components.joiners").DocumentJoiner(
        join_mode="distribution_based_rank_fusion", top_k=FIRST
    )
    document = importlib.import_module("haystack").Document

    def answer(text: str) -> Sequence[str]:
        legs = [
            [
                document(id=hit.id, content=hit.id, score=hit.legs[mode].raw)
                for hit in corpus.index.search(text, DEEP, mode=cast(Any, mode), repair=False)
            ]
            for mode in ("lexical", "vector")
        ]
        return [one.id for one in joiner.run(documents=legs)["documents"]]

    return answer


LIBRARIES: dict[str, Callable[[Corpus, Path], Answer]] = {
    "LanceDB itself": lancedb,
    "txtai itself": txtai,
    "Haystack's joiner itself, distribution-based": haystack,
}


def peers(corpus: Corpus, folder: Path) -> Iterator[tuple[str, Answer]]:
    """Yield the name and the answers of each system that is installed."""
    for name, make in LIBRARIES.items():
        try:
            yield name, make(corpus, folder)
        except ImportError as error:
            print(f"{name}: not measured, {error}", flush=True)


def native(corpus: Corpus, url: str) -> Answer:
    """OpenSearch's own hybrid query, min-max and half and half, on a node that holds the same documents and vectors."""
    from searchctl.engines import open_engine

    engine, name = open_engine(url), "searchctl-fusion"
    engine.drop(name)
    engine.create(name, corpus.index.schema)
    with engine.writing(name):
        for entries in corpus.index.engine.scan(corpus.index.name, vectors=True):
            assert not engine.write(name, entries)
    index = Index(engine, name, corpus.index.encoder)
    return lambda text: [hit.id for hit in index.search(text, FIRST, fusion="native")]
