"""A trained sentence-transformers model as one folder that `--encoder FOLDER` takes, with torch or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from searchctl.models.export import SERVED, Agreement, probe_texts
from searchctl.models.sentences import export_sentences
from searchctl.training.bases import Base, merge_lora
from searchctl.training.card import ModelFacts, hash_files
from searchctl.training.libraries import Libraries


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
    agreement = export_sentences(libraries.torch, model, folder, probes)
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
