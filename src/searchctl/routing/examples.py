"""Examples as documents: how they are stored in an index among other documents, and read back.

An example is a document with a `label` (or several). Documents that others put there count too, so a labelled corpus routes as
it is. The field `route` tells the router's own documents apart: examples, descriptions of labels, texts that have no label.
Both sides of a classification are encoded as queries; a labelled document that was ingested is encoded once more when read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from searchctl.errors import InvalidDocument, UsageError
from searchctl.fields import as_values
from searchctl.ingest.prepare import checked, fingerprint
from searchctl.routing.labels import check_label
from searchctl.routing.message import message_of
from searchctl.schema import FieldType
from searchctl.several import as_texts as as_texts
from searchctl.translation import _
from searchctl.types import Document, Entry, Passage, Vector, Vectors

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.index import Index

LABEL = "label"
KIND = "route"
FIELDS: dict[str, FieldType] = {LABEL: "keyword", KIND: "keyword"}
Kind: TypeAlias = Literal["example", "description", "name", "outside"]
_ENCODED_AS = "route: its message encoded as a query"
_ENCODED_BEFORE_AS = "route: encoded as a query"  # whole, by earlier versions
_BATCH = 256
_PIECE = 32  # texts encoded between two looks at how far that is
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Example:
    """A text and its labels; none means that it belongs to no label."""

    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One of the router's documents as read back: `vector` (dim,) is as of a query, of length 1."""

    id: str
    text: str
    labels: tuple[str, ...]
    kind: Kind
    vector: Vector


