"""Python clients, unchanged: through the gateway, and wrapped in process. Each finds what its own words don't say."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from searchctl import hybrid
from searchctl.errors import UsageError
from searchctl.gateway.policies import Policies
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy
from searchctl.settings.connection import Family
from tests.gateway.conftest import Shop, make
from tests.gateway.running import Running
from tests.servers.parameters import server_param, server_url

opensearchpy = pytest.importorskip("opensearchpy")
elasticsearch = pytest.importorskip("elasticsearch")
pytest.importorskip("elasticsearch.helpers")
Json = dict[str, Any]
SLOW = GatewaySettings(budget_ms=60_000)
PARAPHRASE = "caffeine"  # which no document says
REORDER = "something warm for my hands on the bike"
FIELDS = ["name^3", "description", "bullets"]
COFFEE = {"Espresso machine", "Coffee grinder"}
ELASTICSEARCH = ("elasticsearch-8", "elasticsearch-9")
OPENSEARCH = ("opensearch-2", "opensearch-3")
_MADE: dict[str, Shop] = {}


def shop_of(request: pytest.FixtureRequest, name: str) -> Shop:
    """The shop's goods once each, with vectors of the shipped encoder."""
    if name not in _MADE:
        family: Family = "opensearch" if name.startswith("opensearch") else "elasticsearch"
        _MADE[name] = make(
            server_url(request, name),
            family,
            "gateway-meaning",
            "multilingual-e5-small-enru",
            ("description",),
            copies=2,
        )
    return _MADE[name]


@pytest.fixture(params=[server_param(name) for name in OPENSEARCH])
def opensearch(request: pytest.FixtureRequest) -> Shop:
    return shop_of(request, request.param)


@pytest.fixture(params=[server_param(name) for name in ELASTICSEARCH])
def elastic(request: pytest.FixtureRequest) -> Shop:
    """Return the shop on each Elasticsearch that the installed client speaks to: of its own major version or a later one."""
    major = elasticsearch.__version__[0]
    if int(request.param.rpartition("-")[2]) < major:
        pytest.skip(f"elasticsearch-py {major} speaks to Elasticsearch {major} and later")
    return shop_of(request, request.param)


