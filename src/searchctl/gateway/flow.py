"""A search from its reading to its answer, without HTTP: it says what to ask next and is given what was answered.

So the proxy, which waits for many at once, and the clients, which wait for one, go the same way.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from searchctl.encoders.unread import UNREADABLE
from searchctl.engines import vector_leg
from searchctl.engines.base import VectorLeg
from searchctl.gateway import plan
from searchctl.gateway.answer import HitsPage, assemble, finished, ordered_keys, wants_passages
from searchctl.gateway.dsl import QueryReading, read_query
from searchctl.gateway.legs import (
    LEGACY_FACTOR,
    Asked,
    Encoded,
    as_id,
    as_key,
    bm25_factor,
    key_of,
    near_ranking,
    only,
    order,
    own_ranking,
    read_statistics,
)
from searchctl.gateway.plan import Key
from searchctl.gateway.reasons import Reason, WhyLexical
from searchctl.gateway.requests import Search
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
from searchctl.ranking.cosine_baseline import without_language
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.schema import EncoderStamp, FusionSettings
from searchctl.search.leg_answers import WINDOW, Ordered
from searchctl.search.query import ParsedQuery, parse_query
from searchctl.types import Json, Ranking

FEW = 2000  # ids up to which an app's filters are told to a companion one by one
MANY = 1000  # documents asked of a companion where many of them may not be seen
Mode: TypeAlias = Literal["reorder", "expand", "off"]
Shown: TypeAlias = Literal["hybrid", "reorder", "lexical"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How searches of some indexes are answered.

    `fields` are the only ones whose text counts, all where none are named. `least_coverage` and `least_relevance` in [0, 1]:
    below the one an index stays lexical, below the other a document that no word matches isn't shown.
    """

    mode: Mode = "reorder"
    fusion: FusionSettings | None = None
    fields: tuple[str, ...] = ()
    least_coverage: float = 0.5
    least_relevance: float = DOUBTFUL


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the server: a body, or lines for `_msearch`.

    `about` says that it asks what an index is, which the gateway's own credentials may answer where it has some.
    """

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    lines: tuple[Json, ...] = ()
    about: bool = False


@dataclass(frozen=True, slots=True)
class ServerReply:
    """What the server answered; `body` is a JSON value, `headers` are as they came."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Encode:
    """A text to encode as a question; `Encoded` is what comes back."""

    stamp: EncoderStamp
    text: str


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What became of a search: its answer, or (`answer` None) why the app's own request has to be answered as it stands."""

    shown: Shown
    refusal: WhyLexical | None = None
    answer: Json | None = None
    rescued: bool = False


Step: TypeAlias = "Ask | Encode"
Flow: TypeAlias = "Generator[Step, Any, SearchOutcome]"


class _Stop(Exception):  # noqa: N818 - ends a flow early, which is no error
    def __init__(self, refusal: WhyLexical) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def lexical(refusal: WhyLexical) -> SearchOutcome:
    """Return the outcome of a search that stays as it is."""
    return SearchOutcome("lexical", refusal)


def answer_search(search: Search, known: Known, policy: Policy, identity: str) -> Flow:
    """Answer one search. `identity` stands for who asks: what they may see isn't shown to others."""
    try:
        return (yield from _answer(search, known, policy, identity))
    except _Stop as stop:
        return lexical(stop.refusal)


def _answer(search: Search, known: Known, policy: Policy, identity: str) -> Flow:
    mode = policy.mode if search.forced in ("", "on", "strict", "explain") else search.forced
    if mode == "off":
        return lexical(WhyLexical("disabled"))
    first = read_query(search.body.get("query"), {})
    if isinstance(first, WhyLexical):
        return lexical(first)
    leg = yield from _leg(known)
    target = yield from _target(search, known, leg, identity)
    if target.coverage < policy.least_coverage:
        return lexical(WhyLexical("stale_coverage", f"{target.coverage:.0%} of the documents"))
    reading = read_query(search.body.get("query"), target.types)
    if isinstance(reading, WhyLexical):
        return lexical(reading)
    if policy.fields and not set(reading.fields) & set(policy.fields):
        return lexical(WhyLexical("no_text", "in the fields that are configured"))
    parsed = parse_query(reading.text)
    if not parsed.text or not plan.words_of(parsed.text, target):
        return lexical(WhyLexical("no_text"))
    encoded: Encoded = yield Encode(_stamp(target), parsed.text)
    if encoded.unread > UNREADABLE:
        return lexical(WhyLexical("unread_script"))
    encoded = replace(encoded, vector=without_language(encoded.vector, target.schema.background))
    expand = mode == "expand" and not reading.exact and "min_score" not in search.body
    return (yield from _Legs(search, reading, target, leg, known, policy, parsed, encoded, expand).answer())


