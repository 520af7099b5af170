"""Loading documents: reading, encoding and writing overlap; what was stored once is neither encoded nor sent again.

reader thread: source -> clean -> typed fields -> fingerprint -> changed? -> passages -> queue      (ingest.intake)
caller:        queue -> encoder -> queue
writer thread: queue -> engine, journal

Queues are short, so memory stays bounded. A batch is acknowledged when the engine has it durably; whatever happens in
between, running the same load again ends with the same index.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import UnreadMeter
from searchctl.engines.base import FullEngine
from searchctl.errors import InvalidDocument, SourceError
from searchctl.ingest.dead_letters import DeadLetters, without_target
from searchctl.ingest.encoding import encode_piecewise
from searchctl.ingest.given import GivenDocument, given_documents
from searchctl.ingest.intake import Ended, IntakeReader, Items, first_failure
from searchctl.ingest.journal import Journal, journal_path
from searchctl.ingest.model import ConfirmPrune, Gone, IngestReport, IngestSettings, OnProgress, Phase, Progress
from searchctl.ingest.prepare import Preparer, StoredIndex, reason_of
from searchctl.ingest.prune import find_gone
from searchctl.ranking.cosine_baseline import BackgroundMeter, choose_background
from searchctl.sources import Failure, Record, SourceFile
from searchctl.sources.model import storable
from searchctl.translation import _
from searchctl.types import Document, Entry

_QUEUED_BATCHES = 3
_WRITTEN_TOGETHER = (
    512  # documents: an engine that is behind takes more at once, in several requests where it is a server
)
_PATIENCE = 0.2  # seconds between looks at whether another stage has failed


def ingest(
    engine: FullEngine,
    index: str,
    encoder: Encoder | None,
    files: Sequence[SourceFile],
    settings: IngestSettings,
    *,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    confirm_prune: ConfirmPrune | None = None,
) -> IngestReport:
    """Load files into an index, with vectors of `encoder`: None where there are none or they are put off.

    Set `stop` to end after the passages in hand; the report then says `interrupted`. With `settings.prune` documents that
    are gone are deleted if `confirm_prune` agrees. Raises IndexLocked, StorageError, EngineUnreachable, UsageError where an
    output is among the inputs, and with `on_error="stop"` InvalidDocument; what was acknowledged before stays.
    """
    files = without_target(files, settings.dead_letters)
    if settings.prune and not any(file.size is not None for file in files):
        raise SourceError(
            _("nothing was found that could be gone, so nothing is pruned; check the path, or use: searchctl delete")
        )
    journal = Journal(journal_path(engine, index))
    try:
        load = _Load(engine, index, encoder, settings, journal, stop or threading.Event(), on_progress)
        return load.run(lambda: load.file_items(files), files, confirm_prune)
    finally:
        journal.close()


def ingest_documents(
    engine: FullEngine,
    index: str,
    encoder: Encoder | None,
    documents: Iterable[GivenDocument] | GivenDocument,
    *,
    batch: int = 64,
    on_progress: OnProgress | None = None,
) -> IngestReport:
    """Load documents that a program has in its hands: several, or a single one.

    Raises InvalidDocument at one that can't be stored, naming its place, its id and the field; what came before is kept.
    """
    journal = Journal(journal_path(engine, index))
    try:
        settings = IngestSettings(batch=batch, on_error="stop", command="Index.ingest")
        load = _Load(engine, index, encoder, settings, journal, threading.Event(), on_progress)
        given = given_documents(documents)
        return load.run(lambda: (Record(document, "", number) for number, document in enumerate(given)), (), None)
    finally:
        journal.close()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Entries on their way, and the files that end with them."""

    entries: tuple[Entry, ...]
    ended: tuple[Ended, ...] = ()


