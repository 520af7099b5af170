"""What a group of texts is called: the terms that are frequent in it and rare in the other groups."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import NamedTuple

from searchctl.explore.lemmas import as_heading
from searchctl.schema import Analyzer
from searchctl.text.analysis import analyze

# Words of questions, requests and talk, which the analyzer keeps because they may matter in a phrase; no topic is called so.
_TALK = frozenset(
    """i i'm me my mine myself we us our you your yours he him his she her hers its they them what which who whom whose when where why
    how do does did done doing don doesn didn isn aren wasn has have had having can could should would may might must shall am been
    being were from about after again all also any because before both did down each else few get gets got had here just let like
    ll make many more most much need needs now off once one only other out over own please really re same so some still such tell
    than thanks thank too up ve very want wanted wants well while yes hi hello hey out there go going say says said know see even
    because since ever never every does without another been two three got put use try tried
    это эта эти этой этих который которая которое которые мой моя мое мои моего моей моих свой свое свои своего своей нас наш ваш ваша
    ваши какой какая какое какие почему очень просто пожалуйста спасибо здравствуйте привет хочу хотел хотела могу можете нужно нужен
    нужна надо должен должна были будет будут буду быть есть мне меня вы вам вас еще уже также либо тоже такой такая такие такое весь
    всего все всех всем само сам сама лишь пока сейчас там тут где куда откуда когда никак нельзя скажите подскажите
    можно чтобы поэтому однако например снова опять вдруг почти совсем добрый уважаемые сделать делать сказали
    пишет пишут получается""".split()
)
_LONGEST = 4000  # code points of a text that are looked at; what it's about is said by then
_NUMBER = re.compile(r"\d+")
_CANDIDATES = 40
_NAMED = 3  # terms in a name
_NEGATED = ("'t", "’t")
_PHRASE_SHARE = 0.5  # a phrase stands for its words when they occur in it at least this often


class Term(NamedTuple):
    """A term as a heading writes it (`explore/lemmas.py`), and its c-TF-IDF weight."""

    text: str
    weight: float


class _Counts(NamedTuple):
    """How many texts of each group hold a term, and how it's written."""

    groups: Mapping[int, Counter[str]]
    written: Mapping[str, Counter[str]]


def terms_of(
    texts: Sequence[str], labels: Sequence[int], count: int = 10, analyzer: Analyzer = "auto"
) -> dict[int, tuple[Term, ...]]:
    """Return the best `count` words and phrases of two words of each group, best first; texts labelled -1 are in none.

    c-TF-IDF, Grootendorst, "BERTopic" (2022): tf(term, group) · log(1 + A / f(term)), where tf is the term's share of the
    group's terms, f its count in all groups and A the mean number of terms in a group. A text counts a term once, so that
    one long text doesn't name a topic. Of terms that weigh the same those of earlier texts come first: give typical texts first.
    """
    counts = _counted(texts, labels, analyzer)
    everywhere: Counter[str] = Counter()
    for own in counts.groups.values():
        everywhere.update(own)
    mean = sum(everywhere.values()) / max(len(counts.groups), 1)
    terms = {}
    for label, own in counts.groups.items():
        total = sum(own.values())
        often = {term: n for term, n in own.items() if n > 1}
        if len(often) < _NAMED:  # a small group whose texts share hardly a word
            often.update((term, n) for term, n in own.items() if " " not in term)
        weights = {term: n / total * log(1 + mean / everywhere[term]) for term, n in often.items()}
        terms[label] = _written(_distinct(weights, own), counts.written, count)
    return terms


def name_of(terms: Sequence[Term], count: int = _NAMED) -> str:
    """Return a topic's name: its first terms."""
    return " · ".join(term.text for term in terms[:count]) or "(no words)"


def _counted(texts: Sequence[str], labels: Sequence[int], analyzer: Analyzer) -> _Counts:
    groups: defaultdict[int, Counter[str]] = defaultdict(Counter)
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, label in zip(texts, labels, strict=True):
        if label < 0:
            continue
        counts = dict(_terms(text[:_LONGEST], analyzer))
        groups[label].update(counts.keys())
        for term, form in counts.items():
            written[term][form] += 1
    return _Counts(groups, written)


def _terms(text: str, analyzer: Analyzer) -> Iterator[tuple[str, str]]:
    """Yield words and phrases of two as stems and as they're written; nothing but a space stands inside a phrase."""
    before = ("", "", -2)
    for term, start, end in analyze(text, analyzer):
        form = text[start:end].lower()
        talk = form.replace("ё", "е") in _TALK or text.startswith(_NEGATED, end)
        if len(form) < 2 or talk or _NUMBER.fullmatch(form):
            before = ("", "", -2)
            continue
        yield term, form
        if before[2] + 1 == start and text[before[2]] == " ":
            yield f"{before[0]} {term}", f"{before[1]} {form}"
        before = (term, form, end)


def _distinct(weights: Mapping[str, float], own: Counter[str]) -> list[tuple[str, float]]:
    """Return terms by weight, without phrases that add nothing and words that a better phrase contains."""
    best = sorted(weights.items(), key=lambda item: -item[1])[:_CANDIDATES]
    kept: list[tuple[str, float]] = []
    covered: set[str] = set()
    for term, weight in best:
        words = term.split(" ")
        if len(words) == 2:
            fixed = [word for word in words if own[term] >= _PHRASE_SHARE * own[word]]
            if not fixed or covered.intersection(words):
                continue
            kept = [one for one in kept if one[0] not in words]
            covered.update(words)
            weight = max(weight, *(weights.get(word, 0.0) for word in fixed))
        elif term in covered:
            continue
        kept.append((term, weight))
    return sorted(kept, key=lambda item: -item[1])


def _written(terms: Sequence[tuple[str, float]], written: Mapping[str, Counter[str]], count: int) -> tuple[Term, ...]:
    shown = []
    for term, weight in terms[:count]:
        form = max(sorted(written[term]), key=written[term].__getitem__)
        shown.append(Term(as_heading(form), round(weight, 6)))
    return tuple(shown)
