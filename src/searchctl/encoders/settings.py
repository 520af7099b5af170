"""How a model is to be used: pooling, prefixes, length. Its own files say it, else the catalogue, else the mean is taken, and told."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from searchctl.conformity import check_types
from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import KnownModel, known_model
from searchctl.translation import _

_LOG = logging.getLogger("searchctl")
_ENCODER = "encoder"
_LARGEST = 1 << 20  # tokens, numbers of a vector
POOLINGS = ("mean", "cls", "max", "lasttoken", "pooler")
_LEGACY = {  # as sentence-transformers wrote it before version 5.3
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How to use a model. `dim` 0 and an empty `revision` mean: find out from the model itself.

    `token_states` names the tensors with some layers' states of every token, for models that don't give them out. `pooling` is
    one of `POOLINGS`, or what sentence-transformers alone can do. `unsaid` names what neither the model's files nor the
    catalogue says. `source` says who is to be believed: "searchctl", "sentence-transformers", "catalogue" or "".
    """

    pooling: str = "mean"
    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int = 512
    pad_id: int = 0
    dim: int = 0
    revision: str = ""
    token_states: tuple[str, ...] = ()
    lower_case: bool = False
    unsaid: tuple[str, ...] = ()
    source: str = ""


def read_settings(folder: Path, known: KnownModel | None = None) -> ModelSettings:
    """Read a folder's settings: our own `searchctl.json`, or the files sentence-transformers and transformers write.

    What they leave open is taken from the catalogue: from `known`, else from the model called like the folder. Raises
    EncoderUnavailable where they can't be read.
    """
    try:
        settings = _settings(folder, known or known_model(folder.name))
        check_types(settings)
        for name, least in (("max_tokens", 1), ("pad_id", 0), ("dim", 0)):
            if not least <= getattr(settings, name) <= _LARGEST:
                raise ValueError(f"'{name}' is {getattr(settings, name)}")
        if settings.source == "searchctl" and settings.pooling not in POOLINGS:
            raise ValueError(f"'pooling' is {settings.pooling!r}, expected one of {', '.join(POOLINGS)}")
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EncoderUnavailable(
            _("what {folder} says of its model is damaged ({error}); restore the folder").format(
                folder=folder, error=error
            )
        ) from error
    return settings


def tell_unsaid(name: str, settings: ModelSettings) -> None:
    """Warn of what nobody says about a model, and of what was taken instead."""
    taken = {"pooling": "the mean of its tokens is taken", "prefixes": "queries and documents get no prefix"}
    if settings.unsaid:
        _LOG.warning(
            "nothing says how the vectors of '%s' are made, so %s; if its page says otherwise, write a searchctl.json "
            'into its folder, such as {"pooling": "cls", "query_prefix": "query: ", "document_prefix": "passage: "}',
            name,
            " and ".join(taken[part] for part in settings.unsaid),
        )


def _settings(folder: Path, known: KnownModel | None) -> ModelSettings:
    ours = _read(folder / "searchctl.json")
    if ours.get("kind", _ENCODER) != _ENCODER:
        other = {"classifier": "searchctl route predict --classifier", "reranker": "searchctl search --rerank"}
        use = f"; give it to: {other[ours['kind']]}" if ours["kind"] in other else ""
        raise EncoderUnavailable(
            _("{folder} holds a {ours}, not an encoder{use}").format(folder=folder, ours=ours["kind"], use=use)
        )
    if ours:
        keys = [key for key in ModelSettings.__slots__ if key not in ("unsaid", "source")]
        given = {key: ours[key] for key in keys if key in ours}
        inside = given.pop("token_states", ())
        said = ModelSettings(
            **given, token_states=(inside,) if isinstance(inside, str) else tuple(inside), source="searchctl"
        )
        return said if "max_tokens" in ours else replace(said, max_tokens=_longest(folder, known))
    return _of_others(folder, known)


def _of_others(folder: Path, known: KnownModel | None) -> ModelSettings:
    """Read what sentence-transformers and transformers wrote, and fill it up from the catalogue."""
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts")
    own = prompts or {}
    query, document = own.get("query") or "", own.get("document") or own.get("passage") or ""
    pooling = _pooling(_read(folder / "1_Pooling" / "config.json"))
    is_whole = (folder / "modules.json").is_file() or pooling is not None
    source = "sentence-transformers" if is_whole else ""
    if known is not None and not (
        query or document
    ):  # empty prompts are written by whoever saves a model, known or not
        query, document = known.query_prefix, known.document_prefix
    if not is_whole and known is not None and known.pooling:
        pooling, source = known.pooling, "catalogue"
    unsaid = [*([] if is_whole or pooling else ["pooling"]), *([] if known or prompts is not None else ["prefixes"])]
    return ModelSettings(
        pooling=pooling or "mean",
        query_prefix=query,
        document_prefix=document,
        max_tokens=_longest(folder, known),
        pad_id=int(_read(folder / "config.json").get("pad_token_id") or 0),
        lower_case=known.lower_case if known else False,
        unsaid=tuple(unsaid),
        source=source,
    )


def _longest(folder: Path, known: KnownModel | None) -> int:
    """Return the most tokens that a model takes: the least that its files allow, else what the catalogue says, else 512."""
    own = _read(folder / "sentence_bert_config.json").get("max_seq_length")
    if own:
        return int(own)
    config = _read(folder / "config.json")
    places = config.get("max_position_embeddings")
    if places and config.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
        places = (
            int(places) - int(config.get("pad_token_id") or 0) - 1
        )  # RoBERTa counts places from behind the padding's
    if not places:
        places = config.get("n_positions")
    tokenizer = _read(folder / "tokenizer_config.json").get("model_max_length")
    known_limit = known.max_tokens if known else 0
    limits = [int(limit) for limit in (places, tokenizer, known_limit) if limit and limit < _LARGEST]
    return min(limits, default=512)


def _pooling(config: dict[str, Any]) -> str | None:
    """Return what sentence-transformers pools by: one way, or several with + between; None if there is no such file."""
    if not config:
        return None
    given = config.get("pooling_mode")
    if isinstance(given, (list, tuple)):
        return "+".join(map(str, given))
    return str(given) if given else "+".join(way for key, way in _LEGACY.items() if config.get(key)) or "mean"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EncoderUnavailable(
            _("{path} isn't valid JSON ({error}); restore the model's folder").format(path=path, error=error)
        ) from error
    return data if isinstance(data, dict) else {}