def _stamp(target: VectorIndexes) -> EncoderStamp:
    assert target.schema.encoder is not None
    return target.schema.encoder


def _leg(known: Known) -> Generator[Step, Any, VectorLeg]:
    """Return the server's words for the vector leg, asking it once what it is."""
    if known.family is None:
        reply: ServerReply = yield Ask("GET", "/", about=True)
        family = read_family(reply.body, reply.headers)
        if family is None:
            raise _Stop(WhyLexical("unmapped_index", "the server doesn't say what it is; name it in --engine"))
        known.family = family
    return vector_leg(known.family)


def _target(search: Search, known: Known, leg: VectorLeg, identity: str) -> Generator[Step, Any, VectorIndexes]:
    held = known.get(search.index, identity)
    if held is None:
        held = yield from _asked_target(search, leg)
        known.put(search.index, identity, held)
    if isinstance(held, WhyLexical):
        raise _Stop(held)
    return held


def _asked_target(search: Search, leg: VectorLeg) -> Generator[Step, Any, VectorIndexes | WhyLexical]:
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
    if homes:
        counts = []
        for counted in (name, quote(",".join(homes), safe=",")):
            told: ServerReply = yield Ask("GET", f"/{counted}/_count", about=True)
            if told.status >= 400:
                return WhyLexical("unmapped_index", f"HTTP {told.status} for its counts")
            counts.append(int(told.body["count"]))
        return replace(target, coverage=min(counts[1] / counts[0], 1.0) if counts[0] else 1.0)
    counted_here: ServerReply = yield Ask("POST", f"/{name}/_search", dict(where), coverage_body(leg), about=True)
    if counted_here.status >= 400:
        return WhyLexical("unmapped_index", f"HTTP {counted_here.status} for its counts")
    return replace(target, coverage=read_coverage(counted_here.body))


def _homes(index: str, leg: VectorLeg, indexes: Sequence[str]) -> Generator[Step, Any, dict[str, Any] | WhyLexical]:
    """Return the companion indexes that hold the vectors of a name's documents."""
    whole, single = leg.companions(index, indexes)
    names = list(dict.fromkeys([whole, *single]))
    listed = quote(",".join(names), safe=",")
    wanted = {"ignore_unavailable": "true", "filter_path": DESCRIPTION}
    reply: ServerReply = yield Ask("GET", f"/{listed}", wanted, about=True)
    found = reply.body if reply.status < 400 and isinstance(reply.body, Mapping) else {}
    return homes_of(whole, single, found)


