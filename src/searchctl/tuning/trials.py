"""The trials of tuning: each setting's candidates, and what every judged query's answer is worth with each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import EncoderUnavailable, ServerRefusal, UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.metrics import Floats, Metric
from searchctl.index import Index
from searchctl.models.hub import first_line
from searchctl.ranking.cosine_baseline import foreign_share
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import DEFAULTS, Calibration, evidence_of, fit
from searchctl.rerankers.base import Reranker
from searchctl.schema import Bm25Settings, PassageSettings, Schema
from searchctl.search.leg_answers import LegAnswers
from searchctl.search.rerank import Rerank
from searchctl.search.searcher import Request, Searcher
from searchctl.translation import _
from searchctl.tuning.choice import FOLDS, Choice, choice_of, choose, folds_of
from searchctl.tuning.trial_indexes import lexical_trials, passage_trials

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
OnProgress: TypeAlias = Callable[[str, int, int], None]  # what is tried, how many of how many


class Trials:
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

    def fusion(self) -> Choice[FusionSettings]:
        """Try methods and weights."""
        candidates = (self._used, *(settings for settings in CANDIDATES if settings != self._used))
        scores = [self._score(self._answers, settings) for settings in candidates]
        return choose(candidates, np.stack(scores), seed=self._seed)

    def _score(self, answers: Sequence[LegAnswers], settings: FusionSettings, schema: Schema | None = None) -> Floats:
        pairs = zip(answers, self._dataset.queries, strict=True)
        stamp = schema or self._schema
        return np.array([self._metric.of(answer.fused(stamp, settings).ids, query.grades) for answer, query in pairs])

    def rerank(self, reranker: Reranker) -> Choice[int]:
        """Try how many candidates are reordered; raises EncoderUnavailable when the reranker fails."""
        remembering = _Remembering(reranker)
        most = self._metric.k or 100
        scores = []
        self._say("depths", 0, len(DEPTHS))
        for number, depth in enumerate(DEPTHS):
            how = Rerank(remembering, depth) if depth else None
            results = []
            for start in range(0, len(self._texts), _BATCH):
                results += self._index.search_many(
                    self._texts[start : start + _BATCH], most, fusion=self._used, repair=False, rerank=how
                )
            if remembering.failure is not None:
                raise EncoderUnavailable(
                    _("the reranker '{name}' failed: {first_line}; choose another for --rerank").format(
                        name=reranker.name, first_line=first_line(remembering.failure)
                    )
                ) from remembering.failure
            runs = zip(results, self._dataset.queries, strict=True)
            scores.append([self._metric.of([hit.id for hit in hits], query.grades) for hits, query in runs])
            self._say("depths", number + 1, len(DEPTHS))
        return choose(DEPTHS, np.array(scores), seed=self._seed)

    def bm25(self) -> tuple[Choice[Bm25Settings] | None, str]:
        """Try k1 and b on a copy of the index; None and the reason where that can't be."""
        now = self._schema.bm25 or Bm25Settings()
        candidates = (now, *(settings for settings in BM25 if settings != now))
        scores = []
        lexical = [query for answer in self._answers if (query := answer.question.lexical) is not None]
        self._say("settings of BM25", 0, len(candidates))
        try:
            with closing(lexical_trials(self._index, candidates, lexical)) as trials:
                for rankings in trials:
                    pairs = zip(self._answers, rankings, strict=True)
                    tried = [replace(answer, lexical=ranking) for answer, ranking in pairs]
                    scores.append(self._score(tried, self._used))
                    self._say("settings of BM25", len(scores), len(candidates))
        except (UsageError, ServerRefusal) as error:
            return None, str(error)
        return choose(candidates, np.stack(scores), seed=self._seed), ""

    def passages(self, sizes: Sequence[int]) -> Choice[PassageSettings]:
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

    def relevance(self) -> Choice[Calibration]:
        """Fit the model of relevance; the score of a query is how near to its hits' judgements the probabilities come."""
        prior = DEFAULTS["hybrid"]
        before = Calibration(*self._schema.relevance) if self._schema.relevance else prior
        pairs = zip(self._answers, self._dataset.queries, strict=True)
        judged = [_judged(answer, self._schema, query) for answer, query in pairs]
        folds = folds_of(len(judged), self._seed)
        chosen, held_out = [], np.zeros(len(judged))
        for fold in range(FOLDS):
            model = _fitted([hits for hits, its_fold in zip(judged, folds, strict=True) if its_fold != fold], prior)
            chosen.append(model)
            for row in np.flatnonzero(folds == fold):
                held_out[row] = _agreement(model, *judged[row])
        old = np.array([_agreement(before, *hits) for hits in judged])
        return choice_of(before, _fitted(judged, prior), old, held_out, tuple(chosen), self._seed)

    def _say(self, what: str, done: int, total: int) -> None:
        if self._tell is not None:
            self._tell(what, done, total)


def answers_of(index: Index, texts: Sequence[str]) -> Iterator[LegAnswers]:
    """Ask both legs for each query."""
    searcher = Searcher(index.engine, index.name, index.schema, index.encoder)
    for start in range(0, len(texts), _BATCH):
        yield from searcher.ask(texts[start : start + _BATCH], Request())


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
