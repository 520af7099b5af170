"""From an entry to the JSON a server stores, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from searchctl.engines.rest.words import sent_words
from searchctl.fields import as_values, fit
from searchctl.schema import Layout, Schema
from searchctl.text.searched import searched_texts
from searchctl.types import Document, Entry, Json, Passage, Vectors

LEVEL = "document"  # see mappings/README.md
ADDED = ("passages", "searchctl")  # the names of what is added to documents of others
WORDS = "searchctl.words"  # in an index of others: what earlier versions kept beside the vectors
MISFITS = "searchctl misfits"  # among a document's fields: those whose values don't fit their types, as they came
_DECIMALS = 8  # finer than float32 can tell for most of a unit vector's numbers, and half the bytes of all digits


def as_source(entry: Entry, schema: Schema, *, send_words: bool) -> Json:
    """Return what is stored for an entry."""
    document = entry.document
    rows = numbers(entry.vectors) if entry.vectors is not None else [None] * len(entry.passages)
    source: Json = {
        "title": document.title,
        "text": document.text,
        "fields": _sent_fields(document, schema),
        "passages": [
            {"start": passage.start, "end": passage.end} | ({} if row is None else {"vector": row})
            for passage, row in zip(entry.passages, rows, strict=True)
        ],
        "searchctl": {"id": document.id, "fingerprint": entry.fingerprint, "source": entry.source, "level": LEVEL},
    }
    texts = searched_texts(document, schema)
    if send_words:
        source["content"] = [sent_words(text, schema.analyzer) for text in texts.all()]
    elif texts.beyond:  # the server itself copies the rest from its fields
        source["content"] = texts.beyond
    return source


def _sent_fields(document: Document, schema: Schema) -> Json:
    """Return the fields without the values that don't fit their types, which a server would refuse the document for.

    As they came they are kept under a name of their own, which no mapping knows.
    """
    fitting, misfits = fit(document.fields, schema.fields)
    if not misfits:
        return dict(document.fields)
    odd = {misfit.name for misfit in misfits}
    refused = {(misfit.name, repr(misfit.value)) for misfit in misfits}
    sent: Json = {name: value for name, value in fitting.items() if name not in odd}
    for name in odd:
        if kept := [item for item in as_values(fitting[name]) if (name, repr(item)) not in refused]:
            sent[name] = kept
    return {**sent, MISFITS: {name: document.fields[name] for name in sorted(odd)}}


def _stored_fields(fields: Json | None) -> Json:
    """Return a document's fields as they came."""
    stored = dict(fields or {})
    return {**stored, **misfits} if (misfits := stored.pop(MISFITS, None)) else stored


def numbers(vectors: Vectors) -> list[Any]:
    """Return vectors as numbers for JSON."""
    return np.round(vectors.astype(np.float64), _DECIMALS).tolist()  # type: ignore[no-any-return]


def foreign_document(id: str, source: Json, layout: Layout) -> Document:
    """Return the document that somebody else has written in a layout of their own; fields at the top that can be filtered by."""
    title = " ".join(_texts(source, layout.title)) if layout.title else ""
    text = "\n\n".join(piece for name in layout.text for piece in _texts(source, name))
    named = {layout.title, *layout.text, *ADDED}
    fields = {name: value for name, value in source.items() if name not in named and _is_field(value)}
    return Document(id, text, title, fields)


def _texts(value: Any, path: str) -> list[str]:
    """Return all strings at a path, through lists and objects."""
    return [str(found) for found in values_at(value, path)]


def values_at(value: Any, path: str) -> list[Any]:
    """Return all values at a path, through lists and objects; what is nothing or an object itself is none."""
    if isinstance(value, list):
        return [found for one in value for found in values_at(one, path)]
    if not path:
        return [] if value is None or isinstance(value, dict) else [value]
    if not isinstance(value, dict):
        return []
    if path in value:  # a name may hold dots itself
        return values_at(value[path], "")
    name, _, rest = path.partition(".")
    return values_at(value.get(name), rest) if rest else []


def _is_field(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(item, (str, int, float, bool)) for item in values)


def as_entry(id: str, source: Json, *, vectors: bool, layout: Layout | None = None) -> Entry:
    """Return the entry a server stores as `source`; `layout` says where others keep title and text."""
    passages = source.get("passages") or []
    kept = source.get("searchctl") or {}
    rows = [one["vector"] for one in passages if "vector" in one] if vectors else []
    return Entry(
        foreign_document(id, source, layout)
        if layout is not None
        else Document(id, source.get("text", ""), source.get("title", ""), _stored_fields(source.get("fields"))),
        tuple(Passage(one["start"], one["end"]) for one in passages),
        np.asarray(rows, np.float32) if rows and len(rows) == len(passages) else None,
        kept.get("fingerprint", ""),
        kept.get("source", ""),
    )


def only_fields(entry: Entry, names: Sequence[str]) -> Entry:
    """Return an entry with its id and some of its fields only."""
    held = entry.document.fields
    return Entry(Document(entry.document.id, fields={name: held[name] for name in names if name in held}))
