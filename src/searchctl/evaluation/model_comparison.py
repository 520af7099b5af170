"""Encoders side by side: what each scores on the user's own tasks, what it costs, and what follows from that."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.errors import MissingExtra, UsageError
from searchctl.evaluation.dataset import DataSet, read_corpus
from searchctl.evaluation.evaluate import evaluate, indexed
from searchctl.evaluation.metrics import Floats, Interval, bootstrap_interval, holm, paired_p_value, parse_metric
from searchctl.evaluation.model_tasks import ClassesTask, InferenceTask, ModelTask, SimilarityTask
from searchctl.models.catalogue import known_model
from searchctl.translation import _
from searchctl.types import Vectors

NDCG = parse_metric("ndcg@10")
LEXICAL = "words alone"
SURE = 0.05  # the p-value below which a difference counts
_SAMPLES = 2000  # of a rank correlation's interval
_CLUSTER_SAMPLES, _STARTS = 200, 10  # of an interval; of k-means, of which the best is taken
_TIMED_TEXTS, _TIMED_QUERIES = 200, 30
_SMALL, _LARGE = 5, 10  # examples a label


@dataclass(frozen=True, slots=True)
class TaskScore:
    """A model on a task: the score with its interval; `values` of each query or text (n,), none for a correlation."""

    task: str
    measure: str
    interval: Interval
    values: Floats | None
    p_value: float | None = None  # of the difference to the first model, corrected for the number of comparisons


@dataclass(frozen=True, slots=True)
class ModelMeasures:
    """What a model scores and costs: texts a second, milliseconds a query, numbers of a vector."""

    name: str
    scores: tuple[TaskScore, ...]
    texts_a_second: float
    query_ms: float
    dim: int

    def score(self, task: str, measure: str) -> TaskScore | None:
        """Return the score on a task; None if it wasn't measured."""
        return next((one for one in self.scores if (one.task, one.measure) == (task, measure)), None)

    @property
    def mean(self) -> float:
        """Mean of all its scores but those of the words alone, which no encoder changes."""
        own = [score.interval.value for score in self.scores if score.measure != LEXICAL]
        return float(np.mean(own))

    @property
    def published(self) -> dict[str, float]:
        """Published scores by kind, of the catalogue."""
        known = known_model(self.name)
        return dict(known.rumteb) if known else {}


def compare_models(
    encoders: Sequence[Encoder], tasks: Sequence[ModelTask], tell: Callable[[str], None] | None = None
) -> list[ModelMeasures]:
    """Measure each encoder on each task, and compare the others with the first.

    Search is measured as nDCG@10 of the words alone, of the vectors, and of both, in an index of the task's corpus; similarity as
    Spearman's correlation of cosines; classes as accuracy of a logistic regression on all training texts, and on 5 and 10 a label,
    and as V-measure of as many clusters as there are labels, found without them (k-means); inference as accuracy of a logistic
    regression on the difference and the product of both vectors.
    Raises UsageError for none of either, MissingExtra.
    """
    if not encoders or not tasks:
        raise UsageError(_("name at least one encoder, and a folder with tasks"))
    tell = tell or (lambda sentence: None)
    measured = []
    for encoder in encoders:
        scores: list[TaskScore] = []
        for task in tasks:
            tell(f"{encoder.name} on {task.name}")
            scores += _measure(encoder, task)
        texts = _texts_of(tasks)
        measured.append(ModelMeasures(encoder.name, tuple(scores), *_speed(encoder, texts), encoder.dim))
    return [measured[0], *_with_p_values(measured[0], measured[1:])]


def spearman(left: Floats, right: Floats) -> float:
    """Return the rank correlation of two series of n > 1 numbers, in [-1, 1]; 0 where one has but one value."""
    ranks = [_ranks(series) - (len(series) + 1) / 2 for series in (left, right)]
    lengths = float(np.linalg.norm(ranks[0]) * np.linalg.norm(ranks[1]))
    return float(ranks[0] @ ranks[1]) / lengths if lengths else 0.0


def pareto(measured: Sequence[ModelMeasures]) -> list[str]:
    """Return the models that no other one beats both in quality and in speed."""
    return [
        one.name
        for one in measured
        if not any(
            other.mean >= one.mean
            and other.texts_a_second >= one.texts_a_second
            and (other.mean, other.texts_a_second) != (one.mean, one.texts_a_second)
            for other in measured
        )
    ]


