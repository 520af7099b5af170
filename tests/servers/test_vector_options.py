"""Vector options on real servers: what each takes, and that quantised vectors still find the nearest."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import asdict

import numpy as np
import pytest

from searchctl.engines import open_engine
from searchctl.engines.rest.options import IndexOptions
from searchctl.errors import UsageError
from searchctl.schema import EncoderStamp, Schema
from searchctl.settings.connection import Connection
from searchctl.types import Document, Entry, Passage, VectorQuery
from tests.servers.parameters import SERVERS, server_param, server_url

DIM, DOCUMENTS = 64, 200
OPTIONS = [
    IndexOptions(),
    IndexOptions(hnsw_m=24, hnsw_ef_construction=200, shards=2),
    IndexOptions(quantisation="int8"),
]
BBQ = IndexOptions(quantisation="bbq")


@pytest.mark.parametrize("name", [server_param(one) for one in SERVERS])
@pytest.mark.parametrize("options", [*OPTIONS, BBQ], ids=["plain", "graph", "int8", "bbq"])
def test_the_nearest_is_found(request: pytest.FixtureRequest, name: str, options: IndexOptions) -> None:
    index = f"options-{uuid.uuid4().hex[:8]}"
    vectors = np.random.default_rng(1).normal(size=(DOCUMENTS, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with closing(open_engine(server_url(request, name), Connection(options=asdict(options)))) as engine:
        schema = Schema(EncoderStamp("test", "0" * 12, DIM))
        if name.startswith("opensearch") and options is BBQ:
            with pytest.raises(UsageError, match="OpenSearch has no bbq vectors in lucene; choose one of"):
                engine.create(index, schema)
            return
        engine.create(index, schema)
        with engine.writing(index):
            entries = [Entry(Document(f"{n}"), (Passage(0, 0),), vectors[n : n + 1]) for n in range(DOCUMENTS)]
            assert engine.write(index, entries) == []
        for place in (3, 77):
            (found,) = engine.search(index, [VectorQuery(vectors[place], 5)])
            assert found.ids[0] == f"{place}"
            cosines = vectors @ vectors[place]
            expected = [cosines[int(id)] for id in found.ids]
            exact = options.quantisation == "none"
            np.testing.assert_allclose(found.scores, expected, atol=1e-3 if exact else 0.1)
            assert (found.ids == tuple(map(str, np.argsort(-cosines)[:5]))) or not exact
        engine.drop(index)
