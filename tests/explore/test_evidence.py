"""What of a question has no like in a passage, and how likely a sentence then answers: with an encoder that gives out its tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from searchctl import Document, Index, open_encoder
from searchctl.explore.answer import answer
from searchctl.explore.evidence import answer_chances, token_evidence
from searchctl.types import Vectors

PAGES = {
    "pumps": "Our pumps are delivered within two weeks. A spare pump costs 80 euros. Pumps are serviced once a year.",
    "founder": "The workshop was opened by Clara Weiss in 1954. Its foreman is Jonas Reed.",
    "парк": "Парк открыли в 1931 году. Прокат лодки стоит 250 рублей в час. Главный садовник — Ирина Белова.",
    "каток": "Каток работает с ноября по март. Вход для школьников бесплатный.",
}


class Words:
    """Each word is one direction, the same in questions and texts."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def document_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        places = [[self._known.setdefault(word, len(self._known)) for word in text.split()] for text in texts]
        return [np.eye(32, dtype=np.float32)[row] for row in places]

    def query_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        return [tokens / len(tokens) for tokens in self.document_tokens(texts)]


def test_the_largest_gap_is_looked_for_in_the_whole_passage() -> None:
    evidence = token_evidence(Words(), "price of lamps sold", ["price of lamps", "sold here", "other"], ["a", "a", "b"])
    assert evidence.gap.tolist() == [0.0, 0.0, 0.25]
    assert evidence.least.tolist() == [1.0, 1.0, 0.0]
    assert evidence.likeness.tolist() == [0.5, 0.0, 0.0]


def test_a_gap_makes_an_answer_unlikely() -> None:
    evidence = token_evidence(Words(), "price of lamps", ["price of lamps", "price of chairs"], ["a", "b"])
    ones = np.ones(2)
    first, second = answer_chances(ones, ones, np.zeros(2, bool), evidence).tolist()
    assert 0 <= second < first <= 1


def test_no_sentence_has_no_chance() -> None:
    assert token_evidence(Words(), "price", [], []).gap.shape == (0,)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("pages"), encoder=open_encoder(threads=1)) as index:
        index.ingest([Document(id, text) for id, text in PAGES.items()])
        yield index


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How much does a spare pump cost?", "80 euros"),
        ("Who opened the workshop?", "Clara Weiss"),
        ("Сколько стоит прокат лодки?", "250"),
        ("В каком году открыли парк?", "1931"),
    ],
)
def test_what_a_page_says_is_answered(pages: Index, question: str, words: str) -> None:
    found = answer(pages, question).best
    assert found is not None and words in found.sentence


@pytest.mark.parametrize(
    "question",
    [
        "How much does a spare turbine cost?",
        "Who is the accountant of the workshop?",
        "Сколько стоит прокат коньков?",
        "Кто директор катка?",
        "Which wine goes with salmon?",
    ],
)
def test_another_attribute_or_thing_is_not_answered(pages: Index, question: str) -> None:
    assert answer(pages, question).best is None
