"""The two legs derived from an embedded index's store: how they follow it, and what of it they lack."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from searchctl.engines.embedded.lexical import LexicalIndex
from searchctl.engines.embedded.segments import DamagedPart
from searchctl.engines.embedded.store import Store, Watermark
from searchctl.engines.embedded.vectors import VectorIndex
from searchctl.errors import SearchctlError
from searchctl.schema import Schema
from searchctl.translation import _
from searchctl.types import Gap

_SAYING_SECONDS = 10.0  # between two lines about what takes long
_log = logging.getLogger(__name__)


class Stopped(SearchctlError):
    """The index is closed while it catches up; what is done is kept, and the rest is done when it's opened again."""


class DerivedLegs:
    """The lexical and the vector leg. `vectors` is None for an index without an encoder."""

    def __init__(self, path: Path, store: Store, schema: Schema) -> None:
        self._path = path
        self._store = store
        self.lexical = LexicalIndex(path / "lexical", schema)
        self.vectors = VectorIndex(path / "vectors", schema.encoder.dim) if schema.encoder else None
        self.stopping = threading.Event()
        self._mutex = threading.RLock()  # of those who catch up
        self._mark = Watermark()

    def follow(self, schema: Schema) -> None:
        """See what other processes have committed, to the store and after that to the legs."""
        with self._mutex:
            self.lexical.stamp = schema
            self.lexical.reload()
            if self.vectors is not None:
                self.vectors.refresh(self._store)
            self._mark = self._store.watermark()

    @property
    def lag(self) -> int:
        """How many documents or passages wait for `catch_up`; 0 where there is nothing to do."""
        passages = self.vectors.lag if self.vectors is not None else 0
        if self.lexical.damage:
            return max(self._store.count()[0], passages, 1)
        if not self.lexical.lags(self._mark):
            return passages
        return max(self._mark.document - self.lexical.document, passages, 1)

    def catch_up(self, *, finish: bool) -> None:
        """Apply what the store has gained and lost; `finish` it at the end of a load. The caller holds the writer's lock.

        Raises StorageError, or Stopped; what was applied until then stays.
        """
        with self._mutex:
            self.lexical.catch_up(self._store, self._progress("words of documents"))
            if self.vectors is not None:
                self.vectors.catch_up(self._store, self._progress("vectors of passages"))
            if finish:
                self.lexical.release_writer()
                if self.lexical.is_wasteful:
                    self.lexical.rebuild(self._store, self._progress("words of documents"))
            self._mark = self._store.watermark()

    def renew_words(self) -> None:
        """Make the lexical leg anew without what was removed. The caller holds the writer's lock."""
        with self._mutex:
            self.lexical.rebuild(self._store, self._progress("words of documents"))

    def compact(self) -> None:
        """Make both legs anew without what was removed. The caller holds the writer's lock."""
        with self._mutex:
            self.catch_up(finish=True)
            self.lexical.rebuild(self._store, self._progress("words of documents"))
            if self.vectors is not None:
                self.vectors.rebuild(self._store, self._progress("vectors of passages"))

    def _progress(self, what: str) -> Callable[[int, int], None]:
        said = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal said
            if self.stopping.is_set():
                raise Stopped(
                    _("{path} was closed while it caught up; it goes on when it's opened again").format(path=self._path)
                )
            if time.monotonic() - said > _SAYING_SECONDS:
                said = time.monotonic()
                _log.warning("%s: made searchable: %s %s of %s", self._path, f"{done:,}", what, f"{total:,}")

        return progress

    def lexical_gap(self) -> Gap | None:
        """Return what the lexical leg lacks now."""
        lexical = self.lexical
        if lexical.reader is None:
            return Gap(f"its words can't be searched now ({lexical.refusal or lexical.damage})", whole=True)
        behind = self._mark.document - lexical.document
        if behind > 0:
            return Gap(f"the words of its newest documents, up to {behind:,}, can't be searched yet")
        return None

    def vector_gap(self) -> Gap | None:
        """Return what the vector leg lacks now."""
        unseen = self.vectors.unseen if self.vectors is not None else 0
        return Gap(f"the vectors of up to {unseen:,} of its passages can't be searched yet") if unseen else None

    def deferred_gap(self) -> Gap | None:
        """Return how far the vectors are of documents that were stored before them."""
        waiting = self._store.waiting() if self.vectors is not None else 0
        if not waiting:
            return None
        documents = self._store.count()[0]
        return Gap(
            _(
                "{ready:,} of {documents:,} documents have vectors so far, and the others are found by their words only "
                "(where no load is running: searchctl vectorize)"
            ).format(ready=documents - waiting, documents=documents)
        )

    def check(self) -> list[tuple[str, str]]:
        """Read all derived files; return the leg and the fault of each part that is damaged."""
        faults = []
        for name, leg in (("lexical", self.lexical), ("vector", self.vectors)):
            try:
                if leg is not None:
                    leg.check()
            except (DamagedPart, SearchctlError) as error:
                faults.append((name, str(error)))
        return faults

    def discard(self, leg: str, reason: str) -> None:
        """Use nothing more of a leg's damaged files: they are made anew by the next `catch_up`."""
        with self._mutex:
            lexical, vectors = leg == "lexical", self.vectors
            damaged = self.lexical.discard(reason) if lexical else bool(vectors and vectors.discard(self._store))
        if damaged:
            _log.warning("%s: the %s leg is damaged (%s); it's made anew from the documents", self._path, leg, reason)

    def close(self) -> None:
        """Let go of all files."""
        self.stopping.set()
        with self._mutex:
            self.lexical.close()
