"""Answering searches for an app: with a limit of time, a circuit breaker, and the app's own answer whenever anything fails."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace

from searchctl.errors import SearchctlError
from searchctl.gateway.breaker import Breaker
from searchctl.gateway.encoding import EncodingBusyError, QueryEncoder
from searchctl.gateway.flow import answer_search
from searchctl.gateway.policies import Policies
from searchctl.gateway.reasons import Reason, WhyLexical
from searchctl.gateway.requests import Search
from searchctl.gateway.steps import Ask, Encode, Flow, Reorder, Reordered, SearchOutcome, ServerReply, lexical
from searchctl.gateway.target import Known
from searchctl.rerankers import MAXSIM, open_reranker
from searchctl.rerankers.base import Reranker
from searchctl.schema import EncoderStamp
from searchctl.search.rerank import Rerank, rerank
from searchctl.settings.connection import Family

_log = logging.getLogger(__name__)
_FAULTS: frozenset[Reason] = frozenset(
    {"embed_timeout", "encoder_error", "budget", "gateway_error", "backend_error_on_vector_leg"}
)


class Hybrid:
    """All that searches share: what is known of indexes, the encoder's thread, rerankers, and the circuit breaker.

    Raises EncoderUnavailable or MissingExtra for a reranker that can't be opened.
    """

    def __init__(
        self,
        policies: Policies,
        *,
        family: Family | None = None,
        budget_ms: int = 1000,
        encoder: QueryEncoder | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.policies = policies
        self.known = Known(family)
        self.breaker = breaker or Breaker()
        self.encoder = encoder or QueryEncoder()
        self.budget = budget_ms / 1000
        self._rerankers: dict[tuple[EncoderStamp | None, str], Reranker] = {}
        self._opening = threading.Lock()
        for name in policies.rerankers - {MAXSIM}:
            self._rerankers[None, name] = open_reranker(name, lambda: None)

    def begin(self, search: Search, identity: str) -> Flow | SearchOutcome:
        """Return the flow of a search, or how it ends at once."""
        policy = self.policies.of(search.index)
        if search.forced == "off" or (policy.mode == "off" and search.forced not in ("reorder", "expand")):
            return lexical(WhyLexical("disabled"))
        if not self.breaker.allows(search.index):
            return lexical(WhyLexical("circuit_open"))
        return answer_search(search, self.known, policy, identity)

    def end(self, search: Search, outcome: SearchOutcome) -> SearchOutcome:
        """Tell the breaker how it went."""
        if outcome.refusal is None:
            self.breaker.succeeded(search.index)
        elif outcome.refusal.reason in _FAULTS:
            self.breaker.failed(search.index)
        return outcome

    def failure(self, error: BaseException) -> SearchOutcome:
        """Return the outcome of a search whose flow raised."""
        if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
            return lexical(WhyLexical("budget"))
        if isinstance(error, EncodingBusyError):
            return lexical(WhyLexical("embed_timeout", "too many texts wait"))
        if isinstance(error, EncoderFailedError):
            _log.warning("the encoder failed: %s", error.__cause__)
            return lexical(WhyLexical("encoder_error", type(error.__cause__).__name__))
        if isinstance(error, EncodingSlowError):
            return lexical(WhyLexical("embed_timeout"))
        _log.warning("a hybrid answer failed", exc_info=error)
        return lexical(WhyLexical("gateway_error", type(error).__name__))

    async def answer(
        self, search: Search, identity: str, ask: Callable[[Ask], Awaitable[ServerReply]]
    ) -> SearchOutcome:
        """Answer a search within the budget; never raises but when it is cancelled."""
        flow = self.begin(search, identity)
        if isinstance(flow, SearchOutcome):
            return flow
        try:
            outcome = await asyncio.wait_for(self._driven(flow, ask), self.budget)
        except Exception as error:  # noqa: BLE001 - whatever fails here, the app gets its own answer
            outcome = self.failure(error)
        return self.end(search, outcome)

    async def _driven(self, flow: Flow, ask: Callable[[Ask], Awaitable[ServerReply]]) -> SearchOutcome:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Ask):
                    step = flow.send(await ask(step))
                elif isinstance(step, Encode):
                    step = flow.send(await self._encoded(step))
                else:
                    step = flow.send(await asyncio.to_thread(self._reordered, step))
        except StopIteration as end:
            outcome: SearchOutcome = end.value
            return outcome

    def _reordered(self, step: Reorder) -> Reordered:
        """Have a reranker reorder the best within half the budget; the order stays where that fails."""
        ordered = step.ordered
        try:
            how = Rerank(self._reranker(step.stamp, step.how.name), step.how.depth, self.budget * 500)
        except SearchctlError as error:
            _log.warning("hits stay in the fused order: %s", error)
            return Reordered(ordered)
        fused, relevance, report = rerank(how, step.query, ordered.fused, ordered.relevance, lambda ids: step.texts)
        if not report.ran:
            _log.debug("%s: %s", step.how.name, report.reason)
        return Reordered(replace(ordered, fused=fused, relevance=relevance))

    def _reranker(self, stamp: EncoderStamp, name: str) -> Reranker:
        """Return a reranker; one that compares an encoder's tokens is opened when first needed."""
        if name != MAXSIM:
            return self._rerankers[None, name]
        with self._opening:
            if (stamp, name) not in self._rerankers:
                self._rerankers[stamp, name] = open_reranker(name, lambda: self.encoder.encoder_of(stamp))
            return self._rerankers[stamp, name]

    async def _encoded(self, step: Encode) -> object:
        future = self.encoder.submit(step)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.budget / 2)
        except (asyncio.TimeoutError, TimeoutError):
            raise EncodingSlowError from None
        except Exception as error:
            raise EncoderFailedError from error

    def answer_now(self, search: Search, identity: str, ask: Callable[[Ask], ServerReply]) -> SearchOutcome:
        """Answer a search for a client that waits for it; never raises."""
        flow = self.begin(search, identity)
        if isinstance(flow, SearchOutcome):
            return flow
        try:
            outcome = self._driven_now(flow, ask)
        except Exception as error:  # noqa: BLE001 - as above
            outcome = self.failure(error)
        return self.end(search, outcome)

    def _driven_now(self, flow: Flow, ask: Callable[[Ask], ServerReply]) -> SearchOutcome:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Ask):
                    step = flow.send(ask(step))
                elif isinstance(step, Encode):
                    step = flow.send(self._encoded_now(step))
                else:
                    step = flow.send(self._reordered(step))
        except StopIteration as end:
            outcome: SearchOutcome = end.value
            return outcome

    def _encoded_now(self, step: Encode) -> object:
        import concurrent.futures

        future = self.encoder.submit(step)
        try:
            return future.result(self.budget / 2)
        except (concurrent.futures.TimeoutError, TimeoutError):
            future.cancel()
            raise EncodingSlowError from None
        except Exception as error:
            raise EncoderFailedError from error


class EncodingSlowError(Exception):
    """The encoder took longer than half the budget."""


class EncoderFailedError(Exception):
    """The encoder raised, which is the cause."""
