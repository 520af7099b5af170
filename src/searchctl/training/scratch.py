"""Models that know nothing yet: their sizes, their tokenizer from one's own texts, and the class that pretrains each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.files import replacing
from searchctl.models.hub import first_line, is_offline
from searchctl.settings.paths import user_path
from searchctl.training.libraries import Libraries
from searchctl.training.own_tokenizer import special_tokens, train_tokenizer

_TOKENIZER = "tokenizer.json"
_HEAD_WIDTH = 64  # numbers of a hidden state that an attention head takes
_MASKS = ("[MASK]", "<mask>")
_GENERATOR_PART = 4  # ELECTRA's generator is so many times narrower
MASKED = "AutoModelForMaskedLM"
NEXT = "BertForPreTraining"
REPLACED = "ElectraForPreTraining"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a new model is: its layers, the numbers of a hidden state, and the tokens that it reads and knows."""

    layers: int = 6
    hidden: int = 256
    max_tokens: int = 512
    vocabulary: int = 16_000

    def __post_init__(self) -> None:
        for name, value, least, most in (("layers", self.layers, 1, 48), ("hidden", self.hidden, 32, 4096)):
            if not least <= value <= most or (name == "hidden" and value % 32):
                raise UsageError(
                    f"--{name} is {value}; give {least} to {most}{', a multiple of 32' * (name == 'hidden')}"
                )


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model with a head that guesses words or replacements, its tokenizer, and how many tokens it reads.

    `generator` is what makes ELECTRA's replacements. `fresh` names what begins with chance, as weights or as sentences.
    """

    network: Any
    tokenizer: Any
    longest: int
    generator: Any = None
    fresh: tuple[str, ...] = ()


def new_model(
    libraries: Libraries,
    architecture: str,
    kind: str,
    sizes: Sizes,
    texts: Sequence[str],
    home: Path,
    *,
    lower_case: bool,
) -> LanguageModel:
    """Return a model of random weights, with a tokenizer learnt from `texts`; `home` keeps that, for it isn't learnt twice alike."""
    path = home / _TOKENIZER
    home.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        with replacing(path) as draft:
            train_tokenizer(texts, architecture, sizes.vocabulary, lower_case=lower_case).save(str(draft))
    tokenizer = _wrapped(libraries, Tokenizer.from_file(str(path)), architecture, sizes.max_tokens)
    config = _config(libraries, architecture, sizes, tokenizer)
    network = _of_kind(libraries, kind).from_config(config) if kind == MASKED else _of_kind(libraries, kind)(config)
    generator = new_generator(libraries, config) if kind == REPLACED else None
    return LanguageModel(network.float(), tokenizer, sizes.max_tokens, generator)


