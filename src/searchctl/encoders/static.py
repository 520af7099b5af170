"""Static encoders: a table with one vector a token, of which a text's mean is taken. Made by model2vec, or as a StaticEmbedding.

A hundred times quicker than a transformer and good for classification; for search by meaning they are weaker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from searchctl.encoders.settings import read_settings
from searchctl.encoders.unread import unread_share
from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import KnownModel
from searchctl.ranking.unit import unit_or_first_axis
from searchctl.translation import _
from searchctl.types import Vectors

_MODEL2VEC, _SENTENCE_TRANSFORMERS = "embeddings", "embedding.weight"  # what the table is called
_MODULES = ("StaticEmbedding", "Normalize")
_BATCH_TOKENS = 1 << 16
_MAX_TOKENS = 512  # as model2vec cuts texts


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """Where a static model's parts are; `table` is the tensor's name."""

    tensors: Path
    tokenizer: Path
    table: str


def static_files(folder: Path) -> StaticFiles | None:
    """Return the files of a folder with a static model; None if it holds none, or one with more layers than that."""
    if not _has_only_static_modules(folder):
        return None
    for home in (folder, folder / "0_StaticEmbedding"):
        tensors, tokenizer = home / "model.safetensors", home / "tokenizer.json"
        if not (tensors.is_file() and tokenizer.is_file()):
            continue
        try:
            with safe_open(str(tensors), framework="numpy") as opened:
                table = next(
                    (name for name in (_MODEL2VEC, _SENTENCE_TRANSFORMERS) if name in set(opened.keys())), None
                )
        except (SafetensorError, OSError):
            continue
        if table is not None:
            return StaticFiles(tensors, tokenizer, table)
    return None


class StaticEncoder:
    """A static model in a folder. Implements `Encoder`. A text without known tokens points along the first axis.

    Raises EncoderUnavailable when a file is damaged or the files don't fit together.
    """

    def __init__(self, folder: Path, *, name: str | None = None, known: KnownModel | None = None) -> None:
        files = static_files(folder)
        if files is None:
            raise EncoderUnavailable(
                _("{folder} has no static model; choose another folder for --encoder").format(folder=folder)
            )
        self.name = name or str(folder)
        settings = read_settings(folder, known)
        self._query_prefix, self._document_prefix = settings.query_prefix, settings.document_prefix
        try:
            self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
            with safe_open(str(files.tensors), framework="numpy") as opened:
                self._table: NDArray[Any] = opened.get_tensor(files.table)
                parts = {part: opened.get_tensor(part) for part in ("weights", "mapping") if part in set(opened.keys())}
        except Exception as error:  # noqa: BLE001 - tokenizers has no base class of its own
            raise EncoderUnavailable(
                _("can't load the encoder in {folder}: {error}; choose another folder").format(
                    folder=folder, error=error
                )
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._weights: NDArray[Any] | None = parts.get("weights")
        self._mapping: NDArray[Any] | None = parts.get("mapping")
        self._check_sizes(folder)
        self.dim = int(self._table.shape[1])
        self.max_tokens = _longest(folder)
        self._unread_token = _unknown_token(files.tokenizer)
        self._unknown = self._unread_token if files.table == _MODEL2VEC else None
        self.revision = hashlib.sha256(files.tensors.read_bytes() + files.tokenizer.read_bytes()).hexdigest()[:12]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask."""
        return self._encode([self._query_prefix + text for text in texts])

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode what is searched."""
        return self._encode([self._document_prefix + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without prefixes."""
        return [
            len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ]

    def unread_shares(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the share in [0, 1] of its letters that the model's vocabulary lacks, or knows only one by one."""
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            unread_share(text, tokens.ids, tokens.offsets, self._unread_token)
            for text, tokens in zip(texts, encoded, strict=True)
        ]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        tokens = [
            [token for token in encoding.ids[: self.max_tokens] if token != self._unknown]
            for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ]
        for rows in _batches(tokens):
            ids = np.concatenate([np.array(tokens[row], np.int64) for row in rows])
            starts = np.cumsum([0, *(len(tokens[row]) for row in rows[:-1])])
            lengths = np.array([len(tokens[row]) for row in rows], np.float32)
            vectors[rows] = np.add.reduceat(self._rows(ids), starts, axis=0, dtype=np.float64) / lengths[:, None]
        return unit_or_first_axis(vectors)

    def _rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return tokens' weighted vectors: (n, dim)."""
        rows = self._table[ids if self._mapping is None else self._mapping[ids]].astype(np.float32)
        return rows if self._weights is None else rows * self._weights[ids].astype(np.float32)[:, None]

    def _check_sizes(self, folder: Path) -> None:
        tokens = self._tokenizer.get_vocab_size(with_added_tokens=True)
        given = len(self._mapping) if self._mapping is not None else len(self._table)
        weights = given if self._weights is None else len(self._weights)
        beyond = self._mapping is not None and len(self._mapping) and int(self._mapping.max()) >= len(self._table)
        if self._table.ndim != 2 or given < tokens or weights < tokens or beyond:
            raise EncoderUnavailable(
                _(
                    "the static model in {folder} has {given} vectors for {tokens} tokens; take another copy of it"
                ).format(folder=folder, given=given, tokens=tokens)
            )


def _has_only_static_modules(folder: Path) -> bool:
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return all(str(module["type"]).rpartition(".")[2] in _MODULES for module in modules)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _longest(folder: Path) -> int:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _MAX_TOKENS
    given = config.get("max_length", _MAX_TOKENS) if isinstance(config, dict) else _MAX_TOKENS
    return 1_000_000 if given is None else int(given)  # None: texts aren't cut


def _unknown_token(path: Path) -> int | None:
    """Return the number of the token for unknown words, which has no meaning of its own; None if there is none."""
    data = json.loads(path.read_text(encoding="utf-8"))
    model = data.get("model", {})
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    token = model.get("unk_token")
    vocabulary = model.get("vocab")
    if token is None or not isinstance(vocabulary, dict):
        return None
    number = vocabulary.get(token)
    return None if number is None else int(number)


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield numbers of texts that have tokens, so many at once that memory stays bounded."""
    rows: list[int] = []
    held = 0
    for row, own in enumerate(tokens):
        if not own:
            continue
        if rows and held + len(own) > _BATCH_TOKENS:
            yield rows
            rows, held = [], 0
        rows.append(row)
        held += len(own)
    if rows:
        yield rows
