"""Labels that are missing: the texts no label was given to, in groups that have names and propose examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchctl.explore.cluster import FEWEST, Clusters, ClusterSettings, Topic, cluster, smallest_topic
from searchctl.explore.terms import Term
from searchctl.routing.decide import Route
from searchctl.types import Vectors

_LEAST = 3  # texts in a group where there are few
_PARTS = 10  # a few texts make at most so many groups
_NO_LABEL = re.compile(r"[^\w]+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class UnlabelledGroup:
    """Texts that are alike and got no label.

    `name` is made of their `terms`, `label` too, in a form that can be one. `texts` are all of them, the most typical first;
    `examples` are proposed for a label: the most typical ones that differ in wording. `outside` in [0, 1] is the mean of how
    sure it is that they belong to no label. `nearest` counts the stored labels that come first for them.
    """

    name: str
    label: str
    terms: tuple[Term, ...]
    texts: tuple[str, ...]
    examples: tuple[str, ...]
    outside: float
    nearest: dict[str, int]


@dataclass(frozen=True, slots=True)
class Discovery:
    """Groups among `unrouted` of `texts` texts; first those that hold most texts of no label. `alone` belong to none of them."""

    texts: int
    unrouted: int
    min_size: int
    groups: tuple[UnlabelledGroup, ...]
    alone: tuple[str, ...]


def discover(
    texts: Sequence[str],
    vectors: Vectors,
    routes: Sequence[Route | None],
    labels: Sequence[str],
    *,
    min_size: int | None = None,
    examples: int = 5,
) -> Discovery:
    """UnlabelledGroup the texts, given with their vectors (n, dim) and routes, that didn't get one of the `labels`.

    A parent of labels is too little; None stands for the route of a text before there are labels. Raises MissingExtra
    without scikit-learn.
    """
    rows = [at for at, one in enumerate(routes) if one is None or one.label not in labels]
    size = min_size or _smallest(len(rows))
    own = [texts[row] for row in rows]
    clusters = cluster(own, vectors[rows], ClusterSettings(size)) if rows else _none(size)
    groups = [_group(topic, own, [routes[row] for row in rows], examples) for topic in clusters.topics]
    groups.sort(key=lambda group: -group.outside * len(group.texts))
    alone = tuple(own[row] for row in clusters.outliers)
    return Discovery(len(texts), len(rows), size, _named_apart(groups, labels), alone)


def _smallest(texts: int) -> int:
    """Return how many texts make a group: as in `searchctl cluster`, but fewer where there are only some dozens."""
    return max(_LEAST, texts // _PARTS) if texts < FEWEST * _PARTS else smallest_topic(texts)


def _none(min_size: int) -> Clusters:
    return Clusters(np.zeros(0, np.int64), np.zeros(0), (), min_size)


def _group(topic: Topic, texts: Sequence[str], routes: Sequence[Route | None], examples: int) -> UnlabelledGroup:
    members = [routes[row] for row in topic.members]
    routed = [one for one in members if one is not None]
    outside = float(np.mean([one.outside for one in routed])) if routed else 1.0
    nearest = Counter(one.candidates[0].label for one in routed)
    own = tuple(texts[row] for row in topic.members)
    return UnlabelledGroup(
        topic.name,
        "-".join(_NO_LABEL.sub("-", term.text).strip("-") for term in topic.terms[:2]) or "new",
        topic.terms,
        own,
        _proposed(own, examples),
        round(outside, 4),
        dict(nearest.most_common()),
    )


def _proposed(texts: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the first texts that differ in wording."""
    differing: dict[str, str] = {}
    for text in texts:
        differing.setdefault(_SPACE.sub(" ", text).strip().casefold(), text)
    return tuple(differing.values())[:count]


def _named_apart(groups: Sequence[UnlabelledGroup], labels: Sequence[str]) -> tuple[UnlabelledGroup, ...]:
    """Return the groups with labels that nothing else has."""
    taken = set(labels)
    names = []
    for group in groups:
        label, number = group.label, 2
        while label in taken:
            label, number = f"{group.label}-{number}", number + 1
        taken.add(label)
        names.append(replace(group, label=label))
    return tuple(names)
