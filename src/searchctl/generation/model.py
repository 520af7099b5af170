"""What is asked of a language model, what it answered, and what that came to."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from searchctl.types import Json

Misfit: TypeAlias = Literal["refused", "truncated", "not JSON", "wrong shape"]  # of an answer that can't be used
_BYTES_A_TOKEN = 4.0  # of text in UTF-8: about right for English and Russian with vocabularies of today
_FEWEST_BYTES_A_TOKEN = 2.5
_MESSAGE_TOKENS = 8  # that a server adds around each message


class UnusableAnswer(Exception):
    """An answer isn't what was asked for."""

    def __init__(self, misfit: Misfit, what: str = "") -> None:
        super().__init__(what or misfit)
        self.misfit = misfit


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to the model. `id` names it among others; `read` makes of the answer's JSON what is kept, or raises ValueError.

    `schema` is the JSON schema of the answer, `answer_tokens` how long it may be at first. Requests that ask the same have
    another `variant` where another answer is wanted.
    """

    id: str
    messages: list[dict[str, str]]
    schema: Json
    read: Callable[[Any], Any]
    answer_tokens: int
    temperature: float
    variant: int = 0

    def prompt_tokens(self, *, at_most: bool = False) -> int:
        """Estimate the tokens of the question: about, or hardly ever more."""
        size = sum(len(message["content"].encode("utf-8", "replace")) for message in self.messages)
        size += len(json.dumps(self.schema))
        return math.ceil(size / (_FEWEST_BYTES_A_TOKEN if at_most else _BYTES_A_TOKEN)) + _MESSAGE_TOKENS * len(
            self.messages
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request as it goes out: the `number`-th try, with room for `answer_tokens`. `key` is the same for the same question."""

    request: ChatRequest
    model: str
    number: int
    answer_tokens: int
    temperature: float

    @property
    def seed(self) -> int:
        """What servers draw words with."""
        return 1000 * self.request.variant + self.number

    @property
    def key(self) -> str:
        """Hash of all that decides the answer, but for the server's address and the names that its dialect has for settings."""
        asked = [
            self.model,
            self.request.messages,
            self.request.schema,
            self.answer_tokens,
            self.temperature,
            self.seed,
        ]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ChatCompletion:
    """What the model wrote. `finish` is the server's reason to stop; `prompt_tokens` and `answer_tokens` are as it counts them.

    `time` is when it came, ISO 8601 in UTC. Counts are estimates where the server gives none (`counted` False).
    """

    text: str
    finish: str
    refusal: str
    model: str
    prompt_tokens: int
    answer_tokens: int
    counted: bool
    time: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A request's usable answer: what `ChatRequest.read` made of it, and the completion it was read from."""

    value: Any
    completion: ChatCompletion


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in any currency; None is unknown."""

    prompt: float | None = None
    answer: float | None = None

    @property
    def known(self) -> bool:
        """Whether a sum can be given."""
        return self.prompt is not None and self.answer is not None

    def of(self, prompt_tokens: float, answer_tokens: float) -> float:
        """Return what so many tokens cost."""
        return (prompt_tokens * (self.prompt or 0.0) + answer_tokens * (self.answer or 0.0)) / 1e6


@dataclass(slots=True)
class Bill:
    """What was asked and paid in one run, and what earlier runs had paid for its answers (`known`).

    `again` counts requests that the server put off, `late` those whose answers never came whole and may be charged for, which
    `cost` does at their largest; `misfits` answers that can't be used, by kind.
    """

    sent: int = 0
    answers: int = 0
    known: int = 0
    again: int = 0
    late: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    cost: float = 0.0
    estimated: bool = False
    misfits: dict[Misfit, int] = field(default_factory=dict)

    def to_json(self, prices: Prices) -> Json:
        """Return the counts as JSON values; the cost is None where prices aren't known."""
        return {
            "sent": self.sent,
            "answers": self.answers,
            "answered_before": self.known,
            "put_off": self.again,
            "late": self.late,
            "prompt_tokens": self.prompt_tokens,
            "answer_tokens": self.answer_tokens,
            "tokens_estimated": self.estimated,
            "cost": round(self.cost, 6) if prices.known else None,
            "unusable": dict(self.misfits),
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """What requests will take, before any is sent: those that are `new`, their tokens, and the cost, about and at most.

    At most is without answers that have to be asked for again.
    """

    requests: int
    new: int
    prompt_tokens: int
    answer_tokens: int
    cost: float | None
    most: float | None

    def to_json(self) -> Json:
        """Return the estimate as JSON values."""
        return {
            "requests": self.requests,
            "answered_before": self.requests - self.new,
            "prompt_tokens": self.prompt_tokens,
            "answer_tokens": self.answer_tokens,
            "cost": self.cost,
            "at_most": self.most,
        }
