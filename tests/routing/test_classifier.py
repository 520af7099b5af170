"""Trained classifiers when they answer: calibrated on held-out texts, beside the router, and never measured by what they saw."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders import open_encoder
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.rerankers import open_reranker
from searchctl.routing.beside import unseen
from searchctl.routing.classifier import TrainedClassifier, text_hash
from searchctl.routing.decide import RouteSettings
from searchctl.routing.examples import Example
from searchctl.routing.router import Router
from tests.routing.made_classifier import make_classifier

WORDS = {"refund": "billing/refund", "money": "billing/refund", "invoice": "billing/invoice", "parcel": "late"}
LABELS = ("billing/refund", "billing/invoice", "late")


def held_out(right: int, wrong: int) -> list[tuple[str, tuple[str, ...]]]:
    """Texts with one word that speaks for `late`: so many of them are, and so many are refunds."""
    rows = [(f"parcel {number}", ("late",)) for number in range(right)]
    return rows + [(f"parcel x{number}", ("billing/refund",)) for number in range(wrong)]


def test_confidences_hold_on_held_out_texts(tmp_path: Path) -> None:
    """A logit of 4 against two of 0 is 0.965 uncalibrated; where one answer of four is wrong, it's near 0.75."""
    sure = TrainedClassifier(make_classifier(tmp_path / "sure", WORDS, LABELS))
    (route,) = sure.predict(["the parcel"])
    expected = np.exp(4) / (np.exp(4) + 2)
    assert route.label == "late" and route.confidence == pytest.approx(expected, abs=1e-5)
    modest = TrainedClassifier(make_classifier(tmp_path / "modest", WORDS, LABELS, held_out=held_out(300, 100)))
    (route,) = modest.predict(["the parcel"])
    assert 0.74 < route.confidence < 0.80


def test_promises_rest_on_held_out_answers(tmp_path: Path) -> None:
    good = TrainedClassifier(make_classifier(tmp_path / "good", WORDS, LABELS, held_out=held_out(300, 3)))
    bad = TrainedClassifier(make_classifier(tmp_path / "bad", WORDS, LABELS, held_out=held_out(200, 100)))
    assert good.promise(0.95).proven and good.promise(0.95).threshold < 1
    assert not bad.promise(0.95).proven
    asked = RouteSettings(target_precision=0.95)
    assert good.predict(["parcel"], asked)[0].label == "late"
    assert bad.predict(["parcel"], asked)[0].label is None


def test_a_parent_is_given_where_only_that_is_sure(tmp_path: Path) -> None:
    classifier = TrainedClassifier(make_classifier(tmp_path / "tree", WORDS, LABELS))
    (route,) = classifier.predict(["refund invoice"], RouteSettings(threshold=0.7))
    assert route.label == "billing" and [one.label for one in route.candidates[:2]] == list(LABELS[:2])


def test_several_labels_each_stand_for_themselves(tmp_path: Path) -> None:
    several = make_classifier(tmp_path / "several", WORDS, LABELS, multi_label=True)
    both, none = TrainedClassifier(several).predict(["refund parcel", "hello"], RouteSettings(threshold=0.7))
    assert set(both.labels) == {"billing/refund", "late"} and none.labels == ()


def test_texts_of_no_label_are_told_where_it_learnt_them(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "outside", {**WORDS, "weather": ""}, LABELS, outside=True)
    classifier = TrainedClassifier(folder)
    strange, known = classifier.predict(["weather", "parcel"])
    assert strange.label is None and strange.outside > 0.9 and "text of no label" in strange.why
    assert known.label == "late" and known.outside < 0.1
    (given,) = classifier.predict(["weather"], RouteSettings(outside_limit=1.0))
    assert given.label is not None


