"""A team's own client in place of an address: all that searchctl does goes by its connections."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch, RequestsHttpConnection

from searchctl.engines import open_engine
from searchctl.engines.rest.client import Client
from searchctl.index import Index
from tests.servers.parameters import SERVERS, server_param, server_url


@pytest.mark.parametrize("server", list(map(server_param, SERVERS)))
def test_an_index_is_made_filled_and_searched_by_a_teams_own_client(
    request: pytest.FixtureRequest, server: str
) -> None:
    url = server_url(request, server)
    clients = [Elasticsearch(url)] if server.startswith("elastic") else [OpenSearch(url)]
    if server.startswith("opensearch"):
        clients.append(OpenSearch(url, connection_class=RequestsHttpConnection))
    for client in clients:
        name = f"client-{uuid.uuid4().hex[:8]}"
        with Index.open(name=name, client=client, encoder="hashing:32") as index:
            index.ingest({"id": word, "text": f"all about {word}"} for word in ("tea", "coffee", "bread"))
            assert index.search("about coffee")[0].id == "coffee"
            assert index.engine.url == url
            index.engine.drop(name)
        assert Client.of(client).request("GET", "/_cat/health").body, "it stays open"
        client.close()
    with closing(open_engine(url)) as engine:
        assert not [info for info in engine.indexes() if info.name.startswith("client-")]
