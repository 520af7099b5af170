"""One embedded index: the store and the two legs derived from it, kept in step."""

from __future__ import annotations

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

from searchctl.engines.embedded.lexical import Found, LexicalIndex
from searchctl.engines.embedded.store import Store
from searchctl.engines.embedded.vectors import VectorIndex
from searchctl.engines.lock import WriteLock, storage_errors
from searchctl.filters import typed
from searchctl.schema import ANALYSIS, Schema
from searchctl.types import Entry, Match, Nearest, Ranking, Scope, Total

_OPENED = count()  # numbers the indexes that this process has opened
_DECIMALS = 6  # of a cosine: what float32 is sure of
_COMMIT_SECONDS = 10.0  # while a load runs, what it wrote becomes searchable this often


class EmbeddedIndex:
    """What the engine opens once per index and keeps."""

    def __init__(self, path: Path, *, create: Schema | None = None) -> None:
        self.path = path
        if create is not None:
            _make(path, create)
        self.store = Store(path / "index.sqlite")
        self.schema = self.store.schema().with_analysis(ANALYSIS)  # what is derived is made anew
        self._mutex = threading.RLock()
        self._thread, self._process = _thread(), os.getpid()
        self._lock = WriteLock(path, str(path))
        self._lexical = LexicalIndex(path / "lexical", self.schema)
        self._vectors = VectorIndex(path / "vectors", self.schema.encoder.dim) if self.schema.encoder else None
        self._seen, self._behind = -1, True
        self._opened, self._steps = next(_OPENED), 0
        self._applied_at = time.monotonic()
        self._refresh()

    def close(self) -> None:
        """Release all files."""
        with self._mutex:
            self._thread.shutdown()
            self._lexical.close()
            self.store.close()

    # Writing

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; at the end everything written is searchable."""
        self._begin_writing()
        try:
            yield
        finally:
            try:
                self._catch_up(finish=True)
            finally:
                self._lock.release()

    def _begin_writing(self) -> None:
        """Take the lock, and see first what the last writer left: applying it twice would double it."""
        self._lock.acquire()
        self._follow()

    def write(self, entries: Sequence[Entry]) -> None:
        """Store entries durably; the legs follow when `writing` ends, or with the next search where it isn't held."""
        self._begin_writing()
        try:
            self.store.write(entries, self.schema.fields)
            if not self._lock.is_nested:
                self._behind = True
            elif time.monotonic() - self._applied_at > _COMMIT_SECONDS:
                self._catch_up()
        finally:
            self._lock.release()

    def delete(self, ids: Sequence[str]) -> int:
        """Delete documents; the legs leave them out at once."""
        with self.writing():
            return self.store.delete(ids)

    def save_schema(self, schema: Schema) -> None:
        """Replace the stamp."""
        self._begin_writing()
        try:
            self.store.save_schema(schema)
            self._use_schema(schema)
        finally:
            self._lock.release()

    def _use_schema(self, schema: Schema) -> None:
        self.schema = schema
        self._lexical.stamp = schema

    def _catch_up(self, *, finish: bool = False) -> None:
        with self._mutex:
            self._lexical.catch_up(self.store)
            if self._vectors is not None:
                self._vectors.catch_up(self.store)
                if finish:
                    self._vectors.optimise(self.store)
            if finish:
                self._lexical.release_writer()
            self._seen, self._behind = self.store.version(), False
            self._steps += 1
            self._applied_at = time.monotonic()

    def _refresh(self) -> None:
        """Follow what other processes wrote; finish the work of one that died."""
        with self._mutex:
            self._follow()
            if self._behind and not self.store.read_only and self._lock.try_acquire():
                try:
                    self._follow()
                    self._catch_up(finish=True)
                finally:
                    self._lock.release()

    def _follow(self) -> None:
        """See what other processes have committed: to the store, and after that to what is derived."""
        with self._mutex:
            version = self.store.version()
            if version == self._seen and not self._behind:
                return
            self._use_schema(self.store.schema().with_analysis(ANALYSIS))
            self._lexical.reload()
            if self._vectors is not None:
                self._vectors.refresh(self.store)
            self._seen, self._behind = version, self._lags()
            self._steps += 1

    def _lags(self) -> bool:
        mark = self.store.watermark()
        return self._lexical.lags(mark) or (self._vectors is not None and self._vectors.lags(mark))

    # Reading

    def search(self, queries: Sequence[Match | Nearest]) -> list[Ranking]:
        """Answer all queries; those about the same scope share its evaluation.

        The legs run side by side: tantivy and faiss both let other threads work meanwhile.
        """
        matches = {place: query for place, query in enumerate(queries) if isinstance(query, Match)}
        nearest = {place: query for place, query in enumerate(queries) if isinstance(query, Nearest)}
        with self._mutex:
            self._refresh()
            if not (matches and nearest):
                found = self._all_matches(matches) | self._all_nearest(nearest)
            else:
                beside = self._beside().submit(self._all_nearest, nearest)
                try:
                    found = self._all_matches(matches)
                finally:
                    beside.exception()  # is waited for: nothing reads the index any more once the mutex is let go
                found |= beside.result()
        return [found[place] for place in range(len(queries))]

    def _beside(self) -> ThreadPoolExecutor:
        """Return the thread of the vector leg; a process that was forked hasn't its parent's, and would wait for it forever."""
        if self._process != os.getpid():
            self._thread, self._process = _thread(), os.getpid()
        return self._thread

    def revision(self) -> Hashable:
        """Return a value that is another one after every write, whoever's, and every step by which the legs follow."""
        self._refresh()
        return self._opened, self._steps, self.store.changes

    def _all_matches(self, queries: Mapping[int, Match]) -> dict[int, Ranking]:
        return {place: self._match(query) for place, query in queries.items()}

    def _all_nearest(self, queries: Mapping[int, Nearest]) -> dict[int, Ranking]:
        groups: dict[tuple[str, int], list[int]] = {}
        for place, query in queries.items():
            scope = repr(query.scope)  # tells 1 from True, as equality doesn't
            groups.setdefault((scope, query.k), []).append(place)
        found: dict[int, Ranking] = {}
        for (_, k), places in groups.items():
            rows = self._scope_rows(queries[places[0]].scope)
            vectors = [queries[place].vector for place in places]
            found.update(zip(places, self._nearest(vectors, k, rows), strict=True))
        return found

    def _match(self, query: Match) -> Ranking:
        began = time.perf_counter()
        statistics = None if query.synonyms else self._lexical.statistics(query.text)
        if query.k == 0:
            return Ranking((), np.zeros(0), (), Total(0, "gte"), statistics=statistics)
        hits = self._lexical.search(query, self._condition_rows(query.scope))
        ranking = self._ranking(Found(hits.rows, hits.scores, hits.total), None, began)
        return replace(ranking, statistics=statistics)

    def _nearest(self, vectors: Sequence[NDArray[np.float32]], k: int, rows: NDArray[np.int64] | None) -> list[Ranking]:
        if self._vectors is None:
            return [Ranking((), np.zeros(0), (), Total(0)) for _ in vectors]
        began = time.perf_counter()
        total = Total(len(rows) if rows is not None else self.store.count()[0])
        found = self._vectors.search(vectors, k, rows)
        return [  # rounded, since a product's last digits depend on how many vectors were asked at once
            self._ranking(Found(one.rows, np.round(one.scores, _DECIMALS), total), one.ordinals, began) for one in found
        ]

    def _ranking(self, found: Found, ordinals: NDArray[np.int32] | None, began: float) -> Ranking:
        ids = self.store.ids(found.rows.tolist())
        best = [-1] * len(ids) if ordinals is None else ordinals.tolist()
        hits = [
            (score, id, ordinal)
            for score, id, ordinal in zip((-found.scores).tolist(), ids, best, strict=True)
            if id is not None  # deleted meanwhile
        ]
        hits.sort()
        scores = -np.array([score for score, _, _ in hits], dtype=np.float64)
        took = (time.perf_counter() - began) * 1000
        return Ranking(
            tuple([id for _, id, _ in hits]), scores, tuple([ordinal for _, _, ordinal in hits]), found.total, took
        )

    def _condition_rows(self, scope: Scope) -> NDArray[np.int64] | None:
        if scope.filter is None:
            return None
        return self.store.matching(typed(scope.filter, self.schema.fields), self.schema.fields)

    def _scope_rows(self, scope: Scope) -> NDArray[np.int64] | None:
        rows = self._condition_rows(scope)
        if not (scope.required or scope.excluded):
            return rows
        matching = self._lexical.matching(scope.required, scope.excluded)
        return matching if rows is None else np.intersect1d(rows, matching, assume_unique=True)

    def count(self, scope: Scope | None) -> int:
        """Count documents in a scope."""
        if not scope:
            return self.size()[0]
        self._refresh()
        with self._mutex:
            rows = self._scope_rows(scope)
            return 0 if rows is None else len(rows)

    def size(self) -> tuple[int, int]:
        """Count documents and passages."""
        self.store.version()
        return self.store.count()


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "searchctl-vectors")


def _make(path: Path, schema: Schema) -> None:
    """Make an empty store that is there whole or not at all: others may be looking for it."""
    with storage_errors(path):
        for left in path.glob("index.sqlite.new*"):  # of a process that died
            left.unlink()
        Store(path / "index.sqlite.new", create=schema).close()
        os.replace(path / "index.sqlite.new", path / "index.sqlite")
