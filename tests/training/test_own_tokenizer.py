"""Tokenizers of one's own: each architecture's kind, with Russian letters whole."""

from __future__ import annotations

import pytest

from searchctl.errors import UsageError
from searchctl.training.masking import words_of
from searchctl.training.own_tokenizer import ARCHITECTURES, special_tokens, train_tokenizer

TEXTS = ["Ёжик ест йогурт с мёдом, и чай.", "The hedgehog eats yoghurt with honey.", "Чай с мёдом стоит недорого!"] * 20


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_texts_come_back_and_are_framed(architecture: str) -> None:
    tokenizer = train_tokenizer(TEXTS, architecture, 400)
    special = special_tokens(architecture)
    encoded = tokenizer.encode(TEXTS[0])
    assert encoded.tokens[0] == special.start and encoded.tokens[-1] == special.end
    assert special.unknown not in encoded.tokens
    back = tokenizer.decode(encoded.ids, skip_special_tokens=True)
    assert back.replace(" ", "").replace("▁", "") == TEXTS[0].replace(" ", "")
    assert tokenizer.get_vocab_size() <= 400 and tokenizer.token_to_id(special.pad) == 0
    assert len(words_of(encoded.word_ids)) >= 7  # a word a word, at least
    pair = tokenizer.encode("чай", "мёд")
    assert pair.tokens.count(special.end) == (3 if architecture == "roberta" else 2)


def test_lower_case_keeps_short_i_and_yo() -> None:
    tokenizer = train_tokenizer(TEXTS, "bert", 300, lower_case=True)
    assert tokenizer.decode(tokenizer.encode("ЁЖИК").ids) == "ёжик"
    assert tokenizer.decode(tokenizer.encode("Йогурт").ids) == "йогурт"


def test_a_vocabulary_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="--vocab-size"):
        train_tokenizer(TEXTS, "bert", 20)
    with pytest.raises(UsageError, match="256 bytes"):
        train_tokenizer(TEXTS, "roberta", 200)
