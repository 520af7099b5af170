"""An encoder that runs on torch, written as ONNX, so that it runs without."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from searchctl.encoders.onnx import OnnxEncoder
from searchctl.encoders.torch import TorchEncoder
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.models.catalogue import known_model
from searchctl.models.export import LEAST_INT8, Agreement, probe_texts
from searchctl.models.hub import needed, quiet
from searchctl.models.manifest import ModelManifest, file_hash, list_files, write_manifest
from searchctl.models.places import folder_name, missing_model, model_folder
from searchctl.models.sentences import export_sentences
from searchctl.settings.paths import user_path
from searchctl.translation import _

_SENTENCES = (
    "How do I return an item that I bought last week?",
    "Как вернуть товар, купленный на прошлой неделе?",
    "Tea.",
    "Чай",
    "The store refunds the price within fourteen days of receiving the parcel, but not the delivery costs.",
    "Магазин возвращает стоимость в течение четырнадцати дней после получения посылки, но не расходы на доставку.",
)
_REPEATED = (1, 3, 9, 30)  # so that what is compared has very different lengths


@dataclass(frozen=True, slots=True)
class Exported:
    """Where an export lies, how its files agree with torch, and the least cosine of whole texts by way of both encoders."""

    folder: Path
    agreement: Agreement
    least_cosine: float


def export_encoder_to_onnx(name: str, folder: Path, texts: Sequence[str] = ()) -> Exported:
    """Write a model, by name or folder, as `model.onnx` (int8, or fp32 where int8 strays) and `onnx/model.onnx` (fp32).

    Pooling and normalisation are inside; prefixes and lengths stand in `searchctl.json`. Nothing is written unless both files agree
    with torch on `texts`, by default some English and Russian ones, and the finished folder does. Raises EncoderUnavailable,
    MissingExtra, SearchctlError, and UsageError when `folder` is there.
    """
    if folder.exists():
        raise UsageError(_("{folder} is there already; name a folder that isn't").format(folder=folder))
    encoder = _open_torch(name)
    texts = list(texts) or [sentence * times for sentence in _SENTENCES for times in _REPEATED]
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        exported = _write(encoder, draft, texts)
        write_manifest(draft, ModelManifest(folder.name, encoder.name, encoder.revision, list_files(draft)))
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Exported(folder, exported.agreement, exported.least_cosine)


def _open_torch(name: str) -> TorchEncoder:
    given = user_path(name)
    folder = given if given.is_dir() else model_folder(name)
    if folder is None:
        raise missing_model(name)
    known = known_model(folder_name(name))
    return TorchEncoder(folder, name=known.name if known else name, known=known, device="cpu")


def _write(encoder: TorchEncoder, draft: Path, texts: Sequence[str]) -> Exported:
    (torch,) = needed("an export to ONNX", "torch")
    model = encoder.model
    query, document = encoder.prefixes
    with quiet():
        model.tokenizer.save_pretrained(draft)
        agreement = export_sentences(torch, model, draft, probe_texts([document + text for text in texts]))
    if not (draft / "tokenizer.json").is_file():
        raise EncoderUnavailable(
            _("the encoder '{name}' has no fast tokenizer, so it can't run without torch").format(name=encoder.name)
        )
    facts = {
        "format": 1,
        "pooling": "mean",  # it's done inside
        "query_prefix": query,
        "document_prefix": document,
        "max_tokens": encoder.max_tokens,
        "pad_id": int(model.tokenizer.pad_token_id or 0),
        "dim": encoder.dim,
        "revision": file_hash(draft / "model.onnx")[:12],
    }
    (draft / "searchctl.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return Exported(draft, agreement, _agreement(encoder, OnnxEncoder(draft, device="cpu"), texts))


def _agreement(torch_encoder: TorchEncoder, onnx_encoder: OnnxEncoder, texts: Sequence[str]) -> float:
    """Return the least cosine of what both make of whole texts, each way; raises EncoderUnavailable when it's too low."""
    documents = torch_encoder.encode_documents(texts) * onnx_encoder.encode_documents(texts)
    queries = torch_encoder.encode_queries(texts) * onnx_encoder.encode_queries(texts)
    cosines = np.concatenate([documents, queries]).sum(axis=1)
    if float(cosines.mean()) < LEAST_INT8:
        raise EncoderUnavailable(
            _(
                "what was exported gives other vectors than '{name}': mean cosine {mean:.4f}, expected at least "
                "{LEAST_INT8}; nothing was written"
            ).format(name=torch_encoder.name, mean=cosines.mean(), LEAST_INT8=LEAST_INT8)
        )
    return float(cosines.min())
