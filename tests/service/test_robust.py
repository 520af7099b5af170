"""The running API against requests that nobody would write by hand, and many at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest

from searchctl import Index

pytest.importorskip("schemathesis")


@pytest.mark.slow
def test_no_request_of_the_described_kinds_breaks_it(address: str) -> None:
    """10,000 requests by `make fuzz-service`; here a share of them."""
    examples = os.environ.get("SEARCHCTL_TEST_EXAMPLES", "25")
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{address}/openapi.json",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--max-examples",
        examples,
        "--seed",
        "1",
        "--phases",
        "examples,coverage,fuzzing",
        "--no-color",
    ]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.lines_for_schemathesis"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=3000, env=environ)
    assert ended.returncode == 0, ended.stdout[-6000:]


@pytest.mark.slow
def test_many_callers_are_answered_while_documents_come(folder: Path, address: str) -> None:
    """100 callers for ten seconds, and a load by another process of the same index: every answer is whole."""
    host = address.removeprefix("http://")
    stop = time.monotonic() + 10
    wrong: list[str] = []

    def ask(_: int) -> int:
        connection, count = HTTPConnection(host, timeout=30), 0
        while time.monotonic() < stop:
            connection.request("GET", f"/v1/indexes/shop/search?q={quote('keep the receipt')}")
            response = connection.getresponse()
            body = json.loads(response.read())
            if response.status != 200 or body["hits"][0]["id"] != "returns":
                wrong.append(f"{response.status} {body}"[:300])
                break
            count += 1
        connection.close()
        return count

    def load() -> None:
        with Index.open(folder, "shop") as index:
            for number in range(20):
                index.ingest([{"id": f"new-{number}", "text": f"a chair of wood, number {number}"}])

    loading = threading.Thread(target=load)
    loading.start()
    with ThreadPoolExecutor(100) as callers:
        counts = list(callers.map(ask, range(100)))
    loading.join()
    assert wrong == []
    assert all(counts)
