"""Measuring search: every mode answers the same judged queries, and the answers are scored side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from searchctl.engines.base import NATIVE, fingerprints
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery, read_corpus
from searchctl.evaluation.known_items import as_dataset, held_apart, make_known_items
from searchctl.evaluation.metrics import Metric, Run, parse_metrics
from searchctl.evaluation.report import MOST_EXPECTED, WORST, DocumentExcerpt, Latency, Report, make_report
from searchctl.index import Index
from searchctl.ranking.fusion import FusionSettings
from searchctl.translation import _
from searchctl.types import Document, Mode

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.ingest.model import Progress

DEFAULT_METRICS = parse_metrics("ndcg@10 recall@100 mrr@10")
DEFAULT_MODES = ("lexical", "vector", "hybrid")
BASELINE = "rank-bm25"
_TIMED = 50  # queries asked one at a time, for the latency; the others in batches, which is quicker
_BATCH = 32
_EXCERPT = 400  # code points of a document that a report shows
_DEPTH = 100  # for metrics without a cut-off
OnProgress: TypeAlias = Callable[[int, int], None]
OnLoad: TypeAlias = Callable[["Progress"], None]
SearchFunction: TypeAlias = Callable[[Sequence[str]], list[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class SearchVariant:
    """A way to search: a mode, for hybrid how the legs are joined, and what reorders the best."""

    mode: Mode
    fusion: FusionSettings | None = None
    rerank: str | None = None


VARIANTS: dict[str, SearchVariant] = {
    "lexical": SearchVariant("lexical"),
    "vector": SearchVariant("vector"),
    "hybrid": SearchVariant("hybrid"),
    "rrf": SearchVariant("hybrid", FusionSettings("rrf")),
    "distribution": SearchVariant("hybrid", FusionSettings("distribution")),
}


def variant_of(name: str) -> SearchVariant:
    """Return a way to search by name: a key of `VARIANTS`, perhaps with a reranker as in "hybrid+maxsim:20". Raises UsageError."""
    base, _ignored, reranker = name.partition("+")
    if base not in VARIANTS:
        raise UsageError(
            _("no mode '{name}'; choose from: {names}, or add a reranker: hybrid+maxsim").format(
                name=name, names=", ".join((*VARIANTS, BASELINE, *NATIVE))
            )
        )
    return replace(VARIANTS[base], rerank=reranker or None)


def evaluate(
    index: Index,
    dataset: DataSet,
    *,
    modes: Sequence[str] = DEFAULT_MODES,
    metrics: Sequence[Metric] = DEFAULT_METRICS,
    on_progress: OnProgress | None = None,
) -> Report:
    """Let every mode (see `variant_of`, or `BASELINE`, or a key of `NATIVE`) answer the data set's queries, and score the answers.

    `on_progress` is told how many answers of how many are there. Raises UsageError for an unknown mode.
    """
    variants = {mode: variant_of(mode) for mode in modes if mode not in (BASELINE, *NATIVE)}
    if not modes:
        raise UsageError(
            _("no modes were given; choose from: {names}").format(names=", ".join((*VARIANTS, BASELINE, *NATIVE)))
        )
    k = max(metric.k or _DEPTH for metric in metrics)
    runs: dict[str, Run] = {}
    latency: dict[str, Latency] = {}
    for number, mode in enumerate(modes):

        def tell(done: int, before: int = number * len(dataset.queries)) -> None:
            if on_progress is not None:
                on_progress(before + done, len(modes) * len(dataset.queries))

        answer = _answer_of(index, mode, variants, k)
        runs[mode], latency[mode] = _answers(answer, dataset.queries, tell)
    report = make_report(dataset, _about(index), metrics, runs, latency, len(absent_documents(index, dataset)))
    return replace(report, documents=_documents_told_of(index, report))


def _documents_told_of(index: Index, report: Report) -> dict[str, DocumentExcerpt]:
    """Return the documents of the worst answers as far as they are in the index."""
    wanted: dict[str, None] = {}
    for failure in report.failures(WORST):
        expected = [id for id, grade in failure.query.grades.items() if grade > 0][:MOST_EXPECTED]
        wanted |= dict.fromkeys([*expected, *([failure.first] if failure.first else [])])
    entries = index.engine.get(index.name, list(wanted))
    documents = [entry.document for entry in entries if entry is not None]
    return {
        one.id: DocumentExcerpt(one.id, one.title, shorten(one.text[: 4 * _EXCERPT], _EXCERPT, placeholder=" …"))
        for one in documents
    }


def _search(index: Index, variant: SearchVariant, k: int) -> SearchFunction:
    how = index.reranking(variant.rerank) if variant.rerank else None

    def answer(texts: Sequence[str]) -> list[Sequence[str]]:
        answers = index.search_many(texts, k, mode=variant.mode, fusion=variant.fusion, rerank=how)
        return [[hit.id for hit in results] for results in answers]

    return answer


def _answer_of(index: Index, mode: str, variants: dict[str, SearchVariant], k: int) -> SearchFunction:
    if mode in NATIVE:
        return lambda texts: [[hit.id for hit in results] for results in index.search_many(texts, k, fusion=mode)]
    return _baseline(index, k) if mode == BASELINE else _search(index, variants[mode], k)


def _baseline(index: Index, k: int) -> SearchFunction:
    from searchctl.evaluation.baseline import RankBm25

    documents = (entry.document for batch in index.engine.scan(index.name) for entry in batch)
    model = RankBm25(documents, index.schema.analyzer)
    return lambda texts: [model.search(text, k) for text in texts]


def _answers(
    answer: SearchFunction, queries: Sequence[JudgedQuery], tell: Callable[[int], None]
) -> tuple[Run, Latency]:
    run: dict[str, Sequence[str]] = {}
    took: list[float] = []
    answer([queries[0].text])  # loads what is loaded once
    timed, others = queries[:_TIMED], queries[_TIMED:]
    batches = [[query] for query in timed] + [others[at : at + _BATCH] for at in range(0, len(others), _BATCH)]
    for batch in batches:
        began = time.perf_counter()
        results = answer([query.text for query in batch])
        if len(took) < len(timed):
            took.append((time.perf_counter() - began) * 1000)
        run |= {query.id: ids for query, ids in zip(batch, results, strict=True)}
        tell(len(run))
    return run, Latency(*(round(float(one), 3) for one in np.percentile(took, [50, 95])))


def _about(index: Index) -> dict[str, object]:
    info, schema = index.info(), index.schema
    encoder = schema.encoder
    return {
        "engine": index.engine.name,
        "documents": info.documents,
        "passages": info.passages,
        "encoder": f"{encoder.name} {encoder.revision}" if encoder else None,
    }


def absent_documents(index: Index, dataset: DataSet) -> set[str]:
    """Return the documents judged relevant that an index doesn't hold."""
    wanted = sorted({id for query in dataset.queries for id, grade in query.grades.items() if grade > 0})
    batches = (wanted[at : at + 500] for at in range(0, len(wanted), 500))
    return {
        id
        for batch in batches
        for id, mark in zip(batch, fingerprints(index.engine, index.name, batch), strict=True)
        if mark is None
    }


