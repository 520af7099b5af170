"""Words of an index weigh by how frequent they are in it: SIF with the index's own statistics in place of a training text's.

An encoder of word vectors is opened as `…?weights=index`, and then can encode only `weighted` by shares that were measured on an
index. These stand in the index's stamp, so that its queries and all its documents, those to come as well, weigh words alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from searchctl.encoders.base import Encoder
from searchctl.errors import UsageError
from searchctl.schema import EncoderStamp, WordShares
from searchctl.translation import _

SIF = 1e-3  # a of a / (a + share), Arora et al. 2017
_LEAST = SIF / 10  # shares below change a weight by less than a tenth: they are left out, so that a stamp stays small
_MOST = 2000  # words in a stamp


@runtime_checkable
class WeighsWords(Protocol):
    """An encoder whose words weigh by the index: `shares` are those it has been given, None before."""

    @property
    def by_index(self) -> bool:
        """Whether it takes its weights from an index."""

    @property
    def shares(self) -> WordShares | None:
        """How frequent words are; None for what wasn't measured yet."""

    def known_words(self, text: str) -> list[str]:
        """Return a text's words as the encoder looks them up."""

    def weighted_by(self, shares: WordShares) -> Encoder:
        """Return the encoder with these weights."""


def measure_shares(encoder: WeighsWords, texts: Iterable[str]) -> WordShares:
    """Return the most frequent words of texts with their shares of all words. Raises UsageError for texts without words."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(encoder.known_words(text))
    total = counts.total()
    if not total:
        raise UsageError(_("the index holds no words that weights could be taken from; leave out ?weights=index"))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    frequent = [(word, float(f"{count / total:.3g}")) for word, count in ranked if count / total >= _LEAST]
    return WordShares(tuple(word for word, _ignored in frequent), tuple(share for _ignored, share in frequent))


def needs_weights(encoder: object) -> bool:
    """Tell whether an encoder still lacks the weights that it takes from an index."""
    return isinstance(encoder, WeighsWords) and encoder.by_index and encoder.shares is None


def weighted(encoder: Encoder, stamp: EncoderStamp | None) -> Encoder:
    """Return an encoder with the weights of a stamp, where it takes any and lacks them; else as it is."""
    if stamp is not None and stamp.weights is not None and needs_weights(encoder):
        assert isinstance(encoder, WeighsWords)
        return encoder.weighted_by(stamp.weights)
    return encoder


def weighted_by_texts(encoder: Encoder, texts: Iterable[str]) -> Encoder:
    """Return an encoder with weights of these texts, where it takes any from an index; else as it is. Raises UsageError."""
    if isinstance(encoder, WeighsWords) and encoder.by_index:
        return encoder.weighted_by(measure_shares(encoder, texts))
    return encoder


def weights_of(encoder: object) -> WordShares | None:
    """Return the weights that belong into an encoder's stamp. Raises UsageError where they should and weren't measured."""
    if not (isinstance(encoder, WeighsWords) and encoder.by_index):
        return None
    if encoder.shares is None:
        name = getattr(encoder, "name", "")
        raise UsageError(
            _(
                "'{name}' takes its weights from an index's own texts, and here is no index yet to take them "
                "from; load the documents first, with another encoder or with --defer-vectors, then: searchctl "
                "reembed --encoder '{name}'"
            ).format(name=name)
        )
    return encoder.shares
