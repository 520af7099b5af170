"""Routing texts to labels that have a handful of examples: a lookup in an index, with a confidence that can be trusted.

Examples live in an index like any other documents, so a label exists as soon as its first example is written, or only its
description. Nothing is trained: what is learnt from the examples is in closed form, and takes milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from searchctl.engines import DEFAULT_ENGINE
from searchctl.engines.base import fingerprints
from searchctl.errors import UsageError
from searchctl.fields import as_values
from searchctl.index import Index
from searchctl.ingest.journal import journal_path
from searchctl.routing import examples as storing
from searchctl.routing.calibration import Promise
from searchctl.routing.check import Check, check
from searchctl.routing.decide import Candidate, Neighbour, Route, RouteSettings, decide
from searchctl.routing.examples import FIELDS, Example, Stored
from searchctl.routing.history import History
from searchctl.routing.impact import Impact, impact
from searchctl.routing.state import State, Trust, gather, learn_trust, members_of, stacked
from searchctl.routing.threads import one_thread
from searchctl.settings.connection import Connection
from searchctl.types import Document, Vectors

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.routing.discover import Discovery
    from searchctl.routing.scorer import Scorer

__all__ = ["Candidate", "Example", "LabelInfo", "Neighbour", "Route", "RouteSettings", "Router"]
DEFAULT_INDEX = "routes"
_BATCH = 256
_STALE = 0.1  # of the examples may change before metric and calibration are learnt anew


@dataclass(frozen=True, slots=True)
class LabelInfo:
    """A label, how many examples it has, and its description ("" while there's none but its name)."""

    label: str
    examples: int
    description: str


class Router:
    """Labels with examples in an index, and what they say about other texts.

    What another process of this machine does to the same examples through a router is seen by the next prediction; after
    changes by other means, call `refresh`.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._history = History(journal_path(index.engine, index.name))
        self._seen: tuple[int, int] | None = None
        self._state: State | None = None
        self._trust: Trust | None = None
        self._changed = 0

    @classmethod
    def open(
        cls,
        engine: str | os.PathLike[str] = DEFAULT_ENGINE,
        name: str = DEFAULT_INDEX,
        *,
        encoder: str | Encoder | None = None,
        connection: Connection | None = None,
        create: bool = True,
    ) -> Router:
        """Open the router whose examples are in this index; see `Index.open`."""
        return cls(Index.open(engine, name, encoder=encoder, connection=connection, create=create, fields=FIELDS))

    # Examples

    def add(self, label: str | Sequence[str], texts: str | Iterable[str] = (), *, description: str = "") -> int:
        """Add examples of a label, or of several at once, and perhaps its description; return how many texts are new or changed.

        A text that is stored already moves to the new label.
        """
        labels = (label,) if isinstance(label, str) else tuple(label)
        if not labels:
            raise UsageError("an example needs a label; texts that belong to none are added with: add_outside")
        if description and len(labels) > 1:
            raise UsageError("a description belongs to one label; describe the labels one by one")
        given = [texts] if isinstance(texts, str) else list(texts)
        if not given and not description:
            raise UsageError(f"the label '{labels[0]}' needs an example or a description")
        added = self.add_examples([Example(text, labels) for text in given]) if given else 0
        if description:
            self._put(
                [storing.describing(storing.check_label(labels[0]), description, "description")],
                f"describe {labels[0]}",
            )
        return added

    def add_outside(self, texts: str | Iterable[str]) -> int:
        """Add texts that belong to no label; they sharpen the detection of such texts."""
        return self.add_examples([Example(text) for text in ([texts] if isinstance(texts, str) else texts)])

    def add_examples(self, examples: Iterable[Example]) -> int:
        """Add many examples in one step; a text that comes with several labels has them all. Return how many are new or changed."""
        documents = [storing.as_document(one) for one in storing.merged(examples)]
        documents = list({one.id: one for one in documents}.values())
        known = set(self._current().labels)
        new = dict.fromkeys(label for one in documents for label in _labels(one) if label not in known)
        names = [storing.describing(label, storing.name_text(label), "name") for label in new]
        marks = fingerprints(self.index.engine, self.index.name, [one.id for one in documents])
        changed = [one for one, old in zip(documents, marks, strict=True) if old != storing.mark(one)]
        if changed:
            labels = ", ".join(dict.fromkeys(label for one in changed for label in _labels(one)))
            self._put([*changed, *names], f"add {len(changed)} to {labels[:200] or 'no label'}")
        return len(changed)

    def remove(self, label: str | None = None, *, texts: Sequence[str] = (), ids: Sequence[str] = ()) -> int:
        """Remove a label with all its examples, or examples by text or id; return how many texts are gone.

        Removing `billing` removes `billing/refund` too. An example with other labels keeps those.
        """
        stored = self._read()
        if label is None:
            wanted = {*ids, *map(storing.example_id, texts)}
            gone = [one for one in stored if one.id in wanted]
            if not gone:
                raise UsageError("none of these is stored; see what is with: searchctl route labels")
            self._check_own(gone)
            self._drop([one.id for one in (*gone, *_orphans(stored, gone))], f"remove {len(gone)} texts")
            return len(gone)
        whose = {one for two in stored for one in two.labels if one == label or one.startswith(f"{label}/")}
        if not whose:
            raise UsageError(f"no label '{label}'; see the labels with: searchctl route labels")
        touched = [one for one in stored if whose & set(one.labels)]
        self._check_own(touched)
        rest = [(one, tuple(name for name in one.labels if name not in whose)) for one in touched]
        lone = [one for one, labels in rest if not labels]
        kept = [storing.as_document(Example(one.text, labels)) for one, labels in rest if labels]
        self._drop([one.id for one in lone], f"remove {label}", kept)
        return sum(one.kind != "name" for one in lone)

    def _check_own(self, stored: Sequence[Stored]) -> None:
        """Raise UsageError where documents of a corpus would be removed, which are more than examples."""
        foreign = [one.id for one in stored if not storing.is_own(one.id)]
        if foreign:
            raise UsageError(
                f"{len(foreign)} of these are documents of index '{self.index.name}' that were ingested, such as '{foreign[0]}'; "
                "delete those themselves with: searchctl delete"
            )

    def labels(self) -> list[LabelInfo]:
        """Return the labels by name."""
        stored = self._read()
        described = {one.labels[0]: one.text for one in stored if one.kind == "description" and one.labels}
        counts = dict.fromkeys((label for one in stored for label in one.labels), 0)
        for one in stored:
            for label in one.labels if one.kind == "example" else ():
                counts[label] += 1
        return [LabelInfo(label, counts[label], described.get(label, "")) for label in sorted(counts)]

    def undo(self) -> str:
        """Take back the last step made on this machine and return what it was; raises UsageError when there's none."""
        steps = self._history.steps()
        if not steps:
            raise UsageError("nothing to undo: no step on this machine is remembered for this index")
        last = steps[-1]
        if before := [one for one in last.before.values() if one is not None]:
            storing.write(self.index, before)
        if new := [id for id, one in last.before.items() if one is None]:
            self.index.engine.delete(self.index.name, new)
        self._history.pop()
        self.refresh()
        return last.what

    # Answers

    def predict(
        self, texts: Sequence[str], settings: RouteSettings | None = None, *, scorer: Scorer | None = None
    ) -> list[Route]:
        """Route texts; raises UsageError while there are no labels.

        A `scorer` takes the place of the votes. Its confidences aren't calibrated, so nothing can be promised of them.
        """
        encoder = storing.needed_encoder(self.index)
        routes: list[Route] = []
        for start in range(0, len(texts), _BATCH):
            part = texts[start : start + _BATCH]
            vectors = encoder.encode_queries(part)
            routes += (
                self._scored(scorer, part, vectors, settings) if scorer else self.predict_vectors(vectors, settings)
            )
        return routes

    def _scored(
        self, scorer: Scorer, texts: Sequence[str], vectors: Vectors, settings: RouteSettings | None
    ) -> list[Route]:
        settings = settings or RouteSettings()
        if settings.target_precision is not None or settings.coverage is not None:
            raise UsageError(
                f"the confidences of '{scorer.name}' aren't calibrated; abstain below a --threshold instead"
            )
        state = self._current()
        probabilities = scorer.probabilities(texts, state.words, several=state.several) if state.labels else None
        routes = decide(state, self.trust, vectors, settings, probabilities)
        told = f"told by {scorer.name}, not calibrated"
        return [replace(one, why=f"{told}; {one.why}" if one.why else told) for one in routes]

    def predict_vectors(self, vectors: Vectors, settings: RouteSettings | None = None) -> list[Route]:
        """Route texts given as vectors (n, dim) that `encode_queries` of the index's encoder made."""
        return decide(self._current(), self.trust, vectors, settings or RouteSettings())

    def route(self, text: str, settings: RouteSettings | None = None) -> Route:
        """Route one text."""
        return self.predict([text], settings)[0]

    def promise(self, target_precision: float) -> Promise:
        """Return the threshold for a precision, and how many texts will get a label, with intervals."""
        RouteSettings(target_precision=target_precision)
        return self.trust.levels[0].promise(target_precision)

    def check(self, target_precision: float = 0.95, unlabelled: Sequence[str] = ()) -> Check:
        """Look for what is wrong with the examples; with `unlabelled` texts, also choose which of them to label next."""
        RouteSettings(target_precision=target_precision)
        state = self._needed()
        vectors = storing.needed_encoder(self.index).encode_queries(unlabelled)
        return check(state, self.trust, target_precision, list(zip(unlabelled, vectors, strict=True)))

    def impact(self, label: str, texts: Sequence[str], recent: Sequence[str] = ()) -> Impact:
        """Return what adding these examples would do to other labels, on the stored examples and on recent texts."""
        if not texts:
            raise UsageError("impact needs at least one text that would be added")
        encoder = storing.needed_encoder(self.index)
        name = storing.check_label(label)
        state = self._needed()
        given = list(dict.fromkeys(texts))
        vectors = encoder.encode_queries([*given, storing.name_text(name)])
        new = [
            Stored(storing.example_id(text), text, (name,), "example", vector)
            for text, vector in zip(given, vectors, strict=False)
        ]
        if name not in state.labels:
            new.append(Stored(storing.describing_id(name), storing.name_text(name), (name,), "name", vectors[-1]))
        others = list(zip(recent, encoder.encode_queries(recent), strict=True))
        return impact(state, self.trust, self._read(), new, others)

    def discover(
        self,
        texts: Sequence[str],
        settings: RouteSettings | None = None,
        *,
        min_size: int | None = None,
        examples: int = 5,
    ) -> Discovery:
        """Group the texts that get no label, name the groups and propose examples, `examples` of each at most.

        Without `settings`, a label has to be right 19 times in 20 to be given. Needs the extra 'explore'.
        """
        from searchctl.routing.discover import discover

        vectors = storing.needed_encoder(self.index).encode_queries(texts)
        settings = settings or RouteSettings(target_precision=0.95)
        labels = self._current().labels
        routes = self.predict_vectors(vectors, settings) if labels else [None] * len(texts)
        return discover(texts, vectors, routes, labels, min_size=min_size, examples=examples)

    def _needed(self) -> State:
        state = self._current()
        if not state.examples:
            raise UsageError("there are no examples yet; add some with: searchctl route add LABEL TEXT")
        return state

    @property
    def state(self) -> State:
        """What is stored, counted."""
        return self._current()

    @property
    def trust(self) -> Trust:
        """What answers about the stored examples, each without itself, taught."""
        state = self._current()
        if self._trust is None:
            self._trust = learn_trust(state)
        return self._trust

    def refresh(self) -> None:
        """Read the examples anew with the next call."""
        self._state = self._trust = None

    # Inside

    def _read(self) -> list[Stored]:
        """Read what is stored."""
        return storing.read(self.index)

    def _current(self) -> State:
        stamp = self._history.stamp()
        if self._state is None or stamp != self._seen:
            self._seen = stamp
            self._state = gather(self._read(), storing.needed_encoder(self.index).dim)
            self._trust, self._changed = None, 0
        return self._state

    def _put(self, documents: Sequence[Document], what: str) -> None:
        """Store documents, and let what is known follow: by itself while little has changed."""
        state = self._current()
        held = self.index.engine.get(self.index.name, [one.id for one in documents])
        self._history.push(
            what, {one.id: None if old is None else old.document for one, old in zip(documents, held, strict=True)}
        )
        vectors = storing.write(self.index, documents)
        self._changed += len(documents)
        plain = all(old is None for old in held) and all(
            one.fields.get(storing.KIND) in ("example", "name") for one in documents
        )
        several = any(len(_labels(one)) > 1 for one in documents)
        if plain and not several and self._changed <= _STALE * len(state.examples):
            self._state = _extended(state, documents, vectors)
            self._seen = self._history.stamp()
        else:
            self.refresh()

    def _drop(self, ids: Sequence[str], what: str, kept: Sequence[Document] = ()) -> None:
        everything = [*ids, *(one.id for one in kept)]
        held = self.index.engine.get(self.index.name, everything)
        self._history.push(
            what, {id: one.document for id, one in zip(everything, held, strict=True) if one is not None}
        )
        if kept:
            storing.write(self.index, kept)
        if ids:
            self.index.engine.delete(self.index.name, ids)
        self.refresh()

    def close(self) -> None:
        """Release files and connections."""
        self.index.close()

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _labels(document: Document) -> tuple[str, ...]:
    return tuple(str(one) for one in as_values(document.fields.get(storing.LABEL, ())))


def _orphans(stored: Sequence[Stored], gone: Sequence[Stored]) -> list[Stored]:
    """Return the names of labels that have no example left once these are gone; a description that was given stays."""
    left = {label for one in stored if one.kind == "example" and one not in gone for label in one.labels}
    lost = {label for one in gone for label in one.labels} - left
    return [one for one in stored if one.kind == "name" and set(one.labels) <= lost]


@one_thread()
def _extended(state: State, documents: Sequence[Document], vectors: Vectors) -> State:
    """Return the state with new examples, and with the names of labels that are new."""
    kinds = [one.fields.get(storing.KIND) for one in documents]
    fresh = [at for at, kind in enumerate(kinds) if kind == "example"]
    named = {_labels(documents[at])[0]: vectors[at] for at, kind in enumerate(kinds) if kind == "name"}
    new = tuple(dict.fromkeys(label for at in fresh for label in _labels(documents[at]) if label not in state.labels))
    labels = (*state.labels, *new)
    members = members_of([_labels(documents[at]) for at in fresh], labels)
    dim = vectors.shape[1]
    names = stacked([named.get(label, np.zeros(dim, np.float32)) for label in new], dim)
    stored = tuple(
        Stored(documents[at].id, documents[at].text, _labels(documents[at]), "example", vectors[at]) for at in fresh
    )
    votes = state.votes.added(vectors[fresh], members, names)
    described = (*state.described, *("name" if label in named else "" for label in new))
    words = (*state.words, *map(storing.name_text, new))
    return State((*state.examples, *stored), labels, described, words, state.outside, votes, state.several)
