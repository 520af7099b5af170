# ruff: noqa: E501
"""Bodies as search apps build them, each with what has to become of it: "hybrid", or the reason why it stays lexical.

The shapes are those of the apps' public query builders, written anew over the shop's fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
TEXTS = ("warm gloves for cycling", "something for my hands", "light jacket", "перчатки для велосипеда")
FIELDS = ["name^3", "description", "bullets"]


@dataclass(frozen=True)
class Sent:
    """One search: which app it is of, its parameters and body, and what is expected of it."""

    app: str
    body: Json
    expected: str = "hybrid"
    parameters: dict[str, str] = field(default_factory=dict)


def all_bodies() -> list[Sent]:
    """Return every body."""
    makers = (shop, searchkick, haystack, wagtail, search_ui, searchkit, elasticpress, elasticsuite, drupal, scout)
    makers = (*makers, moodle, nextcloud, plain, others)
    return [sent for maker in makers for sent in maker()]


def shop() -> Iterator[Sent]:
    facets = {"brands": {"terms": {"field": "brand.keyword"}}}
    sized = {"nested": {"path": "attributes", "query": {"bool": {"filter": [{"term": {"attributes.value": "L"}}]}}}}
    for text in TEXTS:
        for filters in ([], [{"term": {"brand.keyword": "North"}}], [{"range": {"price": {"gte": 40}}}, sized]):
            query = {
                "bool": {
                    "must": {"multi_match": {"query": text, "fields": FIELDS, "fuzziness": "AUTO"}},
                    "filter": filters,
                }
            }
            marks = {"fields": {"name": {}, "description": {}}}
            yield Sent("shop", {"query": query, "aggs": facets, "highlight": marks, "sort": ["_score"], "size": 5})
            yield Sent("shop", {"query": query, "from": 5, "size": 5})
        yield Sent("shop", {"query": query, "sort": [{"price": "asc"}]}, "sort_not_score")


def searchkick() -> Iterator[Sent]:
    for text in TEXTS:
        shared = {"boost": 10, "operator": "and", "analyzer": "standard"}
        queries = [
            {"multi_match": {"query": text, "fields": ["name", "description"], "type": "best_fields", **shared}},
            {"match": {"name": {"query": text, **shared, "fuzziness": 1, "prefix_length": 0, "max_expansions": 3}}},
            {"match": {"description": {"query": text, "operator": "or", "fuzziness": 1}}},
        ]
        query: Json = {
            "bool": {"must": {"dis_max": {"queries": queries}}, "filter": [{"term": {"category": "clothes"}}]}
        }
        yield Sent("searchkick", {"query": query, "timeout": "11000ms", "_source": False, "size": 20})
        scored = {
            "function_score": {
                "functions": [
                    {
                        "filter": {"exists": {"field": "sold"}},
                        "field_value_factor": {"field": "sold", "modifier": "ln2p"},
                    }
                ],
                "query": query,
                "score_mode": "sum",
            }
        }
        facets = {
            "category": {"filter": {"bool": {"must": []}}, "aggs": {"category": {"terms": {"field": "category"}}}}
        }
        more = {"aggs": facets, "post_filter": {"bool": {"filter": [{"terms": {"brand.keyword": ["North", "Acme"]}}]}}}
        yield Sent("searchkick", {"query": scored, "from": 0, "size": 10, **more, "track_total_hits": True})
        yield Sent("searchkick", {"query": query, "explain": True, "size": 3})
        yield Sent("searchkick", {"query": query, "size": 3, "indices_boost": []})
    yield Sent("searchkick", {"query": {"match_all": {}}, "size": 10}, "match_all")
    yield Sent("searchkick", {"query": query, "sort": [{"sold": "desc"}]}, "sort_not_score")
    yield Sent("searchkick", {"query": {"bool": {"must_not": [{"term": {"category": "home"}}]}}}, "no_text")
    like = {"more_like_this": {"fields": ["name"], "like": [{"_id": "p1"}], "min_term_freq": 1, "min_doc_freq": 1}}
    yield Sent("searchkick", {"query": like}, "more_like_this")


def haystack() -> Iterator[Sent]:
    options = {
        "default_operator": "AND",
        "default_field": "description",
        "analyze_wildcard": True,
        "fuzzy_max_expansions": 50,
    }
    for text in (f"({TEXTS[0]})", TEXTS[1], TEXTS[3]):
        query = {"query_string": {"query": text, **options}}
        only = {"terms": {"category": ["clothes", "outdoors"]}}
        yield Sent("haystack", {"query": query, "from": 0, "size": 20})
        yield Sent("haystack", {"query": {"bool": {"must": query, "filter": only}}, "size": 20})
        marks = {"fields": {"description": {}}}
        yield Sent("haystack", {"query": {"bool": {"must": query, "filter": only}}, "highlight": marks, "size": 10})
        facets = {"brand": {"meta": {"_type": "terms"}, "terms": {"field": "brand.keyword", "size": 100}}}
        days = {
            "created": {
                "meta": {"_type": "date_histogram"},
                "date_histogram": {"field": "created", "calendar_interval": "month"},
            }
        }
        yield Sent("haystack", {"query": query, "aggs": {**facets, **days}, "size": 2})
        suggest = {"suggest": {"text": "glvoes", "term": {"field": "description"}}}
        yield Sent("haystack", {"query": query, "suggest": suggest, "size": 2})
    strict = {"query_string": {"query": "(warm AND gloves)", **options}}
    yield Sent("haystack", {"query": strict}, "exact_syntax")
    yield Sent("haystack", {"query": {"query_string": {"query": "brand:(North)", **options}}}, "exact_syntax")
    yield Sent("haystack", {"query": {"query_string": {"query": '"warm gloves"', **options}}}, "exact_syntax")
    yield Sent("haystack", {"query": {"query_string": {"query": "*:*"}}}, "match_all")
    near = {"_geo_distance": {"place": {"lat": 50, "lon": 30}, "order": "asc", "unit": "km"}}
    yield Sent("haystack", {"query": query, "sort": [near]}, "sort_not_score")


def wagtail() -> Iterator[Sent]:
    kind = {"match": {"category": "clothes"}}
    for text in TEXTS:
        fields = {"multi_match": {"query": text, "fields": ["name", "description^0.5"], "operator": "or"}}
        query = {"bool": {"must": [fields], "filter": [kind, {"term": {"open": True}}]}}
        yield Sent("wagtail", {"query": query, "_source": False, "stored_fields": "_none_", "size": 10})
        yield Sent("wagtail", {"query": {"bool": {"must": fields, "filter": kind}}, "from": 10, "size": 10})
        boosted = {
            "dis_max": {
                "queries": [
                    {"match": {"description": {"query": text}}},
                    {"match": {"name": {"query": text, "boost": 2.0}}},
                ]
            }
        }
        yield Sent("wagtail", {"query": {"bool": {"must": boosted, "filter": [kind]}}, "_source": False, "size": 8})
    phrase = {"multi_match": {"query": "warm gloves", "fields": ["name", "description"], "type": "phrase"}}
    yield Sent("wagtail", {"query": {"bool": {"must": phrase, "filter": kind}}})
    yield Sent("wagtail", {"query": query, "sort": ["name.keyword"]}, "sort_not_score")
    yield Sent("wagtail", {"query": query}, "scroll_or_pit", {"scroll": "2m", "size": "100"})
    yield Sent("wagtail", {"query": {"bool": {"must": {"match_all": {}}, "filter": kind}}}, "no_text")


def search_ui() -> Iterator[Sent]:
    for text in TEXTS:
        many = [
            {"multi_match": {"query": text, "fields": FIELDS, "type": "best_fields", "operator": "and"}},
            {"multi_match": {"query": text, "fields": FIELDS, "type": "cross_fields"}},
            {"multi_match": {"query": text, "fields": FIELDS, "type": "phrase"}},
            {"multi_match": {"query": text, "fields": FIELDS, "type": "phrase_prefix"}},
        ]
        query = {"bool": {"must": [{"bool": {"should": many, "minimum_should_match": 1}}], "filter": []}}
        facet = {
            "aggs": {"brand.keyword": {"terms": {"field": "brand.keyword", "size": 30}}},
            "filter": {"bool": {"must": []}},
        }
        marks = {"fields": {"name": {}, "description": {"fragment_size": 40}}}
        body = {
            "query": query,
            "_source": {"includes": ["name", "price"]},
            "size": 20,
            "from": 0,
            "sort": [{"_score": "desc"}],
        }
        yield Sent("search-ui", {**body, "aggs": {"facet_bucket_all": facet}, "highlight": marks})
        chosen = {"bool": {"must": [{"term": {"brand.keyword": "North"}}]}}
        yield Sent(
            "search-ui", {**body, "aggs": {"facet_bucket_all": facet}, "post_filter": chosen, "track_total_hits": True}
        )
    start = {"multi_match": {"query": "glo", "fields": FIELDS, "type": "bool_prefix"}}
    yield Sent("search-ui", {"query": start, "size": 5}, "autocomplete")
    yield Sent(
        "search-ui", {"suggest": {"name": {"prefix": "glo", "completion": {"field": "name"}}}, "size": 5}, "no_text"
    )


def searchkit() -> Iterator[Sent]:
    for text in TEXTS:
        words = {"multi_match": {"query": text, "fields": FIELDS, "fuzziness": "AUTO:4,8"}}
        begin = {"multi_match": {"query": text, "fields": FIELDS, "type": "bool_prefix", "boost": 0.5}}
        phrase = {"multi_match": {"query": text, "fields": FIELDS, "type": "phrase", "boost": 2}}
        either = {"bool": {"should": [{"bool": {"should": [words, begin]}}, phrase]}}
        query = {"bool": {"filter": [], "must": either}}
        facets = {"brand": {"terms": {"field": "brand.keyword", "size": 20}}, "price": {"stats": {"field": "price"}}}
        marks = {"fields": {"name": {"number_of_fragments": 0}}, "pre_tags": ["<mark>"], "post_tags": ["</mark>"]}
        yield Sent(
            "searchkit",
            {
                "aggs": facets,
                "query": query,
                "size": 20,
                "from": 0,
                "_source": {"includes": ["name"]},
                "highlight": marks,
            },
        )
        chosen = [{"bool": {"should": [{"term": {"brand.keyword": "North"}}]}}]
        yield Sent("searchkit", {"query": {"bool": {"filter": chosen, "must": either}}, "size": 20, "aggs": facets})
        yield Sent("searchkit", {"query": query, "size": 0, "aggs": facets}, "size_zero")
        pinned = {
            "function_score": {"query": query, "functions": [{"filter": {"ids": {"values": ["p9"]}}, "weight": 50}]}
        }
        yield Sent("searchkit", {"query": pinned, "size": 5})
    facet = {"brand": {"terms": {"field": "brand.keyword", "include": "Nor.*"}}}
    yield Sent("searchkit", {"query": query, "size": 0, "aggs": facet}, "size_zero")


def elasticpress() -> Iterator[Sent]:
    for text in TEXTS:
        should = [
            {"bool": {"must": [{"bool": {"should": [
                {"multi_match": {"query": text, "type": "phrase", "fields": ["name^1", "description^1"], "boost": 3}},
                {"multi_match": {"query": text, "fields": ["name^1", "description^1", "phrase"], "operator": "and", "boost": 1, "fuzziness": "auto"}},
                {"multi_match": {"query": text, "type": "cross_fields", "fields": ["name^1", "description^1"], "boost": 1, "analyzer": "standard", "tie_breaker": 0.5, "operator": "and"}},
            ]}}], "filter": [{"match": {"category": "clothes"}}]}},
            {"bool": {"must": [{"multi_match": {"query": text, "fields": ["name", "description"]}}], "filter": [{"terms": {"category": ["outdoors", "home"]}}]}},
        ]  # fmt: skip
        query = {
            "function_score": {
                "query": {"bool": {"should": should}},
                "functions": [{"exp": {"created": {"scale": "14d", "decay": 0.25, "offset": "7d"}}}, {"weight": 0.001}],
                "score_mode": "sum",
                "boost_mode": "multiply",
            }
        }
        chosen = {"bool": {"must": [{"term": {"open": True}}]}}
        facets = {"terms": {"filter": chosen, "aggs": {"category": {"terms": {"field": "category", "size": 100}}}}}
        yield Sent("elasticpress", {"from": 0, "size": 10, "query": query, "post_filter": chosen, "aggs": facets})
        yield Sent("elasticpress", {"from": 0, "size": 10, "query": query, "sort": [{"_score": {"order": "desc"}}]})
    suggest = {"ep_suggestion": {"text": "glvoes", "phrase": {"field": "description"}}}
    yield Sent("elasticpress", {"query": query, "suggest": suggest, "size": 4})


def elasticsuite() -> Iterator[Sent]:
    for text in TEXTS[:3]:
        cut = {
            "multi_match": {
                "query": text,
                "fields": ["description", "name"],
                "minimum_should_match": "20%",
                "tie_breaker": 1,
            }
        }
        must = {
            "multi_match": {
                "query": text,
                "fields": ["name^5", "description^1"],
                "minimum_should_match": 1,
                "type": "best_fields",
                "tie_breaker": 1,
                "boost": 1,
            }
        }
        inner = {"bool": {"filter": [cut], "must": [must], "must_not": [], "should": [], "boost": 1}}
        stock = {
            "bool": {
                "must": [{"terms": {"category": ["clothes", "outdoors"], "boost": 1}}],
                "must_not": [],
                "should": [],
                "boost": 1,
            }
        }
        query = {"bool": {"filter": stock, "must": inner}}
        facets = {
            "price": {"histogram": {"field": "price", "interval": 10, "min_doc_count": 1}},
            "size": {"nested": {"path": "attributes"}, "aggs": {"v": {"terms": {"field": "attributes.value"}}}},
        }
        body = {"size": 12, "from": 0, "query": query, "track_total_hits": 1000000, "aggs": facets}
        yield Sent(
            "elasticsuite",
            {
                **body,
                "sort": [
                    {"_score": {"order": "desc"}},
                    {"price": {"order": "desc", "missing": "_last", "unmapped_type": "keyword"}},
                ],
            },
        )
        yield Sent("elasticsuite", {**body, "min_score": 0.01})
        yield Sent("elasticsuite", {**body, "collapse": {"field": "category"}}, "collapse")
        yield Sent("elasticsuite", {**body, "sort": [{"price": {"order": "asc"}}]}, "sort_not_score")


def drupal() -> Iterator[Sent]:
    for text in ("warm~ gloves~", "light jacket", "gloves~1"):
        words = {"query_string": {"query": text, "fields": ["name^8.0", "description^1.0"], "default_operator": "or"}}
        query = {"bool": {"must": [words], "filter": {"bool": {"must": [{"term": {"category": "clothes"}}]}}}}
        yield Sent("drupal", {"query": query, "from": 0, "size": 10, "_source": False})
        yield Sent("drupal", {"query": query, "size": 10, "sort": {"_score": "desc"}})
    yield Sent("drupal", {"query": query, "sort": {"created": "desc"}}, "sort_not_score")


def scout() -> Iterator[Sent]:
    for text in TEXTS[:3]:
        words = {"query_string": {"query": text}}
        yield Sent("scout", {"query": words, "from": 0, "size": 15})
        filters = [{"term": {"category": "clothes"}}, {"terms": {"brand.keyword": ["North", "Acme"]}}]
        yield Sent("scout", {"query": {"bool": {"must": [words], "filter": filters}}, "size": 15})
    yield Sent("scout", {"query": {"query_string": {"query": "*"}}}, "match_all")
    yield Sent("scout", {"query": words, "sort": [{"price": "asc"}]}, "sort_not_score")


def moodle() -> Iterator[Sent]:
    for text in TEXTS[:2]:
        must = [{"multi_match": {"query": text, "fields": ["name", "description"]}}]
        boost = [{"match": {"category": {"query": "clothes", "boost": 2}}}]
        query = {"bool": {"must": must, "should": boost, "filter": {"bool": {"must": [{"term": {"open": True}}]}}}}
        marks = {
            "pre_tags": ["@@HI_S@@"],
            "post_tags": ["@@HI_E@@"],
            "fragment_size": 200,
            "encoder": "html",
            "fields": {"name": {}, "description": {}},
        }
        yield Sent("moodle", {"query": query, "highlight": marks, "size": 100, "_source": {"excludes": ["bullets"]}})
        yield Sent("moodle", {"query": query, "sort": [{"created": "desc"}]}, "sort_not_score")


def nextcloud() -> Iterator[Sent]:
    for text in TEXTS[:2]:
        word = text.split()[0]
        either = [{"match": {"description": text}}, {"match": {"name": text}}, {"wildcard": {"name": f"*{word}*"}}]
        rights = [{"bool": {"should": [{"term": {"category": "clothes"}}, {"term": {"category": "outdoors"}}]}}]
        query = {
            "bool": {
                "must": {"bool": {"should": either}},
                "filter": [{"bool": {"must": {"term": {"open": True}}}}, *rights],
            }
        }
        marks = {"fields": {"description": {}}, "pre_tags": [""], "post_tags": [""], "max_analyzed_offset": 1000000}
        yield Sent(
            "nextcloud",
            {"query": query, "highlight": marks},
            "hybrid",
            {"from": "0", "size": "7", "_source_excludes": "description"},
        )
        yield Sent("nextcloud", {"query": query, "highlight": marks}, "hybrid", {"from": "7", "size": "7"})
    yield Sent("nextcloud", {"query": {"wildcard": {"name": "*glo*"}}}, "autocomplete")


def plain() -> Iterator[Sent]:
    text = TEXTS[0]
    match = {"match": {"description": text}}
    yield Sent("plain", {"query": match})
    yield Sent("plain", {"query": {"match": {"description": {"query": text, "operator": "and"}}}})
    yield Sent("plain", {"query": {"combined_fields": {"query": text, "fields": ["name", "description"]}}})
    yield Sent("plain", {"query": {"simple_query_string": {"query": text, "fields": FIELDS}}})
    yield Sent("plain", {"query": {"match_phrase": {"description": "warm insulated gloves"}}})
    yield Sent("plain", {"query": {"constant_score": {"filter": match, "boost": 2}}})
    yield Sent(
        "plain",
        {"query": {"boosting": {"positive": match, "negative": {"term": {"category": "home"}}, "negative_boost": 0.2}}},
    )
    yield Sent(
        "plain", {"query": {"bool": {"should": [match, {"term": {"category": {"value": "clothes", "boost": 2}}}]}}}
    )
    yield Sent(
        "plain",
        {"query": {"bool": {"must": [match], "should": [{"rank_feature": {"field": "sold"}}]}}},
        "backend_error",
    )
    yield Sent("plain", {}, "hybrid", {"q": text, "df": "description"})
    yield Sent("plain", {}, "exact_syntax", {"q": "description:gloves"})
    yield Sent("plain", {"query": match, "track_total_hits": False})
    yield Sent("plain", {"query": match, "track_total_hits": 5})
    yield Sent("plain", {"query": match}, "hybrid", {"rest_total_hits_as_int": "true"})
    yield Sent("plain", {"query": match}, "hybrid", {"filter_path": "hits.hits._id,hits.total.value,-hits.hits._score"})
    yield Sent(
        "plain",
        {"query": match, "aggs": {"b": {"terms": {"field": "brand.keyword"}}}},
        "hybrid",
        {"typed_keys": "true"},
    )
    yield Sent(
        "plain", {"query": match, "fields": ["name"], "_source": False, "version": True, "seq_no_primary_term": True}
    )
    yield Sent("plain", {"query": match, "docvalue_fields": ["price"], "stored_fields": ["_none_"]}, "hybrid")
    named = {
        "bool": {
            "must": [{"match": {"description": {"query": text, "_name": "words"}}}],
            "filter": [{"term": {"open": {"value": True, "_name": "open"}}}],
        }
    }
    yield Sent("plain", {"query": named})
    inner = {"nested": {"path": "attributes", "query": {"term": {"attributes.value": "L"}}, "inner_hits": {}}}
    yield Sent("plain", {"query": {"bool": {"must": [match, inner]}}})
    yield Sent(
        "plain",
        {
            "query": match,
            "rescore": {"window_size": 20, "query": {"rescore_query": {"match_phrase": {"description": text}}}},
        },
    )
    yield Sent("plain", {"query": match, "size": 200})
    yield Sent("plain", {"query": match, "from": 30, "size": 200})
    yield Sent("plain", {"query": match, "profile": True, "size": 2})
    yield Sent("plain", {"query": match, "terminate_after": 1000})
    yield Sent("plain", {"query": match, "timeout": "5s", "stats": ["shop"]})


def others() -> Iterator[Sent]:
    match = {"match": {"description": TEXTS[0]}}
    yield Sent("others", {}, "match_all")
    yield Sent("others", {"query": {"term": {"category": "clothes"}}}, "no_text")
    yield Sent("others", {"query": {"match": {"category": "clothes"}}}, "no_text")
    yield Sent("others", {"query": {"ids": {"values": ["p1"]}}}, "no_text")
    yield Sent("others", {"query": {"prefix": {"name": "glo"}}}, "autocomplete")
    yield Sent("others", {"query": {"match_bool_prefix": {"name": "warm glo"}}}, "autocomplete")
    yield Sent("others", {"query": {"match_phrase_prefix": {"name": "warm glo"}}}, "autocomplete")
    yield Sent("others", {"query": {"match": {"name": "SKU-1234"}}}, "exact_syntax")
    yield Sent("others", {"query": {"match": {"name": "4006381333931"}}}, "exact_syntax")
    yield Sent("others", {"query": {"match": {"name": ""}}}, "no_text")
    yield Sent("others", {"query": {"match": {"name": "warm " * 500}}}, "query_too_long")
    yield Sent("others", {"query": match, "from": 9_995, "size": 10}, "deep_page")
    yield Sent("others", {"query": match, "size": -1}, "unknown_option")
    yield Sent("others", {"query": match, "sort": ["_score"], "search_after": [1.0]}, "scroll_or_pit")
    yield Sent("others", {"query": match, "slice": {"id": 0, "max": 2}}, "scroll_or_pit", {"scroll": "1m"})
    yield Sent("others", {"query": match, "sort": {"_score": "asc"}}, "sort_not_score")
    yield Sent("others", {"query": {"knn": {"v": {"vector": [1.0], "k": 1}}}}, "already_vector")
    yield Sent(
        "others", {"query": {"bool": {"should": [match, {"neural": {"v": {"query_text": "x"}}}]}}}, "already_vector"
    )
    yield Sent("others", {"query": {"hybrid": {"queries": [match]}}}, "already_vector")
    yield Sent("others", {"knn": {"field": "v", "query_vector": [1.0]}, "query": match}, "already_vector")
    yield Sent("others", {"retriever": {"standard": {"query": match}}}, "already_vector")
    yield Sent("others", {"query": match}, "already_vector", {"search_pipeline": "mine"})
    yield Sent("others", {"query": match, "ext": {"querqy": {}}}, "exact_syntax")
    yield Sent("others", {"query": {"percolate": {"field": "q", "document": {}}}}, "more_like_this")
    yield Sent("others", {"query": {"geo_distance": {"distance": "10km", "place": {"lat": 50, "lon": 30}}}}, "no_text")
    yield Sent("others", {"query": {"wrapper": {"query": "e30="}}}, "unknown_option")
    yield Sent("others", {"query": {"no_such_query": {}}}, "unknown_option")
    yield Sent("others", {"query": match, "no_such_key": 1}, "unknown_option")
    yield Sent("others", {"query": match}, "unknown_option", {"no_such_parameter": "1"})
    yield Sent("others", {"query": match}, "unknown_option", {"format": "yaml"})
    yield Sent(
        "others", {"query": {"match": {"description": {"query": "gloves", "no_such_option": 1}}}}, "backend_error"
    )
    yield Sent("others", {"query": match, "aggs": {"a": {"no_such": {}}}}, "backend_error")
    yield Sent("others", {"query": match, "highlight": {"fields": {"name": {"type": "no_such"}}}}, "backend_error")