@pytest.fixture
def started() -> Iterator[Callable[..., str]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(shop: Shop, mode: Any = "reorder") -> str:
            settings = GatewaySettings(budget_ms=60_000, policies=Policies(Policy(mode=mode)))
            return stack.enter_context(Running(shop.url, settings, family=shop.family)).url

        yield start


def body(text: str, *, brand: str | None = None, **more: Any) -> Json:
    filters = [{"term": {"brand.keyword": brand}}] if brand else []
    return {
        "query": {"bool": {"must": {"multi_match": {"query": text, "fields": FIELDS}}, "filter": filters}},
        "aggs": {"brands": {"terms": {"field": "brand.keyword"}}},
        "highlight": {"fields": {"name": {}, "description": {}}},
        "size": 5,
        **more,
    }


def about_coffee(found: list[str]) -> bool:
    """Tell whether goods are those that are about coffee, the best of them first."""
    return found[:1] == ["Espresso machine"] and set(found) <= COFFEE


def names(answer: Any) -> list[str]:
    return [hit["_source"]["name"].partition(",")[0] for hit in answer["hits"]["hits"]]


def check(search: Callable[..., Any], plain: Callable[..., Any]) -> None:
    """What both doors promise, told by an app's search and the server's own answer to it."""
    found, own = search(body(REORDER)), plain(body(REORDER))
    assert found["hits"]["total"] == own["hits"]["total"] and found["aggregations"] == own["aggregations"]
    assert set(names(found)[:3]) & {"Thermal mittens", "Winter cycling gloves"} and names(found) != names(own)
    assert names(plain(body(PARAPHRASE))) == []
    rescued = search(body(PARAPHRASE))
    assert about_coffee(names(rescued)[:4]) and rescued["hits"]["total"]["value"] >= 2
    assert all(hit["highlight"]["description"] for hit in rescued["hits"]["hits"])
    assert about_coffee(names(search(body(PARAPHRASE, brand="Acme"))))
    assert not COFFEE & set(names(search(body(PARAPHRASE, brand="North"))))
    pages = [names(search(body(REORDER, **{"from": start}))) for start in (0, 5)]
    assert pages[0] + pages[1] == names(search(body(REORDER, size=10)))
    cheap = search(body(REORDER, sort=[{"price": "asc"}]))
    assert names(cheap) == names(plain(body(REORDER, sort=[{"price": "asc"}])))


def test_opensearch_py(opensearch: Shop, started: Callable[..., str]) -> None:
    plain = opensearchpy.OpenSearch(opensearch.url)
    for client in (opensearchpy.OpenSearch(started(opensearch)), hybrid(plain, budget_ms=60_000)):
        assert isinstance(client, opensearchpy.OpenSearch)
        check(
            lambda asked, client=client: client.search(index=opensearch.index, body=asked),
            lambda asked: plain.search(index=opensearch.index, body=asked),
        )
        assert client.count(index=opensearch.index)["count"] == 32
        many = client.msearch(
            body=[{"index": opensearch.index}, body(PARAPHRASE), {"index": opensearch.index}, {"size": 0}]
        )
        assert about_coffee(names(many["responses"][0])[:4]) and many["responses"][1]["hits"]["hits"] == []
        scanned = opensearchpy.helpers.scan(
            client, index=opensearch.index, query={"query": {"match": {"description": "gloves"}}}
        )
        assert {hit["_id"] for hit in scanned} == {
            hit["_id"]
            for hit in plain.search(index=opensearch.index, body={"query": {"match": {"description": "gloves"}}})[
                "hits"
            ]["hits"]
        }
        with pytest.raises(opensearchpy.RequestError):
            client.search(index=opensearch.index, body={"query": {"no_such": {}}})
        with pytest.raises(opensearchpy.NotFoundError):
            client.search(index="no-such-index", body=body(REORDER))
        client.index(index=f"{opensearch.index}-written", id="1", body={"name": "new"}, refresh=True)
        assert client.get(index=f"{opensearch.index}-written", id="1")["_source"] == {"name": "new"}
        client.indices.delete(index=f"{opensearch.index}-written")


def test_opensearch_dsl(opensearch: Shop, started: Callable[..., str]) -> None:
    from opensearchpy import Search

    plain = opensearchpy.OpenSearch(opensearch.url)
    for client in (
        opensearchpy.OpenSearch(started(opensearch, "expand")),
        hybrid(plain, mode="expand", budget_ms=60_000),
    ):
        asked = Search(using=client, index=opensearch.index).query("multi_match", query=PARAPHRASE, fields=FIELDS)
        asked = asked.filter("range", price={"gte": 1})[:4]
        asked.aggs.bucket("brands", "terms", field="brand.keyword")
        found = asked.execute()
        assert about_coffee([hit.name.partition(",")[0] for hit in found]) and found.hits.total.value >= 2


def test_async_opensearch(opensearch: Shop) -> None:
    async def asked() -> Any:
        plain = opensearchpy.AsyncOpenSearch(opensearch.url)
        client = hybrid(plain, budget_ms=60_000)
        assert isinstance(client, opensearchpy.AsyncOpenSearch)
        try:
            found = await client.search(index=opensearch.index, body=body(PARAPHRASE))
            many = await client.msearch(body=[{"index": opensearch.index}, body(PARAPHRASE)])
        finally:
            await client.close()
            await plain.close()
        return found, many["responses"][0]

    for found in asyncio.run(asked()):
        assert about_coffee(names(found)[:4])


def test_elasticsearch_py(elastic: Shop, started: Callable[..., str]) -> None:
    plain = elasticsearch.Elasticsearch(elastic.url)
    for client in (elasticsearch.Elasticsearch(started(elastic)), hybrid(plain, budget_ms=60_000)):
        assert isinstance(client, elasticsearch.Elasticsearch)

        def search(asked: Json, client: Any = client) -> Any:
            asked = dict(asked)
            start = asked.pop("from", None)
            return client.search(index=elastic.index, **asked, **({"from_": start} if start is not None else {}))

        check(search, lambda asked: plain.search(index=elastic.index, **asked))
        found = client.search(index=elastic.index, **body(REORDER))
        assert found.meta.status == 200 and found.meta.headers["x-searchctl-mode"] == "reorder"
        assert found.meta.headers["x-elastic-product"] == "Elasticsearch"
        off = client.options(headers={"X-Searchctl": "off"}).search(index=elastic.index, **body(PARAPHRASE))
        assert names(off) == []
        many = client.msearch(
            searches=[{"index": elastic.index}, body(PARAPHRASE), {"index": elastic.index}, {"size": 0}]
        )
        assert about_coffee(names(many["responses"][0])[:4])
        with pytest.raises(elasticsearch.BadRequestError):
            client.search(index=elastic.index, query={"no_such": {}})
        with pytest.raises(elasticsearch.NotFoundError):
            client.search(index="no-such-index", query={"match": {"name": "gloves"}})
        scanned = elasticsearch.helpers.scan(
            client, index=elastic.index, query={"query": {"match": {"description": "gloves"}}}
        )
        assert (
            len(list(scanned)) == client.count(index=elastic.index, query={"match": {"description": "gloves"}})["count"]
        )


def test_elasticsearch_dsl(elastic: Shop, started: Callable[..., str]) -> None:
    from elasticsearch.dsl import Search

    plain = elasticsearch.Elasticsearch(elastic.url)
    for client in (
        elasticsearch.Elasticsearch(started(elastic, "expand")),
        hybrid(plain, mode="expand", budget_ms=60_000),
    ):
        asked = Search(using=client, index=elastic.index).query("multi_match", query=PARAPHRASE, fields=FIELDS)[:4]
        asked.aggs.bucket("brands", "terms", field="brand.keyword")
        assert about_coffee([hit.name.partition(",")[0] for hit in asked.execute()])


def test_async_elasticsearch(elastic: Shop) -> None:
    async def asked() -> Any:
        plain = elasticsearch.AsyncElasticsearch(elastic.url)
        client = hybrid(plain, budget_ms=60_000)
        assert isinstance(client, elasticsearch.AsyncElasticsearch)
        try:
            return await client.search(index=elastic.index, **body(PARAPHRASE))
        finally:
            await client.close()
            await plain.close()

    assert about_coffee(names(asyncio.run(asked()))[:4])


def test_only_clients_are_wrapped() -> None:
    with pytest.raises(UsageError, match="opensearch-py or elasticsearch-py"):
        hybrid(object())
    with pytest.raises(UsageError, match="no mode"):
        hybrid(opensearchpy.OpenSearch("http://127.0.0.1:1"), mode="fast")  # type: ignore[arg-type]


def test_a_wrapped_client_counts_and_its_options_hold() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = hybrid(opensearchpy.OpenSearch("http://127.0.0.1:1", max_retries=0))
        with pytest.raises(opensearchpy.ConnectionError):
            client.search(index="a", body={"query": {"match": {"b": "warm gloves"}}})
        with pytest.raises(UsageError, match="sort_not_score|sorted"):
            client.search(
                index="a", body={"query": {"match": {"b": "c"}}, "sort": ["d"]}, headers={"X-Searchctl": "strict"}
            )
    assert client.transport.searchctl.report()["reasons"] == {"gateway_error": 1}
