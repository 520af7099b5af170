"""Recorded searches asked again, by words and by both legs, and how far the answers differ."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import urlencode

from searchctl.gateway import wire
from searchctl.gateway.answer import asked_text
from searchctl.gateway.hybrid import Hybrid
from searchctl.gateway.many import read_many
from searchctl.gateway.policies import Policies
from searchctl.gateway.reasons import SENTENCES, Refused, WhyLexical
from searchctl.gateway.recording import Recorded, read_recording
from searchctl.gateway.requests import Search, read_body, read_search
from searchctl.gateway.steps import Ask, SearchOutcome, ServerReply, lexical
from searchctl.gateway.tally import ShadowPair, Tally
from searchctl.gateway.upstream import Upstream
from searchctl.settings.connection import Connection, Family
from searchctl.types import Json

_BUDGET_MS = 60_000


def replay(path: Path, connection: Connection, family: Family | None, policies: Policies) -> Json:
    """Return what a gateway's report would say of these searches. Raises SourceError, UsageError."""
    recorded = list(read_recording(path))
    return asyncio.run(_replayed(recorded, connection, family, policies))


async def _replayed(
    recorded: list[Recorded], connection: Connection, family: Family | None, policies: Policies
) -> Json:
    upstream, hybrid, tally = Upstream(connection), Hybrid(policies, family=family, budget_ms=_BUDGET_MS), Tally()
    upstream.start()
    try:
        for request in recorded:
            for search in searches_of(request):
                await _compare(search, upstream, hybrid, tally)
    finally:
        hybrid.encoder.close()
        await upstream.close()
    return {**tally.report(), "sentences": dict(SENTENCES)}


def searches_of(recorded: Recorded) -> list[Search | WhyLexical]:
    """Return the searches of a recorded request."""
    route = wire.route(recorded.method, recorded.target)
    try:
        if route.kind == "search":
            return [read_search(route.index, route.parameters, read_body(recorded.body))]
        if route.kind == "msearch":
            return [part.search for part in read_many(route.index, route.parameters, recorded.body.encode())]
    except Refused as refused:
        return [refused.refusal]
    return [WhyLexical("untouched_endpoint", "a template" if "template" in route.kind else "")]


async def _compare(search: Search | WhyLexical, upstream: Upstream, hybrid: Hybrid, tally: Tally) -> None:
    began = time.monotonic()
    if isinstance(search, WhyLexical):
        tally.searched(lexical(search), 0.0)
        tally.shadowed(lexical(search), None, 0.0)
        return

    async def ask(step: Ask) -> ServerReply:
        return await _asked(upstream, step)

    outcome: SearchOutcome = await hybrid.answer(search, "", ask)
    seconds, pair = time.monotonic() - began, None
    if outcome.answer is not None:
        path = f"/{search.index or '_all'}/_search"
        plain = await ask(Ask("POST", path, dict(search.where), {**search.body, "_source": False}))
        if plain.status == 200:
            pair = ShadowPair(asked_text(search), _ids(plain.body), _ids(outcome.answer))
    tally.searched(outcome, seconds)
    tally.shadowed(outcome, pair, seconds)


async def _asked(upstream: Upstream, step: Ask) -> ServerReply:
    body = wire.ndjson(step.lines) if step.lines else None if step.body is None else wire.json_bytes(step.body)
    kind = "application/x-ndjson" if step.lines else "application/json"
    headers = [("Content-Type", kind), *([("Authorization", upstream.own)] if upstream.own else [])]
    target = f"{step.path}?{urlencode(step.parameters)}" if step.parameters else step.path
    answer = await upstream.send(step.method, target, headers, body)
    async with answer:
        raw = await answer.read()
    return ServerReply(answer.status, json.loads(raw) if raw else None, dict(answer.headers))


def _ids(answer: Json) -> tuple[str, ...]:
    return tuple(str(hit.get("_id")) for hit in answer.get("hits", {}).get("hits", []))
