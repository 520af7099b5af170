"""Choosing an index's settings from judged queries, and proving that each choice helps on queries it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import EncoderUnavailable, ServerRefusal, UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.evaluate import absent_documents
from searchctl.evaluation.metrics import Floats, Interval, Metric, bootstrap_interval, paired_p_value
from searchctl.index import Index
from searchctl.ingest.encoding import check_readable
from searchctl.models.hub import first_line
from searchctl.ranking.cosine_baseline import foreign_share
from searchctl.ranking.fusion import FusionSettings, Rows
from searchctl.ranking.relevance import DEFAULTS, Calibration, evidence_of, fit
from searchctl.rerankers.base import Reranker
from searchctl.schema import Bm25Settings, PassageSettings, Schema
from searchctl.search.leg_answers import LegAnswers
from searchctl.search.rerank import Rerank
from searchctl.search.searcher import Request, Searcher
from searchctl.tuning.trial_indexes import lexical_trials, passage_trials
from searchctl.types import Json

FEWEST_QUERIES = 20  # with fewer, no fold could show anything
FOLDS = 5
SIGNIFICANT = 0.05
DEPTHS = (0, 5, 10, 20, 30)  # of reranking; 0 is none
BM25 = tuple(Bm25Settings(k1, b) for k1 in (0.6, 0.9, 1.2, 1.6, 2.0) for b in (0.3, 0.5, 0.75, 0.9))
_JUDGED_HITS = 10  # of each query, from which relevance is learnt
_BATCH = 64
_WEIGHTS = tuple(round(0.05 * step, 2) for step in range(21))
CANDIDATES = (
    *(FusionSettings("weighted", weight, round(1 - weight, 2)) for weight in _WEIGHTS),
    *(FusionSettings("distribution", weight, round(1 - weight, 2)) for weight in _WEIGHTS[4:17:4]),
    *(FusionSettings("rrf", weight, round(1 - weight, 2)) for weight in _WEIGHTS[4:17:4]),
)
T = TypeVar("T")
OnProgress: TypeAlias = Callable[[str, int, int], None]  # what is tried, how many of how many


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """What was chosen among settings: `best` is the choice from all queries, `before` what there was.

    `gain` is how much better than `before` the choices were on queries they weren't made from (cross-validation), with
    its interval and p-value; `before_mean` and `after_mean` are the means there. `chosen` are the folds' choices: many
    different ones mean that the judgements don't settle it.
    """

    before: T
    best: T
    before_mean: float
    after_mean: float
    gain: Interval
    p_value: float
    chosen: tuple[T, ...]

    @property
    def significant(self) -> bool:
        """Tell whether the gain is more than chance."""
        return self.gain.value > 0 and self.p_value < SIGNIFICANT

    def to_json(self, show: Callable[[T], Json]) -> Json:
        """Return the choice as JSON values, each setting as `show` gives it."""
        return {
            "before": {**show(self.before), "mean": self.before_mean},
            "after": {**show(self.best), "mean": self.after_mean},
            "gain": {"value": self.gain.value, "interval": [self.gain.low, self.gain.high], "p_value": self.p_value},
            "significant": self.significant,
            "folds": [show(one) for one in self.chosen],
        }


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What tuning found; None where a setting wasn't tried, and `notes` say why of what was asked for.

    `relevance` is chosen by the squared error of the hits' probabilities, the others by `metric`.
    """

    metric: Metric
    queries: int
    fusion: Choice[FusionSettings]
    relevance: Choice[Calibration] | None = None
    rerank: Choice[int] | None = None
    bm25: Choice[Bm25Settings] | None = None
    passages: Choice[PassageSettings] | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the report as JSON values; fusion at the top."""
        others: Json = {
            "relevance": self.relevance and self.relevance.to_json(_fields),
            "rerank": self.rerank and self.rerank.to_json(lambda depth: {"depth": depth}),
            "bm25": self.bm25 and self.bm25.to_json(_fields),
            "passages": self.passages and self.passages.to_json(_fields),
        }
        top = self.fusion.to_json(_fields)
        return {"metric": str(self.metric), "queries": self.queries, **top, **others, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class Tuning:
    """What to tune beside fusion and relevance, which cost next to nothing.

    `rerank` finds how deep a reranker should go; `bm25` tries k1 and b on a copy of the index without vectors, which
    servers can; `passages` are sizes, in tokens, to encode copies of the documents with.
    """

    rerank: Reranker | None = None
    bm25: bool = False
    passages: tuple[int, ...] = ()


def tune(
    index: Index,
    dataset: DataSet,
    metric: Metric,
    tuning: Tuning | None = None,
    *,
    before: FusionSettings | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> TuneReport:
    """Choose settings with the highest mean, by cross-validation in five folds.

    Each fold's queries are answered with what the other folds would choose; queries none of whose documents the index holds
    are left out. `before` is what fusion's gain is measured against: None means the index's own settings, which all other
    trials use. Nothing is written: see `apply`. Raises UsageError for too few queries, an index without vectors, and
    passages that can't be had; EncoderUnavailable when the reranker fails.
    """
    answerable, tuning = _answerable(index, dataset), tuning or Tuning()
    _check(index, answerable, tuning)
    left_out = len(dataset.queries) - len(answerable.queries)
    why = f"left out: {left_out:,} of the queries, since the index holds none of their documents"
    return _Tuner(index, answerable, metric, before, seed, on_progress).report(tuning, [why] if left_out else [])


def _check(index: Index, dataset: DataSet, tuning: Tuning) -> None:
    if len(dataset.queries) < FEWEST_QUERIES:
        raise UsageError(
            f"'{dataset.name}' has {len(dataset.queries)} judged queries whose documents index '{index.name}' holds; tuning "
            f"needs {FEWEST_QUERIES} or more, or queries made from the documents: searchctl tune --known-items 200"
        )
    if index.encoder is None:
        raise UsageError(f"index '{index.name}' has no vectors, so there is nothing to weigh against its words")
    if tuning.passages and index.schema.layout is not None:
        raise UsageError(
            f"index '{index.name}' was made by others, and its passages keep their size; leave --passages out"
        )
    for size in tuning.passages:
        check_readable(index.encoder, PassageSettings().resized(size))


def apply(index: Index, report: TuneReport) -> tuple[str, ...]:
    """Write what is significant into the index's stamp, from where searches take it, and return the settings' names.

    The size of passages stays: it takes new vectors (`searchctl reembed --passage-size`). On a server, other k1 and b close
    the index for a moment.
    """
    found = {"fusion": report.fusion, "relevance": report.relevance, "rerank": report.rerank, "bm25": report.bm25}
    written = tuple(name for name, choice in found.items() if choice is not None and choice.significant)
    before = schema = index.schema
    if "fusion" in written:
        schema = replace(schema, fusion=report.fusion.best)
    if "relevance" in written and report.relevance is not None:
        schema = replace(schema, relevance=report.relevance.best.coefficients)
    if "rerank" in written and report.rerank is not None:
        schema = replace(schema, rerank_depth=report.rerank.best)
    if "bm25" in written and report.bm25 is not None:
        schema = replace(schema, bm25=report.bm25.best)
    if written:
        index.engine.update_schema(index.name, schema, since=before)
    return written


def reset(index: Index) -> None:
    """Take back what `apply` has written: searches use the defaults again."""
    schema = index.schema
    untuned = replace(schema, fusion=None, relevance=(), rerank_depth=None, bm25=None)
    index.engine.update_schema(index.name, untuned, since=schema)


class _Tuner:
    """One data set's trials: for fusion both legs are asked once for each query, since that costs, and fusing doesn't."""

    def __init__(
        self,
        index: Index,
        dataset: DataSet,
        metric: Metric,
        before: FusionSettings | None,
        seed: int,
        tell: OnProgress | None,
    ) -> None:
        self._index, self._dataset, self._metric, self._seed, self._tell = index, dataset, metric, seed, tell
        self._schema = index.schema
        self._used = before or self._schema.fusion or FusionSettings()
        self._answers = list(answers_of(index, self._texts))

    @property
    def _texts(self) -> list[str]:
        return [query.text for query in self._dataset.queries]

    def report(self, tuning: Tuning, notes: list[str]) -> TuneReport:
        bm25 = None
        relevance = None if self._dataset.caveat else self._relevance()
        if self._dataset.caveat:
            notes.append("relevance is learnt from people's judgements only, not from queries made from the documents")
        if tuning.bm25:
            bm25, note = self._bm25()
            notes += [note] if note else []
        return TuneReport(
            self._metric,
            len(self._dataset.queries),
            self._fusion(),
            relevance,
            self._rerank(tuning.rerank) if tuning.rerank is not None else None,
            bm25,
            self._passages(tuning.passages) if tuning.passages else None,
            tuple(notes),
        )

    def _fusion(self) -> Choice[FusionSettings]:
        candidates = (self._used, *(one for one in CANDIDATES if one != self._used))
        scores = [self._score(self._answers, settings) for settings in candidates]
        return choose(candidates, np.stack(scores), seed=self._seed)

    def _score(self, answers: Sequence[LegAnswers], settings: FusionSettings, schema: Schema | None = None) -> Floats:
        pairs = zip(answers, self._dataset.queries, strict=True)
        stamp = schema or self._schema
        return np.array([self._metric.of(one.fused(stamp, settings).ids, query.grades) for one, query in pairs])

    def _rerank(self, reranker: Reranker) -> Choice[int]:
        remembering = _Remembering(reranker)
        most = self._metric.k or 100
        scores = []
        self._say("depths", 0, len(DEPTHS))
        for number, depth in enumerate(DEPTHS):
            how = Rerank(remembering, depth) if depth else None
            found = []
            for at in range(0, len(self._texts), _BATCH):
                found += self._index.search_many(
                    self._texts[at : at + _BATCH], most, fusion=self._used, repair=False, rerank=how
                )
            if remembering.failure is not None:
                raise EncoderUnavailable(
                    f"the reranker '{reranker.name}' failed: {first_line(remembering.failure)}; choose another for --rerank"
                ) from remembering.failure
            runs = zip(found, self._dataset.queries, strict=True)
            scores.append([self._metric.of([hit.id for hit in hits], query.grades) for hits, query in runs])
            self._say("depths", number + 1, len(DEPTHS))
        return choose(DEPTHS, np.array(scores), seed=self._seed)

    def _bm25(self) -> tuple[Choice[Bm25Settings] | None, str]:
        now = self._schema.bm25 or Bm25Settings()
        candidates = (now, *(one for one in BM25 if one != now))
        scores = []
        matches = [match for one in self._answers if (match := one.question.match) is not None]
        self._say("settings of BM25", 0, len(candidates))
        try:
            with closing(lexical_trials(self._index, candidates, matches)) as trials:
                for rankings in trials:
                    tried = [replace(one, lexical=found) for one, found in zip(self._answers, rankings, strict=True)]
                    scores.append(self._score(tried, self._used))
                    self._say("settings of BM25", len(scores), len(candidates))
        except (UsageError, ServerRefusal) as error:
            return None, str(error)
        return choose(candidates, np.stack(scores), seed=self._seed), ""

    def _passages(self, sizes: Sequence[int]) -> Choice[PassageSettings]:
        """Try sizes, and the present one as well in a folder: an engine's ways must not look like those of a size."""
        now = self._schema.passages
        others = [PassageSettings().resized(size) for size in dict.fromkeys(sizes) if size != now.size]
        candidates, scores = (now, *others), []
        self._say("sizes", 0, len(candidates))
        with closing(passage_trials(self._index, candidates)) as trials:
            for trial in trials:
                # words are found in whole documents, however these are cut
                pairs = zip(self._answers, answers_of(trial, self._texts), strict=True)
                tried = [replace(old, question=new.question, vector=new.vector) for old, new in pairs]
                scores.append(self._score(tried, self._used, trial.schema))
                self._say("sizes", len(scores), len(candidates))
        return choose(candidates, np.stack(scores), seed=self._seed)

    def _relevance(self) -> Choice[Calibration]:
        """Fit the model of relevance; the score of a query is how near to its hits' judgements the probabilities come."""
        prior = DEFAULTS["hybrid"]
        before = Calibration(*self._schema.relevance) if self._schema.relevance else prior
        found = [
            _judged(one, self._schema, query) for one, query in zip(self._answers, self._dataset.queries, strict=True)
        ]
        folds = _folds(len(found), self._seed)
        chosen, held_out = [], np.zeros(len(found))
        for fold in range(FOLDS):
            model = _fitted([one for one, of in zip(found, folds, strict=True) if of != fold], prior)
            chosen.append(model)
            for place in np.flatnonzero(folds == fold):
                held_out[place] = _agreement(model, *found[place])
        old = np.array([_agreement(before, *one) for one in found])
        return _choice(before, _fitted(found, prior), old, held_out, tuple(chosen), self._seed)

    def _say(self, what: str, done: int, total: int) -> None:
        if self._tell is not None:
            self._tell(what, done, total)


