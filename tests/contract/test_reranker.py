"""What every reranker does: scores in [0, 1], one for each text, that don't depend on how texts are batched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchctl import encoders
from searchctl.encoders import open_encoder
from searchctl.encoders.base import Encoder
from searchctl.errors import EncoderUnavailable
from searchctl.rerankers import open_reranker
from searchctl.rerankers.base import Reranker

QUERY = "how do I send an item back"
TEXTS = [
    "Parcels weigh at most twenty kilos.",
    "To return goods, put the item into its box and send it back within thirty days.",
    "The museum is closed on Mondays.",
    "",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder()


def cross_encoder(folder: Path) -> Path:
    """Write a cross-encoder of two tokens a pair: its logit is the number of the first token less 5."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["numbers"], to=kind.FLOAT),
        helper.make_node("Slice", ["numbers", "zero", "one", "one"], ["first"]),
        helper.make_node("Sub", ["first", "five"], ["logits"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([0, 0], np.int64)[1:], "zero"),
        onnx.numpy_helper.from_array(np.array([1], np.int64), "one"),
        onnx.numpy_helper.from_array(np.array(5, np.float32), "five"),
    ]
    graph = helper.make_graph(
        nodes,
        "pairs",
        [helper.make_tensor_value_info("input_ids", kind.INT64, ["n", "tokens"])],
        [helper.make_tensor_value_info("logits", kind.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return folder


@pytest.fixture
def reranker(encoder: Encoder) -> Reranker:
    return open_reranker("maxsim", lambda: encoder)


def test_scores_are_shares_and_the_answer_has_the_most(reranker: Reranker) -> None:
    scores = reranker.score(QUERY, TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert int(scores.argmax()) == 1
    assert scores[3] == 0.0
    assert 0.0 <= reranker.weight <= 1.0 and reranker.name


def test_scores_do_not_depend_on_batches(reranker: Reranker) -> None:
    together = reranker.score(QUERY, TEXTS)
    alone = np.concatenate([reranker.score(QUERY, [text]) for text in TEXTS])
    assert together == pytest.approx(alone, abs=0.02)  # 8-bit arithmetic scales by batch
    assert reranker.score(QUERY, []).shape == (0,)


def test_another_language_is_understood(reranker: Reranker) -> None:
    scores = reranker.score(QUERY, ["Музей закрыт по понедельникам.", "Как вернуть товар: отправьте вещь обратно."])
    assert scores[1] > scores[0]


def test_late_interaction_by_hand() -> None:
    class Words:
        """Tokens are words; their vectors are the axes of a three-word language, in which red counts thrice."""

        axes = dict(zip(("red", "green", "blue"), np.eye(3, dtype=np.float32), strict=True))
        counts = {"red": 3.0, "green": 1.0, "blue": 1.0}

        def document_tokens(self, texts: list[str]) -> list[np.ndarray]:
            return [np.array([self.axes[word] for word in text.split()]).reshape(-1, 3) for text in texts]

        def query_tokens(self, texts: list[str]) -> list[np.ndarray]:
            counts = [np.array([self.counts[word] for word in text.split()]) for text in texts]
            found = self.document_tokens(texts)
            return [one * (count / count.sum())[:, None] for one, count in zip(found, counts, strict=True)]

    reranker = open_reranker("maxsim", Words)
    # the weighted mean over the query's words of 1 (found) or 0, then (mean - 0.5) / 0.5
    found = reranker.score("red green", ["blue green red", "red", "green", ""])
    assert found == pytest.approx([1.0, (3 / 4 - 0.5) / 0.5, 0.0, 0.0])


def test_tokens_are_the_texts_own(encoder: Encoder) -> None:
    query, document = encoder.query_tokens(["How are you"])[0], encoder.document_tokens(["How are you"])[0]  # type: ignore[attr-defined]
    assert query.shape == document.shape == (3, 2 * encoder.dim)  # states of two layers
    assert np.linalg.norm(document, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    last = document[:, encoder.dim :].mean(axis=0)
    vector = encoder.encode_documents(["How are you"])[0]
    assert float(last @ vector / np.linalg.norm(last)) > 0.9  # which also counts the prefix's tokens


def test_what_tells_a_query_apart_counts_most(encoder: Encoder) -> None:
    (query,) = encoder.query_tokens(["is the aardvark a bird"])  # type: ignore[attr-defined]
    counts = np.linalg.norm(query, axis=1)
    assert counts.sum() == pytest.approx(1.0, abs=1e-5)
    assert counts[:2].max() < 0.5 * counts.max()  # is, the


def test_without_learnt_importance_all_tokens_count_alike(tmp_path: Path, encoder: Encoder) -> None:
    shipped = Path(encoders.__file__).parent / "models" / encoders.DEFAULT_ENCODER
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).symlink_to(shipped / name)
    settings = json.loads((shipped / "searchctl.json").read_text())
    settings["token_states"] = settings["token_states"][-1]  # as folders of the first version say it
    (tmp_path / "searchctl.json").write_text(json.dumps(settings))
    (query,) = encoders.open_encoder(str(tmp_path)).query_tokens(["How are you"])  # type: ignore[attr-defined]
    assert query.shape == (3, encoder.dim)
    assert np.linalg.norm(query, axis=1) == pytest.approx(np.full(3, 1 / 3), abs=1e-5)


def test_a_cross_encoder_in_a_folder(tmp_path: Path, tokenizer: Callable[[Path], None]) -> None:
    tokenizer(cross_encoder(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    reranker = open_reranker(str(tmp_path), object)
    # the first token is the query's: "b" is number 2, so the logit is -3
    assert reranker.score("b", ["a", "c"]) == pytest.approx([1 / (1 + np.exp(3))] * 2)
    assert reranker.weight == 1.0
    (tmp_path / "config.json").write_text(json.dumps({"pad_token_id": 0, "rerank_weight": 0.5}))
    assert open_reranker(str(tmp_path), object).weight == 0.5


@pytest.fixture
def tokenizer() -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        from tokenizers import Tokenizer, models, pre_tokenizers

        made = Tokenizer(models.WordLevel({"[PAD]": 0, "a": 1, "b": 2, "c": 3, "?": 4}, unk_token="?"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        made.save(str(folder / "tokenizer.json"))

    return write


@pytest.mark.parametrize("name", ["./nowhere", "nothing-of-the-kind", "a/b/c"])
def test_an_unknown_name_says_what_to_give(name: str) -> None:
    with pytest.raises(EncoderUnavailable, match="give maxsim, a folder"):
        open_reranker(name, object)


def test_maxsim_needs_an_encoder_with_tokens() -> None:
    with pytest.raises(EncoderUnavailable, match=r"\(hashing"):
        open_reranker("maxsim", lambda: open_encoder("hashing"))


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderUnavailable, match="can't load the reranker"):
        open_reranker(str(tmp_path), object)
