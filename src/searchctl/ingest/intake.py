"""The reading half of a load, the same for a real one and a dry run: files in, batches of prepared documents out.

Whatever is wrong with one document or one file costs only that: it comes out as a failure.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from searchctl.errors import InvalidDocument, SearchctlError
from searchctl.ingest.given import streamed
from searchctl.ingest.identity import Names, is_named_by_row
from searchctl.ingest.journal import KnownFile
from searchctl.ingest.model import IngestSettings
from searchctl.ingest.named_fields import NamedFields
from searchctl.ingest.prepare import Prepared, Preparer, Target, holders, place_of
from searchctl.sources import Failure, Record, Remarks, SourceFile, read
from searchctl.sources.formats import page_formats
from searchctl.text.sections import with_sections
from searchctl.translation import _
from searchctl.types import Document

_BATCH_CHARACTERS = 1_000_000  # a batch of long documents has fewer of them
_MOST_UNEXPECTED = 1000  # failures in a row that nobody foresaw: then it isn't the documents


@dataclass(frozen=True, slots=True)
class Ended:
    """The sign that a file has been read to its end; `known` is what the journal may note of it, if nothing failed.

    A file that `gave_something` proves by that what it doesn't hold; an empty one may be a copy that has only begun.
    """

    file: SourceFile
    known: KnownFile
    gave_something: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Prepared documents, and the files that end with them."""

    prepared: Prepared
    ended: tuple[Ended, ...] = ()


Items: TypeAlias = "Iterator[Record | Failure | Ended]"
Bury: TypeAlias = "Callable[[Failure, Document | None], None]"


@dataclass(slots=True)
class Intake:
    """What has been read so far: counters with one writer, the thread that reads.

    `ids` are those of documents that are stored, with their sources; see `ingest.prune` for `unread` and `whole`.
    """

    read: int = 0
    unchanged: int = 0
    superseded: int = 0
    text_bytes: int = 0
    bytes_done: int = 0
    bytes_open: int = 0  # text from the file that is being read, which stands for how far that is
    ids: dict[str, str] = field(default_factory=dict)
    failed_ids: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    faulty: set[str] = field(default_factory=set)
    replaced: dict[str, str] = field(default_factory=dict)

    def gave(self, id: str) -> bool:
        """Tell whether an id occurred, be it in a failure."""
        return id in self.ids or id in self.failed_ids


