"""What all kinds of data sets have in common: prompts chosen by language, answers read, lines with their provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from searchctl.errors import UsageError
from searchctl.generation.answers import looks_refused
from searchctl.generation.asking import Answers
from searchctl.generation.model import Answered, ChatRequest, UnusableAnswer
from searchctl.generation.prompts import LANGUAGES, Prompt, TaskName, read_prompt, shipped_prompt
from searchctl.text.scripts import is_cyrillic
from searchctl.types import Json


@dataclass(frozen=True, slots=True)
class WrittenLines:
    """The lines of a data set, and how many answers were left out, by reason. `notes` are what else a person should know."""

    lines: list[Json]
    left_out: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    agreement: Json | None = None


class GenerationTask(Protocol):
    """A kind of data set: what is asked, and what lines the answers make. `passed_over` counts what isn't asked about, by reason."""

    name: TaskName
    passed_over: Counter[str]

    def requests(self) -> list[ChatRequest]:
        """Return what is asked, the same for the same source and settings."""

    def lines(self, answers: Answers) -> WrittenLines:
        """Return what the answers come to."""


class PromptChoice:
    """Which prompt a text gets: the file's, that of the language asked for, else English or Russian by the text's letters."""

    def __init__(self, task: TaskName, file: Path | None = None, language: str | None = None) -> None:
        self._fixed: Prompt | None = None
        if file is not None:
            self._fixed = read_prompt(file, task)
            if language is not None and self._fixed.language not in ("", language):
                raise UsageError(
                    f"the prompt {file} is for the language '{self._fixed.language}', not '{language}'; leave --language out"
                )
        elif language is not None:
            if language not in LANGUAGES:
                raise UsageError(
                    f"no prompt for '{language}' comes with searchctl; write one: searchctl generate {task} --print-prompt"
                )
            self._fixed = shipped_prompt(task, language)
        self._shipped = {} if self._fixed else {name: shipped_prompt(task, name) for name in LANGUAGES}

    def of(self, text: str) -> Prompt:
        """Return the prompt for a text."""
        return self._fixed or self._shipped["ru" if is_cyrillic(text) else "en"]

    def language_of(self, text: str) -> str:
        """Return the language that answers about a text are to be in."""
        return self.of(text).language or ("ru" if is_cyrillic(text) else "en")

    def own_texts(self) -> list[str]:
        """Return the texts of all prompts' examples."""
        prompts = [self._fixed] if self._fixed else list(self._shipped.values())
        return [text for prompt in prompts for text in prompt.own_texts()]


def request_of(
    id: str,
    prompt: Prompt,
    values: Mapping[str, str],
    schema: Json,
    read: Callable[[Any], Any],
    answer_tokens: int,
    variant: int = 0,
) -> ChatRequest:
    """Return a request made from a prompt."""
    return ChatRequest(id, prompt.messages(values), schema, read, answer_tokens, prompt.temperature, variant)


def provenance(answered: Answered, prompt: Prompt, document: str) -> Json:
    """Return where a line comes from, as every line says."""
    completion = answered.completion
    return {"model": completion.model, "prompt": prompt.hash, "document": document, "time": completion.time}


def object_schema(properties: Json) -> Json:
    """Return the JSON schema of an object that has all of these and nothing else."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def texts_schema(name: str, count: int) -> Json:
    """Return the JSON schema of an object with a list of texts."""
    return object_schema({name: {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": count}})


def texts_reader(name: str, count: int) -> Callable[[Any], list[str]]:
    """Return what reads such an object, or a bare list; raises ValueError for others, UnusableAnswer for a list of refusals."""

    def read(data: Any) -> list[str]:
        found = data.get(name) if isinstance(data, dict) else data
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise ValueError(f"no list of texts under '{name}'")
        texts = [" ".join(text.split()) for text in found]
        texts = [text for text in texts if text]
        if not texts:
            raise ValueError(f"the list under '{name}' is empty")
        if all(map(looks_refused, texts)):
            raise UnusableAnswer("refused", texts[0])
        return texts[:count]

    return read


def clipped(text: str, most: int) -> str:
    """Return a text's beginning, cut between words."""
    if len(text) <= most:
        return text
    head = text[:most]
    return (head.rsplit(None, 1)[0] if " " in head else head) + " …"


def listed_seeds(texts: Sequence[str]) -> str:
    """Return texts as a list that a prompt shows, one a line."""
    return "\n".join(f"- {' '.join(text.split())}" for text in texts)
