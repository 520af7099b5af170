"""`searchctl route predict --classifier` and `route evaluate --with`: what is typed, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.routing.made_classifier import make_classifier
from tests.routing.test_classifier import LABELS, WORDS, held_out


def test_predict_by_a_folder_needs_no_index(run: Run, here: Path) -> None:
    folder = make_classifier(here / "made", WORDS, LABELS, held_out=held_out(300, 3))
    result = run("route", "predict", "my parcel", "--classifier", folder, "--target-precision", "0.9")
    route = json.loads(result.stdout)
    assert route["label"] == "late" and route["neighbours"] == []
    assert "nothing here tells texts that belong to no label" in result.stderr and "precision of 0.9" in result.stderr
    run("route", "add", "new", "a text of a later label", "--encoder", "hashing:64")
    result = run("route", "predict", "my parcel", "--classifier", folder)
    assert json.loads(result.stdout)["neighbours"][0]["labels"] == ["new"]
    assert "doesn't know the labels new and never gives them" in result.stderr
    result = run("route", "predict", "x", "--classifier", folder, "--index", "missing")
    assert result.exit_code == 1 and "missing" in result.stderr
    result = run("route", "predict", "x", "--classifier", folder, "--zero-shot", "y")
    assert result.exit_code == 2 and "give one of them" in result.stderr


def test_evaluate_compares_on_texts_that_it_never_saw(run: Run, shown: Run, here: Path) -> None:
    train = [("money back", "refund"), ("refund me", "refund"), ("late parcel", "late"), ("parcel", "late")]
    test = [(f"refund {number}", "refund") for number in range(4)] + [
        (f"parcel {number}", "late") for number in range(4)
    ]
    for name, rows in (("train", train), ("test", test)):
        lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
        (here / f"{name}.jsonl").write_text("\n".join(lines))
    words = {"refund": "refund", "parcel": "late"}
    folder = make_classifier(here / "made", words, ("refund", "late"), seen=["refund 0", "parcel 0", "other"])
    swapped = make_classifier(here / "swapped", {"refund": "late", "parcel": "strange"}, ("late", "strange"))
    common = ("route", "evaluate", here / "train.jsonl", here / "test.jsonl", "--shots", "2", "--seeds", "2")
    common = (*common, "--encoder", "hashing:64", "--with", folder, "--with", swapped)
    result = run(*common, "--json", "--html", here / "report.html")
    assert result.exit_code == 0, result.stderr
    assert "2 texts of the test had a part in making" in result.stderr
    report = json.loads(result.stdout)
    good, bad = report["with"]
    assert report["test_texts"] == 6 and good["left_out"] == 2 and good["trained_on"] == 3
    assert good["accuracy"] == 1.0 and bad["accuracy"] == 0.0 and bad["strange_labels"] == 1
    router = report["shots"]["2"]["accuracy"]["mean"]
    assert good["accuracy_ahead"]["value"] == pytest.approx(1 - router)
    assert str(folder) in (here / "report.html").read_text()
    table = shown(*common)
    assert "1.0000" in table.stdout and "accuracy" in table.stderr
