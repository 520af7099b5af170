"""The README's way to make an app hybrid, typed as it stands there, with the app asking the gateway in place of the server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.conftest import Shop
from tests.gateway.running import ask
from tests.gateway.shop import fill

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"```console\n(.*?)```", README.partition("## Search apps of others, unchanged")[2], re.DOTALL)[
    :1
]
QUESTION = {"query": {"multi_match": {"query": "caffeine", "fields": ["name", "description"]}}}


@pytest.mark.slow
def test_three_commands_make_an_app_hybrid(opensearch_url: str, tmp_path: Path) -> None:
    shop = Shop(opensearch_url, "opensearch", "products")

    def send(method: str, path: str, body: object) -> object:
        return shop.ask(method, path, body).json

    shop.ask("DELETE", "/products*?expand_wildcards=all")
    fill(send, "products", knn=True, copies=2)
    before = shop.search(QUESTION)
    assert before["hits"]["total"]["value"] == 0
    environ = {**os.environ, "HOME": str(tmp_path)}
    lines = BLOCK.replace("localhost:9200", opensearch_url.removeprefix("http://")).replace(
        "127.0.0.1:9201", "127.0.0.1:0"
    )
    installing, vectorizing, serving = lines.splitlines()
    assert installing.startswith("pip install")
    try:
        done = subprocess.run(
            [sys.executable, "-m", *vectorizing.split()], cwd=tmp_path, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        with subprocess.Popen(
            [sys.executable, "-m", *serving.split()], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
        ) as running:
            assert running.stderr is not None
            address = re.search(r"http://\S+", running.stderr.readline())
            assert address
            found = ask(address[0], "POST", "/products/_search", QUESTION, headers={"X-Searchctl": "on"})
            for _ in range(50):  # the first may come before the encoder is open
                if found.mode == "hybrid":
                    break
                found = ask(address[0], "POST", "/products/_search", QUESTION)
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
        assert found.mode == "hybrid" and found.reason == "rescued"
        names = [hit["_source"]["name"].partition(",")[0] for hit in found.json["hits"]["hits"]]
        assert names[0] == "Espresso machine" and set(names) <= {"Espresso machine", "Coffee grinder"}
    finally:
        shop.ask("DELETE", "/products*?expand_wildcards=all")
