"""Changing an index's encoder without downtime: a new version is filled behind the name, tried, and then takes the name over.

The work may end at any moment, by SIGKILL as well: the version that was begun is found again by its stamp, and what it holds
already isn't encoded again. Until the move, readers and writers go on with the old version; what they write meanwhile is
brought over in further passes, the last of them with the right to write held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from searchctl.encoders.base import Encoder
from searchctl.engines.base import FullEngine
from searchctl.errors import UsageError
from searchctl.evaluation.comparison import IndexComparison, compare
from searchctl.evaluation.dataset import DataSet, read_dataset
from searchctl.evaluation.evaluate import known_items_of_index
from searchctl.evaluation.gates import DifferenceGate, missed_differences
from searchctl.index import Index
from searchctl.ingest.copying import (
    BATCH,
    CopyReport,
    GoesOn,
    Monitor,
    check_complete,
    fill,
    remove_vanished,
    save_background,
)
from searchctl.ingest.encoding import check_readable, cut_and_encode, passage_texts
from searchctl.ingest.prepare import fingerprint, has_content
from searchctl.lifecycle.versions import Move, move, next_version, open_version
from searchctl.routing.apply import unlabelled
from searchctl.routing.examples import entries_of, is_query_vector
from searchctl.schema import EncoderStamp, Lineage, PassageSettings, Schema
from searchctl.translation import _
from searchctl.types import Document, Entry

MADE_FROM = "reembed"
_PASSES = 3  # over a source that others write to all the while; one more follows with the right to write held
_SAMPLE = 32  # documents encoded for an estimate


@dataclass(frozen=True, slots=True)
class Judging:
    """What the new version is tried with: `judgements` (see `read_dataset`), or `known_items` queries made from the documents.

    Without gates the trial informs; with gates the new version takes over only if it meets them all.
    """

    judgements: Path | None = None
    known_items: int = 200
    gates: tuple[DifferenceGate, ...] = ()


@dataclass(frozen=True, slots=True)
class ReembedReport:
    """What came of it. `moved` is None when the old version stays: `missed` or `interrupted` says why.

    `version` is the new one; `encoded` of its `documents` were encoded by this call.
    """

    version: str
    documents: int
    encoded: int
    seconds: float
    trial: IndexComparison | None = None
    missed: tuple[str, ...] = ()
    moved: Move | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ReembedPlan:
    """What re-embedding would do; `seconds` of encoding and `disk` in bytes are estimates."""

    version: str
    documents: int
    seconds: float
    disk: int


def reembed(
    index: Index,
    stamp: EncoderStamp,
    encoder: Encoder,
    judging: Judging,
    monitor: Monitor,
    *,
    passages: PassageSettings | None = None,
    on_trial: Callable[[int, int], None] | None = None,
) -> ReembedReport:
    """Make a version of the index with other vectors, try it, and let it take over the index's name.

    The vectors are those of another encoder, or of other `passages`, or both. Raises UsageError when the index is made like
    that already or the encoder can't read such passages, IndexLocked while another process writes at the end.
    """
    began = time.monotonic()
    if passages is not None:
        check_readable(encoder, passages)
    engine, name = index.engine, index.name
    source = engine.resolve(name)
    dataset = _queries(index, judging)
    version = open_version(engine, name, _new_schema(engine.schema(source), stamp, passages, name))
    filled = _bring_up(engine, source, version, encoder, monitor)

    def report(
        trial: IndexComparison | None = None, unmet: tuple[str, ...] = (), moved: Move | None = None
    ) -> ReembedReport:
        seconds = time.monotonic() - began
        stopped = monitor.stop.is_set() and moved is None
        return ReembedReport(
            version, engine.count(version), filled.written, seconds, trial, unmet, moved, interrupted=stopped
        )

    if monitor.stop.is_set():
        return report()
    trial = None
    if dataset is not None:
        new = Index(engine, version, encoder)
        measures = [(gate.mode, gate.metric) for gate in judging.gates]
        trial = compare(Index(engine, source), new, dataset, measures, on_progress=on_trial)
        unmet = missed_differences(trial, judging.gates)
        if unmet or monitor.stop.is_set():
            return report(trial, unmet)
    with engine.writing(source):
        filled += bring_over(engine, source, version, encoder, monitor)
        if monitor.stop.is_set():
            return report(trial)
        check_complete(engine, version, engine.count(source), filled, f"'{source}'")
        moved = move(engine, name, version)
    return report(trial, moved=moved)


def plan_reembed(
    index: Index, stamp: EncoderStamp, encoder: Encoder, passages: PassageSettings | None = None
) -> ReembedPlan:
    """Estimate what `reembed` would do, from the first documents; nothing is changed."""
    if passages is not None:
        check_readable(encoder, passages)
    engine, source = index.engine, index.engine.resolve(index.name)
    schema = _new_schema(engine.schema(source), stamp, passages, index.name)
    info = engine.info(source)
    sample: list[Entry] = next(iter(engine.scan(source, batch=_SAMPLE)), [])
    encoder.encode_documents(
        [text for entry in sample[:1] for text in passage_texts(entry)]
    )  # loads what is loaded once
    began = time.monotonic()
    cut_and_encode(sample, encoder, schema.passages)
    each = (time.monotonic() - began) / max(len(sample), 1)
    return ReembedPlan(next_version(engine, index.name), info.documents, each * info.documents, info.size)


def _queries(index: Index, judging: Judging) -> DataSet | None:
    """Return the queries to try both versions with; None where no gate asks for any and none can be made."""
    if judging.judgements is not None:
        return read_dataset(judging.judgements)
    try:
        return known_items_of_index(index, judging.known_items) if judging.known_items else None
    except UsageError:
        if judging.gates:
            raise
        return None


def _new_schema(old: Schema, stamp: EncoderStamp, passages: PassageSettings | None, name: str) -> Schema:
    if old.layout is not None:
        raise UsageError(
            _(
                "the documents of '{name}' are written by others; make a copy with another encoder's vectors: "
                "searchctl vectorize {name} --encoder {what}"
            ).format(name=name, what=_("NEW; its passages keep their size") if passages else stamp.name)
        )
    passages = passages or old.passages
    same = old.encoder is not None and (old.encoder.revision, old.encoder.dim) == (stamp.revision, stamp.dim)
    if same and passages == old.passages:
        raise UsageError(
            _(
                "index '{name}' is made with {name2} (revision {revision}) and passages of {size} tokens "
                "already; name another one: searchctl reembed --encoder NEW, or other passages: --passage-size N"
            ).format(name=name, name2=stamp.name, revision=stamp.revision, size=passages.size)
        )
    return replace(old, encoder=stamp, passages=passages, background=None, lineage=Lineage(MADE_FROM))


def _bring_up(engine: FullEngine, source: str, version: str, encoder: Encoder, monitor: Monitor) -> CopyReport:
    """Fill the version until a pass finds nothing to do, and measure its background."""
    filled = CopyReport()
    with ExitStack() as stack:
        stack.enter_context(engine.writing(version))
        for _ignored in range(_PASSES):
            brought = bring_over(engine, source, version, encoder, monitor)
            filled += brought
            if not brought.written or monitor.stop.is_set():
                break
    if not monitor.stop.is_set():
        save_background(engine, version)
    return filled


def bring_over(engine: FullEngine, source: str, version: str, encoder: Encoder, monitor: Monitor) -> CopyReport:
    """Copy what is new or changed in `source` into `version`, encoded as that is, and delete what `source` has no more."""
    before, settings = engine.schema(source).passages, engine.schema(version).passages
    engine.update_schema(version, engine.schema(version).with_fields(engine.schema(source).fields))
    batches: Iterable[list[Entry]] = engine.scan(source, batch=BATCH)
    if settings != before:
        batches = ([_as_ingested(entry, before, settings) for entry in entries] for entries in batches)
    total = engine.count(source)
    filled = fill(engine, version, batches, partial(_finished, encoder, settings), monitor, total)
    if not monitor.stop.is_set():
        remove_vanished(engine, source, version)
    return filled


def _as_ingested(entry: Entry, before: PassageSettings, settings: PassageSettings) -> Entry:
    """Return the entry with the fingerprint that an ingest with these passages gives it, so that the next one finds it unchanged.

    One that has got a label since has the fingerprint of what it was, and the router's own have theirs.
    """
    for document in (entry.document, unlabelled(entry.document)):
        if has_content(entry.fingerprint, fingerprint(document, repr(before))):
            _ignored, dash, source = entry.fingerprint.partition("-")
            return replace(entry, fingerprint=fingerprint(document, repr(settings)) + dash + source)
    return entry


def _finished(encoder: Encoder, settings: PassageSettings, entries: Sequence[Entry], goes_on: GoesOn) -> list[Entry]:
    """Return the entries cut into passages and encoded, as far as `goes_on` lets it; the router's own as it compares them."""
    own: list[Document] = []
    others: list[Entry] = []
    for entry in entries:
        if is_query_vector(entry):
            own.append(entry.document)
        else:
            others.append(entry)
    return [*entries_of(own, encoder), *cut_and_encode(others, encoder, settings, goes_on)]
