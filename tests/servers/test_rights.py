"""What roles without any right on the cluster can do, on a node with security: read an index, or an alias and not its index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from click.testing import CliRunner, Result

from searchctl.cli import main
from searchctl.engines import open_engine
from searchctl.engines.rest.engine import ServerEngine
from searchctl.settings.connection import Connection
from tests.servers.node import Node

NAMES = ("rights-shop", "shown-shop", "shown-red")
INDEXES = {
    "rights-shop": {},
    "hidden-shop": {"shown-shop": {}, "shown-red": {"filter": {"term": {"colour": "red"}}}},
}
MAPPINGS = {"properties": {"body": {"type": "text"}, "colour": {"type": "keyword"}}}
Typed = Callable[..., Result]


@pytest.fixture
def typed(secured_elasticsearch: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """A function that types a command as the user of a role; the shop's indexes and the vectors beside them are there."""
    security = secured_elasticsearch.security
    assert security is not None

    def run(user: str, *command: str, engine: str = secured_elasticsearch.url) -> Result:
        for name, value in (("USERNAME", user), ("PASSWORD", security.password), ("CA_CERTS", str(security.authority))):
            monkeypatch.setenv(f"ELASTICSEARCH_{name}", value)
            monkeypatch.setenv(f"OPENSEARCH_{name}", value)
        return CliRunner().invoke(main, [*command, "--engine", engine, "--json"], prog_name="searchctl")

    own = Connection(username=security.user, password=security.password, ca_certs=str(security.authority))
    with closing(open_engine(secured_elasticsearch.url, own)) as engine:
        assert isinstance(engine, ServerEngine)
        ask: Any = engine.client.request
        for name, aliases in INDEXES.items():
            body = {"settings": {"number_of_replicas": 0}, "mappings": MAPPINGS, "aliases": aliases}
            ask("PUT", f"/{name}", body)
            for id, colour in (("1", "red"), ("2", "blue")):
                ask("PUT", f"/{name}/_doc/{id}?refresh=true", {"body": "winter gloves", "colour": colour})
        for name in NAMES:
            assert run(security.user, "vectorize", name, "--encoder", "hashing:32").exit_code == 0
        yield run
        for name in (*INDEXES, *(f"searchctl-vectors-{name}" for name in NAMES)):
            ask("DELETE", f"/{name}")


@pytest.mark.parametrize(
    ("user", "index", "ids"),
    [
        ("index-reader", "rights-shop", ["1", "2"]),
        ("index-reader", "rights-*", ["1", "2"]),
        ("alias-reader", "shown-shop", ["1", "2"]),
        ("alias-reader", "shown-red", ["1"]),
    ],
)
def test_reading_the_name_is_enough(typed: Typed, user: str, index: str, ids: list[str]) -> None:
    for options in ((), ("--mode", "lexical"), ("--mode", "vector"), ("--facet", "colour")):
        answer = typed(user, "search", "winter gloves", "--index", index, *options)
        assert answer.exit_code == 0, answer.output
        assert sorted(hit["id"] for hit in json.loads(answer.stdout)["hits"]) == ids
    narrowed = typed(user, "search", "winter gloves", "--index", index, "--where", "colour=red")
    assert [hit["id"] for hit in json.loads(narrowed.stdout)["hits"]] == ["1"]
    assert typed(user, "get", "1", "--index", index).exit_code == 0
    assert typed(user, "get", "2", "--index", index).exit_code == (0 if "2" in ids else 1)
    for command in (("info",), ("doctor",), ("similar", "1")):
        told = typed(user, *command, "--index", index)
        assert told.exit_code == 0, told.output


def test_who_may_not_read_is_told_what_is_missing(typed: Typed) -> None:
    refused = typed("index-reader", "search", "gloves", "--index", "shown-shop")
    assert refused.exit_code == 4
    assert "indices:admin/get" in refused.stderr
    blind = typed("words-reader", "search", "gloves", "--index", "rights-shop")
    assert blind.exit_code == 1
    assert "these credentials may not read searchctl-vectors-rights-shop" in blind.stderr


def test_who_may_not_write_changes_nothing(typed: Typed) -> None:
    assert typed("index-reader", "vectorize", "rights-shop", "--encoder", "hashing:48").exit_code == 4
    answer = typed("index-reader", "search", "winter gloves", "--index", "rights-shop")
    assert len(json.loads(answer.stdout)["hits"]) == 2
