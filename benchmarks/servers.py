"""Do OpenSearch and Elasticsearch answer like the embedded engine, and what does hybrid cost there?

    python benchmarks/servers.py --data DIR [--servers opensearch-2 …] [--queries 300] [--work FOLDER] [--peers]

Nodes are those of the tests (`python -m tests.servers`), one at a time; SEARCHCTL_TEST_OPENSEARCH_URL and …_ELASTICSEARCH_URL name
others. Documents go from an embedded index to the server with their vectors, so both hold the same. Parity: how many of the
first ten hits are the same, and nDCG@10 on both. Latency: one query at a time, the modes in turn, query vectors given, so
that encoding isn't in the figures; medians, and hybrid as a ratio to the slower leg. Native is OpenSearch's own hybrid query
(normalization pipeline), asked for ten documents. `--peers` asks LangChain and Haystack as well, in turn with ours, on the same
node, passages and vectors (see server_peers.py).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from quality import judged, load
from report import machine, save
from server_peers import Peer, Piece, peers

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.engines.rest.engine import ServerEngine
from searchctl.evaluation.metrics import parse_metric
from searchctl.index import Index
from searchctl.search.query import parse_query
from searchctl.settings.resources import resource_folder
from searchctl.types import Mode, Vectors

sys.path.append(str(Path(__file__).parents[1]))  # for tests.servers, which isn't installed

NDCG = parse_metric("ndcg@10")
SERVERS = ["opensearch-2", "opensearch-3", "elasticsearch-8", "elasticsearch-9"]
SETS = {"xquad-en": "test", "xquad-ru": "test", "scifact-en": "test"}
MODES: tuple[Mode, ...] = ("lexical", "vector", "hybrid")
MOST_DOCUMENTS = 2000
NAME = "searchctl-benchmark"
ROUNDS = 2
PEERS = ("langchain-community", "langchain-elasticsearch", "opensearch-haystack", "elasticsearch-haystack")
TIMED = 40  # queries that are timed, each in every round


class Given:
    """An encoder that knows the queries' vectors: what is measured is searching."""

    def __init__(self, index: Index, texts: Sequence[str], cache: Path) -> None:
        stamp = index.schema.encoder
        assert stamp is not None
        self.name, self.revision, self.dim, self.max_tokens = stamp.name, stamp.revision, stamp.dim, 512
        if not cache.exists():
            np.save(cache, open_encoder(stamp.name).encode_queries(texts))
        self._known = dict(zip(texts, np.load(cache), strict=True))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._known[text] for text in texts])

    def knows(self, text: str) -> bool:
        return text in self._known

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        raise NotImplementedError


@dataclass
class Corpus:
    """One data set: its embedded index, its judged queries, and the encoder that knows their vectors."""

    name: str
    embedded: Index
    queries: list[dict[str, Any]]
    grades: dict[str, dict[str, int]]
    encoder: Given


def prepare(name: str, data: Path, work: Path, most: int) -> Corpus:
    """Make the embedded index where it isn't in the work folder yet: the judged documents first, then as many as it takes."""
    grades = judged(data / name / "qrels" / f"{SETS[name]}.tsv")
    documents = load(data / name / "corpus.jsonl")
    wanted = {document for one in grades.values() for document in one}
    documents.sort(key=lambda one: one["_id"] not in wanted)
    revision = open_encoder(DEFAULT_ENCODER).revision
    index = Index.open(work / f"{name}-{MOST_DOCUMENTS}-{revision}")
    kept = [{"id": one["_id"], "title": one["title"], "text": one["text"]} for one in documents[:MOST_DOCUMENTS]]
    index.ingest(kept)
    queries = [one for one in load(data / name / "queries.jsonl") if one["_id"] in grades][:most]
    texts = list(dict.fromkeys(parse_query(one["text"]).text for one in queries))
    encoder = Given(index, texts, work / f"{name}-{len(queries)}-queries-{revision}.npy")
    return Corpus(name, Index(index.engine, index.name, cast(Any, encoder)), queries, grades, encoder)


