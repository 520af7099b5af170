"""elasticsearch-py 8: the client, its helpers, its async client and its dsl layer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import elasticsearch
from doors import PARAPHRASE, WORDS, documents, main, note
from elasticsearch import AsyncElasticsearch, BadRequestError, Elasticsearch, NotFoundError, helpers
from elasticsearch.dsl import Document, Keyword, Search, Text

assert elasticsearch.__version__[0] == 8
FIELDS = ["name^3", "description"]


class Goods(Document):
    """A model of the dsl layer."""

    name = Text()
    description = Text()
    brand = Keyword()
    category = Keyword()


def fill(url: str, index: str) -> list[str]:
    """Make the index by the model, and its documents by the helpers."""
    client = Elasticsearch(url)
    client.options(ignore_status=404).indices.delete(index=index)
    Goods.init(index=index, using=client)
    helpers.bulk(
        client, ({"_index": index, "_id": f"p{place}", "_source": one} for place, one in enumerate(documents()))
    )
    client.indices.refresh(index=index)
    return ["name", "description"]


def query(text: str) -> dict[str, Any]:
    return {"multi_match": {"query": text, "fields": FIELDS}}


def ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def walk(url: str, index: str, door: Callable[[Any], Any]) -> dict[str, Any]:
    client = door(Elasticsearch(url))
    stored = client.index(index=index, id="note", document=note(), refresh=True)["result"]
    done, errors = helpers.bulk(client, [{"_op_type": "update", "_index": index, "_id": "note", "doc": {"price": 501}}])
    client.indices.refresh(index=index)
    strict = client.search(index=index, query=query(PARAPHRASE), size=5)
    found = client.search(
        index=index,
        query={"bool": {"must": query(WORDS), "filter": [{"term": {"brand": "North"}}]}},
        aggs={"categories": {"terms": {"field": "category"}}},
        highlight={"fields": {"description": {}}},
        size=5,
    )
    cheap = client.search(index=index, query=query("gloves"), sort=[{"price": "asc"}])
    pages = [ids(client.search(index=index, query=query("warm light"), size=4, from_=start)) for start in (0, 4)]
    many = client.msearch(searches=[{"index": index}, {"query": query(PARAPHRASE)}, {"index": index}, {"size": 0}])
    scanned = helpers.scan(client, index=index, query={"query": {"match": {"description": "gloves"}}})
    layer = Search(using=client, index=index).query("multi_match", query=PARAPHRASE, fields=FIELDS)
    layer = layer.filter("term", brand="Acme")[:4]
    layer.aggs.bucket("brands", "terms", field="brand")
    told = layer.execute()
    read = client.get(index=index, id="note")["_source"]
    refused = []
    for wrong in ({"index": index, "query": {"no_such": {}}}, {"index": "no-such-index", "query": query("gloves")}):
        try:
            client.search(**wrong)
        except (BadRequestError, NotFoundError) as error:
            refused.append([type(error).__name__, error.status_code])
    later = asyncio.run(asked_later(url, index, door))
    deleted = client.delete(index=index, id="note", refresh=True)["result"]
    return {
        "stored": stored,
        "bulk": [done, errors],
        "paraphrase": ids(strict),
        "filtered": {
            "ids": ids(found),
            "total": found["hits"]["total"]["value"],
            "facets": [[one["key"], one["doc_count"]] for one in found["aggregations"]["categories"]["buckets"]],
            "marked": sum("description" in hit.get("highlight", {}) for hit in found["hits"]["hits"]),
        },
        "sorted": ids(cheap),
        "pages": [len(set(pages[0]) & set(pages[1])), sorted(pages[0] + pages[1])],
        "many": [ids(one) for one in many["responses"]],
        "scanned": sorted(hit["_id"] for hit in scanned),
        "dsl": [[hit.meta.id for hit in told], [[one.key, one.doc_count] for one in told.aggregations.brands.buckets]],
        "models": sorted(one.name for one in Goods.search(using=client, index=index).query("match", description=WORDS)),
        "read": read,
        "count": client.count(index=index)["count"],
        "refused": refused,
        "later": later,
        "deleted": deleted,
    }


async def asked_later(url: str, index: str, door: Callable[[Any], Any]) -> list[str]:
    plain = AsyncElasticsearch(url)
    client = door(plain)
    try:
        return ids(await client.search(index=index, query=query(PARAPHRASE), size=5))
    finally:
        await client.close()
        await plain.close()


main(fill, walk)
