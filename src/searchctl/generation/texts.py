"""Texts without an index: the same in other words, and new ones for labels."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from searchctl.errors import UsageError
from searchctl.generation.asking import Answers
from searchctl.generation.model import ChatRequest
from searchctl.generation.prompts import Prompt, TaskName
from searchctl.generation.sifting import KnownTexts, WrittenText, sift
from searchctl.generation.tasks import (
    PromptChoice,
    WrittenLines,
    clipped,
    listed_seeds,
    provenance,
    request_of,
    texts_reader,
    texts_schema,
)
from searchctl.routing.examples import Example
from searchctl.text.scripts import is_cyrillic
from searchctl.types import Json

_MOST_TEXT = 2000  # characters that are paraphrased
_SEEDS = 5  # examples of a label that one request shows
_AT_ONCE = 10  # texts that one request asks for
_TOKENS_A_TEXT = 60
_OTHERS = 40  # labels that one request names


def text_id(text: str) -> str:
    """Return the id of a text without one: a hash of it."""
    return "t-" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class ParaphrasesTask:
    """Asks for each text in other words. A labelled text's paraphrases have its label. Implements `GenerationTask`."""

    name: TaskName = "paraphrases"

    def __init__(self, texts: Iterable[Example], prompts: PromptChoice, per_text: int = 3) -> None:
        self._prompts = prompts
        self._count = per_text
        self._texts: dict[str, Example] = {}
        self.passed_over: Counter[str] = Counter()
        for example in texts:
            if len(example.text) > _MOST_TEXT:
                self.passed_over["too long"] += 1
            elif (id := text_id(example.text)) in self._texts:
                self.passed_over["repeated"] += 1
            else:
                self._texts[id] = example

    def requests(self) -> list[ChatRequest]:
        """Return a request for each text."""
        schema, read = texts_schema("paraphrases", self._count), texts_reader("paraphrases", self._count)
        return [
            request_of(
                id,
                self._prompts.of(example.text),
                {"text": example.text, "count": str(self._count)},
                schema,
                read,
                (len(example.text.encode()) // 3 + 30) * self._count + 30,
            )
            for id, example in self._texts.items()
        ]

    def lines(self, answers: Answers) -> WrittenLines:
        """Return a line for each paraphrase that is kept: a pair, or a labelled text."""
        rows = [
            (id, example, text)
            for id, example in self._texts.items()
            if id in answers.by_id
            for text in answers.by_id[id].value
        ]
        written = [
            WrittenText(text, example.text, self._prompts.language_of(example.text), None) for _, example, text in rows
        ]
        originals = [example.text for example in self._texts.values()]
        kept, left_out = sift(written, KnownTexts(self._prompts.own_texts()), before=originals)
        return WrittenLines([self._line(*rows[row], answers) for row in kept], left_out)

    def _line(self, id: str, example: Example, text: str, answers: Answers) -> Json:
        origin = provenance(answers.by_id[id], self._prompts.of(example.text), id)
        if example.labels:
            return {"text": text, "label": _label_value(example.labels), "of": example.text, "generated": origin}
        return {"anchor": example.text, "positive": text, "document": id, "generated": origin}


def _label_value(labels: Sequence[str]) -> str | list[str]:
    return labels[0] if len(labels) == 1 else list(labels)


@dataclass(frozen=True, slots=True)
class LabelSeeds:
    """What is known of a label: its description and examples of it."""

    label: str
    description: str = ""
    examples: tuple[str, ...] = ()


def seeds_of(examples: Iterable[Example], descriptions: Mapping[str, str] | None = None) -> list[LabelSeeds]:
    """Return what labelled texts say of each label, by name; of texts with several labels each."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for example in examples:
        for label in example.labels:
            texts[label].append(example.text)
    described = dict(descriptions or {})
    return [
        LabelSeeds(label, described.get(label, ""), tuple(texts.get(label, ())))
        for label in sorted({*texts, *described})
    ]


@dataclass(frozen=True, slots=True)
class _AskedTexts:
    """A request for texts of one label, and the prompt and the language they are asked for in."""

    label: str
    prompt: Prompt
    language: str
    request: ChatRequest


class ExamplesTask:
    """Asks for new texts of labels, `count` each, in the languages of the examples there are. Implements `GenerationTask`."""

    name: TaskName = "examples"

    def __init__(self, labels: Sequence[LabelSeeds], prompts: PromptChoice, count: int = 20, *, seed: int = 0) -> None:
        if not labels:
            raise UsageError(
                "there are no labels to write examples for; give a file of labelled texts, or describe labels: "
                "searchctl route add LABEL --description TEXT"
            )
        self._labels = list(labels)
        self._prompts = prompts
        self._asked: list[_AskedTexts] = []
        self.passed_over: Counter[str] = Counter()
        for label in self._labels:
            self._plan(label, count, random.Random(f"{seed} {label.label}"))  # noqa: S311

    def _plan(self, label: LabelSeeds, count: int, random_: random.Random) -> None:
        """Share a label's texts out over its languages, and ask for them some at a time, each time beside other examples."""
        by_language: defaultdict[bool, list[str]] = defaultdict(list)
        for text in label.examples:
            by_language[is_cyrillic(text)].append(text)
        groups = [texts for _, texts in sorted(by_language.items())] or [[]]
        for place, texts in enumerate(groups):
            left = count // len(groups) + (place < count % len(groups))
            while left > 0:
                seeds = random_.sample(texts, min(_SEEDS, len(texts)))
                self._asked.append(self._request(label, seeds, min(left, _AT_ONCE)))
                left -= _AT_ONCE

    def _request(self, label: LabelSeeds, seeds: Sequence[str], count: int) -> _AskedTexts:
        known = " ".join(seeds) or label.description or label.label
        prompt = self._prompts.of(known)
        others = [one.label for one in self._labels if one.label != label.label]
        values = {
            "label": label.label,
            "description": label.description,
            "seeds": listed_seeds([clipped(text, 400) for text in seeds]),
            "others": ", ".join(others[:_OTHERS]),
            "count": str(count),
        }
        schema, read = texts_schema("texts", count), texts_reader("texts", count)
        number = len(self._asked)
        request = request_of(str(number), prompt, values, schema, read, _TOKENS_A_TEXT * count + 40, variant=number)
        return _AskedTexts(label.label, prompt, self._prompts.language_of(known), request)

    def requests(self) -> list[ChatRequest]:
        """Return the requests of all labels, in turn."""
        return [asked.request for asked in self._asked]

    def lines(self, answers: Answers) -> WrittenLines:
        """Return a labelled text for each that is kept; none repeats an example there was, or one of another label."""
        rows = [
            (asked, text)
            for asked in self._asked
            if asked.request.id in answers.by_id
            for text in answers.by_id[asked.request.id].value
        ]
        written = [WrittenText(text, "", asked.language, None) for asked, text in rows]
        there = [text for label in self._labels for text in label.examples]
        kept, left_out = sift(written, KnownTexts(self._prompts.own_texts()), before=there)
        lines = []
        for asked, text in (rows[row] for row in kept):
            origin = provenance(answers.by_id[asked.request.id], asked.prompt, f"label:{asked.label}")
            lines.append({"text": text, "label": asked.label, "generated": origin})
        return WrittenLines(lines, left_out)
