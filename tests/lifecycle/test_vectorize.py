"""Vectors after the texts: found by words at once, by meaning later, and in the end as if they had been made at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.ingest.model import IngestSettings
from searchctl.lifecycle.vectorize import encode_deferred
from searchctl.schema import Schema
from searchctl.sources import discover
from searchctl.types import Entry

DOCUMENTS = 150


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(DOCUMENTS):
        (folder / f"{number}.txt").write_text(f"Note {number} of the ferry. " * (60 if number == 7 else 1))
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder="hashing:32") as opened:
        yield opened


def load(index: Index, corpus: Path, *, defer: bool) -> None:
    index.ingest_files(discover([str(corpus)]).files, IngestSettings(defer_vectors=defer))


def contents(index: Index) -> dict[str, Entry]:
    return {one.document.id: one for batch in index.engine.scan(index.name, vectors=True) for one in batch}


def test_texts_are_found_by_words_at_once(index: Index, corpus: Path) -> None:
    load(index, corpus, defer=True)
    assert all(entry.vectors is None and not entry.passages for entry in contents(index).values())
    results = index.search("note 17 ferry")
    assert results[0].id == "17.txt" and results[0].passage is not None and "17" in results[0].passage.text
    assert [hit.id for hit in index.search("note 17 ferry", mode="vector")] == []


def test_afterwards_it_is_as_if_they_had_been_made_at_once(index: Index, corpus: Path, tmp_path: Path) -> None:
    load(index, corpus, defer=True)
    report = encode_deferred(index, Monitor())
    assert (report.encoded, report.waiting, report.interrupted) == (DOCUMENTS, 0, False)
    with Index.open(tmp_path / "other", encoder="hashing:32") as other:
        load(other, corpus, defer=False)
        ours, theirs = contents(index), contents(other)
        assert ours.keys() == theirs.keys() and len(ours["7.txt"].passages) > 1
        for id, entry in theirs.items():
            assert (ours[id].document, ours[id].passages) == (entry.document, entry.passages)
            assert (ours[id].fingerprint, ours[id].source) == (entry.fingerprint, entry.source)
            np.testing.assert_array_equal(ours[id].vectors, entry.vectors)
        for mode in ("hybrid", "vector"):
            found = [hit.id for hit in index.search("note 17 ferry", mode=mode)]  # type: ignore[arg-type]
            assert found == [hit.id for hit in other.search("note 17 ferry", mode=mode)]  # type: ignore[arg-type]
    assert index.schema.background is not None
    assert encode_deferred(index, Monitor()).encoded == 0


def test_interrupted_it_goes_on(index: Index, corpus: Path) -> None:
    load(index, corpus, defer=True)
    stop = threading.Event()
    first = encode_deferred(index, Monitor(lambda done, total: stop.set(), stop))
    assert first.interrupted and 0 < first.encoded < DOCUMENTS
    assert encode_deferred(index, Monitor()).encoded == first.waiting == DOCUMENTS - first.encoded


def test_a_text_that_changes_loses_its_vectors_until_they_are_made_anew(index: Index, corpus: Path) -> None:
    load(index, corpus, defer=False)
    (corpus / "3.txt").write_text("A lantern in the fog.")
    load(index, corpus, defer=True)
    assert [id for id, entry in contents(index).items() if entry.vectors is None] == ["3.txt"]
    assert encode_deferred(index, Monitor()).encoded == 1
    assert index.search("lantern fog", mode="vector")[0].id == "3.txt"


def test_a_waiting_document_is_compared_by_its_text(index: Index, corpus: Path) -> None:
    load(index, corpus, defer=False)
    (corpus / "new.txt").write_text("Note 17 of the ferry.")
    load(index, corpus, defer=True)
    assert index.similar("new.txt")[0].id == "17.txt"


def test_an_index_for_words_only_says_what_to_type(index: Index) -> None:
    index.engine.create("words", Schema(None))
    with pytest.raises(UsageError, match="reembed"):
        encode_deferred(Index(index.engine, "words"), Monitor())
