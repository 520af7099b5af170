"""Three nodes that are one cluster, on this machine: each may be killed and started again."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from tests.servers.catalogue import Distribution
from tests.servers.errors import ServerError
from tests.servers.node import Node, free_port

_NODES = 3
_SECONDS = 240


class Cluster:
    """Nodes of one distribution; all of them may be elected, and all hold data."""

    def __init__(self, distribution: Distribution, *, heap: str = "512m") -> None:
        ports = {f"node-{number}": free_port() for number in range(_NODES)}
        shared: dict[str, object] = {
            "discovery.type": None,
            "discovery.seed_hosts": json.dumps([f"127.0.0.1:{port}" for port in ports.values()]),
            "cluster.initial_master_nodes": json.dumps(list(ports)),
            "cluster.name": f"searchctl-tests-{ports['node-0']}",
        }
        self.nodes = [
            Node(
                distribution,
                heap=heap,
                quick=True,
                together={**shared, "node.name": name, "transport.port": port},
            )
            for name, port in ports.items()
        ]
        self._stack = ExitStack()

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of all nodes."""
        return tuple(node.url for node in self.nodes)

    def wait(self, status: str, nodes: int = _NODES) -> None:
        """Wait until so many nodes are there and the cluster is green or yellow; raises ServerError."""
        wanted = urlencode({"wait_for_status": status, "wait_for_nodes": nodes, "timeout": "5s"})
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            for url in self.urls:
                if _ask(f"{url}/_cluster/health?{wanted}").get("timed_out") is False:
                    return
        raise ServerError(f"the cluster isn't {status} with {nodes} nodes after {_SECONDS} s")

    def __enter__(self) -> Cluster:
        for node in self.nodes:
            self._stack.callback(node.close)
        try:
            with ThreadPoolExecutor(_NODES) as starting:  # none is ready before it has met another
                list(starting.map(Node.start, self.nodes))
            self.wait("green")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _ask(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return dict(json.load(answer))
    except (OSError, urllib.error.URLError):
        time.sleep(0.2)
        return {}
