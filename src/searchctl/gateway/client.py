"""Clients of OpenSearch and Elasticsearch whose searches are hybrid, in process: the same core as the gateway's, without a hop."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from searchctl.errors import UsageError
from searchctl.gateway import many, wire
from searchctl.gateway.hybrid import Hybrid
from searchctl.gateway.policies import MODES, Policies, read_rerank
from searchctl.gateway.reasons import Refused, WhyLexical
from searchctl.gateway.requests import Search, read_body, read_search
from searchctl.gateway.steps import Ask, Mode, Policy, SearchOutcome, ServerReply, lexical
from searchctl.gateway.tally import Tally
from searchctl.types import Json

Client = TypeVar("Client")
_OPENSEARCH, _ELASTIC = "opensearchpy", "elastic_transport"  # where a client's transport comes from
_OF_THE_CLIENT = ("request_timeout", "ignore")


def hybrid(client: Client, *, mode: Mode = "reorder", budget_ms: int = 1000, rerank: str = "") -> Client:
    """Return a client like this one whose `search` and `msearch` are answered by words and by meaning; this one stays as it is.

    `client` is an `OpenSearch`, `AsyncOpenSearch`, `Elasticsearch` or `AsyncElasticsearch`; the result is of the same class. An
    async one opens connections of its own: close both. Searches that can't be hybrid, or whose hybrid answer fails or takes longer
    than `budget_ms`, are answered as by the client alone. `rerank` names what reorders the best, as in "maxsim:10". See
    `searchctl gateway` for the modes. Raises UsageError for anything else, ConfigError for a `rerank` that can't be.
    """
    if mode not in MODES:
        raise UsageError(f"no mode '{mode}'; choose one of: {', '.join(MODES)}")
    transport = getattr(client, "transport", None)
    kind = type(transport).__module__.partition(".")[0]
    if kind not in (_OPENSEARCH, _ELASTIC) or not hasattr(transport, "perform_request"):
        raise UsageError(
            f"hybrid() takes a client of opensearch-py or elasticsearch-py (8 and later), and this is {type(client).__name__}"
        )
    family = None if kind == _OPENSEARCH else "elasticsearch"
    shared = Hybrid(Policies(Policy(mode=mode, rerank=read_rerank(rerank))), family=family, budget_ms=budget_ms)  # type: ignore[arg-type]
    wrapped: Any = copy.copy(transport)
    clone = copy.copy(client)
    wrapped.__class__ = _wrapped_class(type(transport), _OpenSearchCall if kind == _OPENSEARCH else _ElasticCall)
    wrapped.searchctl = _Shared(shared)
    vars(clone)["transport" if kind == _OPENSEARCH else "_transport"] = wrapped
    return clone


class _Shared:
    """What a wrapped client keeps: counts, and what all its searches share."""

    def __init__(self, shared: Hybrid) -> None:
        self.hybrid = shared
        self.tally = Tally()

    def report(self) -> Json:
        """Return what `searchctl gateway report` would show."""
        return self.tally.report()


def _wrapped_class(kind: type[Any], call: type[_Call]) -> type[Any]:
    """Return a subclass of a transport's class that looks at searches first."""
    import inspect

    plain = kind.perform_request
    if inspect.iscoroutinefunction(plain):

        async def perform_later(self: Any, method: str, target: str, *args: Any, **options: Any) -> Any:
            asked = call(self, method, target, args, options)
            return await asked.answered_later(lambda *again, **more: plain(self, *again, **more))

        return type(kind.__name__, (kind,), {"perform_request": perform_later, "__module__": kind.__module__})

    def perform(self: Any, method: str, target: str, *args: Any, **options: Any) -> Any:
        asked = call(self, method, target, args, options)
        return asked.answered(lambda *again, **more: plain(self, *again, **more))

    return type(kind.__name__, (kind,), {"perform_request": perform, "__module__": kind.__module__})


