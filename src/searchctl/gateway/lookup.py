"""What is behind a name: asked of the server once, then known for a while."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from searchctl.engines import vector_leg
from searchctl.engines.base import VectorLeg
from searchctl.gateway.reasons import WhyLexical
from searchctl.gateway.requests import Search
from searchctl.gateway.steps import Ask, EndOfFlow, ServerReply, Step
from searchctl.gateway.target import (
    DESCRIPTION,
    Known,
    VectorIndexes,
    coverage_body,
    has_stamp,
    homes_of,
    read_coverage,
    read_family,
    read_target,
)
from searchctl.schema import EncoderStamp


def stamp_of(target: VectorIndexes) -> EncoderStamp:
    """Return what made the vectors; every target has some."""
    assert target.schema.encoder is not None
    return target.schema.encoder


def leg_of(known: Known) -> Generator[Step, Any, VectorLeg]:
    """Return the server's words for the vector leg, asking it once what it is; raises EndOfFlow where it doesn't say."""
    if known.family is None:
        reply: ServerReply = yield Ask("GET", "/", about=True)
        family = read_family(reply.body, reply.headers)
        if family is None:
            raise EndOfFlow(WhyLexical("unmapped_index", "the server doesn't say what it is; name it in --engine"))
        known.family = family
    return vector_leg(known.family)


def target_of(search: Search, known: Known, leg: VectorLeg, identity: str) -> Generator[Step, Any, VectorIndexes]:
    """Return the indexes behind the name that is searched, as `identity` may see them; raises EndOfFlow where none has vectors."""
    target = known.get(search.index, identity)
    if target is None:
        target = yield from _described(search, leg)
        known.put(search.index, identity, target)
    if isinstance(target, WhyLexical):
        raise EndOfFlow(target)
    return target


def _described(search: Search, leg: VectorLeg) -> Generator[Step, Any, VectorIndexes | WhyLexical]:
    name = quote(search.index or "_all", safe=",*")
    kept = ("ignore_unavailable", "allow_no_indices", "expand_wildcards")
    where = {key: value for key, value in search.where.items() if key in kept}
    reply: ServerReply = yield Ask("GET", f"/{name}", {"filter_path": DESCRIPTION, **where}, about=True)
    if reply.status >= 400 or not isinstance(reply.body, Mapping):
        return WhyLexical("unmapped_index", f"HTTP {reply.status} for its description")
    described = {real: body for real, body in reply.body.items() if not leg.is_companion(real)}
    homes = None
    if not any(map(has_stamp, described.values())):
        homes = yield from _homes(search.index, leg, list(described))
    if isinstance(homes, WhyLexical):
        return homes
    target = read_target(search.index, described, homes)
    if isinstance(target, WhyLexical):
        return target
    try:
        coverage = yield from (_counted(name, homes) if homes else _covered(name, where, leg))
    except EndOfFlow as unknown:
        return unknown.refusal
    return replace(target, coverage=coverage)


def _counted(name: str, homes: Mapping[str, Any]) -> Generator[Step, Any, float]:
    """Return how many documents a name's companions have, as a share in [0, 1] of its own."""
    counts = []
    for counted in (name, quote(",".join(homes), safe=",")):
        reply: ServerReply = yield Ask("GET", f"/{counted}/_count", about=True)
        _check_counts(reply)
        counts.append(int(reply.body["count"]))
    return min(counts[1] / counts[0], 1.0) if counts[0] else 1.0


def _covered(name: str, where: Mapping[str, str], leg: VectorLeg) -> Generator[Step, Any, float]:
    """Return the share in [0, 1] of a name's documents that have a vector in them."""
    reply: ServerReply = yield Ask("POST", f"/{name}/_search", dict(where), coverage_body(leg), about=True)
    _check_counts(reply)
    return read_coverage(reply.body)


def _check_counts(reply: ServerReply) -> None:
    if reply.status >= 400:
        raise EndOfFlow(WhyLexical("unmapped_index", f"HTTP {reply.status} for its counts"))


def _homes(index: str, leg: VectorLeg, indexes: Sequence[str]) -> Generator[Step, Any, dict[str, Any] | WhyLexical]:
    """Return the companion indexes that hold the vectors of a name's documents."""
    whole, single = leg.companions(index, indexes)
    names = list(dict.fromkeys([whole, *single]))
    listed = quote(",".join(names), safe=",")
    wanted = {"ignore_unavailable": "true", "filter_path": DESCRIPTION}
    reply: ServerReply = yield Ask("GET", f"/{listed}", wanted, about=True)
    described = reply.body if reply.status < 400 and isinstance(reply.body, Mapping) else {}
    return homes_of(whole, single, described)
