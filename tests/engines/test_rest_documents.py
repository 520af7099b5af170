"""What is sent to a server for a document, and what is read back."""

from __future__ import annotations

from searchctl.engines.rest.documents import MISFITS, as_entry, as_source
from searchctl.schema import Schema
from searchctl.types import Document, Entry, Passage


def test_values_that_a_server_would_refuse_are_kept_aside() -> None:
    schema = Schema(None, fields={"year": "number", "day": "date", "lang": "keyword"})
    fields = {"year": ["12А", 2], "day": "soon", "lang": "ru"}
    entry = Entry(Document("a", "tea", "", fields), (Passage(0, 3),), None, "f", "s")
    source = as_source(entry, schema, send_words=False)
    assert source["fields"] == {"year": [2], "lang": "ru", MISFITS: {"year": ["12А", 2], "day": "soon"}}
    assert as_entry("a", source, vectors=False) == entry


def test_other_documents_are_sent_as_they_are() -> None:
    schema = Schema(None, fields={"year": "number"})
    entry = Entry(Document("a", "tea", "", {"year": 5, "new": "N/A"}), (Passage(0, 3),), None, "f", "s")
    source = as_source(entry, schema, send_words=False)
    assert source["fields"] == {"year": 5, "new": "N/A"}
    assert as_entry("a", source, vectors=False) == entry
