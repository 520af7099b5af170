"""The passage of a document that answers a query best, the words in it that do, and the sentence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from searchctl.encoders.base import Encoder
from searchctl.schema import Analyzer
from searchctl.text.analysis import matching
from searchctl.text.literals import coded_spans, literal_spans
from searchctl.text.sections import section_at
from searchctl.text.sentences import sentences
from searchctl.types import Document, HitPassage, Passage, Vector

_STRETCH = 800  # code points; about what a passage of the usual 256 tokens has
_WORDS_OF_SENTENCE = (
    0.2  # what all of a query's words in a sentence are worth beside its cosine, which spreads over about 0.2
)
_LONGEST_LOOKED_AT = 2_000_000  # code points of a document in which literal words are looked for


def best_passage(
    document: Document,
    passages: Sequence[Passage],
    best: int,
    weights: Mapping[str, float],
    analyzer: Analyzer,
    literals: Sequence[str] = (),
) -> Passage | None:
    """Return passage number `best`, or with -1 the one whose terms tell most, the first of equals; None where there is none.

    Where passages hold some of the `literals`, words and phrases that are meant as they are typed, it's one of those with most.
    """
    passages = passages or _stretches(document.text)
    if not passages:
        return None
    choice = _with_literals(document.text, passages, literals, analyzer)
    if 0 <= best < len(passages) and (not choice or best in choice):
        return passages[best]
    among = choice or range(len(passages))
    return passages[_most_telling(document.text, passages, among, weights, analyzer)]


def show_passage(
    document: Document,
    passages: Sequence[Passage],
    best: int,
    weights: Mapping[str, float],
    analyzer: Analyzer,
    literals: Sequence[str] = (),
) -> HitPassage | None:
    """Return the best passage of the document with its matching words and the sentence they tell most in.

    `weights` maps each analysed query term to how much it tells (its inverse document frequency); see `best_passage`. No
    sentence where no word matches.
    """
    passage = best_passage(document, passages, best, weights, analyzer, literals)
    if passage is None:
        return None
    text = document.text[passage.start : passage.end]
    found = _held(text, weights, analyzer)
    if literals:
        exact = {f"\0{number}": literal_spans(text, phrase, analyzer) for number, phrase in enumerate(literals)}
        found |= exact
        weights = {**weights, **dict.fromkeys(exact, max(weights.values(), default=1.0))}
    spans = sentences(text) if any(found.values()) else []
    shares = sentence_shares(found, spans, weights)
    marks = _merged(list(chain.from_iterable(found.values())))
    sentence = best_sentence(spans, shares)
    telling = sentence[0] if sentence else marks[0][0] if marks else 0
    section = section_at(document.fields, passage.start + telling)
    if section is None:
        return HitPassage(text, passage.start, passage.end, marks, sentence)
    return HitPassage(text, passage.start, passage.end, marks, sentence, section.heading, section.line, section.page)


def sentences_by_meaning(
    passages: Sequence[HitPassage | None],
    weights: Mapping[str, float],
    analyzer: Analyzer,
    encoder: Encoder,
    vector: Vector,
) -> list[HitPassage | None]:
    """Return the passages with the sentence chosen by cosine with the query's vector (dim,) and by its words; one batch for all."""
    spans = [sentences(passage.text) if passage is not None else [] for passage in passages]
    texts = [
        passage.text[span.start : span.end]
        for passage, own in zip(passages, spans, strict=True)
        if passage is not None and len(own) > 1
        for span in own
    ]
    cosines = iter((encoder.encode_documents(texts) @ vector).tolist())
    shown: list[HitPassage | None] = []
    for passage, own in zip(passages, spans, strict=True):
        if passage is None or not own:
            shown.append(passage)
            continue
        shares = sentence_shares(matching(passage.text, weights, analyzer), own, weights)
        meaning = [next(cosines) if len(own) > 1 else 1.0 for _ in own]
        scores = [_WORDS_OF_SENTENCE * share + cosine for share, cosine in zip(shares, meaning, strict=True)]
        shown.append(replace(passage, sentence=best_sentence(own, scores)))
    return shown


def best_sentence(spans: Sequence[Passage], scores: Sequence[float]) -> tuple[int, int] | None:
    """Return the span of the sentence that has the highest score, the first of equals; None where there is none."""
    if not spans:
        return None
    best = spans[scores.index(max(scores))]
    return best.start, best.end


def sentence_shares(
    matching_words: Mapping[str, Sequence[tuple[int, int]]], spans: Sequence[Passage], weights: Mapping[str, float]
) -> list[float]:
    """Return for each sentence the share in [0, 1] of what the query's words tell that stands in it.

    `matching_words` are the text's words that match, of `text.analysis.matching`.
    """
    total = sum(weights.values()) or 1.0
    ends = [span.end for span in spans]
    shares = [0.0] * len(spans)
    for term, weight in weights.items():
        for number in {
            bisect_right(ends, start) for start, _ in matching_words.get(term, ())
        }:  # every word is in a sentence
            shares[number] += weight / total
    return shares


def _merged(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return spans in their order, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _stretches(text: str) -> list[Passage]:
    """Cut a text whose vectors are deferred: even, as there's no encoder at hand to count its tokens."""
    return [Passage(start, min(start + _STRETCH, len(text))) for start in range(0, len(text), _STRETCH)]


def _with_literals(
    text: str, passages: Sequence[Passage], literals: Sequence[str], analyzer: Analyzer
) -> Sequence[int]:
    """Return the numbers of the passages that hold most of the literals; empty where none holds any."""
    if not literals or len(passages) == 1 or len(text) > _LONGEST_LOOKED_AT:
        return ()
    counts = [
        sum(bool(literal_spans(text[passage.start : passage.end], phrase, analyzer)) for phrase in literals)
        for passage in passages
    ]
    most = max(counts)
    return [number for number, count in enumerate(counts) if count == most] if most else ()


def _held(text: str, weights: Mapping[str, float], analyzer: Analyzer) -> dict[str, list[tuple[int, int]]]:
    """Return where the query's terms stand in a text, also as codes that are written otherwise."""
    found = matching(text, weights, analyzer)
    return found | coded_spans(text, weights.keys() - found.keys(), analyzer)


def _most_telling(
    text: str, passages: Sequence[Passage], among: Sequence[int], weights: Mapping[str, float], analyzer: Analyzer
) -> int:
    if len(among) == 1:
        return among[0]
    matches = [_held(text[passages[number].start : passages[number].end], weights, analyzer) for number in among]
    worth = [sum(weight for term, weight in weights.items() if term in held) for held in matches]
    return among[worth.index(max(worth))]
