"""The vector leg of an embedded index: a flat file of vectors scanned exactly, and an HNSW graph over it when it's large.

Derived from the store. The graph may lag behind the flat file, and the flat file behind the store: what a part hasn't seen
yet is scanned exactly, so an answer never misses a document.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.folder import read_json, write_json
from searchctl.engines.embedded.store import PassageVector, Store, Watermark
from searchctl.engines.lock import storage_errors
from searchctl.types import Json, Vector, Vectors

VECTOR_FORMAT = 1
EXACT_ROWS = 20_000  # up to here a scan is as quick as the graph and exact
_BATCH = 4096
_NEIGHBOURS = 32
_BUILD_WIDTH = 100
_SEARCH_WIDTH = 128
_QUERIES_AT_ONCE = 32
_COMPACT_DEAD = 0.3  # share of dead rows at which the flat file is written anew


def _faiss() -> Any:
    """Import faiss when the first graph is needed: small indexes never pay for it. Its stubs lack what is used here."""
    return importlib.import_module("faiss")


class FoundPassages(NamedTuple):
    """The best passage of each of the nearest documents, best first: document rows, cosines, passage ordinals."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    ordinals: NDArray[np.int32]


class VectorIndex:
    """Vectors of all passages, by row of their document."""

    def __init__(self, path: Path, dim: int) -> None:
        self._path = path
        self._dim = dim
        self._graph: Any = None
        self._graph_rows = 0
        self._open()

    def _open(self) -> None:
        state = read_json(self._path / "state.json") or {}
        current = state.get("format") == VECTOR_FORMAT and state.get("dim") == self._dim
        self.passage: int = state["passage"] if current else 0
        self.tombstone: int = state["tombstone"] if current else 0
        self._generation: int = state.get("generation", 0) if current else 0
        self._rows: int = state["rows"] if current else 0
        self._graph_covers: int = state["graph"] if current else 0
        self.stale = not current
        self._map()
        self._dead: NDArray[np.int64] = np.zeros(0, np.int64)
        self._tail_passage = self.passage
        self._tail: list[PassageVector] = []
        self._join()

    def _file(self, name: str) -> Path:
        return self._path / f"{self._generation}.{name}"

    def _map(self) -> None:
        self._flat: Vectors = np.zeros((0, self._dim), np.float32)
        self._flat_documents: NDArray[np.int64] = np.zeros(0, np.int64)
        self._flat_ordinals: NDArray[np.int32] = np.zeros(0, np.int32)
        if self._rows:
            with storage_errors(self._path):
                mapped = np.memmap(self._file("vectors"), "<f4", "r", shape=(self._rows, self._dim))
                self._flat = np.asarray(mapped)  # which is quicker to index than a memmap
                self._flat_documents = np.fromfile(self._file("documents"), "<i8", self._rows)
                self._flat_ordinals = np.fromfile(self._file("ordinals"), "<i4", self._rows)

    def _join(self) -> None:
        """Put the flat file and the tail read from the store together."""
        tail = self._tail
        vectors = np.frombuffer(b"".join(one.vector for one in tail), "<f4").reshape(len(tail), self._dim)
        self._blocks: list[Vectors] = [block for block in (self._flat, vectors) if len(block)]
        self._documents = np.concatenate([self._flat_documents, np.array([one.document for one in tail], np.int64)])
        self._ordinals = np.concatenate([self._flat_ordinals, np.array([one.ordinal for one in tail], np.int32)])
        self._per_document = len(self._documents) / max(1, int(np.count_nonzero(np.diff(self._documents))) + 1)
        alive = ~np.isin(self._documents, self._dead) if len(self._dead) else None
        self._alive = None if alive is None or alive.all() else alive

    def __len__(self) -> int:
        return len(self._documents)

    # Following the store

    def refresh(self, store: Store) -> None:
        """See what the store has gained and lost, without writing anything."""
        state = read_json(self._path / "state.json") or {}
        if state and state != self._state():
            self._graph = None
            self._open()
        found = store.vectors_after(self._tail_passage, _BATCH)
        while found:
            self._tail += found
            self._tail_passage = found[-1].passage
            found = store.vectors_after(self._tail_passage, _BATCH)
        self._dead = np.array(store.tombstones_after(self.tombstone), np.int64)
        self._join()

    def lags(self, mark: Watermark) -> bool:
        """Tell whether passages wait to be appended; removals are looked up in the store."""
        return self.passage != mark.passage

    def catch_up(self, store: Store) -> None:
        """Append the store's new vectors to the flat file. The caller holds the writer's lock."""
        mark = store.watermark()
        if self.stale or self.passage > mark.passage or self.tombstone > mark.tombstone:
            self._reset(mark.tombstone)
        if self.passage < mark.passage:
            with storage_errors(self._path):
                self._append(store)
            self.passage = self._tail_passage = max(self.passage, mark.passage)
            self._tail = []
            self._save()
            self._map()
        self.refresh(store)

    def _append(self, store: Store) -> None:
        for name, size in (("vectors", 4 * self._dim), ("documents", 8), ("ordinals", 4)):
            path = self._file(name)
            path.touch()
            os.truncate(path, self._rows * size)  # what a crash left beyond the last state
        with (
            self._file("vectors").open("ab") as vectors,
            self._file("documents").open("ab") as documents,
            self._file("ordinals").open("ab") as ordinals,
        ):
            while found := store.vectors_after(self.passage, _BATCH):
                vectors.write(b"".join(one.vector for one in found))
                documents.write(np.array([one.document for one in found], "<i8").tobytes())
                ordinals.write(np.array([one.ordinal for one in found], "<i4").tobytes())
                self._rows += len(found)
                self.passage = found[-1].passage
            for file in (vectors, documents, ordinals):
                file.flush()
                os.fsync(file.fileno())

    def _reset(self, tombstone: int) -> None:
        self._graph = None
        shutil.rmtree(self._path, ignore_errors=True)
        with storage_errors(self._path.parent):
            self._path.mkdir(parents=True)
        self._open()
        self.stale, self.tombstone = False, tombstone
        self._save()

    def _state(self) -> Json:
        return {
            "format": VECTOR_FORMAT,
            "dim": self._dim,
            "generation": self._generation,
            "rows": self._rows,
            "passage": self.passage,
            "tombstone": self.tombstone,
            "graph": self._graph_covers,
        }

    def _save(self) -> None:
        write_json(self._path / "state.json", self._state())

    def optimise(self, store: Store) -> None:
        """At the end of a load: drop dead rows when there are many, and extend the graph when what it lacks is long."""
        dead = 0 if self._alive is None else len(self) - int(self._alive.sum())
        if dead > EXACT_ROWS // 20 and dead > _COMPACT_DEAD * len(self):
            self._compact(store)
        if self._rows - self._graph_covers > EXACT_ROWS:
            self._extend_graph()

    def _compact(self, store: Store) -> None:
        mark = store.watermark()
        old = list(self._path.glob(f"{self._generation}.*"))
        self._generation, self._rows, self._graph_covers, self._graph = self._generation + 1, 0, 0, None
        self.passage, self.tombstone = 0, mark.tombstone
        with storage_errors(self._path):
            self._append(store)
        self.passage = self._tail_passage = mark.passage
        self._save()
        self._map()
        self.refresh(store)
        for path in old:
            path.unlink(missing_ok=True)

    def _extend_graph(self) -> None:
        faiss = _faiss()
        graph = self._load_graph() if self._graph_covers else None
        if graph is None:
            graph = faiss.IndexHNSWSQ(self._dim, faiss.ScalarQuantizer.QT_8bit, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efConstruction = _BUILD_WIDTH
            sample = np.linspace(0, self._rows - 1, min(self._rows, EXACT_ROWS)).astype(np.int64)
            graph.train(np.ascontiguousarray(self._flat[sample]))
            self._graph_covers = 0
        for start in range(self._graph_covers, self._rows, _BATCH):
            graph.add(np.ascontiguousarray(self._flat[start : min(start + _BATCH, self._rows)]))
        temporary = self._file("graph.tmp")
        with storage_errors(self._path):
            faiss.write_index(graph, str(temporary))
            os.replace(temporary, self._file("graph"))
        self._graph, self._graph_covers = graph, self._rows
        self._save()

    def _load_graph(self) -> Any:
        if self._graph is None and self._graph_covers:
            self._graph = _faiss().read_index(str(self._file("graph")))
        return self._graph

    # Searching

    def search(self, queries: Sequence[Vector], k: int, rows: NDArray[np.int64] | None) -> list[FoundPassages]:
        """Return for each query the `k` documents nearest to it among document `rows` (ascending; None: all)."""
        mask = self._alive
        if rows is not None:
            among = np.isin(self._documents, rows)
            mask = among if mask is None else mask & among
        allowed = len(self) if mask is None else int(mask.sum())
        if not allowed:
            return [FoundPassages(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32)) for _ in queries]
        if not self._graph_covers or allowed <= EXACT_ROWS:
            return self._scan(queries, k, mask, allowed)
        return [self._search_graph(query, k, mask) for query in queries]

    def _scan(
        self, queries: Sequence[Vector], k: int, mask: NDArray[np.bool_] | None, allowed: int
    ) -> list[FoundPassages]:
        picked = None if mask is None or allowed > len(self) // 2 else np.flatnonzero(mask)
        found = []
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            part = np.stack(queries[start : start + _QUERIES_AT_ONCE]).astype(np.float32)
            scores = self._scores(part, picked)
            if picked is None and mask is not None:
                scores[:, ~mask] = -np.inf
            found += [self._best(row, picked, k, allowed) for row in scores]
        return found

    def _scores(self, queries: Vectors, picked: NDArray[np.int64] | None) -> NDArray[np.float32]:
        if picked is not None:
            return np.asarray(queries @ self._take(picked).T)
        return np.concatenate([queries @ block.T for block in self._blocks], axis=1)

    def _take(self, picked: NDArray[np.int64]) -> Vectors:
        inside = picked < self._rows
        if inside.all():
            return self._flat[picked]
        return np.concatenate([self._flat[picked[inside]], self._blocks[-1][picked[~inside] - self._rows]])

    def _best(
        self, scores: NDArray[np.float32], picked: NDArray[np.int64] | None, k: int, allowed: int
    ) -> FoundPassages:
        """Keep each document's best passage, and the `k` best documents."""
        take = min(2 * k + 16, allowed)
        while True:
            top = np.argpartition(-scores, take - 1)[:take] if take < len(scores) else np.arange(len(scores))
            top = top[np.argsort(-scores[top], kind="stable")][:take]
            places = top if picked is None else picked[top]
            _, first = np.unique(self._documents[places], return_index=True)
            if len(first) >= k or take >= allowed:
                first = np.sort(first)[:k]
                return FoundPassages(
                    self._documents[places[first]], scores[top[first]].astype(np.float64), self._ordinals[places[first]]
                )
            take = min(2 * take, allowed)

    def _search_graph(self, query: Vector, k: int, mask: NDArray[np.bool_] | None) -> FoundPassages:
        """Ask the graph; where a few documents' passages crowd out the rest ask it for more, and in the end scan."""
        tail = np.arange(self._graph_covers, len(self))
        tail = tail if mask is None else tail[mask[tail]]
        usual = k if self._per_document == 1 else int(1.3 * self._per_document * k) + 16
        for want in (usual, 4 * usual):
            places = np.concatenate([self._near(query, min(want, self._graph_covers), mask), tail])
            best = self._best(self._take(places) @ query, places, k, len(places))
            if len(best.rows) == k:
                return best
        return self._scan([query], k, mask, len(self) if mask is None else int(mask.sum()))[0]

    def _near(self, query: Vector, want: int, mask: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return the places of about `want` passages near the query, from the graph."""
        faiss = _faiss()
        wide = {"efSearch": max(_SEARCH_WIDTH, want)}
        if mask is not None:
            bits = np.packbits(mask[: self._graph_covers], bitorder="little")
            wide["sel"] = faiss.IDSelectorBitmap(self._graph_covers, faiss.swig_ptr(bits))
        parameters = faiss.SearchParametersHNSW(**wide)
        _, near = self._load_graph().search(np.ascontiguousarray(query[None, :], np.float32), want, params=parameters)
        return np.asarray(near[0][near[0] >= 0])
