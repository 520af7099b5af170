"""Copies of an index made another way, to be tried and thrown away: the last one when the generator is closed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from tempfile import TemporaryDirectory

from searchctl.engines import open_engine
from searchctl.engines.base import AdjustableBm25, FullEngine
from searchctl.errors import IndexFormatError, IndexMissing, UsageError
from searchctl.index import Index
from searchctl.ingest.copying import save_background
from searchctl.ingest.encoding import cut_and_encode
from searchctl.schema import Bm25Settings, Lineage, PassageSettings
from searchctl.translation import _
from searchctl.types import LexicalQuery, Ranking

MADE_FROM = "tune"
_TRIAL = "{}-trial"
_BATCH = 120


def lexical_trials(
    index: Index, candidates: Sequence[Bm25Settings], matches: Sequence[LexicalQuery]
) -> Generator[list[Ranking], None, None]:
    """Yield the rankings of questions with each of BM25's settings, on a copy of the index without vectors beside it.

    Raises UsageError where BM25 can't be set: on the embedded engine, and in an index that others made.
    """
    engine, schema = index.engine, index.schema
    if not isinstance(engine, AdjustableBm25):
        raise UsageError(_("k1 and b stay 1.2 and 0.75: tantivy's BM25, the embedded engine's, has them fixed"))
    if schema.layout is not None:
        raise UsageError(
            _("k1 and b stay as they are: index '{name}' was made by others, who may rely on them").format(
                name=index.name
            )
        )
    trial = _free_name(engine, _TRIAL.format(engine.resolve(index.name)))
    bare = replace(schema, encoder=None, background=None, lineage=Lineage(MADE_FROM))
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


def _free_name(engine: FullEngine, name: str) -> str:
    """Return the name, free of what a run that died has left; raises UsageError where somebody else's index has it."""
    try:
        left = engine.resolve(name) == name and engine.schema(name).lineage == Lineage(MADE_FROM)
    except IndexMissing:
        return name
    except IndexFormatError:
        left = False
    if not left:
        raise UsageError(
            _(
                "k1 and b weren't tried: their copy is called '{name}', and there is such an index, which is left alone"
            ).format(name=name)
        )
    engine.drop(name)
    return name


def passage_trials(index: Index, candidates: Sequence[PassageSettings]) -> Generator[Index, None, None]:
    """Yield the index with its documents cut in each of these ways, in a temporary folder.

    Passages as they are keep their vectors, and the others' are encoded anew.
    """
    encoder, schema = index.encoder, index.schema
    assert encoder is not None
    bare = replace(schema, lineage=None, layout=None, bm25=None)
    for number, settings in enumerate(candidates):
        as_is = settings == schema.passages
        with ExitStack() as stack:
            engine = open_engine(stack.enter_context(TemporaryDirectory(prefix="searchctl-tune-")))
            stack.callback(engine.close)
            name = f"trial-{number}"
            engine.create(name, replace(bare, passages=settings, background=schema.background if as_is else None))
            with engine.writing(name):
                for entries in index.engine.scan(index.name, vectors=as_is):
                    engine.write(name, entries if as_is else cut_and_encode(entries, encoder, settings))
            save_background(engine, name)
            yield Index(engine, name, encoder)
