"""Zero-shot labels by tiny random models made here, against what the transformers library makes of the same models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from searchctl import Router, RouteSettings
from searchctl.cli import main
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.explore.reader import TransformersReader
from searchctl.rerankers import open_reranker
from searchctl.routing.zero_shot import ZeroShot
from tests.extras import torch_extra
from tests.tiny_bert import tiny_bert

torch, transformers, _ = torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own

WORDS = "[PAD] [UNK] [CLS] [SEP] this text is about . refund late parcel money where my чай".split()
TEXTS = ["where is my parcel", "refund my money", "чай"]
LABELS = ["refund money", "late parcel", "чай"]
NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}


def make_model(folder: Path, names: dict[int, str], kind: str = "BertForSequenceClassification") -> str:
    """Write a BERT of two layers that classifies pairs, with weights large enough to tell texts apart; or another kind."""
    _, model = tiny_bert(
        folder,
        WORDS,
        kind,
        seed=5,
        max_position_embeddings=64,
        initializer_range=0.5,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    model.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("several", [False, True])
def test_labels_are_judged_as_the_library_does(tmp_path: Path, several: bool) -> None:
    model = make_model(tmp_path / "nli", NLI)
    found = ZeroShot(model).probabilities(TEXTS, LABELS, several=several)
    judge = transformers.pipeline("zero-shot-classification", model=model, tokenizer=model, device="cpu")
    for text, row in zip(TEXTS, found, strict=True):
        told = judge(text, LABELS, hypothesis_template="This text is about {}.", multi_label=several)
        expected = dict(zip(told["labels"], told["scores"], strict=True))
        assert row.tolist() == pytest.approx([expected[label] for label in LABELS], abs=1e-5)
    assert np.ptp(found) > 0.01  # the texts aren't all alike to it


def test_a_cross_encoders_single_output_is_a_yes(tmp_path: Path) -> None:
    model = make_model(tmp_path / "cross", {0: "LABEL_0"})
    found = ZeroShot(model, "{}").probabilities(TEXTS, LABELS, several=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(model).eval()
    with torch.no_grad():
        logit = network(**tokenizer(TEXTS[1], LABELS[0], return_tensors="pt")).logits[0, 0]
    assert found[1, 0] == pytest.approx(float(torch.sigmoid(logit)), abs=1e-5)


def test_long_texts_lose_their_end_and_not_the_label(tmp_path: Path) -> None:
    judge = ZeroShot(make_model(tmp_path / "nli", NLI))
    found = judge.probabilities(["parcel " * 500, "parcel " * 900], LABELS, several=True)
    assert found[0] == pytest.approx(found[1]) and np.ptp(found[0]) > 0


def test_a_router_is_told_by_the_model(tmp_path: Path) -> None:
    judge = ZeroShot(make_model(tmp_path / "nli", NLI))
    with Router.open(tmp_path / "engine", encoder="hashing:64") as router:
        router.add("refund", description="refund money")
        router.add("late", ["where is my parcel"])
        routes = router.predict(TEXTS, RouteSettings(threshold=0.01), scorer=judge)
        expected = judge.probabilities(TEXTS, ["refund money", "late"], several=False)
        by_label = [{one.label: one.confidence for one in route.candidates} for route in routes]
        assert [one["refund"] for one in by_label] == pytest.approx(expected[:, 0].tolist())
        assert all(route.why.startswith(f"told by {judge.name}, not calibrated") for route in routes)
        with pytest.raises(UsageError, match="--threshold"):
            router.predict(TEXTS, RouteSettings(target_precision=0.9), scorer=judge)


def test_the_command_line_takes_a_model(tmp_path: Path) -> None:
    model = make_model(tmp_path / "nli", NLI)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--engine", str(tmp_path / "engine")], prog_name="searchctl")

    assert run("route", "add", "refund", "--description", "refund money", "--encoder", "hashing:64").exit_code == 0
    assert run("route", "add", "late", "--description", "late parcel").exit_code == 0
    route = json.loads(run("route", "predict", "my parcel", "--zero-shot", model, "--hypothesis", "{}").stdout)
    expected = ZeroShot(model, "{}").probabilities(["my parcel"], ["refund money", "late parcel"], several=False)[0]
    assert {one["label"]: one["confidence"] for one in route["top"]} == pytest.approx(
        {"refund": expected[0], "late": expected[1]}, abs=1e-4
    )


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tells apart joy, anger"):
        ZeroShot(make_model(tmp_path / "moods", {0: "joy", 1: "anger"}))
    with pytest.raises(UsageError, match="no place for a label"):
        ZeroShot("any", "This is it.")
    with pytest.raises(EncoderUnavailable, match="folder or hub name"):
        ZeroShot(str(tmp_path))


def test_an_encoder_is_refused_where_its_last_layer_would_be_chance(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder = make_model(tmp_path / "encoder", NLI, "BertModel")
    capfd.readouterr()  # what the library says while saving
    with pytest.raises(EncoderUnavailable, match=r"it lacks classifier\."):
        ZeroShot(encoder)
    with pytest.raises(EncoderUnavailable, match=r"it lacks qa_outputs\."):
        TransformersReader(encoder)
    assert capfd.readouterr().err == ""
    with pytest.raises(EncoderUnavailable, match="is an encoder, not a cross-encoder"):
        open_reranker(encoder, object)
