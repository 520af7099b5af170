"""What rerankers learn from, and that they learn: on a model of two layers and data sets of a few lines."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from searchctl.rerankers import open_reranker
from tests.extras import torch_extra

torch, transformers, _ = torch_extra()
pytestmark = pytest.mark.torch
sys.path.append(str(Path(__file__).parents[2] / "tools"))

import build_encoder  # noqa: E402
import train_maxsim  # noqa: E402
import train_reranker as tool  # noqa: E402
import training_data  # noqa: E402

WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "query",
    "passage",
    ":",
    "oak",
    "elm",
    "ash",
    "fir",
    "yew",
    "is",
    "tree",
    "old",
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A BERT of two layers with random weights, as sentence-transformers would keep it."""
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path / "model"
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        pad_token_id=1,
    )
    config.save_pretrained(folder)
    weights = transformers.BertModel(config, add_pooling_layer=False).state_dict()
    save_file(
        {name: value.half() for name, value in weights.items() if value.is_floating_point()},
        folder / "model.safetensors",
    )
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


@pytest.fixture
def encoder(model: Path, tmp_path: Path) -> Path:
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": f"{word} is old tree"}) + "\n" for word in ("oak", "elm", "ash")))
    build_encoder.write(model, tmp_path / "encoder", "mixed", texts)
    return tmp_path / "encoder"


def judged(folder: Path, **splits: list[tuple[str, str]]) -> Path:
    """Write a data set of documents about trees; a split has pairs of query and document."""
    (folder / "qrels").mkdir(parents=True)
    names = ("oak", "elm", "ash", "fir", "yew")
    rows = [{"_id": name, "title": "", "text": f"The {name} is a tree, and old."} for name in names]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = [query for pairs in splits.values() for query, _ in pairs]
    rows = [{"_id": query, "text": f"what is an old {query} tree"} for query in asked]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for split, pairs in splits.items():
        lines = [f"{query}\t{document}\t1" for query, document in pairs]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    return folder


def test_what_is_held_out_is_never_shown(tmp_path: Path) -> None:
    train = [("oak", "oak"), ("elm", "elm"), ("ash", "ash"), ("holm oak", "oak")]
    judged(tmp_path / "scifact-en", train=train, test=[("fir", "fir"), ("quercus", "oak")])
    queries, held = training_data.questions_of("scifact-en", tmp_path)
    assert [one.id for one in queries] == ["elm", "ash"]  # the others' document answers a test question
    assert held == {"fir", "oak"}
    examples = list(training_data.mine("scifact-en", tmp_path, tmp_path / "work", seed=0))
    assert {one.query for one in examples} == {"what is an old elm tree", "what is an old ash tree"}
    for one in examples:
        assert len(one.texts) == len(one.scores) == len(one.answers) == 3
        assert sum(one.answers) == 1
        assert not any("oak" in text or "fir" in text for text in one.texts)


def test_xquad_is_parted_by_article(tmp_path: Path) -> None:
    folder = judged(tmp_path / "xquad-en", test=[("oak", "p003"), ("elm", "p004"), ("ash", "p005"), ("fir", "p010")])
    queries, held = training_data.questions_of("xquad-en", folder.parent)
    assert [one.id for one in queries] == ["oak", "elm", "fir"]
    assert held == {"p005"}


def test_the_exported_model_says_what_the_trained_one_does(model: Path, encoder: Path, tmp_path: Path) -> None:
    pairs = [("old oak", "oak is tree"), ("old oak", "yew"), ("elm", "fir is old"), ("elm", "elm is old tree oak ash")]
    upper = tool.Upper(model, lower=1)
    torch.manual_seed(1)
    torch.nn.init.normal_(upper.score.weight, std=3.0)
    states, mask = tool.padded(tool.Lower(encoder, 1).states(pairs))
    with torch.no_grad():
        upper.score.bias -= upper.eval()(states, mask).mean()  # so that the sigmoid tells them apart
    tool.write(tmp_path / "out", encoder, model, upper.exported(), {})
    with torch.no_grad():
        expected = torch.sigmoid(upper(states, mask)).numpy()
    reranker = open_reranker(str(tmp_path / "out"), object)
    found = np.concatenate([reranker.score(query, [text]) for query, text in pairs])
    assert found == pytest.approx(expected, abs=0.05)  # what quantisation costs
    assert np.ptp(expected) > 0.1
    assert reranker.weight == tool.WEIGHT


def test_training_puts_the_first_of_each_group_above(model: Path, encoder: Path) -> None:
    trees = ["oak", "elm", "ash", "fir", "yew"]
    groups = [
        [(f"old {a}", f"{a} is tree"), *((f"old {a}", f"{b} is old") for b in trees if b != a)][:4] for a in trees
    ]
    lower, upper = tool.Lower(encoder, 1), tool.Upper(model, lower=1)
    states = [lower.states(group) for group in groups]

    def right() -> float:
        with torch.no_grad():
            return float(np.mean([upper(*tool.padded(group)).argmax().item() == 0 for group in states]))

    tool.train(upper, states, epochs=40, rate=1e-3, rng=random.Random(0))
    assert right() == 1.0


def test_a_token_that_tells_answers_apart_comes_to_count_more() -> None:
    rng = np.random.default_rng(0)

    def question() -> train_maxsim.Question:
        # the first token's state is (1, 0) and only the answer has it; the second's is (0, 1) and says nothing
        answers = np.zeros(4, np.float32)
        answers[rng.integers(4)] = 1
        nearest = np.stack([answers, rng.random(4)], axis=1).astype(np.float32)
        numbers = np.eye(2, dtype=np.float32), nearest, rng.random(4).astype(np.float32), answers
        return train_maxsim.Question("s", *map(torch.from_numpy, numbers))

    *weights, shift = train_maxsim.learn([question() for _ in range(64)], epochs=30, decay=0.01, seed=0)
    counts = np.logaddexp(0.0, np.array(weights) + shift)
    assert counts[0] > 1.5 * counts[1]
