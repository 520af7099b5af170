"""Topics that belong together: groups of topics by what their documents mean, groups of groups where there are many."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from searchctl.explore.cluster import Clusters
from searchctl.explore.languages import aligned
from searchctl.explore.terms import name_of, terms_of
from searchctl.ranking.unit import unit
from searchctl.schema import Analyzer
from searchctl.types import Vectors

FEWEST = 4  # topics that are grouped
_WIDEST = 12  # topics of a group that isn't parted further


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """Topics that are near each other: their numbers, a name of their documents' terms, and the groups within, if any.

    `cosine` in [-1, 1] is the mean of the cosines between the topics' centres; 1 for a topic alone.
    """

    name: str
    topics: tuple[int, ...]
    cosine: float
    parts: tuple[TopicGroup, ...] = ()


def topic_groups(
    clusters: Clusters, texts: Sequence[str], vectors: Vectors, analyzer: Analyzer = "auto"
) -> tuple[TopicGroup, ...]:
    """Return the topics in groups, the largest (by documents) first; empty for fewer than four topics.

    Average linkage of the topics' centres by cosine (Sokal and Michener, 1958), cut into about as many groups as the root of their
    number. `vectors` (n, dim) are the texts', rows of length 1.
    """
    if len(clusters.topics) < FEWEST:
        return ()
    moved = aligned(texts, vectors)
    centres = np.stack([unit(moved[list(topic.members)].mean(axis=0)) for topic in clusters.topics])
    return _parted(tuple(range(len(centres))), centres, clusters, texts, analyzer)


def _parted(
    topics: tuple[int, ...], centres: Vectors, clusters: Clusters, texts: Sequence[str], analyzer: Analyzer
) -> tuple[TopicGroup, ...]:
    linkage = importlib.import_module("scipy.cluster.hierarchy")
    distances = importlib.import_module("scipy.spatial.distance")
    own = centres[list(topics)].astype(np.float64)
    tree = linkage.linkage(distances.pdist(own, "cosine"), "average")
    labels = linkage.fcluster(tree, ceil(sqrt(len(topics))), "maxclust").tolist()
    groups = [
        tuple(topic for topic, label in zip(topics, labels, strict=True) if label == one) for one in sorted(set(labels))
    ]
    groups.sort(key=lambda group: (-_documents(group, clusters), group))
    names = _names(groups, clusters, texts, analyzer)
    return tuple(
        TopicGroup(
            name,
            group,
            _mean_cosine(centres[list(group)]),
            _parted(group, centres, clusters, texts, analyzer) if _WIDEST < len(group) < len(topics) else (),
        )
        for name, group in zip(names, groups, strict=True)
    )


def _documents(group: Sequence[int], clusters: Clusters) -> int:
    return sum(len(clusters.topics[topic].members) for topic in group)


def _names(groups: Sequence[Sequence[int]], clusters: Clusters, texts: Sequence[str], analyzer: Analyzer) -> list[str]:
    """Return the groups' names: a topic's own where it is alone, else the terms that part the group from the others."""
    rows = [
        (row, number)
        for number, group in enumerate(groups)
        for topic in group
        for row in clusters.topics[topic].members
    ]
    terms = terms_of([texts[row] for row, _ in rows], [number for _, number in rows], analyzer=analyzer)
    return [
        clusters.topics[group[0]].name if len(group) == 1 else name_of(terms.get(number, ()))
        for number, group in enumerate(groups)
    ]


def _mean_cosine(centres: Vectors) -> float:
    cosines = centres @ centres.T
    count = len(centres)
    return 1.0 if count == 1 else round(float((cosines.sum() - np.trace(cosines)) / (count * (count - 1))), 4)
