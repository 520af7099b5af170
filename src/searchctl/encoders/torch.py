"""Encoders that run on sentence-transformers: any of its models, or a plain Hugging Face one, by folder or hub name."""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.encoders.unread import unread_share
from searchctl.errors import EncoderUnavailable
from searchctl.models.hub import first_line, is_offline, needed, quiet
from searchctl.settings.paths import user_path
from searchctl.types import Vectors

_LOG = logging.getLogger("searchctl")


class TorchEncoder:
    """A sentence-transformers model; pooling, prompts and length come from its own files. Implements `Encoder`.

    A folder never touches the network. A hub name that isn't in the local cache does, after saying so, unless HF_HUB_OFFLINE
    is set. Raises MissingExtra without the `torch` extra, EncoderUnavailable when the model can't be loaded.
    """

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        what = f"the encoder '{name}', neither built in nor a folder with an ONNX model,"
        (library,) = needed(what, "sentence_transformers")
        folder = user_path(name)
        local = folder.is_dir()
        if threads:
            importlib.import_module("torch").set_num_threads(threads)
        self._model: Any = _load(library, name, folder if local else None)
        self.name = str(folder) if local else name
        self.dim = _dimension(self._model)
        self.max_tokens = int(self._model.max_seq_length or 512)
        self.revision = _revision(self._model)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask."""
        return self._encode(texts, "query")

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode what is searched."""
        return self._encode(texts, "document", "passage")

    def unread_shares(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the share in [0, 1] of its letters that the model can't read; 0 without a fast tokenizer."""
        tokenizer = self._model.tokenizer
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
            self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
            if texts
            else []
        )
        return [len(one) for one in ids]

    def _encode(self, texts: Sequence[str], *prompts: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        known = self._model.prompts or {}
        prompt = next((known[name] for name in prompts if known.get(name)), None)
        found = self._model.encode(
            list(texts), prompt=prompt, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(found, np.float32)


def _load(library: Any, name: str, folder: Path | None) -> Any:
    if folder is not None:
        return _construct(library, str(folder), local=True)
    try:
        return _construct(library, name, local=True)  # the cache of earlier downloads
    except EncoderUnavailable:
        if is_offline():
            raise EncoderUnavailable(
                f"'{name}' is no folder and not in the local cache, and HF_HUB_OFFLINE is set; give a folder, or unset it to download"
            ) from None
    _LOG.warning(
        "'%s' isn't on this machine: downloading it from the Hugging Face hub (set HF_HUB_OFFLINE=1 to forbid that)",
        name,
    )
    return _construct(library, name, local=False)


def _construct(library: Any, name: str, *, local: bool) -> Any:
    try:
        with quiet():
            model = library.SentenceTransformer(name, device="cpu", local_files_only=local, trust_remote_code=False)
            return model.float()  # weights stored in half precision are slow on a CPU
    except Exception as error:  # noqa: BLE001 - the hub's and the model's errors have no common base class
        reason = first_line(error).rstrip(".")
        raise EncoderUnavailable(
            f"can't load the encoder '{name}': {reason}; check the name or give a folder"
        ) from error


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
