"""The lexical leg of an embedded index: BM25 by tantivy, derived from the store.

How far it has followed the store is read from tantivy's own commit: the last row it holds. The notes beside it only add what
a commit can't tell, and count for that commit alone. So no crash can apply anything twice: what is lost is applied again.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tantivy

from searchctl.engines.embedded.lexical_queries import Analysis, LexicalReader
from searchctl.engines.embedded.segments import DamagedPart
from searchctl.engines.embedded.shadow import Shadow
from searchctl.engines.embedded.store import Store, Text, Watermark
from searchctl.engines.embedded.tantivy_files import (
    REFUSED,
    Meta,
    SystemRefusal,
    check_files,
    read_meta,
    share,
    sweep,
    tantivy_errors,
    version,
)
from searchctl.engines.storage import read_notes, storage_errors, write_notes
from searchctl.errors import StorageError
from searchctl.files import sync_folder
from searchctl.schema import Schema
from searchctl.text.folding import searchable
from searchctl.text.searched import searched_texts
from searchctl.translation import _
from searchctl.types import Document

LEXICAL_FORMAT = (
    4  # 1 kept what was deleted; 2 had no `literal` and no keys of codes; 3 counted what a commit might not hold
)
_BATCH = 2000
_COMMIT_ROWS = 100_000
_HEAP = 64_000_000
_GARBAGE = 0.3  # share of removed documents from which on it's made anew by itself
_LEAST_GARBAGE = 1000
_PATIENCE = 0.5  # seconds
_PAUSE = 0.01
_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


class LexicalIndex:
    """A tantivy index in a folder. `document` and `tombstone` say how far it has followed the store.

    `damage` says why nothing of it can be used until it's made anew, `refusal` why it can't be opened here; else both are empty.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        self._state_path = path / "state.json"
        self._analysis = Analysis(schema.analyzer)
        self._writer: tantivy.IndexWriter | None = None
        self._index: tantivy.Index | None = None
        self._shadow: Shadow | None = None
        self.reader: LexicalReader | None = None
        self.stamp = schema
        self.document = self.tombstone = 0
        self.damage = self.refusal = ""
        self._verified = False
        self._version: tuple[int, ...] = ()
        self._broken: tuple[int, ...] | None = None  # the version of the files that turned out to be damaged
        self._open()

    def _open(self) -> None:
        self.damage = self.refusal = ""
        try:
            self._attach()
        except DamagedPart as error:
            self.damage = str(error)
        except (StorageError, OSError) as error:
            self.refusal = str(error)

    def _attach(self) -> None:
        """Open what is there. Raises DamagedPart when it has to be made anew, StorageError when it can't be opened."""
        self._let_go()
        until = time.monotonic() + _PATIENCE
        while not self._path.exists() and self._beside.exists() and time.monotonic() < until:
            time.sleep(_PAUSE)  # another process is about to rename it
        data = read_notes(self._state_path) or {}
        if (data.get("format"), data.get("analyzer")) != (LEXICAL_FORMAT, self._analysis.analyzer):
            there = self._path.exists()
            raise DamagedPart(
                _("its notes are missing, damaged or of another version") if there else _("it isn't there")
            )
        meta = read_meta(self._path)
        check_files(self._path, meta)
        try:
            self._use(self._path)
        except SystemRefusal as error:
            if error.number not in REFUSED:
                raise
            self._shadow = Shadow(self._path)
            self._use(self._shadow.path)
        self._see_commits()

    def _use(self, path: Path) -> None:
        with tantivy_errors(path):
            index = tantivy.Index.open(str(path))
            self._analysis.register(index)
            index.config_reader(reload_policy="manual")
            self._index = index
        self._read_commit()

    def _read_commit(self) -> Meta:
        """Answer from the newest commit."""
        assert self._index is not None
        with tantivy_errors(self._path):
            self._index.reload()
            searcher = self._index.searcher()
        self._version = version(self._path)
        meta = read_meta(self._path)
        self.reader = LexicalReader(self._path, searcher, self._analysis, meta.documents)
        return meta

    def _see_commits(self) -> None:
        """Answer from the newest commit, and tell from it how far it is."""
        if self._shadow is not None:
            self._shadow.follow()
        meta = self._read_commit()
        assert self.reader is not None
        notes = read_notes(self._state_path) or {}
        if notes.get("opstamp") == meta.opstamp and notes.get("documents") == len(self.reader):
            self.document, self.tombstone, self._verified = notes["document"], notes["tombstone"], True
            return
        # of another commit: what it doesn't know of is applied again, which changes nothing
        older = bool(notes) and notes["opstamp"] <= meta.opstamp
        self.document, self.tombstone = self.reader.last_row(), notes["tombstone"] if older else 0
        self._verified = False

    def _let_go(self) -> None:
        self._index = self.reader = None
        if self._shadow is not None:
            self._shadow.close()
            self._shadow = None

    # Following the store

    def reset(self, tombstone: int) -> None:
        """Start again from nothing."""
        self.damage = "it couldn't be made anew"  # until it is
        self._drop_writer()
        self._let_go()
        with storage_errors(self._path):
            shutil.rmtree(self._path, ignore_errors=True)
            self._path.mkdir(parents=True, exist_ok=True)
            with tantivy_errors(self._path):
                tantivy.Index(self._analysis.schema, path=str(self._path))
        self.document, self.tombstone, self._verified = 0, tombstone, False
        self._use(self._path)
        self._save()
        self.damage = self.refusal = ""

    def lags(self, mark: Watermark) -> bool:
        """Tell whether there is work for `catch_up`."""
        if self.refusal:
            return False
        return bool(self.damage) or not self._verified or self._place != (mark.document, mark.tombstone)

    @property
    def _place(self) -> tuple[int, int]:
        return self.document, self.tombstone

    def catch_up(self, store: Store, progress: Progress | None = None) -> None:
        """Apply what the store has gained and lost since last time. The caller holds the writer's lock."""
        mark = store.watermark()
        if self.damage:
            self._take_beside()
        if self.refusal:
            self._open()
        if self.refusal:
            raise StorageError(self.refusal)
        if self.damage or self.document > mark.document or self.tombstone > mark.tombstone:
            self._reset_loudly(store, self.damage or "it's ahead of the documents")
        elif self._verified and self._place == (mark.document, mark.tombstone):
            return
        try:
            self._apply(store, progress)
            self._verify(store)
        except DamagedPart as error:
            self._reset_loudly(store, str(error))
            try:
                self._apply(store, progress)
            except DamagedPart as again:
                self.damage = str(again)
                raise StorageError(
                    _("can't make {path} anew: {again}; check the disk").format(path=self._path, again=again)
                ) from again
            self._verify(store, last_try=True)

    def _reset_loudly(self, store: Store, reason: str) -> None:
        if self._path.exists():
            _log.warning(
                "%s: the lexical index can't be used (%s); it's made anew from the documents", self._path, reason
            )
        self.reset(store.watermark().tombstone)

    def _apply(self, store: Store, progress: Progress | None) -> None:
        total = store.watermark().document - self.document
        started = self.document
        finished = False
        while not finished:
            mark = store.watermark()
            last, added = self.document, 0
            with self._writing():
                while added < _COMMIT_ROWS and (texts := store.texts_after(last, _BATCH)):
                    if progress is not None:
                        progress(last - started, max(1, total))
                    for text in texts:
                        self._open_writer.add_document(self._document(text))
                    last, added = texts[-1].row, added + len(texts)
                gone = store.tombstones_after(self.tombstone)
                if gone:
                    # by a query: deletion by a term takes any number for a signed one, finds nothing, and doesn't say so
                    rows = tantivy.Query.term_set_query(self._analysis.schema, "row", gone)
                    self._open_writer.delete_documents_by_query(rows)
                self._open_writer.commit()
            finished = added < _COMMIT_ROWS
            self.document = max(last, mark.document) if finished else last
            self.tombstone = max(mark.tombstone, self.tombstone)
            self._save()

    def _save(self) -> None:
        """Answer from the last commit, and note how far it is."""
        meta = self._read_commit()
        assert self.reader is not None
        write_notes(
            self._state_path,
            {
                "format": LEXICAL_FORMAT,
                "analyzer": self._analysis.analyzer,
                "opstamp": meta.opstamp,
                "documents": len(self.reader),
                "document": self.document,
                "tombstone": self.tombstone,
            },
        )
        share(self._path, self._path.parent / "index.sqlite")

    def _verify(self, store: Store, *, last_try: bool = False) -> None:
        """Raise DamagedPart unless it holds as many documents as the store."""
        assert self.reader is not None
        if store.watermark() != (self.document, store.watermark().passage, self.tombstone):
            return  # somebody has written meanwhile
        held, stored = len(self.reader), store.count()[0]
        if held != stored:
            message = _("it holds {held:,} documents of {stored:,}").format(held=held, stored=stored)
            if not last_try:
                raise DamagedPart(message)
            _log.warning("%s: %s, made anew; please report it", self._path, message)
        self._verified = True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Have a writer; one that fails is thrown away, and with it all that it hasn't committed."""
        with tantivy_errors(self._path):
            try:
                if self._writer is None:
                    assert self._index is not None
                    sweep(self._path, read_meta(self._path))
                    self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
                yield
            except BaseException:
                self._drop_writer()
                raise

    @property
    def _open_writer(self) -> tantivy.IndexWriter:
        """The writer, which nobody else keeps: one that is thrown away lets go of its lock at once."""
        assert self._writer is not None
        return self._writer

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.rollback()
            except BaseException:
                _log.debug("%s: a writer can't be rolled back", self._path, exc_info=True)
            del writer

    def _document(self, text: Text) -> tantivy.Document:
        document = tantivy.Document()
        document.add_unsigned("row", text.row)
        for paragraph in searched_texts(Document("", text.text, text.title, text.fields), self.stamp).paragraphs():
            words = searchable(paragraph)
            document.add_text("content", words)  # tantivy leaves a gap between one and the next
            document.add_text("literal", words)
        return document

    def reload(self) -> None:
        """See what another process has committed."""
        if self._writer is not None or (self.damage and version(self._path) == self._broken):
            return
        if self._index is None:
            self._open()
            return
        try:
            self._see_commits()
        except DamagedPart:  # perhaps made anew by another process
            self._open()
        except StorageError as error:
            self.refusal = str(error)

    def discard(self, reason: str) -> bool:
        """Use no file any more until they are made anew; False when another process has done that already."""
        if version(self._path) != self._version:
            self._open()
            return False
        self._drop_writer()
        self._let_go()
        self.damage, self._broken = reason, self._version
        return True

    def rebuild(self, store: Store, progress: Progress | None = None) -> None:
        """Make it anew without what was removed, if there is any; what there is answers meanwhile.

        The caller holds the writer's lock. Between the two renames a kill leaves no index here, but a new one beside.
        """
        if self.reader is None or self.reader.counted <= len(self.reader):
            return
        old = self._path.with_name(self._path.name + ".old")
        for left in (self._beside, old):
            shutil.rmtree(left, ignore_errors=True)
        fresh = LexicalIndex(self._beside, self.stamp)
        try:
            fresh.catch_up(store, progress)
        finally:
            fresh.close()
        self._drop_writer()
        self._let_go()
        with storage_errors(self._path):
            os.rename(self._path, old)
            os.rename(self._beside, self._path)
            sync_folder(self._path.parent)
        shutil.rmtree(old, ignore_errors=True)
        self._open()

    @property
    def _beside(self) -> Path:
        return self._path.with_name(self._path.name + ".new")

    def _take_beside(self) -> None:
        """Use the index that a rebuilding that was killed between its renames has left."""
        if not self._path.exists() and read_notes(self._beside / self._state_path.name) is not None:
            with storage_errors(self._path):
                os.rename(self._beside, self._path)
                sync_folder(self._path.parent)
            self._open()

    @property
    def is_wasteful(self) -> bool:
        """Whether so much of it was removed that it's worth making it anew."""
        removed = self.reader.counted - len(self.reader) if self.reader is not None else 0
        return self.reader is not None and removed > max(_LEAST_GARBAGE, _GARBAGE * self.reader.counted)

    def release_writer(self) -> None:
        """Let go of the writer and its memory, after its merges have ended."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                with tantivy_errors(self._path):
                    writer.wait_merging_threads()
            except (DamagedPart, StorageError) as error:  # what was committed is, merged or not
                _log.warning("%s: segments can't be merged now (%s)", self._path, error)
            share(self._path, self._path.parent / "index.sqlite")

    def close(self) -> None:
        """Let go of all files."""
        self.release_writer()
        self._let_go()

    def check(self) -> None:
        """Read all files; raises DamagedPart, or StorageError where they can't be read."""
        if self.refusal:
            raise StorageError(self.refusal)
        if self.damage:
            raise DamagedPart(self.damage)
        check_files(self._path, read_meta(self._path), deep=True)
