"""When a router learns: anew where examples have changed much, by what was added where little, and not at all where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from searchctl.engines.threads import one_thread
from searchctl.routing import examples as storing
from searchctl.routing.calibration_report import CalibrationReport, learn_report
from searchctl.routing.editing import Change, Editor, labels_of
from searchctl.routing.everyday import EVERYDAY
from searchctl.routing.examples import Stored
from searchctl.routing.labels import name_text
from searchctl.routing.message import message_of
from searchctl.routing.out_of_scope import Everyday
from searchctl.routing.state import State, gather, members_of, stacked
from searchctl.routing.state_file import KeptState, StateFiles, digest_of
from searchctl.types import Vectors

_STALE = 0.1  # of the examples may be added before metric and calibration are learnt anew
_FEW = 300  # examples up to which learning anew takes no longer than following


class Learner:
    """The state of a router and what its left-out answers taught, in memory and on disk."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._files = StateFiles(editor.history.path.parent)
        self._seen: tuple[int, int] | None = None
        self._digest = ""
        self._state: State | None = None
        self._report: CalibrationReport | None = None
        self._changed = 0

    def state(self) -> State:
        """Return what is stored, counted; what another process changed is read."""
        stamp = self._editor.history.stamp()
        if self._state is None or stamp != self._seen:
            self._seen = stamp
            self._learn(self._editor.read())
        assert self._state is not None
        return self._state

    def report(self) -> CalibrationReport:
        """Return what answers about the stored examples, each without itself, taught."""
        state = self.state()
        if self._report is None:
            self._report = learn_report(state)
            self._files.write(KeptState(state, self._report, self._changed), self._digest)
        return self._report

    def anew(self) -> tuple[State, CalibrationReport]:
        """Return state and report of exactly what is stored: learnt anew where something was only added."""
        self.state()
        if self._changed:
            self._learn(self._editor.read(), kept=False)
        return self.state(), self.report()

    def forget(self) -> None:
        """Read the examples anew with the next call."""
        self._state = self._report = None

    def follow(self, change: Change, before: Sequence[Stored]) -> None:
        """Let what is known follow a change of what was stored before: by itself while little has changed."""
        if self._state is None or self._report is None:
            self._recall(before)
        state, report = self._state, self._report
        several = any(len(labels_of(document)) > 1 for document in change.documents)
        changed = self._changed + len(change.documents)
        if (
            state is None
            or report is None
            or not change.plain
            or (several and not state.multi_label)
            or len(state.examples) <= _FEW
            or changed > _STALE * len(state.examples)
        ):
            self.forget()
            return
        self._state = _extended(state, change)
        scope = replace(report.scope, everyday=self._state.everyday)
        self._report, self._changed = replace(report, scope=scope), changed
        self._seen = self._editor.history.stamp()
        new = [
            Stored(document.id, document.text, labels_of(document), storing.document_kind(document), vector)
            for document, vector in zip(change.documents, change.vectors, strict=True)
        ]
        self._digest = digest_of([*before, *new], self._revision())
        self._files.write(KeptState(self._state, self._report, changed), self._digest)

    def _revision(self) -> str:
        return storing.needed_encoder(self._editor.index).revision

    def _recall(self, stored: Sequence[Stored]) -> bool:
        """Take what is kept on disk of these documents; return whether there was something."""
        self._digest = digest_of(stored, self._revision())
        kept = self._files.read(stored, self._digest)
        if kept is None:
            return False
        self._state, self._report, self._changed = kept.state, kept.report, kept.changed
        return True

    def _learn(self, stored: Sequence[Stored], *, kept: bool = True) -> None:
        encoder = storing.needed_encoder(self._editor.index)
        if kept and self._recall(stored):
            return
        self._digest = digest_of(stored, encoder.revision)
        everyday = self._files.everyday(encoder.revision)
        if everyday is None and any(one.kind == "example" for one in stored):
            everyday = encoder.encode_queries(EVERYDAY)
        self._state = gather(stored, encoder.dim, everyday)
        self._report, self._changed = None, 0


@one_thread()
def _extended(state: State, change: Change) -> State:
    """Return the state with new examples, and with the names of labels that are new."""
    documents, vectors = change.documents, change.vectors
    kinds = [storing.document_kind(document) for document in documents]
    fresh = [row for row, kind in enumerate(kinds) if kind == "example"]
    named: dict[str, Vectors] = {
        labels_of(documents[row])[0]: vectors[row] for row, kind in enumerate(kinds) if kind == "name"
    }
    new = tuple(
        dict.fromkeys(label for row in fresh for label in labels_of(documents[row]) if label not in state.labels)
    )
    labels = (*state.labels, *new)
    members = members_of([labels_of(documents[row]) for row in fresh], labels)
    dim = vectors.shape[1]
    names = stacked([named.get(label, np.zeros(dim, np.float32)) for label in new], dim)
    stored = tuple(
        Stored(documents[row].id, documents[row].text, labels_of(documents[row]), "example", vectors[row])
        for row in fresh
    )
    texts = state.texts([message_of(one.text) for one in stored], vectors[fresh])
    everyday = Everyday(state.everyday.sentences, np.concatenate([state.everyday.anchors, vectors[fresh]]))
    return replace(
        state,
        examples=(*state.examples, *stored),
        labels=labels,
        described=(*state.described, *("name" if label in named else "" for label in new)),
        phrases=(*state.phrases, *map(name_text, new)),
        everyday=everyday,
        votes=state.votes.added(texts, members, names),
    )
