"""Evaluation: reading judgements, queries made without any, the report and its gates."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from searchctl.errors import SourceError, UsageError
from searchctl.evaluation.baseline import RankBm25
from searchctl.evaluation.dataset import DataSet, JudgedQuery, read_corpus, read_dataset
from searchctl.evaluation.evaluate import evaluate, indexed, indexed_apart, known_items_of_index
from searchctl.evaluation.gates import drops, missed_gates, parse_gate, read_means
from searchctl.evaluation.known_items import held_apart, make_known_items
from searchctl.evaluation.metrics import parse_metric, parse_metrics
from searchctl.evaluation.report import Latency, Report, make_report
from searchctl.types import Document

CORPUS = [
    ("returns", "Returning an item", "Send the parcel back within thirty days. Keep the receipt of the post office."),
    ("warranty", "Warranty of devices", "Electronics are covered for two years. Batteries are covered for six months."),
    ("vozvrat", "Возврат товара", "Отправьте посылку обратно за тридцать дней. Сохраните квитанцию почты."),
    ("pickup", "Collecting at a shop", "Bring the order number and a passport. Orders wait seven days at the counter."),
]
JUDGED = [("q1", "send a parcel back", {"returns": 2, "pickup": 0}), ("q2", "квитанция почты", {"vozvrat": 1})]


def write_lines(path: Path, rows: list[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_lines(folder / "corpus.jsonl", [{"_id": id, "title": title, "text": text} for id, title, text in CORPUS])
    write_lines(folder / "queries.jsonl", [{"_id": id, "text": text} for id, text, _ in JUDGED])
    (folder / "qrels").mkdir()
    rows = [f"{query}\t{id}\t{grade}\n" for query, _, grades in JUDGED for id, grade in grades.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows), encoding="utf-8")
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq2\tpickup\t1\n", encoding="utf-8")
    return folder


def grades_of(dataset: DataSet) -> list[tuple[str, str, dict[str, int]]]:
    return [(query.id, query.text, query.grades) for query in dataset.queries]


def test_a_beir_folder(beir: Path) -> None:
    dataset = read_dataset(beir)
    assert (dataset.name, dataset.corpus, dataset.caveat) == ("shop", beir / "corpus.jsonl", "")
    assert grades_of(dataset) == JUDGED
    assert grades_of(read_dataset(beir, "train")) == [("q2", "квитанция почты", {"pickup": 1})]
    with pytest.raises(SourceError, match="no split 'dev'; found: test, train"):
        read_dataset(beir, "dev")


def test_trec_files(tmp_path: Path) -> None:
    (tmp_path / "queries.tsv").write_text("q1\tsend a parcel back\nq2\tквитанция почты\n", encoding="utf-8")
    (tmp_path / "qrels.txt").write_text("q1 0 returns 2\nq1 0 pickup 0\nq2 0 vozvrat 1\nq9 0 lost 1\n")
    dataset = read_dataset(tmp_path)
    assert grades_of(dataset) == JUDGED
    assert dataset.corpus is None


@pytest.mark.parametrize("relevant", ['["returns"]', '"returns"', '{"returns": 1}'])
def test_json_lines(tmp_path: Path, relevant: str) -> None:
    path = tmp_path / "judged.jsonl"
    path.write_text(f'\ufeff{{"query": "parcel", "relevant": {relevant}}}\n\n', encoding="utf-8")
    assert grades_of(read_dataset(path)) == [("1", "parcel", {"returns": 1})]


def test_a_compressed_corpus(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"_id": 7, "title": "a", "text": "b"}\n'))
    assert list(read_corpus(path)) == [Document("7", "b", "a")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"query": "a"', r"judged\.jsonl:1 isn't JSON"),
        ('{"query": "a"}', r"judged\.jsonl:1 isn't a judged query"),
        ('["a"]', r"judged\.jsonl:1 isn't a JSON object"),
        ('{"query": "a", "relevant": {"x": 0}}', "judges no document relevant"),
        ("", "judges no document relevant"),
    ],
)
def test_damaged_judgements_are_named_with_their_line(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "judged.jsonl"
    path.write_text(lines)
    with pytest.raises(SourceError, match=message):
        read_dataset(path)


def test_damaged_qrels(beir: Path) -> None:
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\treturns\tyes\n")
    with pytest.raises(SourceError, match=r"test\.tsv:2 has the grade 'yes'"):
        read_dataset(beir)
    (beir / "qrels" / "test.tsv").write_text("q1\n")
    with pytest.raises(SourceError, match=r"test\.tsv:1 has 1 columns"):
        read_dataset(beir)


def test_a_folder_without_judgements_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"qrels/test\.tsv \(BEIR\)"):
        read_dataset(tmp_path)
    with pytest.raises(SourceError, match="there is no"):
        read_dataset(tmp_path / "missing")


# Known items


def long_documents(count: int) -> list[Document]:
    words = (
        "amber basin cedar delta ember fjord grove harbor island jungle kettle lantern meadow nectar orchard".split()
    )
    return [
        Document(
            f"d{number:03}",
            f"{' '.join(words[number % 7 :][:6])}. {' '.join(words * 6)}.",
            f"Title of {words[number % 15]} number {number}",
        )
        for number in range(count)
    ]


def test_known_items_are_pieces_taken_out_of_their_documents() -> None:
    documents = long_documents(40)
    items = make_known_items(documents, 30, seed=1)
    assert len(items) == 30
    assert {item.kind for item in items} == {"title", "sentence", "span"}
    whole = {document.id: document for document in documents}
    for item in items:
        (id,) = item.query.grades
        before = f"{whole[id].title}\n{whole[id].text}"
        assert item.rest.id == id
        assert item.query.text in before
        assert len(f"{item.rest.title}\n{item.rest.text}") <= len(before) - len(item.query.text)
    stored = list(held_apart(documents, items))
    assert [document.id for document in stored] == [document.id for document in documents]
    assert sum(before != after for before, after in zip(documents, stored, strict=True)) == 30


def test_known_items_depend_on_the_seed_only() -> None:
    documents = long_documents(40)
    assert make_known_items(documents, 10, seed=3) == make_known_items(iter(documents), 10, seed=3)
    assert make_known_items(documents, 10, seed=3) != make_known_items(documents, 10, seed=4)


def test_known_items_have_no_operators_and_need_words() -> None:
    (item,) = make_known_items([Document("a", "x", '«Красная "книга"» -редких +животных')], 5)
    assert item.query.text == "Красная книга редких животных"
    assert make_known_items([Document("a", "of the", "and so"), Document("b", "", "Only a title here")], 5) == []


# The report


def report_of(first: list[float], second: list[float]) -> Report:
    """Return a report whose hits at 1 are as given."""
    queries = tuple(JudgedQuery(f"q{number}", f"text {number}", {"yes": 1}) for number in range(len(first)))
    runs = {
        mode: {query.id: ["yes"] if hit else ["no", "yes"] for query, hit in zip(queries, hits, strict=True)}
        for mode, hits in (("lexical", first), ("hybrid", second))
    }
    latency = {mode: Latency(1.0, 2.0) for mode in runs}
    return make_report(DataSet("made", queries), {}, parse_metrics("hit@1 mrr@10"), runs, latency, 0)


def test_a_report_has_means_intervals_comparisons_and_failures() -> None:
    report = report_of([1, 0, 0, 0], [1, 1, 1, 0])
    data = report.to_json()
    assert data["modes"] == {"lexical": {"hit@1": 0.25, "mrr@10": 0.625}, "hybrid": {"hit@1": 0.75, "mrr@10": 0.875}}
    low, high = data["intervals"]["hybrid"]["hit@1"]
    assert 0.0 <= low <= 0.75 <= high <= 1.0
    # two differences of the same sign: half of the four sign patterns are as extreme; two comparisons double it
    assert [(one["other"], one["metric"], one["difference"], one["p_value"]) for one in data["comparisons"]] == [
        ("lexical", "hit@1", 0.5, 1.0),
        ("lexical", "mrr@10", 0.25, 1.0),
    ]
    (failure,) = data["failures"]
    assert (failure["query"], failure["expected"], failure["ranks"]) == ("q3", ["yes"], {"lexical": 2, "hybrid": 2})
    assert data["per_query"]["hybrid"]["hit@1"] == {"q0": 1.0, "q1": 1.0, "q2": 1.0, "q3": 0.0}
    json.dumps(data)


def test_a_clear_difference_is_significant() -> None:
    (comparison, _) = report_of([0] * 20, [1] * 19 + [0]).comparisons()
    assert comparison.p_value < 0.001
    assert comparison.difference.low > 0.5


def test_gates() -> None:
    report = report_of([1, 0, 0, 0], [1, 1, 1, 0])
    gates = [parse_gate(text) for text in ("hit@1=0.75", "hit@1=0.8", "lexical:hit@1=0.5", "lexical:mrr@10=0.6")]
    assert missed_gates(report, gates) == ["hybrid hit@1 is 0.7500, below 0.8", "lexical hit@1 is 0.2500, below 0.5"]
    with pytest.raises(UsageError, match="wasn't measured"):
        missed_gates(report, [parse_gate("vector:hit@1=0.5")])


@pytest.mark.parametrize("text", ["hit@1", "hit@1=", "hit@1=2", "hit@1=-1", "hit@1=nan", "=0.5", "nonsense=0.5"])
def test_a_wrong_gate_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_gate(text)


def test_drops_since_an_earlier_report(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(report_of([1, 0, 0, 0], [1, 1, 1, 0]).to_json()))
    later = report_of([1, 0, 0, 0], [1, 1, 0, 0])
    assert drops(later, read_means(path), 0.3) == []
    assert drops(later, read_means(path), 0.2) == ["hybrid hit@1 fell from 0.7500 to 0.5000, by more than 0.2"]
    with pytest.raises(UsageError, match="in common"):
        drops(later, {"other": {"hit@1": 0.5}}, 0.1)
    path.write_text('{"modes": 3}')
    with pytest.raises(SourceError, match="isn't a report"):
        read_means(path)


# The whole way, with an encoder of hashes


def test_modes_are_measured_side_by_side(beir: Path) -> None:
    dataset = read_dataset(beir)
    calls: list[tuple[int, int]] = []
    with indexed(dataset, encoder="hashing:64") as index:
        report = evaluate(
            index, dataset, modes=["lexical", "vector", "hybrid", "rrf", "rank-bm25"], metrics=parse_metrics("hit@1 recall@100"),
            on_progress=lambda done, total: calls.append((done, total)),
        )  # fmt: skip
    assert report.modes == ["lexical", "vector", "hybrid", "rrf", "rank-bm25"]
    # both questions share a word with their documents and with no other
    assert report.mean("lexical", parse_metric("hit@1")) == 1.0
    assert report.mean("hybrid", parse_metric("recall@100")) == 1.0
    assert report.absent == 0
    assert report.index["documents"] == 4
    assert report.mean("rank-bm25", parse_metric("hit@1")) == 1.0
    assert calls[-1] == (10, 10)
    assert all(latency.median > 0 for latency in report.latency.values())


def test_rank_bm25_ranks_what_shares_a_word() -> None:
    documents = [
        Document("b", "cedar cedar fir"),
        Document("a", "cedar fir oak"),
        Document("c", "the oak"),
        Document("d", "elm"),
        Document("e", "ash"),
    ]
    model = RankBm25(documents, "en")
    assert model.search("cedar", 10) == ["b", "a"]
    assert model.search("Oaks", 1) == ["c"]
    assert model.search("the", 10) == model.search("pine", 10) == []
    assert RankBm25([], "en").search("cedar", 10) == []


def test_judged_documents_that_are_not_indexed_are_counted(beir: Path) -> None:
    dataset = read_dataset(beir)
    with indexed(dataset, encoder="hashing:64") as index:
        index.delete("vozvrat")
        assert evaluate(index, dataset, modes=["lexical"]).absent == 1


def test_an_unknown_mode_names_the_known_ones(beir: Path) -> None:
    dataset = read_dataset(beir)
    with indexed(dataset, encoder="hashing:64") as index, pytest.raises(UsageError, match="lexical, vector, hybrid"):
        evaluate(index, dataset, modes=["hybrit"])


def test_queries_alone_need_an_index(tmp_path: Path) -> None:
    dataset = DataSet("alone", (JudgedQuery("1", "a", {"b": 1}),))
    with pytest.raises(UsageError, match="--index NAME"), indexed(dataset):
        pass


def test_known_items_of_an_index_and_apart_from_one(tmp_path: Path) -> None:
    documents = long_documents(30)
    corpus = write_lines(
        tmp_path / "made" / "corpus.jsonl", [{"_id": one.id, "title": one.title, "text": one.text} for one in documents]
    )
    with indexed_apart(corpus, 12, encoder="hashing:64", seed=2) as (index, dataset):
        assert len(dataset.queries) == 12
        assert "favour words" in dataset.caveat
        titled = next(query for query in dataset.queries if query.id.startswith("title:"))
        (id,) = titled.grades
        stored = index.get(id)
        assert stored is not None
        assert stored.title == ""
        of_index = known_items_of_index(index, 5)
        report = evaluate(index, of_index, modes=["lexical"], metrics=parse_metrics("recall@100"))
    assert len(of_index.queries) == 5
    assert np.isclose(report.mean("lexical", parse_metric("recall@100")), 1.0)
