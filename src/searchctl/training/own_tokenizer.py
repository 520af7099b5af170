"""A tokenizer learnt from one's own texts, of the kind that each architecture has, by the `tokenizers` library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from searchctl.errors import UsageError

LEAST_VOCABULARY, MOST_VOCABULARY = 100, 500_000
ARCHITECTURES = ("bert", "roberta", "deberta-v2", "electra")


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The tokens that aren't of any text, by what they're for."""

    pad: str
    unknown: str
    start: str
    end: str
    mask: str

    def all(self) -> list[str]:
        """Return them in the order of their ids."""
        return [self.pad, self.unknown, self.start, self.end, self.mask]


_BERT = SpecialTokens("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROBERTA = SpecialTokens("<pad>", "<unk>", "<s>", "</s>", "<mask>")


def special_tokens(architecture: str) -> SpecialTokens:
    """Return an architecture's special tokens."""
    return _ROBERTA if architecture == "roberta" else _BERT


def train_tokenizer(texts: Sequence[str], architecture: str, vocabulary: int, *, lower_case: bool = False) -> Tokenizer:
    """Learn a tokenizer of at most `vocabulary` tokens.

    It is a WordPiece for BERT and ELECTRA, a byte-level BPE for RoBERTa, a unigram model for DeBERTa. Accents stay, since without
    them й is и and ё is е. Raises UsageError for a vocabulary that can't be.
    """
    if not LEAST_VOCABULARY <= vocabulary <= MOST_VOCABULARY:
        raise UsageError(
            f"a vocabulary of {vocabulary:,} can't be made; give {LEAST_VOCABULARY} to {MOST_VOCABULARY:,} with --vocab-size"
        )
    make = {"roberta": _byte_level, "deberta-v2": _unigram}.get(architecture, _word_piece)
    tokens = special_tokens(architecture)
    tokenizer, trainer = make(tokens, vocabulary, lower_case)
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    start, end = (tokenizer.token_to_id(token) for token in (tokens.start, tokens.end))
    between = f"{tokens.end} {tokens.end}" if architecture == "roberta" else f"{tokens.end}"
    second = 0 if architecture == "roberta" else 1
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{tokens.start} $A {tokens.end}",
        pair=f"{tokens.start} $A {between} $B:{second} {tokens.end}:{second}",
        special_tokens=[(tokens.start, start), (tokens.end, end)],
    )
    return tokenizer


def _word_piece(tokens: SpecialTokens, vocabulary: int, lower_case: bool) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.WordPiece(unk_token=tokens.unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=tokens.all(), show_progress=False)
    return tokenizer, trainer


def _byte_level(tokens: SpecialTokens, vocabulary: int, lower_case: bool) -> tuple[Tokenizer, Any]:
    if vocabulary < 256 + len(tokens.all()):
        raise UsageError(
            f"a vocabulary of {vocabulary} has no room for the 256 bytes that RoBERTa's tokenizer begins with; "
            "give --vocab-size 1000 or more"
        )
    tokenizer = Tokenizer(models.BPE())
    if lower_case:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=tokens.all(),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return tokenizer, trainer


def _unigram(tokens: SpecialTokens, vocabulary: int, lower_case: bool) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.Unigram())
    steps = [normalizers.Replace("\n", " "), normalizers.NFKC(), *([normalizers.Lowercase()] if lower_case else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(behavior="isolated")]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=tokens.all(), unk_token=tokens.unknown, show_progress=False
    )
    return tokenizer, trainer
