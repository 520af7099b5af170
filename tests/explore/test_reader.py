"""The reader on a tiny model made here, whose weights point at two words: `thirty` begins an answer, `days` ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl import Index
from searchctl.errors import EncoderUnavailable
from searchctl.explore.answer import answer
from searchctl.explore.reader import TransformersReader
from tests.extras import torch_extra
from tests.tiny_bert import tiny_bert

torch, _, _ = torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own

WORDS = "[PAD] [UNK] [CLS] [SEP] how long may i keep it you send a thing back within thirty days . the courier costs four".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("models") / "reader"
    size = 32  # each word has a direction of its own, and the one layer adds nothing
    _, model = tiny_bert(
        made,
        WORDS,
        "BertForQuestionAnswering",
        seed=0,
        hidden_size=size,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=512,
    )
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "LayerNorm.weight" not in name:
                weights.zero_()
        embeddings = model.bert.embeddings.word_embeddings.weight
        embeddings.copy_(torch.eye(len(WORDS), size))
        model.qa_outputs.weight[0, WORDS.index("thirty")] = 3.0
        model.qa_outputs.weight[1, WORDS.index("days")] = 3.0
    model.save_pretrained(made)
    return made


def test_the_words_are_marked_where_they_stand(folder: Path) -> None:
    far = "The courier costs four. " * 200  # several windows before it
    texts = ["You may send it back within thirty days.", "The courier costs four.", far + "Within thirty days."]
    found = TransformersReader(str(folder)).read("How long may I keep it?", texts)
    assert found[1] is None
    for text, span in ((texts[0], found[0]), (texts[2], found[2])):
        assert span is not None and text[span.start : span.end] == "thirty days" and span.confidence > 0.99


def test_an_answer_has_the_marked_words_in_the_document(folder: Path, tmp_path: Path) -> None:
    text = "The courier costs four pounds. You may keep it for thirty days. How long may it be?"
    with Index.open(tmp_path / "index", encoder="hashing") as index:
        index.ingest([{"id": "shop", "text": text}, *(f"Chair number {n} has cushions." for n in range(40))])
        reader = TransformersReader(str(folder))
        found = answer(index, "how long may I keep it", reader=reader)
        assert found.best is not None and found.best.span is not None
        assert text[found.best.span.start : found.best.span.end] == "thirty days"
        assert found.best.sentence == "You may keep it for thirty days."
        assert not answer(index, "which chair has cushions", reader=reader).answered


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="question-answering model"):
        TransformersReader(str(tmp_path))
