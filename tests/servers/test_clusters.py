"""Three nodes, of which one is killed and comes back while documents are loaded and searched: `make test-clusters`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import SearchctlError
from searchctl.index import Index
from searchctl.schema import EncoderStamp, Schema
from searchctl.settings.connection import Connection
from searchctl.types import Mode
from tests.servers.catalogue import distribution
from tests.servers.cluster import Cluster

FIRST, ALL = 300, 3000
INDEX = "clustered"
MODES: tuple[Mode, ...] = ("hybrid", "lexical", "vector")
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not os.environ.get("SEARCHCTL_TEST_CLUSTERS"), reason="three nodes: make test-clusters"),
]


def text(number: int) -> str:
    return f"word{number} is what document {number} alone is about"


class Searches(threading.Thread):
    """Looks for documents that are there all the time. An answer without the one is wrong; an error isn't an answer."""

    def __init__(self, index: Index) -> None:
        super().__init__(daemon=True)
        self._index = index
        self.ended = threading.Event()
        self.answered = 0
        self.wrong: list[str] = []
        self.errors: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number = (number + 7) % FIRST
            mode = MODES[number % len(MODES)]
            try:
                ids = [hit.id for hit in self._index.search(text(number), 10, mode=mode)]
            except SearchctlError as error:
                self.errors.append(str(error))
                continue
            self.answered += 1
            if str(number) not in ids:
                self.wrong.append(f"{mode} {number}: {ids}")


def engine_of(cluster: Cluster) -> ServerEngine:
    connection = Connection(hosts=cluster.urls, options={"shards": 3, "replicas": 1})
    return ServerEngine(Client(connection), connection, None)


@pytest.mark.parametrize("name", ["opensearch-2", "elasticsearch-8"])
def test_a_node_killed_and_back_loses_nothing_and_shortens_no_answer(name: str) -> None:
    with Cluster(distribution(name)) as cluster, closing(engine_of(cluster)) as engine:
        encoder = HashingEncoder(64)
        engine.create(INDEX, Schema(EncoderStamp(encoder.name, encoder.revision, encoder.dim)))
        index = Index(engine, INDEX, encoder)
        assert index.ingest([{"id": str(n), "text": text(n)} for n in range(FIRST)]).written == FIRST
        cluster.wait("green")
        lost, back = cluster.nodes[0], threading.Thread(target=cluster.nodes[0].start)

        def documents() -> Iterator[dict[str, str]]:
            for number in range(FIRST, ALL):
                if number == ALL // 4:
                    lost.kill()
                if number == ALL // 2:
                    back.start()
                yield {"id": str(number), "text": text(number)}

        with closing(engine_of(cluster)) as other:
            searches = Searches(Index(other, INDEX, encoder))
            searches.start()
            report = index.ingest(documents())
            back.join()
            cluster.wait("green")
            searches.ended.set()
            searches.join()
        assert (report.written, report.dead) == (ALL - FIRST, 0), "what couldn't be written now was written later"
        assert searches.wrong == []
        assert searches.answered > 0
        stored = {one.document.id: one.document.text for entries in engine.scan(INDEX) for one in entries}
        assert stored == {str(number): text(number) for number in range(ALL)}
        for node in cluster.nodes:  # each answers with all, whichever copies it asks
            alone = Connection(hosts=(node.url,))
            with closing(ServerEngine(Client(alone), alone, None)) as asked:
                assert asked.count(INDEX) == ALL
                assert index.search(text(ALL - 1), 1)[0].id == str(ALL - 1)
