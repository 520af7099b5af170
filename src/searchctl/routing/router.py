"""Routing texts to labels that have a handful of examples: a lookup in an index, with a confidence that can be trusted.

Examples live in an index like any other documents, so a label exists as soon as its first example is written, or only its
description. Nothing is trained: what is learnt from the examples is in closed form, and kept on disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from searchctl.engines import DEFAULT_ENGINE
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.routing import examples as storing
from searchctl.routing.calibration_report import CalibrationReport, learn_report
from searchctl.routing.check import Check, check
from searchctl.routing.decide import (
    Candidate,
    Neighbour,
    Route,
    RouteSettings,
    decide,
)
from searchctl.routing.editing import Editor, below, exported, labels_of, written_as
from searchctl.routing.examples import FIELDS, Example, Stored
from searchctl.routing.guarantee import PrecisionGuarantee
from searchctl.routing.impact import Impact, impact
from searchctl.routing.labels import LabelDoubts, check_label, doubts_about, name_text
from searchctl.routing.learning import Learner
from searchctl.routing.message import message_of
from searchctl.routing.predict import Predictor
from searchctl.routing.state import State
from searchctl.settings.connection import Connection
from searchctl.translation import _
from searchctl.types import Document, Vectors

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.routing.classifier import TrainedClassifier
    from searchctl.routing.discover import Discovery
    from searchctl.routing.scorer import Scorer

__all__ = ["Candidate", "Example", "LabelInfo", "Neighbour", "Route", "RouteSettings", "Router"]
DEFAULT_INDEX = "routes"
_BATCH = 256
_STRANGE = 0.5  # how surely a text belongs to no label that may be on another keyboard or in another alphabet
_LETTERS_A_TOKEN = 1  # at least: a text with fewer letters than the encoder reads tokens needn't be counted


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
        self._editor = Editor(index)
        self._learner = Learner(self._editor)
        self._predictor = Predictor(index, self._learner)

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

        A text that is stored already, perhaps in other case and blanks, moves to the new label. Texts with several labels let
        every text have several from then on. Raises UsageError for a label that can't be one, and where nothing is given.
        """
        labels = storing.as_texts(label, "a label")
        if not labels:
            raise UsageError(_("an example needs a label; texts that belong to none are added with: add_outside"))
        if description and len(labels) > 1:
            raise UsageError(_("a description belongs to one label; describe the labels one by one"))
        given = storing.as_texts(texts)
        if not given and not description:
            raise UsageError(_("the label '{labels}' needs an example or a description").format(labels=labels[0]))
        name = check_label(labels[0])
        described = [storing.describing(name, description, "description")] if description else []
        merged = storing.merge_examples(Example(text, tuple(labels)) for text in given)
        return self._add([storing.example_document(one) for one in merged.examples], described)

    def add_outside(self, texts: str | Iterable[str]) -> int:
        """Add texts that belong to no label; they sharpen the detection of such texts. Return how many are new or changed."""
        return self.add_examples([Example(text) for text in storing.as_texts(texts)])

    def add_examples(
        self,
        examples: Iterable[Example],
        *,
        multi_label: bool = False,
        on_progress: storing.OnProgress | None = None,
    ) -> int:
        """Add many examples in one step; return how many are new or changed.

        A text that comes several times with different labels keeps those it has most often, of equal ones the last; with
        `multi_label` it has them all. `on_progress` is told how many new texts of how many are encoded.
        """
        given = [examples] if isinstance(examples, Example) else list(examples)
        merged = storing.merge_examples(given, multi_label=multi_label)
        return self._add([storing.example_document(one) for one in merged.examples], [], on_progress)

    def _add(
        self,
        documents: Sequence[Document],
        described: Sequence[Document],
        on_progress: storing.OnProgress | None = None,
    ) -> int:
        stored = self._editor.read()
        changed = self._editor.changed(documents, stored)
        known = {label for one in stored for label in one.labels} | {
            label for document in described for label in labels_of(document)
        }
        new = dict.fromkeys(label for document in changed for label in labels_of(document) if label not in known)
        names = [storing.describing(label, name_text(label), "name") for label in new]
        if changed or described:
            labels = ", ".join(dict.fromkeys(label for document in changed for label in labels_of(document)))
            what = f"add {len(changed)} to {labels[:200] or 'no label'}" if changed else ""
            said = [f"describe {labels_of(document)[0]}" for document in described]
            what = ", ".join([*([what] if what else []), *said])
            put = self._editor.put([*changed, *names, *described], what, on_progress=on_progress)
            self._learner.follow(put, stored)
        return len(changed)

    def remove(
        self, label: str | None = None, *, texts: str | Sequence[str] = (), ids: str | Sequence[str] = ()
    ) -> int:
        """Remove a label with all its examples, or examples by text or id; return how many texts are gone.

        Removing `billing` removes `billing/refund` too. An example with other labels keeps those. Raises UsageError where there
        is no such label or example.
        """
        gone = self._editor.remove(self._editor.read(), label, storing.as_texts(texts), storing.as_texts(ids, "an id"))
        self.refresh()
        return gone

    def rename(self, label: str, new: str) -> int:
        """Give a label another name, and with it all below it; return how many examples that changes.

        Raises UsageError where there is no such label, or where the other one is there already.
        """
        name, stored = check_label(new), self._editor.read()
        label = written_as(stored, label)
        if name == label:
            raise UsageError(_("'{name}' is the label's name already; nothing was changed").format(name=name))
        renamed = {old: f"{name}{old[len(label) :]}" for old in sorted(below(stored, label))}
        taken = {one for two in stored for one in two.labels} - renamed.keys()
        if both := sorted(taken & set(renamed.values())):
            raise UsageError(
                _(
                    "the label '{both}' is there already; join them with: searchctl route merge {label} --into {new}"
                ).format(both=both[0], label=label, new=new)
            )
        changed = self._editor.relabel(stored, renamed, f"rename {label} to {name}")
        self.refresh()
        return changed

    def merge(self, labels: str | Sequence[str], into: str) -> int:
        """Give all examples of some labels, and of all below those, to one label; return how many examples that changes.

        Raises UsageError for a label that isn't there, and where a label would be merged into itself.
        """
        name, stored = check_label(into), self._editor.read()
        given = storing.as_texts(labels, "a label")
        if not given:
            raise UsageError(
                _("say which labels to merge, as in: searchctl route merge billing/refunds --into billing/refund")
            )
        merged = {old: name for label in given for old in below(stored, label) if old != name}
        if not merged:
            raise UsageError(_("'{name}' can't be merged into itself; name another label").format(name=name))
        changed = self._editor.relabel(stored, merged, f"merge {', '.join(given)} into {name}")
        self.refresh()
        return changed

    def export(self) -> Iterator[Example]:
        """Yield all examples, and the texts without a label, by label and text."""
        return exported(self._editor.read())

    def labels(self) -> list[LabelInfo]:
        """Return the labels by name."""
        stored = self._editor.read()
        described = {one.labels[0]: one.text for one in stored if one.kind == "description" and one.labels}
        counts = dict.fromkeys((label for one in stored for label in one.labels), 0)
        for text in stored:
            for label in text.labels if text.kind == "example" else ():
                counts[label] += 1
        return [LabelInfo(label, counts[label], described.get(label, "")) for label in sorted(counts)]

    def doubts(self) -> LabelDoubts:
        """Return which labels differ in spelling alone, and which look like several in one."""
        return doubts_about(self.state.labels)

    def undo(self) -> str:
        """Take back the last step made on this machine and return what it was; raises UsageError when there's none."""
        what = self._editor.undo()
        self.refresh()
        return what

    # Answers

    def predict(
        self,
        texts: str | Sequence[str],
        settings: RouteSettings | None = None,
        *,
        scorer: Scorer | None = None,
        classifier: TrainedClassifier | None = None,
    ) -> list[Route]:
        """Route texts, or one text; raises UsageError while there are no labels.

        A `scorer` takes the place of the votes. Its confidences aren't calibrated, so nothing can be promised of them. So does
        a `classifier`, which has labels of its own and is calibrated; the nearest examples stay beside its answer.
        """
        return self._predictor.predict(storing.as_texts(texts), settings or RouteSettings(), scorer, classifier)

    def predict_vectors(
        self, vectors: Vectors, settings: RouteSettings | None = None, texts: Sequence[str] | None = None
    ) -> list[Route]:
        """Route texts given as vectors (n, dim) that `encode_queries` of the index's encoder made of their messages.

        Without the `texts` (n), their words don't count.
        """
        return decide(self.state, self.report, vectors, settings or RouteSettings(), texts=texts)

    def route(self, text: str, settings: RouteSettings | None = None) -> Route:
        """Route one text."""
        return self.predict([text], settings)[0]

    def promise(self, target_precision: float) -> PrecisionGuarantee:
        """Return the threshold for a precision, and how many texts will get a label, with intervals."""
        RouteSettings(target_precision=target_precision)
        return self.report.promises(target_precision)[0]

    def check(self, target_precision: float = 0.95, unlabelled: str | Sequence[str] = ()) -> Check:
        """Look for what is wrong with the examples; with `unlabelled` texts, also choose which of them to label next."""
        RouteSettings(target_precision=target_precision)
        state, report = self._learner.anew()
        _needed(state)
        if len(state.examples) > len(report.rows):
            report = learn_report(state, most=len(state.examples))
        messages = [message_of(text) for text in storing.as_texts(unlabelled)]
        vectors = storing.needed_encoder(self.index).encode_queries(messages)
        return check(state, report, target_precision, messages, vectors)

    def impact(self, label: str, texts: str | Sequence[str], recent: str | Sequence[str] = ()) -> Impact:
        """Return what adding these examples would do to other labels, on the stored examples and on recent texts.

        Raises UsageError where nothing would be added, and while there are no examples.
        """
        given = list(dict.fromkeys(storing.as_texts(texts)))
        if not given:
            raise UsageError(_("impact needs at least one text that would be added"))
        encoder = storing.needed_encoder(self.index)
        name = check_label(label)
        state, report = self._learner.anew()
        _needed(state)
        vectors = storing.encoded(encoder, [*given, name_text(name)])
        new = [
            Stored(storing.example_id(text), text, (name,), "example", vector)
            for text, vector in zip(given, vectors, strict=False)
        ]
        if name not in state.labels:
            new.append(Stored(storing.describing_id(name), name_text(name), (name,), "name", vectors[-1]))
        messages = [message_of(text) for text in storing.as_texts(recent)]
        return impact(state, report, self._editor.read(), new, messages, encoder.encode_queries(messages))

    def discover(
        self,
        texts: str | Sequence[str],
        settings: RouteSettings | None = None,
        *,
        min_size: int | None = None,
        examples: int = 5,
    ) -> Discovery:
        """Group the texts that get no label, name the groups and propose examples, `examples` of each at most.

        Without `settings`, a label has to be right 19 times in 20 to be given. Needs the extra 'explore'.
        """
        from searchctl.routing.discover import discover

        given = storing.as_texts(texts)
        messages = [message_of(text) for text in given]
        vectors = storing.needed_encoder(self.index).encode_queries(messages)
        settings = settings or RouteSettings(target_precision=0.95)
        labels = self.state.labels
        routes = self.predict_vectors(vectors, settings, messages) if labels else [None] * len(given)
        return discover(given, vectors, routes, labels, min_size=min_size, examples=examples)

    @property
    def state(self) -> State:
        """What is stored, counted."""
        return self._learner.state()

    @property
    def report(self) -> CalibrationReport:
        """What answers about the stored examples, each without itself, taught."""
        return self._learner.report()

    def learn(self) -> None:
        """Learn what the examples teach now, so that the next answer needn't wait for it."""
        if self.state.examples:
            _ignored = self.report

    def refresh(self) -> None:
        """Read the examples anew with the next call."""
        self._learner.forget()

    def close(self) -> None:
        """Release files and connections."""
        self.index.close()

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _needed(state: State) -> None:
    if not state.examples:
        raise UsageError(_("there are no examples yet; add some with: searchctl route add LABEL TEXT"))
