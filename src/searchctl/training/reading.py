"""What is trained on: JSON Lines of one's own, read whole and checked, with the place of what is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from searchctl.errors import SourceError

_LONGEST_LINE = 4 << 20  # characters
_MOST_LINES = 20_000_000
_MOST_NEGATIVES = 64
_QUERY = ("query", "anchor", "question", "sentence1")
_POSITIVE = ("positive", "passage", "answer", "sentence2")
_NEGATIVES = ("negatives", "negative")
_TEXT = ("text", "sentence")
PAIR_EXAMPLE = '{"query": "how do I return an item", "positive": "Send it back within 30 days.", "negatives": ["…"]}'
LABELLED_EXAMPLE = '{"text": "I want my money back", "label": "billing/refund"}'
TEXT_EXAMPLE = '{"text": "Send it back within 30 days."}'

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class TextPair:
    """A question and a text that answers it, and perhaps texts that look alike and don't.

    `score` in [0, 1] says how alike the two are, where someone said so; then `positive` may be no answer at all. `document` is
    what the text is part of: an id, or the text itself. `source` says where the pair is from.
    """

    query: str
    positive: str
    negatives: tuple[str, ...] = ()
    score: float | None = None
    document: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text and its labels: one, or several where they don't exclude each other."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """A file that was read: its name and the hash of its bytes, for the card, and how many lines of it count."""

    name: str
    sha256: str
    lines: int


def read_pairs(path: Path) -> tuple[list[TextPair], TrainingFile]:
    """Read pairs, each line like `PAIR_EXAMPLE`; raises SourceError naming the first line that isn't one."""
    return _read(path, _pair, PAIR_EXAMPLE)


def read_labelled(path: Path) -> tuple[list[LabelledText], TrainingFile]:
    """Read labelled texts, each line like `LABELLED_EXAMPLE`, where `labels` may be a list; raises SourceError."""
    return _read(path, _labelled, LABELLED_EXAMPLE)


def read_texts(path: Path) -> tuple[list[str], TrainingFile]:
    """Read texts, each line like `TEXT_EXAMPLE`; a title goes before the text, as when documents are encoded. Raises SourceError."""
    return _read(path, _text_of_document, TEXT_EXAMPLE)


def is_labelled(path: Path) -> bool:
    """Tell by the first line whether a file holds labelled texts rather than pairs; raises SourceError if it's neither."""
    for _where, data in _objects(path, PAIR_EXAMPLE):
        if _first(data, _QUERY) is not None:
            return False
        if _first(data, _TEXT) is not None and ("label" in data or "labels" in data):
            return True
        break
    else:
        raise SourceError(f"{path} is empty; expected lines like {PAIR_EXAMPLE} or {LABELLED_EXAMPLE}")
    raise SourceError(f"{path}:1 is neither a pair nor a labelled text; expected {PAIR_EXAMPLE} or {LABELLED_EXAMPLE}")


def _read(
    path: Path, parse: Callable[[Mapping[str, Any], str], Parsed], example: str
) -> tuple[list[Parsed], TrainingFile]:
    rows = [parse(data, where) for where, data in _objects(path, example)]
    if not rows:
        raise SourceError(f"{path} is empty; expected lines like {example}")
    return rows, TrainingFile(path.name, _hash(path), len(rows))


def _objects(path: Path, example: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each line's object and its place."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), ""), 1):
                if len(line) > _LONGEST_LINE or number > _MOST_LINES:
                    raise SourceError(
                        f"{path}:{number} is too much: at most {_MOST_LINES:,} lines of {_LONGEST_LINE:,} characters"
                    )
                if line.strip():
                    yield f"{path}:{number}", _object(line, f"{path}:{number}", example)
    except FileNotFoundError as error:
        raise SourceError(f"there is no {path}; name a file with lines like {example}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error


def _object(line: str, where: str, example: str) -> Mapping[str, Any]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where} isn't JSON ({error}); expected a line like {example}") from error
    if not isinstance(data, dict):
        raise SourceError(f"{where} is {type(data).__name__}, not an object; expected a line like {example}")
    return data


def _pair(data: Mapping[str, Any], where: str) -> TextPair:
    query = _needed(data, _QUERY, where, PAIR_EXAMPLE)
    positive = _needed(data, _POSITIVE, where, PAIR_EXAMPLE)
    given = _first(data, _NEGATIVES)
    negatives = [given] if isinstance(given, str) else given or []
    if not isinstance(negatives, list) or not all(isinstance(text, str) and text.strip() for text in negatives):
        raise SourceError(f"{where} has negatives that aren't texts; expected a list of them: {PAIR_EXAMPLE}")
    document = data.get("document")
    if document is not None and not isinstance(document, (str, int)):
        raise SourceError(f"{where} has {document!r} as its document; expected an id: a text or a whole number")
    return TextPair(
        query,
        positive,
        tuple(dict.fromkeys(negatives))[:_MOST_NEGATIVES],
        _score(data.get("score"), where),
        str(document) if document is not None else positive,
        str(data.get("source") or ""),
    )


def _score(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise SourceError(f"{where} has the score {value!r}; expected a number from 0 (nothing alike) to 1 (the same)")
    return float(value)


def _labelled(data: Mapping[str, Any], where: str) -> LabelledText:
    text = _needed(data, _TEXT, where, LABELLED_EXAMPLE)
    given = data.get("labels", data.get("label"))
    labels: Sequence[Any] = given if isinstance(given, list) else [given]
    named = [str(label).strip() for label in labels if isinstance(label, (str, int)) and not isinstance(label, bool)]
    if len(named) != len(labels) or not all(named):
        raise SourceError(f"{where} has {given!r} as its label; expected a text or a list of them: {LABELLED_EXAMPLE}")
    return LabelledText(text, tuple(dict.fromkeys(named)))


def _text_of_document(data: Mapping[str, Any], where: str) -> str:
    text = _needed(data, _TEXT, where, TEXT_EXAMPLE)
    title = data.get("title")
    return f"{title}\n{text}" if isinstance(title, str) and title.strip() else text


def _needed(data: Mapping[str, Any], names: Sequence[str], where: str, example: str) -> str:
    value = _first(data, names)
    if not isinstance(value, str) or not value.strip():
        what = "is missing" if value is None else "is empty" if isinstance(value, str) else f"is {value!r}"
        raise SourceError(f"{where}: '{names[0]}' {what}; expected a line like {example}")
    return value


def _first(data: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((data[name] for name in names if data.get(name) is not None), None)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