def choose(candidates: Sequence[T], scores: Floats, *, seed: int = 0) -> Choice[T]:
    """Choose among candidates, of which the first is what there was, by their scores for every query: (candidates, queries)."""
    folds = _folds(scores.shape[1], seed)
    held_out = np.zeros(scores.shape[1])
    chosen = []
    for fold in range(FOLDS):
        row = _best(scores[:, folds != fold])
        chosen.append(candidates[row])
        held_out[folds == fold] = scores[row, folds == fold]
    return _choice(candidates[0], candidates[_best(scores)], scores[0], held_out, tuple(chosen), seed)


def answers_of(index: Index, texts: Sequence[str]) -> Iterator[LegAnswers]:
    """Ask both legs for each query."""
    searcher = Searcher(index.engine, index.name, index.schema, index.encoder)
    for at in range(0, len(texts), _BATCH):
        yield from searcher.ask(texts[at : at + _BATCH], Request())


def _answerable(index: Index, dataset: DataSet) -> DataSet:
    """Return the queries that can be answered: the others would teach that nothing is relevant."""
    absent = absent_documents(index, dataset)
    kept = [one for one in dataset.queries if any(grade > 0 and id not in absent for id, grade in one.grades.items())]
    return replace(dataset, queries=tuple(kept))


class _Remembering:
    """A reranker that scores no pair twice. A search answers without one that fails, so `failure` is kept."""

    def __init__(self, reranker: Reranker) -> None:
        self.name, self.weight = reranker.name, reranker.weight
        self.failure: Exception | None = None
        self._reranker = reranker
        self._known: dict[tuple[str, str], float] = {}

    def score(self, query: str, texts: Sequence[str]) -> Floats:
        """Return the texts' scores: (n,)."""
        new = [text for text in dict.fromkeys(texts) if (query, text) not in self._known]
        if new:
            try:
                scores = np.asarray(self._reranker.score(query, new), np.float64).tolist()
            except Exception as error:
                self.failure = error
                raise
            self._known |= {(query, text): score for text, score in zip(new, scores, strict=True)}
        return np.array([self._known[query, text] for text in texts])


