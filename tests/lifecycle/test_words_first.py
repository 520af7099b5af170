"""Words first: texts are found by their words before their vectors are made, and in the end all is as if made at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.engines.base import term_statistics
from searchctl.errors import InvalidDocument
from searchctl.index import Index
from searchctl.ingest.model import IngestReport, IngestSettings, Progress
from searchctl.lifecycle import words_first
from searchctl.lifecycle.words_first import goes_words_first, ingest_words_first
from searchctl.sources import SourceFile, discover
from searchctl.types import Entry, Vectors

DOCUMENTS = 150


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[SourceFile]:
    monkeypatch.setattr(words_first, "LARGE", 1000)
    (tmp_path / "corpus").mkdir()
    for number in range(DOCUMENTS):
        (tmp_path / "corpus" / f"{number}.txt").write_text(f"Note {number} of the ferry.")
    return discover([str(tmp_path / "corpus")]).files


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder="hashing:32") as opened:
        yield opened


def contents(index: Index) -> dict[str, Entry]:
    return {entry.document.id: entry for batch in index.engine.scan(index.name, vectors=True) for entry in batch}


def load(index: Index, files: Sequence[SourceFile], **options: object) -> IngestReport:
    assert goes_words_first(index, files, IngestSettings())
    return ingest_words_first(index, files, IngestSettings(), **options)  # type: ignore[arg-type]


def test_which_loads_go_words_first(index: Index, files: Sequence[SourceFile], tmp_path: Path) -> None:
    assert goes_words_first(index, files, IngestSettings())
    assert not goes_words_first(index, files[:3], IngestSettings())  # small
    assert not goes_words_first(index, files, IngestSettings(defer_vectors=True))
    index.ingest("A document that has its vectors.")
    assert not goes_words_first(index, files, IngestSettings())


def test_another_process_is_told_how_far_the_vectors_are(
    index: Index, files: Sequence[SourceFile], tmp_path: Path
) -> None:
    seen: list[tuple[int, str | None, list[str]]] = []

    def look(_waiting: int) -> None:
        with Index.open(tmp_path / "engine", create=False) as reader:
            answer = reader.search("note 17 ferry")
            seen.append((reader.engine.count("default"), answer.legs["vector"].reason, [hit.id for hit in answer[:1]]))

    report = load(index, files, on_words=look)
    ((count, reason, hits),) = seen
    assert count == DOCUMENTS and hits == ["17.txt"]
    assert reason is not None and reason.startswith(f"0 of {DOCUMENTS} documents have vectors so far")
    assert (report.written, report.passages, report.interrupted) == (DOCUMENTS, DOCUMENTS, False)
    assert index.search("note 17 ferry").legs["vector"].reason is None


def test_in_the_end_all_is_as_if_made_at_once(index: Index, files: Sequence[SourceFile], tmp_path: Path) -> None:
    load(index, files)
    with Index.open(tmp_path / "other", encoder="hashing:32") as other:
        other.ingest_files(files, IngestSettings())
        ours, theirs = contents(index), contents(other)
    assert ours.keys() == theirs.keys() and len(ours) == DOCUMENTS
    for id, entry in theirs.items():
        assert (ours[id].document, ours[id].passages, ours[id].fingerprint) == (
            entry.document,
            entry.passages,
            entry.fingerprint,
        )
        np.testing.assert_array_equal(ours[id].vectors, entry.vectors)


def test_interrupted_in_either_pass_the_same_load_goes_on(index: Index, files: Sequence[SourceFile]) -> None:
    stop, reached = threading.Event(), []

    def stop_at_vectors(progress: Progress) -> None:
        reached.append(progress.share)
        if progress.phase == "encoding" and progress.passages:
            stop.set()

    first = load(index, files, on_progress=stop_at_vectors, stop=stop)
    waiting = sum(entry.vectors is None for entry in contents(index).values())
    assert first.interrupted and first.written == DOCUMENTS and 0 < waiting < DOCUMENTS
    assert all(share is None or 0 <= share <= 1 for share in reached)
    assert index.search("note 17 ferry", mode="lexical")[0].id == "17.txt"
    again = load(index, files)
    assert (again.written, again.unchanged, again.interrupted) == (0, DOCUMENTS, False)
    assert again.passages == waiting and all(entry.vectors is not None for entry in contents(index).values())
    assert not goes_words_first(index, files, IngestSettings())


class Faulty(HashingEncoder):
    """Fails over one text."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        if any("Note 7 " in text for text in texts):
            raise ValueError("this text has a seven")
        return super().encode_documents(texts)


def test_a_document_that_the_encoder_fails_over_costs_itself_alone(tmp_path: Path, files: Sequence[SourceFile]) -> None:
    with Index.open(tmp_path / "engine", encoder=Faulty(32)) as index:
        report = load(index, files)
        assert (report.dead, report.interrupted) == (1, False)
        assert report.first_failure is not None and "this text has a seven" in report.first_failure
        assert report.dead_letters is not None
        (letter,) = report.dead_letters.read_text().splitlines()
        assert json.loads(letter)["document"]["id"] == "7.txt"
        assert [id for id, entry in contents(index).items() if entry.vectors is None] == ["7.txt"]
        with pytest.raises(InvalidDocument, match="a seven"):
            ingest_words_first(index, files, IngestSettings(on_error="stop"))


def test_words_count_once_in_the_end(index: Index, files: Sequence[SourceFile]) -> None:
    """Each document was replaced when it got its vectors; those removed would change what words weigh."""
    load(index, files)
    statistics = term_statistics(index.engine, index.name, "ferry")
    assert (statistics.documents, statistics.deleted, statistics.frequencies) == (DOCUMENTS, 0, {"ferri": DOCUMENTS})
