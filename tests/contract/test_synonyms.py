"""Synonyms and boosts on every engine: the same documents with the same scores."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from searchctl.encoders import open_encoder
from searchctl.engines.base import Engine
from searchctl.index import Index
from searchctl.ranking.fusion import LEXICAL_EXPONENT
from searchctl.schema import EncoderStamp, Schema
from searchctl.text.analysis import analyze
from searchctl.text.codes import keys_of
from searchctl.types import Document

NAME = "contract-synonyms"
FILLER = "river stone cloud forest mountain harbour lantern bridge castle meadow".split()
RULES = (
    "tv, television set, телевизор",
    "heart attack, myocardial infarction",
    "e-book => ebook, digital book",
    "ёлка, новогоднее дерево",
)
DOCUMENTS = [
    Document("telly", "A tv for the kitchen wall"),
    Document("set", "Our television sets stand in the hall"),
    Document("apart", "A set of cups, seen on television"),
    Document("ru", "Телевизоры для кухни и спальни"),
    Document("many", "Tv, tv and again tv: a television set"),
    Document("heart", "After a heart attack the patient rested"),
    Document("infarct", "After a myocardial infarction the patient rested"),
    Document("love", "Her heart sings, says the song of love"),
    Document("digital", "Digital books are read on a screen"),
    Document("dashed", "An e-book of the old spelling"),
    Document("fir", "Новогодние деревья с доставкой"),
    Document("title", "It is cheap and good", "Kettle"),
    Document("body", "A kettle is cheap and good"),
    *(Document(f"filler{n}", f"{word} {FILLER[n % 7]} {FILLER[n % 3]}") for n, word in enumerate(FILLER)),
]


def filled(engine: Engine, *, boosts: dict[str, int] | None = None, synonyms: tuple[str, ...] = RULES) -> Index:
    encoder = open_encoder("hashing:64")
    stamp = EncoderStamp("hashing:64", encoder.revision, encoder.dim)
    fields = {"brand": "text"}
    engine.create(NAME, Schema(stamp, fields=fields, boosts=boosts or {}, synonyms=synonyms))
    index = Index(engine, NAME, encoder)
    index.ingest(DOCUMENTS)
    return index


@pytest.fixture
def index(engine: Engine) -> Iterator[Index]:
    yield filled(engine)


def found(index: Index, query: str) -> dict[str, float]:
    """Return raw BM25 by id."""
    results = index.search(query, mode="lexical", repair=False)
    return {hit.id: hit.legs["lexical"].raw or 0.0 for hit in results}


def test_words_stand_for_each_other_in_both_directions_by_their_stems(index: Index) -> None:
    televisions = {"telly", "set", "ru", "many"}
    assert set(found(index, "tv")) == set(found(index, "телевизора")) == televisions
    assert set(found(index, "television sets")) == {*televisions, "apart"}, "typed words needn't stand together"
    assert set(found(index, "елки")) == {"fir"}


def test_one_word_of_an_expression_is_not_the_expression(index: Index) -> None:
    assert set(found(index, "heart")) == {"heart", "love"}
    assert set(found(index, "heart attack")) == {"heart", "infarct", "love"}


def test_an_arrow_replaces_and_has_no_way_back(index: Index) -> None:
    assert set(found(index, "e-book")) == {"digital", "dashed"}, "e-book is written ebook as well"
    assert set(found(index, "digital")) == {"digital"}


class Oracle:
    """BM25 of whole documents in a few lines, from the definitions: k1 1.2, b 0.75, the factor k1 + 1 left out."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.tokens = {id: [token.term for token in analyze(text)] for id, text in texts.items()}
        self.mean = sum(map(len, self.tokens.values())) / len(self.tokens)

    def idf(self, term: str) -> float:
        n = sum(term in tokens for tokens in self.tokens.values())
        return math.log(1 + (len(self.tokens) - n + 0.5) / (n + 0.5))

    def bm25(self, id: str, phrase: str) -> float:
        """Return the score of words that have to stand together; one word does."""
        tokens, terms = self.tokens[id], [token.term for token in analyze(phrase)]
        tf = sum(tokens[at : at + len(terms)] == terms for at in range(len(tokens)))
        length = 1.2 * (1 - 0.75 + 0.75 * len(tokens) / self.mean)
        return sum(map(self.idf, terms)) * tf / (tf + length)


