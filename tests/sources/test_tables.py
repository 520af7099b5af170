"""Tables as people export them: decided by several rows, with nothing lost unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.sources import FieldMapping, Record
from searchctl.sources.cells import cell_readers
from tests.sources.kit import documents, failures, items, pairs, remarks, written


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Товар;Цена, руб.;Вес, кг\nЛампа;9,50;0,8\nСтул;20,00;3,1\n", ["Товар", "Цена, руб.", "Вес, кг"]),
        ('Товар;Цена\n"Стол; дубовый";1,5\nСтул;2,5\n', ["Товар", "Цена"]),
        ("name,tags\na,x; y\nb,z; w\n", ["name", "tags"]),
        ("name|note\na|x, y\nb|z, w\n", ["name", "note"]),
        ("name\tnote\na\tx, y; z\n", ["name", "note"]),
        ("name:note\na:x\nb:y\n", ["name", "note"]),
    ],
)
def test_the_sign_between_cells_is_that_of_all_rows(tmp_path: Path, content: str, expected: list[str]) -> None:
    path = written(tmp_path / "f.csv", content)
    found = documents(path, FieldMapping(text=(expected[0],), title=expected[1]))
    assert len(found) == 2 or content.count("\n") == 2
    assert {name for one in found for name in one.fields} == set(expected[2:])


@pytest.mark.parametrize(
    "content",
    [
        "Отчёт за март;;;\n;;;\nid;Тема;Текст;Статус\n1;A;aa;да\n2;B;bb;нет\n",
        "Report, all branches\n\nid,title,text,state\n1,A,aa,x\n2,B,bb,y\n",
        "Период:;март;;\nФилиал:;Тула;;\nid;Тема;Текст;Статус\n1;A;aa;да\n2;B;bb;нет\n",
    ],
)
def test_titles_above_the_header_are_passed_over_and_told(tmp_path: Path, content: str) -> None:
    path = written(tmp_path / "f.csv", content)
    assert [(one.id, one.title, one.text) for one in documents(path)] == [("1", "A", "aa"), ("2", "B", "bb")]
    assert "above the names of the columns" in remarks(path)


def test_one_column_of_sentences_is_one_column(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "Вопрос\nКак вернуть, если нет чека?\nГде заказ, уже неделя?\n")
    assert [text for _, text in pairs(path)] == ["Как вернуть, если нет чека?", "Где заказ, уже неделя?"]


def test_a_first_row_of_data_is_not_taken_for_names(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "1,Kettle,9.9\n2,Toaster,5.5\n")
    assert "looks like data" in failures(path)[0].reason
    years = written(tmp_path / "g.csv", "name,2023,2024\nA,5,6\nB,7,8\n")
    assert documents(years)[0].fields == {"2023": 5, "2024": 6}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('2,"he said \\"half price\\" twice"', 'he said "half price" twice'),
        ('2,"Луч" 24"', '"Луч" 24"'),
        ('2,"a "quoted" word, and more"', 'a "quoted" word, and more'),
        ('2, "after a blank, quoted"', "after a blank, quoted"),
        ('2,"one\ntwo ""three"""', 'one\ntwo "three"'),
        ('2,ends with 24"', 'ends with 24"'),
    ],
)
def test_quotes_as_programs_and_people_write_them(tmp_path: Path, line: str, text: str) -> None:
    path = written(tmp_path / "f.csv", f"id,text\n1,first\n{line}\n3,last\n")
    assert pairs(path) == [("1", "first"), ("2", text), ("3", "last")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_returns_alone_end_lines(tmp_path: Path, encoding: str) -> None:
    content = 'id;text\r1;первая строка\r2;"вторая\rстрока"\r'
    assert pairs(written(tmp_path / "f.csv", content.encode(encoding))) == [
        ("1", "первая строка"),
        ("2", "вторая\nстрока"),
    ]


def test_short_rows_repeated_headers_and_padded_codes(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "id,text,tag,owner\n007   ,one,x,ann\n8,two\nid,text,tag,owner\n9,three,y\n")
    assert [(one.id, one.text, one.fields) for one in documents(path)] == [
        ("007", "one", {"tag": "x", "owner": "ann"}),
        ("8", "two", {}),
        ("9", "three", {"tag": "y"}),
    ]
    told = remarks(path)
    assert "fewer cells" in told and "once more" in told


def test_html_in_cells_is_read_and_a_text_about_html_is_not(tmp_path: Path) -> None:
    rows = (
        'id,body\n1,"<p>Вы&nbsp;можете <b>вернуть</b></p><style>p{}</style>"\n2,First<br>second &amp; third\n3,plain\n'
    )
    assert [text for _, text in pairs(written(tmp_path / "f.csv", rows))] == [
        "Вы можете вернуть",
        "First\nsecond & third",
        "plain",
    ]
    about = "id,body\n1,Use the <b> tag & co\n2,no tags at all\n"
    assert pairs(written(tmp_path / "g.csv", about))[0] == ("1", "Use the <b> tag & co")


def test_cells_that_say_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "id,subject,body,rating\n1,Login,words,5\n2,NULL,more words,N/A\n3,\\N,last,\n")
    assert [(one.title, one.fields) for one in documents(path)] == [("Login", {"rating": 5}), ("", {}), ("", {})]


