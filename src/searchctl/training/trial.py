"""A new encoder against an index's present one, on copies of a part of the index, which itself isn't touched."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from searchctl.encoders.base import Encoder
from searchctl.engines import open_engine
from searchctl.engines.base import FullEngine
from searchctl.evaluation.comparison import IndexComparison, compare
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.metrics import parse_metric
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import BATCH, save_background
from searchctl.ingest.encoding import cut_and_encode
from searchctl.schema import EncoderStamp
from searchctl.types import Entry

MOST_DOCUMENTS = 5000  # of the index that are compared on; all judged ones and their rivals are among them
_RIVALS = 20  # documents near each question by words or meaning, as the index answers today
_METRIC = parse_metric("ndcg@10")
_MEASURES = (("vector", _METRIC),)  # beside the hybrid mode
_NAME = "trial"


@dataclass(frozen=True, slots=True)
class TrialSets:
    """Questions to compare with: on documents of which nothing was learnt, and on learnt ones (other questions)."""

    unseen: DataSet
    seen: DataSet | None


@dataclass(frozen=True, slots=True)
class TrialReport:
    """How both encoders did among `documents` documents, on unseen documents' questions and on seen ones'."""

    documents: int
    unseen: IndexComparison
    seen: IndexComparison | None


def try_encoder(
    index: Index,
    asked: str,
    encoder: Encoder,
    sets: TrialSets,
    tell: Callable[[str, int, int], None],
) -> TrialReport:
    """Compare an encoder with the index's own, in hybrid and vector search; `tell` hears what is done, how much of how much."""
    chosen = _chosen(index, sets)

    def asking(dataset: DataSet) -> IndexComparison:
        return compare(old, new, dataset, _MEASURES, on_progress=lambda done, total: tell("answers", done, total))

    with (
        tempfile.TemporaryDirectory(prefix="searchctl-improve-") as folder,
        _copy(index, chosen, Path(folder) / "old", index.schema.encoder, None, tell) as old,
        _copy(index, chosen, Path(folder) / "new", encoder_stamp(asked, encoder), encoder, tell) as new,
    ):
        return TrialReport(old.info().documents, asking(sets.unseen), asking(sets.seen) if sets.seen else None)


def _chosen(index: Index, sets: TrialSets) -> set[str] | None:
    """Return the documents to compare on; None for all of them."""
    if index.info().documents <= MOST_DOCUMENTS:
        return None
    queries: Sequence[JudgedQuery] = (*sets.unseen.queries, *(sets.seen.queries if sets.seen else ()))
    chosen = {id for query in queries for id in query.grades}
    for mode in ("lexical", "vector"):
        for start in range(0, len(queries), 32):
            texts = [query.text for query in queries[start : start + 32]]
            for hits in index.search_many(texts, _RIVALS, mode=mode, repair=False):
                chosen.update(hit.id for hit in hits)
    for batch in index.engine.scan(index.name):
        for entry in batch:
            if len(chosen) >= MOST_DOCUMENTS:
                return chosen
            chosen.add(entry.document.id)
    return chosen


@contextmanager
def _copy(
    index: Index,
    chosen: set[str] | None,
    folder: Path,
    stamp: EncoderStamp | None,
    encoder: Encoder | None,
    tell: Callable[[str, int, int], None],
) -> Iterator[Index]:
    """Yield a copy of the chosen documents in a folder: with their own vectors, or with those of `encoder`."""
    engine = open_engine(folder)
    try:
        schema = replace(index.schema, encoder=stamp, background=None, lineage=None)
        engine.create(_NAME, schema)
        total = len(chosen) if chosen is not None else index.info().documents
        with engine.writing(_NAME):
            _fill(engine, index, chosen, encoder, lambda done: tell("documents", done, total))
        save_background(engine, _NAME)
        yield Index(engine, _NAME, encoder or index.encoder)
    finally:
        engine.close()


def _fill(
    engine: FullEngine, index: Index, chosen: set[str] | None, encoder: Encoder | None, tell: Callable[[int], None]
) -> None:
    done = 0
    for batch in index.engine.scan(index.name, batch=BATCH, vectors=encoder is None):
        entries: list[Entry] = [entry for entry in batch if chosen is None or entry.document.id in chosen]
        if encoder is not None and entries:
            entries = cut_and_encode(entries, encoder, index.schema.passages)
        if entries:
            engine.write(_NAME, entries)
        done += len(entries)
        tell(done)
