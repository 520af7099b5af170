"""From an entry to the JSON a server stores, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from searchctl.engines.rest.words import sent_words
from searchctl.fields import as_values
from searchctl.schema import Schema
from searchctl.types import Document, Entry, Json, Passage, Vectors

LEVEL = "document"  # see mappings/README.md
_DECIMALS = 8  # finer than float32 can tell for most of a unit vector's numbers, and half the bytes of all digits


def as_source(entry: Entry, schema: Schema, *, send_words: bool) -> Json:
    """Return what is stored for an entry."""
    document = entry.document
    rows = numbers(entry.vectors) if entry.vectors is not None else [None] * len(entry.passages)
    source: Json = {
        "title": document.title,
        "text": document.text,
        "fields": dict(document.fields),
        "passages": [
            {"start": one.start, "end": one.end} | ({} if row is None else {"vector": row})
            for one, row in zip(entry.passages, rows, strict=True)
        ],
        "searchctl": {"id": document.id, "fingerprint": entry.fingerprint, "source": entry.source, "level": LEVEL},
    }
    if send_words:
        source["content"] = sent_words(_searched(document, schema), schema.analyzer)
    return source


def numbers(vectors: Vectors) -> list[Any]:
    """Return vectors as numbers for JSON."""
    return np.round(vectors.astype(np.float64), _DECIMALS).tolist()  # type: ignore[no-any-return]


def _searched(document: Document, schema: Schema) -> str:
    extra = [
        str(one)
        for name in sorted(document.fields)
        if schema.fields.get(name) == "text"
        for one in as_values(document.fields[name])
    ]
    return "\n".join([document.title, document.text, *extra])


def as_entry(id: str, source: Json, *, vectors: bool) -> Entry:
    """Return the entry a server stores as `source`."""
    passages = source.get("passages") or []
    kept = source.get("searchctl") or {}
    rows = [one["vector"] for one in passages if "vector" in one] if vectors else []
    return Entry(
        Document(id, source.get("text", ""), source.get("title", ""), source.get("fields") or {}),
        tuple(Passage(one["start"], one["end"]) for one in passages),
        np.asarray(rows, np.float32) if rows and len(rows) == len(passages) else None,
        kept.get("fingerprint", ""),
        kept.get("source", ""),
    )
