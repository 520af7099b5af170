"""Loading documents: reading, encoding and writing overlap; what was stored once is neither encoded nor sent again.

reader thread: source -> clean -> fingerprint -> changed? -> typed fields -> passages -> queue
caller:        queue -> encoder -> queue
writer thread: queue -> engine, journal

Queues are short, so memory stays bounded. A batch is acknowledged when the engine has it durably; whatever happens in
between, running the same load again ends with the same index.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from searchctl.encoders.base import Encoder
from searchctl.engines.base import FullEngine
from searchctl.errors import InvalidDocument, SourceError
from searchctl.ingest.dead_letters import DeadLetters
from searchctl.ingest.encoding import encode_entries
from searchctl.ingest.journal import Journal, journal_path
from searchctl.ingest.prepare import Preparer, as_document
from searchctl.ranking.cosine_baseline import BackgroundMeter, choose_background
from searchctl.sources import Failure, FieldMapping, Record, SourceFile, read
from searchctl.sources.model import storable
from searchctl.types import Document, Entry

OnError: TypeAlias = Literal["dead-letter", "skip", "stop"]
_QUEUED_BATCHES = 3
_BATCH_CHARACTERS = 1_000_000  # a batch of long documents has fewer of them
_ONE_DOCUMENT = ("txt", "md", "html", "pdf", "docx")
_PATIENCE = 0.2  # seconds between looks at whether another stage has failed


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How to load. At most `batch` documents are encoded and stored together; `command` is what the user typed, for the journal.

    With `defer_vectors` texts are stored at once, found by their words, and `vectorize.encode_deferred` does the rest.
    """

    mapping: FieldMapping = field(default_factory=FieldMapping)
    batch: int = 64
    prune: bool = False
    on_error: OnError = "dead-letter"
    dead_letters: Path | None = None
    boilerplate: bool = False
    defer_vectors: bool = False
    command: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is; sizes in bytes of the sources."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    dead: int = 0
    bytes_done: int = 0
    bytes_total: int = 0

    @property
    def share(self) -> float | None:
        """The part of the sources that is dealt with, in [0, 1]; None where their size isn't known."""
        if not self.bytes_total or not self.read:
            return None
        return min(self.bytes_done / self.bytes_total, 1.0) * (self.written + self.unchanged + self.dead) / self.read


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What a load came to.

    `dead_letters` is the file that holds what couldn't be stored, `first_failure` where and why the first. `misfits` counts the
    values that don't fit the type of their field and so can't be filtered by, `first_misfit` is where and why the first.
    """

    read: int
    written: int
    unchanged: int
    dead: int
    pruned: int
    seconds: float
    interrupted: bool
    dead_letters: Path | None
    first_failure: str | None = None
    misfits: Mapping[str, int] = field(default_factory=dict)
    first_misfit: str | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    """The sign that a file has been read to its end; `state` is how it was before."""

    source: str
    state: str
    size: int


@dataclass(frozen=True, slots=True)
class _Batch:
    """Entries on their way, how far in their sources they bring us, and the files that end with them."""

    entries: tuple[Entry, ...]
    positions: Mapping[str, int]
    ended: tuple[_Ended, ...] = ()


Items: TypeAlias = "Iterator[Record | Failure | _Ended]"
OnProgress: TypeAlias = Callable[[Progress], None]


def ingest(
    engine: FullEngine,
    index: str,
    encoder: Encoder | None,
    files: Sequence[SourceFile],
    settings: IngestSettings,
    *,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> IngestReport:
    """Load files into an index, with vectors of `encoder`: None where there are none or they are put off.

    Set `stop` to end after the batches in hand; the report then says `interrupted`. Raises IndexLocked, StorageError,
    EngineUnreachable, and with `on_error="stop"` InvalidDocument; what was acknowledged before stays.
    """
    journal = Journal(journal_path(engine, index))
    try:
        load = _Load(engine, index, encoder, settings, journal, stop or threading.Event(), on_progress)
        fresh = [file for file in files if not _is_known(file, settings, journal)]
        load.skip(set(files) - set(fresh))
        load.bytes_total = sum(file.size or 0 for file in fresh)
        return load.run(_file_items(fresh, settings), files)
    finally:
        journal.close()


def ingest_documents(
    engine: FullEngine,
    index: str,
    encoder: Encoder | None,
    documents: Iterable[Document | Mapping[str, Any] | str],
    *,
    batch: int = 64,
) -> IngestReport:
    """Load documents that a program has in its hands. A document that can't be stored raises InvalidDocument."""
    journal = Journal(journal_path(engine, index))
    try:
        load = _Load(
            engine,
            index,
            encoder,
            IngestSettings(batch=batch, on_error="stop", command="Index.ingest"),
            journal,
            threading.Event(),
            None,
        )
        items = (Record(as_document(document), "", place) for place, document in enumerate(documents))
        return load.run(items, ())
    finally:
        journal.close()


