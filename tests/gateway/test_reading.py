"""Reading searches: which text is asked for, what else is demanded, and why a search stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchctl.gateway.dsl import QueryReading, constraint, read_query, without_inner_hits
from searchctl.gateway.filter_path import filtered
from searchctl.gateway.many import joined, lines_of, read_many
from searchctl.gateway.query_text import is_identifier, plain_words
from searchctl.gateway.reasons import REASONS, SENTENCES, Refused, WhyLexical
from searchctl.gateway.requests import Search, read_body, read_search, sorts_by_score
from searchctl.gateway.target import field_types
from tests.gateway.apps import all_bodies
from tests.gateway.shop import MAPPING

TYPES = dict(field_types(MAPPING["properties"]))
Json = dict[str, Any]


def test_every_body_of_an_app_is_read_as_expected() -> None:
    for sent in all_bodies():
        search = read_search("shop", sent.parameters, sent.body)
        read = search if isinstance(search, WhyLexical) else read_query(search.body["query"], TYPES)
        found = read.reason if isinstance(read, WhyLexical) else "hybrid"
        wanted = "hybrid" if sent.expected == "backend_error" else sent.expected  # which only the server can tell
        assert found == wanted, (sent, read)


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(REASONS)
    assert WhyLexical("collapse", "by brand").sentence == "hits are collapsed by a field (by brand)"


def reading(query: Json) -> QueryReading:
    found = read_query(query, TYPES)
    assert isinstance(found, QueryReading), found
    return found


def test_text_and_fields_are_those_of_the_clauses_that_must_match() -> None:
    found = reading(
        {
            "bool": {
                "must": [
                    {"multi_match": {"query": "warm gloves", "fields": ["name^3", "description"], "fuzziness": "AUTO"}}
                ],
                "should": [{"match": {"bullets": "warranty"}}],
                "filter": {"term": {"category": "clothes"}},
                "must_not": [{"match": {"description": "office"}}],
            }
        }
    )
    assert (found.text, found.fields, found.words) == ("warm gloves", ("name", "description"), {"fuzziness": "AUTO"})
    limit = {
        "bool": {"filter": [{"term": {"category": "clothes"}}], "must_not": [{"match": {"description": "office"}}]}
    }
    assert found.filters == (limit,) and not found.by_rank and not found.exact


def test_texts_of_several_fields_are_joined_and_the_same_text_counts_once() -> None:
    both = {"bool": {"must": [{"match": {"name": "gloves"}}, {"match": {"description": "warm"}}]}}
    assert reading(both).text == "gloves warm"
    same = {"dis_max": {"queries": [{"match": {"name": "gloves"}}, {"match": {"description": "gloves"}}]}}
    assert reading(same).text == "gloves"


def test_a_text_in_a_field_of_another_type_is_a_filter() -> None:
    found = reading({"bool": {"must": [{"match": {"category": "clothes"}}, {"match": {"name": "gloves"}}]}})
    assert found.text == "gloves" and found.filters == ({"bool": {"filter": [{"match": {"category": "clothes"}}]}},)


@pytest.mark.parametrize(
    "query",
    [
        {"function_score": {"query": {"match": {"name": "gloves"}}, "functions": []}},
        {"constant_score": {"filter": {"match": {"name": "gloves"}}}},
        {"script_score": {"query": {"match": {"name": "gloves"}}, "script": {"source": "1"}}},
        {"boosting": {"positive": {"match": {"name": "gloves"}}, "negative": {"term": {"open": True}}}},
        {"bool": {"must": [{"match": {"name": "gloves"}}, {"rank_feature": {"field": "sold"}}]}},
    ],
)
def test_scores_that_tell_more_than_words_count_by_rank(query: Json) -> None:
    assert reading(query).by_rank and reading(query).text == "gloves"


def test_pinned_documents_are_known() -> None:
    found = reading({"pinned": {"ids": ["p4", "p2"], "organic": {"match": {"name": "gloves"}}}})
    assert found.pinned == ("p4", "p2") and found.text == "gloves"


def test_phrases_alone_are_exact() -> None:
    assert reading({"match_phrase": {"name": "warm gloves"}}).exact
    assert not reading(
        {"bool": {"should": [{"match_phrase": {"name": "gloves"}}, {"match": {"name": "gloves"}}]}}
    ).exact


GLOVES: Json = {"match": {"name": "gloves"}}
OPEN: Json = {"term": {"open": True}}
NORTH: Json = {"term": {"brand.keyword": "North"}}


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        (GLOVES, None),
        (OPEN, OPEN),
        ({"bool": {"must": GLOVES, "filter": []}}, None),
        ({"bool": {"must": GLOVES, "filter": OPEN}}, {"bool": {"filter": [OPEN]}}),
        ({"bool": {"should": [GLOVES, OPEN]}}, None),
        ({"bool": {"should": [NORTH, OPEN]}}, {"bool": {"filter": [{"bool": {"should": [NORTH, OPEN], "minimum_should_match": 1}}]}}),
        ({"bool": {"must": [GLOVES], "should": [NORTH]}}, None),
        ({"bool": {"must": [GLOVES], "minimum_should_match": 1}}, {"bool": {"filter": [{"match_none": {}}]}}),
        (
            {"bool": {"should": [GLOVES, NORTH], "minimum_should_match": 2}},
            {"bool": {"filter": [{"bool": {"should": [NORTH], "minimum_should_match": 1}}]}},
        ),
        ({"bool": {"should": [GLOVES, NORTH], "minimum_should_match": "50%"}}, None),
        ({"bool": {"should": [GLOVES], "minimum_should_match": "2<75%"}}, None),
        (
            {"dis_max": {"queries": [{"bool": {"must": GLOVES, "filter": OPEN}}, {"bool": {"must": GLOVES, "filter": NORTH}}]}},
            {"bool": {"should": [{"bool": {"filter": [OPEN]}}, {"bool": {"filter": [NORTH]}}], "minimum_should_match": 1}},
        ),
        ({"dis_max": {"queries": [{"bool": {"must": GLOVES, "filter": OPEN}}, GLOVES]}}, None),
        ({"nested": {"path": "attributes", "query": OPEN}}, {"nested": {"path": "attributes", "query": OPEN}}),
        ({"nested": {"path": "attributes", "query": GLOVES}}, None),
        ({"function_score": {"query": {"bool": {"must": GLOVES, "must_not": OPEN}}}}, {"bool": {"must_not": [OPEN]}}),
    ],
)  # fmt: skip
def test_what_documents_must_satisfy_apart_from_the_text(query: Json, limit: Json | None) -> None:
    assert constraint(query, TYPES) == limit


def test_names_and_inner_hits_are_taken_out() -> None:
    query = {"nested": {"path": "a", "query": {"term": {"a.b": {"value": 1, "_name": "n"}}}, "inner_hits": {"size": 1}}}
    assert without_inner_hits(query) == {"nested": {"path": "a", "query": {"term": {"a.b": {"value": 1}}}}}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("warm gloves", "warm gloves"),
        ("(warm gloves)", "warm gloves"),
        ("((warm gloves))", "warm gloves"),
        ("warm~ gloves~1", "warm gloves"),
        (r"C\+\+ \(books\)", "C++ (books)"),
        ("how do I return it?", "how do I return it?"),
        ("e-mail and 50% off", "e-mail and 50% off"),
    ],
)
def test_plain_words_of_a_query_string(typed: str, words: str) -> None:
    assert plain_words(typed, simple=False) == words


@pytest.mark.parametrize(
    "typed",
    ['"warm gloves"', "warm AND gloves", "warm OR gloves", "NOT warm", "name:gloves", "warm +gloves", "-warm", "glo*",
     "gl?ves", "/glo.*/", "[1 TO 2]", "warm^2", "a && b", "a || b", "!a", "_exists_: name", "(warm) gloves"],
)  # fmt: skip
def test_operators_of_a_query_string_are_left_alone(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        plain_words(typed, simple=False)
    assert refused.value.refusal.reason == "exact_syntax"


@pytest.mark.parametrize(
    "typed", ['"warm gloves"', "warm | gloves", "+warm", "-warm", "glo*", "(warm gloves) x", "a~2 b~"]
)
def test_operators_of_a_simple_query_string(typed: str) -> None:
    if typed == "a~2 b~":
        assert plain_words(typed, simple=True) == "a b"
    else:
        with pytest.raises(Refused):
            plain_words(typed, simple=True)


def test_identifiers_have_no_meaning_to_look_for() -> None:
    codes = ("SKU-1234", "4006381333931", "7.10.2", "ann@example.com", "snake_case", "https://a.b/c", "iso9001")
    words = ("gloves", "iPhone 15", "covid19", "mp3 player", "e-mail", "4k", "warm SKU-1234 gloves", "C++")
    assert all(map(is_identifier, codes)) and not any(map(is_identifier, words))


def test_the_address_counts_more_than_the_body() -> None:
    found = read_search(
        "shop", {"size": "3", "_source": "name,price", "sort": "_score,price:asc"}, {"query": GLOVES, "size": 9}
    )
    assert isinstance(found, Search)
    assert (found.size, found.body["_source"]) == (3, {"includes": ["name", "price"]})
    assert found.body["sort"] == ["_score", {"price": "asc"}]
    assert isinstance(read_search("shop", {"q": "gloves", "df": "name"}, {}), Search)
    routed = read_search("shop", {"routing": "a", "preference": "b", "pretty": ""}, {"query": GLOVES})
    assert isinstance(routed, Search) and routed.where == {"routing": "a", "preference": "b"} and routed.asks("pretty")


@pytest.mark.parametrize("text", ['{"query": {}, "query": {}}', "[1]", "{", "{'a': 1}", '{"size": NaN}', "[" * 100_000])
def test_bodies_that_others_might_read_otherwise_are_not_read(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_body(text)
    assert refused.value.refusal.reason == "unreadable"


def test_deep_queries_are_left_alone() -> None:
    query: Json = GLOVES
    for _ in range(100):
        query = {"bool": {"must": [query]}}
    assert read_query(query, {}) == WhyLexical("query_too_long", "too many clauses")


def test_sorting_by_score() -> None:
    assert all(
        map(
            sorts_by_score,
            (None, [], "_score", ["_score"], ["_score", {"price": "asc"}], {"_score": {"order": "desc"}}),
        )
    )
    assert not any(map(sorts_by_score, ("price", [{"price": "asc"}, "_score"], {"_score": "asc"}, ["_doc"])))


def test_several_searches_are_read_apart_and_joined_in_order() -> None:
    text = b'{"index":"a"}\n{"query":{"match":{"name":"gloves"}}}\n{}\n{"query":{"match_all":{}}}\n{"index":["a","b"]}\n{"size":0}\n'
    parts = read_many("usual", {}, text)
    assert [part.search.index if isinstance(part.search, Search) else part.search.reason for part in parts] == [
        "a",
        "usual",
        "match_all",
    ]
    assert lines_of(parts) == text
    made, plain = {"took": 3, "hits": {}}, {"responses": [{"took": 1, "n": 1}, {"error": {}, "status": 400}]}
    answer = joined([None, made, None], plain)
    assert answer["took"] == 3
    assert answer["responses"] == [{"took": 1, "n": 1}, {**made, "status": 200}, {"error": {}, "status": 400}]


@pytest.mark.parametrize("text", [b"", b"{}\n", b"{}\n{}", b"{}\n{}\n{}\n"])
def test_lines_that_do_not_pair_are_not_read(text: bytes) -> None:
    with pytest.raises(Refused):
        read_many("", {}, text)


@pytest.mark.parametrize(
    ("paths", "kept"),
    [
        ("took", {"took": 1}),
        ("hits.hits._id", {"hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}}),
        ("hits.*._id,took", {"took": 1, "hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}}),
        ("**._id", {"hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}}),
        ("hits.total", {"hits": {"total": {"value": 2}}}),
        ("-hits.hits,-took", {"hits": {"total": {"value": 2}}}),
        ("hits,-hits.hits._score", {"hits": {"total": {"value": 2}, "hits": [{"_id": "a"}, {"_id": "b"}]}}),
        ("nothing", {}),
    ],
)
def test_filter_path(paths: str, kept: Json) -> None:
    answer = {
        "took": 1,
        "hits": {"total": {"value": 2}, "hits": [{"_id": "a", "_score": 2.0}, {"_id": "b", "_score": 1.0}]},
    }
    assert filtered(answer, paths) == kept


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "bool",
                    "must",
                    "should",
                    "filter",
                    "match",
                    "name",
                    "query",
                    "fields",
                    "nested",
                    "path",
                    "dis_max",
                    "queries",
                    "x",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(any_json)
def test_whatever_stands_in_a_query_is_read_or_refused(query: Any) -> None:
    found = read_query(query, TYPES)
    assert isinstance(found, (QueryReading, WhyLexical))
    search = read_search("shop", {}, {"query": query})
    assert isinstance(search, (Search, WhyLexical))
