"""How likely sentences answer where the encoder doesn't give out its tokens: by nearness in meaning, words, and what few documents tell.

Its numbers are older than those of `evidence`, and were chosen less carefully; see below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from searchctl.text.analysis import analyze
from searchctl.types import TermStatistics

_DOUBTFUL = 0.08  # a best fit of less is no answer; it and _CLUE: on development halves (benchmarks/answers.py)
# The next four were set on forty questions of our own about twelve documents, and are proved on no other set.
_FEW = 40  # documents among which a word of the question that another document has is missed in this one
_DOUBT_OF_FEW = 0.13  # a best sentence has to score so much more among no documents, and nothing among `_FEW`
_NEAR_MISS = 0.35  # what a sentence's score is worth that lacks what the question asks for
_RARE = 0.25  # of few documents, in which a word stands at most that tells them apart
_LIGHT = frozenset(  # words that a question has for its grammar's sake: a passage may lack them
    token.term
    for token in analyze(
        "work works working get gets take takes make makes give gives find use uses need want go goes come comes happen have has long "
        "many much people person time times day days week month year work there cost costs "
        "работать работает делать делает дать дают брать берут идти идёт быть много долго люди людей человек время день дней дня раз"
    )
)
_CLUE = 0.16  # what all of the question's words, or the kind of thing it asks for, count beside nearness in meaning


def plain_chances(
    likeness: NDArray[np.float64],
    relevance: NDArray[np.float64],
    clues: NDArray[np.float64],
    missed: NDArray[np.bool_],
    documents: int,
) -> NDArray[np.float64]:
    """Return how likely sentences answer: (n,), in [0, 1), 0.5 where it may as well be none.

    `likeness` (n,) in [0, 1] is their nearness in meaning, `relevance` (n,) the hits', `clues` (n,) the share of the question's words
    plus whether the kind of thing it asks for is named, `missed` (n,) which lack what is asked for. More has to be shown where
    `documents` are few.
    """
    fits = (likeness + _CLUE * clues) / (1 + 2 * _CLUE) * np.sqrt(relevance) * np.where(missed, _NEAR_MISS, 1.0)
    doubtful = _DOUBTFUL + _DOUBT_OF_FEW * max(0.0, 1 - documents / _FEW)
    return np.asarray(fits / (fits + doubtful))


def lacks_telling_word(passage: str, statistics: TermStatistics) -> bool:
    """Tell whether, of few documents, another one has a telling word of the question that this passage lacks."""
    if statistics.documents > _FEW:
        return False
    rare = {term for term, count in statistics.frequencies.items() if 0 < count <= _RARE * statistics.documents}
    return bool(rare - _LIGHT - {token.term for token in analyze(passage)})
