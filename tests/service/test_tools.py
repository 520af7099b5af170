"""The tools for agents, asked by the SDK's own client over standard input and output, as an agent does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import anyio
import pytest

pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters, stdio_client

from tests.service.conftest import free_port

TOOLS = ["search", "suggest", "similar", "get", "answer", "route"]


def command(folder: Path, *more: str) -> list[str]:
    return ["-m", "searchctl", "mcp", "--engine", str(folder), "--index", "shop", *more]


def over_stdio(folder: Path) -> Any:
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return stdio_client(StdioServerParameters(command=sys.executable, args=command(folder), env=environ))


@pytest.fixture
def listening(folder: Path) -> Iterator[str]:
    """Yield the address of the tools over HTTP, as their users start them."""
    port = free_port()
    arguments = [sys.executable, *command(folder, "--http", f"127.0.0.1:{port}")]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert f"127.0.0.1:{port}/mcp" in process.stderr.readline()
            _read_on(process.stderr)
            _await_port(port)  # the address is told before the library listens there
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _await_port(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _read_on(pipe: IO[str]) -> None:
    threading.Thread(target=pipe.read, daemon=True).start()


def asked(target: Any, *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Return the tools that there are, and what each call gave, by the SDK's own client."""
    tools: list[Any] = []
    answers: list[Any] = []

    async def talk() -> None:
        async with Client(target) as client:
            tools.extend((await client.list_tools()).tools)
            for name, given in calls:
                answers.append(await client.call_tool(name, given))

    anyio.run(talk)
    return tools, answers


def test_an_agent_searches_reads_answers_and_routes(folder: Path) -> None:
    tools, answers = asked(
        over_stdio(folder),
        ("search", {"query": "keep the receipt", "k": 2}),
        ("search", {"query": "чек", "where": "lang=ru"}),
        ("similar", {"id": "returns"}),
        ("get", {"id": "faq/gift"}),
        ("answer", {"question": "does a gift card expire"}),
        ("route", {"text": "where is my parcel"}),
        ("get", {"id": "nope"}),
        ("search", {"query": "a", "index": "nothing"}),
        ("search", {"query": "a", "where": "land=en"}),
    )
    assert [tool.name for tool in tools] == TOOLS
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools)
    search, filtered, similar, stored, answer, route, nope, missing, unknown = answers
    assert result(search)["hits"][0]["id"] == "returns"
    assert [hit["id"] for hit in result(filtered)["hits"]] == ["vozvrat"]
    assert missing.is_error and "nothing" in missing.content[0].text
    assert unknown.is_error and "land" in unknown.content[0].text
    assert "returns" not in [hit["id"] for hit in result(similar)["hits"]]
    assert result(stored) == {
        "id": "faq/gift",
        "title": "Gift cards",
        "text": "A gift card never expires.",
        "next": None,
        "fields": {"lang": "en", "price": 10},
    }
    assert nope.is_error and "'nope'" in nope.content[0].text
    assert result(answer)["sentences"][0]["id"] == "faq/gift"
    assert set(result(route)) == {"label", "confidence", "why", "examples"}


@pytest.fixture(params=["stdio", "http"])
def target(folder: Path, request: pytest.FixtureRequest) -> Any:
    """Return what a client may be connected to: a program, or an address."""
    return over_stdio(folder) if request.param == "stdio" else request.getfixturevalue("listening")


def test_an_agent_counts_sorts_groups_and_completes(target: Any) -> None:
    asks = {"query": "30 days gift card", "facets": "lang,price:..5,5..", "sort": "-price,relevance"}
    tools, answers = asked(
        target,
        ("search", asks),
        ("search", {"query": "30 days gift card", "group_by": "lang"}),
        ("search", {"query": "refund receipt", "index": "shop,routes"}),
        ("suggest", {"typed": "gif"}),
        ("suggest", {"typed": "djpd", "index": "shop,routes"}),
        ("search", {"query": "a", "sort": "land"}),
    )
    assert [tool.name for tool in tools] == TOOLS
    counted, grouped, several, given, repaired, wrong = answers
    assert result(counted)["hits"][0]["id"] == "faq/gift"
    lang, price = result(counted)["facets"]
    assert {one["value"]: one["count"] for one in lang["values"]} == {"en": 2, "ru": 1}
    assert price["values"] == [{"value": {"lt": 5}, "count": 0}, {"value": {"gte": 5}, "count": 1}]
    assert (price["missing"], price["documents"]) == (2, 3)
    assert sorted(hit["group"]["value"] for hit in result(grouped)["hits"]) == ["en", "ru"]
    assert {hit["index"] for hit in result(several)["hits"]} == {"shop", "routes"}
    assert result(given)["suggestions"] == [{"text": "Gift cards", "kind": "title", "id": "faq/gift", "repair": None}]
    assert result(repaired)["suggestions"][0]["text"] == "Возврат"
    assert wrong.is_error and "land" in wrong.content[0].text


def result(answer: Any) -> Any:
    """Return what a tool gave, which wasn't an error."""
    assert not answer.is_error, answer.content
    given = answer.structured_content
    return given.get("result", given)


def test_a_missing_index_is_told_before_an_agent_waits(folder: Path) -> None:
    command = [sys.executable, "-m", "searchctl", "mcp", "--engine", str(folder), "--index", "nothing"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "nothing" in ended.stderr


def test_tools_over_http_are_for_this_machine_only(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "searchctl",
        "mcp",
        "--engine",
        str(folder),
        "--index",
        "shop",
        "--http",
        "0.0.0.0:1",
    ]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and "listen on 127.0.0.1:1" in ended.stderr
