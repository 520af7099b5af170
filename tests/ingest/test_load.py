"""Loading files: nothing twice, nothing lost, nothing silently."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import InvalidDocument, SourceError
from searchctl.index import Index
from searchctl.ingest.journal import Journal, journal_path
from searchctl.ingest.model import IngestReport, IngestSettings, Progress
from searchctl.schema import PassageSettings
from searchctl.sources import discover
from searchctl.types import Entry, Rejection


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder="hashing:32") as opened:
        yield opened


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    (folder / "tea.txt").write_text("Green tea is brewed at eighty degrees.", encoding="utf-8")
    (folder / "deep" / "хлеб.md").write_text("# Хлеб\n\nЗакваска живёт в банке.", encoding="utf-8")
    rows = [{"id": n, "text": f"row number {n}", "price": n} for n in range(5)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def load(index: Index, *paths: Path, **settings: object) -> IngestReport:
    return index.ingest_files(discover([str(path) for path in paths]).files, IngestSettings(**settings))  # type: ignore[arg-type]


def letters(report: IngestReport) -> list[dict[str, object]]:
    assert report.dead_letters is not None
    return [json.loads(line) for line in report.dead_letters.read_text(encoding="utf-8").splitlines()]


def test_reads_a_folder_of_files(index: Index, corpus: Path) -> None:
    report = load(index, corpus)
    assert (report.read, report.written, report.unchanged, report.dead) == (7, 7, 0, 0)
    bread = index.get("deep/хлеб.md")
    assert bread is not None and bread.title == "Хлеб" and "Закваска" in bread.text
    assert index.search("закваски", mode="lexical")[0].id == "deep/хлеб.md"
    assert index.count({"price": [3, 4]}) == 2


def test_batches_of_long_documents_are_small(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = index.engine.write

    def watched(name: str, entries: Sequence[Entry]) -> list[Rejection]:
        written.append(len(entries))
        return write(name, entries)

    monkeypatch.setattr(index.engine, "write", watched)
    long = "tea " * 100_000
    index.ingest([{"id": f"{n}", "text": f"{n} {long}"} for n in range(4)] + [{"id": "short", "text": "tea"}], batch=64)
    assert written == [3, 2]


def test_passages_are_such_that_the_encoder_reads_them_whole(tmp_path: Path) -> None:
    encoder = HashingEncoder(32)
    encoder.max_tokens = 20
    with Index.open(tmp_path / "short", encoder=encoder) as index:
        assert index.schema.passages == PassageSettings(20, 2)
        index.ingest([{"id": "d", "text": "The river runs past an old mill. " * 10}])
        (entry,) = index.engine.get(index.name, ["d"])
        assert entry is not None
        pieces = [entry.document.text[one.start : one.end] for one in entry.passages]
        assert max(encoder.count_tokens(pieces)) <= 20


def test_second_run_writes_nothing(index: Index, corpus: Path) -> None:
    load(index, corpus)
    before = index.engine.info(index.name)
    report = load(index, corpus)
    assert (report.read, report.written, report.unchanged) == (7, 0, 7)
    assert index.engine.info(index.name).documents == before.documents


def test_only_what_changed_is_written_again(index: Index, corpus: Path) -> None:
    load(index, corpus)
    (corpus / "tea.txt").write_text("Black tea is brewed at ninety-five degrees and more.", encoding="utf-8")
    report = load(index, corpus)
    assert (report.written, report.unchanged) == (1, 6)
    assert [hit.id for hit in index.search("green", mode="lexical")] == []


def test_deleted_documents_come_back_with_their_file(index: Index, corpus: Path) -> None:
    load(index, corpus)
    index.delete("tea.txt")
    assert load(index, corpus).written == 1
    assert index.get("tea.txt") is not None


def test_prune_removes_what_is_gone_and_nothing_else(index: Index, corpus: Path) -> None:
    other = corpus.parent / "other"
    other.mkdir()
    (other / "x.txt").write_text("another folder", encoding="utf-8")
    load(index, corpus)
    load(index, other)
    (corpus / "tea.txt").unlink()
    (corpus / "rows.jsonl").write_text('{"id": 1, "text": "row number 1", "price": 1}\n', encoding="utf-8")
    report = load(index, corpus, prune=True)
    assert report.pruned == 5
    ids = {entry.document.id for batch in index.engine.scan(index.name) for entry in batch}
    assert ids == {"deep/хлеб.md", "1", "x.txt"}


def test_prune_of_an_empty_folder_is_refused(index: Index, corpus: Path, tmp_path: Path) -> None:
    load(index, corpus)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="nothing"):
        load(index, tmp_path / "empty", prune=True)
    assert index.count() == 7


def test_bad_documents_become_dead_letters_with_reasons(index: Index, corpus: Path) -> None:
    bad = corpus / "bad.jsonl"
    bad.write_text(
        '{"id": "a", "text": "good"}\n{"id": "b", "text": \n{"id": "c", "n": 1}\n{"id": "a", "text": "again"}\n'
    )
    report = load(index, corpus)
    assert (report.written, report.dead) == (8, 3)
    reasons = {letter["_error"]["position"]: letter["_error"]["reason"] for letter in letters(report)}  # type: ignore[index]
    assert "empty" in reasons[3] and "twice" in reasons[4]


def test_dead_letters_can_be_corrected_and_ingested(index: Index, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"id": "a", "text": "one", "price": 5}\n{"id": "b", "price": 3}\n')
    report = load(index, source)
    (letter,) = letters(report)
    assert "empty" in letter["_error"]["reason"]  # type: ignore[index]
    corrected = tmp_path / "corrected.jsonl"
    corrected.write_text(json.dumps({"id": "b", "text": "two", "price": 3, "_error": letter["_error"]}) + "\n")
    again = load(index, corrected)
    assert (again.written, again.dead) == (1, 0)
    document = index.get("b")
    assert document is not None and document.fields == {"price": 3}


def test_a_value_that_does_not_fit_costs_neither_document_nor_silence(index: Index, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    rows = [
        {"id": n, "text": f"manual {n}", "version": version} for n, version in enumerate([2, "2.1-beta", "n/a", "3"])
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = load(index, source)
    assert (report.written, report.dead, report.misfits) == (4, 0, {"version": 1})
    assert report.first_misfit is not None
    assert "rows.jsonl at 2: field 'version': '2.1-beta' isn't a number" in report.first_misfit
    stored = [index.get(str(n)) for n in range(4)]
    assert [one.fields for one in stored if one] == [{"version": 2}, {"version": "2.1-beta"}, {}, {"version": 3}]
    assert index.count({"version": [2, 3]}) == 2
    assert load(index, source).unchanged == 4


def test_half_an_emoji_costs_nothing(index: Index, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text(
        r"""{"id": "1", "text": "half an emoji \ud83d here", "tag": "\ud83d", "note": "a\u0000b"}
{"id": "2", "text": "fine", "\ud83d": ["x", "\ude00"]}
{"id": "3", "text": "ordinary", "tag": "ok"}"""
    )
    assert load(index, source).written == 3
    document = index.get("2")
    assert document is not None and document.fields == {"\ufffd": ["x", "\ufffd"]}
    assert index.count({"tag": "ok"}) == 1


def test_failed_files_are_tried_and_reported_again(index: Index, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "picture.txt").write_bytes(bytes(range(256)) * 40)
    assert load(index, tmp_path / "docs").dead == 1
    assert load(index, tmp_path / "docs").dead == 1


def test_truncated_gzip_keeps_what_could_be_read(index: Index, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [json.dumps({"id": str(n), "text": " ".join(map(str, rng.integers(0, 10**9, 20)))}) for n in range(2000)]
    whole = gzip.compress("\n".join(lines).encode())
    (tmp_path / "rows.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    report = load(index, tmp_path / "rows.jsonl.gz")
    assert 100 < report.written < 2000
    assert report.dead >= 1
    assert "gzip" in letters(report)[-1]["_error"]["reason"]  # type: ignore[index]


def test_on_error_stop_raises_and_keeps_what_was_written(index: Index, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"id": "a", "text": "one"}\nnot json\n')
    with pytest.raises(InvalidDocument):
        load(index, source, on_error="stop", batch=1)
    assert index.count() == 1


def test_stop_keeps_everything_and_says_interrupted(index: Index, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"id": n, "text": f"text {n}"}) + "\n" for n in range(500)))
    stop = threading.Event()

    def tell(progress: Progress) -> None:
        if progress.read > 100:
            stop.set()

    files = discover([str(source)]).files
    report = index.ingest_files(files, IngestSettings(batch=10), on_progress=tell, stop=stop)
    assert report.interrupted and 0 < report.written < 500
    assert index.count() == report.written
    again = index.ingest_files(files, IngestSettings())
    assert not again.interrupted and again.written == 500 - report.written
    journal = Journal(journal_path(index.engine, index.name))
    assert [run.outcome for run in journal.runs()] == ["complete", "interrupted"]
    journal.close()


def test_documents_from_a_program(index: Index) -> None:
    report = index.ingest([{"id": 1, "text": "a", "lang": "en"}, "just a text", {"title": "only a title"}])
    assert report.written == 3
    assert index.count({"lang": "en"}) == 1
    with pytest.raises(InvalidDocument, match="text"):
        index.ingest([{"name": "no text"}])


def test_background_is_measured_from_the_documents(index: Index) -> None:
    index.ingest(f"words of text {n} {n * 7} {n * 31}" for n in range(60))
    background = index.schema.background
    assert background is not None and background.passages == 60
    vectors = np.concatenate(
        [
            entry.vectors
            for batch in index.engine.scan(index.name, vectors=True)
            for entry in batch
            if entry.vectors is not None
        ]
    )
    np.testing.assert_allclose(background.centre, vectors.mean(axis=0), atol=1e-4)


def test_long_texts_have_many_passages_and_the_best_comes_back(index: Index) -> None:
    filler = "Nothing of interest is said in this sentence, nor in the next one. " * 200
    index.ingest(
        [
            {"id": "long", "text": filler + "The password is swordfish tonight. " + filler},
            {"id": "short", "text": "unrelated"},
        ]
    )
    assert index.info().passages > 5
    hit = index.search("password swordfish tonight")[0]
    assert hit.id == "long" and hit.passage is not None and "swordfish" in hit.passage.text
    assert len(hit.passage.text) < 4000
    marked = {hit.passage.text[start:end] for start, end in hit.passage.marks}
    assert {"password", "swordfish"} <= marked
    document = index.get("long")
    assert document is not None and document.text[hit.passage.start : hit.passage.end] == hit.passage.text
