"""Changing a router's examples, step by step: each step is noted before it is made, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from searchctl.engines.base import fingerprints
from searchctl.errors import Absent, SearchctlError, UsageError
from searchctl.fields import as_values
from searchctl.index import Index
from searchctl.ingest.journal import journal_path
from searchctl.routing import examples as storing
from searchctl.routing.examples import Example, Stored
from searchctl.routing.history import History
from searchctl.routing.labels import name_text, spelt
from searchctl.translation import _
from searchctl.types import Document, Vectors


@dataclass(frozen=True, slots=True)
class Change:
    """What a step wrote: documents with their vectors (n, dim). `plain` where only examples and names were added."""

    documents: tuple[Document, ...]
    vectors: Vectors
    plain: bool


class Editor:
    """The router's documents in an index, and the history of what was done to them on this machine."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.history = History(journal_path(index.engine, index.name))

    def read(self) -> list[Stored]:
        """Read what is stored."""
        return storing.read_stored(self.index)

    def changed(self, documents: Sequence[Document], stored: Sequence[Stored]) -> list[Document]:
        """Return those of the documents that are new or differ from what is stored; case and blanks make no difference."""
        known = {storing.text_key(one.text): one for one in stored if storing.is_own(one.id) and _is_example(one)}
        same = [
            Document(held.id, held.text, "", document.fields)
            if (held := known.get(storing.text_key(document.text))) is not None
            else document
            for document in documents
        ]
        same = list({document.id: document for document in same}.values())
        marks = fingerprints(self.index.engine, self.index.name, [document.id for document in same])
        return [document for document, mark in zip(same, marks, strict=True) if mark != storing.mark(document)]

    def put(
        self,
        documents: Sequence[Document],
        what: str,
        gone: Sequence[str] = (),
        on_progress: storing.OnProgress | None = None,
    ) -> Change:
        """Store documents and delete those with the ids `gone`, as one step; a step that fails leaves nothing behind."""
        encoder = storing.needed_encoder(self.index)
        vectors = storing.encoded(encoder, [document.text for document in documents], on_progress)
        ids = [document.id for document in documents]
        everything = list(dict.fromkeys((*ids, *gone)))
        held = self.index.engine.get(self.index.name, everything)
        before = {id: None if one is None else one.document for id, one in zip(everything, held, strict=True)}
        self.history.push(what, before)
        try:
            storing.write(self.index, documents, vectors)
            if gone:
                self.index.engine.delete(self.index.name, list(gone))
        except SearchctlError:
            self._restore(before)  # where this fails too, the step stays noted, and undo takes it back later
            self.history.pop()
            raise
        kinds = {document.fields.get(storing.KIND) for document in documents}
        plain = not gone and all(before[id] is None for id in ids) and kinds <= {"example", "name"}
        return Change(tuple(documents), vectors, plain)

    def undo(self) -> str:
        """Take back the last step and return what it was; raises UsageError when there's none."""
        steps = self.history.steps()
        if not steps:
            raise Absent(_("nothing to undo: no step on this machine is remembered for this index"))
        self._restore(steps[-1].before)
        self.history.pop()
        return steps[-1].what

    def _restore(self, before: dict[str, Document | None]) -> None:
        old = [document for document in before.values() if document is not None]
        if old:
            vectors = storing.encoded(storing.needed_encoder(self.index), [document.text for document in old])
            storing.write(self.index, old, vectors)
        new = [id for id, document in before.items() if document is None]
        if new:
            self.index.engine.delete(self.index.name, new)

    def remove(self, stored: Sequence[Stored], label: str | None, texts: Sequence[str], ids: Sequence[str]) -> int:
        """Remove a label with its examples, or examples by text or id; return how many texts are gone."""
        if label is None:
            keys = {storing.text_key(text) for text in texts}
            gone = [one for one in stored if one.id in ids or (_is_example(one) and storing.text_key(one.text) in keys)]
            if not gone:
                raise UsageError(_("none of these is stored; see what is with: searchctl route labels"))
            self.check_own(gone)
            self.put([], f"remove {len(gone)} texts", [one.id for one in (*gone, *_orphans(stored, gone))])
            return len(gone)
        whose = below(stored, label)
        touched = [one for one in stored if whose & set(one.labels)]
        self.check_own(touched)
        rest = [(one, tuple(name for name in one.labels if name not in whose)) for one in touched]
        lone = [one for one, labels in rest if not labels]
        kept = [storing.example_document(Example(one.text, labels)) for one, labels in rest if labels]
        self.put(kept, f"remove {label}", [one.id for one in lone])
        return sum(one.kind != "name" for one in lone)

    def relabel(self, stored: Sequence[Stored], names: dict[str, str], what: str) -> int:
        """Give the examples of labels other labels, in one step; return how many texts that changes.

        A description goes with its label, unless the other label has one.
        """
        touched = [one for one in stored if set(one.labels) & names.keys()]
        self.check_own(touched)
        described = {one.labels[0] for one in stored if one.kind in ("description", "name")} - names.keys()
        written: dict[str, Document] = {}
        gone: list[str] = []
        for one in sorted(touched, key=lambda one: one.kind != "description"):
            labels = tuple(dict.fromkeys(names.get(label, label) for label in one.labels))
            if _is_example(one):
                document = storing.example_document(Example(one.text, labels))
                document = Document(one.id, document.text, "", document.fields)
            else:
                gone.append(one.id)
                if labels[0] in described:
                    continue
                described.add(labels[0])
                text = one.text if one.kind == "description" else name_text(labels[0])
                document = storing.describing(labels[0], text, one.kind)
            written[document.id] = document
        self.put(list(written.values()), what, [id for id in gone if id not in written])
        return sum(map(_is_example, touched))

    def check_own(self, stored: Sequence[Stored]) -> None:
        """Raise UsageError where documents of a corpus would be changed, which are more than examples."""
        foreign = [one.id for one in stored if not storing.is_own(one.id)]
        if foreign:
            raise UsageError(
                _(
                    "{count} of these are documents of index '{name}' that were ingested, such as '{foreign}'; "
                    "change those themselves with: searchctl ingest, or searchctl delete"
                ).format(count=len(foreign), name=self.index.name, foreign=foreign[0])
            )