@contextmanager
def temporary_index(
    documents: Iterable[Document], *, encoder: str | Encoder | None = None, on_load: OnLoad | None = None
) -> Iterator[Index]:
    """Index documents in a folder that is gone afterwards."""
    with (
        TemporaryDirectory(prefix="searchctl-evaluate-") as folder,
        Index.open(Path(folder) / "index", encoder=encoder) as index,
    ):
        index.ingest(documents, on_progress=on_load)
        yield index


@contextmanager
def indexed(
    dataset: DataSet, *, encoder: str | Encoder | None = None, on_load: OnLoad | None = None
) -> Iterator[Index]:
    """Index a data set's own corpus in a temporary folder; raises UsageError when it has none."""
    if dataset.corpus is None:
        raise UsageError(
            _("'{name}' has no corpus.jsonl; name the index that holds its documents with --index NAME").format(
                name=dataset.name
            )
        )
    with temporary_index(read_corpus(dataset.corpus), encoder=encoder, on_load=on_load) as index:
        yield index


def known_items_of_index(index: Index, count: int, *, seed: int = 0) -> DataSet:
    """Make queries from an index's own documents, which stay as they are: the lexical leg has an easy time."""
    documents = (entry.document for batch in index.engine.scan(index.name) for entry in batch)
    items = make_known_items(documents, count, seed=seed)
    return _nonempty(as_dataset(items, index.name), "the index")


@contextmanager
def indexed_apart(
    corpus: Path,
    count: int,
    *,
    encoder: str | Encoder | None = None,
    seed: int = 0,
    on_load: OnLoad | None = None,
) -> Iterator[tuple[Index, DataSet]]:
    """Make queries from a corpus and index it in a temporary folder without the pieces that became queries."""
    items = make_known_items(read_corpus(corpus), count, seed=seed)
    dataset = _nonempty(as_dataset(items, corpus.parent.resolve().name), str(corpus))
    with temporary_index(held_apart(read_corpus(corpus), items), encoder=encoder, on_load=on_load) as index:
        yield index, replace(dataset, corpus=corpus)


def _nonempty(dataset: DataSet, where: str) -> DataSet:
    if not dataset.queries:
        raise UsageError(
            _("no queries can be made from {where}: no document has a title or a text of some length").format(
                where=where
            )
        )
    return dataset