class _Load:
    """One load at work. The three stages share its counters, of which each has one writer or a lock."""

    def __init__(
        self,
        engine: FullEngine,
        index: str,
        encoder: Encoder | None,
        settings: IngestSettings,
        journal: Journal,
        stop: threading.Event,
        tell: OnProgress | None,
    ) -> None:
        self._engine = engine
        self._index = index
        self._encoder = encoder
        self._settings = settings
        self._journal = journal
        self._stop = stop
        self._tell = tell
        self._failure: BaseException | None = None
        self._failed = threading.Event()
        self._prepared: queue.Queue[_Batch | None] = queue.Queue(_QUEUED_BATCHES)
        self._encoded: queue.Queue[_Batch | None] = queue.Queue(2 * _QUEUED_BATCHES)
        self._letters = DeadLetters(settings.dead_letters or journal_path(engine, index).parent, settings.mapping)
        self._written = self._dead = self._passages = self._pruned = self._through = 0
        self._dead_files = 0
        self._gone = Gone()
        self._meter = BackgroundMeter()
        self._unread = UnreadMeter(encoder)
        self._first_failure: str | None = None
        self._bytes_total = 0
        target = StoredIndex(engine, index)
        self._preparer = Preparer(
            target, encoder, defer_vectors=settings.defer_vectors, date_formats=settings.date_formats
        )
        self._reader = IntakeReader(target, self._preparer, settings, self._bury)

    def file_items(self, files: Sequence[SourceFile]) -> Items:
        """Return what the files give that have to be read."""
        fresh = self._reader.open_files(files, self._journal.files())
        self._bytes_total = sum(file.size or 0 for file in fresh)
        return self._reader.file_items(fresh)

    def run(
        self,
        items: Callable[[], Items | Iterator[Record]],
        files: Sequence[SourceFile],
        confirm_prune: ConfirmPrune | None,
    ) -> IngestReport:
        began = time.monotonic()
        run = self._journal.start(self._settings.command)
        outcome = "failed"
        try:
            with self._engine.writing(self._index):
                self._run_stages(items(), run)
                if self._stop.is_set():
                    outcome = "interrupted"
                else:
                    self._prune(files, confirm_prune)
                    outcome = "complete"
                self._save_background()
                self._show_progress("finishing")
        finally:
            self._letters.close()
            self._journal.finish(run, outcome, **self._counts())
        return self._report(outcome == "interrupted", time.monotonic() - began)

    def _counts(self) -> dict[str, int]:
        intake = self._reader.intake
        counts = {"read": intake.read, "written": self._written, "unchanged": intake.unchanged, "dead": self._dead}
        return {**counts, "pruned": self._pruned}

    def _report(self, interrupted: bool, seconds: float) -> IngestReport:
        counts = self._counts()
        return IngestReport(
            read=counts["read"],
            written=counts["written"],
            unchanged=counts["unchanged"],
            dead=counts["dead"],
            pruned=counts["pruned"],
            seconds=seconds,
            interrupted=interrupted,
            dead_letters=self._letters.path,
            first_failure=self._first_failure,
            misfits=dict(self._preparer.misfits),
            first_misfit=self._preparer.first_misfit,
            replaced=dict(self._reader.intake.replaced),
            superseded=self._reader.intake.superseded,
            pruned_ids=self._gone.ids if self._pruned else (),
            spared=0 if self._pruned else len(self._gone.ids),
            kept=self._gone.kept,
            unmet=self._reader.named_fields.unmet(),
            passages=self._passages,
            dead_files=self._dead_files,
            remarks=(*self._reader.remarks.lines(), *self._preparer.remarks(), *filter(None, [self._unread.remark()])),
        )

    def _save_background(self) -> None:
        engine, name = self._engine, self._index
        self._show_progress("measuring background")
        schema = engine.schema(name)
        stored = engine.scan(name, batch=self._settings.batch, vectors=True)
        background = choose_background(schema.background, self._meter, engine.info(name).passages, stored)
        if background != schema.background:
            engine.update_schema(name, replace(schema, background=background), since=schema)

    def _run_stages(self, items: Items | Iterator[Record], run: int) -> None:
        threads = [
            threading.Thread(target=self._guard, args=(self._prepare_all, items), name="searchctl-reader", daemon=True),
            threading.Thread(target=self._guard, args=(self._write_all, run), name="searchctl-writer", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            self._guard(self._encode_all)
        finally:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_PATIENCE)
                    self._show_progress("writing")
        if self._failure is not None:
            raise self._failure

    def _guard(self, stage: Callable[..., None], *arguments: Any) -> None:
        """Run a stage; the first failure of any ends all of them and is raised at the end."""
        try:
            stage(*arguments)
        except BaseException as error:
            self._failure = self._failure or error
            self._failed.set()

    def _goes_on(self) -> bool:
        return not (self._stop.is_set() or self._failed.is_set())

    def _bury(self, failure: Failure, document: Document | None) -> None:
        """Count a failure and keep it as a dead letter; the reader holds a lock meanwhile."""
        self._dead += 1
        self._dead_files += document is None and not failure.excerpt
        self._first_failure = self._first_failure or first_failure(failure)
        if self._settings.on_error == "stop":
            raise InvalidDocument(first_failure(failure))
        if self._settings.on_error == "dead-letter":
            self._letters.add(failure, document)

    # The reader's thread

    def _prepare_all(self, items: Items | Iterator[Record]) -> None:
        try:
            for batch in self._reader.batches(items, self._goes_on):
                self._put(self._prepared, _Batch(tuple(batch.prepared.entries), batch.ended))
        except InvalidDocument as error:  # the user wants to stop here; what came before is stored
            self._failure = error
        self._put(self._prepared, None)

    # The caller's thread

    def _encode_all(self) -> None:
        while (batch := self._take(self._prepared, "reading")) is not None:
            self._put(self._encoded, self._with_vectors(batch), "writing")
            self._through += len(batch.entries)
            self._show_progress("writing" if self._encoder is None else "encoding")
        self._put(self._encoded, None, "writing")

    def _with_vectors(self, batch: _Batch) -> _Batch:
        """Return the batch encoded, piece by piece, so that progress shows and a stop needn't wait for a long document.

        After a stop only the documents that were finished go on, and the files that are whole with them.
        """
        if self._encoder is None:
            return batch
        waiting = [entry for entry in batch.entries if entry.vectors is None]
        try:
            encoded = self._encode(waiting, self._encoder)
        except Exception as error:
            reason_of(error)
            encoded = [done for entry in waiting for done in self._encode_alone(entry, self._encoder)]
        moved = [entry for entry in batch.entries if entry.vectors is not None]
        self._meter.add(encoded)
        return _Batch((*encoded, *moved), batch.ended if self._goes_on() else ())

    def _encode(self, entries: Sequence[Entry], encoder: Encoder) -> list[Entry]:
        def goes_on(passages: int, share: float) -> bool:
            self._passages += passages
            self._show_progress("encoding", share * len(entries))
            return self._goes_on()

        self._unread.add([f"{entry.document.title}\n{entry.document.text}" for entry in entries])
        return encode_piecewise(entries, encoder, goes_on)

    def _encode_alone(self, entry: Entry, encoder: Encoder) -> list[Entry]:
        """Encode one document after a batch failed; the one at fault becomes a dead letter."""
        try:
            return self._encode([entry], encoder)
        except Exception as error:
            self._reader.bury(Failure(entry.source, 0, entry.document.id, reason_of(error)), entry.document)
            return []

    def _show_progress(self, phase: Phase, in_hand: float = 0.0) -> None:
        """Tell how far the load is; only ever called by the caller's thread."""
        if self._tell is None:
            return
        intake = self._reader.intake
        self._tell(
            Progress(
                intake.read,
                self._written,
                intake.unchanged,
                self._dead,
                intake.bytes_done + intake.bytes_open,
                self._bytes_total,
                self._passages,
                in_hand,
                self._through,
                phase,
            )
        )

    # The writer's thread

    def _write_all(self, run: int) -> None:
        held: _Batch | None = None
        while (batch := held or self._take(self._encoded)) is not None:
            batch, held = self._with_waiting(batch)
            if batch.entries:
                self._write(batch.entries)
            for ended in batch.ended:
                faulty = ended.file.source in self._reader.intake.faulty
                if ended.file.size is not None:  # what failed is to be tried again, and reported again
                    self._journal.note(
                        run, ended.file.source, replace(ended.known, state="", mark="") if faulty else ended.known
                    )

    def _with_waiting(self, batch: _Batch) -> tuple[_Batch, _Batch | None]:
        """Return the batch with those that wait behind it, and one that has to wait since it is about the same documents."""
        entries, ended = list(batch.entries), list(batch.ended)
        ids = {entry.document.id for entry in entries}
        while len(entries) < _WRITTEN_TOGETHER and not self._encoded.empty():
            following = self._take(self._encoded)
            if following is None:
                self._put(self._encoded, None)  # the end is still to be noticed
                break
            if any(entry.document.id in ids for entry in following.entries):
                return _Batch(tuple(entries), tuple(ended)), following
            entries += following.entries
            ended += following.ended
            ids.update(entry.document.id for entry in following.entries)
        return _Batch(tuple(entries), tuple(ended)), None

    def _write(self, entries: Sequence[Entry]) -> None:
        """Write a batch; where the engine fails over it, document by document, so that only the one at fault is lost."""
        try:
            rejected = {rejection.id: rejection.reason for rejection in self._engine.write(self._index, entries)}
        except Exception as error:
            reason = reason_of(error)
            if len(entries) > 1:
                for entry in entries:
                    self._write([entry])
                return
            rejected = {entries[0].document.id: reason}
        for entry in entries:
            if entry.document.id in rejected:
                failure = Failure(entry.source, 0, entry.document.id, rejected[entry.document.id])
                self._reader.bury(failure, entry.document)
        self._written += len(entries) - len(rejected)

    # Between the stages

    # The caller's thread names the phase it waits in, and tells progress meanwhile.

    def _put(self, line: queue.Queue[_Batch | None], batch: _Batch | None, waiting: Phase | None = None) -> None:
        while not self._failed.is_set():
            try:
                line.put(batch, timeout=_PATIENCE)
            except queue.Full:
                if waiting is not None:
                    self._show_progress(waiting)
                continue
            return

    def _take(self, line: queue.Queue[_Batch | None], waiting: Phase | None = None) -> _Batch | None:
        while not self._failed.is_set():
            try:
                return line.get(timeout=_PATIENCE)
            except queue.Empty:
                if waiting is not None:
                    self._show_progress(waiting)
                continue
        return None

    # After the stages

    def _prune(self, files: Sequence[SourceFile], confirm: ConfirmPrune | None) -> None:
        """Delete the documents of these sources' folders which are known to be gone, if that is confirmed."""
        if not self._settings.prune:
            return
        self._show_progress("pruning")
        roots = {storable(str(file.root)) for file in files if file.size is not None}
        self._gone = find_gone(self._engine.scan(self._index), roots, self._reader.intake)
        if self._gone.ids and (confirm is None or confirm(self._gone)):
            self._pruned = self._engine.delete(self._index, self._gone.ids)
