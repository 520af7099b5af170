"""`searchctl route`: what is typed, and what comes out."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.pages.looking import look_at

HASHING = ("--encoder", "hashing:128")
TRAIN = {
    "refund": ["money back please", "refund my money", "when is the refund coming", "give the money back"],
    "invoice": ["send the invoice", "invoice with the wrong address", "copy of my invoice", "an invoice for tax"],
    "late": ["parcel is late", "where is the parcel", "late parcel again", "the parcel has not come"],
}


@pytest.fixture
def train(here: Path) -> Path:
    path = here / "train.jsonl"
    rows = [{"text": text, "label": label} for label, texts in TRAIN.items() for text in texts]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def taught(run: Run, shown: Run, train: Path) -> Run:
    result = shown("route", "import", train, *HASHING)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "12 examples of 3 labels added\n"
    return run


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_add_and_predict(run: Run) -> None:
    assert run("route", "add", "refund", "money back please", "refund my money", *HASHING).exit_code == 0
    assert run("route", "add", "late", "the parcel is late").exit_code == 0
    route = json.loads(run("route", "predict", "my", "money", "back").stdout)
    assert route["label"] == "refund"
    assert [one["label"] for one in route["top"]] == ["refund", "late"]
    assert {one["text"] for one in route["neighbours"][:2]} == {"money back please", "refund my money"}
    assert "nearest examples" in route["why"]


def test_examples_stay_apart_from_the_corpus(run: Run, here: Path) -> None:
    (here / "a.txt").write_text("A document about refunds.")
    assert run("ingest", here / "a.txt", *HASHING).exit_code == 0
    assert run("route", "add", "refund", "money back please", *HASHING).exit_code == 0
    assert json.loads(run("info", "--json").stdout)["documents"] == 1
    assert json.loads(run("route", "labels", "--json").stdout)["labels"] == [
        {"label": "refund", "examples": 1, "description": None}
    ]


def test_doctor_knows_that_examples_are_encoded_as_queries(run: Run) -> None:
    assert run("route", "add", "late", "where is my parcel", "the courier did not come").exit_code == 0
    result = run("doctor", "--index", "routes")
    assert result.exit_code == 0, result.output


def test_rows_come_out_in_order_with_their_own_columns(taught: Run, here: Path) -> None:
    table = here / "new.csv"
    table.write_text("id,message,label,region\n7,refund my money please,late,north\n8,where is my parcel,,south\n")
    rows = lines(taught("route", "predict", table, "--text", "message").stdout)
    assert [row["label"] for row in rows] == ["refund", "late"]
    assert [row["region"] for row in rows] == ["north", "south"]
    assert rows[0]["given_label"] == "late"
    assert len(rows[0]["top"]) == 3


def test_csv_goes_to_a_file(taught: Run, here: Path) -> None:
    (here / "new.txt").write_text("refund my money, please\n\nwhere is my parcel\n")
    assert taught("route", "predict", here / "new.txt", "--output", here / "out.csv", "-q").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((here / "out.csv").read_text())))
    assert [row["text"] for row in rows] == ["refund my money, please", "where is my parcel"]
    assert [row["label"] for row in rows] == ["refund", "late"]
    assert 0 < float(rows[0]["confidence"]) <= 1


@pytest.mark.parametrize(
    "given", ["refund my money\nwhere is my parcel\n", '{"text": "refund my money"}\n{"text": "late parcel"}\n']
)
def test_standard_input_is_lines_or_json_lines(taught: Run, given: str) -> None:
    rows = lines(taught("route", "predict", "-", stdin=given).stdout)
    assert [row["label"] for row in rows] == ["refund", "late"]


@pytest.mark.parametrize("row", ["refund my money", '{"text": "refund my money"}'])
def test_a_row_is_answered_before_the_next_one_comes(taught: Run, row: str) -> None:
    command = [sys.executable, "-m", "searchctl", "route", "predict", "-", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        impatience = threading.Timer(100, process.kill)
        impatience.start()
        assert process.stdin is not None and process.stdout is not None
        for _ in range(2):
            process.stdin.write(row + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["label"] == "refund"
        process.stdin.close()
        assert process.stdout.read() == ""
        impatience.cancel()


def test_a_bad_row_keeps_its_place(taught: Run) -> None:
    result = taught("route", "predict", "-", stdin='{"text": "refund my money"}\n{broken\n{"text": "late parcel"}\n')
    rows = lines(result.stdout)
    assert [row["label"] for row in rows] == ["refund", None, "late"]
    assert "broken JSON" in rows[1]["error"]
    assert "1 of 3 rows couldn't be read" in result.stderr
    assert result.exit_code == 3


def test_abstaining_gives_null_and_the_promise_is_said(taught: Run) -> None:
    result = taught("route", "predict", "xylophone quartz", "--target-precision", "0.95")
    assert json.loads(result.stdout)["label"] is None
    assert "not enough examples to promise a precision of 0.95" in result.stderr
    assert json.loads(taught("route", "predict", "refund my money", "--threshold", "0.5").stdout)["label"] == "refund"


def test_sets_hold_the_label(taught: Run) -> None:
    found = json.loads(taught("route", "predict", "refund my money", "--set", "0.7").stdout)
    assert "refund" in found["set"]


def test_several_labels_from_one_cell(shown: Run, here: Path) -> None:
    rows = [f"screen {word};screen" for word in ("dark", "cracked", "dim", "blank", "broken")]
    rows += [f"battery {word};battery" for word in ("dead", "weak", "flat", "empty", "swollen")]
    rows += ["screen dim and battery flat;screen|battery", "screen dark and battery dead;screen|battery"]
    (here / "reviews.csv").write_text("review;topics\n" + "\n".join(rows) + "\n")
    done = shown(
        "route", "import", here / "reviews.csv", "--text", "review", "--label", "topics", "--separator", "|", *HASHING
    )
    assert done.stdout == "12 examples of 2 labels added\n"
    found = json.loads(shown("route", "predict", "screen cracked and battery weak", "--json").stdout)
    assert sorted(found["labels"]) == ["battery", "screen"]


@pytest.mark.parametrize("label", ["Topics", "Queue", "subject", "description"])
def test_labels_are_never_part_of_the_text(shown: Run, here: Path, label: str) -> None:
    (here / "reviews.csv").write_text(f"review,{label}\nlate again,delivery\nnice kettle,product\n")
    name = () if label == "Queue" else ("--label", label)  # one of the usual names
    assert shown("route", "import", "reviews.csv", *name, *HASHING).stdout == "2 examples of 2 labels added\n"
    [route] = lines(shown("route", "predict", "reviews.csv", *name, "--neighbours", "1").stdout)[:1]
    assert (route["review"], route[label]) == ("late again", "delivery") and "text" not in route
    assert route["neighbours"][0]["text"] == "late again"


def test_a_row_without_a_label_says_where_one_is_missing(shown: Run, here: Path) -> None:
    (here / "a.csv").write_text("text,label\nhello,greeting\nbye,\n")
    result = shown("route", "import", "a.csv", *HASHING)
    assert result.stdout == "1 example of 1 label added\n"
    assert "1 row of a.csv left out:\n  row 3: the row has no label" in result.stderr
    assert result.exit_code == 3
    assert "row 1 has no label; " in shown("route", "import", "-", stdin="text,label\nhello,greeting\n").stderr
    assert "as in --format csv" in shown("route", "import", "-", stdin="text,label\nhello,greeting\n").stderr
    (here / "b.csv").write_text("text,topic\nhello,greeting\n")
    assert (
        "the row has 'text', 'topic': fill in its 'label', or name the column"
        in shown("route", "import", "b.csv", *HASHING).stderr
    )


def test_outside_texts_are_no_label(taught: Run, here: Path) -> None:
    (here / "oos.jsonl").write_text(
        '{"text": "weather in Rome", "label": "oos"}\n{"text": "tell a joke", "label": "oos"}\n'
    )
    assert taught("route", "import", here / "oos.jsonl", "--outside", "oos").exit_code == 0
    assert "oos" not in taught("route", "labels").stdout
    assert taught("route", "add", "--outside", "weather in Paris").exit_code == 0


def test_examples_that_are_there_already_are_told(taught: Run, shown: Run) -> None:
    added = shown("route", "add", "late", "late parcel again", "still no parcel")
    assert added.stdout == "1 example added to late, 1 was there\n"


def test_undo_and_remove(taught: Run, shown: Run) -> None:
    assert "4 texts removed" in shown("route", "remove", "late").stdout
    assert "late" not in shown("route", "labels").stdout
    assert shown("route", "undo").stdout == "undone: remove late\n"
    assert re.search(r"^late +4", shown("route", "labels").stdout, re.MULTILINE)
    assert shown("route", "remove", "--text", "late parcel again").exit_code == 0
    assert re.search(r"^late +3", shown("route", "labels").stdout, re.MULTILINE)


def test_check_finds_what_is_wrong(taught: Run, here: Path) -> None:
    assert taught("route", "add", "invoice", "please refund my money back").exit_code == 0
    assert taught("route", "add", "thin", "one lonely example").exit_code == 0
    (here / "unlabelled.txt").write_text("refund the invoice\nmoney for the parcel\n")
    found = json.loads(taught("route", "check", "--file", here / "unlabelled.txt", "--json").stdout)
    by_label = {one["label"]: one for one in found["labels"]}
    assert by_label["late"]["examples"] == 4
    assert by_label["late"]["languages"] == {"en": 4}
    assert any(one["label"] == "thin" and "1 of the 5" in one["reason"] for one in found["wanted"])
    assert {"refund the invoice", "money for the parcel"} <= {one["text"] for one in found["wanted"]}
    assert taught("route", "check").exit_code == 0


def test_impact_says_what_would_be_taken_and_stores_nothing(taught: Run, here: Path) -> None:
    before = taught("route", "labels").stdout
    (here / "recent.txt").write_text("tax invoice for the office\nlate parcel\n")
    texts = ("an invoice for tax purposes", "tax invoice", "invoice for the tax office")
    found = json.loads(taught("route", "impact", "tax", *texts, "--recent", here / "recent.txt", "--json").stdout)
    assert found["new"] == 3
    assert "an invoice for tax" in [one["text"] for one in found["taken"]]
    assert found["taken_by_label"] == {"invoice": len(found["taken"])}
    assert [one["after"] for one in found["recent"]] == ["tax"]
    assert taught("route", "labels").stdout == before


def test_discover_finds_a_label_that_is_missing(taught: Run, shown: Run, here: Path) -> None:
    words = ("coupon", "voucher", "discount", "bonus")
    missing = [f"{word} {other} code rejected" for word in words for other in words if word != other]
    usual = ["refund my money please", "where is the late parcel", "send the invoice again"]
    (here / "new.txt").write_text("\n".join([*missing, *usual]) + "\n")
    before = shown("route", "labels").stdout
    found = json.loads(shown("route", "discover", here / "new.txt", "--json").stdout)
    assert found["texts"] == 15 and found["unrouted"] >= 12
    first = found["groups"][0]
    assert {*first["examples"]} <= {*first["texts"]} <= {*missing}
    assert "code rejected" in first["name"] and first["label"].startswith("code-rejected")
    assert sum(first["nearest"].values()) == len(first["texts"])
    assert shown("route", "labels").stdout == before
    told = shown("route", "discover", here / "new.txt", "--promote", "1=coupon", "--examples", "4")
    assert "now the label coupon" in told.stdout
    assert re.search(r"^coupon +4", shown("route", "labels").stdout, re.MULTILINE)
    assert json.loads(shown("route", "predict", "my coupon code was rejected", "--json").stdout)["label"] == "coupon"
    assert shown("route", "undo").stdout == "undone: add 4 to coupon\n"
    assert shown("route", "labels").stdout == before
    wrong = shown("route", "discover", here / "new.txt", "--promote", "99")
    assert wrong.exit_code == 2 and "there are the groups 1 to" in wrong.stderr
    named = json.loads(shown("route", "discover", here / "new.txt", "--promote", first["name"], "--json").stdout)
    assert list(named["promoted"]) == [first["label"]]


def test_discover_begins_without_labels(shown: Run, here: Path) -> None:
    rows = [f"{word} {place}" for word in ("refund money", "late parcel", "tax invoice") for place in "abcdefgh"]
    result = shown("route", "discover", "-", "--json", *HASHING, stdin="\n".join(rows) + "\n")
    found = json.loads(result.stdout)
    assert found["unrouted"] == 24 and len(found["groups"]) == 3
    assert all(len({text.split()[0] for text in group["texts"]}) == 1 for group in found["groups"])
    assert shown("route", "discover", "-", *HASHING, stdin="one\ntwo\n").stdout == ""


def test_apply_labels_an_index_and_resumes(taught: Run, here: Path) -> None:
    (here / "tickets.jsonl").write_text(
        "".join(json.dumps({"id": str(n), "text": f"refund my money {n}", "lang": "en"}) + "\n" for n in range(5))
        + json.dumps({"id": "x", "text": "where is the parcel", "lang": "de"})
    )
    assert taught("ingest", here / "tickets.jsonl", "--index", "tickets", *HASHING).exit_code == 0
    dry = json.loads(taught("route", "apply", "tickets", "--dry-run", "--json").stdout)
    assert dry["labels"] == {"refund": 5, "late": 1}
    part = json.loads(taught("route", "apply", "tickets", "--where", "lang=en", "--json").stdout)
    assert (part["labelled"], part["done_before"]) == (5, 0)
    rest = json.loads(taught("route", "apply", "tickets", "--batch", "2", "--json").stdout)
    assert (rest["labelled"], rest["done_before"], rest["labels"]) == (1, 5, {"late": 1})
    document = json.loads(taught("get", "x", "--index", "tickets", "--json").stdout)
    assert "late" in json.dumps(document)
    hits = json.loads(taught("search", "parcel", "--index", "tickets", "--where", "route_label=late", "--json").stdout)[
        "hits"
    ]
    assert [hit["id"] for hit in hits] == ["x"]
    again = json.loads(taught("ingest", here / "tickets.jsonl", "--index", "tickets", "--json").stdout)
    assert again["unchanged"] == 6


def test_evaluate_reports_by_shots(shown: Run, train: Path, here: Path) -> None:
    (here / "test.jsonl").write_text(
        "".join(
            json.dumps({"text": text, "label": label}) + "\n"
            for label, text in (
                ("refund", "my money back"),
                ("late", "parcel is late again"),
                ("invoice", "tax invoice"),
            )
        )
    )
    (here / "oos.txt").write_text("zebra\nquantum flux\n")
    common = ("route", "evaluate", train, here / "test.jsonl", "--oos", here / "oos.txt", "--seeds", "2", *HASHING)
    report = json.loads(shown(*common, "--shots", "2,all", "--json", "--html", here / "page.html").stdout)
    assert set(report["shots"]) == {"2", "all"}
    assert report["shots"]["all"]["accuracy"] == {"mean": 1.0, "std": 0.0}
    assert report["shots"]["all"]["macro_f1"]["mean"] == 1.0
    assert report["outside_texts"] == 2
    assert 0 <= report["shots"]["2"]["auroc_oos"]["mean"] <= 1
    page = (here / "page.html").read_text(encoding="utf-8")
    assert "<svg" in page and "src=" not in page and "<script" not in page
    table = shown(*common, "--shots", "2")
    assert re.search(r"^2 ", table.stdout, re.MULTILINE)
    assert shown(*common, "--shots", "4", "--fail-under", "0.5").exit_code == 0


def test_the_trial_is_read_on_a_telephone(shown: Run, here: Path, browser: Any, axe: str) -> None:
    long = "complaints about the courier/who did not ring/and left the parcel with an unknown neighbour"
    rows = [(long, f"the courier left parcel {n} somewhere") for n in range(8)]
    rows += [("courier", f"the courier left parcel {n} late") for n in range(8)] + [
        ("invoice", f"invoice {n}") for n in range(8)
    ]
    for name, part in (("few.jsonl", rows[::2]), ("test.jsonl", rows[1::2])):
        lines = (json.dumps({"text": text, "label": label}) + "\n" for label, text in part)
        (here / name).write_text("".join(lines), encoding="utf-8")
    trial = ("route", "evaluate", here / "few.jsonl", here / "test.jsonl", "--seeds", "1", "--shots", "1,2", *HASHING)
    assert shown(*trial, "--html", here / "trial.html").exit_code == 0
    look_at(browser, here / "trial.html", axe)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((here / "trial.html").as_uri())
    assert page.inner_text(".outcome").startswith("With 2 examples a label ")
    whole = " ".join(page.locator("svg >> nth=1").locator("text").all_text_contents())
    assert "neighbour" in whole, "a long label is written out"
    page.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "hello"), "begin with: searchctl route add LABEL 'an example of it'"),
        (("labels", "--index", "tickets"), "'an example of it' --index tickets"),
        (("predict", " "), "there is no text to route"),
        (("predict", "tickets.csv"), "there is no file tickets.csv"),
        (("add", "refund"), "give an example"),
        (("add",), "say which label"),
        (("add", "a//b", "text", *HASHING), "empty level"),
        (("predict", "x", "--target-precision", "7"), "between 0 and 1"),
        (("evaluate", "train.jsonl", "train.jsonl", "--shots", "some"), "can't read --shots"),
        (("import", "missing.csv"), "missing.csv"),
        (("predikt", "x"), "did you mean 'predict'?"),
        (("fit", "--head"), "examples take effect at once"),
        (("predict", "x", "--hypothesis", "{}"), "belongs to --zero-shot"),
    ],
)
def test_what_is_wrong_is_said(run: Run, train: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("route", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr


@pytest.mark.parametrize(
    "name", ["add", "import", "remove", "labels", "undo", "predict", "check", "impact", "discover", "apply", "evaluate"]
)
def test_every_command_helps_with_an_example(run: Run, name: str) -> None:
    assert f"searchctl route {name}" in run("route", name, "--help").stdout.split("Examples", 1)[1]


def test_no_cell_of_a_written_table_is_a_formula(here: Path, run: Run) -> None:
    run("route", "add", "x", "hello there", "--encoder", "hashing")
    (here / "t.csv").write_text("text\n\"=cmd|'/C calc'!A0\"\n", encoding="utf-8")
    run("route", "predict", "t.csv", "--output", "r.csv")
    assert (here / "r.csv").read_text(encoding="utf-8").splitlines()[1].startswith("'=cmd")


@pytest.mark.parametrize("name", ["t.csv", "link.csv"])
def test_what_is_read_is_not_written_over(name: str, here: Path, run: Run) -> None:
    run("route", "add", "x", "hello there", "--encoder", "hashing")
    (here / "t.csv").write_text("text\nhello you\n")
    (here / "link.csv").symlink_to("t.csv")
    refused = run("route", "predict", "t.csv", "--output", name)
    assert (refused.exit_code, "is read itself" in refused.stderr) == (2, True)
    assert (here / "t.csv").read_text() == "text\nhello you\n"
