"""Judged sets that would be miscounted are refused, and what is left out is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchctl.errors import SourceError
from searchctl.evaluation.dataset import DataSet, read_dataset


def lines(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "judged.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def beir(
    tmp_path: Path, qrels: str, queries: tuple[tuple[str, str], ...] = (("1", "kettle"), ("2", "lamp"))
) -> DataSet:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": id, "text": text}) + "\n" for id, text in queries), encoding="utf-8"
    )
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return read_dataset(folder)


def test_an_id_of_zero_is_an_id(tmp_path: Path) -> None:
    rows = [{"id": number, "query": f"query {number}", "relevant": [f"d{number}"]} for number in range(3)]
    found = read_dataset(lines(tmp_path, *rows))
    assert [(query.id, query.text) for query in found.queries] == [("0", "query 0"), ("1", "query 1"), ("2", "query 2")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"id": 7, "query": "a", "relevant": ["1"]}, {"id": "7", "query": "b", "relevant": ["2"]}],
            "the id '7' again",
        ),
        ([{"query": "a", "relevant": ["1"]}, {"id": 1, "query": "b", "relevant": ["2"]}], "the id '1' again"),
        ([{"query": "a", "relevant": {"1": 0.5}}], "the grade 0.5; expected a whole number"),
        ([{"query": "a", "relevant": {"1": "good"}}], "the grade 'good'"),
        ([{"query": "a", "relevant": {"1": None}}], "the grade None"),
        ([{"query": "a", "relevant": {"1": True}}], "the grade True"),
        ([{"query": "a", "relevant": [{"id": "1"}]}], "where an id is expected"),
        ([{"query": "a", "relevant": [None]}], "has None where an id is expected"),
        ([{"query": " ", "relevant": ["1"]}], "an empty query"),
    ],
)
def test_what_would_be_miscounted_is_refused_with_its_line(
    tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(SourceError, match=message) as failed:
        read_dataset(lines(tmp_path, *rows))
    assert f"judged.jsonl:{len(rows)}" in str(failed.value)


def test_whole_numbers_are_grades_however_they_are_written(tmp_path: Path) -> None:
    found = read_dataset(lines(tmp_path, {"query": "a", "relevant": {"1": 2.0, "2": "1", "3": 0}}))
    assert found.queries[0].grades == {"1": 2, "2": 1, "3": 0}


def test_judged_queries_without_a_text_or_a_relevant_document_are_told(tmp_path: Path) -> None:
    found = beir(tmp_path, "query-id\tcorpus-id\tscore\n1\td1\t1\n2\td1\t0\n8\td1\t1\n9\td2\t1\n")
    assert [query.id for query in found.queries] == ["1"]
    assert (
        found.left_out
        == "left out: 2 judged queries (8, 9) have no text and 1 judged query (2) has no relevant document"
    )


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("1\td1\t0.5\n1\td2\t1\n", "test.tsv:1 has the grade '0.5'"),
        ("1\td1\thigh\n1\td2\t1\n", "test.tsv:1 has the grade 'high'"),
        ("query-id\tcorpus-id\tscore\n1\td1\t1\n1\td1\t2\n", "test.tsv:3 judges document 'd1'"),
    ],
)
def test_tables_are_refused_alike(tmp_path: Path, qrels: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        beir(tmp_path, qrels)


def test_two_texts_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="queries.jsonl:2 has the id '1' again"):
        beir(tmp_path, "1\td1\t1\n", (("1", "kettle"), ("1", "lamp")))
