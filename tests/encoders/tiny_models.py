"""Tiny random models with the published settings of named ones: architecture, tokenizer, lengths, folders. Needs the torch extra."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORDS = (
    [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "query",
        "passage",
        ":",
        "search",
        "_",
        "document",
        "green",
        "tea",
        "чай",
        "зеленый",
    ]
    + [
        "Green",
        "Чай",
        "Instruct",
        "Given",
        "a",
        "web",
        ",",
        "retrieve",
        "relevant",
        "passages",
        "that",
        "answer",
        "the",
    ]
    + ["Query", "Represent", "this", "sentence", "for", "searching", "instruct", "given"]
)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}


@dataclass(frozen=True)
class Published:
    """What the page of a model says: the class of its configuration, what its files set, and how long its texts may be."""

    kind: str = "BertConfig"
    config: dict[str, Any] = field(default_factory=dict)
    tokenizer: dict[str, Any] = field(default_factory=dict)


PUBLISHED = {
    "bert-base-multilingual-cased": Published(
        config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": False, "model_max_length": 512}
    ),
    "rubert-base-cased": Published(config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": False}),
    "rubert-base-cased-sentence": Published(
        config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": False}
    ),
    "sbert_large_mt_nlu_ru": Published(config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": False}),
    "sbert_large_nlu_ru": Published(config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": True}),
    "rubert-tiny2": Published(
        config={"max_position_embeddings": 2048}, tokenizer={"do_lower_case": False, "model_max_length": 2048}
    ),
    "LaBSE": Published(config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": False}),
    "LaBSE-en-ru": Published(config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": False}),
    "ruRoberta-large": Published("RobertaConfig", {"max_position_embeddings": 514, "pad_token_id": 1}),
    "rut5-base-multitask": Published("T5Config", {"n_positions": 512}),
    "FRIDA": Published("T5Config", {"n_positions": 512}, {"model_max_length": 512}),
    "multilingual-e5-small": Published(config={"max_position_embeddings": 512}, tokenizer={"model_max_length": 512}),
    "multilingual-e5-large": Published(
        "XLMRobertaConfig", {"max_position_embeddings": 514, "pad_token_id": 1}, {"model_max_length": 512}
    ),
    "bge-m3": Published(
        "XLMRobertaConfig", {"max_position_embeddings": 8194, "pad_token_id": 1}, {"model_max_length": 8192}
    ),
    "bge-small-en-v1.5": Published(config={"max_position_embeddings": 512}, tokenizer={"do_lower_case": True}),
    "USER-bge-m3": Published("XLMRobertaConfig", {"max_position_embeddings": 8194, "pad_token_id": 1}),
    "USER-base": Published("DebertaConfig", {"max_position_embeddings": 512}, {"model_max_length": 512}),
    "USER2-base": Published("ModernBertConfig", {"max_position_embeddings": 8192}, {"model_max_length": 8192}),
    "ru-en-RoSBERTa": Published("RobertaConfig", {"max_position_embeddings": 514, "pad_token_id": 1}),
    "Qwen3-Embedding-0.6B": Published("Qwen3Config", {"max_position_embeddings": 32768}, {"padding_side": "left"}),
}


def save_tiny(folder: Path, name: str, *, seed: int = 3) -> Any:
    """Write a plain Hugging Face folder with that model's settings and random weights; return the transformers model."""
    import torch
    import transformers

    published = PUBLISHED[name]
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    config = getattr(transformers, published.kind)(**_sizes(published), **_tokens(published), **published.config)
    kind = "T5ForConditionalGeneration" if published.kind == "T5Config" else "AutoModel"
    made = getattr(transformers, kind)
    model = made(config) if kind != "AutoModel" else made.from_config(config)
    with torch.no_grad():  # as they come, all texts look nearly alike
        for parameter in model.parameters():
            parameter.mul_(4) if parameter.ndim > 1 else parameter.add_(0.1 * torch.randn_like(parameter))
    model.eval().save_pretrained(folder)
    (_save_vocabulary if published.kind == "BertConfig" else _save_tokenizer)(folder, published)
    return model.get_encoder() if published.kind == "T5Config" else model


def save_sentence_folder(folder: Path, pooling: str, prompts: dict[str, str] | None = None, longest: int = 16) -> None:
    """Add to a plain folder what sentence-transformers writes."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    listed = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, f"pooling_mode_{pooling}": True})
    )
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": longest, "do_lower_case": False}))
    if prompts is not None:
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))


def _sizes(published: Published) -> dict[str, Any]:
    vocabulary = {"vocab_size": len(WORDS)}
    if published.kind == "T5Config":
        return {**vocabulary, "d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2}
    if published.kind == "Qwen3Config":
        return {**vocabulary, **SMALL, "num_key_value_heads": 2, "head_dim": 16}
    return {**vocabulary, **SMALL}


def _tokens(published: Published) -> dict[str, Any]:
    ends = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    if published.kind == "ModernBertConfig":
        return {**ends, "cls_token_id": 2, "sep_token_id": 3}
    return ends if published.kind == "Qwen3Config" else {}


def _save_vocabulary(folder: Path, published: Published) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", **published.tokenizer})
    )


def _save_tokenizer(folder: Path, published: Published) -> None:
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = list(WORDS)
    pad = published.config.get("pad_token_id", 0)
    words[0], words[pad] = words[pad], words[0]
    number = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(number, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    single = "$A [SEP]" if published.kind in ("T5Config", "Qwen3Config") else "[CLS] $A [SEP]"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("[CLS]", number["[CLS]"]), ("[SEP]", number["[SEP]"])]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        **published.tokenizer,
    ).save_pretrained(folder)
