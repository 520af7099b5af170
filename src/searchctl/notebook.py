"""What `import searchctl` offers for a whole index in one call, and results that show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchctl import tables
from searchctl.encoders import open_encoder
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet, read_dataset
from searchctl.evaluation.evaluate import DEFAULT_METRICS, DEFAULT_MODES, known_items_of_index
from searchctl.evaluation.evaluate import evaluate as score_modes
from searchctl.evaluation.gates import parse_difference_gate
from searchctl.evaluation.metrics import Metric, parse_metric
from searchctl.evaluation.report import Report
from searchctl.explore.answer import Answer
from searchctl.explore.answer import answer as find_answer
from searchctl.explore.cluster import Clusters, ClusterSettings, Topic
from searchctl.explore.cluster import cluster as find_topics
from searchctl.explore.collection import Collection, from_index
from searchctl.explore.duplicates import NEAR, REASONS, Duplicates, DuplicateSettings
from searchctl.explore.duplicates import duplicates as find_duplicates
from searchctl.explore.export import TopicShape, map_page, shape_of
from searchctl.explore.hierarchy import TopicGroup
from searchctl.explore.layout import layout
from searchctl.explore.over_time import TopicTimeline
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.fit import fitted
from searchctl.lifecycle.reembed import Judging, ReembedReport
from searchctl.lifecycle.reembed import reembed as change_encoder
from searchctl.schema import PassageSettings
from searchctl.translation import _
from searchctl.tuning.tune import TuneReport, Tuning
from searchctl.tuning.tune import tune as fit_settings
from searchctl.types import DuplicateReason, Json, Where

if TYPE_CHECKING:
    from os import PathLike

_KNOWN_ITEMS = 200


@dataclass(frozen=True, slots=True, repr=False)
class Topics(Sequence[Topic]):
    """The topics of an index, the largest first. A notebook shows them as a map."""

    name: str
    collection: Collection
    clusters: Clusters
    seed: int

    @property
    def groups(self) -> tuple[TopicGroup, ...]:
        """Topics that are near each other; empty for fewer than four topics."""
        return self._shape.groups

    @property
    def timeline(self) -> TopicTimeline | None:
        """How many documents of each topic fall in each period; None without dates."""
        return self._shape.timeline

    @property
    def _shape(self) -> TopicShape:
        return shape_of(self.collection, self.clusters)

    def __len__(self) -> int:
        return len(self.clusters.topics)

    def __getitem__(self, place: Any) -> Any:
        return self.clusters.topics[place]

    def __repr__(self) -> str:
        outside = len(self.clusters.outliers)
        return f"<{len(self)} topics of {len(self.collection):,} documents of '{self.name}', {outside:,} in none>"

    def to_html(self) -> str:
        """Return the map as a page that needs nothing from elsewhere."""
        places = layout(self.collection.texts, self.collection.vectors, self.clusters.labels, self.seed)
        return map_page(f"Topics of {self.name}", self.collection, self.clusters, places, self._shape)

    def _repr_html_(self) -> str:
        return tables.html_frame(self.to_html())

    def to_dicts(self) -> list[Json]:
        """Return a row for each document: its id, its topic's number and name (None where it is in none), and how surely."""
        names = {topic.id: topic.name for topic in self.clusters.topics}
        labels, strengths = self.clusters.labels.tolist(), self.clusters.strengths.tolist()
        return [
            {"id": id, "topic": label if label >= 0 else None, "name": names.get(label), "strength": strength}
            for id, label, strength in zip(self.collection.ids, labels, strengths, strict=True)
        ]

    def to_pandas(self) -> Any:
        """Return these rows as a DataFrame; raises MissingExtra."""
        return tables.data_frame(self.to_dicts())


@dataclass(frozen=True, slots=True, repr=False)
class DuplicateIds(Sequence[tuple[str, ...]]):
    """The ids of documents that say the same, a group each; the first of a group is the one to keep."""

    name: str
    collection: Collection
    found: Duplicates

    def __len__(self) -> int:
        return len(self.found.groups)

    def __getitem__(self, place: Any) -> Any:
        groups = self.found.groups[place]
        if isinstance(place, slice):
            return [tuple(self.collection.ids[row] for row in group.members) for group in self.found.groups[place]]
        return tuple(self.collection.ids[row] for row in groups.members)

    def __repr__(self) -> str:
        among = f"{len(self.collection):,} documents of '{self.name}'"
        return f"<{len(self)} groups of duplicates among {among}, {self.found.spare:,} to spare>"

    def to_dicts(self) -> list[Json]:
        """Return a row for each document of a group: the group's number, id, how it is tied to the group, and its text."""
        return [
            {
                "group": number,
                "id": self.collection.ids[row],
                "reason": reason,
                "similarity": likeness,
                "text": self.collection.texts[row],
            }
            for number, group in enumerate(self.found.groups)
            for row, reason, likeness in zip(group.members, group.reasons, group.similarities, strict=True)
        ]

    def to_pandas(self) -> Any:
        """Return these rows as a DataFrame; raises MissingExtra."""
        return tables.data_frame(self.to_dicts())

    def _repr_html_(self) -> str:
        return tables.html_table(
            repr(self).strip("<>"), self.to_dicts(), ["group", "id", "reason", "similarity", "text"]
        )


