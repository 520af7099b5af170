"""Naming servers in the parameters of tests. Apart from the fixtures, since a conftest may not import a plugin."""

from __future__ import annotations

from typing import Any

import pytest

URL_FIXTURES = {
    "opensearch-2": "opensearch_url",
    "opensearch-3": "opensearch3_url",
    "elasticsearch-8": "elasticsearch8_url",
    "elasticsearch-9": "elasticsearch9_url",
}
SERVERS = tuple(URL_FIXTURES)


def server_param(name: str) -> Any:
    """Return a parameter that stands for this server, marked so that the test is run where the server is."""
    return pytest.param(name, marks=[pytest.mark.servers, pytest.mark.xdist_group(name)], id=name)


def server_url(request: pytest.FixtureRequest, name: str) -> str:
    """Return the address of the server of that name, started if need be."""
    return str(request.getfixturevalue(URL_FIXTURES[name]))
