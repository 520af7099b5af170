"""Adding vectors to an index that somebody else made and feeds.

Vectors lie in a companion index beside it unless in place is asked for. Whether they fit a document's text is told by a hash
kept with them, so that it needs no help from whoever writes the documents. The work may end at any time: what is done is seen in
the index itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Finding, ForeignIndexes, ForeignSource, FullEngine, Reading
from searchctl.errors import EngineUnreachable, SearchctlError, ServerRefusal, UsageError
from searchctl.ingest.copying import BATCH, GoesOn, Monitor, Throttle, WriteBehind, passes, persist, save_background
from searchctl.ingest.encoding import cut_and_encode
from searchctl.lifecycle.versions import move, open_version
from searchctl.schema import EncoderStamp, Layout, Lineage
from searchctl.translation import _
from searchctl.types import Entry, Rejection

__all__ = ["ForeignIndex", "ForeignPlan", "ForeignReport", "Reading", "Work"]

_MADE_FROM = "vectorize"
_PAGE = 500  # documents looked at together
_PASSES = 3  # over an index that others write to all the while
_WHOLE = 20  # of so many passes one looks at all documents
_SAMPLE = 32  # documents encoded for an estimate


@dataclass(frozen=True, slots=True)
class ForeignPlan:
    """What would be done. `home` is the index that the vectors go to; `waiting` documents lack vectors of what they say now.

    `seconds` of encoding are an estimate. `findings` name what could do harm or give less than expected.
    """

    index: str
    home: str
    layout: Layout
    documents: int
    waiting: int
    seconds: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What one or several passes came to: documents encoded, vectors deleted whose documents are gone, documents refused."""

    encoded: int = 0
    deleted: int = 0
    refused: tuple[Rejection, ...] = ()

    def __add__(self, other: Work) -> Work:
        return Work(self.encoded + other.encoded, self.deleted + other.deleted, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """What it came to. `home` holds the vectors."""

    index: str
    home: str
    documents: int
    work: Work
    seconds: float
    interrupted: bool = False


class ForeignIndex:
    """The documents of others behind one name. Raises UsageError where nothing can be added to them."""

    def __init__(
        self,
        engine: FullEngine,
        name: str,
        stamp: EncoderStamp,
        encoder: Encoder,
        reading: Reading,
        *,
        in_place: bool = False,
    ) -> None:
        if not isinstance(engine, ForeignIndexes):
            raise UsageError(
                _(
                    "{url} is a folder, and indexes there are searchctl's own; name a server, as in: searchctl "
                    "vectorize INDEX --engine opensearch://HOST:9200"
                ).format(url=engine.url)
            )
        self.engine = engine
        self.name = name
        self.source: ForeignSource = engine.foreign_source(name, stamp, reading, in_place=in_place)
        self._full: FullEngine = engine
        self._encoder = encoder

    @property
    def layout(self) -> Layout:
        """Where title and text are."""
        assert self.source.schema.layout is not None
        return self.source.schema.layout

    @property
    def in_place(self) -> bool:
        """Tell whether the vectors lie in the documents themselves."""
        return not self.layout.beside

    def plan(self) -> ForeignPlan:
        """Say what would be done; nothing is changed."""
        findings = tuple(self.source.check())
        documents, waiting, sample = self.source.count(), 0, list[Entry]()
        if self.source.is_begun:
            for _ignored, entries in self.source.outdated(_PAGE, note=False):
                waiting += len(entries)
                sample = sample or entries[:_SAMPLE]
        else:
            waiting = documents
            sample = next((entries for _ignored, entries in self.source.outdated(_SAMPLE, note=False)), [])
        cut_and_encode(sample[:1], self._encoder, self.source.schema.passages)  # loads what is loaded once
        began = time.monotonic()
        cut_and_encode(sample, self._encoder, self.source.schema.passages)
        each = (time.monotonic() - began) / max(len(sample), 1)
        return ForeignPlan(self.name, self.source.home, self.layout, documents, waiting, each * waiting, findings)

    def run(self, monitor: Monitor) -> ForeignReport:
        """Add vectors to every document. Raises UsageError before anything is written where that would do harm."""
        began = time.monotonic()
        errors = [finding for finding in self.source.check() if finding.level == "error"]
        if errors:
            faults = "; ".join(f"{finding.subject}: {finding.message}" for finding in errors)
            raise UsageError(_("nothing was changed. {faults}; {fix}").format(faults=faults, fix=errors[0].fix))
        companion = self.source.home
        version = self._open_version() if self.source.needs_version else None
        self.source.prepare()
        with self._writing():
            work = persist(lambda: self._bring_up(monitor), monitor)
        if version is not None and not monitor.stop.is_set():
            move(self._full, companion, version)
        if not monitor.stop.is_set() and (work.encoded or self._full.schema(self.source.home).background is None):
            persist(lambda: save_background(self._full, self.name), monitor)
        documents = self.source.count()
        return ForeignReport(
            self.name, self.source.home, documents, work, time.monotonic() - began, monitor.stop.is_set()
        )

    def _open_version(self) -> str:
        """Return the version of the companion to fill: vectors of two encoders can't be compared."""
        schema = replace(self.source.schema, lineage=Lineage(_MADE_FROM))
        version = open_version(self._full, self.source.home, schema)
        self.source.use_version(version)
        return version

    def _writing(self) -> AbstractContextManager[None]:
        return nullcontext() if self.in_place else self._full.writing(self.source.home)

    def follow(self, monitor: Monitor, every: float, tell: Callable[[Work | SearchctlError], None]) -> Work:
        """Look for changed documents every so many seconds until `monitor.stop` is set; `tell` hears of each pass.

        A server that can't be reached is asked again the next time.
        """
        total, since, passes_done = Work(), None, 0
        while not monitor.stop.wait(every):
            since = since if passes_done % _WHOLE else None  # the field may not grow with every change after all
            passes_done += 1
            try:
                until = self.source.newest()
                with self._writing():
                    work = self._pass(monitor, since)
            except (EngineUnreachable, ServerRefusal) as error:
                if not passes(error):
                    raise
                tell(error)
                continue
            since = until
            total += work
            tell(work)
        return total

    def take_up(self, index: str, ids: Sequence[str]) -> Work:
        """Add vectors to these documents of `index`, which were written just now."""
        pending = self.source.among(index, ids)
        alone = Monitor().within(0, len(pending), len(pending))
        written = self._with_vectors(pending, alone) if pending else []
        refused = self.source.write(written) if written else []
        return Work(len(written) - len(refused), refused=tuple(refused))

    def show(self) -> None:
        """Make the vectors that were written searchable now."""
        self.source.show()

    def remove(self) -> int:
        """Take the vectors away again, and all that was added with them. Return how many documents had some."""
        return self.source.remove()

    def _bring_up(self, monitor: Monitor) -> Work:
        """Encode what waits until nothing does."""
        work = Work()
        for _ignored in range(_PASSES):
            done = self._pass(monitor, None)
            work += done
            if not done.encoded or done.refused or monitor.stop.is_set():
                break
        return work

    def _pass(self, monitor: Monitor, since: object) -> Work:
        """Encode the documents whose vectors are missing or of another text, and delete the vectors of those that are gone."""
        with WriteBehind(self.source.write) as writer:
            written = self._encode_outdated(monitor, since, writer)
        work = Work(written - len(writer.rejected), refused=tuple(writer.rejected))
        return work if monitor.stop.is_set() else work + Work(deleted=self.source.sweep())

    def _encode_outdated(self, monitor: Monitor, since: object, writer: WriteBehind) -> int:
        """Encode until all are looked at or it's stopped, and return how many documents were given to the writer."""
        looked_at = written = 0
        limiter, total = Throttle(monitor), self.source.count()
        pause = BATCH / monitor.rate if monitor.rate else 0.0
        for seen, entries in self.source.outdated(self._page(monitor), since=since, pause=pause):
            unchanged = seen - len(entries)
            for batch in _batches(entries):
                if monitor.stop.is_set():
                    return written
                encoded = self._with_vectors(batch, monitor.within(looked_at, len(batch), total))
                writer.add(encoded)
                written += len(encoded)
                looked_at += len(batch)
                if not monitor.stop.is_set():
                    self._tell(monitor, looked_at, total)
                    limiter.wait(len(batch))
            looked_at += unchanged
            self._tell(monitor, looked_at, total)
        return written

    @staticmethod
    def _tell(monitor: Monitor, done: int, total: int) -> None:
        if monitor.tell is not None:
            monitor.tell(min(done, total), total)

    @staticmethod
    def _page(monitor: Monitor) -> int:
        """Return how many documents are read at once: fewer where they are to be taken up slowly."""
        return _PAGE if monitor.rate is None else BATCH

    def _with_vectors(self, entries: Sequence[Entry], goes_on: GoesOn) -> list[Entry]:
        """Return the documents with vectors, when it's stopped those that are finished.

        One without any text gets a mark that says so, and no passage.
        """
        worded = [entry for entry in entries if entry.document.text.strip() or entry.document.title.strip()]
        encoded = cut_and_encode(worded, self._encoder, self.source.schema.passages, goes_on) if worded else []
        ids = {entry.document.id for entry in worded}
        return [*encoded, *(entry for entry in entries if entry.document.id not in ids)]


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), BATCH):
        yield entries[start : start + BATCH]
