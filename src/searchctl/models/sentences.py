"""Sentence encoders of the `torch` extra: a folder becomes the modules of sentence-transformers, whatever wrote it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from searchctl.errors import EncoderUnavailable
from searchctl.models.export import Agreement, Features, export
from searchctl.models.hub import first_line, load_transformer, needed, quiet
from searchctl.translation import _

_TF_WEIGHTS = ("tf_model.h5", "model.h5", "saved_model.pb")
_TORCH_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.safetensors.index.json")
_BATCH = 4  # texts that are compared at once after an export
_OWN_MODULES = ("sentence_transformers.",)


def load_sentences(
    folder: Path, name: str, *, pooling: str, max_tokens: int, lower_case: bool = False, device: str = "cpu"
) -> Any:
    """Return a `SentenceTransformer` of a folder, in float32 on a `device` of torch.

    One that sentence-transformers wrote is taken as it is. Of a plain Hugging Face folder the model's tokens are pooled by
    `pooling` ("mean", "cls", "max", "lasttoken", or "pooler", which is BERT's: the first token through a dense layer). Nothing is
    fetched, and no code of the folder is run. Raises MissingExtra without the extra, EncoderUnavailable when it can't be loaded.
    """
    what = f"the encoder '{name}', neither built in nor a folder with an ONNX model,"
    (library,) = needed(what, "sentence_transformers")
    _refuse_foreign(folder, name)
    is_plain = not (folder / "modules.json").is_file()
    try:
        with quiet():
            if is_plain:
                parts = _plain_modules(folder, name, pooling, max_tokens, lower_case)
                model = library.SentenceTransformer(modules=parts, device=device)
            else:
                model = library.SentenceTransformer(str(folder), device=device, local_files_only=True)
            return model.float()  # weights stored in half precision are slow on a CPU
    except EncoderUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the hub's and the model's errors have no common base class
        reason = first_line(error).rstrip(".")
        raise EncoderUnavailable(
            _("can't load the encoder '{name}': {reason}; check the name or give a folder").format(
                name=name, reason=reason
            )
        ) from error


def _plain_modules(folder: Path, name: str, pooling: str, max_tokens: int, lower_case: bool) -> list[Any]:
    modules = sentence_modules()
    transformer = modules.Transformer(str(folder), max_seq_length=max_tokens, do_lower_case=lower_case)
    dim = transformer.auto_model.config.hidden_size
    if pooling != "pooler":
        return [transformer, modules.Pooling(dim, pooling_mode=pooling)]
    return [transformer, modules.Pooling(dim, pooling_mode="cls"), _pooler(folder, name, modules, dim)]


def _pooler(folder: Path, name: str, modules: Any, dim: int) -> Any:
    """Return BERT's pooler as a module of its own; raises EncoderUnavailable where the folder lacks its weights."""
    loaded = load_transformer(
        str(folder), "AutoModel", what="the encoder", advice="take a copy of it that has the pooler's weights"
    )
    layer = getattr(getattr(loaded.model, "pooler", None), "dense", None)
    if layer is None:
        raise EncoderUnavailable(
            _(
                "the encoder '{name}' has no pooler, by which its vectors should be made; set another 'pooling' "
                "in its searchctl.json"
            ).format(name=name)
        )
    dense = modules.Dense(dim, layer.out_features, activation_function=loaded.torch.nn.Tanh())
    dense.linear.load_state_dict(layer.state_dict())
    return dense


def sentence_modules() -> Any:
    """Return the library's modules, which have another address since version 5.3."""
    for address in ("sentence_transformers.sentence_transformer.modules", "sentence_transformers.models"):
        try:
            return importlib.import_module(address)
        except ModuleNotFoundError:
            continue
    raise EncoderUnavailable(_("this version of sentence-transformers has no modules; install it anew"))


def _refuse_foreign(folder: Path, name: str) -> None:
    """Raise EncoderUnavailable for folders with code of their own, and for those of TensorFlow."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        kinds = [str(module["type"]) for module in modules]
    except FileNotFoundError:
        kinds = []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderUnavailable(
            _("{folder} is damaged ({error}); restore the folder").format(folder=folder / "modules.json", error=error)
        ) from error
    if strange := [kind for kind in kinds if not kind.startswith(_OWN_MODULES)]:
        raise EncoderUnavailable(
            _(
                "the encoder '{name}' needs the class {strange}, which is code that comes with the model and "
                "isn't run here; take an ONNX export of it, or another model"
            ).format(name=name, strange=strange[0])
        )
    has_torch = any(next(folder.rglob(pattern), None) for pattern in _TORCH_WEIGHTS)
    if not has_torch and any((folder / weights).is_file() for weights in _TF_WEIGHTS):
        raise EncoderUnavailable(
            _(
                "the encoder '{name}' has TensorFlow weights only, which transformers 5 doesn't read; with "
                "transformers 4: AutoModel.from_pretrained(FOLDER, from_tf=True).save_pretrained(NEW)"
            ).format(name=name)
        )


def export_sentences(torch: Any, model: Any, folder: Path, texts: Sequence[str]) -> Agreement:
    """Write a `SentenceTransformer` as ONNX files with pooling, normalisation and all that follows inside.

    Their outputs are `sentence_embedding` and `token_embeddings`. They are compared with torch on `texts`, which stand for what is
    to be encoded, prefixes and all. Raises SearchctlError where they stray.
    """
    outputs = ["sentence_embedding", "token_embeddings"]
    return export(torch, _whole(torch, model), batches_of_features(model, texts), folder, outputs)


def batches_of_features(model: Any, texts: Sequence[Any]) -> list[Features]:
    """Return texts, or pairs of them, in small batches as tensors; the longest batch first, by which a graph is traced."""
    take = model.preprocess if hasattr(model, "preprocess") else model.tokenize  # its name before version 5.3
    parts = [list(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
    features = [{name: value for name, value in take(part).items() if hasattr(value, "shape")} for part in parts]
    return sorted(features, key=lambda batch: -int(batch["input_ids"].shape[1]))


def _whole(torch: Any, model: Any) -> Any:
    """Return the model as a module that takes tensors and gives its vector and its tokens' states."""

    class Whole(torch.nn.Module):  # type: ignore[misc]
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
