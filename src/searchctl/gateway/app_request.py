"""One request of an app that holds searches: read, answered by both legs or by the server alone, and written as the server would."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlencode

from aiohttp import web

from searchctl.gateway import many, wire
from searchctl.gateway.answer import asked_text
from searchctl.gateway.hybrid import Hybrid
from searchctl.gateway.reasons import Refused, WhyLexical
from searchctl.gateway.relay import PIECE, Relay, error_response, header_pairs, unpacked
from searchctl.gateway.requests import Search, read_body, read_search
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Ask, SearchOutcome, ServerReply, lexical
from searchctl.gateway.tally import ShadowPair, Tally
from searchctl.gateway.upstream import Upstream
from searchctl.types import Json

_JSON = "application/json; charset=UTF-8"


class SearchDoor(Protocol):
    """What a request needs of the gateway that it came to."""

    settings: GatewaySettings
    upstream: Upstream
    hybrid: Hybrid
    tally: Tally
    relay: Relay

    def hybrid_for(self, request: web.Request) -> bool:
        """Tell whether a session is among those that get hybrid answers."""

    def in_shadow(self) -> bool:
        """Tell whether this search is one of those that are computed both ways."""

    def later(self, work: Any) -> None:
        """Do something behind an answer."""


class AppRequest:
    """One request that holds searches, read whole."""

    def __init__(
        self,
        gateway: SearchDoor,
        request: web.Request,
        route: wire.RequestRoute,
        forced: str,
        body: bytes,
        began: float,
    ) -> None:
        self.gateway, self.request, self.route = gateway, request, route
        self.forced, self.body, self.began = forced, body, began
        self.replied: list[tuple[str, str]] = []  # headers of the first answer to a request of ours
        self.compresses = False
        self.identity = _identity(request, gateway.upstream)

    async def answered(self) -> web.StreamResponse:
        """Answer it: by both legs, or by the server alone."""
        try:
            if not wire.wants_json(self.request.headers) or not self.route.plain:
                raise Refused("unknown_option", "another format than JSON, or a parameter given twice")
            if self.route.kind in ("msearch", "msearch_template"):
                return await self._many()
            search = await self._single()
        except Refused as refused:
            search = refused.refusal
        if isinstance(search, WhyLexical):
            return await self._plain(lexical(search))
        return await self._answer(search)

    def text(self) -> bytes:
        """Return the body without its compression; as it is where that can't be."""
        try:
            return wire.decoded(self.body, self.request.headers.get("content-encoding", ""))
        except Refused:
            return self.body

    async def _single(self) -> Search | WhyLexical:
        """Read a search, from its template where it has one."""
        body = wire.decoded(self.body, self.request.headers.get("content-encoding", ""))
        parameters = dict(self.route.parameters)
        if "source" in parameters and not body:
            parameters.pop("source_content_type", None)
            body = parameters.pop("source").encode()
        if self.route.kind == "template":
            return await self._rendered(read_body(body), parameters)
        return self._read(parameters, read_body(body))

    def _read(self, parameters: dict[str, str], body: Json) -> Search | WhyLexical:
        search = read_search(self.route.index, parameters, body, forced=self.forced)
        return replace(search, explain=True) if isinstance(search, Search) and self.forced == "explain" else search

    async def _rendered(self, body: Json, parameters: dict[str, str]) -> Search | WhyLexical:
        """Have a template filled by the server, which keeps it."""
        rendered = await self._rendered_body(body)
        return rendered if isinstance(rendered, WhyLexical) else self._read(parameters, rendered)

    async def _rendered_body(self, body: Json) -> Json | WhyLexical:
        template = {name: value for name, value in body.items() if name not in ("explain", "profile")}
        reply = await self.ask(Ask("POST", "/_render/template", body=template))
        rendered = reply.body.get("template_output") if isinstance(reply.body, dict) else None
        if reply.status >= 400 or not isinstance(rendered, dict):
            return WhyLexical("backend_error", "the template can't be rendered")
        return {**rendered, **{name: True for name in ("explain", "profile") if body.get(name)}}

    async def _answer(self, search: Search) -> web.StreamResponse:
        gateway = self.gateway
        if self.forced != "off" and gateway.settings.shadow is not None and self.forced == "":
            return await self._shadowed(search)
        if not gateway.hybrid_for(self.request) and self.forced == "":
            return await self._plain(lexical(WhyLexical("not_in_share")))
        outcome = await gateway.hybrid.answer(search, self.identity, self.ask)
        if outcome.answer is None:
            return await self._plain(outcome)
        gateway.tally.searched(outcome, time.monotonic() - self.began)
        return self._made(outcome.answer, outcome)

    async def _plain(self, outcome: SearchOutcome) -> web.StreamResponse:
        """Let the server answer the request as it came; with `strict` say why instead."""
        assert outcome.refusal is not None
        if self.forced == "strict":
            self.gateway.tally.searched(outcome, time.monotonic() - self.began)
            sentence = f"{outcome.refusal.reason}: {outcome.refusal.sentence}"
            return error_response(400, "searchctl_not_hybrid", sentence, wire.shown_headers("lexical", outcome.refusal))
        shown = wire.shown_headers("lexical", outcome.refusal)
        response = await self.gateway.relay.through(self.request, self.body, self.began, shown)
        self.gateway.tally.searched(outcome, time.monotonic() - self.began)
        return response

    async def _shadowed(self, search: Search) -> web.StreamResponse:
        """Let the server answer, and for a sample find out what both legs would have said."""
        if self.gateway.in_shadow():
            self.gateway.later(self._compare(search))
        return await self._plain(lexical(WhyLexical("disabled", "in shadow")))

    async def _compare(self, search: Search) -> None:
        began = time.monotonic()
        outcome = await self.gateway.hybrid.answer(search, self.identity, self.ask)
        seconds = time.monotonic() - began
        comparison = None
        if outcome.answer is not None:
            path = f"/{search.index or '_all'}/_search"
            plain = await self.ask(Ask("POST", path, dict(search.where), {**search.body, "_source": False}))
            if plain.status == 200:
                comparison = ShadowPair(asked_text(search), _ids(plain.body), _ids(outcome.answer))
        self.gateway.tally.shadowed(outcome, comparison, seconds)

    async def _many(self) -> web.StreamResponse:
        """Answer several searches: those that can be hybrid each by both legs, the others by one request to the server."""
        text = wire.decoded(self.body, self.request.headers.get("content-encoding", ""))
        for name in self.route.parameters:
            if name not in _MANY:
                raise Refused("unknown_option", f"parameter {name[:40]}")
        gateway, templates = self.gateway, self.route.kind == "msearch_template"
        parts = many.read_many(self.route.index, self.route.parameters, text, forced=self.forced, templates=templates)
        if templates:
            parts = await asyncio.gather(*(self._filled(part) for part in parts))
        allowed = (gateway.settings.shadow is None and gateway.hybrid_for(self.request)) or self.forced != ""
        outcomes = await asyncio.gather(*(self._part(part, allowed=allowed) for part in parts))
        if all(outcome.answer is None for outcome in outcomes):
            for outcome in outcomes[1:]:
                gateway.tally.searched(outcome, time.monotonic() - self.began)
            return await self._plain(outcomes[0])
        left = [part for part, outcome in zip(parts, outcomes, strict=True) if outcome.answer is None]
        plain = await self._asked_plainly(many.lines_of(left)) if left else None
        if plain is not None and plain.status >= 400:
            return await self._plain(lexical(WhyLexical("backend_error", f"HTTP {plain.status}")))
        answer = many.joined([outcome.answer for outcome in outcomes], plain.body if plain else None)
        for outcome in outcomes:
            gateway.tally.searched(outcome, time.monotonic() - self.began)
        return self._made(answer, *outcomes)

    async def _filled(self, part: many.Part) -> many.Part:
        """Have the server fill one of several templates; it stays as it is where that fails."""
        if isinstance(part.search, WhyLexical):
            return part
        body = await self._rendered_body(part.search.body)
        if isinstance(body, WhyLexical):
            return replace(part, search=body)
        return many.with_body(part, body, self.forced)

    async def _part(self, part: many.Part, *, allowed: bool) -> SearchOutcome:
        if isinstance(part.search, WhyLexical):
            return lexical(part.search)
        if not allowed:
            return lexical(WhyLexical("not_in_share"))
        return await self.gateway.hybrid.answer(part.search, self.identity, self.ask)

    async def _asked_plainly(self, lines: bytes) -> ServerReply:
        name = "_msearch/template" if self.route.kind == "msearch_template" else "_msearch"
        path = f"/{self.route.index}/{name}" if self.route.index else f"/{name}"
        kept = {name: value for name, value in self.route.parameters.items() if name not in ("pretty", "filter_path")}
        return await self._request("POST", path, kept, lines, lines=True, own=False)

    # Requests of the gateway's own in the app's name

    async def ask(self, step: Ask) -> ServerReply:
        """Ask the server what a flow wants to know."""
        body = wire.ndjson(step.lines) if step.lines else None if step.body is None else wire.json_bytes(step.body)
        own = step.about and self.gateway.upstream.own is not None
        return await self._request(step.method, step.path, dict(step.parameters), body, lines=bool(step.lines), own=own)

    async def _request(
        self, method: str, path: str, parameters: dict[str, str], body: bytes | None, *, lines: bool, own: bool
    ) -> ServerReply:
        upstream = self.gateway.upstream
        if own:
            headers = [("Authorization", str(upstream.own)), ("Content-Type", "application/json")]
        else:
            headers = wire.asking_headers(header_pairs(self.request.raw_headers), lines=lines)
            if "gzip" in self.request.headers.get("accept-encoding", ""):
                headers.append(("Accept-Encoding", "gzip"))
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        answer = await upstream.send(method, target, headers, body)
        async with answer:
            raw = await answer.read()
        encoding = answer.headers.get("content-encoding", "")
        text = await asyncio.to_thread(unpacked, raw) if encoding == "gzip" and len(raw) > PIECE else None
        text = text if text is not None else unpacked(raw) if encoding == "gzip" else raw
        if not own and not self.replied and answer.status < 400 and not step_about(path):
            self.replied = wire.answer_headers(header_pairs(answer.raw_headers))
            self.compresses = encoding == "gzip"
        return ServerReply(answer.status, json.loads(text) if text else None, dict(answer.headers))

    def _made(self, answer: Json, *outcomes: SearchOutcome) -> web.StreamResponse:
        """Return an answer made here, with the server's own headers."""
        pretty = "pretty" in self.route.parameters and self.route.parameters["pretty"] != "false"
        body = wire.json_bytes(answer, pretty=pretty)
        response = web.Response(status=200)
        for name, value in self.replied:
            response.headers.add(name, value)
        response.headers["Content-Type"] = self._content_type()
        if self.compresses:
            body = wire.compressed(body)
            response.headers["Content-Encoding"] = "gzip"
        for name, value in _shown(outcomes):
            response.headers[name] = value
        response.body = body
        return response

    def _content_type(self) -> str:
        accepted = self.request.headers.get("accept", "")
        version = wire.compatible_version(accepted)
        return f"application/vnd.elasticsearch+json;compatible-with={version}" if version else _JSON


