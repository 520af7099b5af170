"""The tools for agents, asked by the SDK's own client over standard input and output, as an agent does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters, stdio_client


def test_an_agent_searches_reads_answers_and_routes(folder: Path) -> None:
    arguments = ["-m", "searchctl", "mcp", "--engine", str(folder), "--index", "shop"]
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    server = StdioServerParameters(command=sys.executable, args=arguments, env=environ)
    answers: dict[str, Any] = {}

    async def talk() -> None:
        async with Client(stdio_client(server)) as client:
            answers["tools"] = (await client.list_tools()).tools
            for name, given in (
                ("search", {"query": "keep the receipt", "k": 2}),
                ("search", {"query": "чек", "where": "lang=ru"}),
                ("similar", {"id": "returns"}),
                ("get", {"id": "faq/gift"}),
                ("answer", {"question": "does a gift card expire"}),
                ("route", {"text": "where is my parcel"}),
                ("get", {"id": "nope"}),
                ("search", {"query": "a", "index": "nothing"}),
                ("search", {"query": "a", "where": "land=en"}),
            ):
                answers.setdefault(name, []).append(await client.call_tool(name, given))

    anyio.run(talk)
    assert [tool.name for tool in answers["tools"]] == ["search", "similar", "get", "answer", "route"]
    assert all(tool.description and tool.annotations.read_only_hint for tool in answers["tools"])
    search, filtered, missing, unknown = answers["search"]
    assert result(search)["hits"][0]["id"] == "returns"
    assert [hit["id"] for hit in result(filtered)["hits"]] == ["vozvrat"]
    assert missing.is_error and "nothing" in missing.content[0].text
    assert unknown.is_error and "land" in unknown.content[0].text
    assert "returns" not in [hit["id"] for hit in result(answers["similar"][0])["hits"]]
    stored, nope = answers["get"]
    assert result(stored) == {
        "id": "faq/gift",
        "title": "Gift cards",
        "text": "A gift card never expires.",
        "next": None,
        "fields": {"lang": "en", "price": 10},
    }
    assert nope.is_error and "'nope'" in nope.content[0].text
    assert result(answers["answer"][0])["sentences"][0]["id"] == "faq/gift"
    assert set(result(answers["route"][0])) == {"label", "confidence", "why", "examples"}


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
