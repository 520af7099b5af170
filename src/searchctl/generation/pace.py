"""How fast, and for how much: what all who ask a server share."""

from __future__ import annotations

import threading
import time

from searchctl.generation.model import Prices


class Pace:
    """Requests at `rate` a minute at most, 0 for no limit, and none before the time until which the server wants to be left alone."""

    def __init__(self, rate: float) -> None:
        self._gap = 60.0 / rate if rate else 0.0
        self._mutex = threading.Lock()
        self._next = 0.0
        self._held = 0.0

    def wait(self, halt: threading.Event) -> bool:
        """Wait for one's turn; return False when `halt` is set meanwhile."""
        with self._mutex:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        while not halt.is_set():
            with self._mutex:
                left = max(turn, self._held) - time.monotonic()
            if left <= 0:
                return True
            halt.wait(left)
        return False

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long: the server is busy for all alike."""
        with self._mutex:
            self._held = max(self._held, time.monotonic() + seconds)


class Purse:
    """What may still be spent. A request takes the most it can cost beforehand, so that the limit is never passed.

    Raises nothing: `take` says which limit ended it.
    """

    def __init__(self, prices: Prices, max_cost: float | None, max_requests: int | None) -> None:
        self._prices = prices
        self._max_cost = max_cost
        self._left = max_requests
        self._spent = 0.0
        self._taken = 0.0
        self._changed = threading.Condition()

    def take(self, prompt_tokens: int, answer_tokens: int, halt: threading.Event) -> str:
        """Take what one request can cost, waiting for others' change; return "cost" or "requests" where there isn't enough."""
        price = self._prices.of(prompt_tokens, answer_tokens)
        with self._changed:
            if self._left is not None and self._left <= 0:
                return "requests"
            while self._max_cost is not None and self._spent + self._taken + price > self._max_cost:
                if not self._taken or halt.is_set():
                    return "cost"
                self._changed.wait(0.2)
            self._taken += price
            if self._left is not None:
                self._left -= 1
        return ""

    def settle(self, prompt_tokens: int, answer_tokens: int, used_prompt: int, used_answer: int) -> float:
        """Pay what a request really used and put the rest back; return the cost."""
        cost = self._prices.of(used_prompt, used_answer)
        self._free(prompt_tokens, answer_tokens, cost)
        return cost

    def put_back(self, prompt_tokens: int, answer_tokens: int) -> None:
        """Put all of it back: the server did nothing."""
        with self._changed:
            if self._left is not None:
                self._left += 1
        self._free(prompt_tokens, answer_tokens, 0.0)

    def _free(self, prompt_tokens: int, answer_tokens: int, cost: float) -> None:
        with self._changed:
            self._taken -= self._prices.of(prompt_tokens, answer_tokens)
            if self._taken < 1e-12:  # what rounding has left
                self._taken = 0.0
            self._spent += cost
            self._changed.notify_all()
