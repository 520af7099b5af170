"""Encoders that run on sentence-transformers: any of its models, or a plain Hugging Face one, in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.encoders.settings import read_settings, tell_unsaid
from searchctl.encoders.unread import unread_share
from searchctl.models.catalogue import KnownModel
from searchctl.models.devices import chosen_device, torch_device
from searchctl.models.hub import needed
from searchctl.models.sentences import load_sentences
from searchctl.ranking.unit import unit
from searchctl.types import Vectors


class TorchEncoder:
    """A sentence-transformers or Hugging Face model in a folder. Implements `Encoder`.

    Pooling, prefixes and length come from its own files, else from the catalogue's `known`. Nothing is fetched. Raises MissingExtra
    without the `torch` extra, EncoderUnavailable when the model can't be loaded or the `device` (see models/devices.py) isn't there.
    `model` is the library's own, `prefixes` are those of queries and documents. In bfloat16 it is the same model with coarser numbers:
    its revision stays.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str | None = None,
        threads: int | None = None,
        known: KnownModel | None = None,
        device: str | None = None,
    ) -> None:
        self.name = name or str(folder)
        settings = read_settings(folder, known)
        (torch,) = needed(f"the encoder '{self.name}', neither built in nor a folder with an ONNX model,", "torch")
        if threads:
            torch.set_num_threads(threads)
        chosen = chosen_device(device)
        self.model: Any = load_sentences(
            folder,
            self.name,
            pooling=settings.pooling,
            max_tokens=settings.max_tokens,
            lower_case=settings.lower_case,
            device=torch_device(torch, chosen, f"the encoder '{self.name}'"),
        )
        tell_unsaid(self.name, settings)
        self.prefixes = settings.query_prefix, settings.document_prefix
        self.dim = _dimension(self.model)
        self.max_tokens = min(int(self.model.max_seq_length or settings.max_tokens), settings.max_tokens)
        self.model.max_seq_length = self.max_tokens
        self.revision = _revision(self.model)
        if chosen.bf16:
            self.model.bfloat16()

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask."""
        return self._encode(texts, self.prefixes[0])

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode what is searched."""
        return self._encode(texts, self.prefixes[1])

    def unread_shares(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the share in [0, 1] of its letters that the model can't read; 0 without a fast tokenizer."""
        tokenizer = self.model.tokenizer
        if not texts or not getattr(tokenizer, "is_fast", False):
            return [0.0] * len(texts)
        found = tokenizer(
            list(texts), add_special_tokens=False, truncation=False, verbose=False, return_offsets_mapping=True
        )
        unknown = tokenizer.unk_token_id
        return [
            unread_share(text, ids, offsets, unknown)
            for text, ids, offsets in zip(texts, found["input_ids"], found["offset_mapping"], strict=True)
        ]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without prompts and special tokens."""
        ids = (
            self.model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
            if texts
            else []
        )
        return [len(one) for one in ids]

    def _encode(self, texts: Sequence[str], prefix: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        found = self.model.encode(
            list(texts), prompt=prefix or "", normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return unit(np.asarray(found, np.float32))  # of bfloat16 the length isn't exactly 1


def _dimension(model: Any) -> int:
    """Ask by the method's new name where there is one: the old one warns."""
    new = getattr(model, "get_embedding_dimension", None)
    return int(new() if new else model.get_sentence_embedding_dimension())


def _revision(model: Any) -> str:
    """Hash the weights, so that the same model under another name is recognised.

    But for BERT's own pooler: it's never used for embeddings, and where the files lack it, it's random at each start.
    """
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        if ".pooler." not in key:
            digest.update(key.encode())
            digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:12]
