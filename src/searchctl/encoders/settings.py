"""What a model's own files say of how it's to be used: pooling, prefixes, length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.conformity import check_types
from searchctl.errors import EncoderUnavailable

_LARGEST = 1 << 20  # tokens, numbers of a vector


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How to use a model. `dim` 0 and an empty `revision` mean: find out from the model itself.

    `token_states` names the tensors with some layers' states of every token, for models that don't give them out.
    """

    pooling: str = "mean"
    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int = 512
    pad_id: int = 0
    dim: int = 0
    revision: str = ""
    token_states: tuple[str, ...] = ()


def read_settings(folder: Path) -> ModelSettings:
    """Read a folder's settings: our own `searchctl.json`, or the files sentence-transformers and transformers write.

    Raises EncoderUnavailable where they can't be.
    """
    try:
        settings = _settings(folder)
        check_types(settings)
        for name, least in (("max_tokens", 1), ("pad_id", 0), ("dim", 0)):
            if not least <= getattr(settings, name) <= _LARGEST:
                raise ValueError(f"'{name}' is {getattr(settings, name)}")
        if settings.pooling not in ("mean", "cls"):
            raise ValueError(f"'pooling' is {settings.pooling!r}, expected mean or cls")
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EncoderUnavailable(f"what {folder} says of its model is damaged ({error}); restore the folder") from error
    return settings


def _settings(folder: Path) -> ModelSettings:
    ours = _read(folder / "searchctl.json")
    if ours:
        known = {key: ours[key] for key in ModelSettings.__slots__ if key in ours}
        inside = known.pop("token_states", ())
        return ModelSettings(**known, token_states=(inside,) if isinstance(inside, str) else tuple(inside))
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
    model = _read(folder / "config.json")
    longest = (
        _read(folder / "sentence_bert_config.json").get("max_seq_length") or model.get("max_position_embeddings") or 512
    )
    return ModelSettings(
        pooling=_pooling(_read(folder / "1_Pooling" / "config.json")),
        query_prefix=prompts.get("query", ""),
        document_prefix=prompts.get("document") or prompts.get("passage") or "",
        max_tokens=int(longest),
        pad_id=int(model.get("pad_token_id") or 0),
    )


def _pooling(config: dict[str, Any]) -> str:
    cls = config.get("pooling_mode_cls_token") or config.get("pooling_mode") == "cls"
    return "cls" if cls else "mean"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EncoderUnavailable(f"{path} isn't valid JSON ({error}); restore the model's folder") from error
    return data if isinstance(data, dict) else {}
