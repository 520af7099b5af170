"""What is left out of what a model wrote: leaks of the prompt, copies, other languages, what was written before."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from searchctl.explore.minhash import jaccard, near_pairs, normalised, sketch
from searchctl.generation.answers import looks_refused
from searchctl.text.scripts import letter_counts

LEAK = 0.6  # of the wording in common with an example of the prompt, or with a held-out query
NEAR = 0.8  # of the wording in common with another generated text
COPIED = 5  # words in a row that may be the passage's own
_LONGEST = 400  # characters
_FOREIGN = re.compile("[іїєґўЇІЄҐЎ]")  # Cyrillic letters that Russian hasn't
_LETTERS = re.compile(r"[^\W\d_]")
Unfit: TypeAlias = Literal[
    "too short", "too long", "refused", "an example of the prompt", "held out", "wrong language", "copied", "duplicate"
]


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text that the model wrote, about a `source` text, which is to be in a `language`.

    It may have `most_copied` words in a row from the source; None is any number.
    """

    text: str
    source: str
    language: str
    most_copied: int | None = COPIED


class KnownTexts:
    """Texts that may not come back: equal ones in letters and digits, or ones that share most of their wording."""

    def __init__(self, texts: Iterable[str]) -> None:
        keys = {normalised(text) for text in texts} - {""}
        self._keys = keys
        self._sketches = [sketch(key) for key in sorted(keys)]

    def has(self, text: str, threshold: float = LEAK) -> bool:
        """Tell whether a text is one of them, or nearly so."""
        key = normalised(text)
        if not self._keys or not key:
            return False
        own = sketch(key)
        return key in self._keys or any(jaccard(own, other) >= threshold for other in self._sketches)


def sift(
    texts: Sequence[WrittenText], examples: KnownTexts, held_out: KnownTexts | None = None, before: Sequence[str] = ()
) -> tuple[list[int], Counter[str]]:
    """Return the rows of texts to keep, in order, and how many were left out, by reason.

    `examples` are the prompt's own, `held_out` what the texts will be measured on, `before` texts that none may repeat.
    """
    left_out: Counter[str] = Counter()
    fit: list[int] = []
    for row, text in enumerate(texts):
        reason = _unfit(text, examples, held_out)
        if reason:
            left_out[reason] += 1
        else:
            fit.append(row)
    firsts = _first_of_each([*before, *(texts[row].text for row in fit)])
    kept = [fit[place - len(before)] for place in firsts if place >= len(before)]
    left_out["duplicate"] += len(fit) - len(kept)
    return kept, +left_out


def _unfit(written: WrittenText, examples: KnownTexts, held_out: KnownTexts | None) -> Unfit | None:
    text = written.text
    checks: tuple[tuple[Unfit, bool], ...] = (
        ("too short", len(normalised(text)) < 3),
        ("too long", len(text) > max(_LONGEST, 2 * len(written.source))),
        ("refused", looks_refused(text)),
        ("wrong language", not is_in_language(text, written.language)),
    )
    for reason, holds in checks:
        if holds:
            return reason
    if examples.has(text):
        return "an example of the prompt"
    if held_out is not None and held_out.has(text):
        return "held out"
    most = written.most_copied
    return "copied" if most is not None and longest_copy(text, written.source) > most else None


def is_in_language(text: str, language: str) -> bool:
    """Tell whether a text can be in a language, by its letters: English, Russian, or another one of either alphabet.

    Names and codes in Latin letters don't make a Russian text another. English can't be told from others in Latin letters.
    """
    letters = len(_LETTERS.findall(text))
    if not letters:
        return True
    cyrillic, latin = letter_counts(text)
    if language == "ru":
        return not _FOREIGN.search(text) and (cyrillic >= 0.2 * letters or (latin == letters and len(text.split()) < 3))
    if language == "en":
        return latin > 0.7 * letters
    return True


def longest_copy(text: str, source: str) -> int:
    """Return how many words in a row of a text stand in the source in the same order."""
    words, other = _words(text), _words(source)
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(other):
        places[word].append(place)
    longest, before = 0, dict[int, int]()
    for word in words:
        runs = {place: before.get(place - 1, 0) + 1 for place in places.get(word, ())}
        longest = max(longest, *runs.values(), 0)
        before = runs
    return longest


def _words(text: str) -> list[str]:
    return normalised(text).split()


def _first_of_each(texts: Sequence[str]) -> list[int]:
    """Return the places of texts that aren't, nearly, one that stands before them."""
    seen: set[str] = set()
    keys = [normalised(text) for text in texts]
    fresh = []
    for place, key in enumerate(keys):
        if key not in seen:
            seen.add(key)
            fresh.append(place)
    repeated = {pair.second for pair in near_pairs([sketch(keys[place]) for place in fresh], NEAR)}
    return [place for row, place in enumerate(fresh) if row not in repeated]