def _file_items(files: Sequence[SourceFile], settings: IngestSettings) -> Items:
    """Yield each file's records, then the sign that it has ended."""
    for file in files:
        state = _state(file, settings)  # as it is before reading: a change meanwhile must lead to another reading
        yield from read(file, settings.mapping, boilerplate=settings.boilerplate)
        yield _Ended(file.source, state, file.size or 0)


def _is_known(file: SourceFile, settings: IngestSettings, journal: Journal) -> bool:
    """Tell whether a file needn't be read, because it was stored whole and hasn't changed since.

    Only files that are one document: parsing a PDF again is slow, but reading rows is quick, and their ids must be seen.
    """
    return file.format in _ONE_DOCUMENT and journal.is_complete(file.source, _state(file, settings))


def _state(file: SourceFile, settings: IngestSettings) -> str:
    """Describe all that decides what a file gives: equal states need no second reading. Empty for what can't be known."""
    try:
        status = Path(file.path).stat()
    except OSError:
        return f"unknown {time.monotonic_ns()}"
    return f"{status.st_size} {status.st_mtime_ns} {file.format} {settings.mapping!r} {settings.boilerplate}"


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
        self._encoded: queue.Queue[_Batch | None] = queue.Queue(_QUEUED_BATCHES)
        self._letters = DeadLetters(settings.dead_letters or journal_path(engine, index).parent)
        self._read = self._written = self._unchanged = self._dead = self._pruned = self._bytes = 0
        self._bytes_open = 0  # text from the file that is being read, which stands for how far that is
        self._meter = BackgroundMeter()
        self._preparer = Preparer(engine, index, encoder, defer_vectors=settings.defer_vectors)
        self._seen: set[str] = set()
        self._unread: set[str] = set()
        self._faulty: set[str] = set()
        self._first_failure: str | None = None
        self._burying = threading.Lock()
        self.bytes_total = 0

    def skip(self, files: set[SourceFile]) -> None:
        """Count files that needn't be read as unchanged documents."""
        self._unread = {file.source for file in files}
        self._seen |= {file.uri for file in files}
        self._read = self._unchanged = len(files)

    def run(self, items: Items | Iterator[Record], files: Sequence[SourceFile]) -> IngestReport:
        began = time.monotonic()
        run = self._journal.start(self._settings.command)
        outcome = "failed"
        try:
            with self._engine.writing(self._index):
                self._run_stages(items, run)
                if not self._stop.is_set():
                    self._pruned = self._prune(files) if self._settings.prune else 0
                    outcome = "complete"
                else:
                    outcome = "interrupted"
                self._save_background()
        finally:
            self._letters.close()
            counts = {"read": self._read, "written": self._written, "unchanged": self._unchanged, "dead": self._dead}
            self._journal.finish(run, outcome, **counts, pruned=self._pruned)
        return IngestReport(
            **counts,
            pruned=self._pruned,
            seconds=time.monotonic() - began,
            interrupted=outcome == "interrupted",
            dead_letters=self._letters.path,
            first_failure=self._first_failure,
            misfits=dict(self._preparer.misfits),
            first_misfit=self._preparer.first_misfit,
        )

    def _save_background(self) -> None:
        engine, name = self._engine, self._index
        schema = engine.schema(name)
        stored = engine.scan(name, vectors=True)
        background = choose_background(schema.background, self._meter, engine.info(name).passages, stored)
        if background != schema.background:
            engine.update_schema(name, replace(schema, background=background))

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
                thread.join()
        if self._failure is not None:
            raise self._failure

    def _guard(self, stage: Callable[..., None], *arguments: Any) -> None:
        """Run a stage; the first failure of any ends all of them and is raised at the end."""
        try:
            stage(*arguments)
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread
            self._failure = self._failure or error
            self._failed.set()

    # The reader's thread

    def _prepare_all(self, items: Items | Iterator[Record]) -> None:
        preparer = self._preparer
        records: list[Record] = []
        ended: list[_Ended] = []
        characters = 0
        try:
            for item in items:
                if self._stop.is_set() or self._failed.is_set():
                    break
                self._sort(item, records, ended)
                characters += len(item.document.text) if isinstance(item, Record) else 0
                if max(len(records), len(ended)) >= self._settings.batch or characters >= _BATCH_CHARACTERS:
                    self._put(self._prepared, self._prepare(preparer, records, ended))
                    records, ended, characters = [], [], 0
        except InvalidDocument as error:  # the user wants to stop here; what came before is stored
            self._failure = error
        if records or ended:
            self._put(self._prepared, self._prepare(preparer, records, ended))
        self._put(self._prepared, None)

    def _sort(self, item: Record | Failure | _Ended, records: list[Record], ended: list[_Ended]) -> None:
        """Put what a source gave where it belongs."""
        if isinstance(item, _Ended):
            ended.append(item)
            self._bytes += item.size
            self._bytes_open = 0
            return
        self._read += 1
        if isinstance(item, Failure):
            self._bury(item)
            return
        self._bytes_open += len(item.document.text.encode("utf-8", "surrogatepass"))
        if self._is_first(item):
            records.append(item)

    def _is_first(self, record: Record) -> bool:
        id = record.document.id
        if id not in self._seen:
            self._seen.add(id)
            return True
        self._bury_record(record, f"the id {id!r} occurs twice in this load; the first one is kept")
        return False

    def _prepare(self, preparer: Preparer, records: list[Record], ended: list[_Ended]) -> _Batch:
        entries, rejected = preparer.prepare(records)
        for record, reason in rejected:
            self._bury_record(record, reason)
        self._unchanged += len(records) - len(entries) - len(rejected)
        positions = {record.source: record.position for record in records}
        return _Batch(tuple(entries), positions, tuple(ended))

    def _bury_record(self, record: Record, reason: str) -> None:
        self._bury(Failure(record.source, record.position, record.document.id, reason, ""), record.document)

    def _bury(self, failure: Failure, document: Document | None = None) -> None:
        with self._burying:
            self._dead += 1
            self._faulty.add(failure.source)
            where = f"{failure.source} at {failure.position}" if failure.source else f"document {failure.position}"
            self._first_failure = self._first_failure or f"{where}: {failure.reason}"
            if self._settings.on_error == "stop":
                raise InvalidDocument(self._first_failure)
            if self._settings.on_error == "dead-letter":
                self._letters.add(failure, document)

    # The caller's thread

    def _encode_all(self) -> None:
        encoder = self._encoder
        while (batch := self._take(self._prepared)) is not None:
            if batch.entries and encoder is not None:
                entries = encode_entries(batch.entries, encoder)
                self._meter.add(entries)
                batch = replace(batch, entries=tuple(entries))
            self._put(self._encoded, batch)
            self._report()
        self._put(self._encoded, None)

    def _report(self) -> None:
        if self._tell is not None:
            done = self._bytes + self._bytes_open
            self._tell(Progress(self._read, self._written, self._unchanged, self._dead, done, self.bytes_total))

    # The writer's thread

    def _write_all(self, run: int) -> None:
        while (batch := self._take(self._encoded)) is not None:
            rejected = (
                {one.id: one.reason for one in self._engine.write(self._index, batch.entries)} if batch.entries else {}
            )
            for entry in batch.entries:
                if entry.document.id in rejected:
                    self._bury(
                        Failure(entry.source, -1, entry.document.id, rejected[entry.document.id], ""), entry.document
                    )
            self._written += len(batch.entries) - len(rejected)
            for source, position in batch.positions.items():
                if source:
                    self._journal.advance(run, source, position)
            for file in batch.ended:
                if file.source not in self._faulty:  # what failed is to be tried again, and reported again
                    self._journal.complete(run, file.source, file.state)

    # Between the stages

    def _put(self, line: queue.Queue[_Batch | None], batch: _Batch | None) -> None:
        while not self._failed.is_set():
            try:
                line.put(batch, timeout=_PATIENCE)
            except queue.Full:
                continue
            return

    def _take(self, line: queue.Queue[_Batch | None]) -> _Batch | None:
        while not self._failed.is_set():
            try:
                return line.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
        return None

    # After the stages

    def _prune(self, files: Sequence[SourceFile]) -> int:
        """Delete the documents of these sources' folders which no source gives any more."""
        if not files:
            raise SourceError(
                "nothing was found to read, so nothing is pruned; check the path, or use: searchctl delete"
            )
        roots = {storable(str(file.root)) for file in files}
        gone: list[str] = []
        for entries in self._engine.scan(self._index):
            for entry in entries:
                inside = any(entry.source == root or entry.source.startswith(root.rstrip("/") + "/") for root in roots)
                if inside and entry.source not in self._unread and entry.document.id not in self._seen:
                    gone.append(entry.document.id)
        return self._engine.delete(self._index, gone) if gone else 0
