"""The models that a training begins with: loaded for learning, with what needn't learn frozen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.errors import EncoderUnavailable, MissingExtra, UsageError
from searchctl.models.files import onnx_file
from searchctl.models.hub import first_line, is_offline
from searchctl.models.places import model_folder
from searchctl.settings.paths import user_path
from searchctl.training.libraries import EXTRA, Libraries
from searchctl.training.shipped import is_shipped, shipped_base

_WEIGHTS = ("*.safetensors", "*/*.safetensors", "pytorch_model*.bin")
_LORA_RANK = 16


@dataclass(frozen=True, slots=True)
class Base:
    """A SentenceTransformer that is to learn, and the `longest` text in tokens that it reads when it doesn't."""

    model: Any
    longest: int


def base_folder(name: str) -> Path | None:
    """Return the folder of a model that a training begins with: a path, the shipped encoder's name, or one of `models list`.

    None where the name is one of the hub, and the model isn't on this machine.
    """
    if is_shipped(name):
        return shipped_base()
    folder = user_path(name)
    return folder if folder.is_dir() else model_folder(name)


def base_revision(name: str) -> str:
    """Return a hash of a folder's weights and tokenizer, or of a hub name; raises EncoderUnavailable if it can't be trained."""
    folder = base_folder(name)
    digest = hashlib.sha256()
    if folder is None:
        if name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise EncoderUnavailable(
                f"no folder '{name}'; give a sentence-transformers or Hugging Face model with --from"
            )
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    weights = _weights(folder)
    if not weights:
        kind = "only an ONNX model, whose weights can't learn" if onnx_file(folder) else "no weights"
        raise EncoderUnavailable(
            f"{folder} holds {kind}; give the sentence-transformers or Hugging Face folder it was made from with --from"
        )
    for path in (*weights, *sorted(folder.glob("tokenizer*.json"))):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]


def load_base(
    libraries: Libraries, name: str, max_tokens: int, *, layers_only: bool = True, lora: bool = False
) -> Base:
    """Return a SentenceTransformer ready to learn, without dropout, which costs a CPU a fifth of its time.

    With `layers_only` the word embeddings stay as they are: most of the weights, and hardly any of the gain. With `lora` only
    small matrices beside the layers learn. Texts are cut at `max_tokens`. Raises EncoderUnavailable, UsageError.
    """
    model = _load(libraries, name, "SentenceTransformer")
    longest = int(model.max_seq_length or 512)
    model.max_seq_length = min(max_tokens, longest)
    if lora:
        _add_lora(model)
    elif layers_only:
        for parameter in _word_embeddings(model):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UsageError(f"nothing in '{name}' can learn; give another model with --from")
    return Base(model, longest)


def load_cross_encoder(libraries: Libraries, name: str, max_tokens: int, *, layers_only: bool = True) -> Base:
    """Return a CrossEncoder with one output ready to learn: a trained one, or an encoder with a new last layer.

    As `load_base` otherwise. Raises EncoderUnavailable.
    """
    model = _load(libraries, name, "CrossEncoder", num_labels=1)
    longest = int(model.max_seq_length or 512)
    model.max_seq_length = min(max_tokens, longest)
    if layers_only:
        for parameter in _word_embeddings(model):
            parameter.requires_grad_(False)
    return Base(model, longest)


def _load(libraries: Libraries, name: str, kind: str, **settings: Any) -> Any:
    folder = base_folder(name)
    place, local = (str(folder), True) if folder is not None else (name, is_offline())
    try:
        config = libraries.transformers.AutoConfig.from_pretrained(place, local_files_only=local)
        off = {key: 0.0 for key, value in config.to_dict().items() if "drop" in key and isinstance(value, float)}
        model = getattr(libraries.sentence_transformers, kind)(
            place, local_files_only=local, trust_remote_code=False, config_kwargs=off, **settings
        )
        return model.float()
    except Exception as error:  # noqa: BLE001 - the libraries' errors have no common base class
        raise EncoderUnavailable(
            f"can't load '{name}' to train it: {first_line(error)}; give a sentence-transformers or Hugging Face folder with --from"
        ) from error


def merge_lora(model: Any) -> None:
    """Add what LoRA learnt to the weights themselves, so that the model is an ordinary one again; nothing without LoRA."""
    name, backbone = _backbone(model)
    if hasattr(backbone, "merge_and_unload"):
        setattr(model[0], name, backbone.merge_and_unload())


def _add_lora(model: Any) -> None:
    try:
        import peft
    except ImportError as error:
        raise MissingExtra("--lora", EXTRA) from error
    name, backbone = _backbone(model)
    config = peft.LoraConfig(r=_LORA_RANK, lora_alpha=2 * _LORA_RANK, lora_dropout=0.0, target_modules="all-linear")
    setattr(model[0], name, peft.get_peft_model(backbone, config))


def _backbone(model: Any) -> tuple[str, Any]:
    for name in ("auto_model", "model"):
        if name in getattr(model[0], "_modules", {}):
            return name, getattr(model[0], name)
    raise UsageError("this model has no transformer to put LoRA into; leave --lora out")


def _word_embeddings(model: Any) -> list[Any]:
    try:
        _, backbone = _backbone(model)
        return list(backbone.get_input_embeddings().parameters())
    except (UsageError, AttributeError, NotImplementedError):
        return []


def _weights(folder: Path) -> list[Path]:
    return sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern) if path.is_file())
