"""Cutting documents into passages and encoding them: the same for a load, a copy, a plan and an exploration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.errors import UsageError
from searchctl.schema import PassageSettings
from searchctl.text.passages import cut_many
from searchctl.translation import _
from searchctl.types import Entry, Passage, Vectors

_PIECE = 8_000  # characters encoded between two looks at whether to go on: less than a second of two cores; 3 % dearer than 16,000


def check_readable(encoder: Encoder, passages: PassageSettings) -> None:
    """Raise UsageError where an encoder can't read passages of this size whole."""
    if passages.size > encoder.max_tokens:
        raise UsageError(
            _("{name} reads {max_tokens:,} tokens, so passages can't have {size:,}; give at most {max_tokens}").format(
                name=encoder.name, max_tokens=encoder.max_tokens, size=passages.size
            )
        )


def passage_texts(entry: Entry) -> list[str]:
    """Return what is encoded for each passage: the title goes before every one, since it tells what the passage is about."""
    document = entry.document
    pieces = [document.text[passage.start : passage.end] for passage in entry.passages]
    return [f"{document.title}\n{piece}".strip() for piece in pieces] if document.title else pieces


def cut_entries(entries: Sequence[Entry], encoder: Encoder | None, settings: PassageSettings) -> list[Entry]:
    """Return the entries cut into passages by the encoder's tokens; without an encoder each text is one passage.

    Every entry gets at least one passage: an empty one where only the title has words.
    """
    texts = [entry.document.text for entry in entries]
    if encoder is None:
        cuts: Sequence[tuple[Passage, ...]] = [(Passage(0, len(text)),) for text in texts]
    else:
        cuts = cut_many(texts, encoder.count_tokens, size=settings.size, overlap=settings.overlap)
    return [replace(entry, passages=cut or (Passage(0, 0),)) for entry, cut in zip(entries, cuts, strict=True)]


def encode_entries(entries: Sequence[Entry], encoder: Encoder) -> list[Entry]:
    """Return the entries with a vector for each of their passages, encoded as one batch."""
    vectors = encoder.encode_documents([text for entry in entries for text in passage_texts(entry)])
    encoded, start = [], 0
    for entry in entries:
        end = start + len(entry.passages)
        encoded.append(replace(entry, vectors=vectors[start:end]))
        start = end
    return encoded


def encode_piecewise(entries: Sequence[Entry], encoder: Encoder, goes_on: Callable[[int, float], bool]) -> list[Entry]:
    """Return the entries with their vectors, encoded a few thousand characters at a time.

    After each piece `goes_on` is given how many passages it had and which part of all characters is done, in [0, 1]; when it
    says no, the entries that are finished by then are returned.
    """
    texts = [text for entry in entries for text in passage_texts(entry)]
    total = sum(map(len, texts)) or 1
    vectors: list[Vectors] = []
    done = start = 0
    while start < len(texts):
        end, characters = start + 1, len(texts[start])
        while end < len(texts) and characters + len(texts[end]) <= _PIECE:
            characters += len(texts[end])
            end += 1
        vectors.append(encoder.encode_documents(texts[start:end]))
        done += characters
        more = goes_on(end - start, done / total)
        start = end
        if not more:
            break
    return _finished(entries, vectors)


def _finished(entries: Sequence[Entry], pieces: Sequence[Vectors]) -> list[Entry]:
    """Return the entries for all of whose passages there are vectors."""
    rows = np.concatenate(pieces) if pieces else np.empty((0, 0), np.float32)
    finished, start = [], 0
    for entry in entries:
        end = start + len(entry.passages)
        if end > len(rows):
            break
        finished.append(replace(entry, vectors=rows[start:end]))
        start = end
    return finished


def cut_and_encode(
    entries: Sequence[Entry],
    encoder: Encoder,
    settings: PassageSettings,
    goes_on: Callable[[int, float], bool] = lambda passages, share: True,
) -> list[Entry]:
    """Return the entries cut into passages by this encoder's tokens, with its vectors; `goes_on` as for `encode_piecewise`."""
    return encode_piecewise(cut_entries(entries, encoder, settings), encoder, goes_on)
