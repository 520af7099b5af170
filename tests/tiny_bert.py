"""A tiny random BERT in a folder, for tests of what reads such folders. Needs the torch extra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.extras import torch_extra

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
}


def tiny_bert(
    folder: Path,
    words: Sequence[str],
    kind: str = "BertModel",
    *,
    seed: int,
    options: Mapping[str, Any] | None = None,
    **config: Any,
) -> tuple[Any, Any]:
    """Make a folder with the tokenizer of these words; return it and a model of a class of transformers, which isn't saved yet.

    `config` is for its BertConfig in place of `SIZES`, with `initializer_range=0.5` for weights that tell texts apart; `options`
    are for the model's own class.
    """
    torch, transformers, _ = torch_extra()
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    vocabulary = str(folder / "vocab.txt")
    tokenizer = transformers.BertTokenizerFast(vocab=vocabulary, vocab_file=vocabulary)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    made = transformers.BertConfig(vocab_size=len(words), **{**SIZES, **config})
    return tokenizer, getattr(transformers, kind)(made, **(options or {}))
