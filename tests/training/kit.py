"""A small encoder and texts of a few topics, made here: what every training is tried with."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

TOPICS = {
    "tea": "green black leaf kettle brew cup steep jasmine".split(),
    "bridge": "steel cable river span arch load tower deck".split(),
    "refund": "money card return receipt payment charge bank order".split(),
    "weather": "rain snow wind storm cloud frost thunder sun".split(),
}
SYNONYMS = {word: f"{word}ish" for words in TOPICS.values() for word in words}
FILLERS = "the a of with and my is on for this that one".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [
    *SPECIAL,
    *FILLERS,
    *TOPICS,
    *(word for words in TOPICS.values() for word in words),
    *SYNONYMS.values(),
    "query",
    "passage",
    ":",
]


def sentence(topic: str, draw: random.Random, length: int = 8) -> str:
    """Return words of a topic among words that mean nothing."""
    return " ".join(draw.choice(TOPICS[topic] if draw.random() < 0.3 else FILLERS) for _ in range(length))


def labelled(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return so many texts of each topic, with the topic as label."""
    draw = random.Random(seed)
    return [{"text": sentence(topic, draw), "label": topic} for topic in TOPICS for _ in range(count)]


def pairs(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return questions with answers, two questions a document: they name its words by synonyms, so that sameness finds nothing."""
    draw = random.Random(seed)
    made = []
    for number in range(count // 2):
        own = draw.sample(list(SYNONYMS), 4)
        answer = " ".join([*own[:2], draw.choice(FILLERS), *own[2:]])
        for _ in range(2):
            query = " ".join(SYNONYMS[word] for word in draw.sample(own, 3))
            made.append({"query": query, "positive": answer, "document": f"d{number}"})
    return made


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tokenizer_file(folder: Path, words: list[str] = WORDS) -> Any:
    """Write a tokenizer that knows whole words, as fast ones are kept."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    fast.save_pretrained(folder)
    return fast


def make_encoder(folder: Path, *, layers: int = 2, seed: int = 3, spread: float = 0.02) -> Path:
    """Write a random BERT as a sentence-transformers folder with mean pooling and prompts; `spread` .3 makes its layers count."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel

    plain = folder.with_name(f"{folder.name}-plain")
    tokenizer_file(plain)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=spread,
    )
    BertModel(config).save_pretrained(plain)
    model = SentenceTransformer(
        str(plain), local_files_only=True, prompts={"query": "query: ", "document": "passage: "}
    )
    model.save(str(folder), create_model_card=False)
    return folder
