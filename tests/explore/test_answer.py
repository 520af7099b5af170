"""Answers: the sentence that says it, its place in the source, and no answer where there is none."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from searchctl import Document, Index
from searchctl.errors import MissingExtra
from searchctl.explore.answer import Span, answer
from searchctl.explore.reader import TransformersReader, _best

TEXT = (
    "Brellin was founded in 2009 in Leeds. You may send a thing back within thirty days. "
    "The courier costs four pounds. Gift cards never expire."
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("answers"), encoder="hashing") as made:
        others = [f"Article {n} tells about garden chair number {n} and its cushions." for n in range(40)]
        made.ingest([{"id": "shop", "title": "The shop", "text": TEXT}, *others])
        yield made


class Marker:
    """Marks a phrase where it stands in a text, as a model would."""

    def __init__(self, phrase: str) -> None:
        self._phrase = phrase

    def read(self, question: str, texts: Sequence[str]) -> list[Span | None]:
        places = [text.find(self._phrase) for text in texts]
        return [Span(at, at + len(self._phrase), 0.9) if at >= 0 else None for at in places]


def test_the_sentence_that_says_it_is_the_answer(index: Index) -> None:
    found = answer(index, "what does the courier cost")
    assert found.best is not None and found.answered
    assert found.best.sentence == "The courier costs four pounds."
    assert found.best.id == "shop" and TEXT[found.best.start : found.best.end] == found.best.sentence
    assert len(found.others) == 2 and found.best.score >= found.others[0].score


def test_no_answer_is_an_answer(index: Index) -> None:
    known = answer(index, "what does the courier cost").relevance
    found = answer(index, "quantum chromodynamics lattice gauge", min_relevance=known)
    assert found.relevance < known and not found.answered and found.best is None and len(found.others) == 2
    assert answer(index, "what does the courier cost", min_relevance=known).answered


def test_a_reader_marks_the_words_and_chooses_the_sentence(index: Index) -> None:
    found = answer(index, "what does the courier cost", reader=Marker("thirty days"))
    assert found.best is not None and found.best.span is not None
    assert TEXT[found.best.span.start : found.best.span.end] == "thirty days"
    assert found.best.sentence == "You may send a thing back within thirty days."
    assert not answer(index, "what does the courier cost", reader=Marker("not there")).answered


def test_the_likeliest_span_is_marked_unless_none_is_likelier() -> None:
    offsets = [(0, 0), (0, 3), (4, 7), (8, 11)]
    inside = [False, True, True, True]
    found = _best([0.0, 1.0, 5.0, 0.0], [0.0, 9.0, 1.0, 4.0], offsets, inside)
    # Ends before starts don't count: 1 + 9 for the first word alone is the highest sum that does.
    assert found is not None and (found.start, found.end) == (0, 3)
    assert _best([20.0, 1.0, 5.0, 0.0], [0.0, 9.0, 1.0, 4.0], offsets, inside) is None


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed here")
def test_a_reader_without_torch_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"\[torch\]"):
        TransformersReader(str(tmp_path))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Index]:
    texts = {
        "mill": "The mill was built in 1820 by John Stone. It grinds rye and wheat.",
        "school": "The school has 80 pupils. Its head is Ada Field.",
        "ferry": "The ferry leaves at 7 am and arrives at noon. A ticket costs 9 euros.",
        "inn": "The inn has twelve rooms. Breakfast is served until 10 am.",
    }
    with Index.open(tmp_path / "few", encoder="hashing:256") as opened:
        opened.ingest([Document(id, text, id.title()) for id, text in texts.items()])
        yield opened


def test_another_attribute_of_the_right_thing_is_no_answer(house: Index) -> None:
    """That word stands in another document, so this one would say it if it were meant."""
    assert answer(house, "who is the head of the school").best is not None
    assert answer(house, "who is the head of the ferry").best is None
    assert answer(house, "when does breakfast leave the mill").best is None


def test_a_who_question_wants_a_name(house: Index) -> None:
    found = answer(house, "who built the mill")
    assert found.best is not None and "John Stone" in found.best.sentence
    assert answer(house, "who owns the inn").best is None