def test_of_several_labels_none_may_be_right(tmp_path: Path) -> None:
    held = [("refund parcel", ("billing/refund", "late")), ("weather", ()), ("parcel", ("late",)), ("sun", ())] * 30
    folder = make_classifier(tmp_path / "none", WORDS, LABELS, multi_label=True, outside=True, held_out=held)
    both, none = TrainedClassifier(folder).predict(["refund parcel", "sun"])
    assert set(both.labels) == {"billing/refund", "late"} and none.labels == () and none.outside > both.outside
    without = make_classifier(tmp_path / "some", WORDS, LABELS, multi_label=True, held_out=held)
    assert len(TrainedClassifier(without).predict(["sun"])[0].labels) == 1  # the best one at least


def test_long_texts_are_cut_and_order_and_batches_change_nothing(tmp_path: Path) -> None:
    classifier = TrainedClassifier(make_classifier(tmp_path / "made", WORDS, LABELS))
    texts = ["parcel " * (number % 7) + "money" for number in range(100)] + ["x " * 64 + "refund x"]
    together = classifier.logits(texts)
    assert np.allclose(together, np.concatenate([classifier.logits([text]) for text in texts]))
    assert together[-1].tolist() == [0, 0, 0]  # the 65th token isn't read
    assert classifier.logits([]).shape == (0, 3)


def test_a_router_shows_its_examples_beside_the_answer(tmp_path: Path) -> None:
    classifier = TrainedClassifier(make_classifier(tmp_path / "made", WORDS, LABELS))
    with Router.open(tmp_path / "engine", encoder="hashing:64") as router:
        router.add("late", ["my parcel is late", "where is the parcel"])
        router.add("new", ["something that came later"])
        (route,) = router.predict("parcel where is it", classifier=classifier)
    assert route.label == "late" and {one.labels for one in route.neighbours[:2]} == {("late",)}
    assert route.why.startswith(f"told by {classifier.name}")
    assert route.confidence == pytest.approx(classifier.predict(["parcel"])[0].confidence)


def test_what_it_saw_is_known_in_any_case_and_blanks(tmp_path: Path) -> None:
    folder = make_classifier(tmp_path / "made", WORDS, LABELS, seen=["The  Parcel is late"], held_out=held_out(1, 0))
    classifier = TrainedClassifier(folder)
    assert classifier.saw(["the parcel IS late", "parcel 0", "a new text"]) == [True, True, False]
    test = [Example("the parcel is late", ("late",)), Example("a new text", ("late",))]
    kept = unseen([classifier], test, ["Parcel 0", "the weather"])
    assert kept.test == (test[1],) and kept.outside == ("the weather",) and kept.left_out == {classifier.name: 2}
    with pytest.raises(UsageError, match="saw every text"):
        unseen([classifier], test[:1], [])
    assert -(2**63) <= text_hash("x") < 2**63


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "reranker"}, "holds reranker, not a classifier"),
        ({"format": 2}, "has the format 2, this searchctl reads 1"),
        ({"labels": ["a", "a", "b"]}, "damaged"),
        ({"labels": [1, 2, 3]}, "damaged"),
        ({"max_tokens": 0}, "damaged"),
        ({"labels": ["a", "b"]}, "doesn't fit the labels"),
    ],
)
def test_damaged_settings_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    folder = make_classifier(tmp_path / "made", WORDS, LABELS)
    path = folder / "searchctl.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EncoderUnavailable, match=message):
        TrainedClassifier(folder)


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        TrainedClassifier(tmp_path / "missing")
    with pytest.raises(EncoderUnavailable, match="is no classifier"):
        TrainedClassifier(tmp_path)
    folder = make_classifier(tmp_path / "made", WORDS, LABELS)
    (folder / "held_out.safetensors").write_bytes(b"x" * 40)
    with pytest.raises(EncoderUnavailable, match=r"can't read .*held_out"):
        TrainedClassifier(folder)


def test_its_logits_pass_for_neither_vectors_nor_scores(tmp_path: Path) -> None:
    folder = str(make_classifier(tmp_path / "made", WORDS, LABELS))
    with pytest.raises(EncoderUnavailable, match="holds a classifier, not an encoder"):
        open_encoder(folder)
    with pytest.raises(EncoderUnavailable, match="holds a classifier, not a reranker"):
        open_reranker(folder, object)
