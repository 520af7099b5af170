"""Having requests answered: many at a time, at the server's pace, within a limit of cost, and each paid once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from searchctl.errors import ModelServerUnavailable, SearchctlError
from searchctl.generation.answers import read_answer, read_completion
from searchctl.generation.chat import ChatServer
from searchctl.generation.journal import RequestJournal
from searchctl.generation.model import (
    Answered,
    Attempt,
    Bill,
    ChatCompletion,
    ChatRequest,
    Estimate,
    Prices,
    UnusableAnswer,
)
from searchctl.generation.pace import Pace, Purse
from searchctl.models.remote import TRY_AGAIN, RemoteReply, pause

TRIES = 3  # of a question whose answer can't be used
_SENDINGS = 6  # of a request that the server puts off
_CALLS = 2  # of a server that isn't there
_LATE = 2  # of a request whose answer doesn't come: the server may charge for each
_FAILURES = 5  # one after the other, from which on nothing is to be expected of a server
_LONGEST_PAUSE = 120.0  # seconds
_GRACE = 10.0  # seconds for answers that are on their way when a run is to stop
_WARMER = 0.3  # of temperature, for another answer than the one that couldn't be used
STOPPED = "stopped"
OnProgress: TypeAlias = Callable[[int, int, int, Bill], None]  # done, of how many, unanswered


@dataclass(frozen=True, slots=True)
class AskSettings:
    """How requests are sent. `rate` is requests a minute at most, 0 for no limit; `most_tokens` 0 leaves answers their usual room.

    `max_cost` and `max_requests` None are no limit. `again` asks once more what may have been paid for in a run that was killed.
    """

    concurrency: int = 4
    rate: float = 0.0
    prices: Prices = Prices()
    max_cost: float | None = None
    max_requests: int | None = None
    most_tokens: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What asking came to: usable answers by request id, and why others have none.

    `ended` says why not all were asked ("stopped", "cost", "requests"), and is empty where all were. `error` is what kept the
    server from being asked on.
    """

    by_id: dict[str, Answered]
    unanswered: dict[str, str]
    bill: Bill
    ended: str = ""
    error: SearchctlError | None = None


def first_attempt(request: ChatRequest, model: str, settings: AskSettings) -> Attempt:
    """Return a request as it goes out first."""
    return Attempt(request, model, 0, settings.most_tokens or request.answer_tokens, request.temperature)