class _Legs:
    """One search that can be hybrid: both legs, their order, and the page."""

    def __init__(
        self,
        search: Search,
        reading: QueryReading,
        target: VectorIndexes,
        leg: VectorLeg,
        known: Known,
        policy: Policy,
        parsed: ParsedQuery,
        encoded: Encoded,
        expand: bool,
    ) -> None:
        self.search, self.reading, self.target, self.leg = search, reading, target, leg
        self.known, self.policy, self.parsed, self.encoded, self.expand = known, policy, parsed, encoded, expand
        self.hidden = leg.added(target.schema)

    def answer(self) -> Flow:
        """Ask both legs, order their documents, and bring the page."""
        words = plan.words_of(self.reading.text, self.target)
        factor = self.known.factor(self.search.index)
        statistics = plan.statistics_body(self.search, self.reading, words, self.target)
        bodies = [plan.lexical_body(self.search), {**statistics, "explain": True} if factor is None else statistics]
        limited = plan.allowed_body(self.search, self.reading, FEW) if self.target.homes and self.expand else None
        if not self.target.homes:
            bodies.append(self._vector_body(matching=not self.expand))
        elif limited is not None:
            bodies.append(limited)
        own, told, *more = yield from self._ask(bodies, begins_with_own=True)
        if factor is None:
            factor = next((bm25_factor(hit.get("_explanation")) for hit in told["hits"]["hits"]), None)
            self.known.keep_factor(self.search.index, factor)
        numbers, coverage = read_statistics(told, words, factor or LEGACY_FACTOR)
        asked = Asked(self.parsed, self.encoded, numbers, coverage)
        first = own_ranking(own, asked)
        if first is None:
            raise _Stop(WhyLexical("sort_not_score", "hits without scores"))
        rescue = not first.ids and not self.expand and not self.reading.exact and "min_score" not in self.search.body
        near: Json = more[0] if more else {"hits": {"hits": []}}
        if self.target.homes:
            near = yield from self._beside(own, more[0] if limited else None, rescue=rescue)
        elif rescue:
            (near,) = yield from self._ask([self._vector_body(matching=False)])
        second = near_ranking(near, self.leg)
        ordered = self._kept(order(asked, self.reading, first, second, self.target, self.policy.fusion), first)
        page, added = yield from self._second_round(ordered, first, second, near)
        answer = finished(self.search, assemble(self.search, own, ordered, page, self.target, added))
        return SearchOutcome(
            "hybrid" if self.expand or (rescue and added) else "reorder", None, answer, bool(rescue and added)
        )

    def _beside(self, own: Json, allowed: Json | None, *, rescue: bool) -> Generator[Step, Any, Json]:
        """Ask the companion, and keep what the app may see and what still says what was encoded.

        To change the order of what the query finds, only that is compared.
        """
        if self.expand or rescue:
            if rescue and (body := plan.allowed_body(self.search, self.reading, FEW)):
                (allowed,) = yield from self._ask([body])
            few = allowed is not None and len(allowed["hits"]["hits"]) < FEW
            ids = [str(hit["_id"]) for hit in allowed["hits"]["hits"]] if few and allowed is not None else None
            k = MANY if (allowed is not None and not few) or self.target.limit else WINDOW
        else:
            ids, k = [str(hit["_id"]) for hit in own["hits"]["hits"]], WINDOW
        if ids == []:
            return {"hits": {"hits": []}}
        passages = wants_passages(self.search, self.target)
        body = self.leg.nearest_beside(self.encoded.vector, k, ids, passages=passages)
        home = quote(",".join(self.target.homes), safe=",")
        reply: ServerReply = yield Ask("POST", f"/{home}/_search", body=body, about=True)
        if reply.status >= 400:
            raise _Stop(WhyLexical("backend_error_on_vector_leg", f"HTTP {reply.status}"))
        hits = self.leg.beside_hits(reply.body)
        versions = {key_of(hit): int(hit["_version"]) for hit in own["hits"]["hits"]}
        unseen = [key_of(hit) for hit in hits if key_of(hit) not in versions]
        if unseen and (self.expand or rescue):
            (seen,) = yield from self._ask([plan.check_body(self.search, self.reading, unseen)])
            versions |= {key_of(hit): int(hit["_version"]) for hit in seen["hits"]["hits"]}
        kept = yield from self._current([hit for hit in hits if key_of(hit) in versions], versions)
        return {**reply.body, "hits": {"hits": kept[:WINDOW]}}

    def _current(self, hits: list[Json], versions: Mapping[Key, int]) -> Generator[Step, Any, list[Json]]:
        """Leave out the documents that say something else than when they were encoded."""
        doubtful = {
            key_of(hit): hit["mark"] for hit in hits if not self.leg.is_version(hit["mark"], versions[key_of(hit)])
        }
        if not doubtful:
            return hits
        (texts,) = yield from self._ask([plan.texts_body(list(doubtful), self.leg.texts(self.target.schema))])
        same = {
            key_of(hit)
            for hit in texts["hits"]["hits"]
            if self.leg.is_text(self.target.schema, doubtful[key_of(hit)], hit)
        }
        return [hit for hit in hits if key_of(hit) not in doubtful or key_of(hit) in same]

    def _vector_body(self, *, matching: bool) -> Json:
        return plan.vector_body(
            self.search, self.reading, self.target, self.leg, self.encoded.vector, matching=matching
        )

    def _kept(self, ordered: Ordered, first: Ranking) -> Ordered:
        """Leave out what no word matches and is hardly relevant, and with a limit of scores all that isn't in the lexical leg."""
        if not self.expand and first.ids and not self._narrowed:
            return ordered
        lexical, least = set(first.ids), self.policy.least_relevance
        kept = [
            place
            for place, id in enumerate(ordered.fused.ids)
            if id in lexical or (not self._narrowed and ordered.relevance[place] >= least)
        ]
        return only(ordered, kept)

    @property
    def _narrowed(self) -> bool:
        """Whether something beside the query decides what the lexical leg finds."""
        return "min_score" in self.search.body or "terminate_after" in self.search.body

    def _second_round(
        self, ordered: Ordered, first: Ranking, second: Ranking, near: Json
    ) -> Generator[Step, Any, tuple[HitsPage, int]]:
        """Bring the page, and count the documents that only the vector leg found.

        A page holds documents of the fused list, then those of the app's own order that aren't in it.
        """
        keys = ordered_keys(ordered)
        start, end = self.search.start, self.search.start + self.search.size
        wanted, lexical = keys[start:end], set(first.ids)
        others = [key for key in keys if as_id(key) not in lexical] if self.expand or not first.ids else []
        best = {key: number for key, number in _best(second).items() if key in set(wanted) and number >= 0}
        behind = max(end - max(start, len(keys)), 0) if len(first.ids) >= WINDOW else 0
        bodies = {
            "page": plan.page_body(self.search, wanted, self.hidden) if wanted else None,
            "rest": plan.rest_body(self.search, keys, max(start - len(keys), 0), behind, self.hidden)
            if behind
            else None,
            "matching": plan.matching_body(self.search, others) if others and len(first.ids) >= WINDOW else None,
            "texts": plan.passages_body(list(best), self.leg.texts(self.target.schema))
            if best and wants_passages(self.search, self.target)
            else None,
        }
        asked = {name: body for name, body in bodies.items() if body is not None}
        own = bool(wanted or behind)
        answers: dict[str, Json] = {}
        if asked:
            replies = yield from self._ask(list(asked.values()), begins_with_own=own)
            answers = dict(zip(asked, replies, strict=True))
        hits = {name: answer["hits"]["hits"] for name, answer in answers.items()}
        found = {key_of(hit): hit for hit in hits.get("page", ())}
        placed = [(start + place, found[key]) for place, key in enumerate(wanted) if key in found]
        texts = {key_of(hit): hit.get("_source") or {} for hit in hits.get("texts", ())}
        if self.target.homes:
            cut = {key_of(hit): (hit.get("_source") or {}).get("passages") for hit in near["hits"]["hits"]}
            texts = {key: {**source, "passages": cut.get(key)} for key, source in texts.items()}
        return HitsPage(placed, hits.get("rest", ()), texts, best), len(others) - len(hits.get("matching", ()))

    def _ask(self, bodies: Sequence[Json], *, begins_with_own: bool = False) -> Generator[Step, Any, list[Json]]:
        """Search for all of these at once; one that is refused ends the hybrid answer. The first may be the app's own."""
        line = plan.header(self.search)
        lines = tuple(part for body in bodies for part in (line, body))
        parameters = {"typed_keys": "true"} if self.search.asks("typed_keys") else {}
        reply: ServerReply = yield Ask("POST", "/_msearch", parameters, lines=lines)
        if reply.status >= 400 or not isinstance(reply.body, Mapping):
            unread = reply.status == 400 and begins_with_own  # servers refuse all for one that they can't read
            raise _Stop(
                WhyLexical("backend_error" if unread else "backend_error_on_vector_leg", f"HTTP {reply.status}")
            )
        answers: list[Json] = reply.body["responses"]
        for number, answer in enumerate(answers):
            if "error" in answer:
                reason: Reason = "backend_error" if number == 0 and begins_with_own else "backend_error_on_vector_leg"
                raise _Stop(WhyLexical(reason, f"HTTP {answer.get('status', 500)}"))
            self._check_names(answer)
        return answers

    def _check_names(self, answer: Json) -> None:
        """Stop where hits lie in an index that isn't known: the name has come to mean another one."""
        if any(hit["_index"] not in self.target.names for hit in answer["hits"]["hits"]):
            self.known.forget(self.search.index)
            raise _Stop(WhyLexical("unmapped_index", "the name has come to mean another index"))


def _best(ranking: Ranking) -> dict[Key, int]:
    """Return the number of each document's best passage."""
    return {as_key(id): number for id, number in zip(ranking.ids, ranking.passages, strict=True)}