@contextmanager
def server(name: str) -> Iterator[str]:
    """Yield the address of a server: the one that is given, or a node of the tests."""
    from tests.servers.catalogue import distribution
    from tests.servers.node import Node

    given = os.environ.get(f"SEARCHCTL_TEST_{distribution(name).product.upper()}_URL")
    if given:
        yield given
        return
    with Node(distribution(name)) as node:
        yield node.url


def copy(corpus: Corpus, url: str) -> tuple[Index, float]:
    """Fill an index on the server with what the embedded one holds; return it and the seconds that took."""
    from searchctl.engines import open_engine

    engine = open_engine(url)
    engine.drop(NAME)
    engine.create(NAME, corpus.embedded.schema)
    began = time.perf_counter()
    with engine.writing(NAME):
        for entries in corpus.embedded.engine.scan(corpus.embedded.name, vectors=True):
            assert not engine.write(NAME, entries)
    return Index(engine, NAME, cast(Any, corpus.encoder)), time.perf_counter() - began


def hits(index: Index, corpus: Corpus, mode: Mode) -> list[list[str]]:
    texts = [one["text"] for one in corpus.queries]
    found: list[list[str]] = []
    for start in range(0, len(texts), 60):
        found += [[hit.id for hit in one] for one in index.search_many(texts[start : start + 60], 10, mode=mode)]
    return found


def parity(corpus: Corpus, index: Index) -> str:
    """Return a table's cells: overlap of each mode, then nDCG@10 of hybrid on both engines."""
    overlaps = []
    for mode in MODES:
        ours, theirs = hits(corpus.embedded, corpus, mode), hits(index, corpus, mode)
        shared = [len(set(one) & set(other)) / max(len(one), 1) for one, other in zip(ours, theirs, strict=True) if one]
        overlaps.append(statistics.mean(shared))
    return " | ".join(
        [*(f"{value:.3f}" for value in overlaps), *(f"{quality(found, corpus):.4f}" for found in (ours, theirs))]
    )


def latency(corpus: Corpus, index: Index, libraries: Sequence[Peer]) -> dict[str, float]:
    """Return the median in milliseconds of each mode, of native hybrid where there is one, and of other libraries."""
    asks: dict[str, Callable[[str], object]] = {mode: _search(index, mode) for mode in MODES}
    asks |= {peer.name: peer.ask for peer in libraries}
    engine = cast(ServerEngine, index.engine)
    if engine.server.has_native_hybrid:
        asks["native"] = _native(engine, corpus)
    times: dict[str, list[float]] = {name: [] for name in asks}
    for round in range(ROUNDS + 1):
        for query in corpus.queries[:TIMED]:
            for name, ask in asks.items():
                began = time.perf_counter()
                ask(query["text"])
                if round:  # the first round warms up
                    times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(found) for name, found in times.items()}


def cells(medians: dict[str, float]) -> str:
    """Return a table's cells: the medians, and hybrid as a ratio to the slower leg and to native hybrid."""
    shown = " | ".join(f"{medians[name]:.1f}" if name in medians else "-" for name in (*MODES, "native"))
    slower = medians["hybrid"] / max(medians["lexical"], medians["vector"])
    native = f"{medians['hybrid'] / medians['native']:.2f}" if "native" in medians else "-"
    return f"{shown} | {slower:.2f} | {native}"


def pieces(corpus: Corpus) -> list[Piece]:
    """Return the passages of the embedded index, as other libraries store them."""
    found = []
    for entries in corpus.embedded.engine.scan(corpus.embedded.name, vectors=True):
        for entry in entries:
            assert entry.vectors is not None
            for passage, vector in zip(entry.passages, entry.vectors.tolist(), strict=True):
                text = f"{entry.document.title}\n{entry.document.text[passage.start : passage.end]}".strip()
                found.append(Piece(entry.document.id, text, vector))
    return found


@contextmanager
def others(corpus: Corpus, index: Index, url: str) -> Iterator[list[Peer]]:
    """Yield other libraries, each with an index of its own that is dropped afterwards."""

    def encode(text: str) -> list[float]:
        asked = parse_query(text).text
        known = corpus.encoder.knows(asked)  # libraries encode something to see how long vectors are
        vector = corpus.encoder.encode_queries([asked])[0] if known else np.ones(corpus.encoder.dim)
        return cast("list[float]", vector.tolist())

    engine, passages = cast(ServerEngine, index.engine), pieces(corpus)
    with ExitStack() as stack:
        found = peers(engine.server, url, encode)
        for peer in found:
            peer.fill(passages)
            stack.callback(engine.client.request, "DELETE", f"/{peer.index}")
        yield found


