"""What stands on the wire: which requests are searches, and which headers go through."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, unquote

from searchctl.gateway.reasons import Refused, WhyLexical
from searchctl.gateway.steps import SearchOutcome
from searchctl.types import Json

Kind: TypeAlias = Literal[
    "search", "msearch", "template", "msearch_template", "bulk", "document", "refresh", "own", "other"
]
OWN = "/_searchctl/"  # the gateway's own addresses
SWITCH = "x-searchctl"
SWITCHES = ("off", "on", "strict", "explain", "reorder", "expand")
MOST_BODY = 8 * 2**20  # bytes of a search that is read; larger ones go through
_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
_OF_THE_BODY = frozenset("content-length content-type content-encoding accept-encoding expect host".split())
_COMPATIBLE = re.compile(r"application/vnd\.elasticsearch\+(?:x-nd)?json;\s*compatible-with=(\d+)", re.IGNORECASE)
_OTHER_FORMATS = re.compile(r"cbor|smile|yaml", re.IGNORECASE)
Headers: TypeAlias = "Sequence[tuple[str, str]]"


@dataclass(frozen=True, slots=True)
class RequestRoute:
    """What a request is, the indexes it names, and its parameters; `plain` where they say each thing once."""

    kind: Kind
    index: str
    parameters: Mapping[str, str]
    plain: bool = True
    id: str = ""


def route(method: str, target: str) -> RequestRoute:
    """Say what a request is by its method and the address as it came."""
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, errors="strict") if _is_text(query) else []
    parameters = dict(pairs)
    plain = len(parameters) == len(pairs) and _is_text(query)
    if path.startswith(OWN):
        return RequestRoute("own", path.removeprefix(OWN), parameters, plain)
    parts = [unquote(part) for part in path.split("/")[1:]]
    if parts and parts[-1] == "":
        parts = parts[:-1]
    kind, index, id = _kind(method, parts)
    return RequestRoute(kind, index, parameters, plain, id)


def _is_text(query: str) -> bool:
    try:
        parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError:
        return False
    return True


def _kind(method: str, parts: Sequence[str]) -> tuple[Kind, str, str]:
    """Return the kind, the index and the id; an index's name never begins with an underscore, but for `_all`."""
    index = parts[0] if parts and (not parts[0].startswith("_") or parts[0] == "_all") else ""
    rest = list(parts[1:] if index else parts)
    index = "" if index in ("_all", "*") else index
    if method in ("GET", "POST"):
        searches: dict[tuple[str, ...], Kind] = {
            ("_search",): "search",
            ("_msearch",): "msearch",
            ("_search", "template"): "template",
            ("_msearch", "template"): "msearch_template",
        }
        if tuple(rest) in searches:
            return searches[tuple(rest)], index, ""
        if rest == ["_refresh"]:
            return "refresh", index, ""
    if method in ("POST", "PUT"):
        if rest == ["_bulk"]:
            return "bulk", index, ""
        if index and rest and rest[0] in ("_doc", "_create", "_update") and len(rest) <= 2:
            return "document", index, rest[1] if len(rest) == 2 else ""
    return "other", index, ""


def goes_through(name: str, named: Iterable[str] = ()) -> bool:
    """Tell whether a header concerns more than one connection; `named` are those that `Connection` names."""
    lower = name.lower()
    return lower not in _HOP_BY_HOP and lower not in named and not lower.startswith(SWITCH)


def request_headers(headers: Headers) -> list[tuple[str, str]]:
    """Return an app's headers as they go on to the server, in their order and spelling."""
    named = [one.strip().lower() for name, value in headers if name.lower() == "connection" for one in value.split(",")]
    return [
        (name, value)
        for name, value in headers
        if goes_through(name, named) and name.lower() not in ("host", "expect", "content-length")
    ]


def asking_headers(headers: Headers, *, lines: bool) -> list[tuple[str, str]]:
    """Return an app's headers for a request of the gateway's own in its name: who asks stays, what the body was doesn't."""
    kept = [(name, value) for name, value in request_headers(headers) if name.lower() not in _OF_THE_BODY]
    version = next(filter(None, (compatible_version(value) for _, value in headers)), None)
    form = "x-ndjson" if lines else "json"
    if version is None:
        return [*kept, ("Content-Type", f"application/{form}")]
    return [*kept, ("Content-Type", f"application/vnd.elasticsearch+{form}; compatible-with={version}")]


def compatible_version(value: str) -> str | None:
    """Return the version that an app of Elasticsearch's clients wants to be compatible with; None where it doesn't say."""
    found = _COMPATIBLE.search(value)
    return found[1] if found else None


def answer_headers(raw: Headers) -> list[tuple[str, str]]:
    """Return what of a server's headers goes with an answer that was made here."""
    return [
        (name, value)
        for name, value in raw
        if goes_through(name) and name.lower() not in ("content-length", "content-encoding", "content-type", "date")
    ]


def wants_json(headers: Mapping[str, str]) -> bool:
    """Tell whether an app sends and takes JSON."""
    return not any(_OTHER_FORMATS.search(headers.get(name, "")) for name in ("accept", "content-type"))


def decoded(body: bytes, encoding: str) -> bytes:
    """Return a body without its compression; raises Refused for one that can't be read or is too large."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip"):
        raise Refused("unreadable", f"compressed as {name[:20]}")
    try:
        opener = zlib.decompressobj(16 + zlib.MAX_WBITS)
        text = opener.decompress(body, MOST_BODY)
    except zlib.error as error:
        raise Refused("unreadable", "broken compression") from error
    if opener.unconsumed_tail:
        raise Refused("query_too_long", "the request")
    return text


def compressed(body: bytes) -> bytes:
    """Return a body as servers compress it."""
    return gzip.compress(body, 3)


def ndjson(lines: Iterable[Json]) -> bytes:
    """Return lines as `_msearch` takes them."""
    return b"".join(json_bytes(line) + b"\n" for line in lines)


def json_bytes(value: Any, *, pretty: bool = False) -> bytes:
    """Return a value as JSON, in the servers' own way of making it pretty."""
    if pretty:
        text = json.dumps(value, ensure_ascii=False, indent=2, separators=(",", " : ")) + "\n"
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def switch(headers: Mapping[str, str]) -> str:
    """Return what an app asks for by `X-Searchctl`; raises ValueError saying what it may."""
    said = headers.get(SWITCH, "").strip().lower()
    if said and said not in SWITCHES:
        raise ValueError(f"X-Searchctl: {said[:40]!r} isn't known; send one of: {', '.join(SWITCHES)}")
    return said


def shown_headers(mode: str, refusal: WhyLexical | None) -> list[tuple[str, str]]:
    """Return what tells the app how it was answered."""
    headers = [("X-Searchctl-Mode", mode)]
    return headers if refusal is None else [*headers, ("X-Searchctl-Reason", refusal.reason)]


def outcome_headers(outcome: SearchOutcome) -> list[tuple[str, str]]:
    """Return what tells the app how one search was answered: its mode, why or with what help, and the text that was meant."""
    headers: list[tuple[str, str]] = [("X-Searchctl-Mode", outcome.shown)]
    if outcome.remark:
        headers.append(("X-Searchctl-Reason", outcome.remark))
    return [*headers, ("X-Searchctl-Query", quote(outcome.repaired))] if outcome.repaired else headers
