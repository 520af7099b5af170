"""Tables in and out of `searchctl route`: spreadsheets' rows, workbooks, Excel's CSV, labels of two columns, one file split."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from searchctl.index import Index
from searchctl.routing.evaluation import split
from searchctl.routing.examples import Example
from searchctl.routing.rows import Columns, read_examples, read_rows

from .conftest import Run

HASHING = ("--encoder", "hashing")
ROWS = ("Дата;Вопрос;Группа;Тема", "1 мая;где посылка;Доставка;Опоздание", "2 мая;верните деньги;Оплата;Возврат/отказ")


@pytest.fixture
def tickets(here: Path) -> Path:
    path = here / "tickets.csv"
    path.write_text("\n".join([*ROWS, "3 мая;курьер не приехал;Доставка;"]), encoding="utf-8")
    return path


@pytest.fixture
def taught(run: Run, tickets: Path) -> Run:
    done = run("route", "import", tickets, "--text", "Вопрос", "--label", "Группа/Тема", *HASHING)
    assert done.exit_code == 0, done.stderr
    return run


def test_a_label_of_two_columns(taught: Run) -> None:
    labels = [json.loads(line)["label"] for line in taught("route", "labels").stdout.splitlines()]
    assert labels == ["Доставка", "Доставка/Опоздание", "Оплата/Возврат-отказ"]


def test_a_column_with_a_slash_in_its_name_is_that_column(here: Path) -> None:
    (here / "one.csv").write_text("text,a/b,a,b\nx,label,1,2\n")
    assert read_examples("one.csv", Columns(("text",), "a/b")).examples == (Example("x", ("label",)),)


def test_rows_are_numbered_as_a_spreadsheet_does(here: Path, run: Run) -> None:
    (here / "many.csv").write_text('text,label\n"a\nb\nc",x\n\n"d",y\n')
    assert [row.place for row in read_rows("many.csv")] == [2, 4]
    assert run("ingest", "many.csv", *HASHING).exit_code == 0
    with Index.open(here / ".searchctl", create=False) as index:
        assert index.get("many.csv#4") is not None and index.get("many.csv#2") is not None


def test_rows_come_back_as_they_came_with_columns_after_them(taught: Run, tickets: Path, here: Path) -> None:
    common = ("route", "predict", tickets, "--text", "Вопрос")
    assert taught(*common, "-o", "routed.csv").exit_code == 0
    with (here / "routed.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0][:4] == ROWS[0].split(";") and "label" in rows[0]
    assert [";".join(row[:4]) for row in rows[1:3]] == list(ROWS[1:])
    assert rows[1][rows[0].index("label")] == "Доставка/Опоздание"


def test_a_csv_file_for_excel(taught: Run, tickets: Path, here: Path) -> None:
    assert taught("route", "predict", tickets, "--text", "Вопрос", "--excel", "-o", "routed.csv").exit_code == 0
    raw = (here / "routed.csv").read_bytes()
    assert raw.startswith("\ufeffДата;Вопрос;Группа;Тема;".encode()) and raw.count(b"\r\n") == 4
    wrong = taught("route", "predict", tickets, "--text", "Вопрос", "--excel", "-o", "routed.jsonl")
    assert wrong.exit_code == 2 and "--excel is for CSV" in wrong.stderr


def test_a_workbook_in_and_out(taught: Run, here: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="needs the office extra")
    book = openpyxl.Workbook()
    for row in (("Вопрос", "Формула", "Сумма"), ("где посылка", "=1+1", 12.5), ("верните деньги", "b", 3)):
        book.active.append(row)
    book.active["B2"].data_type = "s"
    book.save(here / "in.xlsx")
    done = taught("route", "predict", "in.xlsx", "--text", "Вопрос", "-o", "out.xlsx")
    assert done.exit_code == 0, done.stderr
    sheet = openpyxl.load_workbook(here / "out.xlsx").active
    names, first, second = ([cell.value for cell in row] for row in sheet.iter_rows())
    assert names[:4] == ["Вопрос", "Формула", "Сумма", "label"]
    assert first[:2] == ["где посылка", "=1+1"] and first[3] == "Доставка/Опоздание"
    assert sheet["B2"].data_type == "s" and second[3] == "Оплата/Возврат-отказ"
    nowhere = taught("route", "predict", "in.xlsx", "--text", "Вопрос", "--to", "xlsx")
    assert nowhere.exit_code == 2 and "a workbook needs a file" in nowhere.stderr


def test_one_file_is_split_label_by_label_without_a_text_on_both_sides() -> None:
    examples = [Example(f"text {n}", (label,)) for label in ("a", "b") for n in range(20)]
    examples += [Example(text.text.upper(), text.labels) for text in examples[:20]] + [Example("alone", ("c",))]
    train, test = split(examples, 0.25)
    assert len(train) + len(test) == len(examples)
    assert not {one.text.lower() for one in train if one.labels == ("a",)} & {
        one.text.lower() for one in test if one.labels == ("a",)
    }
    assert {one.labels for one in test} == {("a",), ("b",)} and Example("alone", ("c",)) in train
    assert split(examples, 0.25) == (train, test)


def test_evaluate_takes_a_share_of_one_file(here: Path, run: Run) -> None:
    rows = [f"{label} number {n},{label}" for label in ("late", "refund") for n in range(12)]
    (here / "all.csv").write_text("text,label\n" + "\n".join(rows))
    result = run("route", "evaluate", "all.csv", "--test-share", "0.25", "--shots", "2", "--seeds", "2", *HASHING)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["test_texts"] == 6
    assert run("route", "evaluate", "all.csv").exit_code == 2
    assert run("route", "evaluate", "all.csv", "all.csv", "--test-share", "0.5").exit_code == 2


def test_rows_without_a_text_keep_their_place_and_are_told(here: Path, run: Run) -> None:
    (here / "t.csv").write_text("id,text,label\n1,money back,refund\n2,,refund\n3,parcel late,late\n")
    imported = run("route", "import", "t.csv", *HASHING)
    assert imported.exit_code == 3 and json.loads(imported.stdout)["left_out"][0]["row"] == 3
    for options in ((), ("--json",)):
        routed = run("route", "predict", "t.csv", *options)
        assert routed.exit_code == 3
        rows = json.loads(routed.stdout)["routes"] if options else list(map(json.loads, routed.stdout.splitlines()))
        assert [row["id"] for row in rows] == ["1", "2", "3"]
        assert [row["label"] is None for row in rows] == [False, True, False] and "empty" in rows[1]["error"]


def test_examples_of_a_file_without_a_text_are_told(here: Path, run: Run) -> None:
    (here / "t.jsonl").write_text('{"text": "money back"}\n{"text": ""}\n{"text": "refund me"}\n')
    added = run("route", "add", "refund", "--file", "t.jsonl", *HASHING)
    assert added.exit_code == 3
    found = json.loads(added.stdout)
    assert found["added"] == 2 and [row["row"] for row in found["left_out"]] == [2]


def test_numbers_and_dates_are_no_text_and_a_guess_is_told(here: Path, run: Run) -> None:
    (here / "t.csv").write_text(
        "Номер;Дата;Жалоба;Статус;Категория\n1;25.02.2024;верните деньги;новая;возврат\n2;26.02.2024;где посылка;новая;доставка\n"
    )
    imported = run("route", "import", "t.csv", *HASHING)
    assert imported.exit_code == 0
    assert "'Жалоба', 'Статус'; name the right ones with: --text COLUMN" in imported.stderr
    texts = [json.loads(line)["text"] for line in run("route", "export").stdout.splitlines()]
    assert texts == ["верните деньги\nновая", "где посылка\nновая"]
    assert "Статус" in run("route", "predict", "t.csv").stderr
    assert "read as text" not in run("route", "predict", "t.csv", "--text", "Жалоба").stderr


def test_labels_that_may_not_be_meant_are_told(here: Path, run: Run) -> None:
    (here / "t.csv").write_text(
        "text;label\nmoney back;Billing / Refund\nrefund me;billing/refund\nlamp;product\nlamp money;billing/refund, product\n"
    )
    imported = run("route", "import", "t.csv", *HASHING)
    found = json.loads(imported.stdout)
    assert found["alike"] == [["Billing/Refund", "billing/refund"]] and found["joined"] == ["billing/refund, product"]
    assert "searchctl route merge Billing/Refund --into billing/refund" in imported.stderr
    assert "--separator ','" in imported.stderr
    assert json.loads(run("route", "merge", "Billing / Refund", "--into", "billing/refund").stdout)["changed"] == 1


def test_a_cell_with_a_list_has_several_labels_and_an_object_is_none(here: Path, run: Run) -> None:
    (here / "t.csv").write_text('text,label\nlamp and money,"[""billing"", ""product""]"\nmoney,[\'billing\']\n')
    assert [one.labels for one in read_examples("t.csv").examples] == [("billing", "product"), ("billing",)]
    (here / "t.jsonl").write_text('{"text": "a", "label": {"name": "x"}}\n{"text": "b", "label": "y"}\n')
    read = read_examples("t.jsonl")
    assert [one.labels for one in read.examples] == [("y",)] and "object" in read.skipped[0].reason


def test_a_label_renamed_to_itself_is_no_step(here: Path, run: Run) -> None:
    assert run("route", "add", "refund", "money back", *HASHING).exit_code == 0
    assert run("route", "rename", "refund", " refund").exit_code == 2
    near = run("route", "rename", "Refund", "money")
    assert near.exit_code == 2 and "did you mean 'refund'?" in near.stderr
    assert "add 1" in json.loads(run("route", "undo").stdout)["undone"]


def test_evaluate_tells_what_flatters_and_what_is_unknown(here: Path, run: Run) -> None:
    rows = [f"refund money {n},refund\nparcel late {n},late\n" for n in range(6)]
    (here / "train.csv").write_text("text,label\n" + "".join(rows))
    (here / "test.csv").write_text("text,label\nRefund  money 1,refund\nparcel is late,Late\nlamp,product\n")
    done = run("route", "evaluate", "train.csv", "test.csv", "--shots", "2", "--seeds", "1", *HASHING)
    assert done.exit_code == 0
    assert "1 of 3 test texts stand in TRAIN too" in done.stderr
    assert (
        "2 test texts of labels that TRAIN doesn't have, counted as wrong: 'Late' ('late' in TRAIN), 'product'"
        in done.stderr
    )


def test_a_workbook_that_is_not_there_is_no_text(here: Path, run: Run) -> None:
    assert run("route", "add", "refund", "money back", *HASHING).exit_code == 0
    assert "there is no file tickets.xlsx" in run("route", "predict", "tickets.xlsx").stderr


def test_an_output_is_for_rows(run: Run, here: Path) -> None:
    result = run("route", "predict", "They charged me twice", "--output", here / "out.csv")
    assert result.exit_code == 2 and "for the rows of a file" in result.stderr and not (here / "out.csv").exists()
