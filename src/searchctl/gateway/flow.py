"""A search from its reading to its answer, without HTTP: it says what to ask next and is given what was answered.

So the proxy, which waits for many at once, and the clients, which wait for one, go the same way.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from searchctl.encoders.unread import UNREADABLE
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
from searchctl.gateway.lookup import leg_of, stamp_of, target_of
from searchctl.gateway.plan import Key
from searchctl.gateway.reasons import Reason, WhyLexical
from searchctl.gateway.requests import Search
from searchctl.gateway.steps import Ask, Encode, EndOfFlow, Flow, Policy, SearchOutcome, ServerReply, Step, lexical
from searchctl.gateway.target import (
    Known,
    VectorIndexes,
)
from searchctl.ranking.cosine_baseline import without_language
from searchctl.search.leg_answers import WINDOW, Ordered
from searchctl.search.query import ParsedQuery, parse_query
from searchctl.types import Json, Ranking

FEW = 2000  # ids up to which an app's filters are told to a companion one by one
MANY = 1000  # documents asked of a companion where many of them may not be seen


def answer_search(search: Search, known: Known, policy: Policy, identity: str) -> Flow:
    """Answer one search. `identity` stands for who asks: what they may see isn't shown to others."""
    try:
        return (yield from _answer(search, known, policy, identity))
    except EndOfFlow as stop:
        return lexical(stop.refusal)


def _answer(search: Search, known: Known, policy: Policy, identity: str) -> Flow:
    mode = policy.mode if search.forced in ("", "on", "strict", "explain") else search.forced
    if mode == "off":
        return lexical(WhyLexical("disabled"))
    first = read_query(search.body.get("query"), {})
    if isinstance(first, WhyLexical):
        return lexical(first)
    leg = yield from leg_of(known)
    target = yield from target_of(search, known, leg, identity)
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
    encoded: Encoded = yield Encode(stamp_of(target), parsed.text)
    if encoded.unread > UNREADABLE:
        return lexical(WhyLexical("unread_script"))
    encoded = replace(encoded, vector=without_language(encoded.vector, target.schema.background))
    expand = mode == "expand" and not reading.exact and "min_score" not in search.body
    return (yield from _Legs(search, reading, target, leg, known, policy, parsed, encoded, expand).answer())


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
        own, statistics_answer, *more = yield from self._ask(bodies, begins_with_own=True)
        if factor is None:
            factor = next((bm25_factor(hit.get("_explanation")) for hit in statistics_answer["hits"]["hits"]), None)
            self.known.keep_factor(self.search.index, factor)
        numbers, coverage = read_statistics(statistics_answer, words, factor or LEGACY_FACTOR)
        asked = Asked(self.parsed, self.encoded, numbers, coverage)
        first = own_ranking(own, asked)
        if first is None:
            raise EndOfFlow(WhyLexical("sort_not_score", "hits without scores"))
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
            raise EndOfFlow(WhyLexical("backend_error_on_vector_leg", f"HTTP {reply.status}"))
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
            rank
            for rank, id in enumerate(ordered.fused.ids)
            if id in lexical or (not self._narrowed and ordered.relevance[rank] >= least)
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
        wanted_bodies = {name: body for name, body in bodies.items() if body is not None}
        own = bool(wanted or behind)
        answers: dict[str, Json] = {}
        if wanted_bodies:
            replies = yield from self._ask(list(wanted_bodies.values()), begins_with_own=own)
            answers = dict(zip(wanted_bodies, replies, strict=True))
        hits = {name: answer["hits"]["hits"] for name, answer in answers.items()}
        by_key = {key_of(hit): hit for hit in hits.get("page", ())}
        placed = [(start + number, by_key[key]) for number, key in enumerate(wanted) if key in by_key]
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
            raise EndOfFlow(
                WhyLexical("backend_error" if unread else "backend_error_on_vector_leg", f"HTTP {reply.status}")
            )
        answers: list[Json] = reply.body["responses"]
        for number, answer in enumerate(answers):
            if "error" in answer:
                reason: Reason = "backend_error" if number == 0 and begins_with_own else "backend_error_on_vector_leg"
                raise EndOfFlow(WhyLexical(reason, f"HTTP {answer.get('status', 500)}"))
            self._check_names(answer)
        return answers

    def _check_names(self, answer: Json) -> None:
        """Stop where hits lie in an index that isn't known: the name has come to mean another one."""
        if any(hit["_index"] not in self.target.names for hit in answer["hits"]["hits"]):
            self.known.forget(self.search.index)
            raise EndOfFlow(WhyLexical("unmapped_index", "the name has come to mean another index"))


def _best(ranking: Ranking) -> dict[Key, int]:
    """Return the number of each document's best passage."""
    return {as_key(id): number for id, number in zip(ranking.ids, ranking.passages, strict=True)}
