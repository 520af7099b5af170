"""The gateway's smaller parts: addresses, headers, policies, the breaker, the encoder's thread, recordings."""

from __future__ import annotations

import concurrent.futures
import threading
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders import open_encoder
from searchctl.encoders.base import Encoder
from searchctl.errors import ConfigError, EncoderMismatch, SourceError, UsageError
from searchctl.gateway import wire
from searchctl.gateway.breaker import Breaker
from searchctl.gateway.encoding import QueryEncoder
from searchctl.gateway.legs import bm25_factor
from searchctl.gateway.plan import visible_source
from searchctl.gateway.policies import Policies, read_policies
from searchctl.gateway.reasons import Refused, WhyLexical
from searchctl.gateway.recording import Recorded, Recorder, read_recording
from searchctl.gateway.replay import searches_of
from searchctl.gateway.requests import Search
from searchctl.gateway.serve import needed_encoders
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Encode, Policy
from searchctl.gateway.tally import ShadowPair, percentiles
from searchctl.gateway.target import META, alias_limit, homes_of, read_family
from searchctl.index import encoder_stamp
from searchctl.schema import EncoderStamp, Layout, Schema
from searchctl.settings.config import load_settings


@pytest.mark.parametrize(
    ("method", "target", "kind", "index"),
    [
        ("POST", "/_search", "search", ""),
        ("GET", "/shop/_search?q=a", "search", "shop"),
        ("POST", "/a,b*/_search/", "search", "a,b*"),
        ("POST", "/_all/_search", "search", ""),
        ("POST", "/%D0%BC%D0%B0%D0%B3/_search", "search", "маг"),
        ("POST", "/_msearch", "msearch", ""),
        ("GET", "/shop/_msearch", "msearch", "shop"),
        ("POST", "/shop/_search/template", "template", "shop"),
        ("POST", "/_msearch/template", "msearch_template", ""),
        ("POST", "/_bulk", "bulk", ""),
        ("PUT", "/shop/_doc/1", "document", "shop"),
        ("POST", "/shop/_update/1", "document", "shop"),
        ("POST", "/_search/scroll", "other", ""),
        ("POST", "/shop/_search/point_in_time", "other", "shop"),
        ("POST", "/shop/_count", "other", "shop"),
        ("DELETE", "/shop/_search", "other", "shop"),
        ("POST", "/shop/type/_search", "other", "shop"),
        ("POST", "/shop/_async_search", "other", "shop"),
        ("GET", "/", "other", ""),
        ("GET", "/_searchctl/health", "own", "health"),
    ],
)
def test_what_a_request_is(method: str, target: str, kind: str, index: str) -> None:
    found = wire.route(method, target)
    assert (found.kind, found.index) == (kind, index)


def test_parameters_given_twice_are_noticed() -> None:
    assert not wire.route("GET", "/shop/_search?size=1&size=2").plain
    assert wire.route("GET", "/shop/_search?size=1&pretty").parameters == {"size": "1", "pretty": ""}


def test_headers_of_one_connection_stay_there() -> None:
    headers = [
        ("Host", "a"), ("Connection", "close, X-Private"), ("X-Private", "1"), ("Transfer-Encoding", "chunked"),
        ("Authorization", "Basic x"), ("X-Opaque-Id", "7"), ("X-Searchctl", "off"), ("Content-Type", "application/json"),
    ]  # fmt: skip
    kept = [("Authorization", "Basic x"), ("X-Opaque-Id", "7")]
    assert wire.request_headers(headers) == [*kept, ("Content-Type", "application/json")]
    assert wire.asking_headers(headers, lines=True) == [*kept, ("Content-Type", "application/x-ndjson")]


def test_the_version_that_a_client_is_compatible_with_is_kept() -> None:
    kind = "application/vnd.elasticsearch+json; compatible-with=8"
    asked = wire.asking_headers([("Accept", kind), ("Content-Type", kind)], lines=True)
    assert asked == [("Accept", kind), ("Content-Type", "application/vnd.elasticsearch+x-ndjson; compatible-with=8")]
    assert wire.wants_json({"accept": kind}) and not wire.wants_json({"accept": "application/cbor"})


def test_compressed_bodies_are_read_up_to_a_limit() -> None:
    assert wire.decoded(wire.compressed(b"{}"), "gzip") == b"{}"
    for body, encoding in ((b"{}", "gzip"), (b"{}", "br"), (wire.compressed(bytes(wire.MOST_BODY + 1)), "gzip")):
        with pytest.raises(Refused):
            wire.decoded(body, encoding)


