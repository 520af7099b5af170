"""From probabilities to routes: which label a text gets, or why it gets none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchctl.engines.threads import one_thread
from searchctl.errors import Absent, UsageError
from searchctl.routing.calibration import Doubles
from searchctl.routing.calibration_report import OUTSIDE_LIMIT, CalibrationReport, depths, grouped
from searchctl.routing.judgement import Judgement
from searchctl.routing.state import State
from searchctl.routing.votes import Floats
from searchctl.translation import _
from searchctl.types import Vectors

_WORTH_SAYING = 0.005  # of a second label's probability: less is 0.00
_NO_LABELS = "there are no labels yet; add one with: searchctl route add LABEL TEXT"


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """What is wanted of an answer.

    `target_precision` in (0, 1) sets the threshold by the stored examples; `threshold` in (0, 1) sets it by hand. Below it, and
    where it is as sure as `outside_limit` in (0, 1] that a text belongs nowhere, there's no label. None is the usual limit,
    0.92, and 1 is none. `coverage` in (0, 1) asks for label sets that hold the true label this often. `candidates` and
    `neighbours` say how many to show. Raises UsageError for other values.
    """

    target_precision: float | None = None
    threshold: float | None = None
    outside_limit: float | None = None
    coverage: float | None = None
    candidates: int = 3
    neighbours: int = 3

    def __post_init__(self) -> None:
        for name, value in (
            ("target precision", self.target_precision),
            ("threshold", self.threshold),
            ("coverage of sets", self.coverage),
        ):
            if value is not None and not 0 < value < 1:
                raise UsageError(
                    _("the {name} {value:g} can't be used; give a number between 0 and 1, as in 0.95").format(
                        name=name, value=value
                    )
                )
        if self.outside_limit is not None and not 0 < self.outside_limit <= 1:
            raise UsageError(
                _("the outside limit {outside_limit:g} can't be used; give a number above 0, at most 1").format(
                    outside_limit=self.outside_limit
                )
            )
        if self.target_precision is not None and self.threshold is not None:
            raise UsageError(_("a target precision sets the threshold itself; give only one of them"))
        if self.candidates < 1 or self.neighbours < 0:
            raise UsageError(_("ask for at least 1 candidate and not for less than 0 neighbours"))

    @property
    def limit(self) -> float:
        """From which certainty on that a text belongs nowhere it gets no label; above 1 for never."""
        if self.outside_limit is None:
            return OUTSIDE_LIMIT
        return self.outside_limit if self.outside_limit < 1 else 2.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label and how probable it is, in [0, 1]."""

    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored example near a text; `similarity` is the cosine in the router's metric, in [-1, 1]."""

    id: str
    text: str
    labels: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class Route:
    """Where a text goes.

    `label` is None where the router abstains, and a parent like `billing` where only that much is sure. `labels` holds all
    labels of the text. `confidence` is the probability that `label`, or else the first candidate, is right. `outside` in [0, 1]
    says how sure it is that the text belongs to no label. `label_set` is empty unless asked for. `read_as` is what was read
    instead of the text where that was repaired, else empty; `cut` says that only its beginning was read.
    """

    label: str | None
    labels: tuple[str, ...]
    confidence: float
    candidates: tuple[Candidate, ...]
    neighbours: tuple[Neighbour, ...]
    outside: float
    label_set: tuple[str, ...]
    why: str
    read_as: str = ""
    cut: bool = False


@one_thread()
def decide(
    state: State,
    report: CalibrationReport,
    vectors: Vectors,
    settings: RouteSettings,
    probabilities: Doubles | None = None,
    texts: Sequence[str] | None = None,
) -> list[Route]:
    """Route texts given as the encoder's vectors (n, dim); raises UsageError while there are no labels.

    `probabilities` (n, labels) that something else gave take the place of the votes. Without `texts` (n), only the vectors are
    looked at, and no word.
    """
    if not state.labels:
        raise Absent(_NO_LABELS)
    if probabilities is None:
        probabilities = report.probabilities(state.votes.scores(state.texts(texts, vectors)))
    limits = np.full(len(vectors), settings.limit)
    outside = strangeness(state, report, vectors)
    judgement = Judgement(state.labels, state.multi_label, probabilities, report, outside, limits)
    return routes_of(judgement, settings, neighbours_of(state, vectors, settings.neighbours), bool(state.examples))


def strangeness(state: State, report: CalibrationReport, vectors: Vectors) -> Doubles:
    """Return how sure it is that texts (n, dim) belong to no label: (n,), 0 while there are no examples.

    Descriptions are another kind of text than what is routed, so that nothing is unlike them.
    """
    return report.scope.scores(state.votes, vectors) if state.examples else np.zeros(len(vectors))


def neighbours_of(state: State, vectors: Vectors, count: int) -> list[tuple[Neighbour, ...]]:
    """Return the `count` stored examples nearest to each text (n, dim)."""
    if not count:
        return [()] * len(vectors)
    return [_neighbours(state, similarities, count) for similarities in state.votes.similarities(vectors)]


def routes_of(
    judgement: Judgement, settings: RouteSettings, neighbours: Sequence[tuple[Neighbour, ...]], examples: bool
) -> list[Route]:
    """Choose labels by what is wanted, and say why. Without `examples`, labels go by their descriptions alone."""
    sets = _sets(judgement, settings)
    choose = _several if judgement.multi_label else _one
    routes = []
    for row, route in enumerate(choose(judgement, _thresholds(judgement, settings), settings)):
        outside = float(judgement.outside[row])
        route = replace(route, neighbours=neighbours[row], outside=outside, label_set=sets[row])
        routes.append(_explained(_kept(route, float(judgement.limits[row]), judgement.strange), examples))
    return routes


