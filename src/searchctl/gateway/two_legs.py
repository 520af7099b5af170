"""One search that can be hybrid: what is asked of both legs, the order they make together, and its page."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from searchctl.engines.base import VectorLeg
from searchctl.gateway import plan
from searchctl.gateway.answer import HitsPage, assemble, finished, ordered_keys, passage_text, wants_passages
from searchctl.gateway.dsl import QueryReading
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
from searchctl.gateway.lookup import stamp_of
from searchctl.gateway.plan import Key
from searchctl.gateway.reasons import Reason, WhyLexical
from searchctl.gateway.requests import Search
from searchctl.gateway.steps import (
    Ask,
    EndOfFlow,
    Flow,
    Policy,
    Reorder,
    Reordered,
    RerankPolicy,
    SearchOutcome,
    ServerReply,
    Step,
)
from searchctl.gateway.target import (
    Known,
    VectorIndexes,
)
from searchctl.search.leg_answers import WINDOW, Ordered
from searchctl.search.query import ParsedQuery
from searchctl.types import Json, Ranking, TermStatistics

FEW = 2000  # ids up to which an app's filters are told to a companion one by one
MANY = 1000  # documents asked of a companion where many of them may not be seen


@dataclass(frozen=True, slots=True)
class WeighedLegs:
    """What both legs said, and their order. `own` and `near` are the answers as they came; with `rescue` the app's own is empty."""

    own: Json
    near: Json
    first: Ranking
    second: Ranking
    ordered: Ordered
    statistics: TermStatistics
    rescue: bool


