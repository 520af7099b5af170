"""A trained sentence-transformers model as one folder that `--encoder FOLDER` takes, with torch or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from searchctl.training.bases import Base, merge_lora
from searchctl.training.card import ModelFacts, hash_files
from searchctl.training.export import SERVED, Agreement, export, probe_texts
from searchctl.training.libraries import Libraries
from searchctl.training.texts_export import batches_of_features


def export_encoder(
    libraries: Libraries, base: Base, folder: Path, texts: Sequence[str]
) -> tuple[Agreement, ModelFacts]:
    """Write a sentence encoder: safetensors, tokenizer, and ONNX files with pooling and all that follows inside.

    The ONNX files are compared with torch on some of `texts`. Returns how they agree, and what `searchctl.json` says of them.
    """
    merge_lora(base.model)
    model = base.model.cpu().float().eval()
    model.max_seq_length = base.longest
    model.save(str(folder), create_model_card=False)
    prompts = model.prompts or {}
    query = prompts.get("query") or ""
    document = prompts.get("document") or prompts.get("passage") or ""
    probes = probe_texts([document + text for text in texts])
    features = batches_of_features(model, probes)
    network = _whole(libraries, model)
    agreement = export(libraries, network, features, folder, ["sentence_embedding", "token_embeddings"])
    tokenizer = model.tokenizer
    facts = ModelFacts(
        pooling="mean",  # it's done inside
        query_prefix=query,
        document_prefix=document,
        max_tokens=int(model.max_seq_length or 512),
        pad_id=int(tokenizer.pad_token_id or 0),
        dim=int(model.get_embedding_dimension()),
        revision=hash_files([folder / SERVED, folder / "tokenizer.json"]),
    )
    return agreement, facts


def _whole(libraries: Libraries, model: Any) -> Any:
    """Return the model as a module that takes tensors and gives its vector and its tokens' states."""
    torch = libraries.torch

    class Whole(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if token_type_ids is not None:
                features["token_type_ids"] = token_type_ids
            made = self.model(features)
            vector = torch.nn.functional.normalize(made["sentence_embedding"], dim=-1)
            return vector, made["token_embeddings"]

    return Whole()
