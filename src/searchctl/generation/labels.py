"""Labels for texts, from those there are: the model sorts, and where people have sorted as well, their agreement is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from searchctl.errors import UsageError
from searchctl.generation.agreement import agreement_of
from searchctl.generation.asking import Answers
from searchctl.generation.model import ChatRequest
from searchctl.generation.prompts import TaskName
from searchctl.generation.tasks import PromptChoice, WrittenLines, clipped, object_schema, provenance, request_of
from searchctl.generation.texts import LabelSeeds, text_id
from searchctl.routing.examples import Example
from searchctl.types import Json

NO_LABEL = "none"
_SHOWN = 2  # examples of each label
_MOST_TEXT = 4000  # characters of a text, and
_MOST_EXAMPLE = 120  # of an example
_MOST_LABELS = 500


class LabelsTask:
    """Asks which of the labels each text has; one that has none is left out. Implements `GenerationTask`."""

    name: TaskName = "labels"

    def __init__(self, texts: Iterable[Example], labels: Sequence[LabelSeeds], prompts: PromptChoice) -> None:
        if not 2 <= len(labels) <= _MOST_LABELS:
            raise UsageError(
                f"there are {len(labels)} labels to choose from, expected 2 to {_MOST_LABELS}; give a file of labelled texts "
                "with --labels, or teach some: searchctl route add LABEL TEXT..."
            )
        self._labels = labels
        self._prompts = prompts
        self._texts: dict[str, Example] = {}
        self.passed_over: Counter[str] = Counter()
        for example in texts:
            if self._texts.setdefault(text_id(example.text), example) is not example:
                self.passed_over["repeated"] += 1

    def requests(self) -> list[ChatRequest]:
        """Return a request for each text."""
        names = [label.label for label in self._labels]
        shown = "\n".join(map(_described, self._labels))
        schema = object_schema({"label": {"type": "string", "enum": [*names, NO_LABEL]}})
        read = label_reader(names)
        room = max(len(name.encode()) for name in names) // 2 + 40
        return [
            request_of(
                id,
                self._prompts.of(example.text),
                {"text": clipped(example.text, _MOST_TEXT), "labels": shown},
                schema,
                read,
                room,
            )
            for id, example in self._texts.items()
        ]

    def lines(self, answers: Answers) -> WrittenLines:
        """Return the texts that got a label, with it."""
        lines: list[Json] = []
        left_out: Counter[str] = Counter()
        given: list[str] = []
        human: list[str] = []
        for id, example in self._texts.items():
            answered = answers.by_id.get(id)
            if answered is None:
                continue
            if len(example.labels) == 1:
                given.append(answered.value or NO_LABEL)
                human.append(example.labels[0])
            if answered.value is None:
                left_out["no label fits"] += 1
                continue
            origin = provenance(answered, self._prompts.of(example.text), id)
            lines.append({"text": example.text, "label": answered.value, "generated": origin})
        agreement = agreement_of(human, given).to_json() if human else None
        return WrittenLines(lines, left_out, agreement=agreement)


def _described(label: LabelSeeds) -> str:
    examples = "; ".join(f'"{clipped(" ".join(text.split()), _MOST_EXAMPLE)}"' for text in label.examples[:_SHOWN])
    told = ". ".join(filter(None, (label.description, f"e.g. {examples}" if examples else "")))
    return f"- {label.label}" + (f": {told}" if told else "")


def label_reader(names: Sequence[str]) -> Callable[[Any], str | None]:
    """Return what reads an answer: one of the labels, whatever its letters' case, or None for none of them."""
    known = {name.casefold(): name for name in names}

    def read(data: Any) -> str | None:
        label = data.get("label") if isinstance(data, dict) else None
        if not isinstance(label, str):
            raise ValueError("no text under 'label'")
        key = label.strip().casefold()
        if key == NO_LABEL and key not in known:
            return None
        if key not in known:
            raise ValueError(f"'{label[:60]}' is none of the labels")
        return known[key]

    return read