def below(stored: Sequence[Stored], label: str) -> set[str]:
    """Return a label and all below it that are stored; raises UsageError where there is none."""
    label = written_as(stored, label)
    return {name for one in stored for name in one.labels if _is_within(name, label)}


def written_as(stored: Sequence[Stored], label: str) -> str:
    """Return a label as it is stored, or its upper part is: as given, or in the usual spelling. Raises UsageError for neither."""
    names = {name for one in stored for name in one.labels}
    usual = spelt(label)
    for written in (label, usual):
        if any(_is_within(name, written) for name in names):
            return written
    near = next((name for name in sorted(names) if name.casefold() == usual.casefold()), None)
    if near is not None:
        raise UsageError(_("no label '{label}'; did you mean '{near}'?").format(label=label, near=near))
    raise UsageError(_("no label '{label}'; see the labels with: searchctl route labels").format(label=label))


def _is_within(name: str, label: str) -> bool:
    return name == label or name.startswith(f"{label}/")


def exported(stored: Iterable[Stored]) -> Iterator[Example]:
    """Yield the examples that are stored, and texts without a label, in the order of their labels and texts."""
    kept = [one for one in stored if one.kind in ("example", "outside")]
    yield from (Example(one.text, one.labels) for one in sorted(kept, key=lambda text: (text.labels, text.text)))


def labels_of(document: Document) -> tuple[str, ...]:
    """Return the labels that a router's document has."""
    return tuple(str(label) for label in as_values(document.fields.get(storing.LABEL, ())))


def _is_example(one: Stored) -> bool:
    return one.kind in ("example", "outside")


def _orphans(stored: Sequence[Stored], gone: Sequence[Stored]) -> list[Stored]:
    """Return the names of labels that have no example left once these are gone; a description that was given stays."""
    lost_ids = {one.id for one in gone}
    left = {label for one in stored if one.kind == "example" and one.id not in lost_ids for label in one.labels}
    lost = {label for one in gone for label in one.labels} - left
    return [one for one in stored if one.kind == "name" and set(one.labels) <= lost]
