"""An index of others is photographed before vectors are added, while they are there, and after they were taken away.

Settings, mappings, aliases, documents with their versions, the answers to the shop's own requests, and what else is on the server
stay as they are, but for the companion that was announced.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from searchctl.cli import main
from searchctl.engines import open_engine
from searchctl.engines.rest.engine import ServerEngine
from searchctl.types import Json
from tests.gateway.apps import all_bodies
from tests.gateway.shop import MAPPING, documents
from tests.servers.parameters import server_param, server_url

COPIES = 4
CLOCK = 1_764_000_000_000  # versions that the shop takes from its own clock
REQUESTS = 50
SYSTEM = ("/_index_template", "/_template", "/_component_template", "/_ingest/pipeline")
EVERYWHERE: tuple[Json, ...] = (
    {"query": {"query_string": {"query": "gloves winter"}}},
    {"query": {"multi_match": {"query": "gloves", "lenient": True}}},
    {"query": {"simple_query_string": {"query": "kettle | lamp"}}},
    {"query": {"match_all": {}}, "sort": [{"price": "desc"}], "size": 20, "fields": ["*"]},
)


@dataclass
class OwnersShop:
    """A shop's index as its owner keeps it, and what its owner would notice of it."""

    engine: ServerEngine
    name: str

    def ask(self, method: str, path: str, body: Json | None = None, **parameters: str | int | bool) -> Any:
        return self.engine.client.request(method, path, body, params=parameters).body

    def make(self) -> None:
        """Make the index with all that owners do to one: aliases with attributes, a pipeline, own versions, routing."""
        self.ask("PUT", f"/_ingest/pipeline/{self.name}-pipeline", {"description": "the shop's", "processors": []})
        settings: Json = {
            "number_of_shards": 2,
            "number_of_replicas": 0,
            "max_result_window": 5000,
            "default_pipeline": f"{self.name}-pipeline",
            "mapping": {"total_fields": {"limit": 40}},
            "analysis": {"analyzer": {"shop": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]}}},
        }
        fields = {**MAPPING["properties"], "all": {"type": "text", "analyzer": "shop"}}
        fields["name"] = {**fields["name"], "copy_to": "all"}
        aliases: Json = {
            f"{self.name}-read": {},
            f"{self.name}-north": {"filter": {"term": {"brand.keyword": "North"}}},
            f"{self.name}-write": {"is_write_index": True},
            f"{self.name}-routed": {"routing": "r1"},
        }
        mappings = {**MAPPING, "dynamic": "strict", "_meta": {"owner": "the shop"}, "properties": fields}
        self.ask("PUT", f"/{self.name}", {"settings": {"index": settings}, "mappings": mappings, "aliases": aliases})
        for number, (id, source) in enumerate(documents(COPIES)):
            own: Json = {"version": CLOCK + number, "version_type": "external"} if number % 3 == 0 else {}
            own |= {"routing": "r1"} if number % 7 == 0 else {}
            self.ask("PUT", f"/{self.name}/_doc/{id}", source, **own)
        self.ask("POST", f"/{self.name}/_refresh")

    def photograph(self) -> Json:
        """Return everything about the index that its owner could notice, and what else the server holds."""
        everything = {"query": {"match_all": {}}, "size": 1000, "version": True, "seq_no_primary_term": True}
        hits = self.ask("POST", f"/{self.name}/_search", everything)["hits"]["hits"]
        lines = [line for body in (*bodies(), *EVERYWHERE) for line in ({"index": self.name}, body)]
        payload = "".join(json.dumps(line) + "\n" for line in lines).encode()
        answers = self.engine.client.request("POST", "/_msearch", payload).body["responses"]
        return {
            "index": self.ask("GET", f"/{self.name}"),
            "documents": sorted(hits, key=lambda hit: str(hit["_id"])),
            "answers": [{what: value for what, value in one.items() if what != "took"} for one in answers],
            "by alias": [self.ask("GET", f"/{self.name}-{alias}/_count") for alias in ("read", "north", "routed")],
            "cluster": self.ask("GET", "/_cluster/settings"),
            "system": [self.named_in(path) for path in SYSTEM],
        }

    def named_in(self, path: str) -> Json:
        """Return what is kept there about the shop or by searchctl; servers keep adding things of their own."""
        kept = {name: [one] for name, one in dict(self.ask("GET", path)).items()}
        for name, ones in kept.items():
            listed = ones[0] if isinstance(ones[0], list) else ones
            kept[name] = [one for one in listed if self.name in str((name, one)) or "searchctl" in str((name, one))]
        return {name: ones for name, ones in kept.items() if ones}

    def indexes(self) -> set[str]:
        """Return the names of all indexes on the server that have to do with the shop."""
        return set(self.ask("GET", f"/*{self.name}*"))


def bodies() -> list[Json]:
    return [sent.body for sent in all_bodies() if not sent.parameters][:REQUESTS]


@pytest.fixture(params=[server_param("opensearch-2"), server_param("elasticsearch-8")])
def owners_shop(request: pytest.FixtureRequest) -> Iterator[OwnersShop]:
    """A shop of 64 documents on each server."""
    with closing(open_engine(server_url(request, request.param))) as engine:
        assert isinstance(engine, ServerEngine)
        shop = OwnersShop(engine, f"photo-{uuid.uuid4().hex[:8]}")
        shop.make()
        yield shop
        for index in shop.indexes():
            shop.ask("DELETE", f"/{index}")
        shop.ask("DELETE", f"/_ingest/pipeline/{shop.name}-pipeline")


@pytest.fixture
def typed(owners_shop: OwnersShop) -> Callable[..., Result]:
    """A function that types a command about the shop's index and returns what was printed."""

    def run(*command: str, code: int = 0) -> Result:
        arguments = [*command, "--engine", owners_shop.engine.url, "--json"]
        result = CliRunner().invoke(main, arguments, prog_name="searchctl")
        assert result.exit_code == code, result.output
        return result

    return run


def test_nothing_changes_but_what_was_announced(owners_shop: OwnersShop, typed: Callable[..., Result]) -> None:
    shop, name = owners_shop, owners_shop.name
    before = shop.photograph()
    answered = [answer for answer in before["answers"] if "error" not in answer]
    assert len(answered) >= REQUESTS, "most of the shop's requests have an answer on every server"
    assert sum(bool(answer["hits"]["hits"]) for answer in answered) >= REQUESTS // 2

    def changed() -> list[str]:
        after = shop.photograph()
        return [what for what in before if after[what] != before[what]]

    announced = json.loads(typed("vectorize", name, "--encoder", "hashing:32", "--dry-run").stdout)
    assert changed() == []
    assert shop.indexes() == {name}
    typed("vectorize", name, "--encoder", "hashing:32")
    assert shop.indexes() == {name, announced["vectors"]}
    for mode in ("hybrid", "lexical", "vector"):
        for index in (name, f"{name}-north"):
            found = json.loads(typed("search", "winter gloves", "--index", index, "--mode", mode).stdout)
            assert found["hits"]
            assert index == name or all(hit["fields"]["brand"] == "North" for hit in found["hits"])
    typed("get", "p1", "--index", name)
    typed("info", "--index", name)
    typed("doctor", "--index", name)
    assert changed() == []
    typed("vectorize", name, "--encoder", "hashing:32", "--remove")
    assert changed() == []
    assert shop.indexes() == {name}