def new_generator(libraries: Libraries, config: Any) -> Any:
    """Return a narrower ELECTRA of random weights, whose word embeddings are as wide as the other one's."""
    made = libraries.transformers.ElectraConfig(**config.to_dict())
    made.hidden_size = max(config.hidden_size // _GENERATOR_PART, 32)
    made.intermediate_size = 4 * made.hidden_size
    made.num_attention_heads = _heads(made.hidden_size)
    return libraries.transformers.ElectraForMaskedLM(made).float()


def load_model(libraries: Libraries, name: str, kind: str) -> LanguageModel:
    """Return a folder's or a hub name's model with the head of its kind; `fresh` says where it has none yet.

    Raises EncoderUnavailable, UsageError where the architecture has no such head.
    """
    folder = user_path(name)
    place, local = (str(folder), True) if folder.is_dir() else (name, is_offline())
    library = libraries.transformers
    try:
        config = library.AutoConfig.from_pretrained(place, local_files_only=local)
        _check_kind(name, str(config.model_type), kind)
        without_dropout(config)
        tokenizer = library.AutoTokenizer.from_pretrained(place, local_files_only=local, use_fast=True)
        network, report = _of_kind(libraries, kind).from_pretrained(
            place, config=config, local_files_only=local, output_loading_info=True
        )
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - the libraries' errors have no common base class
        raise EncoderUnavailable(
            f"can't load '{name}' to go on pretraining it: {first_line(error)}; give a Hugging Face folder of BERT, RoBERTa, "
            "DeBERTa-v2 or ELECTRA with --from"
        ) from error
    if not getattr(tokenizer, "is_fast", False) or not _find_mask(tokenizer):
        raise EncoderUnavailable(f"'{name}' has no fast tokenizer with a mask token; give another model with --from")
    fresh = tuple(sorted(key for key in report["missing_keys"] if not key.startswith(f"{network.base_model_prefix}.")))
    generator = _kept_generator(libraries, folder, config) if kind == REPLACED else None
    return LanguageModel(network.float(), tokenizer, longest_text(config, tokenizer), generator, fresh)


def longest_text(config: Any, tokenizer: Any) -> int:
    """Return how many tokens a model reads, special ones included."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 512)
    if str(config.model_type) in ("roberta", "xlm-roberta", "camembert"):
        positions -= int(config.pad_token_id or 0) + 1  # its positions begin after the padding's
    return max(8, min(positions, int(tokenizer.model_max_length)))


def without_dropout(config: Any) -> None:
    """Take dropout away, which costs a CPU a fifth of its time."""
    for key, value in config.to_dict().items():
        if "drop" in key and isinstance(value, float):
            setattr(config, key, 0.0)


def _of_kind(libraries: Libraries, kind: str) -> Any:
    return getattr(libraries.transformers, kind)


def _check_kind(name: str, architecture: str, kind: str) -> None:
    wanted = {NEXT: "bert", REPLACED: "electra"}.get(kind)
    if wanted is not None and architecture != wanted:
        objective = "mlm+nsp" if kind == NEXT else "electra"
        raise UsageError(
            f"'{name}' is a {architecture}, and the objective {objective} is for {wanted} alone; give --objective mlm"
        )


def _find_mask(tokenizer: Any) -> bool:
    """Tell whether there is a mask token; sentence encoders often have one in their vocabulary without saying so."""
    if tokenizer.mask_token_id is None:
        known = tokenizer.get_vocab()
        token = next((token for token in _MASKS if token in known), None)
        if token is not None:
            tokenizer.mask_token = token
    return tokenizer.mask_token_id is not None


def _kept_generator(libraries: Libraries, folder: Path, config: Any) -> Any:
    kept = folder / "generator"
    if (kept / "config.json").is_file():
        return libraries.transformers.ElectraForMaskedLM.from_pretrained(str(kept), local_files_only=True).float()
    return new_generator(libraries, config)


def _heads(hidden: int) -> int:
    """Return how many heads a layer has: about one for 64 numbers, so many that they part evenly."""
    return next(heads for heads in range(max(1, hidden // _HEAD_WIDTH), 0, -1) if hidden % heads == 0)


def _wrapped(libraries: Libraries, tokenizer: Any, architecture: str, max_tokens: int) -> Any:
    special = special_tokens(architecture)
    return libraries.transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=special.pad,
        unk_token=special.unknown,
        cls_token=special.start,
        sep_token=special.end,
        mask_token=special.mask,
        model_max_length=max_tokens,
    )


def _config(libraries: Libraries, architecture: str, sizes: Sizes, tokenizer: Any) -> Any:
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": _heads(sizes.hidden),
        "intermediate_size": 4 * sizes.hidden,
        "max_position_embeddings": sizes.max_tokens,
        "pad_token_id": tokenizer.pad_token_id,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    library = libraries.transformers
    if architecture == "roberta":
        shifted = common | {
            "max_position_embeddings": sizes.max_tokens + tokenizer.pad_token_id + 1,
            "type_vocab_size": 1,
        }
        ends = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
        return library.RobertaConfig(**shifted, **ends)
    if architecture == "deberta-v2":
        relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
        return library.DebertaV2Config(**common, **relative, type_vocab_size=0)
    if architecture == "electra":
        return library.ElectraConfig(**common, embedding_size=min(sizes.hidden, 128))
    return library.BertConfig(**common)
