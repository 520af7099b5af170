"""Choosing an index's settings from judged queries, and proving that each choice helps on queries it never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet
from searchctl.evaluation.evaluate import absent_documents
from searchctl.evaluation.metrics import Metric
from searchctl.index import Index
from searchctl.ingest.encoding import check_readable
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import Calibration
from searchctl.rerankers.base import Reranker
from searchctl.schema import Bm25Settings, PassageSettings
from searchctl.translation import _
from searchctl.tuning.choice import Choice
from searchctl.tuning.trials import OnProgress, Trials
from searchctl.types import Json

FEWEST_QUERIES = 20  # with fewer, no fold could show anything


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
    trials = Trials(index, answerable, metric, before, seed, on_progress)
    notes = []
    if left_out := len(dataset.queries) - len(answerable.queries):
        notes.append(f"left out: {left_out:,} of the queries, since the index holds none of their documents")
    if dataset.caveat:
        notes.append("relevance is learnt from people's judgements only, not from queries made from the documents")
    relevance = None if dataset.caveat else trials.relevance()
    bm25, refusal = trials.bm25() if tuning.bm25 else (None, "")
    return TuneReport(
        metric,
        len(answerable.queries),
        trials.fusion(),
        relevance,
        trials.rerank(tuning.rerank) if tuning.rerank is not None else None,
        bm25,
        trials.passages(tuning.passages) if tuning.passages else None,
        (*notes, *([refusal] if refusal else [])),
    )


def _check(index: Index, dataset: DataSet, tuning: Tuning) -> None:
    if len(dataset.queries) < FEWEST_QUERIES:
        raise UsageError(
            _(
                "'{name}' has {count} judged queries whose documents index '{name2}' holds; tuning needs "
                "{FEWEST_QUERIES} or more, or queries made from the documents: searchctl tune --known-items 200"
            ).format(name=dataset.name, count=len(dataset.queries), name2=index.name, FEWEST_QUERIES=FEWEST_QUERIES)
        )
    if index.encoder is None:
        raise UsageError(
            _("index '{name}' has no vectors, so there is nothing to weigh against its words").format(name=index.name)
        )
    if tuning.passages and index.schema.layout is not None:
        raise UsageError(
            _("index '{name}' was made by others, and its passages keep their size; leave --passages out").format(
                name=index.name
            )
        )
    for size in tuning.passages:
        check_readable(index.encoder, PassageSettings().resized(size))


def apply(index: Index, report: TuneReport) -> tuple[str, ...]:
    """Write what is significant into the index's stamp, from where searches take it, and return the settings' names.

    The size of passages stays: it takes new vectors (`searchctl reembed --passage-size`). On a server, other k1 and b close
    the index for a moment.
    """
    choices = {"fusion": report.fusion, "relevance": report.relevance, "rerank": report.rerank, "bm25": report.bm25}
    written = tuple(name for name, choice in choices.items() if choice is not None and choice.significant)
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


def _answerable(index: Index, dataset: DataSet) -> DataSet:
    """Return the queries that can be answered: the others would teach that nothing is relevant."""
    absent = absent_documents(index, dataset)
    kept = (
        query for query in dataset.queries if any(grade > 0 and id not in absent for id, grade in query.grades.items())
    )
    return replace(dataset, queries=tuple(kept))


def _fields(settings: Any) -> Json:
    return asdict(settings)
