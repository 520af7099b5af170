"""From a text to its route: its message is read, repaired where nothing knows it, and decided by the votes or by a scorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.routing import examples as storing
from searchctl.routing.calibration import Doubles
from searchctl.routing.calibration_report import CalibrationReport
from searchctl.routing.decide import Route, RouteSettings, decide, neighbours_of, routes_of, strangeness
from searchctl.routing.learning import Learner
from searchctl.routing.message import message_of
from searchctl.routing.repair import repaired, stems_of
from searchctl.routing.state import State
from searchctl.translation import _
from searchctl.types import Repair, Vectors

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.routing.classifier import TrainedClassifier
    from searchctl.routing.scorer import Scorer

_BATCH = 256
_STRANGE = 0.5  # how surely a text belongs to no label that may be on another keyboard or in another alphabet
_LETTERS_A_TOKEN = 1  # at least: a text with fewer letters than the encoder reads tokens needn't be counted


class Predictor:
    """Routes texts by what is stored in an index, as its learner knows it."""

    def __init__(self, index: Index, learner: Learner) -> None:
        self._index, self._learner = index, learner
        self._stems: tuple[State, frozenset[str]] | None = None

    def predict(
        self,
        texts: Sequence[str],
        settings: RouteSettings,
        scorer: Scorer | None = None,
        classifier: TrainedClassifier | None = None,
    ) -> list[Route]:
        """Return a route for each text; see `Router.predict`. Raises UsageError."""
        if scorer is not None and classifier is not None:
            raise UsageError(_("a scorer and a classifier can't both decide; give one of them"))
        routes: list[Route] = []
        for start in range(0, len(texts), _BATCH):
            routes += self._predicted(texts[start : start + _BATCH], settings, scorer, classifier)
        return routes

    def _predicted(
        self,
        texts: Sequence[str],
        settings: RouteSettings,
        scorer: Scorer | None,
        classifier: TrainedClassifier | None,
    ) -> list[Route]:
        encoder = storing.needed_encoder(self._index)
        state, report = self._learner.state(), self._learner.report()
        read = [message_of(text) for text in texts]
        vectors = np.array(encoder.encode_queries(read))
        meant = self._repaired(state, report, read, vectors)
        if repairs := [repair.query for repair in meant.values()]:
            vectors[list(meant)] = encoder.encode_queries(repairs)
            read = [meant[row].query if row in meant else message for row, message in enumerate(read)]
        if classifier is not None:
            routes = _classified(classifier, read, vectors, settings, state, report)
        else:
            probabilities = (
                self._foreign(scorer, read, state, settings) if scorer is not None and state.labels else None
            )
            routes = decide(state, report, vectors, settings, probabilities, read)
        cut = _cut(encoder, read)
        teller = (
            f"told by {classifier.name}" if classifier else f"told by {scorer.name}, not calibrated" if scorer else ""
        )
        return [
            _with_remarks(route, meant.get(row), is_cut, encoder.max_tokens, teller)
            for row, (route, is_cut) in enumerate(zip(routes, cut, strict=True))
        ]

    def _repaired(
        self, state: State, report: CalibrationReport, messages: Sequence[str], vectors: Vectors
    ) -> dict[int, Repair]:
        """Return what was meant by those messages that are unlike the examples and share no word with any, by row."""
        if not state.examples:
            return {}
        strange = np.flatnonzero(report.scope.scores(state.votes, vectors) >= _STRANGE)
        stems = self._stems_of(state) if len(strange) else frozenset()
        repairs = {row: repaired(messages[row], stems) for row in strange.tolist()}
        return {row: repair for row, repair in repairs.items() if repair is not None}

    def _foreign(self, scorer: Scorer, texts: Sequence[str], state: State, settings: RouteSettings) -> Doubles:
        if settings.target_precision is not None or settings.coverage is not None:
            raise UsageError(
                _("the confidences of '{name}' aren't calibrated; abstain below a --threshold instead").format(
                    name=scorer.name
                )
            )
        return scorer.probabilities(texts, state.phrases, several=state.multi_label)

    def _stems_of(self, state: State) -> frozenset[str]:
        if self._stems is None or self._stems[0] is not state:
            self._stems = state, stems_of(example.text for example in state.examples)
        return self._stems[1]


def _classified(
    classifier: TrainedClassifier,
    messages: Sequence[str],
    vectors: Vectors,
    settings: RouteSettings,
    state: State,
    report: CalibrationReport,
) -> list[Route]:
    """Let a classifier decide, with the nearest examples beside its answer, and what they say of texts of no label."""
    strange = strangeness(state, report, vectors) if state.examples else None
    judgement = classifier.judge(messages, settings, strange)
    near = neighbours_of(state, vectors, settings.neighbours if state.examples else 0)
    return routes_of(judgement, settings, near, examples=True)


def _cut(encoder: Encoder, texts: Sequence[str]) -> list[bool]:
    """Tell of which texts the encoder reads only the beginning."""
    long = [row for row, text in enumerate(texts) if len(text) > _LETTERS_A_TOKEN * encoder.max_tokens]
    cut = [False] * len(texts)
    for row, count in zip(long, encoder.count_tokens([texts[row] for row in long]) if long else [], strict=True):
        cut[row] = count > encoder.max_tokens
    return cut


def _with_remarks(route: Route, repair: Repair | None, cut: bool, most: int, teller: str) -> Route:
    """Return the route with what was done to its text in words."""
    remarks = [teller] if teller else []
    if repair is not None:
        remarks.append(f"read as '{repair.query}' ({repair.kind})")
    if cut:
        remarks.append(f"only the first {most} tokens were read")
    if not remarks:
        return route
    why = "; ".join([*remarks, *([route.why] if route.why else [])])
    return replace(route, why=why, read_as="" if repair is None else repair.query, cut=cut)