class TwoLegs:
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

    @property
    def may_rescue(self) -> bool:
        """Whether what is found by meaning may answer a search that finds nothing by its words."""
        return not self.reading.exact and "min_score" not in self.search.body

    def weighed(self) -> Generator[Step, Any, WeighedLegs]:
        """Ask both legs, and order their documents."""
        words = plan.words_of(self.reading.text, self.target)
        factor = self.known.factor(self.search.index)
        statistics = plan.statistics_body(self.search, self.reading, words, self.target)
        bodies = [plan.lexical_body(self.search), {**statistics, "explain": True} if factor is None else statistics]
        limited = plan.allowed_body(self.search, self.reading, FEW) if self.target.homes and self.expand else None
        if not self.target.homes:
            bodies.append(self._vector_body(matching=not self.expand))
        elif limited is not None:
            bodies.append(limited)
        own, statistics_answer, *more = yield from self.ask(bodies, begins_with_own=True)
        if factor is None:
            factor = next((bm25_factor(hit.get("_explanation")) for hit in statistics_answer["hits"]["hits"]), None)
            self.known.keep_factor(self.search.index, factor)
        numbers, coverage = read_statistics(statistics_answer, words, factor or LEGACY_FACTOR)
        asked = Asked(self.parsed, self.encoded, numbers, coverage)
        first = own_ranking(own, asked)
        if first is None:
            raise EndOfFlow(WhyLexical("sort_not_score", "hits without scores"))
        rescue = not first.ids and not self.expand and self.may_rescue
        near: Json = more[0] if more else {"hits": {"hits": []}}
        if self.target.homes:
            near = yield from self._beside(own, more[0] if limited else None, rescue=rescue)
        elif rescue:
            (near,) = yield from self.ask([self._vector_body(matching=False)])
        second = near_ranking(near, self.leg)
        ordered = self._kept(order(asked, self.reading, first, second, self.target, self.policy.fusion), first)
        return WeighedLegs(own, near, first, second, ordered, numbers, rescue)

    def shown(self, weighed: WeighedLegs) -> Flow:
        """Have the best reordered if that is wished for, and bring the page."""
        ordered = weighed.ordered
        if self.policy.rerank is not None and self.search.start < self.policy.rerank.depth and not self.reading.pinned:
            ordered = yield from self._reranked(weighed, self.policy.rerank)
        page, added = yield from self._second_round(ordered, weighed.first, weighed.second, weighed.near)
        answer = finished(self.search, assemble(self.search, weighed.own, ordered, page, self.target, added))
        rescued = bool(weighed.rescue and added)
        return SearchOutcome("hybrid" if self.expand or rescued else "reorder", None, answer, rescued)

    def _reranked(self, weighed: WeighedLegs, how: RerankPolicy) -> Generator[Step, Any, Ordered]:
        """Have the first documents reordered by a slower model, each by its title and best passage."""
        ordered = weighed.ordered
        keys = ordered_keys(ordered)[: how.depth]
        if len(keys) < 2:
            return ordered
        (answer,) = yield from self.ask([plan.passages_body(keys, self.leg.texts(self.target.schema))])
        sources = {key_of(hit): hit.get("_source") or {} for hit in answer["hits"]["hits"]}
        cut = self._passages(weighed.near) if self.target.homes else {}
        best = _best(weighed.second)
        texts = tuple(
            passage_text({**sources.get(key, {}), **cut.get(key, {})}, best.get(key, -1), self.target) for key in keys
        )
        reordered: Reordered = yield Reorder(stamp_of(self.target), how, self.parsed.text, ordered, texts)
        return reordered.ordered

    @staticmethod
    def _passages(near: Json) -> dict[Key, Json]:
        """Return where the passages of documents lie, as their companion says."""
        return {key_of(hit): {"passages": (hit.get("_source") or {}).get("passages")} for hit in near["hits"]["hits"]}

    def _beside(self, own: Json, allowed: Json | None, *, rescue: bool) -> Generator[Step, Any, Json]:
        """Ask the companion, and keep what the app may see and what still says what was encoded.

        To change the order of what the query finds, only that is compared.
        """
        if self.expand or rescue:
            if rescue and (body := plan.allowed_body(self.search, self.reading, FEW)):
                (allowed,) = yield from self.ask([body])
            few = allowed is not None and len(allowed["hits"]["hits"]) < FEW
            ids = [str(hit["_id"]) for hit in allowed["hits"]["hits"]] if few and allowed is not None else None
            k = MANY if (allowed is not None and not few) or self.target.limit else WINDOW
        else:
            ids, k = [str(hit["_id"]) for hit in own["hits"]["hits"]], WINDOW
        if ids == []:
            return {"hits": {"hits": []}}
        passages = wants_passages(self.search, self.target) or self.policy.rerank is not None
        body = self.leg.nearest_beside(self.encoded.vector, k, ids, passages=passages)
        home = quote(",".join(self.target.homes), safe=",")
        reply: ServerReply = yield Ask("POST", f"/{home}/_search", body=body, about=True)
        if reply.status >= 400:
            raise EndOfFlow(WhyLexical("backend_error_on_vector_leg", f"HTTP {reply.status}"))
        hits = self.leg.beside_hits(reply.body)
        versions = {key_of(hit): int(hit["_version"]) for hit in own["hits"]["hits"]}
        unseen = [key_of(hit) for hit in hits if key_of(hit) not in versions]
        if unseen and (self.expand or rescue):
            (seen,) = yield from self.ask([plan.check_body(self.search, self.reading, unseen)])
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
        (texts,) = yield from self.ask([plan.texts_body(list(doubtful), self.leg.texts(self.target.schema))])
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
            replies = yield from self.ask(list(wanted_bodies.values()), begins_with_own=own)
            answers = dict(zip(wanted_bodies, replies, strict=True))
        hits = {name: answer["hits"]["hits"] for name, answer in answers.items()}
        by_key = {key_of(hit): hit for hit in hits.get("page", ())}
        placed = [(start + number, by_key[key]) for number, key in enumerate(wanted) if key in by_key]
        texts = {key_of(hit): hit.get("_source") or {} for hit in hits.get("texts", ())}
        if self.target.homes:
            cut = self._passages(near)
            texts = {key: {**source, **cut.get(key, {"passages": None})} for key, source in texts.items()}
        return HitsPage(placed, hits.get("rest", ()), texts, best), len(others) - len(hits.get("matching", ()))

    def ask(self, bodies: Sequence[Json], *, begins_with_own: bool = False) -> Generator[Step, Any, list[Json]]:
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
