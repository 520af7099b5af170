"""Examples as documents: how they are stored in an index among other documents, and read back.

An example is a document with a `label` (or several). Documents that others put there count too, so a labelled corpus routes as
it is. The field `route` tells the router's own documents apart: examples, descriptions of labels, texts that have no label.
Both sides of a classification are encoded as queries; a labelled document that was ingested is encoded once more when read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from searchctl.errors import InvalidDocument, UsageError
from searchctl.fields import as_values
from searchctl.ingest.prepare import checked, fingerprint
from searchctl.schema import FieldType
from searchctl.types import Document, Entry, Passage, Vector, Vectors

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.index import Index

LABEL = "label"
KIND = "route"
FIELDS: dict[str, FieldType] = {LABEL: "keyword", KIND: "keyword"}
Kind: TypeAlias = Literal["example", "description", "name", "outside"]
MAX_LABEL = 200
_ENCODED_AS = "route: encoded as a query"
_BATCH = 256
_WORDS = re.compile(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])|[_/.\-\s]+")


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


def check_label(label: str) -> str:
    """Return the label without blanks around it; raises UsageError when it can't be one."""
    name = label.strip()
    if not name or len(name) > MAX_LABEL or any(ord(sign) < 32 for sign in name):
        raise UsageError(f"the label {label[:40]!r} can't be used; give 1 to {MAX_LABEL} characters on one line")
    if any(not part.strip() for part in name.split("/")):
        raise UsageError(f"the label {name!r} has an empty level; write it like billing/refund")
    return name


def name_text(label: str) -> str:
    """Return a label as words: `billing/cardRefund` is "billing card refund"."""
    return " ".join(filter(None, _WORDS.split(label))).lower() or label


def example_id(text: str) -> str:
    """Return the id of an example: the same text is the same example, whatever its label."""
    return "route-" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def describing_id(label: str) -> str:
    """Return the id of the document that describes a label."""
    return "route-of-" + hashlib.blake2b(label.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def is_own(id: str) -> bool:
    """Tell whether a document of this id is the router's, not one of a corpus."""
    return id.startswith("route-")


def as_document(example: Example) -> Document:
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
    """Return the fingerprint of a document whose vector is that of a query."""
    return fingerprint(document, _ENCODED_AS)


def entries_of(documents: Sequence[Document], encoder: Encoder) -> list[Entry]:
    """Return the router's own documents as they are stored: whole, with vectors as of queries."""
    vectors = encoder.encode_queries([one.text for one in documents])
    return [
        Entry(one, (Passage(0, len(one.text)),), vectors[place : place + 1], mark(one))
        for place, one in enumerate(documents)
    ]


def write(index: Index, documents: Sequence[Document]) -> Vectors:
    """Encode and store documents whole; returns their vectors (n, dim). Raises InvalidDocument when the engine refuses one."""
    encoder = needed_encoder(index)
    schema = index.schema
    if any(name not in schema.fields for name in FIELDS):
        index.engine.update_schema(index.name, schema.with_fields({**FIELDS, **schema.fields}))
    vectors = np.zeros((len(documents), encoder.dim), np.float32)
    for start in range(0, len(documents), _BATCH):
        entries = entries_of(documents[start : start + _BATCH], encoder)
        vectors[start : start + len(entries)] = [one.vectors[0] for one in entries if one.vectors is not None]
        refused = index.engine.write(index.name, entries)
        if refused:
            raise InvalidDocument(f"{index.engine.name} refuses the example '{refused[0].id}': {refused[0].reason}")
    return vectors


def needed_encoder(index: Index) -> Encoder:
    """Return the index's encoder; raises UsageError when it has none."""
    encoder = index.encoder
    if encoder is None:
        raise UsageError(
            f"index '{index.name}' has no vectors, so texts can't be compared; make another with: searchctl route add --index NEW"
        )
    return encoder


def read(index: Index) -> list[Stored]:
    """Return the index's examples, descriptions and outside texts, in the engine's order."""
    if not index.count():
        return []
    found: list[tuple[Document, Vector | None]] = []
    for entries in index.engine.scan(index.name, vectors=True):
        found += [(entry.document, _own_vector(entry)) for entry in entries if _concerns(entry.document)]
    foreign = [document for document, vector in found if vector is None]
    encoded = iter(_encoded(index, foreign))
    return [_stored(document, next(encoded) if vector is None else vector) for document, vector in found]


def _concerns(document: Document) -> bool:
    return LABEL in document.fields or document.fields.get(KIND) == "outside"


def _own_vector(entry: Entry) -> Vector | None:
    if entry.vectors is None or len(entry.vectors) != 1 or entry.fingerprint != mark(entry.document):
        return None
    return np.asarray(entry.vectors[0])


def _encoded(index: Index, documents: Sequence[Document]) -> Iterator[Vector]:
    for start in range(0, len(documents), _BATCH):
        part = documents[start : start + _BATCH]
        yield from needed_encoder(index).encode_queries([f"{one.title}\n{one.text}".strip() for one in part])


def _stored(document: Document, vector: Vector) -> Stored:
    kinds: dict[object, Kind] = {"description": "description", "name": "name", "outside": "outside"}
    labels = tuple(str(one) for one in as_values(document.fields.get(LABEL, ())))
    text = f"{document.title}\n{document.text}".strip()
    kind = kinds.get(document.fields.get(KIND), "example")
    return Stored(document.id, text, labels, kind, vector)


def merged(examples: Iterable[Example]) -> list[Example]:
    """Return examples without repetition; a text that comes with several labels has them all, in order."""
    labels: dict[str, dict[str, None]] = {}
    for example in examples:
        labels.setdefault(example.text, {}).update(dict.fromkeys(example.labels))
    return [Example(text, tuple(own)) for text, own in labels.items()]
