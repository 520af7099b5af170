"""The nodes themselves: each is what it says, and keeps its data through a kill."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.catalogue import distribution
from tests.servers.fixtures import SERVERS, server_param, server_url
from tests.servers.node import Node


def ask(url: str, body: object = None, method: str | None = None, **options: Any) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    if user := options.pop("user", None):
        request.add_header("Authorization", f"Basic {b64encode(user.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=60, **options) as response:
        return json.load(response)


@pytest.mark.parametrize("name", [server_param(name) for name in SERVERS])
def test_the_server_is_of_the_named_version(request: pytest.FixtureRequest, name: str) -> None:
    url = server_url(request, name)
    (node,) = ask(f"{url}/_nodes/_local")["nodes"].values()
    assert node["version"].split(".")[0] == str(distribution(name).major)


def test_data_survive_a_kill(own_node: Callable[[str], Node]) -> None:
    node = own_node("opensearch-2")
    ask(f"{node.url}/things/_doc/1", {"name": "kept"}, "PUT")
    node.kill()
    with pytest.raises(urllib.error.URLError):
        ask(f"{node.url}/things/_doc/1")
    node.start()
    assert ask(f"{node.url}/things/_doc/1")["_source"] == {"name": "kept"}


def test_a_secured_node_wants_its_password_and_shows_its_certificate(secured_elasticsearch: Node) -> None:
    security = secured_elasticsearch.security
    assert security is not None
    url = f"{secured_elasticsearch.url}/_security/_authenticate"
    trusting = ssl.create_default_context(cafile=security.authority)
    found = ask(url, user=f"{security.user}:{security.password}", context=trusting)
    assert (found["username"], found["roles"]) == (security.user, ["superuser"])
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(url, user=f"{security.user}:wrong", context=trusting)
    assert refused.value.code == 401
    refused.value.close()
    with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
        ask(url)