def cluster(
    index: Index, *, min_size: int | None = None, edges: bool = True, date: str | None = None, seed: int = 0
) -> Topics:
    """Sort the documents of an index into topics.

    `date` is the field of dates for topics over time; None is the only one that the index has, if it has just one.

    `min_size` is the fewest documents of one, None for what suits their number; without `edges` only dense cores belong to one.
    Raises MissingExtra without scikit-learn, UsageError for an index without vectors.
    """
    collection = from_index(index, date=date)
    settings = ClusterSettings(min_size, edges=edges, seed=seed)
    return Topics(index.name, collection, find_topics(collection.texts, collection.vectors, settings), seed)


def duplicates(
    index: Index, *, only: Sequence[DuplicateReason] = REASONS, near: float = NEAR, semantic: float | None = None
) -> DuplicateIds:
    """Find documents of an index that say the same. `near` and `semantic` are as in `DuplicateSettings`; nothing is deleted."""
    collection = from_index(index)
    settings = DuplicateSettings(tuple(only), near, semantic)
    return DuplicateIds(
        index.name,
        collection,
        find_duplicates(collection.texts, collection.vectors, settings, encode=collection.encode),
    )


@dataclass(frozen=True, slots=True, repr=False)
class ShownReport(Report):
    """An evaluation that a notebook shows as its page."""

    def _repr_html_(self) -> str:
        from searchctl.evaluation.html import render

        return tables.html_frame(render(self))


def evaluate(
    index: Index,
    judgements: DataSet | str | PathLike[str] | None = None,
    *,
    modes: Sequence[str] = DEFAULT_MODES,
    metrics: Sequence[str | Metric] = DEFAULT_METRICS,
    known_items: int = _KNOWN_ITEMS,
) -> Report:
    """Measure how good the answers of an index are, mode by mode.

    `judgements` are judged queries or a folder of them; None makes `known_items` queries of the index's own documents.
    """
    report = score_modes(index, _queries(index, judgements, known_items), modes=modes, metrics=list(_metrics(metrics)))
    return ShownReport(*(getattr(report, field.name) for field in fields(report)))


def tune(
    index: Index,
    judgements: DataSet | str | PathLike[str],
    metric: str | Metric = "ndcg@10",
    tuning: Tuning | None = None,
    *,
    seed: int = 0,
) -> TuneReport:
    """Fit settings to judged queries. Nothing is written: `searchctl.tuning.tune.apply` does that, where the gain is sure."""
    (wanted,) = _metrics([metric])
    return fit_settings(index, _queries(index, judgements, 0), wanted, tuning, seed=seed)


def answer(
    index: Index, question: str, *, where: Where | None = None, min_relevance: float = 0.0, others: int = 2
) -> Answer:
    """Answer a question with the sentence of a document that says it, or with none."""
    return find_answer(index, question, where=where, min_relevance=min_relevance, others=others)


def reembed(
    index: Index,
    encoder: str | None = None,
    *,
    passages: PassageSettings | None = None,
    judgements: str | PathLike[str] | None = None,
    known_items: int = _KNOWN_ITEMS,
    gates: Sequence[str] = (),
) -> ReembedReport:
    """Change an index's encoder, or the size of its passages, without downtime.

    `gates` are conditions such as "ndcg@10>=-0.01", without which the old version stays. Raises UsageError.
    """
    stamp = index.schema.encoder
    name = encoder or (stamp.name if stamp else None)
    if name is None or (encoder is None and passages is None):
        raise UsageError(_("say which encoder to change to, or which passages: reembed(index, 'hashing:256')"))
    opened = fitted(index, open_encoder(name))
    judging = Judging(
        Path(judgements) if judgements else None, known_items, tuple(parse_difference_gate(one) for one in gates)
    )
    return change_encoder(index, encoder_stamp(name, opened), opened, judging, Monitor(), passages=passages)


def _queries(index: Index, judgements: DataSet | str | PathLike[str] | None, known_items: int) -> DataSet:
    if isinstance(judgements, DataSet):
        return judgements
    return read_dataset(Path(judgements)) if judgements is not None else known_items_of_index(index, known_items)


def _metrics(given: Sequence[str | Metric]) -> Iterator[Metric]:
    for one in given:
        yield parse_metric(one) if isinstance(one, str) else one