def test_the_best_of_a_group_counts_as_much_as_its_commonest_variant(index: Index) -> None:
    oracle = Oracle({one.id: f"{one.title}\n{one.text} {keys_of(one.text)}" for one in DOCUMENTS})
    variants = {"tv": oracle.idf("tv"), "television set": oracle.idf("televis") + oracle.idf("set")}
    variants["телевизор"] = oracle.idf("телевизор")
    least = oracle.idf("tv")
    assert least == min(variants.values())
    expected = {
        one.id: max(oracle.bm25(one.id, text) * least / worth for text, worth in variants.items()) for one in DOCUMENTS
    }
    scores = found(index, "телевизор")
    assert scores == pytest.approx({id: score for id, score in expected.items() if score}, rel=1e-4)
    both = {id: score + oracle.bm25(id, "kitchen") for id, score in expected.items()}
    assert found(index, "tv kitchen") == pytest.approx({id: one for id, one in both.items() if one}, rel=1e-4)


def test_a_group_is_worth_one_word_to_fusion(index: Index) -> None:
    """The share of what a query could score is the same whichever of its synonyms is typed."""
    for query in ("tv", "телевизор"):
        (best, *_) = index.search(query, mode="lexical")
        leg = best.legs["lexical"]
        assert best.id == "many"
        assert leg.raw is not None
        bound = Oracle({one.id: f"{one.title}\n{one.text} {keys_of(one.text)}" for one in DOCUMENTS}).idf("tv")
        assert leg.normalised == pytest.approx((leg.raw / bound) ** LEXICAL_EXPONENT, rel=1e-4)


def test_quoted_and_required_words_are_taken_as_they_are(index: Index) -> None:
    assert set(found(index, "+tv")) == {"telly", "many"}
    assert set(found(index, '"tv"')) == {"telly", "many"}


def test_changed_synonyms_count_at_once(index: Index) -> None:
    index.use_synonyms(["kitchen, screen"])
    assert set(found(index, "screens")) == {"digital", "telly"}
    assert set(found(index, "tv")) == {"telly", "many"}


def test_marks_and_the_answer_tell_what_was_looked_for(index: Index) -> None:
    results = index.search("телевизор", mode="lexical")
    assert results.synonyms == ("tv", "television set")
    (telly,) = (hit for hit in results if hit.id == "telly")
    assert telly.passage is not None
    assert [telly.passage.text[start:end] for start, end in telly.passage.marks] == ["tv"]


def test_boosted_fields_count_as_if_repeated(engine: Engine) -> None:
    boosts = {"title": 4, "brand": 2}
    index = filled(engine, boosts=boosts, synonyms=())
    index.ingest([Document("branded", "It whistles", "Pot", {"brand": "Kettle and sons"})])
    texts = {one.id: " ".join([one.title] * 4 + [one.text, keys_of(one.text)]) for one in DOCUMENTS}
    oracle = Oracle({**texts, "branded": "Pot " * 4 + "It whistles" + " Kettle and sons" * 2})
    expected = {id: oracle.bm25(id, "kettle") for id in ("title", "body", "branded")}
    assert found(index, "kettle") == pytest.approx(expected, rel=1e-4)
    assert expected["title"] > expected["body"]
    assert not found(index, '+"kettle kettle"'), "repeating makes no phrases"
    (stored,) = engine.get(NAME, ["title"])
    assert stored is not None and stored.document == DOCUMENTS[11]