_MANY = frozenset(
    "typed_keys rest_total_hits_as_int max_concurrent_searches max_concurrent_shard_requests pre_filter_shard_size pretty "
    "ccs_minimize_roundtrips human error_trace".split()
)


def step_about(path: str) -> bool:
    """Tell whether an answer is about the cluster and not about a search, so that its headers aren't the app's."""
    return not path.endswith(("_msearch", "_msearch/template", "_search"))


def _shown(outcomes: Sequence[SearchOutcome]) -> list[tuple[str, str]]:
    """Return the headers of one outcome, or of several: the mode most went beyond, and all reasons."""
    if len(outcomes) == 1:
        return wire.outcome_headers(outcomes[0])
    shown = {outcome.shown for outcome in outcomes}
    mode = "hybrid" if "hybrid" in shown else "reorder" if "reorder" in shown else "lexical"
    reasons = [outcome.remark or "-" for outcome in outcomes]
    shown_reasons = [("X-Searchctl-Reason", ",".join(reasons))] if any(reason != "-" for reason in reasons) else []
    return [("X-Searchctl-Mode", mode), *shown_reasons]


def _ids(answer: Any) -> tuple[str, ...]:
    return tuple(str(hit.get("_id")) for hit in answer.get("hits", {}).get("hits", []))


def _identity(request: web.Request, upstream: Upstream) -> str:
    """Return what stands for who asks, without saying it: what one may see isn't told to another."""
    if upstream.own is not None:
        return "own"
    secrets = "\0".join(value for name, value in request.headers.items() if name.lower() in ("authorization", "cookie"))
    return hashlib.blake2b(secrets.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest() if secrets else ""
