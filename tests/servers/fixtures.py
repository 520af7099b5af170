"""Fixtures that give tests a running server: `pytest_plugins = ["tests.servers.fixtures"]` in the conftest.

Each node is started when a test first asks for it and ends with the session. Under pytest-xdist run with
`--dist loadgroup`: all tests of one server go to one worker then, so that it is started once. (pytest 9.2 with pytest-xdist
3.8 doesn't group, see github.com/pytest-dev/pytest-xdist/issues/1386: each worker starts its own then.) Name the server in a
parameter by `server_param`.
"""

from __future__ import annotations

import json
import os
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import unquote, urlsplit

import pytest

from tests.servers.catalogue import DISTRIBUTIONS, distribution
from tests.servers.node import Node
from tests.servers.parameters import SERVERS, URL_FIXTURES, server_param, server_url

__all__ = ["SERVERS", "server_param", "server_url"]

_HEAP = "512m"
_GROUPS = {fixture: name for name, fixture in URL_FIXTURES.items()} | {
    "secured_elasticsearch": "secured",
    "own_node": "own",
}
_NODES = pytest.StashKey[dict[str, Node]]()


@pytest.fixture(scope="session")
def opensearch_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """OpenSearch 2 with k-NN and neural-search."""
    yield from _serve(request, "opensearch-2")


@pytest.fixture(scope="session")
def opensearch3_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """OpenSearch 3 with k-NN."""
    yield from _serve(request, "opensearch-3")


@pytest.fixture(scope="session")
def elasticsearch8_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Elasticsearch 8, without its modules (no stemmers, painless, reindex, `GET /`)."""
    yield from _serve(request, "elasticsearch-8")


@pytest.fixture(scope="session")
def elasticsearch9_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Elasticsearch 9, without its modules (no stemmers, painless, reindex, `GET /`)."""
    yield from _serve(request, "elasticsearch-9")


@pytest.fixture(scope="session")
def secured_elasticsearch(request: pytest.FixtureRequest) -> Iterator[Node]:
    """Elasticsearch 9 with TLS and a password: `.url`, `.security.user`, `.password` and `.authority`."""
    with _started(request, "elasticsearch-9", "secured", secured=True) as node:
        yield node


@pytest.fixture
def own_node(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Node]]:
    """A function that starts a node for this test alone, by name, which it may stop, kill and start again."""
    with ExitStack() as nodes:
        yield lambda name: nodes.enter_context(_started(request, name, f"own {name}"))


def _serve(request: pytest.FixtureRequest, name: str) -> Iterator[str]:
    product = distribution(name).product
    if url := os.environ.get(f"SEARCHCTL_TEST_{product.upper()}_URL"):
        _skip_other_major(url, name)
        yield url
        return
    with _started(request, name, name) as node:
        yield node.url


def _started(request: pytest.FixtureRequest, name: str, title: str, *, secured: bool = False) -> Node:
    node = Node(distribution(name), heap=_HEAP, secured=secured, quick=True)
    request.config.stash.setdefault(_NODES, {})[title] = node
    return node


def _skip_other_major(url: str, name: str) -> None:
    """A server given by its address stands for its own version only."""
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
    request = urllib.request.Request(f"{bare}/_nodes/_local?filter_path=nodes.*.version")
    if parts.username:
        secret = b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode()
        request.add_header("Authorization", f"Basic {secret}")
    with urllib.request.urlopen(request, timeout=30) as response:
        versions = [node["version"] for node in json.load(response)["nodes"].values()]
    if versions[0].split(".")[0] != str(distribution(name).major):
        pytest.skip(f"the server given for {distribution(name).product} is {bare} with {versions[0]}, not {name}")


def pytest_report_header() -> str:
    """Say which servers the tests will run against."""
    given = {one.product: f"SEARCHCTL_TEST_{one.product.upper()}_URL" for one in DISTRIBUTIONS}
    named = [f"{product} as given by {variable}" for product, variable in given.items() if os.environ.get(variable)]
    own = [f"{one.product} {one.version}" for one in DISTRIBUTIONS if not os.environ.get(given[one.product])]
    return f"servers, where a test asks for one: {', '.join(named + own)}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that ask for a server by its fixture."""
    for item in items:
        for group in sorted({_GROUPS[name] for name in getattr(item, "fixturenames", ()) if name in _GROUPS}):
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show the end of the logs of the servers that a failed test may have used."""
    report = yield
    if report.failed and (item.get_closest_marker("servers")):
        for title, node in item.config.stash.get(_NODES, {}).items():
            if log := node.log():
                report.sections.append((f"log of {title}", log))
    return report
