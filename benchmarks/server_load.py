"""How many documents a second does a server take, with one, two and four bulk requests under way, beside the clients' own helpers?

    python benchmarks/server_load.py [--servers opensearch-2 …] [--documents 2000] [--rounds 3]

Nodes are those of the tests, one at a time; SEARCHCTL_TEST_OPENSEARCH_URL and …_ELASTICSEARCH_URL name others. Every way writes
the same documents, of 60 words and a vector of 384 numbers, into an index of searchctl's own mapping that was made anew. The ways take
turns, in another order each round; medians, and as a ratio to one request at a time. `helpers.bulk` as it is by default, of 500
documents a request; `parallel_bulk` with four threads and 125.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from report import machine, save

from searchctl.engines import open_engine
from searchctl.engines.rest.bulk import Bulk, index_action
from searchctl.engines.rest.documents import as_source
from searchctl.engines.rest.engine import ServerEngine
from searchctl.schema import EncoderStamp, Schema
from searchctl.types import Document, Entry, Json, Passage
from servers import SERVERS, server

NAME = "searchctl-benchmark-load"
DIM, WORDS, LENGTH = 384, 5000, 60
Load = Callable[[], None]


def sources(engine: ServerEngine, count: int, seed: int) -> list[tuple[str, Json]]:
    """Return ids and documents as they are sent: words by Zipf's law, and a vector each."""
    state = engine.state(NAME)
    words, numbers = random.Random(seed), np.random.default_rng(seed)
    vocabulary = [f"w{number}" for number in range(WORDS)]
    weights = [1 / (number + 1) for number in range(WORDS)]
    made = []
    for number in range(count):
        text = " ".join(words.choices(vocabulary, weights, k=LENGTH))
        vector = numbers.standard_normal((1, DIM)).astype(np.float32)
        entry = Entry(
            Document(f"d{number}", text=text),
            passages=(Passage(0, len(text)),),
            vectors=vector / np.linalg.norm(vector),
            fingerprint=f"{number:032}",
        )
        made.append((f"d{number}", as_source(entry, state.schema, send_words=state.send_words)))
    return made


def loads(engine: ServerEngine, documents: Sequence[tuple[str, Json]]) -> dict[str, Load]:
    """Return the ways to write the documents, by name."""

    def ours(in_flight: int) -> Load:
        def load() -> None:
            outcomes = Bulk(engine.client, in_flight=in_flight).run(NAME, (index_action(*one) for one in documents))
            assert all(one.result == "created" for one in outcomes)

        return load

    client, helpers = own_client(engine)

    def actions() -> Any:
        return ({"_index": NAME, "_id": id, "_source": source} for id, source in documents)

    return {
        **{f"searchctl, {number} under way": ours(number) for number in (1, 2, 4)},
        "helpers.bulk": lambda: helpers.bulk(client, actions()),
        "parallel_bulk, 4 × 125": lambda: deque(
            helpers.parallel_bulk(client, actions(), thread_count=4, chunk_size=125), maxlen=0
        ),
    }


def own_client(engine: ServerEngine) -> tuple[Any, Any]:
    """Return the server's own client and its helpers."""
    if engine.server.family == "opensearch":
        from opensearchpy import OpenSearch, helpers

        return OpenSearch(engine.url, timeout=120, pool_maxsize=8), helpers
    from elasticsearch import Elasticsearch
    from elasticsearch import helpers as elastic

    return Elasticsearch(engine.url, request_timeout=120), elastic


def measure(engine: ServerEngine, documents: Sequence[tuple[str, Json]], schema: Schema, rounds: int) -> list[str]:
    """Return the rows of a server's table."""
    ways = list(loads(engine, documents).items())
    rates: dict[str, list[float]] = {name: [] for name, _ in ways}
    for round in range(rounds + 1):
        for name, load in ways[round % len(ways) :] + ways[: round % len(ways)]:
            engine.drop(NAME)
            engine.create(NAME, schema)
            engine.client.request("PUT", f"/{NAME}/_settings", {"index": {"refresh_interval": "-1"}})
            began = time.perf_counter()
            load()
            if round:  # the first warms up
                rates[name].append(len(documents) / (time.perf_counter() - began))
            assert engine.count(NAME) == len(documents)
    engine.drop(NAME)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    alone = medians["searchctl, 1 under way"]
    return [f"| {engine.name} | {name} | {rate:.0f} | {rate / alone:.2f} |" for name, rate in medians.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", nargs="*", default=SERVERS)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    schema = Schema(EncoderStamp("random", "", DIM))
    rows: list[str] = []
    for name in options.servers:
        with server(name) as url:
            engine = cast(ServerEngine, open_engine(url))
            engine.drop(NAME)
            engine.create(NAME, schema)
            documents = sources(engine, options.documents, options.seed)
            rows += measure(engine, documents, schema, options.rounds)
            engine.close()
    report = [
        "## Loading a server, with several requests under way",
        "",
        machine("searchctl", "opensearch-py", "elasticsearch"),
        "",
        f"{options.documents} documents of {LENGTH} words and {DIM} numbers, medians of {options.rounds} runs in turn.",
        "",
        "| server | way | documents/s | × one at a time |",
        "|---|---|---|---|",
        *rows,
    ]
    save("server-load", "\n".join(report))


if __name__ == "__main__":
    main()
