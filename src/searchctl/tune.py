"""Choosing how an index joins its legs, from judged queries, and proving that the choice helps on queries it never saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchctl.answers import Answer
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet
from searchctl.fusion import FusionSettings
from searchctl.index import Index
from searchctl.metrics import Floats, Interval, Metric, bootstrap_interval, paired_p_value
from searchctl.search import Request, Searcher
from searchctl.types import Json

FEWEST_QUERIES = 20  # with fewer, no fold could show anything
FOLDS = 5
SIGNIFICANT = 0.05
_BATCH = 64
_WEIGHTS = tuple(round(0.05 * step, 2) for step in range(21))
CANDIDATES = (
    *(FusionSettings("weighted", weight, round(1 - weight, 2)) for weight in _WEIGHTS),
    *(FusionSettings("distribution", weight, round(1 - weight, 2)) for weight in _WEIGHTS[4:17:4]),
    *(FusionSettings("rrf", weight, round(1 - weight, 2)) for weight in _WEIGHTS[4:17:4]),
)


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What tuning found: `best` is the choice from all queries.

    `gain` is how much better than `before` the choices were on queries they weren't made from (cross-validation), with
    its interval and p-value; `before_mean` and `after_mean` are the means there. `chosen` are the folds' choices: many
    different ones mean that the judgements don't settle it.
    """

    metric: Metric
    queries: int
    before: FusionSettings
    best: FusionSettings
    before_mean: float
    after_mean: float
    gain: Interval
    p_value: float
    chosen: tuple[FusionSettings, ...]

    @property
    def significant(self) -> bool:
        """Tell whether the gain is more than chance."""
        return self.gain.value > 0 and self.p_value < SIGNIFICANT

    def to_json(self) -> Json:
        """Return the report as JSON values."""
        return {
            "metric": str(self.metric),
            "queries": self.queries,
            "before": {**_settings(self.before), "mean": self.before_mean},
            "after": {**_settings(self.best), "mean": self.after_mean},
            "gain": {"value": self.gain.value, "interval": [self.gain.low, self.gain.high], "p_value": self.p_value},
            "significant": self.significant,
            "folds": [_settings(one) for one in self.chosen],
        }


def tune(
    index: Index, dataset: DataSet, metric: Metric, *, before: FusionSettings | None = None, seed: int = 0
) -> TuneReport:
    """Choose among `CANDIDATES` the settings with the highest mean, by cross-validation in five folds.

    Each fold's queries are answered with what the other folds would choose. `before` is what the gain is measured
    against: None means the index's own settings. Nothing is written: see `apply`. Raises UsageError for too few queries
    or an index without vectors.
    """
    if len(dataset.queries) < FEWEST_QUERIES:
        raise UsageError(
            f"'{dataset.name}' has {len(dataset.queries)} judged queries; tuning needs {FEWEST_QUERIES} or more, "
            "or queries made from the documents: searchctl tune --known-items 200"
        )
    if index.encoder is None:
        raise UsageError(f"index '{index.name}' has no vectors, so there is nothing to weigh against its words")
    start = before or index.schema.fusion or FusionSettings()
    candidates = (start, *(one for one in CANDIDATES if one != start))
    scores = _scores(index, dataset, candidates, metric)
    chosen, held_out = _cross_validate(scores, seed)
    return TuneReport(
        metric=metric,
        queries=len(dataset.queries),
        before=start,
        best=candidates[_best(scores)],
        before_mean=float(scores[0].mean()),
        after_mean=float(held_out.mean()),
        gain=bootstrap_interval(held_out - scores[0], seed=seed),
        p_value=paired_p_value(held_out, scores[0], seed=seed),
        chosen=tuple(candidates[one] for one in chosen),
    )


def apply(index: Index, settings: FusionSettings) -> None:
    """Write settings into the index's stamp: from now on searches use them unless told otherwise."""
    index.engine.update_schema(index.name, replace(index.schema, fusion=settings))


def _answers(index: Index, texts: Sequence[str]) -> Iterator[Answer]:
    """Ask both legs once for each query: fusion is cheap to repeat, encoding and searching are not."""
    searcher = Searcher(index.engine, index.name, index.schema, index.encoder)
    for at in range(0, len(texts), _BATCH):
        yield from searcher.ask(texts[at : at + _BATCH], Request())


def _scores(index: Index, dataset: DataSet, candidates: Sequence[FusionSettings], metric: Metric) -> Floats:
    """Return the metric of every candidate for every query: (candidates, queries)."""
    schema = index.schema
    scores = np.zeros((len(candidates), len(dataset.queries)))
    answers = _answers(index, [query.text for query in dataset.queries])
    for column, (answer, query) in enumerate(zip(answers, dataset.queries, strict=True)):
        for row, settings in enumerate(candidates):
            scores[row, column] = metric.of(answer.fused(schema, settings).ids, query.grades)
    return scores


def _cross_validate(scores: Floats, seed: int) -> tuple[list[int], Floats]:
    """Return each fold's choice, and for each query the score of the choice made without its fold."""
    count = scores.shape[1]
    folds = np.random.default_rng(seed).permutation(count) % FOLDS
    held_out = np.zeros(count)
    chosen = []
    for fold in range(FOLDS):
        inside = folds == fold
        row = _best(scores[:, ~inside])
        chosen.append(row)
        held_out[inside] = scores[row, inside]
    return chosen, held_out


def _best(scores: Floats) -> int:
    """Return the row with the highest mean; of equal ones the first, so what is set stays unless something is better."""
    return int(np.argmax(np.round(scores.mean(axis=1), 9)))


def _settings(settings: FusionSettings) -> Json:
    return {"method": settings.method, "lexical": settings.lexical, "vector": settings.vector}
