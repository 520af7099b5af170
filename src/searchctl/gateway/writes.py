"""Vectors for what an app writes through the gateway: made of the documents that the server acknowledged.

The app's request goes through as it came. Which documents it wrote stands in the server's answer, and what they say now is read
back by their ids, so that scripts, pipelines and partial updates need no second reading here. What can't be encoded in time stays
text, and `searchctl vectorize --follow` makes up for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from cachetools import TTLCache

from searchctl.engines.base import ForeignIndexes, FullEngine, Reading
from searchctl.errors import SearchctlError
from searchctl.gateway.encoding import QueryEncoder
from searchctl.lifecycle.foreign import ForeignIndex

_log = logging.getLogger(__name__)
_SECONDS = 30.0  # that an index's companions are remembered
_MOST_INDEXES = 1000
MOST_WAITING = 10_000  # documents; those of further writes are left to `vectorize --follow`
MOST_ANSWER = 32 * 2**20  # bytes of a server's answer that is read; it takes some 200 a document
_STORED = ("created", "updated")
_BATCH = 100  # documents read back, encoded and stored together
EngineOpener: TypeAlias = Callable[[], FullEngine]


@dataclass(frozen=True, slots=True)
class WrittenDocuments:
    """The ids of documents that one index acknowledged."""

    index: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VectorsOfWrites:
    """How many written documents got vectors, and how many have to wait for `vectorize --follow`."""

    encoded: int = 0
    left: int = 0

    def __add__(self, other: VectorsOfWrites) -> VectorsOfWrites:
        return VectorsOfWrites(self.encoded + other.encoded, self.left + other.left)

    def headers(self) -> list[tuple[str, str]]:
        """Return what tells the app, nothing where no written document was to get vectors."""
        if not self.encoded and not self.left:
            return []
        left = f", {self.left} left" if self.left else ""
        return [("X-Searchctl-Vectors", f"{self.encoded} encoded{left}")]


def read_written(answer: Any) -> tuple[list[WrittenDocuments], int]:
    """Read the answer to `_bulk`, `_doc`, `_create` or `_update`.

    Return the documents that were stored, by index, and how many acknowledged ones it doesn't name, as with `filter_path`.
    """
    by_index: dict[str, dict[str, None]] = {}
    unnamed = 0
    for item in _items(answer):
        if item.get("result", "updated") not in _STORED or int(item.get("status", 200)) >= 300:
            continue
        index, id = item.get("_index"), item.get("_id")
        if isinstance(index, str) and isinstance(id, str):
            by_index.setdefault(index, {})[id] = None
        else:
            unnamed += 1
    return [WrittenDocuments(index, tuple(ids)) for index, ids in by_index.items()], unnamed


def _items(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, Mapping):
        return []
    if "items" not in answer:
        return [answer] if "result" in answer or "_id" in answer else []
    bodies = [body for item in answer["items"] if isinstance(item, Mapping) for body in item.items()]
    return [body for name, body in bodies if name != "delete" and isinstance(body, Mapping) and "error" not in body]


class WrittenVectors:
    """Brings the vectors of written documents up to date, in one thread: encoding takes all cores as it is."""

    def __init__(self, opener: EngineOpener, encoder: QueryEncoder) -> None:
        self._opener = opener
        self._encoder = encoder
        self._engine: FullEngine | None = None
        self._thread = ThreadPoolExecutor(1, "searchctl-writes")
        self._companions: TTLCache[str, list[ForeignIndex]] = TTLCache(_MOST_INDEXES, _SECONDS)
        self._unseen: dict[str, ForeignIndex] = {}  # by their names, those that hold vectors that no search finds yet
        self._lock = threading.Lock()
        self._waiting = 0
        self._stopping = threading.Event()

    def submit(self, written: Sequence[WrittenDocuments], *, show: bool) -> Future[VectorsOfWrites] | None:
        """Return what will have become of the documents; None where too many wait already.

        With `show` the vectors can be searched as soon as they are stored.
        """
        count = sum(len(documents.ids) for documents in written)
        with self._lock:
            if self._waiting and self._waiting + count > MOST_WAITING:
                return None
            self._waiting += count
        return self._thread.submit(self._bring_up, written, count, show)

    def show(self) -> Future[None]:
        """Have the vectors of all writes so far be searchable; what they wait for comes first."""
        return self._thread.submit(self._show)

    def close(self) -> None:
        """Finish the batch in hand; what waits is left to `vectorize --follow`."""
        self._stopping.set()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._engine is not None:
            self._engine.close()

    def _bring_up(self, written: Sequence[WrittenDocuments], count: int, show: bool) -> VectorsOfWrites:
        try:
            total = VectorsOfWrites()
            for documents in written:
                total += self._of_index(documents)
            if show:
                self._show()
            return total
        finally:
            with self._lock:
                self._waiting -= count

    def _show(self) -> None:
        while self._unseen:
            name, companion = self._unseen.popitem()
            try:
                companion.show()
            except SearchctlError as error:
                _log.warning("%s: vectors of written documents can be searched a little later (%s)", name, error)

    def _of_index(self, documents: WrittenDocuments) -> VectorsOfWrites:
        encoded = 0
        try:
            for companion in self._beside(documents.index):
                for start in range(0, len(documents.ids), _BATCH):
                    if self._stopping.is_set():
                        return VectorsOfWrites(encoded, len(documents.ids) - start)
                    self._unseen[companion.source.home] = companion
                    work = companion.take_up(documents.index, documents.ids[start : start + _BATCH])
                    encoded += work.encoded
                    if work.refused:
                        return VectorsOfWrites(encoded, len(documents.ids) - start - work.encoded)
        except SearchctlError as error:
            _log.warning("%s: vectors of written documents are left to vectorize --follow (%s)", documents.index, error)
            self._companions.pop(documents.index, None)
            return VectorsOfWrites(encoded, len(documents.ids) - encoded)
        return VectorsOfWrites(encoded)

    def _beside(self, index: str) -> list[ForeignIndex]:
        """Return the companions of an index, none where it has no vectors or has them in its documents."""
        held = self._companions.get(index)
        if held is not None:
            return held
        if self._engine is None:
            self._engine = self._opener()
        engine = self._engine
        assert isinstance(engine, ForeignIndexes)
        companions = []
        for name, stamp in engine.companions_of(index).items():
            encoder = self._encoder.encoder_of(stamp)
            companions.append(ForeignIndex(engine, name, stamp, encoder, Reading()))
        self._companions[index] = companions
        return companions


def wants_refresh(parameters: Mapping[str, str]) -> bool:
    """Tell whether a write is to be searchable when it is answered."""
    return parameters.get("refresh", "false") != "false"
