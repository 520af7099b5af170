"""Cutting documents into passages and encoding them: the same for a load, a copy, a plan and an exploration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from searchctl.encoders.base import Encoder
from searchctl.errors import UsageError
from searchctl.schema import PassageSettings
from searchctl.text.passages import cut_many
from searchctl.types import Entry, Passage


def check_readable(encoder: Encoder, passages: PassageSettings) -> None:
    """Raise UsageError where an encoder can't read passages of this size whole."""
    if passages.size > encoder.max_tokens:
        raise UsageError(
            f"{encoder.name} reads {encoder.max_tokens:,} tokens, so passages can't have {passages.size:,}; "
            f"give at most {encoder.max_tokens}"
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


def cut_and_encode(entries: Sequence[Entry], encoder: Encoder, settings: PassageSettings) -> list[Entry]:
    """Return the entries cut into passages by this encoder's tokens, with its vectors."""
    return encode_entries(cut_entries(entries, encoder, settings), encoder)
