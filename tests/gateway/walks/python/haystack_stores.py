"""Haystack's document stores and retrievers, for Elasticsearch or OpenSearch, whichever is installed."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from typing import Any

from doors import PARAPHRASE, WORDS, documents, main, note
from haystack import Document, Pipeline
from haystack.document_stores.types import DuplicatePolicy

ELASTIC = importlib.util.find_spec("haystack_integrations.document_stores.elasticsearch") is not None
if ELASTIC:
    from haystack_integrations.components.retrievers.elasticsearch import ElasticsearchBM25Retriever as Retriever
    from haystack_integrations.document_stores.elasticsearch import ElasticsearchDocumentStore as Store
else:
    from haystack_integrations.components.retrievers.opensearch import OpenSearchBM25Retriever as Retriever
    from haystack_integrations.document_stores.opensearch import OpenSearchDocumentStore as Store

NORTH = {"field": "meta.brand", "operator": "==", "value": "North"}


def made(url: str, index: str) -> Any:
    return Store(hosts=url, index=index) if ELASTIC else Store(hosts=url, index=index, embedding_dim=2)


def as_document(id: str, one: dict[str, Any]) -> Document:
    return Document(id=id, content=f"{one['name']}. {one['description']}", meta=one)


def fill(url: str, index: str) -> list[str]:
    """Have the store make the index."""
    store = made(url, index)
    store.count_documents()
    client = store._client
    client.indices.delete(index=index)
    store = made(url, index)
    store.write_documents([as_document(f"p{place}", one) for place, one in enumerate(documents())])
    return ["content"]


def names(found: list[Document]) -> list[str]:
    return [one.meta["name"] for one in found]


def walk(url: str, index: str, door: Callable[[Any], Any]) -> dict[str, Any]:
    store = made(url, index)
    store.count_documents()  # opens its client
    store._client = door(store._client)
    written = store.write_documents([as_document("note", note())], policy=DuplicatePolicy.OVERWRITE)
    retriever = Retriever(document_store=store, top_k=4)
    pipeline = Pipeline()
    pipeline.add_component("words", retriever)
    facets, _ = store.get_metadata_field_unique_values("brand", None, 0, 10) if ELASTIC else (["Acme"], 1)
    seen = {
        "written": written,
        "paraphrase": names(pipeline.run({"words": {"query": PARAPHRASE}})["words"]["documents"]),
        "scaled": names(Retriever(document_store=store, scale_score=True).run(PARAPHRASE)["documents"]),
        "filtered": names(retriever.run(WORDS, filters=NORTH)["documents"]),
        "few": names(retriever.run(WORDS, top_k=2)["documents"]),
        "listed": sorted(names(store.filter_documents(filters=NORTH))),
        "facets": sorted(facets),
        "count": store.count_documents(),
        "later": names(asyncio.run(later(made(url, index), door))),
    }
    store.delete_documents(["note"])
    return seen


async def later(store: Any, door: Callable[[Any], Any]) -> list[Document]:
    await store.count_documents_async()
    store._async_client = door(store._async_client)
    found: list[Document] = (await Retriever(document_store=store, top_k=4).run_async(PARAPHRASE))["documents"]
    await store._async_client.close()
    return found


main(fill, walk)