def _choice(before: T, best: T, old: Floats, held_out: Floats, chosen: tuple[T, ...], seed: int) -> Choice[T]:
    return Choice(
        before,
        best,
        float(old.mean()),
        float(held_out.mean()),
        bootstrap_interval(held_out - old, seed=seed),
        paired_p_value(held_out, old, seed=seed),
        chosen,
    )


def _folds(count: int, seed: int) -> Rows:
    found: Rows = np.random.default_rng(seed).permutation(count) % FOLDS
    return found


def _best(scores: Floats) -> int:
    """Return the row with the highest mean; of equal ones the first, so what is set stays unless something is better."""
    return int(np.argmax(np.round(scores.mean(axis=1), 9)))


def _judged(answer: LegAnswers, schema: Schema, query: JudgedQuery) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the evidence for a query's first hits and whether they are relevant; what nobody judged isn't."""
    fused = answer.fused(schema, FusionSettings())
    rows = evidence_of(fused, answer.documents, foreign_share(answer.question.parsed.text, schema.background))
    relevant = np.array([query.grades.get(id, 0) > 0 for id in fused.ids[:_JUDGED_HITS]], dtype=bool)
    return rows[:_JUDGED_HITS], relevant


def _fitted(judged: Sequence[tuple[Floats, NDArray[np.bool_]]], prior: Calibration) -> Calibration:
    rows, relevant = (np.concatenate(part) for part in zip(*judged, strict=True))
    return fit(rows, relevant, prior=prior)


def _agreement(model: Calibration, rows: Floats, relevant: NDArray[np.bool_]) -> float:
    """Return 1 less the Brier score: the mean squared distance of probabilities from what was judged."""
    return 1.0 - float(((model.relevance(rows) - relevant) ** 2).mean()) if len(rows) else 1.0


def _fields(settings: Any) -> Json:
    return asdict(settings)