class IntakeReader:
    """Reads files or given documents into batches, counting in `intake`; failures go to `bury`."""

    def __init__(self, target: Target, preparer: Preparer, settings: IngestSettings, bury: Bury) -> None:
        self._target = target
        self._preparer = preparer
        self._settings = settings
        self._tell_failure = bury
        self._burying = threading.Lock()
        self._unexpected = 0
        self._marks: dict[str, str] = {}
        self._whole_names: set[str] = set()
        self.intake = Intake()
        self.remarks = Remarks()
        self.named_fields = NamedFields(settings)

    # Files

    def open_files(self, files: Sequence[SourceFile], known: Mapping[str, KnownFile]) -> list[SourceFile]:
        """Return the files that have to be read, named by what their documents' ids are made of, and count the others.

        The last file comes first, so that of documents with one id that of the last file is the one that is stored.
        """
        self._names = Names(
            lambda ids: holders(self._target, ids), {source: file.name for source, file in known.items()}
        )
        whole = [file for file in files if _is_one_document(file)]
        named = {file.source: file for file in self._names.whole_files(whole)}
        self._whole_names = {file.uri for file in named.values()}
        unchanged = self._unchanged(list(named.values()), known)
        self.intake.unread = {file.source for file in unchanged}
        self.intake.ids |= {file.uri: file.source for file in unchanged}
        self.intake.read = self.intake.unchanged = len(unchanged)
        left = [named.get(file.source, file) for file in files if file.source not in self.intake.unread]
        return left[::-1]

    def _unchanged(self, files: Sequence[SourceFile], known: Mapping[str, KnownFile]) -> list[SourceFile]:
        """Return the files that needn't be read: they are as they were, and the index holds what they gave then.

        Only files that are one document: parsing a PDF again is slow, but reading rows is quick, and their ids must be seen.
        """
        same = [
            file
            for file in files
            if (entry := known.get(file.source)) and entry.mark and entry.state == _state(file, self._settings)
        ]
        marks = self._target.fingerprints([file.uri for file in same]) if same else []
        return [file for file, mark in zip(same, marks, strict=True) if mark == known[file.source].mark]

    def file_items(self, files: Sequence[SourceFile]) -> Items:
        """Yield each file's records, then the sign that it has ended."""
        for file in files:
            state = _state(file, self._settings)  # before reading: a change meanwhile must lead to another reading
            name = file.uri
            position = 0
            try:
                for item in read(
                    file, self._settings.mapping, boilerplate=self._settings.boilerplate, remarks=self.remarks
                ):
                    position = item.position
                    if isinstance(item, Record) and item.sections:
                        fields = with_sections(item.document.fields, item.sections)
                        item = replace(item, document=replace(item.document, fields=fields))
                    if isinstance(item, Record) and is_named_by_row(item, file):
                        item = self._named(item, file)
                        name = item.document.id.removesuffix(f"#{item.position}")
                    yield item
            except Exception as error:  # a library's fault about one file isn't the load's
                if isinstance(error, SearchctlError):
                    raise
                reason = _("can't be read: unexpected {name}: {error}").format(name=type(error).__name__, error=error)
                yield Failure(file.source, position + 1, None, reason)
            self.intake.failed_ids |= self.remarks.ids
            still = _state(file, self._settings) == state
            if _is_one_document(file):
                yield Ended(file, KnownFile(file.uri, state if still else "", ""), position > 0)
            else:
                yield Ended(file, KnownFile(name, "" if still else "changed"), position > 0)

    def _named(self, record: Record, file: SourceFile) -> Record:
        """Return a record that has no id of its own with its file's name in it, or for a pipe named by what it says."""
        if file.size is None:
            return replace(record, document=self._apart(streamed(record.document)))
        if _is_one_document(file):
            return record
        row = record.document.id.removeprefix(file.uri)  # a JSON file of one object has no rows
        return replace(record, document=replace(record.document, id=self._names.rows(file, row) + row))

    def _apart(self, document: Document) -> Document:
        """Return a pipe's document; one that came before in the same words gets a number behind its id."""
        number, id = 1, document.id
        while id in self.intake.ids:
            number += 1
            id = f"{document.id}-{number}"
        return replace(document, id=id)

    # Batches

    def batches(self, items: Iterable[Record | Failure | Ended], go_on: Callable[[], bool]) -> Iterator[Batch]:
        """Yield prepared batches until the items end or `go_on` says no; with `on_error="stop"` a failure raises InvalidDocument.

        What came before the failure is yielded first.
        """
        records: list[Record] = []
        ended: list[Ended] = []
        characters = 0
        failure: InvalidDocument | None = None
        try:
            for item in items:
                if not go_on():
                    break
                self._take(item, records, ended)
                characters += len(item.document.text) if isinstance(item, Record) else 0
                if max(len(records), len(ended)) >= self._settings.batch or characters >= _BATCH_CHARACTERS:
                    yield self._prepared(records, ended)
                    records, ended, characters = [], [], 0
        except InvalidDocument as error:
            failure = error
        if records or ended:
            yield self._prepared(records, ended)
        if failure is not None:
            raise failure

    def _take(self, item: Record | Failure | Ended, records: list[Record], ended: list[Ended]) -> None:
        """Count an item and put it with its like."""
        if isinstance(item, Ended):
            ended.append(item)
            self.intake.bytes_done += item.file.size or 0
            self.intake.bytes_open = 0
            proven = item.gave_something and item.known.state != "changed"
            if proven and item.file.source not in self.intake.faulty:
                self.intake.whole.add(item.file.source)
            return
        self.intake.read += 1
        if isinstance(item, Failure):
            self.bury(item)
            return
        self.named_fields.look(item)
        self.intake.bytes_open += len(item.document.text.encode("utf-8", "surrogatepass"))
        if self._is_first(item):
            records.append(item)

    def _is_first(self, record: Record) -> bool:
        """Tell whether a record is the one of its id to be stored: in its file the first, among files that of the last."""
        id, source = record.document.id, record.source
        kept = self.intake.ids.get(id)
        if kept is None:
            self.intake.ids[id] = source
            return True
        if kept == source:
            self.bury_record(record, f"the id {id!r} occurs twice in this load; the first one is kept")
        elif self._settings.same_id == "last":
            self.intake.superseded += 1
        else:
            reason = _(
                "the id {id!r} occurs again in {kept}, which comes later and is kept; if that is meant: --same-id last"
            ).format(id=id, kept=kept)
            self.bury_record(record, reason)
        return False

    def _prepared(self, records: list[Record], ended: list[Ended]) -> Batch:
        prepared = self._preparer.prepare(records)
        self._marks.update((id, mark) for id, mark in self._preparer.marks.items() if id in self._whole_names)
        for record, reason in prepared.rejected:
            self._watch_unexpected(reason)
            self.bury_record(record, reason)
        if prepared.entries or prepared.unchanged:
            self._unexpected = 0
        self.intake.unchanged += prepared.unchanged
        self.intake.replaced |= prepared.replaced
        return Batch(prepared, tuple(self._with_mark(end) for end in ended))

    def _watch_unexpected(self, reason: str) -> None:
        self._unexpected += reason.startswith("unexpected ")
        if self._unexpected >= _MOST_UNEXPECTED:
            raise RuntimeError(f"{_MOST_UNEXPECTED:,} documents in a row failed, the last with: {reason}")

    def _with_mark(self, ended: Ended) -> Ended:
        mark = self._marks.pop(ended.file.uri, "") if _is_one_document(ended.file) else ""
        return replace(ended, known=replace(ended.known, mark=mark))

    def bury_record(self, record: Record, reason: str) -> None:
        """Count a record that can't be stored."""
        self.bury(Failure(record.source, record.position, record.document.id, reason), record.document)

    def bury(self, failure: Failure, document: Document | None = None) -> None:
        """Count what can't be stored; raises InvalidDocument where the load is to stop there. Any thread may call this."""
        with self._burying:
            self.intake.faulty.add(failure.source)
            self.intake.whole.discard(failure.source)
            if failure.id is not None:
                self.intake.failed_ids.add(failure.id)
            self._tell_failure(failure, document)


def _is_one_document(file: SourceFile) -> bool:
    return file.format in page_formats() and file.size is not None


def _state(file: SourceFile, settings: IngestSettings) -> str:
    """Describe all that decides what a file gives: equal states need no second reading. Never twice the same for what can't be known."""
    try:
        status = Path(file.path).stat()
    except OSError:
        return f"unknown {time.monotonic_ns()}"
    how = f"{file.format} {file.encoding} {settings.mapping!r} {settings.boilerplate} {sorted(settings.date_formats.items())}"
    return f"{status.st_size} {status.st_mtime_ns} {how}"


def first_failure(failure: Failure) -> str:
    """Return where and why, for a message."""
    return f"{place_of(failure.source, failure.position)}: {failure.reason}"
