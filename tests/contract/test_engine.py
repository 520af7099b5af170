"""What every engine promises, whichever it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from searchctl.engines.base import Diagnostics, Engine, FullEngine, Revisions, fingerprints, term_statistics
from searchctl.errors import IndexExists, IndexMissing, SearchctlError, UsageError
from searchctl.filters import as_filter, parse_where
from searchctl.schema import ANALYSIS, Background, Schema
from searchctl.types import AllOf, Exists, LexicalQuery, Prefix, Range, Ranking, Scope, Total, VectorQuery, Where
from tests.conftest import entry, unit

INDEX = "library"

BOOKS = [
    entry("tea", "How to brew green tea at home", unit(1, 0), lang="en", year=2001, day="2024-01-05", open=True),
    entry(
        "coffee",
        "Grinding coffee beans and brewing coffee",
        unit(1, 1),
        lang="en",
        year=2005,
        day="2024-03-01",
        open=False,
    ),
    entry("borscht", "Как сварить борщ: свёкла, капуста и мясо", unit(0, 1), lang="ru", year=2010, day="2024-03-02"),
    entry("bread", "Выпечка хлеба дома. Хлебная закваска", unit(0, 0, 1), lang="ru", year=2020, open=True),
    entry("code", "Replace part KX-4471-B when error E17 shows", unit(0, 0, 0, 1), lang=["en", "ru"], year=2020.5),
]


@pytest.fixture
def books(engine: FullEngine, schema: Schema) -> FullEngine:
    engine.create(INDEX, schema)
    with engine.writing(INDEX):
        assert engine.write(INDEX, BOOKS) == []
    return engine


def lexical(
    engine: FullEngine, text: str, where: Where | None = None, k: int = 10, **words: tuple[str, ...]
) -> Ranking:
    return engine.search(INDEX, [LexicalQuery(text, k, Scope(as_filter(where), **words))])[0]


def nearest(
    engine: FullEngine, *numbers: float, where: Where | None = None, k: int = 10, **words: tuple[str, ...]
) -> Ranking:
    return engine.search(INDEX, [VectorQuery(unit(*numbers), k, Scope(as_filter(where), **words))])[0]


def test_stores_and_returns_documents_as_they_were(books: FullEngine) -> None:
    found = books.get(INDEX, ["coffee", "nothing", "tea"], vectors=True)
    assert [one and one.document for one in found] == [BOOKS[1].document, None, BOOKS[0].document]
    assert found[0] is not None and found[0].passages == BOOKS[1].passages
    np.testing.assert_allclose(found[0].vectors, BOOKS[1].vectors, atol=5e-4)
    assert found[0].fingerprint == BOOKS[1].fingerprint


def test_the_seam_is_narrow() -> None:
    members = [name for name in vars(Engine) if not name.startswith("_")]
    assert len(members) <= 12


def test_a_lexical_ranking_brings_the_statistics_of_its_words(books: FullEngine) -> None:
    (vector, found, counted) = books.search(
        INDEX, [VectorQuery(unit(1)), LexicalQuery("brewing tea"), LexicalQuery("tea nowhere", 0)]
    )
    assert vector.statistics is None and found.statistics is not None and counted.statistics is not None
    assert found.statistics.documents == 5 and sorted(found.statistics.frequencies.values()) == [1, 2]
    assert counted.ids == () and sorted(counted.statistics.frequencies.values()) == [0, 1]


def test_a_vector_of_another_encoder_is_refused(books: FullEngine) -> None:
    with pytest.raises(SearchctlError):
        books.search(INDEX, [VectorQuery(np.ones(unit(1).size + 1, np.float32))])


def test_the_total_of_a_vector_query_is_all_that_its_scope_allows(books: FullEngine) -> None:
    assert nearest(books, 1, k=2).total == Total(5)
    assert nearest(books, 1, where={"lang": "ru"}, k=1).total == Total(3)


def test_what_is_written_alone_is_found_by_the_next_search(books: FullEngine) -> None:
    assert books.write(INDEX, [entry("cocoa", "Hot cocoa", unit(1))]) == []
    assert lexical(books, "cocoa").ids == ("cocoa",)
    assert books.count(INDEX) == 6


def test_entries_without_content_have_id_and_fingerprint(books: FullEngine) -> None:
    bare, missing = books.get(INDEX, ["tea", "nothing"], content=False)
    assert bare is not None and missing is None
    assert (bare.document.id, bare.document.text, bare.fingerprint) == ("tea", "", BOOKS[0].fingerprint)


def test_leaves_vectors_out_unless_asked_for(books: FullEngine) -> None:
    (found,) = books.get(INDEX, ["tea"])
    assert found is not None and found.vectors is None


def test_fingerprints_in_the_order_asked_for(books: FullEngine) -> None:
    assert fingerprints(books, INDEX, ["tea", "nothing"]) == [BOOKS[0].fingerprint, None]


def test_stems_english_and_russian(books: FullEngine) -> None:
    assert lexical(books, "brewed").ids == ("coffee", "tea") or lexical(books, "brewed").ids == ("tea", "coffee")
    assert lexical(books, "хлебы").ids == ("bread",)


def test_ё_is_е_in_text_and_query(books: FullEngine) -> None:
    assert lexical(books, "свекла").ids == lexical(books, "СВЁКЛА").ids == ("borscht",)


def test_stop_words_match_nothing(books: FullEngine) -> None:
    assert lexical(books, "the и to").ids == ()


def test_codes_are_found_by_their_parts_and_whole(books: FullEngine) -> None:
    assert lexical(books, "kx-4471-b").ids == ("code",)
    assert lexical(books, "e17").ids == ("code",)


def test_total_counts_all_matches_not_only_the_first(books: FullEngine) -> None:
    found = lexical(books, "brew code error", k=1)
    assert len(found.ids) == 1
    assert (found.total.value, found.total.relation) == (3, "eq")


def test_cosine_is_exact_and_in_order(books: FullEngine) -> None:
    found = nearest(books, 1, 0)
    assert found.ids == ("tea", "coffee", "borscht", "bread", "code")
    np.testing.assert_allclose(found.scores, [1, 2**-0.5, 0, 0, 0], atol=1e-3)


def test_opposite_vectors_have_cosine_minus_one(books: FullEngine) -> None:
    assert nearest(books, -1, 0, k=10).scores[-1] == pytest.approx(-1, abs=1e-3)


def test_equal_scores_are_ordered_by_id(engine: FullEngine, schema: Schema) -> None:
    engine.create(INDEX, schema)
    with engine.writing(INDEX):
        engine.write(INDEX, [entry(id, "same words here", unit(1)) for id in ("c", "a", "b")])
    assert lexical(engine, "words").ids == ("a", "b", "c")
    assert nearest(engine, 1).ids == ("a", "b", "c")


def test_a_document_is_as_near_as_its_best_passage(engine: FullEngine, schema: Schema) -> None:
    engine.create(INDEX, schema)
    with engine.writing(INDEX):
        engine.write(
            INDEX,
            [entry("two", "first part, second part", unit(0, 1), unit(1, 0)), entry("one", "only part", unit(1, 1))],
        )
    found = nearest(engine, 1, 0)
    assert found.ids == ("two", "one")
    assert found.passages == (1, 0)
    np.testing.assert_allclose(found.scores, [1, 2**-0.5], atol=1e-3)


def test_many_passages_of_one_document_do_not_crowd_out_others(engine: FullEngine, schema: Schema) -> None:
    engine.create(INDEX, schema)
    many = [unit(1, 0.01 * step) for step in range(40)]
    with engine.writing(INDEX):
        engine.write(INDEX, [entry("long", "x" * 400, *many), entry("b", "b", unit(0, 1)), entry("c", "c", unit(-1))])
    assert nearest(engine, 1, k=3).ids == ("long", "b", "c")


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"lang": "ru"}, ["borscht", "bread", "code"]),
        ({"lang": ["en", "fr"]}, ["tea", "coffee", "code"]),
        ({"year": 2020}, ["bread"]),
        ({"year": Range(gte=2005, lt=2020)}, ["coffee", "borscht"]),
        ({"year": Range(gt=2005, lte="2020")}, ["borscht", "bread"]),
        ({"day": Range(gte="2024-03-01")}, ["coffee", "borscht"]),
        ({"day": Range(lt="2024-03-01T00:00:01Z")}, ["tea", "coffee"]),
        ({"open": True}, ["tea", "bread"]),
        ({"open": "false"}, ["coffee"]),
        ({"open": Exists()}, ["tea", "coffee", "bread"]),
        ({"lang": "en", "open": True}, ["tea"]),
        ({"lang": "xx"}, []),
        ({"lang": AllOf(("en", "ru"))}, ["code"]),
        ({"lang": []}, []),
        ({"id": ["tea", "bread"]}, ["tea", "bread"]),
        ({"id": Prefix("b")}, ["borscht", "bread"]),
        ("lang!=ru", ["tea", "coffee"]),
        ("open!=*", ["borscht", "code"]),
        ("open IS NULL AND lang=en", ["code"]),
        ("lang=ru AND NOT (year=2010 OR year>2020)", ["bread"]),
        ("lang=r*", ["borscht", "bread", "code"]),
        ("day<=2024-03-01", ["tea", "coffee"]),
        ("day>2024-03-01", ["borscht"]),
        ("day=2024-03", ["coffee", "borscht"]),
        ("day!=2024", ["bread", "code"]),
        ("year IN (2001, 2020.5) OR id=bread", ["tea", "code", "bread"]),
    ],
    ids=str,
)
def test_filters_hold_in_both_legs(books: FullEngine, where: Where, ids: list[str]) -> None:
    words = "brew coffee борщ хлеб error"
    assert set(lexical(books, words, where).ids) == set(ids)
    assert set(nearest(books, 1, where=where).ids) == set(ids)
    assert books.count(INDEX, Scope(as_filter(where))) == len(ids)


def test_a_filtered_leg_still_gives_k(engine: FullEngine, schema: Schema) -> None:
    engine.create(INDEX, schema)
    with engine.writing(INDEX):
        engine.write(
            INDEX, [entry(f"{n:03}", "word", unit(1, n / 100), lang="ru" if n % 10 == 0 else "en") for n in range(200)]
        )
    assert nearest(engine, 1, where={"lang": "ru"}, k=5).ids == ("000", "010", "020", "030", "040")
    assert len(lexical(engine, "word", {"lang": "ru"}, k=15).ids) == 15


def test_filter_on_an_unknown_field_names_the_nearest(books: FullEngine) -> None:
    with pytest.raises(UsageError, match="did you mean 'lang'"):
        lexical(books, "tea", {"lagn": "en"})


@pytest.mark.parametrize("where", ["note=steel", "note>a", "note=st*", "lang>en", "year=20*"])
def test_filters_that_no_field_of_its_type_can_answer_are_refused(
    engine: FullEngine, schema: Schema, where: str
) -> None:
    engine.create(INDEX, replace(schema, fields={**schema.fields, "note": "text", "lang": "keyword", "year": "number"}))
    with pytest.raises(UsageError, match="holds"):
        lexical(engine, "tea", where)


def test_presence_of_a_text_field_can_be_asked_for(engine: FullEngine, schema: Schema) -> None:
    engine.create(INDEX, replace(schema, fields={**schema.fields, "note": "text"}))
    with engine.writing(INDEX):
        engine.write(INDEX, [entry("a", "tea", unit(1), note="of steel"), entry("b", "tea", unit(1))])
    assert lexical(engine, "tea", "note=*").ids == ("a",)
    assert lexical(engine, "tea", "note!=*").ids == ("b",)


def test_filter_with_a_value_of_another_type_is_refused(books: FullEngine) -> None:
    with pytest.raises(UsageError, match="number"):
        nearest(books, 1, where=parse_where(["year>=soon"]))


def test_a_value_that_does_not_fit_its_field_costs_that_value_only(books: FullEngine) -> None:
    odd = [
        entry("odd", "Odd tea", unit(1), year="12А", day="soon", open="perhaps", lang=5),
        entry("list", "Listed tea", unit(1), year=[2001, "n.d."], day=["2024-01-05", "soon"]),
    ]
    with books.writing(INDEX):
        assert books.write(INDEX, odd) == []
    stored = books.get(INDEX, ["odd", "list"])
    assert [one and dict(one.document.fields) for one in stored] == [dict(one.document.fields) for one in odd]
    assert set(lexical(books, "tea").ids) == {"odd", "list", "tea"}
    assert lexical(books, "tea", {"year": Exists()}).ids == lexical(books, "tea", {"year": 2001}).ids
    assert set(lexical(books, "tea", {"year": 2001}).ids) == {"list", "tea"}
    assert set(lexical(books, "tea", {"day": "2024-01-05"}).ids) == {"list", "tea"}
    assert lexical(books, "tea", {"lang": "5"}).ids == ("odd",)


def test_required_and_excluded_words_hold_in_both_legs(books: FullEngine) -> None:
    assert lexical(books, "brew", excluded=("coffee",)).ids == ("tea",)
    assert set(nearest(books, 1, excluded=("coffee", "борщи")).ids) == {"tea", "bread", "code"}
    assert nearest(books, 0, 1, required=("green tea",)).ids == ("tea",)
    assert lexical(books, "tea", required=("tea green",)).ids == ()


def test_writing_again_replaces(books: FullEngine) -> None:
    with books.writing(INDEX):
        books.write(INDEX, [entry("tea", "Black coffee", unit(0, 0, 0, 0, 1), lang="en")])
    assert "tea" not in lexical(books, "green").ids
    assert "tea" in lexical(books, "coffee").ids
    assert nearest(books, 0, 0, 0, 0, 1, k=1).ids == ("tea",)
    assert books.count(INDEX) == 5
    assert books.count(INDEX, Scope(as_filter({"year": 2001}))) == 0


def test_deleted_documents_are_gone_from_both_legs(books: FullEngine) -> None:
    assert books.delete(INDEX, ["tea", "nothing"]) == 1
    assert "tea" not in lexical(books, "tea brew").ids
    assert "tea" not in nearest(books, 1).ids
    assert books.get(INDEX, ["tea"]) == [None]
    assert books.count(INDEX) == 4


def test_scan_gives_everything_once(books: FullEngine) -> None:
    batches = list(books.scan(INDEX, batch=2, vectors=True))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    found = {one.document.id: one for batch in batches for one in batch}
    assert found.keys() == {book.document.id for book in BOOKS}
    np.testing.assert_allclose(found["tea"].vectors, BOOKS[0].vectors, atol=1e-6)


def test_documents_without_vectors_are_found_by_words(books: FullEngine) -> None:
    with books.writing(INDEX):
        books.write(INDEX, [entry("later", "vectors will follow")])
    assert lexical(books, "follow").ids == ("later",)
    assert "later" not in nearest(books, 1).ids


def test_term_statistics_count_documents(books: FullEngine) -> None:
    found = term_statistics(books, INDEX, "Brewing the tea nowhere")
    assert found.documents == 5
    assert sorted(found.frequencies.values()) == [0, 1, 2]


def test_schema_is_remembered_and_updated(books: FullEngine, schema: Schema) -> None:
    number = 1 if isinstance(books, Diagnostics) else ANALYSIS  # servers keep the analyzers of their mappings
    schema = schema.with_analysis(number)
    assert books.schema(INDEX) == schema
    new = replace(schema.with_fields({"price": "number"}), background=Background(0.7, 0.05))
    books.update_schema(INDEX, new)
    assert books.schema(INDEX) == new


def test_alias_swaps_and_tells_what_it_replaced(books: FullEngine, schema: Schema) -> None:
    books.create("other", schema)
    assert books.alias("current", INDEX) is None
    assert books.count("current") == 5
    assert books.alias("current", "other") == INDEX
    assert books.count("current") == 0
    assert books.info("other").aliases == ("current",)


def test_an_alias_may_take_over_an_indexs_own_name(books: FullEngine, schema: Schema) -> None:
    books.create("library-v2", schema)
    with pytest.raises(IndexExists):
        books.alias(INDEX, "library-v2")
    assert books.resolve(INDEX) == INDEX
    assert books.alias(INDEX, "library-v2", keep="library-v1") == "library-v1"
    assert (books.resolve(INDEX), books.count(INDEX)) == ("library-v2", 0)
    assert (books.resolve("library-v1"), books.count("library-v1")) == ("library-v1", 5)
    ours = {one.name: one.documents for one in books.indexes() if one.name.startswith(INDEX)}
    assert ours == {"library-v1": 5, "library-v2": 0}
    assert books.info("library-v2").aliases == (INDEX,)
    assert books.alias(INDEX, "library-v1") == "library-v2"
    assert books.count(INDEX) == 5
    books.drop("library-v2")
    assert books.count(INDEX) == 5


def test_missing_index_says_what_to_type(engine: FullEngine) -> None:
    with pytest.raises(IndexMissing, match="searchctl ingest"):
        engine.schema("nowhere")


def test_creating_twice_is_refused(books: FullEngine, schema: Schema) -> None:
    with pytest.raises(IndexExists):
        books.create(INDEX, schema)


def test_dropping_is_final_and_may_be_repeated(books: FullEngine) -> None:
    books.drop(INDEX)
    books.drop(INDEX)
    with pytest.raises(IndexMissing):
        books.count(INDEX)


@pytest.mark.parametrize("name", ["Upper", "../etc", "", "a/b", "-a", "x" * 200])
def test_names_that_a_server_would_refuse_are_refused_everywhere(engine: FullEngine, schema: Schema, name: str) -> None:
    with pytest.raises(UsageError):
        engine.create(name, schema)


def test_info_counts(books: FullEngine) -> None:
    info = books.info(INDEX)
    assert (info.name, info.documents, info.passages) == (INDEX, 5, 5)
    assert info.size > 0
    assert [one.name for one in books.indexes()].count(INDEX) == 1  # a server may hold others as well


def test_batch_of_both_kinds_comes_back_in_order(books: FullEngine) -> None:
    found = books.search(
        INDEX, [VectorQuery(unit(0, 1), 1), LexicalQuery("tea", 1), VectorQuery(unit(1), 1), LexicalQuery("хлеб", 1)]
    )
    assert [one.ids for one in found] == [("borscht",), ("tea",), ("tea",), ("bread",)]


def test_a_revision_changes_with_every_change(books: FullEngine, schema: Schema) -> None:
    if not isinstance(books, Revisions):
        return  # a server: others write there too, so it offers none
    revisions: Revisions = books

    def revision() -> object:
        return revisions.revision(INDEX)

    seen = [revision()]
    assert revision() == seen[0]
    books.write(INDEX, [entry("new", "Something new", unit(1))])
    seen.append(revision())
    books.delete(INDEX, ["new"])
    seen.append(revision())
    books.update_schema(INDEX, replace(schema, background=Background(0.1, 0.1)))
    seen.append(revision())
    assert len(set(seen)) == len(seen)