def quality(found: Sequence[Sequence[str]], corpus: Corpus) -> float:
    """Return the mean nDCG@10."""
    pairs = zip(corpus.queries, found, strict=True)
    return statistics.mean(NDCG.of(ids, corpus.grades[one["_id"]]) for one, ids in pairs)


def _search(index: Index, mode: Mode) -> Callable[[str], object]:
    return lambda text: index.search(text, 10, mode=mode)


def _native(engine: ServerEngine, corpus: Corpus) -> Callable[[str], object]:
    """Ask OpenSearch's own hybrid query, with the candidates that our vector leg takes."""
    body = json.loads((resource_folder("mappings") / "opensearch-2" / "pipeline-weighted.json").read_text())
    engine.client.request("PUT", f"/_search/pipeline/{NAME}", body)

    def ask(text: str) -> object:
        vector = corpus.encoder.encode_queries([parse_query(text).text])[0]
        nested = engine.dialect.nearest(vector.tolist(), 100, [])["query"]
        del nested["nested"]["inner_hits"]  # which a hybrid query can't return before 3.0
        query = {"hybrid": {"queries": [{"match": {"content": text}}, nested]}}
        body = {"query": query, "size": 10, "_source": {"excludes": ["passages.vector"]}}
        return engine.client.request("POST", f"/{NAME}/_search?search_pipeline={NAME}", body)

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--servers", nargs="*", default=SERVERS)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    agree, quick, beside = [], [], []
    with TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        corpora = [prepare(name, options.data, work, options.queries) for name in options.sets]
        for name in options.servers:
            with server(name) as url:
                for corpus in corpora:
                    index, seconds = copy(corpus, url)
                    documents = index.info().documents
                    row = f"| {index.engine.name} | {corpus.name}"
                    agree.append(f"{row} | {documents} | {parity(corpus, index)} |")
                    with others(corpus, index, url) if options.peers else nullcontext([]) as libraries:
                        medians = latency(corpus, index, libraries)
                        answers = {"searchctl": hits(index, corpus, "hybrid")}
                        answers |= {one.name: [one.ask(query["text"]) for query in corpus.queries] for one in libraries}
                    quick.append(f"{row} | {documents / seconds:.0f} | {cells(medians)} |")
                    for way, found in answers.items():
                        took = medians["hybrid" if way == "searchctl" else way]
                        times = f"{took:.1f} | {took / medians['hybrid']:.2f}"
                        beside.append(f"{row} | {way} | {times} | {quality(found, corpus):.4f} |")
                    index.engine.drop(NAME)
                    index.close()
                    # what is done stays, if the rest fails
                    save("servers", "\n".join(_report(agree, quick, beside if options.peers else [], options.queries)))


def _report(agree: list[str], quick: list[str], beside: list[str], queries: int) -> list[str]:
    found = [
        "## Servers beside the embedded engine",
        "",
        machine("searchctl", "urllib3", *(PEERS if beside else ())),
        "",
        f"Share of the first ten hits that are the same, and nDCG@10 of hybrid; up to {queries} queries a set.",
        "",
        "| server | set | documents | lexical | vector | hybrid | nDCG embedded | nDCG server |",
        "|---|---|---|---|---|---|---|---|",
        *agree,
        "",
        "Median milliseconds of one search from Python, without encoding; documents written a second, with vectors.",
        "",
        "| server | set | written/s | lexical | vector | hybrid | native | hybrid ÷ slower leg | hybrid ÷ native |",
        "|---|---|---|---|---|---|---|---|---|",
        *quick,
    ]
    if not beside:
        return found
    return [
        *found,
        "",
        "Hybrid search of other libraries on the same node, with the same passages and vectors. LangChain sends OpenSearch's own hybrid "
        "query, and a match with kNN to Elasticsearch; Haystack searches twice and joins ranks.",
        "",
        "| server | set | library | ms | × searchctl | nDCG@10 |",
        "|---|---|---|---|---|---|",
        *beside,
    ]


if __name__ == "__main__":
    main()
