"""Several searches in one request (`_msearch`): read apart, each with its own outcome, answered in the order they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from searchctl.gateway.reasons import Refused, WhyLexical
from searchctl.gateway.requests import Search, read_body, read_search
from searchctl.types import Json

MOST_SEARCHES = 1000
_OF_ALL = ("typed_keys", "rest_total_hits_as_int", "ccs_minimize_roundtrips")


@dataclass(frozen=True, slots=True)
class Part:
    """One search of several: its two lines, and how it reads."""

    header: bytes
    body: bytes
    search: Search | WhyLexical


def read_many(
    index: str, parameters: Mapping[str, str], text: bytes, *, forced: str = "", templates: bool = False
) -> list[Part]:
    """Read the lines of `_msearch`; raises Refused where they can't be told apart.

    Of `templates` the bodies are kept as they are, for the server to fill (see `with_body`).
    """
    lines = text.split(b"\n")
    if lines and not lines[-1].strip():
        lines = lines[:-1]
    else:
        raise Refused("unreadable", "no newline at the end")
    if not lines or len(lines) % 2 or len(lines) > 2 * MOST_SEARCHES:
        raise Refused("unreadable", "an odd number of lines")
    shared = {name: parameters[name] for name in _OF_ALL if name in parameters}
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [Part(header, body, _search(index, shared, header, body, forced, as_is=templates)) for header, body in pairs]


def with_body(part: Part, body: Json, forced: str) -> Part:
    """Return a template as the search that it was filled to be."""
    assert isinstance(part.search, Search)
    parameters = {**part.search.where, **part.search.form}
    return replace(part, search=read_search(part.search.index, parameters, body, forced=forced))


def _search(
    index: str, shared: Mapping[str, str], header: bytes, body: bytes, forced: str, *, as_is: bool
) -> Search | WhyLexical:
    try:
        options = read_body(header)
        named = _index(options.pop("index", options.pop("indices", None)), index)
        where = {name: _word(value) for name, value in options.items()}
        if as_is:
            return Search(named, read_body(body), where, shared, forced)
        return read_search(named, {**where, **shared}, read_body(body), forced=forced)
    except Refused as refused:
        return refused.refusal


def _index(value: Any, usual: str) -> str:
    if value is None or value == "":
        return usual
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value) or usual
    if isinstance(value, str):
        return "" if value in ("_all", "*") else value
    raise Refused("unreadable", "the name of an index")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def lines_of(parts: Sequence[Part]) -> bytes:
    """Return the lines of some of the searches, as they came."""
    return b"".join(part.header + b"\n" + part.body + b"\n" for part in parts)


def joined(answers: Sequence[Json | None], plain: Json | None) -> Json:
    """Return the answers in their order: those made here, and in the places of None what the server says in `plain`."""
    rest = iter(plain["responses"]) if plain is not None else iter(())
    responses = [{**answer, "status": 200} if answer is not None else next(rest) for answer in answers]
    took = max((int(answer.get("took", 0)) for answer in responses), default=0)
    return {"took": took, "responses": responses}