class _Call:
    """One call of a transport: what differs between the two libraries is in the subclasses."""

    def __init__(
        self, transport: Any, method: str, target: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self.transport, self.method, self.target = transport, method, target
        self.shared: _Shared = transport.searchctl
        self.options = self._named(args, options)
        given = self.options.get("headers")
        self.headers = dict(given.items()) if isinstance(given, Mapping) else {}
        names = [name for name in self.headers if name.lower() == wire.SWITCH]
        self.forced = str(self.headers.pop(names[0])).strip().lower() if names else ""
        if self.forced and self.forced not in wire.SWITCHES:
            raise UsageError(f"X-Searchctl: {self.forced!r} isn't known; send one of: {', '.join(wire.SWITCHES)}")
        if names:
            self.options["headers"] = self.headers
        self.began = time.monotonic()

    # What the libraries do differently

    def _named(self, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name."""
        raise NotImplementedError

    def _parameters(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def _text(self) -> bytes:
        """Return the body as it would be sent."""
        raise NotImplementedError

    def _request(self, step: Ask) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of `perform_request` for a request of ours."""
        raise NotImplementedError

    def _reply(self, answer: Any) -> ServerReply:
        raise NotImplementedError

    def _refused(self, error: Exception) -> ServerReply:
        """Return the answer that an exception stands for; raises it again where there was none."""
        raise error

    def _result(self, answer: Json, outcome: SearchOutcome) -> Any:
        raise NotImplementedError

    # What they have in common

    def searches(self) -> list[many.Part] | Search | WhyLexical | None:
        """Return what is searched for; None where this is no search."""
        query = urlencode(self._parameters())
        route = wire.route(self.method, f"{self.target}{'?' + query if query else ''}")
        if route.kind not in ("search", "msearch"):
            return None
        try:
            if not route.plain:
                raise Refused("unknown_option", "a parameter given twice")
            if route.kind == "search":
                return read_search(route.index, route.parameters, read_body(self._text()), forced=self.forced)
            return many.read_many(route.index, route.parameters, self._text(), forced=self.forced)
        except Refused as refused:
            return refused.refusal

    def _counted(self, outcome: SearchOutcome) -> None:
        self.shared.tally.searched(outcome, time.monotonic() - self.began)

    def _strict(self, why: WhyLexical) -> None:
        if self.forced == "strict":
            raise UsageError(f"the search can't be hybrid: {why.sentence}")

    def answered(self, plain: Callable[..., Any]) -> Any:
        """Answer it, for a client that waits."""

        def ask(step: Ask) -> ServerReply:
            args, options = self._request(step)
            try:
                return self._reply(plain(*args, **options))
            except Exception as error:  # noqa: BLE001 - which kinds there are is the library's business
                return self._refused(error)

        search = self.searches()
        if isinstance(search, Search):
            outcome = self.shared.hybrid.answer_now(search, "", ask)
            return self._finished(outcome) if outcome.answer is not None else self._alone(plain, outcome)
        if isinstance(search, list):
            outcomes = [
                lexical(part.search)
                if isinstance(part.search, WhyLexical)
                else self.shared.hybrid.answer_now(part.search, "", ask)
                for part in search
            ]
            left = self._left(search, outcomes)
            if left is None:
                return self._alone(plain, *outcomes)
            reply = ask(left) if left.lines or left.body else None
            return self._alone(plain, *outcomes) if _failed(reply) else self._joined(outcomes, reply)
        return self._alone(plain, *([lexical(search)] if search is not None else []))

    async def answered_later(self, plain: Callable[..., Any]) -> Any:
        """Answer it, for a client that awaits."""

        async def ask(step: Ask) -> ServerReply:
            args, options = self._request(step)
            try:
                return self._reply(await plain(*args, **options))
            except Exception as error:  # noqa: BLE001 - as above
                return self._refused(error)

        search = self.searches()
        if isinstance(search, Search):
            outcome = await self.shared.hybrid.answer(search, "", ask)
            return self._finished(outcome) if outcome.answer is not None else await self._alone(plain, outcome)
        if isinstance(search, list):
            outcomes = [
                lexical(part.search)
                if isinstance(part.search, WhyLexical)
                else await self.shared.hybrid.answer(part.search, "", ask)
                for part in search
            ]
            left = self._left(search, outcomes)
            if left is None:
                return await self._alone(plain, *outcomes)
            reply = await ask(left) if left.lines or left.body else None
            return await self._alone(plain, *outcomes) if _failed(reply) else self._joined(outcomes, reply)
        return await self._alone(plain, *([lexical(search)] if search is not None else []))

    def _alone(self, plain: Callable[..., Any], *outcomes: SearchOutcome) -> Any:
        """Have the library answer the call as it came."""
        for outcome in outcomes:
            if outcome.refusal is not None:
                self._strict(outcome.refusal)
            self._counted(outcome)
        return plain(self.method, self.target, **self.options)

    def _finished(self, outcome: SearchOutcome) -> Any:
        self._counted(outcome)
        assert outcome.answer is not None
        return self._result(outcome.answer, outcome)

    def _left(self, parts: list[many.Part], outcomes: list[SearchOutcome]) -> Ask | None:
        """Return the request for the searches that stay lexical (empty for none); None where all do."""
        if all(outcome.answer is None for outcome in outcomes):
            return None
        left = [part for part, outcome in zip(parts, outcomes, strict=True) if outcome.answer is None]
        lines = tuple(json.loads(line) for part in left for line in (part.header or b"{}", part.body))
        return Ask("POST", self.target.partition("?")[0], {}, lines=lines)

    def _joined(self, outcomes: list[SearchOutcome], reply: ServerReply | None) -> Any:
        for outcome in outcomes:
            self._counted(outcome)
        answer = many.joined([outcome.answer for outcome in outcomes], reply.body if reply is not None else None)
        return self._result(answer, next(outcome for outcome in outcomes if outcome.answer is not None))


def _failed(reply: ServerReply | None) -> bool:
    return reply is not None and reply.status >= 400


class _OpenSearchCall(_Call):
    """A call of opensearch-py's transport."""

    def _named(self, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
        names = ("params", "body", "timeout", "ignore", "headers")
        return {**dict(zip(names, args, strict=False)), **options}

    def _parameters(self) -> Mapping[str, Any]:
        given = self.options.get("params") or {}
        return {name: _plain(value) for name, value in given.items() if name not in _OF_THE_CLIENT}

    def _text(self) -> bytes:
        body = self.options.get("body")
        return _encoded(body) if body is None or isinstance(body, (str, bytes)) else _encoded(self._dumped(body))

    def _dumped(self, body: Any) -> str:
        return str(self.transport.serializer.dumps(body))

    def _request(self, step: Ask) -> tuple[tuple[Any, ...], dict[str, Any]]:
        kind = "application/x-ndjson" if step.lines else "application/json"
        kept = {
            name: value for name, value in self.headers.items() if name.lower() not in ("content-type", "x-searchctl")
        }
        options: dict[str, Any] = {"params": dict(step.parameters), "headers": {**kept, "content-type": kind}}
        if step.lines or step.body is not None:
            options["body"] = wire.ndjson(step.lines).decode() if step.lines else step.body
        return (step.method, step.path), options

    def _reply(self, answer: Any) -> ServerReply:
        return ServerReply(200, answer)

    def _refused(self, error: Exception) -> ServerReply:
        status = getattr(error, "status_code", None)
        if not isinstance(status, int):
            raise error
        return ServerReply(status, getattr(error, "info", None))

    def _result(self, answer: Json, outcome: SearchOutcome) -> Any:
        return answer


class _ElasticCall(_Call):
    """A call of elastic-transport, on which elasticsearch-py from 8 on stands."""

    meta: Any = None

    def _named(self, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
        return dict(options)

    def _parameters(self) -> Mapping[str, Any]:
        return {}  # they stand in the target

    def _text(self) -> bytes:
        body = self.options.get("body")
        if body is None or isinstance(body, (str, bytes)):
            return _encoded(body)
        kind = next(
            (value for name, value in self.headers.items() if name.lower() == "content-type"), "application/json"
        )
        dumped = self.transport.serializers.dumps(body, mimetype=kind)
        return bytes(dumped) if isinstance(dumped, bytes) else str(dumped).encode()

    def _request(self, step: Ask) -> tuple[tuple[Any, ...], dict[str, Any]]:
        query = urlencode(step.parameters)
        headers = dict(wire.asking_headers(tuple(self.headers.items()), lines=bool(step.lines)))
        options = {name: value for name, value in self.options.items() if name not in ("body", "headers")}
        options["headers"] = {name.lower(): value for name, value in headers.items()}
        if step.lines or step.body is not None:
            options["body"] = list(step.lines) if step.lines else step.body
        return (step.method, f"{step.path}{'?' + query if query else ''}"), options

    def _reply(self, answer: Any) -> ServerReply:
        meta, body = answer
        if meta.status < 400:
            self.meta = meta
        return ServerReply(meta.status, body, dict(meta.headers))

    def _result(self, answer: Json, outcome: SearchOutcome) -> Any:
        from dataclasses import replace

        from elastic_transport import HttpHeaders, TransportApiResponse

        told = dict(wire.outcome_headers(outcome))
        headers = HttpHeaders({**dict(self.meta.headers), **told})
        return TransportApiResponse(replace(self.meta, headers=headers), answer)


def _encoded(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def _plain(value: Any) -> str:
    """Return a parameter's value as it stands in an address."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
