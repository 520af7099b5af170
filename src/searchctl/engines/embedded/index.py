"""One embedded index: the store and the two legs derived from it, kept in step."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.columns import ColumnCache
from searchctl.engines.embedded.filter_cache import FilterCache
from searchctl.engines.embedded.legs import DerivedLegs, Stopped
from searchctl.engines.embedded.lexical_queries import LexicalReader, MatchingRows
from searchctl.engines.embedded.rows import RowSet
from searchctl.engines.embedded.sealed import NearestPassages
from searchctl.engines.embedded.segments import DamagedPart
from searchctl.engines.embedded.store import Store
from searchctl.engines.lock import WriteLock
from searchctl.engines.storage import storage_errors
from searchctl.errors import EncoderMismatch, StorageError
from searchctl.files import sync_folder
from searchctl.schema import ANALYSIS, Schema
from searchctl.translation import _
from searchctl.types import (
    Entry,
    Facet,
    FacetCounts,
    FacetScope,
    Gap,
    LexicalQuery,
    Ranking,
    Scope,
    TermStatistics,
    Total,
    VectorQuery,
)

_OPENED = count()  # numbers the indexes that this process has opened
_DECIMALS = 5  # of a cosine: below, float32 and the number of vectors asked at once decide
_COMMIT_SECONDS = 10.0  # while a load runs, what it wrote becomes searchable this often
_FIRST_COMMIT_SECONDS = 2.0  # and for the first time after this
_REPLACING_COMMIT_SECONDS = 1.0  # or this often, where documents replace others, which can't be found until then
_INLINE = 20_000  # up to so many documents a reader catches up before it answers; beyond, beside that
_log = logging.getLogger(__name__)


class EmbeddedIndex:
    """What the engine opens once per index and keeps. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = Store(path / "index.sqlite")
        self.schema = self.store.schema().with_analysis(ANALYSIS)  # what is derived is made anew
        self._gate = threading.Condition()
        self._users, self._closed = 0, False
        self._thread, self._process = _thread(), os.getpid()
        self._builder: threading.Thread | None = None
        self._lock = WriteLock(path, str(path))
        self._legs = DerivedLegs(path, self.store, self.schema)
        self._filters = FilterCache(self.store)
        self._columns = ColumnCache(self.store)
        self._following = threading.RLock()
        self._seen, self._behind = -1, True
        self._opened, self._steps = next(_OPENED), 0
        self._last_commit = time.monotonic()
        self._next_commit = time.monotonic() + _FIRST_COMMIT_SECONDS
        self._told: set[str] = set()
        self._refresh()

    def close(self) -> None:
        """Release all files, after the searches under way."""
        self._legs.stopping.set()
        with self._gate:
            if self._process == os.getpid():  # in a forked process the parent's threads don't run
                self._gate.wait_for(lambda: not self._users)
            self._closed = True
        if self._builder is not None and self._process == os.getpid():
            self._builder.join()
        self._thread.shutdown()
        self._legs.close()
        self.store.close()
        self._lock.abandon()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Keep the files open during the block; raises StorageError when they're closed."""
        with self._gate:
            if self._closed:
                raise StorageError(_("{path} was closed; open the index again").format(path=self.path))
            self._users += 1
        try:
            yield
        finally:
            with self._gate:
                self._users -= 1
                self._gate.notify_all()

    # Writing

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; at the end everything written is searchable."""
        self._begin_writing()
        try:
            if not self._lock.is_nested:
                self._next_commit = time.monotonic() + _FIRST_COMMIT_SECONDS
            yield
        finally:
            try:
                self._catch_up(finish=True)
                if not self._lock.is_nested:
                    self._tidy()
            finally:
                self._lock.release()

    def _tidy(self) -> None:
        """Give space back when it's much; what keeps that from happening now doesn't matter.

        Once all vectors are made the words are indexed anew: each document was replaced, and those removed count in statistics.
        """
        try:
            if self.store.settle():
                self._legs.renew_words()
                self._catch_up()
            if self.store.database.is_wasteful():
                self.store.database.vacuum()
        except StorageError as error:
            _log.debug("%s: isn't tidied now (%s)", self.path, error)

    def _begin_writing(self) -> None:
        """Take the lock, and see first what the last writer left."""
        self._lock.acquire()
        try:
            self._follow()
        except BaseException:
            self._lock.release()
            raise

    def write(self, entries: Sequence[Entry]) -> None:
        """Store entries durably; the legs follow when `writing` ends, or with the next search where it isn't held."""
        self._begin_writing()
        try:
            if self.store.write(entries, self.schema.fields):
                soon = self._last_commit + _REPLACING_COMMIT_SECONDS
                self._next_commit = min(self._next_commit, soon)
            if not self._lock.is_nested:
                self._behind = True
            elif time.monotonic() > self._next_commit:
                self._catch_up()
        finally:
            self._lock.release()

    def delete(self, ids: Sequence[str]) -> int:
        """Delete documents; the legs leave them out at once."""
        with self.writing():
            return self.store.delete(ids)

    def update_schema(self, schema: Schema, since: Schema | None) -> None:
        """Replace the stamp, or what is changed of `since`."""
        self._begin_writing()
        try:
            self.schema = self.store.update_schema(schema, since).with_analysis(ANALYSIS)
            self._legs.lexical.stamp = self.schema
            self._steps += 1
        finally:
            self._lock.release()

    def current_schema(self) -> Schema:
        """Return the stamp as it is now, whoever wrote it last."""
        self._follow()
        return self.schema

    def _catch_up(self, *, finish: bool = False) -> None:
        self._legs.catch_up(finish=finish)
        with self._following:
            self._seen, self._behind = self.store.version(), False
            self._steps += 1
            self._last_commit = time.monotonic()
            self._next_commit = self._last_commit + _COMMIT_SECONDS

    def compact(self) -> None:
        """Give back the space of what was removed: in both legs and in the store. Raises IndexLocked."""
        self._begin_writing()
        try:
            self.store.shrink_vectors()
            self._legs.compact()
            self.store.forget_removals()
            self.store.database.vacuum()
            self._catch_up(finish=True)
        finally:
            self._lock.release()

    # Following

    def _refresh(self) -> None:
        """Follow what other processes wrote; finish the work of one that died.

        What can't be written now, on a full disk or a read-only one, keeps nobody from reading.
        """
        self._follow()
        if not self._behind or self.store.read_only:
            return
        if self._legs.lag > _INLINE:
            self._catch_up_beside()
        elif self._lock.try_acquire():
            try:
                self._follow()
                self._catch_up(finish=not self._lock.is_nested)
            except StorageError as error:
                self._tell(str(error))
            finally:
                self._lock.release()

    def _follow(self) -> None:
        """See what other processes have committed: to the store, and after that to what is derived."""
        with self._following:
            version = self.store.version()
            if version == self._seen and not self._behind:
                return
            self.schema = self.store.schema().with_analysis(ANALYSIS)
            self._legs.follow(self.schema)
            self._seen, self._behind = version, bool(self._legs.lag or self._legs.lexical.refusal)
            self._steps += 1

    def _catch_up_beside(self) -> None:
        """Let a thread catch up with much, and answer meanwhile from what there is."""
        if (self._builder is None or not self._builder.is_alive()) and self._lock.try_acquire():
            self._builder = threading.Thread(target=self._build, name="searchctl-legs", daemon=True)
            self._builder.start()

    def _build(self) -> None:
        try:
            self._catch_up(finish=True)
        except Stopped:
            return
        except StorageError as error:
            self._tell(str(error))
        finally:
            self._lock.release()

    def refresh(self) -> None:
        """Make everything written searchable now, however long it takes. Raises IndexLocked, StorageError."""
        with self.writing():
            pass

    def check(self) -> list[tuple[str, str]]:
        """Read all files; return what is damaged as the part's name and what is wrong with it. What is derived is made anew."""
        faults = [("store", fault) for fault in self.store.check()]
        with self._in_use():
            derived = self._legs.check()
            for leg, reason in derived:
                self._legs.discard(leg, reason)
            self._behind = self._behind or bool(derived)
            self._refresh()
        return faults + derived

    def gap(self, leg: str) -> str:
        """Return what a leg ("lexical" or "vector") lacks now, empty for nothing."""
        gap = self._legs.lexical_gap() if leg == "lexical" else self._legs.vector_gap()
        return gap.reason if gap is not None else ""

    def _tell(self, message: str) -> None:
        """Say once what keeps a leg from being whole."""
        if message not in self._told:
            self._told.add(message)
            _log.warning("%s: %s", self.path, message)

    # Reading

    def search(self, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer all queries; those about the same scope share its evaluation, and vectors of one scope are searched at once.

        The legs run side by side: tantivy and faiss both let other threads work meanwhile. Raises StorageError when the only
        leg that is asked can't be searched.
        """
        matches = {place: query for place, query in enumerate(queries) if isinstance(query, LexicalQuery)}
        nearest = {place: query for place, query in enumerate(queries) if isinstance(query, VectorQuery)}
        with self._in_use():
            self._refresh()
            for query in queries:  # once, before both legs ask for it
                self._filter_rows(query.scope)
            if not (matches and nearest):
                rankings = self._all_matches(matches) | self._all_nearest(nearest)
            else:
                beside = self._beside().submit(self._all_nearest, nearest)
                try:
                    rankings = self._all_matches(matches)
                finally:
                    beside.exception()  # is waited for: nothing reads the index any more once it's let go
                rankings |= beside.result()
        documents = any(query.k for query in matches.values())  # or only statistics are asked for
        self._check_gaps(list(rankings.values()), alone=documents and not (nearest and self._legs.vectors))
        return [rankings[place] for place in range(len(queries))]

    def _check_gaps(self, rankings: Sequence[Ranking], *, alone: bool) -> None:
        for gap in {ranking.gap for ranking in rankings if ranking.gap is not None}:
            if gap.whole and alone:
                raise StorageError(f"{self.path}: {gap.reason}")
            if gap.whole:
                self._tell(gap.reason)

    def _beside(self) -> ThreadPoolExecutor:
        """Return the thread of the vector leg; a process that was forked hasn't its parent's, and would wait for it forever."""
        if self._process != os.getpid():
            self._thread, self._process, self._users = _thread(), os.getpid(), 1
        return self._thread

    def revision(self) -> Hashable:
        """Return a value that is another one after every write, whoever's, and every step by which the legs follow."""
        self._refresh()
        return self._opened, self._steps, self.store.changes

    def _all_matches(self, queries: Mapping[int, LexicalQuery]) -> dict[int, Ranking]:
        return {place: self._match(query) for place, query in queries.items()}

    def _all_nearest(self, queries: Mapping[int, VectorQuery]) -> dict[int, Ranking]:
        groups: dict[tuple[str, int], list[int]] = {}
        for number, query in queries.items():
            self._check_dimension(query)
            groups.setdefault((repr(query.scope), query.k), []).append(number)  # which tells 1 from True
        rankings: dict[int, Ranking] = {}
        for (_ignored, k), numbers in groups.items():
            rows = self._scope_rows(queries[numbers[0]].scope)
            vectors = [queries[place].vector for place in numbers]
            rankings.update(zip(numbers, self._nearest(vectors, k, rows), strict=True))
        return rankings

    def _check_dimension(self, query: VectorQuery) -> None:
        """Raise EncoderMismatch for a vector of another encoder: as of one that was replaced since the query was encoded."""
        stamp = self.schema.encoder
        if stamp is not None and len(query.vector) != stamp.dim:
            raise EncoderMismatch(
                _(
                    "{path}: the query's vector has {count} numbers, and those of the index have {dim}; encode "
                    "queries with {name}"
                ).format(path=self.path, count=len(query.vector), dim=stamp.dim, name=stamp.name)
            )

    def _match(self, query: LexicalQuery) -> Ranking:
        try:
            return self._asked_match(query)
        except DamagedPart as error:
            self._mend("lexical", error)
        try:
            return self._asked_match(query)
        except DamagedPart as error:
            raise StorageError(
                _("{path}: its words can't be searched ({error}); check the disk").format(path=self.path, error=error)
            ) from error

    def _asked_match(self, query: LexicalQuery) -> Ranking:
        began = time.perf_counter()
        reader = self._legs.lexical.reader
        gap = self._legs.lexical_gap()
        if reader is None:
            return Ranking((), np.zeros(0), (), Total(0), statistics=TermStatistics(0, {}), gap=gap)
        statistics = None if query.synonyms else reader.statistics(query.text)
        if query.k == 0:
            return Ranking((), np.zeros(0), (), Total(0, "gte"), statistics=statistics, gap=gap)
        ranking = self._ranking(reader.search(query, self._filter_rows(query.scope)), None, began)
        return replace(ranking, statistics=statistics, gap=gap)

    def _nearest(self, vectors: Sequence[NDArray[np.float32]], k: int, rows: RowSet | None) -> list[Ranking]:
        if self._legs.vectors is None:
            return [Ranking((), np.zeros(0), (), Total(0)) for _ignored in vectors]
        began = time.perf_counter()
        try:
            answers = self._legs.vectors.search(self.store, vectors, k, rows)
        except DamagedPart as error:
            self._mend("vector", error)
            try:
                answers = self._legs.vectors.search(self.store, vectors, k, rows)
            except DamagedPart as again:
                raise StorageError(
                    _("{path}: its vectors can't be searched ({again}); check the disk").format(
                        path=self.path, again=again
                    )
                ) from again
        gap = self._legs.vector_gap() or self._legs.deferred_gap()
        total = Total(len(rows) if rows is not None else self.store.count()[0])
        return [self._vector_ranking(answer, total, began, gap) for answer in answers]

    def _vector_ranking(self, answer: NearestPassages, total: Total, began: float, gap: Gap | None) -> Ranking:
        scores = np.round(answer.scores, _DECIMALS)
        return replace(self._ranking(MatchingRows(answer.rows, scores, total), answer.ordinals, began), gap=gap)

    def _mend(self, leg: str, error: DamagedPart) -> None:
        """Make a leg anew whose files turn out to be damaged, at once where it's small; else it's missing for a while."""
        self._legs.discard(leg, str(error))
        self._behind = True
        self._refresh()

    def _ranking(self, matching: MatchingRows, ordinals: NDArray[np.int32] | None, began: float) -> Ranking:
        ids = self.store.ids(matching.rows.tolist())
        best = [-1] * len(ids) if ordinals is None else ordinals.tolist()
        hits = [
            (score, id, ordinal)
            for score, id, ordinal in zip((-matching.scores).tolist(), ids, best, strict=True)
            if id is not None  # deleted meanwhile
        ]
        hits.sort()
        scores = -np.array([score for score, _ignored, _ignored in hits], dtype=np.float64)
        took = (time.perf_counter() - began) * 1000
        return Ranking(
            tuple([id for _ignored, id, _ignored in hits]),
            scores,
            tuple([ordinal for _ignored, _ignored, ordinal in hits]),
            matching.total,
            took,
        )

    def _filter_rows(self, scope: Scope) -> RowSet | None:
        if scope.filter is None:
            return None
        return self._filters.rows(scope.filter, self.schema.fields, self._steps)

    def _scope_rows(self, scope: Scope) -> RowSet | None:
        rows = self._filter_rows(scope)
        if not (scope.required or scope.excluded):
            return rows
        matching = self._reader().matching(scope.required, scope.excluded)
        return RowSet(matching if rows is None else np.intersect1d(rows.rows, matching, assume_unique=True))

    def _reader(self) -> LexicalReader:
        """Return the lexical leg's reader; raises StorageError where its words can't be searched."""
        reader = self._legs.lexical.reader
        if reader is None:
            gap = self._legs.lexical_gap()
            raise StorageError(f"{self.path}: {gap.reason if gap else 'try again'}")
        return reader

    def facets(self, query: LexicalQuery, facets: Sequence[Facet]) -> list[FacetCounts]:
        """Count the documents that hold words of a query, without words all of its scope, by their values."""
        with self._in_use():
            self._refresh()
            matching = self._reader().found(query) if query.text or query.synonyms else None
            if matching is None:
                scope = self._scope_rows(query.scope)
                among = RowSet(self.store.rows()) if scope is None else scope
            else:
                rows = self._filter_rows(query.scope)
                among = RowSet(matching if rows is None else np.intersect1d(rows.rows, matching, assume_unique=True))
            counts: FacetScope = "scope" if matching is None else "lexical"
            return self._columns.counted(facets, self.schema.fields, among, counts, self._steps)

    def count(self, scope: Scope | None) -> int:
        """Count documents in a scope."""
        if not scope:
            return self.size()[0]
        with self._in_use():
            self._refresh()
            rows = self._scope_rows(scope)
            return 0 if rows is None else len(rows)

    def waiting(self) -> int:
        """Count the documents that wait for their vectors."""
        self.store.version()
        return self.store.waiting()

    def size(self) -> tuple[int, int]:
        """Count documents and passages."""
        self.store.version()
        return self.store.count()


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "searchctl-vectors")


def make_store(path: Path, schema: Schema) -> None:
    """Make an empty store that is there whole or not at all: others may be looking for it."""
    with storage_errors(path):
        for left in path.glob("index.sqlite.new*"):  # of a process that died
            left.unlink()
        Store(path / "index.sqlite.new", create=schema).close()
        os.replace(path / "index.sqlite.new", path / "index.sqlite")
        sync_folder(path)