def example_id(text: str) -> str:
    """Return the id of an example: the same text is the same example, whatever its label."""
    return "route-" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def describing_id(label: str) -> str:
    """Return the id of the document that describes a label."""
    return "route-of-" + hashlib.blake2b(label.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def is_own(id: str) -> bool:
    """Tell whether a document of this id is the router's, not one of a corpus."""
    return id.startswith("route-")


def example_document(example: Example) -> Document:
    """Return the document of an example; raises InvalidDocument for an empty text."""
    kind: Kind = "example" if example.labels else "outside"
    labels = [check_label(label) for label in example.labels]
    fields: dict[str, str | Sequence[str]] = {KIND: kind}
    if labels:
        fields[LABEL] = labels[0] if len(labels) == 1 else sorted(set(labels))
    document = checked(Document("route", example.text, "", fields))
    return Document(example_id(document.text), document.text, "", fields)


def describing(label: str, text: str, kind: Kind) -> Document:
    """Return the document that describes a label by a sentence, or by its own name."""
    return checked(Document(describing_id(label), text, "", {KIND: kind, LABEL: label}))


def mark(document: Document) -> str:
    """Return the fingerprint of a document whose vector is that of its message as a query."""
    return fingerprint(document, _ENCODED_AS)


def is_query_vector(entry: Entry) -> bool:
    """Tell whether an entry's vector is that of its message as a query, as examples are compared."""
    document = entry.document
    if entry.fingerprint == mark(document):
        return True
    return entry.fingerprint == fingerprint(document, _ENCODED_BEFORE_AS) and message_of(document.text) == document.text


def entries_of(documents: Sequence[Document], encoder: Encoder) -> list[Entry]:
    """Return the router's own documents as they are stored: whole, with vectors as of queries."""
    vectors = encoded(encoder, [one.text for one in documents])
    return [
        Entry(document, (Passage(0, len(document.text)),), vectors[row : row + 1], mark(document))
        for row, document in enumerate(documents)
    ]


def encoded(encoder: Encoder, texts: Sequence[str], on_progress: OnProgress | None = None) -> Vectors:
    """Return the vectors (n, dim) of the messages in texts, each encoded by itself.

    A quantised model's numbers depend on what else is in the batch, and no text's label may. `on_progress` is told how many texts
    of how many are done.
    """
    vectors = np.zeros((len(texts), encoder.dim), np.float32)
    messages = [message_of(text) for text in texts]
    for start in range(0, len(messages), _PIECE):
        vectors[start : start + _PIECE] = encoder.encode_queries(messages[start : start + _PIECE])
        if on_progress is not None:
            on_progress(min(start + _PIECE, len(messages)), len(messages))
    return vectors


def write(index: Index, documents: Sequence[Document], vectors: Vectors) -> None:
    """Store documents whole with their vectors (n, dim) of `encoded`. Raises InvalidDocument when the engine refuses one."""
    schema = index.schema
    if any(name not in schema.fields for name in FIELDS):
        index.engine.update_schema(index.name, schema.with_fields({**FIELDS, **schema.fields}), since=schema)
    entries = [
        Entry(document, (Passage(0, len(document.text)),), vectors[row : row + 1], mark(document))
        for row, document in enumerate(documents)
    ]
    for start in range(0, len(entries), _BATCH):
        refused = index.engine.write(index.name, entries[start : start + _BATCH])
        if refused:
            raise InvalidDocument(
                _("{name} refuses the example '{id}': {reason}").format(
                    name=index.engine.name, id=refused[0].id, reason=refused[0].reason
                )
            )


def needed_encoder(index: Index) -> Encoder:
    """Return the index's encoder; raises UsageError when it has none."""
    encoder = index.encoder
    if encoder is None:
        raise UsageError(
            _(
                "index '{name}' has no vectors, so texts can't be compared; make another with: searchctl route "
                "add --index NEW"
            ).format(name=index.name)
        )
    return encoder


def read_stored(index: Index) -> list[Stored]:
    """Return the index's examples, descriptions and outside texts, in the engine's order."""
    if not index.count():
        return []
    documents: list[tuple[Document, Vector | None]] = []
    for entries in index.engine.scan(index.name, vectors=True):
        documents += [(entry.document, _own_vector(entry)) for entry in entries if _concerns(entry.document)]
    foreign = [document for document, vector in documents if vector is None]
    texts = [f"{one.title}\n{one.text}".strip() for one in foreign]
    fresh = iter(encoded(needed_encoder(index), texts) if texts else ())
    return [_stored(document, next(fresh) if vector is None else vector) for document, vector in documents]


def _concerns(document: Document) -> bool:
    return LABEL in document.fields or document.fields.get(KIND) == "outside"


def _own_vector(entry: Entry) -> Vector | None:
    if entry.vectors is None or len(entry.vectors) != 1 or not is_query_vector(entry):
        return None
    return np.asarray(entry.vectors[0])


def document_kind(document: Document) -> Kind:
    """Return what a document is to the router."""
    kinds: dict[object, Kind] = {"description": "description", "name": "name", "outside": "outside"}
    return kinds.get(document.fields.get(KIND), "example")


def _stored(document: Document, vector: Vector) -> Stored:
    labels = tuple(str(one) for one in as_values(document.fields.get(LABEL, ())))
    text = f"{document.title}\n{document.text}".strip()
    return Stored(document.id, text, labels, document_kind(document), vector)


def text_key(text: str) -> str:
    """Return what two texts have in common that differ in case and blanks alone: they are one example."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A text that came with different labels, and those it keeps: the most frequent, of equal ones the last."""

    text: str
    labels: tuple[tuple[str, ...], ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergedExamples:
    """Examples without repetition; `repeated` is how many said again what another one said."""

    examples: tuple[Example, ...]
    repeated: int = 0
    contradictions: tuple[Contradiction, ...] = ()


def merge_examples(examples: Iterable[Example], *, multi_label: bool = False) -> MergedExamples:
    """Return each text once; texts that differ in case and blanks alone are the same.

    A text that comes with different labels contradicts itself, and keeps those that it has most often; with `multi_label` it has
    them all.
    """
    rows: dict[str, list[Example]] = {}
    for example in examples:
        rows.setdefault(text_key(example.text), []).append(example)
    kept: list[Example] = []
    contradictions: list[Contradiction] = []
    repeated = 0
    for same in rows.values():
        text = same[0].text
        repeated += len(same) - 1
        if multi_label:
            kept.append(Example(text, tuple(dict.fromkeys(label for one in same for label in one.labels))))
            continue
        counts = Counter(tuple(sorted(one.labels)) for one in same)
        last = {tuple(sorted(one.labels)): place for place, one in enumerate(same)}
        chosen = same[max(last.items(), key=lambda item: (counts[item[0]], item[1]))[1]].labels
        kept.append(Example(text, chosen))
        if len(counts) > 1:
            contradictions.append(Contradiction(text, tuple(last), chosen))
    return MergedExamples(tuple(kept), repeated - len(contradictions), tuple(contradictions))
