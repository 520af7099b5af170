"""The running API against requests that nobody would write by hand, and many at a time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from searchctl import Index

pytest.importorskip("schemathesis")


@pytest.mark.slow
def test_no_request_of_the_described_kinds_breaks_it(address: str) -> None:
    """10,000 requests by `make fuzz-service`; here some hundreds."""
    wanted = int(os.environ.get("SEARCHCTL_TEST_REQUESTS", "300"))
    for seed in range(1, 1 + wanted):
        ended = run_schemathesis(address, seed, examples=max(10, min(200, wanted // 40)))
        assert ended.returncode == 0, ended.stdout[-6000:]
        statuses = answered(address)
        assert not any(status >= 500 for status in statuses), statuses
        if sum(statuses.values()) >= wanted:
            print(f"{sum(statuses.values())} requests: {dict(statuses)}")
            return


def run_schemathesis(address: str, seed: int, examples: int) -> subprocess.CompletedProcess[str]:
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "--checks", checks]
    command += [
        "--max-examples",
        str(examples),
        "--seed",
        str(seed),
        "--phases",
        "examples,coverage,fuzzing",
        "--no-color",
    ]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.lines_for_schemathesis"}
    return subprocess.run(command, capture_output=True, text=True, timeout=3000, env=environ)


def answered(address: str) -> Counter[int]:
    """Return how many requests were answered with each status, as the service counts them."""
    with urlopen(f"{address}/metrics", timeout=60) as response:
        text = response.read().decode()
    counts: Counter[int] = Counter()
    for status, count in re.findall(r'^searchctl_requests_total{.*status="(\d+)"} (\S+)$', text, re.MULTILINE):
        counts[int(status)] += int(float(count))
    return counts


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