def _candidates(labels: Sequence[str], row: Doubles, count: int) -> tuple[Candidate, ...]:
    best = np.argsort(-row, kind="stable")[:count]
    return tuple(Candidate(labels[at], float(row[at])) for at in best)


def _thresholds(judgement: Judgement, settings: RouteSettings) -> list[float]:
    """Return from which probability on a label is given at each depth, the whole labels' first."""
    count = 1 if judgement.multi_label else len(depths(judgement.labels))
    if settings.target_precision is not None:
        made = [promise.threshold for promise in judgement.trust.promises(settings.target_precision)][:count]
        return made + [settings.target_precision] * (count - len(made))
    if settings.threshold is not None:
        return [settings.threshold] * count
    return [judgement.trust.usual if judgement.multi_label else 0.0] * count


def _one(judgement: Judgement, thresholds: list[float], settings: RouteSettings) -> list[Route]:
    """Give each text the most probable label, or the deepest parent that is probable enough."""
    probabilities, labels = judgement.probabilities, judgement.labels
    routes: list[Route | None] = [None] * len(probabilities)
    best = probabilities.max(axis=1)
    for depth, least in zip(depths(labels), thresholds, strict=True):
        groups, names = grouped(labels, depth)
        summed = probabilities @ groups
        for row, route in enumerate(routes):
            at = int(summed[row].argmax())
            if route is None and summed[row, at] >= least:
                top = _candidates(labels, probabilities[row], settings.candidates)
                routes[row] = Route(names[at], (names[at],), float(summed[row, at]), top, (), 0.0, (), "")
        if all(routes):
            break
    return [
        route
        or Route(
            None,
            (),
            float(best[row]),
            _candidates(labels, probabilities[row], settings.candidates),
            (),
            0.0,
            (),
            _too_unsure(float(best[row]), thresholds[0], settings),
        )
        for row, route in enumerate(routes)
    ]


def _several(judgement: Judgement, thresholds: list[float], settings: RouteSettings) -> list[Route]:
    """Give each text every label that is probable enough; the best one at least, where no precision or threshold is asked for."""
    is_asked = settings.target_precision is not None or settings.threshold is not None
    least = thresholds[0]
    routes = []
    for row in judgement.probabilities:
        order = np.argsort(-row, kind="stable")
        labels = tuple(
            judgement.labels[at] for rank, at in enumerate(order) if row[at] >= least or not (rank or is_asked)
        )
        top = float(row[order[0]])
        why = "" if labels else _too_unsure(top, least, settings)
        first = labels[0] if labels else None
        candidates = _candidates(judgement.labels, row, settings.candidates)
        routes.append(Route(first, labels, top, candidates, (), 0.0, (), why))
    return routes


def _too_unsure(confidence: float, least: float, settings: RouteSettings) -> str:
    target = settings.target_precision
    reason = _(", the threshold for a precision of {target:g}").format(target=target) if target is not None else ""
    return _("no label: the confidence {confidence:.2f} is below {least:.2f}{reason}").format(
        confidence=confidence, least=least, reason=reason
    )


def _sets(judgement: Judgement, settings: RouteSettings) -> list[tuple[str, ...]]:
    if settings.coverage is None:
        return [()] * len(judgement.probabilities)
    least = judgement.trust.set_threshold(settings.coverage)
    return [
        tuple(judgement.labels[at] for at in np.argsort(-row, kind="stable") if row[at] >= least)
        for row in judgement.probabilities
    ]


def _neighbours(state: State, similarities: Floats, count: int) -> tuple[Neighbour, ...]:
    count = min(count, len(similarities))
    if not count:
        return ()
    near = np.argpartition(-similarities, count - 1)[:count]
    near = near[np.lexsort((near, -similarities[near]))]
    return tuple(
        Neighbour(one.id, one.text, one.labels, float(similarities[at]))
        for at in near.tolist()
        for one in [state.examples[at]]
    )


def _kept(route: Route, limit: float, strange: str) -> Route:
    """Take the label away from a text that surely belongs to none."""
    if route.outside < limit:
        return route
    why = _("no label: {strange} (outside {outside:.3f}, limit {limit:.3g})").format(
        strange=strange, outside=route.outside, limit=limit
    )
    return replace(route, label=None, labels=(), why=why)


def _explained(route: Route, examples: bool) -> Route:
    """Say in words what the answer rests on."""
    parts = [route.why] if route.why else []
    if not examples:
        parts.append(_("there are no examples yet, so labels go by their descriptions"))
    if route.neighbours:
        agreeing = sum(_under(one.labels, route.candidates[0].label) for one in route.neighbours)
        told = _(
            "{agreeing} of the {count} nearest examples are '{label}', the nearest with a similarity of {similarity:.2f}"
        )
        count, nearest = len(route.neighbours), route.neighbours[0].similarity
        parts.append(told.format(agreeing=agreeing, count=count, label=route.candidates[0].label, similarity=nearest))
    if len(route.candidates) > 1 and route.candidates[1].confidence >= _WORTH_SAYING:
        second = route.candidates[1]
        parts.append(
            _("next comes '{label}' with {confidence:.2f}").format(label=second.label, confidence=second.confidence)
        )
    return replace(route, why="; ".join(parts))


def _under(labels: Sequence[str], label: str) -> bool:
    return label in labels