def test_the_breaker_opens_after_failures_in_a_row_and_tries_once() -> None:
    now = [0.0]
    breaker = Breaker(failures=2, seconds=10, now=lambda: now[0])
    breaker.failed("shop")
    breaker.succeeded("shop")
    breaker.failed("shop")
    assert breaker.allows("shop")
    breaker.failed("shop")
    assert not breaker.allows("shop") and breaker.allows("other") and breaker.open == ["shop"]
    now[0] = 11.0
    assert breaker.allows("shop") and not breaker.allows("shop")
    breaker.succeeded("shop")
    assert breaker.allows("shop") and breaker.open == []


def test_texts_are_encoded_once_and_failures_reach_who_waits() -> None:
    real = open_encoder("hashing:16")
    stamp = encoder_stamp("hashing:16", real)
    opened: list[str] = []

    def opener(name: str) -> Encoder:
        opened.append(name)
        return real

    encoder = QueryEncoder(opener)
    first = encoder.submit(Encode(stamp, "warm gloves")).result(10)
    assert np.array_equal(first.vector, real.encode_queries(["warm gloves"])[0])
    again = encoder.submit(Encode(stamp, "warm gloves"))
    assert again.done() and again.result() is first and opened == ["hashing:16"]
    other = encoder_stamp("hashing:32", open_encoder("hashing:32"))
    with pytest.raises(EncoderMismatch, match="searchctl vectorize"):
        encoder.submit(Encode(other, "warm gloves")).result(10)
    encoder.close()


def test_an_encoder_that_hangs_keeps_nobody_waiting() -> None:
    real, free = open_encoder("hashing:16"), threading.Event()
    stamp = encoder_stamp("hashing:16", real)

    def opener(name: str) -> Encoder:
        free.wait(20)
        return real

    encoder = QueryEncoder(opener)
    future = encoder.submit(Encode(stamp, "warm"))
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(0.05)
    free.set()
    assert future.result(10) is not None
    encoder.close()


def test_policies_are_read_and_the_first_pattern_counts() -> None:
    table = {
        "mode": "expand",
        "indexes": {"logs-*": {"mode": "off"}, "shop*": {"mode": "reorder", "weights": [1, 2], "fields": ["name"]}},
    }
    found = read_policies(table, "searchctl.toml")
    assert (found.of("blog").mode, found.of("logs-1").mode, found.of("shop,logs-1").mode) == ("expand", "off", "off")
    shop = found.of("shop-2")
    assert shop.fields == ("name",) and shop.fusion is not None and shop.fusion.vector == 2.0
    assert found.with_mode("off").of("blog").mode == "off"
    assert read_policies({}, "").usual == Policy()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"mod": "expand"}, "no setting 'mod'"),
        ({"mode": "fast"}, "no mode 'fast'"),
        ({"indexes": []}, "must hold tables"),
        ({"indexes": {"a": {"weights": [1]}}}, "two numbers"),
        ({"indexes": {"a": {"weights": [0, 0]}}}, "not both zero"),
        ({"fields": "name"}, "list of names"),
        ({"min_coverage": 2}, "from 0 to 1"),
    ],
)
def test_policies_that_are_not_understood_are_named(table: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_policies(table, "searchctl.toml")


def test_the_table_of_the_gateway_is_part_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "searchctl.toml").write_text('engine = "opensearch://h:9200"\n[gateway]\nmode = "expand"\n')
    settings = load_settings({}, {"HOME": str(tmp_path)}, tmp_path)
    assert settings.gateway == {"mode": "expand"} and settings.gateway_origin.endswith("searchctl.toml")
    (tmp_path / "searchctl.toml").write_text("gateway = 3\n")
    with pytest.raises(ConfigError, match=r"\[gateway\]"):
        load_settings({}, {"HOME": str(tmp_path)}, tmp_path)


def test_settings_that_cannot_be() -> None:
    for wrong in ({"budget_ms": 0}, {"share": 1.5}, {"shadow": -1.0}, {"certificate": "a"}):
        with pytest.raises(UsageError):
            GatewaySettings(**wrong)  # type: ignore[arg-type]


def test_added_fields_are_left_out_unless_they_are_named() -> None:
    hidden = ("passages", "searchctl")
    assert visible_source(None, hidden) == {"excludes": ["passages", "searchctl"]}
    assert visible_source(False, hidden) is False
    assert visible_source("name", hidden) == {"includes": ["name"], "excludes": ["passages", "searchctl"]}
    assert visible_source(["passages.start"], hidden) == {"includes": ["passages.start"], "excludes": ["searchctl"]}
    assert visible_source({"excludes": "name"}, hidden) == {"excludes": ["name", "passages", "searchctl"]}


