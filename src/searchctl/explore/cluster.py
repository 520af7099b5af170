"""Topics in a collection: dense groups of texts, their names, their typical texts, and what belongs to none."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import MissingExtra, UsageError
from searchctl.explore.languages import aligned
from searchctl.explore.neighbours import Neighbours, nearest, reduced
from searchctl.explore.terms import Term, name_of, terms_of
from searchctl.ranking.unit import unit
from searchctl.schema import Analyzer
from searchctl.translation import _
from searchctl.types import Vectors

Labels: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Stage: TypeAlias = Callable[[str], None]

NEIGHBOURS = 15
DIRECTIONS = 100  # kept of the vectors
DIMENSIONS = 32  # of the space in which density is told
FEWEST = 5  # texts in a topic
_GROWTH = 0.15  # the least topic of n texts has this times the root of n
_SAMPLES = 5
_SUPPORT = 0.3  # share of a text's neighbourhood that must agree for it to join a topic afterwards
_ROUNDS = 3
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """How topics are looked for.

    `min_size` is the number of texts in the least topic (None: by the collection's size); with `edges`, texts at the edge of
    a topic join it instead of staying outliers.
    """

    min_size: int | None = None
    edges: bool = True
    analyzer: Analyzer = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.min_size is not None and self.min_size < 2:
            raise UsageError(
                _("a topic of {min_size} texts is none; give a smallest size of 2 or more").format(
                    min_size=self.min_size
                )
            )


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of texts.

    `members` are rows of the collection, the most typical first; `representatives` are the first of them that differ in
    wording. `cohesion` in [-1, 1] is the members' mean cosine with the topic's centre, after what all texts share is taken away.
    """

    id: int
    name: str
    terms: tuple[Term, ...]
    members: tuple[int, ...]
    representatives: tuple[int, ...]
    cohesion: float


@dataclass(frozen=True, slots=True)
class Clusters:
    """Topics, the largest first, each numbered by its place.

    `labels` (n,) holds each text's topic, -1 for outliers; `strengths` (n,) in [0, 1] how surely it belongs there: the share
    of its neighbours that are in the topic too.
    """

    labels: Labels
    strengths: Floats
    topics: tuple[Topic, ...]
    min_size: int

    @property
    def outliers(self) -> tuple[int, ...]:
        """Rows of the texts that belong to no topic."""
        return tuple(np.flatnonzero(self.labels < 0).tolist())


def smallest_topic(texts: int) -> int:
    """Return how many texts a topic needs among so many: at least 5, growing with the root."""
    return max(FEWEST, round(_GROWTH * sqrt(texts)))


def cluster(
    texts: Sequence[str],
    vectors: Vectors,
    settings: ClusterSettings | None = None,
    on_stage: Stage | None = None,
) -> Clusters:
    """Return the topics of texts with these vectors (n, dim), rows of length 1.

    Repeated texts count once while topics are looked for, so that a text sent a hundred times makes no neighbours of its
    own; it gets the topic of its first. The same input gives the same topics. Raises MissingExtra without scikit-learn.
    """
    settings = settings or ClusterSettings()
    tell = on_stage or (lambda _ignored: None)
    first, unique_rows, copies = _unique(texts)
    min_size = settings.min_size or smallest_topic(len(first))
    moved = aligned(texts, vectors)
    if len(first) < 2 * min_size or len(first) < 8:
        labels, strengths = np.full(len(first), -1), np.zeros(len(first))
    else:
        tell("comparing texts")
        neighbours = nearest(reduced(moved[first], DIRECTIONS), min(NEIGHBOURS, len(first) - 1))
        labels = _dense(neighbours, min_size, settings.seed, tell)
        if settings.edges:
            labels = _with_edges(labels, neighbours)
        strengths = _agreement(labels, neighbours)
    labels = _with_repeated(labels, copies, min_size)
    strengths = np.where((labels >= 0) & (copies >= min_size), np.maximum(strengths, 1e-9), strengths)
    labels = _largest_first(labels, copies)[unique_rows]
    tell("naming topics")
    return Clusters(labels, strengths[unique_rows], _topics(texts, moved, labels, settings.analyzer), min_size)


def _unique(texts: Sequence[str]) -> tuple[Labels, Labels, Labels]:
    """Return the rows of texts that are met first, for each text its place among those, and how often each occurs."""
    seen: dict[str, int] = {}
    first: list[int] = []
    unique_rows: list[int] = []
    for row, text in enumerate(texts):
        key = _SPACE.sub(" ", text).strip().casefold()
        if key not in seen:
            seen[key] = len(first)
            first.append(row)
        unique_rows.append(seen[key])
    return np.array(first, np.int64), np.array(unique_rows, np.int64), np.bincount(unique_rows, minlength=len(first))


def _dense(neighbours: Neighbours, min_size: int, seed: int, tell: Stage) -> Labels:
    hdbscan = _hdbscan()
    from searchctl.explore.spectral import embedding, graph_of

    tell("looking for dense groups")
    texts = len(neighbours.rows)
    space = embedding(graph_of(neighbours), max(2, min(DIMENSIONS, texts // 10)), seed)
    clustering = hdbscan(min_cluster_size=min_size, min_samples=min(_SAMPLES, min_size), copy=False).fit(space)
    return np.asarray(clustering.labels_, np.int64)


def _hdbscan() -> Any:
    try:
        return importlib.import_module("sklearn.cluster").HDBSCAN
    except ImportError as error:
        raise MissingExtra(_("looking for topics"), "explore") from error


def _votes(labels: Labels, neighbours: Neighbours) -> tuple[Labels, Floats]:
    """Return the topic that most of each row's neighbourhood is in, weighted by similarity, and its share of it."""
    topics = int(labels.max(initial=-1)) + 1
    best, share = np.full(len(labels), -1), np.zeros(len(labels))
    if not topics:
        return best, share
    weights = np.maximum(neighbours.similarities, 1e-6).astype(np.float64)
    around = labels[neighbours.rows]
    for row, (theirs, weight) in enumerate(zip(around, weights, strict=True)):
        inside = theirs >= 0
        if inside.any():
            counts = np.bincount(theirs[inside], weight[inside])
            best[row] = counts.argmax()
            share[row] = counts[best[row]] / weight.sum()
    return best, share


def _with_edges(labels: Labels, neighbours: Neighbours) -> Labels:
    """Let texts join the topic that their neighbours are in, where enough of them agree."""
    for _ignored in range(_ROUNDS):
        best, share = _votes(labels, neighbours)
        joining = (labels < 0) & (best >= 0) & (share >= _SUPPORT)
        if not joining.any():
            break
        labels = np.where(joining, best, labels)
    return labels


def _agreement(labels: Labels, neighbours: Neighbours) -> Floats:
    weights = np.maximum(neighbours.similarities, 1e-6).astype(np.float64)
    same = labels[neighbours.rows] == labels[:, None]
    share: Floats = (weights * same).sum(axis=1) / weights.sum(axis=1)
    return np.where(labels >= 0, share, 0.0)


def _with_repeated(labels: Labels, copies: Labels, min_size: int) -> Labels:
    """Make a topic of each outlier that is repeated so often that it's one by itself."""
    alone = np.flatnonzero((labels < 0) & (copies >= min_size))
    labels = labels.copy()
    labels[alone] = labels.max(initial=-1) + 1 + np.arange(len(alone))
    return labels


def _largest_first(labels: Labels, copies: Labels) -> Labels:
    sizes = Counter[int]()
    for label, number in zip(labels.tolist(), copies.tolist(), strict=True):
        if label >= 0:
            sizes[label] += number
    order = {
        label: place
        for place, (label, _ignored) in enumerate(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    }
    return np.array([order.get(label, -1) for label in labels.tolist()], np.int64)


def _topics(texts: Sequence[str], vectors: Vectors, labels: Labels, analyzer: Analyzer) -> tuple[Topic, ...]:
    groups = [
        _typical_first(np.flatnonzero(labels == label), vectors) for label in range(int(labels.max(initial=-1)) + 1)
    ]
    rows = [row for members, _ignored in groups for row in members]
    terms = terms_of([texts[row] for row in rows], labels[rows].tolist(), analyzer=analyzer)
    return tuple(_topic(label, terms.get(label, ()), *group, texts) for label, group in enumerate(groups))


def _typical_first(rows: Labels, vectors: Vectors) -> tuple[tuple[int, ...], float]:
    """Return a topic's texts, the nearest to their mean first, and how near they are to it on the average."""
    cosines = vectors[rows] @ unit(vectors[rows].mean(axis=0))
    return tuple(rows[np.argsort(-cosines, kind="stable")].tolist()), round(float(cosines.mean()), 4)


def _topic(
    label: int, terms: tuple[Term, ...], members: tuple[int, ...], cohesion: float, texts: Sequence[str]
) -> Topic:
    return Topic(label, name_of(terms), terms, members, _differing(members, texts, 3), cohesion)


def _differing(rows: Sequence[int], texts: Sequence[str], count: int) -> tuple[int, ...]:
    chosen: dict[str, int] = {}
    for row in rows:
        chosen.setdefault(_SPACE.sub(" ", texts[row]).strip().casefold(), row)
        if len(chosen) == count:
            break
    return tuple(chosen.values())


def settings_of(clusters: Clusters) -> dict[str, Any]:
    """Return what the topics were found with, for a report."""
    return {"min_size": clusters.min_size, "neighbours": NEIGHBOURS, "dimensions": DIMENSIONS}
