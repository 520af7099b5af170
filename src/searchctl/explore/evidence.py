"""What speaks for a sentence being the answer to a question, and how likely it is one: a logistic model of few signs.

The sign that tells most is what the question has and the passage lacks: each token of the question looks for its nearest one in
the passage, and the gap that counts most is as telling as all that agrees. So "the warranty on blenders" isn't answered by a
passage about the warranty on kettles, though nearly every word is there. Made and measured by benchmarks/answerable.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import TINY
from searchctl.rerankers.base import TokenEncoder

Floats: TypeAlias = NDArray[np.float64]
_FLOOR = 0.5  # as in rerankers/maxsim.py: no text is less like a question


@dataclass(frozen=True, slots=True)
class TokenEvidence:
    """How the tokens of a question and of n sentences agree, all (n,).

    `likeness` in [0, 1] is the weighted mean of the nearest cosines in the sentence. In the whole passage, `gap` in [0, 1] is the
    largest share of the question that has no like there, and `least` in [-1, 1] the cosine of the token that has least.
    """

    likeness: Floats
    gap: Floats
    least: Floats


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """Log-odds that a sentence answers, a sum over the signs.

    `relevance` weighs the root of the hit's, `coverage` the share of the question's words in the sentence, `other_kind` that it
    doesn't name what the question asks for (a sum, a time, a person); the rest is in `TokenEvidence`.
    """

    intercept: float
    relevance: float
    coverage: float
    other_kind: float
    likeness: float
    gap: float
    least: float

    @property
    def weights(self) -> tuple[float, ...]:
        """What the signs weigh, as `signs_of` orders them."""
        return (self.relevance, self.coverage, self.other_kind, self.likeness, self.gap, self.least)


MODEL = AnswerModel(  # with the shipped encoder, on the halves that benchmarks/answerable.py --learn draws from (other draws)
    intercept=-10.81, relevance=1.92, coverage=1.52, other_kind=-1.56, likeness=4.02, gap=-33.06, least=14.25
)


def token_evidence(
    encoder: TokenEncoder, question: str, texts: Sequence[str], passages: Sequence[Hashable]
) -> TokenEvidence:
    """Compare a question with sentences, token by token; `passages` (n,) says which sentences are of one passage."""
    asked = encoder.query_tokens([question])[0]
    shares = np.linalg.norm(asked, axis=1).astype(np.float64)
    count = len(shares)
    nearest = np.full((len(texts), count), -1.0)
    for row, tokens in enumerate(encoder.document_tokens(texts)):
        if len(tokens) and count:
            nearest[row] = (asked @ tokens.T).max(axis=1) / np.maximum(shares, TINY)
    together = {passage: nearest[[other == passage for other in passages]].max(axis=0) for passage in set(passages)}
    whole = np.array([together[passage] for passage in passages]).reshape(len(texts), count)
    return TokenEvidence(
        ((nearest @ shares - _FLOOR) / (1 - _FLOOR)).clip(0.0, 1.0),
        (shares * (1 - whole)).max(axis=1, initial=0.0),
        whole.min(axis=1, initial=1.0),
    )


def answer_chances(relevance: Floats, coverage: Floats, other_kind: NDArray[np.bool_], tokens: TokenEvidence) -> Floats:
    """Return how likely sentences answer: (n,), in [0, 1], from the signs (n,) that `AnswerModel` weighs."""
    signs = signs_of(relevance, coverage, other_kind, tokens)
    return np.asarray(1 / (1 + np.exp(-(MODEL.intercept + signs @ np.array(MODEL.weights)))))


def signs_of(relevance: Floats, coverage: Floats, other_kind: NDArray[np.bool_], tokens: TokenEvidence) -> Floats:
    """Return the signs as rows, in the order of `AnswerModel.weights`: (n, 6)."""
    return np.stack(
        [np.sqrt(relevance), coverage, other_kind, tokens.likeness, tokens.gap, tokens.least], axis=1, dtype=np.float64
    )