def advice(measured: Sequence[ModelMeasures]) -> list[str]:
    """Return in words what the numbers say: what to take, and which models are no good for search."""
    first, others = measured[0], measured[1:]
    better = [one for one in others if _is_proven(one, first) and one.mean > first.mean]
    sentences = []
    if others:
        best = max(better, key=lambda one: one.mean, default=None)
        sentences.append(
            f"Take {best.name}: its mean over all tasks is {best.mean:.3f}, that of {first.name} {first.mean:.3f}, and at least one "
            f"difference is more than chance; it encodes {best.texts_a_second / first.texts_a_second:.2g} times as many texts a second."
            if best
            else f"Keep {first.name}: none of the others is proven better by these tasks."
        )
    for one in measured:
        for score in one.scores:
            words = one.score(score.task, LEXICAL)
            if score.measure == "vectors" and words and score.interval.value < words.interval.value:
                sentences.append(
                    f"{one.name} finds less on {score.task} ({score.interval.value:.3f}) than the words alone "
                    f"({words.interval.value:.3f}): for search take another."
                )
    return sentences


def _is_proven(model: ModelMeasures, first: ModelMeasures) -> bool:
    """Tell whether a model is better than the first somewhere, and worse nowhere, by more than chance."""
    gains = [
        score.interval.value - reference.interval.value
        for score in model.scores
        if score.p_value is not None
        and score.p_value < SURE
        and (reference := first.score(score.task, score.measure)) is not None
    ]
    return bool(gains) and min(gains) > 0


def _measure(encoder: Encoder, task: ModelTask) -> list[TaskScore]:
    if isinstance(task, SimilarityTask):
        return [_similarity(encoder, task)]
    if isinstance(task, InferenceTask):
        return [_inference(encoder, task)]
    return _classes(encoder, task) if isinstance(task, ClassesTask) else _search(encoder, task)


def _search(encoder: Encoder, task: DataSet) -> list[TaskScore]:
    with indexed(task, encoder=encoder) as index:
        report = evaluate(index, task, modes=("lexical", "vector", "hybrid"), metrics=(NDCG,))
    names = {"lexical": LEXICAL, "vector": "vectors", "hybrid": "both"}
    values = {names[mode]: report.scores[mode][NDCG] for mode in report.modes}
    return [TaskScore(task.name, name, bootstrap_interval(rows), rows) for name, rows in values.items()]


def _similarity(encoder: Encoder, task: SimilarityTask) -> TaskScore:
    pairs = encoder.encode_queries(task.first) * encoder.encode_queries(task.second)
    cosines, grades = pairs.sum(axis=1).astype(np.float64), np.array(task.grades)
    random = np.random.default_rng(0)
    draws = random.integers(0, len(grades), (_SAMPLES, len(grades)))
    low, high = np.percentile([spearman(cosines[rows], grades[rows]) for rows in draws], [2.5, 97.5])
    return TaskScore(task.name, "Spearman", Interval(spearman(cosines, grades), float(low), float(high)), None)


def _classes(encoder: Encoder, task: ClassesTask) -> list[TaskScore]:
    learnt, tested = encoder.encode_queries(task.texts), encoder.encode_queries(task.test_texts)
    labels, wanted = np.array(task.labels), np.array(task.test_labels)
    scores = []
    for shots in (_SMALL, _LARGE, 0):
        rows = np.concatenate([np.flatnonzero(labels == label)[: shots or None] for label in np.unique(labels)])
        right = (_predict(learnt[rows], labels[rows], tested) == wanted).astype(np.float64)
        scores.append(TaskScore(task.name, f"{shots or 'all'} a label", bootstrap_interval(right), right))
    return [*scores, _clusters(task.name, tested, wanted)]


def _inference(encoder: Encoder, task: InferenceTask) -> TaskScore:
    learnt, tested = (_features(encoder, pairs) for pairs in (task.pairs, task.test_pairs))
    right = (_predict(learnt, np.array(task.labels), tested) == np.array(task.test_labels)).astype(np.float64)
    return TaskScore(task.name, "inference", bootstrap_interval(right), right)