def test_what_a_server_leaves_in_bm25_is_read_from_its_explanation() -> None:
    parts = [
        {"value": 2.0, "description": "idf, computed as log(..)", "details": []},
        {"value": 0.5, "description": "tf, computed as .."},
    ]
    score = {"value": 2.2, "description": "score(freq=1.0), computed as boost * idf * tf from:", "details": parts}
    assert bm25_factor({"value": 2.2, "description": "max of:", "details": [score]}) == pytest.approx(2.2)
    assert bm25_factor({"value": 1.0, "description": "something else", "details": []}) is None


def test_an_alias_shows_what_its_filter_lets_through() -> None:
    mine = {"aliases": {"mine": {"filter": {"term": {"open": True}}}, "all": {}}}
    assert alias_limit("mine", {"shop": mine}) == {"term": {"open": True}}
    assert alias_limit("all", {"shop": mine}) is None and alias_limit("shop", {"shop": mine}) is None


def test_vectors_lie_beside_a_name_or_beside_each_of_its_indexes() -> None:
    stamped = {"mappings": {"_meta": {"searchctl": {"format": 1}}}}
    found = {"c-a-v2": {**stamped, "aliases": {"c-a": {}}}, "c-b": stamped}
    assert homes_of("c-both", ["c-a", "c-b"], found) == {"c-a": found["c-a-v2"], "c-b": stamped}
    assert homes_of("c-b", ["c-a", "c-x"], found) == {"c-b": stamped}
    assert isinstance(homes_of("c-both", ["c-a", "c-x"], found), WhyLexical)


def test_which_server_answers() -> None:
    assert read_family({"version": {"distribution": "opensearch"}}, {}) == "opensearch"
    assert read_family({"tagline": "You Know, for Search"}, {}) == "elasticsearch"
    assert read_family(None, {"X-Elastic-Product": "Elasticsearch"}) == "elasticsearch"
    assert read_family({}, {}) is None


def test_searches_are_recorded_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    recorder = Recorder(str(path), ["hunter2"])
    recorder.write("POST", "/shop/_search?q=hunter2", b'{"query": {"match": {"name": "hunter2 gloves"}}}')
    recorder.write("POST", "/_msearch", b'{"index":"shop"}\n{"query":{"match":{"name":"gloves"}}}\n')
    recorder.close()
    assert "hunter2" not in path.read_text() and path.stat().st_mode & 0o077 == 0
    first, second = read_recording(path)
    assert first.target.startswith("/shop/_search?q=")
    (search,) = searches_of(second)
    assert isinstance(search, Search) and search.index == "shop"
    (template,) = searches_of(Recorded("POST", "/shop/_search/template", "{}"))
    assert template == WhyLexical("untouched_endpoint", "a template")
    path.write_text('{"method": "GET"}\n')
    with pytest.raises(SourceError, match="line 1"):
        list(read_recording(path))


def test_overlap_and_percentiles() -> None:
    assert ShadowPair("", ("a", "b"), ("b", "c")).overlap == 0.5
    assert percentiles([0.001, 0.002, 0.003]) == {"count": 3, "p50": 2.0, "p99": 3.0}
    assert percentiles([]) == {"count": 0}


def test_encoders_that_are_sure_to_be_needed_are_opened_at_the_start() -> None:
    def index(encoder: str, *, vectorized: bool = True) -> dict[str, object]:
        stamp = EncoderStamp(encoder, "1", 8)
        schema = Schema(encoder=stamp, layout=Layout("name", ("text",), beside="x") if vectorized else None)
        return {"mappings": {"_meta": {META: schema.to_json()}}}

    usual = Policies()

    def names(described: dict[str, object], policies: Policies = usual) -> set[str]:
        return {stamp.name for stamp in needed_encoders(described, policies)}

    shop, blog = index("a"), index("b")
    assert names({"searchctl-vectors-shop-v1": shop, "own": index("c", vectorized=False), "broken": {}}) == {"a"}
    both = {"searchctl-vectors-shop-v1": shop, "searchctl-vectors-blog-v1": blog}
    assert names(both) == set(), "which one apps ask for isn't known"
    named = read_policies({"indexes": {"blog": {"mode": "expand"}, "shop": {"mode": "off"}}}, "x")
    assert names(both, named) == {"b"}
    assert names({"searchctl-vectors-shop-v1": shop}, Policies(Policy(mode="off"))) == set()