def estimate(requests: Sequence[ChatRequest], model: str, known: Container[str], settings: AskSettings) -> Estimate:
    """Return what requests will take whose keys aren't known. Half of the room for answers is taken to be used."""
    first = [first_attempt(request, model, settings) for request in requests]
    new = [attempt for attempt in first if attempt.key not in known]
    prompt = sum(attempt.request.prompt_tokens() for attempt in new)
    answer = sum(attempt.answer_tokens for attempt in new)
    most = sum(attempt.request.prompt_tokens(at_most=True) for attempt in new)
    prices = settings.prices
    cost, highest = (prices.of(prompt, answer / 2), prices.of(most, answer)) if prices.known else (None, None)
    return Estimate(len(requests), len(new), prompt, answer // 2, cost, highest)


def ask_all(
    requests: Sequence[ChatRequest],
    server: ChatServer,
    journal: RequestJournal,
    settings: AskSettings,
    *,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> Answers:
    """Have requests answered that the journal has no answers for, and return all answers.

    Set `stop` to end: what waits ends at once, answers that are on their way are waited for some seconds.
    """
    asking = _Asking(requests, server, journal, settings, stop or threading.Event())
    return asking.run(on_progress)


class _Asking:
    def __init__(
        self,
        requests: Sequence[ChatRequest],
        server: ChatServer,
        journal: RequestJournal,
        settings: AskSettings,
        stop: threading.Event,
    ) -> None:
        self._requests = requests
        self._server = server
        self._journal = journal
        self._settings = settings
        self._stop = stop
        self._halt = threading.Event()  # no more requests: the end is near for whatever reason
        self._waiting: queue.SimpleQueue[ChatRequest] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[str, Answered | str]] = queue.SimpleQueue()
        self._mutex = threading.Lock()
        self._bill = Bill()
        self._purse = Purse(settings.prices, settings.max_cost, settings.max_requests)
        self._pace = Pace(settings.rate)
        self._failures = 0
        self._ended = ""
        self._error: SearchctlError | None = None

    def run(self, on_progress: OnProgress | None) -> Answers:
        same: dict[str, list[str]] = {}  # requests that ask the same are answered at once
        for request in self._requests:
            alike = same.setdefault(first_attempt(request, self._server.model, self._settings).key, [])
            alike.append(request.id)
            if len(alike) == 1:
                self._waiting.put(request)
        others = {ids[0]: ids for ids in same.values()}
        count = min(self._settings.concurrency, max(1, len(same)))
        threads = [threading.Thread(target=self._work, daemon=True, name="searchctl-llm") for _ in range(count)]
        for thread in threads:
            thread.start()
        answers: dict[str, Answered] = {}
        unanswered: dict[str, str] = {}
        until = None
        while any(thread.is_alive() for thread in threads) or not self._done.empty():
            try:
                id, outcome = self._done.get(timeout=0.1)
            except queue.Empty:
                pass
            else:
                if isinstance(outcome, Answered):
                    answers |= dict.fromkeys(others[id], outcome)
                else:
                    unanswered |= dict.fromkeys(others[id], outcome)
            if self._stop.is_set() and until is None:
                self._end(STOPPED)
                until = time.monotonic() + _GRACE
            if until is not None and time.monotonic() > until:
                break
            if on_progress is not None:
                on_progress(len(answers) + len(unanswered), len(self._requests), len(unanswered), self._bill)
        return Answers(answers, unanswered, self._bill, self._ended, self._error)

    def _end(self, why: str, error: SearchctlError | None = None) -> None:
        with self._mutex:
            self._ended = self._ended or why
            self._error = self._error or error
        self._halt.set()

    def _work(self) -> None:
        try:
            while not self._halt.is_set():
                try:
                    request = self._waiting.get_nowait()
                except queue.Empty:
                    return
                self._done.put((request.id, self._answer(request)))
        except _Ended:
            return
        except SearchctlError as error:
            self._end("error", error)

    def _answer(self, request: ChatRequest) -> Answered | str:
        """Ask until an answer can be used; return it, or what is wrong with the last."""
        attempt = first_attempt(request, self._server.model, self._settings)
        for number in range(TRIES):
            completion = self._completion(attempt)
            if isinstance(completion, str):
                return completion
            try:
                return Answered(read_answer(attempt, completion), completion)
            except UnusableAnswer as unusable:
                with self._mutex:
                    self._bill.misfits[unusable.misfit] = self._bill.misfits.get(unusable.misfit, 0) + 1
                misfit = unusable.misfit
            if misfit == "refused":
                break
            attempt = replace(
                attempt,
                number=number + 1,
                answer_tokens=attempt.answer_tokens * (2 if misfit == "truncated" else 1),
                temperature=request.temperature if misfit == "truncated" else request.temperature + _WARMER,
            )
        return misfit

    def _completion(self, attempt: Attempt) -> ChatCompletion | str:
        """Return the answer the journal has, or the server's; a text says why there is none."""
        key = attempt.key
        if key in self._journal.answers:
            with self._mutex:
                self._bill.known += 1
            return self._journal.answers[key]
        if key in self._journal.on_their_way and not self._settings.again:
            return "on its way when the run was killed"
        late = 0
        refusal = RemoteReply(0)
        for number in range(_SENDINGS):
            reply = self._send(attempt, key)
            if isinstance(reply, ChatCompletion):
                return reply
            refusal = reply
            late += reply.lost
            if not self._may_try_again(reply) or late >= _LATE or (self._is_absent(reply) and number + 1 >= _CALLS):
                break
            with self._mutex:
                self._bill.again += 1
            self._pace.hold(pause(number, reply.wait, _LONGEST_PAUSE))
        return self._given_up(refusal)

    def _send(self, attempt: Attempt, key: str) -> ChatCompletion | RemoteReply:
        """Send a request once, in its turn and if it can be paid."""
        prompt, room = attempt.request.prompt_tokens(at_most=True), attempt.answer_tokens
        if not self._pace.wait(self._halt):
            raise _Ended
        if why := self._purse.take(prompt, room, self._halt):
            self._end(why)
            raise _Ended
        self._journal.sent(key)
        with self._mutex:
            self._bill.sent += 1
        reply = self._server.ask(attempt)
        if reply.status == 200:
            try:
                return self._paid(key, attempt, read_completion(reply.content, attempt))
            except ValueError as error:
                reply = RemoteReply(0, reason=str(error), lost=True)
        if reply.lost:  # it may be charged for
            cost = self._purse.settle(prompt, room, prompt, room)
            with self._mutex:
                self._bill.late += 1
                self._bill.cost += cost
        else:
            self._purse.put_back(prompt, room)
        self._journal.failed(key, reply.reason)
        return reply

    def _paid(self, key: str, attempt: Attempt, completion: ChatCompletion) -> ChatCompletion:
        self._journal.answered(key, completion)
        cost = self._purse.settle(
            attempt.request.prompt_tokens(at_most=True),
            attempt.answer_tokens,
            completion.prompt_tokens,
            completion.answer_tokens,
        )
        with self._mutex:
            bill = self._bill
            bill.answers += 1
            bill.prompt_tokens += completion.prompt_tokens
            bill.answer_tokens += completion.answer_tokens
            bill.cost += cost
            bill.estimated = bill.estimated or not completion.counted
            self._failures = 0
        return completion

    def _is_absent(self, reply: RemoteReply) -> bool:
        """Tell whether no server is there, and none has been."""
        return reply.status == 0 and not reply.lost and not self._bill.answers

    @staticmethod
    def _may_try_again(reply: RemoteReply) -> bool:
        return reply.status == 0 or reply.status in TRY_AGAIN

    def _given_up(self, reply: RemoteReply) -> str:
        """Return why a request has no answer; raises ModelServerUnavailable where the others won't have one either."""
        with self._mutex:
            self._failures += 1
            hopeless = self._failures >= _FAILURES or (reply.lost and not self._bill.answers)
        unreachable = reply.status == 0 and not reply.lost
        if unreachable or hopeless or reply.status in (401, 403, 404):
            raise ModelServerUnavailable(
                f"can't ask '{self._server.model}' at {self._server.url}: {reply.reason}; "
                "check that the server runs and serves that model, then type the same command: what was answered is kept"
            )
        return reply.reason


class _Ended(Exception):
    """The run ends; whoever waits stops waiting."""
