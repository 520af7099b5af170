"""Copies of an index made another way, to be tried and thrown away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from tempfile import TemporaryDirectory

from searchctl.engines import open_engine
from searchctl.errors import UsageError
from searchctl.filling import encoded, save_background
from searchctl.index import Index
from searchctl.schema import Bm25Settings, PassageSettings
from searchctl.types import Match, Ranking

_TRIAL = "{}-trial"
_BATCH = 120


def lexical_trials(
    index: Index, candidates: Sequence[Bm25Settings], matches: Sequence[Match]
) -> Iterator[list[Ranking]]:
    """Yield the rankings of questions with each of BM25's settings, on a copy of the index without vectors beside it.

    Raises UsageError where BM25 can't be set: on the embedded engine, and in an index that others made.
    """
    engine, schema = index.engine, index.schema
    if engine.name == "embedded":
        raise UsageError("k1 and b stay 1.2 and 0.75: tantivy's BM25, the embedded engine's, has them fixed")
    if schema.layout is not None:
        raise UsageError(f"k1 and b stay as they are: index '{index.name}' was made by others, who may rely on them")
    trial = _TRIAL.format(engine.resolve(index.name))
    engine.drop(trial)  # of a run that died
    bare = replace(schema, encoder=None, background=None, lineage=None)
    engine.create(trial, bare)
    try:
        with engine.writing(trial):
            for entries in engine.scan(index.name):
                engine.write(trial, entries)
        for bm25 in candidates:
            engine.update_schema(trial, replace(bare, bm25=bm25))
            yield [
                ranking
                for at in range(0, len(matches), _BATCH)
                for ranking in engine.search(trial, matches[at : at + _BATCH])
            ]
    finally:
        engine.drop(trial)


def passage_trials(index: Index, candidates: Sequence[PassageSettings]) -> Iterator[Index]:
    """Yield the index with its documents cut in each of these ways, encoded anew into a temporary folder."""
    encoder, schema = index.encoder, index.schema
    assert encoder is not None
    for settings in candidates:
        if settings.size > encoder.max_tokens:
            raise UsageError(
                f"{encoder.name} reads {encoder.max_tokens} tokens, so passages can't have {settings.size}"
            )
    for number, settings in enumerate(candidates):
        with ExitStack() as stack:
            engine = open_engine(stack.enter_context(TemporaryDirectory(prefix="searchctl-tune-")))
            stack.callback(engine.close)
            name = f"trial-{number}"
            engine.create(name, replace(schema, passages=settings, background=None, lineage=None, layout=None))
            with engine.writing(name):
                for entries in index.engine.scan(index.name):
                    engine.write(name, encoded(entries, encoder, settings))
            save_background(engine, name)
            yield Index(engine, name, encoder)
