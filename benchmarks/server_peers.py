"""LangChain's and Haystack's own hybrid search on a server, given our passages and vectors: used by servers.py.

Each takes passages as its documents, as both libraries advise, with ten hits a leg. Packages: langchain-community, opensearch-py,
langchain-elasticsearch, opensearch-haystack, elasticsearch-haystack.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from searchctl.engines.rest.server import Server

LANGCHAIN, HAYSTACK = "searchctl_langchain", "searchctl_haystack"  # indexes, and a pipeline
K = 10


@dataclass(frozen=True)
class Piece:
    """A passage with its title, its vector, and the document it is of."""

    document: str
    text: str
    vector: list[float]


Encode = Callable[[str], list[float]]


class Peer(Protocol):
    """One library on one server: `fill` makes its `index`, `ask` returns the documents of its ten best passages."""

    name: str
    index: str

    def fill(self, pieces: Sequence[Piece]) -> None: ...
    def ask(self, text: str) -> list[str]: ...


def peers(server: Server, url: str, encode: Encode) -> list[Peer]:
    """Return the libraries that can search a server; LangChain needs OpenSearch's own hybrid query there."""
    if server.family == "opensearch":
        native: list[Peer] = [LangChainOpenSearch(url, encode)] if server.has_native_hybrid else []
        return [*native, HaystackOpenSearch(url, encode)]
    from elasticsearch import Elasticsearch

    # Both ask `GET /` before their first search, which the nodes of the tests don't answer.
    Elasticsearch.info = lambda self: {"version": {"number": "8.19.0"}}
    return [LangChainElasticsearch(url, encode), HaystackElasticsearch(url, encode)]


def _embeddings(encode: Encode) -> Any:
    from langchain_core.embeddings import Embeddings

    class Given(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise NotImplementedError

        def embed_query(self, text: str) -> list[float]:
            return encode(text)

    return Given()


def _distinct(ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ids))


class LangChainOpenSearch:
    """OpenSearch's own hybrid query, by the pipeline that LangChain installs."""

    name, index = "LangChain", LANGCHAIN

    def __init__(self, url: str, encode: Encode) -> None:
        from langchain_community.vectorstores import OpenSearchVectorSearch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._store = OpenSearchVectorSearch(url, LANGCHAIN, _embeddings(encode), engine="lucene")

    def fill(self, pieces: Sequence[Piece]) -> None:
        self._store.add_embeddings(
            [(one.text, one.vector) for one in pieces],
            [{"document": one.document} for one in pieces],
            bulk_size=len(pieces) + 1,
            engine="lucene",
            space_type="cosinesimil",
        )
        self._store.configure_search_pipelines(LANGCHAIN, 0.5, 0.5)
        self._store.client.indices.refresh(index=LANGCHAIN)

    def ask(self, text: str) -> list[str]:
        found = self._store.similarity_search(text, k=K, search_type="hybrid_search", search_pipeline=LANGCHAIN)
        return _distinct([one.metadata["document"] for one in found])


class LangChainElasticsearch:
    """A match and a kNN search in one request, scores added: its rank fusion takes a paid licence."""

    name, index = "LangChain", LANGCHAIN

    def __init__(self, url: str, encode: Encode) -> None:
        from langchain_elasticsearch import DenseVectorStrategy, ElasticsearchStore

        strategy = DenseVectorStrategy(hybrid=True, rrf=False)
        self._store = ElasticsearchStore(LANGCHAIN, embedding=_embeddings(encode), es_url=url, strategy=strategy)

    def fill(self, pieces: Sequence[Piece]) -> None:
        self._store.add_embeddings(
            [(one.text, one.vector) for one in pieces], [{"document": one.document} for one in pieces]
        )

    def ask(self, text: str) -> list[str]:
        return _distinct([one.metadata["document"] for one in self._store.similarity_search(text, k=K)])


class _Haystack:
    """Two searches, one after the other, joined in Python by reciprocal ranks."""

    name, index = "Haystack", HAYSTACK

    def __init__(self, store: Any, retriever: Any, encode: Encode) -> None:
        from haystack import component

        @component
        class Given:
            @component.output_types(embedding=list[float])
            def run(self, text: str) -> dict[str, Any]:
                return {"embedding": encode(text)}

        self._store = store
        self._retriever = retriever(store, embedder=Given(), top_k_bm25=K, top_k_embedding=K, top_k=K)

    def fill(self, pieces: Sequence[Piece]) -> None:
        from haystack import Document

        documents = [
            Document(id=f"{number}", content=one.text, embedding=one.vector, meta={"document": one.document})
            for number, one in enumerate(pieces)
        ]
        self._store.write_documents(documents)

    def ask(self, text: str) -> list[str]:
        return _distinct([one.meta["document"] for one in self._retriever.run(query=text)["documents"]])


class HaystackOpenSearch(_Haystack):
    """On OpenSearch, with Lucene's graph as ours."""

    def __init__(self, url: str, encode: Encode) -> None:
        from haystack_integrations.components.retrievers.opensearch import OpenSearchHybridRetriever
        from haystack_integrations.document_stores.opensearch import OpenSearchDocumentStore

        method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
        store = OpenSearchDocumentStore(hosts=url, index=HAYSTACK, embedding_dim=len(encode("")), method=method)
        super().__init__(store, OpenSearchHybridRetriever, encode)


class HaystackElasticsearch(_Haystack):
    """On Elasticsearch."""

    def __init__(self, url: str, encode: Encode) -> None:
        from haystack_integrations.components.retrievers.elasticsearch import ElasticsearchHybridRetriever
        from haystack_integrations.document_stores.elasticsearch import ElasticsearchDocumentStore

        store = ElasticsearchDocumentStore(hosts=url, index=HAYSTACK)
        super().__init__(store, ElasticsearchHybridRetriever, encode)
