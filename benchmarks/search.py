"""What does a hybrid search cost beyond its two engines, and beside peers on the same corpus and vectors?

    python benchmarks/search.py [--documents 100000] [--queries 200]

Made-up documents (40 words by Zipf's law) with hashed vectors of 384 numbers; top 10 of fused lists, 100 candidates a leg;
the query's vector is given, so encoding isn't in the figures. Each is asked once, so that no list
kept for a next page answers it. The floor is tantivy's bare search for 100 on our own files and faiss's for 100 on a graph (HNSW, SQ8).
Each contender is compared with it in a loop of its own, query by query: in one loop of all, the threads and the memory of one
slow down the next. Peers where they're installed: bm25s (lexical only), txtai and LanceDB (hybrid). Medians, as ratios to the
floor.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import machine, save

from searchctl.encoders.hashing import HashingEncoder
from searchctl.index import Index

Ask = Callable[[str, NDArray[np.float32]], object]
DIM = 384


class Remembering(HashingEncoder):
    """Gives queries the vectors they were given before: what is measured is searching."""

    def __init__(self) -> None:
        super().__init__(DIM)
        self.known: dict[str, NDArray[np.float32]] = {}

    def encode_queries(self, texts: Any) -> NDArray[np.float32]:
        return np.stack([self.known[text] for text in texts])


def make_texts(count: int, seed: int, length: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{number}" for number in row) for row in rng.zipf(1.3, (count, length)) % 50_000]


def floor(index: Index, vectors: NDArray[np.float32]) -> tuple[Ask, Ask]:
    """Return the bare searches of tantivy on the files of our index, and of faiss on a graph of the same vectors."""
    opened = index.engine._index("default")  # type: ignore[attr-defined]
    lexical = opened._legs.lexical
    searcher, tantivy_index = lexical.reader._searcher, lexical._index
    faiss = importlib.import_module("faiss")
    graph = faiss.IndexHNSWSQ(DIM, faiss.ScalarQuantizer.QT_8bit, 32, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 100
    graph.train(vectors[:20_000])
    graph.add(vectors)

    def words(text: str, vector: NDArray[np.float32]) -> object:
        return searcher.search(tantivy_index.parse_query(text, ["content"]), 100).hits

    def neighbours(text: str, vector: NDArray[np.float32]) -> object:
        return graph.search(vector[None], 100, params=faiss.SearchParametersHNSW(efSearch=128))

    return words, neighbours


def peers(folder: Path, texts: list[str], vectors: NDArray[np.float32]) -> dict[str, Ask]:
    """Return the searches of those peers that are installed."""
    found: dict[str, Ask] = {}
    for name, make in (
        ("bm25s, lexical only", bm25s_search),
        ("LanceDB, hybrid", lancedb_search),
        ("txtai, hybrid", txtai_search),
    ):
        try:
            found[name] = make(folder, texts, vectors)
        except ImportError:
            print(f"{name}: not installed")
    return found


def bm25s_search(folder: Path, texts: list[str], vectors: NDArray[np.float32]) -> Ask:
    bm25s = importlib.import_module("bm25s")
    model = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    model.index([text.split() for text in texts], show_progress=False)
    return lambda text, vector: model.retrieve([text.split()], k=100, show_progress=False)


def lancedb_search(folder: Path, texts: list[str], vectors: NDArray[np.float32]) -> Ask:
    lancedb = importlib.import_module("lancedb")
    rows = [
        {"id": number, "text": text, "vector": vector}
        for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    table = lancedb.connect(str(folder / "lance")).create_table("documents", rows)
    table.create_fts_index("text")
    table.create_index(metric="cosine", vector_column_name="vector", index_type="IVF_HNSW_SQ")
    return lambda text, vector: table.search(query_type="hybrid").vector(vector).text(text).limit(10).to_list()


def txtai_search(folder: Path, texts: list[str], vectors: NDArray[np.float32]) -> Ask:
    txtai = importlib.import_module("txtai")
    known = {text: vector for text, vector in zip(texts, vectors, strict=True)}
    queries: dict[str, NDArray[np.float32]] = {}
    made = txtai.Embeddings(
        method="external",
        transform=lambda batch: np.stack([known.get(one, queries.get(one)) for one in batch]),
        hybrid=True,
    )
    made.index(list(enumerate(texts)))

    def ask(text: str, vector: NDArray[np.float32]) -> object:
        queries[text] = vector
        return made.search(text, 10)

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    texts = make_texts(options.documents, 0, 40)
    *questions, first = dict.fromkeys(make_texts(options.queries + 1, 1, 4))
    encoder = Remembering()
    vectors = encoder.encode_documents(texts)
    asked = dict(zip(questions, encoder.encode_documents(questions), strict=True))
    encoder.known = {first: encoder.encode_documents([first])[0], **asked}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with Index.open(folder / "index", encoder=encoder) as index:
            index.ingest({"id": str(number), "text": text} for number, text in enumerate(texts))
            index.search(first)  # a question of its own: an index keeps the lists of those that it was asked
            words, neighbours = floor(index, vectors)
            contenders: dict[str, Ask] = {"searchctl, hybrid": lambda text, vector: index.search(text)}
            contenders |= peers(folder, texts, vectors)
            bare = {"tantivy": words, "faiss": neighbours}
            taken = {name: compare({**bare, name: ask}, asked) for name, ask in contenders.items()}
    rows = [
        f"| {name} | {one[name] / (one['tantivy'] + one['faiss']):.2f} | {one['tantivy'] / (one['tantivy'] + one['faiss']):.2f} |"
        for name, one in taken.items()
    ]
    head = [
        f"| {options.documents:,} documents, median of {options.queries} queries | × (tantivy + faiss alone) | of which tantivy |",
        "|---|---|---|",
    ]
    about = machine("searchctl", "tantivy", "faiss-cpu", "bm25s", "lancedb", "txtai")
    save("search", "\n".join(["## Search", "", about, "", *head, *rows]))


def compare(asks: dict[str, Ask], questions: dict[str, NDArray[np.float32]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in asks}
    for text, vector in questions.items():
        for name, ask in asks.items():
            began = time.perf_counter()
            ask(text, vector)
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
