"""Encoders compared: numbers as scipy and scikit-learn compute them by themselves, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from searchctl import open_encoder
from searchctl.errors import SourceError
from searchctl.evaluation.metrics import Interval
from searchctl.evaluation.model_comparison import (
    LEXICAL,
    ModelMeasures,
    TaskScore,
    advice,
    compare_models,
    pareto,
    spearman,
)
from searchctl.evaluation.model_comparison_html import render
from searchctl.evaluation.model_tasks import read_tasks

WORDS = {"tea": "green tea leaf cup hot".split(), "bridge": "steel bridge river road span".split()}


def lines(path: Path, rows: Sequence[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(3)

    def text(label: str) -> str:
        return " ".join([*random.choice(WORDS[label], 3), str(random.choice(["the", "a", "of"]))])

    for part, count in (("train", 15), ("test", 20)):
        lines(
            tmp_path / "classes" / f"{part}.jsonl",
            [{"text": text(label), "label": label} for label in WORDS for _ in range(count)],
        )
    pairs = [(text(str(left)), text(str(right))) for left, right in random.choice(list(WORDS), (40, 2))]
    rows = [{"sentence1": a, "sentence2": b, "score": len({*a.split()} & {*b.split()})} for a, b in pairs]
    lines(tmp_path / "pairs" / "dev.jsonl", rows)
    lines(
        tmp_path / "search" / "corpus.jsonl",
        [{"_id": f"{n}", "title": "", "text": f"{text('tea')} {n}"} for n in range(30)],
    )
    lines(tmp_path / "search" / "queries.jsonl", [{"_id": f"q{n}", "text": f"{text('tea')} {n}"} for n in range(12)])
    (tmp_path / "search" / "qrels").mkdir()
    (tmp_path / "search" / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "\n".join(f"q{n}\t{n}\t1" for n in range(12))
    )
    return [tmp_path / "classes", tmp_path / "pairs", tmp_path / "search"]


def test_numbers_are_those_of_scipy_and_scikit_learn(folders: list[Path]) -> None:
    tasks = [task for folder in folders for task in read_tasks(folder, 500)]
    (measured,) = compare_models([open_encoder("hashing:64")], tasks)
    encoder = open_encoder("hashing:64")

    def read(name: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in (folders[0].parent / name).read_text().splitlines()]

    rows = read("pairs/dev.jsonl")
    cosines = (
        encoder.encode_queries([str(row["sentence1"]) for row in rows])
        * encoder.encode_queries([str(row["sentence2"]) for row in rows])
    ).sum(axis=1)
    score = measured.score("pairs/dev", "Spearman")
    assert score is not None
    assert score.interval.value == pytest.approx(
        spearmanr(cosines.astype(float), [row["score"] for row in rows]).statistic, abs=1e-9
    )
    assert score.interval.low <= score.interval.value <= score.interval.high
    train, test = read("classes/train.jsonl"), read("classes/test.jsonl")
    model = LogisticRegression(max_iter=10_000).fit(
        encoder.encode_queries([str(row["text"]) for row in train]).astype(float), [row["label"] for row in train]
    )
    accuracy = model.score(
        encoder.encode_queries([str(row["text"]) for row in test]).astype(float), [row["label"] for row in test]
    )
    score = measured.score("classes", "all a label")
    assert score is not None and score.interval.value == pytest.approx(accuracy, abs=1e-9)
    corpus, queries = read("search/corpus.jsonl"), read("search/queries.jsonl")
    cosines = (
        encoder.encode_queries([str(row["text"]) for row in queries])
        @ encoder.encode_documents([str(row["text"]) for row in corpus]).T
    )
    ranks = (cosines > cosines[np.arange(12), np.arange(12)][:, None]).sum(axis=1)
    expected = float(np.mean([1 / np.log2(rank + 2) if rank < 10 else 0 for rank in ranks]))
    score = measured.score("search", "vectors")
    assert score is not None and score.interval.value == pytest.approx(expected, abs=1e-9)
    assert measured.texts_a_second > 0 and measured.query_ms > 0 and measured.dim == 64


def test_the_others_are_compared_with_the_first(folders: list[Path]) -> None:
    tasks = [task for folder in folders for task in read_tasks(folder, 500)]
    first, same = compare_models([open_encoder("hashing:64"), open_encoder("hashing:64")], tasks)
    assert all(score.p_value is None for score in first.scores)
    assert {score.p_value for score in same.scores if score.measure not in (LEXICAL, "Spearman", "clusters")} == {1.0}
    assert advice([first, same])[0] == "Keep hashing:64: none of the others is proven better by these tasks."
    page = render([first, same], 1000)
    assert (
        "Keep hashing:64" in page
        and "<table>" in page
        and "http" not in page.split("</style>")[1].replace("github.com", "")
    )


def made(name: str, vectors: float, speed: float, p_value: float | None = None, words: float = 0.5) -> ModelMeasures:
    scores = (
        TaskScore("faq", LEXICAL, Interval(words, 0, 1), np.zeros(1)),
        TaskScore("faq", "vectors", Interval(vectors, 0, 1), np.zeros(1), p_value),
    )
    return ModelMeasures(name, scores, speed, 1.0, 8)


def test_what_the_numbers_say_is_said_in_words() -> None:
    light, heavy, poor = made("light", 0.6, 100), made("heavy", 0.8, 10, 0.01), made("poor", 0.3, 50, 0.01)
    told = advice([light, heavy, poor])
    assert told[0].startswith("Take heavy: its mean over all tasks is 0.800, that of light 0.600")
    assert told[1:] == ["poor finds less on faq (0.300) than the words alone (0.500): for search take another."]
    assert pareto([light, heavy, poor]) == ["light", "heavy"]
    assert advice([light, made("heavy", 0.8, 10, 0.4)])[0].startswith("Keep light")
    assert advice([light, made("worse", 0.5, 10, 0.001)])[0].startswith("Keep light")


@pytest.mark.parametrize("series", [[1.0, 2, 3, 4], [1.0, 1, 2, 2], [3.0, 1, 3, 2]])
def test_rank_correlation_with_ties(series: list[float]) -> None:
    other = np.array([0.3, 0.1, 0.4, 0.15])
    assert spearman(np.array(series), other) == pytest.approx(spearmanr(series, other).statistic, abs=1e-12)
    assert spearman(np.ones(4), other) == 0


def test_a_folder_without_a_task_is_told_what_it_may_hold(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no task; it takes corpus.jsonl"):
        read_tasks(tmp_path, 10)
    (tmp_path / "x.jsonl").write_text('{"sentence1": "a", "sentence2": "b", "score": "high"}')
    with pytest.raises(SourceError, match=r"x\.jsonl, line 1: 'score' is 'high', expected a number"):
        read_tasks(tmp_path, 10)


def test_inference_and_clusters_are_as_scikit_learn_has_them(folders: list[Path], tmp_path: Path) -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import v_measure_score

    random = np.random.default_rng(5)
    for part, count in (("train", 60), ("test", 40)):
        rows = []
        for _ in range(count):
            left, right = (str(name) for name in random.choice(list(WORDS), 2))
            first, second = (" ".join(random.choice(WORDS[name], 4)) for name in (left, right))
            rows.append({"sentence1": first, "sentence2": second, "label": "same" if left == right else "other"})
        lines(tmp_path / "inference" / f"{part}.jsonl", rows)
    encoder = open_encoder("hashing:64")
    tasks = [task for folder in (tmp_path / "inference", tmp_path / "classes") for task in read_tasks(folder, 100)]
    assert [type(task).__name__ for task in tasks] == ["InferenceTask", "ClassesTask"]
    (measured,) = compare_models([encoder], tasks)
    inference, clusters = measured.score("inference", "inference"), measured.score("classes", "clusters")
    assert inference is not None and clusters is not None

    def read(path: Path) -> list[dict[str, str]]:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    learnt, tested = (read(tmp_path / "inference" / f"{part}.jsonl") for part in ("train", "test"))
    sides = [
        [encoder.encode_queries([row[side] for row in rows]).astype(float) for side in ("sentence1", "sentence2")]
        for rows in (learnt, tested)
    ]
    features = [np.concatenate([left - right, left * right], axis=1) for left, right in sides]
    model = LogisticRegression(max_iter=10_000).fit(features[0], [row["label"] for row in learnt])
    expected = model.score(features[1], [row["label"] for row in tested])
    assert inference.interval.value == pytest.approx(expected, abs=1e-9)
    texts = read(tmp_path / "classes" / "test.jsonl")
    vectors = encoder.encode_queries([row["text"] for row in texts]).astype(float)
    found = KMeans(2, n_init=10, random_state=0).fit_predict(vectors)
    assert clusters.interval.value == pytest.approx(v_measure_score([row["label"] for row in texts], found), abs=1e-9)
    assert clusters.interval.low <= clusters.interval.value <= clusters.interval.high
