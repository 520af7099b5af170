"""Few-shot prompts as files that one may edit: read, checked, and filled in."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from searchctl.errors import UsageError
from searchctl.suggest import did_you_mean
from searchctl.types import Json

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TaskName: TypeAlias = Literal["queries", "paraphrases", "examples", "labels", "judgements"]
TASKS: tuple[TaskName, ...] = get_args(TaskName)
LANGUAGES = ("en", "ru")  # of the prompts that come with searchctl
_FOLDER = Path(__file__).parent / "prompts"
_LARGEST = 1 << 20  # bytes
_MOST_SHOTS = 50
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_NEEDED: dict[TaskName, tuple[str, ...]] = {
    "queries": ("text", "count"),
    "paraphrases": ("text", "count"),
    "examples": ("label", "count"),
    "labels": ("text", "labels"),
    "judgements": ("query", "text"),
}
_OPTIONAL: dict[TaskName, tuple[str, ...]] = {
    "queries": ("title",),
    "paraphrases": (),
    "examples": ("description", "seeds", "others"),
    "labels": (),
    "judgements": ("title",),
}
_ANSWERED_AS: dict[TaskName, str] = {
    "queries": "queries",
    "paraphrases": "paraphrases",
    "examples": "texts",
    "labels": "label",
    "judgements": "grade",
}
_KEYS = ("task", "language", "temperature", "highest", "system", "user", "examples")


@dataclass(frozen=True, slots=True)
class Shot:
    """An example in a prompt: what is filled in, and the answer as the model should have given it."""

    values: Mapping[str, str]
    answer: Json


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file. `highest` is the best grade, of judgements alone; `text` is the file as it stands, `hash` that of its bytes."""

    task: TaskName
    language: str
    temperature: float
    highest: int
    system: str
    user: str
    shots: tuple[Shot, ...]
    text: str
    hash: str

    def messages(self, values: Mapping[str, str]) -> list[dict[str, str]]:
        """Return what is sent: the rules, each example as a question and its answer, and the question."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for shot in self.shots:
            messages.append({"role": "user", "content": self._filled(shot.values)})
            messages.append({"role": "assistant", "content": json.dumps(shot.answer, ensure_ascii=False)})
        return [*messages, {"role": "user", "content": self._filled(values)}]

    def own_texts(self) -> list[str]:
        """Return the texts of the examples' answers and questions, which a model may give back as its own."""
        answers = [shot.answer[_ANSWERED_AS[self.task]] for shot in self.shots]
        written = [text for answer in answers if isinstance(answer, list) for text in answer]
        seeds = [line.lstrip("- ") for shot in self.shots for line in shot.values.get("seeds", "").splitlines()]
        return [*written, *filter(None, seeds)]

    def _filled(self, values: Mapping[str, str]) -> str:
        lines = [line for line in self.user.splitlines() if not _names_nothing(line, values)]
        return _PLACE.sub(lambda place: values.get(place[1], ""), "\n".join(lines)).strip()


def _names_nothing(line: str, values: Mapping[str, str]) -> bool:
    """Tell whether a line of a template is a name before a value that is empty, as `Title: {{title}}` of a text without one."""
    found = _PLACE.findall(line)
    return len(found) == 1 and line.rstrip().endswith("}}") and not values.get(found[0], "")


def shipped_prompt(task: TaskName, language: str) -> Prompt:
    """Return a prompt that comes with searchctl, in English or Russian."""
    return read_prompt(_FOLDER / f"{task}.{language}.toml", task)


def read_prompt(path: Path, task: TaskName) -> Prompt:
    """Read a prompt file; raises UsageError saying what is wrong with it."""
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise UsageError(f"the prompt {path} has {len(content):,} bytes; a prompt may have {_LARGEST:,}")
        text = content.decode("utf-8")
        data = tomllib.loads(text)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise UsageError(
            f"can't read the prompt {path}: {told}; begin with a copy of: searchctl generate {task} --print-prompt"
        ) from error
    try:
        return _checked(data, task, text, hashlib.sha256(content).hexdigest()[:12])
    except _Wrong as error:
        raise UsageError(f"the prompt {path} can't be used: {error}") from error


class _Wrong(Exception):
    """A prompt file says something that can't be."""


def _checked(data: dict[str, Any], task: TaskName, text: str, hash: str) -> Prompt:
    for key in data:
        if key not in _KEYS:
            raise _Wrong(f"unknown key '{key}'; {did_you_mean(key, _KEYS, 'it may have: ' + ', '.join(_KEYS))}")
    if data.get("task", task) != task:
        raise _Wrong(f"it is for: searchctl generate {data['task']}")
    system, user, language = (data.get(key, "") for key in ("system", "user", "language"))
    if not all(isinstance(value, str) for value in (system, user, language)):
        raise _Wrong("system, user and language are texts")
    temperature, highest = data.get("temperature", 0.7), data.get("highest", 2)
    if not isinstance(temperature, (int, float)) or not 0 <= temperature <= 2:
        raise _Wrong("temperature is a number from 0 to 2")
    if not isinstance(highest, int) or not 1 <= highest <= 10:
        raise _Wrong("highest is a whole number from 1 to 10: the best grade")
    _check_places(user, task)
    shots = data.get("examples", [])
    if not isinstance(shots, list) or len(shots) > _MOST_SHOTS:
        raise _Wrong(f"examples are tables [[examples]], {_MOST_SHOTS} at most")
    read = tuple(_shot(shot, task, highest, f"example {number}") for number, shot in enumerate(shots, 1))
    return Prompt(task, language, float(temperature), highest, system.strip(), user.strip(), read, text, hash)


def _check_places(user: str, task: TaskName) -> None:
    known = (*_NEEDED[task], *_OPTIONAL[task])
    places = _PLACE.findall(user)
    for name in places:
        if name not in known:
            raise _Wrong(
                f"user has {{{{{name}}}}}, which nothing stands for; {did_you_mean(name, known, 'known: ' + ', '.join(known))}"
            )
    for name in _NEEDED[task]:
        if name not in places and name != "count":
            raise _Wrong(f"user lacks {{{{{name}}}}}, so the model wouldn't see it")


def _shot(data: Any, task: TaskName, highest: int, where: str) -> Shot:
    known = (*_NEEDED[task], *_OPTIONAL[task], "answer", "reason")
    if not isinstance(data, dict) or "answer" not in data or any(key not in known for key in data):
        raise _Wrong(f"{where} may have {', '.join(known)}, and must have an answer")
    values = {key: str(value) for key, value in data.items() if key not in ("answer", "reason")}
    answer = data["answer"]
    fits = {
        "labels": isinstance(answer, str),
        "judgements": isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer <= highest,
    }.get(task, isinstance(answer, list) and bool(answer) and all(isinstance(one, str) and one for one in answer))
    if not fits:
        expected = {"labels": "a label", "judgements": f"a grade from 0 to {highest}"}.get(task, "a list of texts")
        raise _Wrong(f"{where} has the answer {answer!r}; expected {expected}")
    if isinstance(answer, list):
        values.setdefault("count", str(len(answer)))
    reason = {"reason": str(data.get("reason", ""))} if task == "judgements" else {}
    return Shot(values, {**reason, _ANSWERED_AS[task]: answer})
