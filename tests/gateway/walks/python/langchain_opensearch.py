"""LangChain's store for OpenSearch, which asks for vectors itself, and its retriever by words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from doors import PARAPHRASE, WORDS, documents, main, note
from langchain_community.retrievers import ElasticSearchBM25Retriever
from langchain_community.vectorstores import OpenSearchVectorSearch
from langchain_core.embeddings import Embeddings
from opensearchpy import OpenSearch, helpers


class Hashes(Embeddings):
    """Vectors of an app's own making."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def fill(url: str, index: str) -> list[str]:
    """Have the store make the index; the retriever reads its texts under another name."""
    client = OpenSearch(url)
    client.indices.delete(index=index, ignore=404)
    store = OpenSearchVectorSearch(url, index, Hashes(), engine="lucene")
    goods = documents()
    texts = [one["description"] for one in goods]
    store.add_texts(texts, goods, [f"p{place}" for place in range(len(goods))], text_field="content", engine="lucene")
    client.indices.refresh(index=index)
    return ["content"]


def walk(url: str, index: str, door: Callable[[Any], Any]) -> dict[str, Any]:
    client = door(OpenSearch(url))
    store = OpenSearchVectorSearch(url, index, Hashes(), engine="lucene")
    store.client = client
    said = note()
    helpers.bulk(client, [{"_index": index, "_id": "note", "content": said["description"], "metadata": said}])
    client.indices.refresh(index=index)
    retriever = ElasticSearchBM25Retriever(client=client, index_name=index)
    near = store.similarity_search("Boils a litre of water in three minutes.", k=3, text_field="content")
    filtered = store.similarity_search(
        WORDS, k=3, text_field="content", boolean_filter={"term": {"metadata.brand.keyword": "North"}}
    )
    seen = {
        "paraphrase": [one.page_content for one in retriever.invoke(PARAPHRASE)],
        "words": [one.page_content for one in retriever.invoke(WORDS)][:2],
        "near": [one.metadata["name"] for one in near],
        "filtered": [one.metadata["brand"] for one in filtered],
    }
    client.delete(index=index, id="note", refresh=True)
    return seen


main(fill, walk)
