"""LangChain's store and retriever for Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doors import PARAPHRASE, WORDS, documents, main, note
from elasticsearch import Elasticsearch
from langchain_core.documents import Document
from langchain_elasticsearch import BM25Strategy, ElasticsearchRetriever, ElasticsearchStore

NORTH = [{"term": {"metadata.brand.keyword": "North"}}]


def text(one: dict[str, Any]) -> str:
    return f"{one['name']}. {one['description']}"


def fill(url: str, index: str) -> list[str]:
    """Have the store make the index."""
    client = Elasticsearch(url)
    client.options(ignore_status=404).indices.delete(index=index)
    store = ElasticsearchStore(index_name=index, client=client, strategy=BM25Strategy())
    goods = documents()
    store.add_texts([text(one) for one in goods], metadatas=goods, ids=[f"p{place}" for place in range(len(goods))])
    return ["text"]


def ids(found: list[Document]) -> list[Any]:
    return [one.metadata["name"] for one in found]


def walk(url: str, index: str, door: Callable[[Any], Any]) -> dict[str, Any]:
    client = door(Elasticsearch(url))
    store = ElasticsearchStore(index_name=index, client=client, strategy=BM25Strategy())
    stored = store.add_documents([Document(text(note()), metadata=note())], ids=["note"])
    sorts = {"plain": {}, "sorted": {"sort": [{"metadata.price": "asc"}]}, "second": {"from": 3}}

    def body(asked: str, more: dict[str, Any]) -> dict[str, Any]:
        facets = {"brands": {"terms": {"field": "metadata.brand.keyword"}}}
        return {
            "query": {"match": {"text": asked}}, "size": 3, "aggs": facets, "highlight": {"fields": {"text": {}}}, **more,
        }  # fmt: skip

    def shown(more: dict[str, Any]) -> list[list[Any]]:
        retriever = ElasticsearchRetriever(
            index_name=index,
            body_func=lambda asked: body(asked, more),
            document_mapper=lambda hit: Document(hit["highlight"]["text"][0], metadata=hit["_source"]["metadata"]),
            client=client,
        )
        return [[one.metadata["name"], bool(one.page_content)] for one in retriever.invoke(WORDS)]

    seen = {
        "stored": stored,
        "paraphrase": ids(store.similarity_search(PARAPHRASE, k=4)),
        "filtered": ids(store.similarity_search(WORDS, k=4, filter=NORTH)),
        "scored": [one.metadata["name"] for one, score in store.similarity_search_with_score(WORDS, k=3) if score > 0],
        "retriever": {name: shown(more) for name, more in sorts.items()},
        "as_retriever": ids(store.as_retriever(search_kwargs={"k": 2}).invoke(PARAPHRASE)),
        "read": ids(store.get_by_ids(["note"]))
        if hasattr(store, "get_by_ids_")
        else client.get(index=index, id="note")["_source"]["metadata"]["name"],
    }
    store.delete(ids=["note"])
    client.indices.refresh(index=index)
    return seen


main(fill, walk)