def test_dates_with_slashes_are_read_where_the_column_tells_the_order() -> None:
    readers, doubts = cell_readers(
        {"us": ["03/25/2026", "04/01/2026"], "gb": ["25/03/2026 10:00"], "either": ["3/4/2026"]}
    )
    assert readers["us"]("04/01/2026") == "2026-04-01"
    assert readers["gb"]("25/03/2026 10:00") == "2026-03-25T10:00:00"
    assert "March or in April" in doubts["either"] and "either" not in readers


@pytest.mark.parametrize("end", ['2,"begun\nand\nnever ended', '2,"begun\n', '2,"beg'])
def test_a_file_that_ends_within_a_cell_fails_there(tmp_path: Path, end: str) -> None:
    path = written(tmp_path / "f.csv", f"id,text\n1,one\n{end}")
    assert "closing quote is missing" in failures(path)[0].reason


def test_unknown_columns_are_told_with_the_near_one(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "id,title,body\n1,a,b\n")
    assert "did you mean 'title'?" in failures(path, FieldMapping(title="tilte"))[0].reason


@pytest.mark.parametrize(
    ("content", "titles"),
    [
        ("# exported on Monday\n# by a program, at night\nid,text\n1,one\n2,two\n", 2),
        ("#made by: x\n\nid;text\n1;one\n2;two\n", 1),
        ("#id,text\n1,one\n2,two\n", 0),
        ("##meta=1\n#id\ttext\n1\tone\n2\ttwo\n", 1),
    ],
)
def test_comments_above_the_header_are_passed_over_and_a_header_may_begin_like_one(
    tmp_path: Path, content: str, titles: int
) -> None:
    path = written(tmp_path / "f.csv", content)
    assert [one.text for one in documents(path)] == ["one", "two"]
    assert (f"passed over: {titles} rows above" in remarks(path)) == bool(titles)


def test_codes_that_are_kept_from_a_spreadsheet_as_formulas(tmp_path: Path) -> None:
    content = 'text;code;sum\na;="00123";="5"\nb;"=""7""";="6"\nc;="not closed;7\n'
    found = documents(written(tmp_path / "f.csv", content))
    assert [one.fields["code"] for one in found] == ["00123", "7", '="not closed']
    assert [one.fields["sum"] for one in found] == [5, 6, 7]


def test_a_row_that_fails_says_nothing_of_its_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "title,text,n\na,one,1\nb,two, and more,2\nc,three,3\n")
    mapped = [one.document.fields["n"] for one in items(path) if isinstance(one, Record)]
    assert mapped == [1, 3] and len(failures(path)) == 1


def test_a_column_with_leading_zeros_is_text_without_a_doubt(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", 'text,code,n\na,007,"1,234"\nb,12,"5,678"\n')
    assert [one.fields["code"] for one in documents(path)] == ["007", "12"]
    assert "'n': 1,234 may be" in remarks(path) and "'code'" not in remarks(path)


def test_an_option_that_means_nothing_for_a_table_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", "id,text\n1,one\n")
    assert "--records means nothing for a table" in remarks(path, FieldMapping(records="data.items"))