def _features(encoder: Encoder, pairs: Sequence[tuple[str, str]]) -> Vectors:
    """Return what two texts' vectors have to do with each other: (n, 2 × dim)."""
    left, right = (encoder.encode_queries([pair[side] for pair in pairs]) for side in (0, 1))
    return np.concatenate([left - right, left * right], axis=1)


def _clusters(name: str, vectors: Vectors, labels: Any) -> TaskScore:
    """Group texts into as many clusters as there are labels, and measure how far both agree; the interval is of the texts drawn again."""
    try:
        from sklearn.cluster import KMeans
        from sklearn.metrics import v_measure_score
    except ImportError as error:
        raise MissingExtra("comparing encoders by clusters", "explore") from error
    count = len(np.unique(labels))
    clusters = KMeans(count, n_init=_STARTS, random_state=0).fit_predict(vectors.astype(np.float64))
    draws = np.random.default_rng(0).integers(0, len(labels), (_CLUSTER_SAMPLES, len(labels)))
    low, high = np.percentile([v_measure_score(labels[rows], clusters[rows]) for rows in draws], [2.5, 97.5])
    value = float(v_measure_score(labels, clusters))
    return TaskScore(name, "clusters", Interval(value, float(low), float(high)), None)


def _predict(learnt: Vectors, labels: Any, tested: Vectors) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtra(_("comparing encoders by classes"), "explore") from error
    if len(np.unique(labels)) < 2:
        raise UsageError(_("texts of one label alone can't be told apart; give texts of two"))
    return LogisticRegression(max_iter=10_000).fit(learnt.astype(np.float64), labels).predict(tested.astype(np.float64))


def _speed(encoder: Encoder, texts: Sequence[str]) -> tuple[float, float]:
    """Return texts a second, and the median milliseconds of one query."""
    encoder.encode_documents(texts[:1])
    began = time.perf_counter()
    encoder.encode_documents(texts)
    seconds = time.perf_counter() - began
    times = []
    for text in texts[:_TIMED_QUERIES]:
        began = time.perf_counter()
        encoder.encode_queries([text[:60]])
        times.append(time.perf_counter() - began)
    return len(texts) / max(seconds, 1e-9), 1000 * float(np.median(times))


def _texts_of(tasks: Sequence[ModelTask]) -> list[str]:
    """Return texts of all tasks, as many of each."""
    texts: list[str] = []
    for task in tasks:
        most = -(-_TIMED_TEXTS // len(tasks))
        if isinstance(task, SimilarityTask):
            texts += task.first[:most]
        elif isinstance(task, ClassesTask):
            texts += task.texts[:most]
        elif isinstance(task, InferenceTask):
            texts += [first for first, _ in task.pairs[:most]]
        else:
            assert task.corpus is not None
            texts += [
                f"{document.title}\n{document.text}"
                for document, _ignored in zip(read_corpus(task.corpus), range(most), strict=False)
            ]
    return texts


def _with_p_values(first: ModelMeasures, others: Sequence[ModelMeasures]) -> list[ModelMeasures]:
    """Compare all that is counted per query or text with the first model's, corrected for the number of comparisons."""
    asked = [
        (row, place, score.values, reference.values)
        for row, other in enumerate(others)
        for place, score in enumerate(other.scores)
        if score.measure != LEXICAL
        and score.values is not None
        and (reference := first.score(score.task, score.measure)) is not None
        and reference.values is not None
    ]
    p_values = holm([paired_p_value(values, reference) for _ignored, _ignored, values, reference in asked])
    known = {(row, place): p for (row, place, _ignored, _ignored), p in zip(asked, p_values, strict=True)}
    return [
        ModelMeasures(
            other.name,
            tuple(
                TaskScore(score.task, score.measure, score.interval, score.values, known.get((row, place)))
                for place, score in enumerate(other.scores)
            ),
            other.texts_a_second,
            other.query_ms,
            other.dim,
        )
        for row, other in enumerate(others)
    ]


def _ranks(series: Floats) -> Floats:
    """Return ranks from 1; equal numbers share the mean of theirs."""
    _ignored, inverse, counts = np.unique(series, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], np.float64)
