"""The embedded engine: indexes in a folder of this machine, without a server."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from searchctl.engines.base import Finding
from searchctl.engines.embedded.folder import Folder
from searchctl.engines.embedded.index import EmbeddedIndex, make_store
from searchctl.schema import Bm25Settings, Schema
from searchctl.translation import _
from searchctl.types import (
    Document,
    Entry,
    Facet,
    FacetCounts,
    IndexInfo,
    LexicalQuery,
    Ranking,
    Rejection,
    Scope,
    VectorQuery,
)

_log = logging.getLogger(__name__)


class EmbeddedEngine:
    """Indexes below one folder, made when the first index is.

    Implements `FullEngine`, `Deferring`, `Faceting`, `Revisions`, `Retyping` and `Upkeep`.
    """

    name = "embedded"
    retypes = True

    def __init__(self, root: str | Path) -> None:
        self.folder = Folder(Path(root))
        self.url = str(root)
        self._open: dict[str, EmbeddedIndex] = {}

    def _index(self, name: str) -> EmbeddedIndex:
        path = self.folder.path(name)
        opened = self._open.get(path.name)
        if opened is not None and opened.store.database.was_replaced():  # dropped, and made anew by another process
            self._open.pop(path.name).close()
            opened = None
        if opened is None:
            opened = self._open[path.name] = EmbeddedIndex(path)
        return opened

    def create(self, index: str, schema: Schema) -> None:
        """Make an empty index; raises IndexExists."""
        with self.folder.making(index) as path:
            make_store(path, _without_bm25(index, schema))

    def resolve(self, index: str) -> str:
        """Return the name of the index that this name or alias stands for."""
        return self.folder.known_as(self.folder.path(index).name)

    def schema(self, index: str) -> Schema:
        """Return the index's stamp."""
        return self._index(index).current_schema()

    def revision(self, index: str) -> Hashable:
        """Return a value that is another one after whatever changes an answer."""
        return self._index(index).revision()

    def mark(self, index: str) -> str:
        """Return which file holds the documents, and the last numbers that it has given out."""
        store = self._index(index).store
        return " ".join(map(str, (store.database.path.stat().st_ino, *store.watermark())))

    def update_schema(self, index: str, schema: Schema, *, since: Schema | None = None) -> None:
        """Replace the stamp, or what is changed of `since`."""
        self._index(index).update_schema(_without_bm25(index, schema), since)

    def writing(self, index: str) -> AbstractContextManager[None]:
        """Hold the right to write; raises IndexLocked."""
        return self._index(index).writing()

    def write(self, index: str, entries: Sequence[Entry]) -> list[Rejection]:
        """Insert or replace documents in one durable transaction. Nothing is ever rejected here."""
        self._index(index).write(entries)
        return []

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Delete documents and return how many there were."""
        return self._index(index).delete(ids)

    def get(
        self,
        index: str,
        ids: Sequence[str],
        *,
        vectors: bool = False,
        content: bool = True,
        fields: Sequence[str] | None = None,
    ) -> list[Entry | None]:
        """Return entries in the order asked for; without `content` their ids and fingerprints, with `fields` these only."""
        store = self._index(index).store
        if fields is not None:
            return store.fields(ids, fields)
        if content:
            return store.get(ids, vectors=vectors)
        return [
            None if mark is None else Entry(Document(id), fingerprint=mark)
            for id, mark in zip(ids, store.fingerprints(ids), strict=True)
        ]

    def scan(self, index: str, *, batch: int = 500, vectors: bool = False) -> Iterator[list[Entry]]:
        """Yield all entries in the order they were written."""
        return self._index(index).store.scan(batch, vectors=vectors)

    def waiting(self, index: str) -> int:
        """Count the documents that wait for their vectors."""
        return self._index(index).waiting()

    def count(self, index: str, scope: Scope | None = None) -> int:
        """Count documents."""
        return self._index(index).count(scope)

    def search(self, index: str, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer all queries."""
        return self._index(index).search(queries)

    def facets(self, index: str, query: LexicalQuery, facets: Sequence[Facet]) -> list[FacetCounts]:
        """Count the documents that a query's words find by the values of their fields."""
        return self._index(index).facets(query, facets)

    def info(self, index: str) -> IndexInfo:
        """Return counts and size on disk."""
        opened = self._index(index)
        documents, passages = opened.size()
        size = sum(map(_size, opened.path.rglob("*")))
        name = self.folder.known_as(opened.path.name)
        led = sorted(alias for alias, target in self.folder.aliases().items() if target == opened.path.name)
        aliases = tuple(alias for alias in led if alias != name)
        return IndexInfo(name, documents, passages, size, opened.path, aliases)

    def check_files(self, index: str) -> Iterator[Finding]:
        """Read all of an index's files. What is derived and damaged is made anew."""
        opened = self._index(index)
        faults = opened.check()
        for part, reason in faults:
            if part == "store":
                fix = f"restore a dump, or move {opened.path} away and ingest again"
                yield Finding("error", "files", _("index.sqlite is damaged: {reason}").format(reason=reason), fix)
            else:
                gap = opened.gap(part)
                done = f"it couldn't be made anew: {gap}" if gap else "it was made anew from the documents"
                yield Finding(
                    "error" if gap else "warning",
                    "files",
                    _("the {part} leg was damaged ({reason}); {done}").format(part=part, reason=reason, done=done),
                )
        if not faults:
            yield Finding("ok", "files", _("all files are whole: read and compared with their checksums"))

    def compact(self, index: str) -> None:
        """Give back the space of what was removed."""
        self._index(index).compact()

    def indexes(self) -> list[IndexInfo]:
        """Return every index in the folder, by name."""
        return [self.info(name) for name in self.folder.names()]

    def alias(self, alias: str, index: str, *, keep: str | None = None) -> str | None:
        """Point an alias at an index in one step."""
        return self.folder.point(alias, index, keep)

    def drop(self, index: str) -> None:
        """Delete an index and the aliases that point at it."""
        real = self.folder.aliases().get(index, index)
        opened = self._open.pop(real, None)
        if opened is not None:
            opened.close()
        self.folder.drop(index)

    def close(self) -> None:
        """Release all files."""
        while self._open:
            self._open.popitem()[1].close()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # deleted meanwhile by a writer
        return 0


def _without_bm25(index: str, schema: Schema) -> Schema:
    """Return a stamp without BM25's parameters, which an index brought here from a server may have: tantivy's are fixed."""
    if schema.bm25 not in (None, Bm25Settings()):
        _log.warning("%s: BM25 has k1 1.2 and b 0.75 here, whatever was tuned on a server", index)
    return replace(schema, bm25=None)
