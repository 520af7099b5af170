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
