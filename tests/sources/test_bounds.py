"""What a file may cost: its output, time and memory are bounded, whatever it does to the libraries that read it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from searchctl.sources import Limits, Record
from searchctl.sources.apart import seconds_for
from tests.sources.kit import documents, failures, items, written
from tests.sources.test_pages import paragraph, word


def test_tables_within_tables_repeat_nothing(tmp_path: Path) -> None:
    inner = paragraph("word " * 2000)
    nested = "<w:tbl><w:tr><w:tc>" * 200 + inner + "</w:tc></w:tr></w:tbl>" * 200
    boxes = "<w:p><w:txbxContent>" * 200 + inner + "</w:txbxContent></w:p>" * 200
    for name, body in (("t", nested), ("b", boxes)):
        (found,) = documents(word(tmp_path / f"{name}.docx", body))
        assert len(found.text) == 5 * 2000 - 1


def test_many_attributes_and_many_columns(tmp_path: Path) -> None:
    attributes = " ".join(f"a{number}=1" for number in range(60_000))
    assert documents(written(tmp_path / "f.html", f"<p {attributes}>x</p>"))[0].text == "x"
    columns = ",".join(f"c{number}" for number in range(20_000))
    (found,) = documents(written(tmp_path / "f.csv", f"{columns}\n{','.join('y' * 20_000)}\n"))
    assert len(found.fields) <= 1000


def test_a_page_that_takes_too_much_memory_costs_that_page(tmp_path: Path) -> None:
    fonts = "".join(f"<font color={number}>" for number in range(3000))
    (failure,) = failures(
        written(tmp_path / "f.html", f"<p>{fonts}" + "<p>x" * 6000), limits=Limits(memory=200_000_000)
    )
    assert failure.id == "f.html" and failure.reason
    assert documents(written(tmp_path / "g.html", "<p>next</p>" * 2000))


@pytest.mark.slow
def test_a_page_that_takes_too_long_costs_that_page(tmp_path: Path) -> None:
    (failure,) = failures(written(tmp_path / "f.md", ">" * 40_000), limits=Limits(seconds=1))
    assert "of computing" in failure.reason
    assert documents(written(tmp_path / "g.md", "next " * 5000))


def test_large_files_may_take_longer() -> None:
    assert seconds_for(100, Limits(seconds=7)) == 7 < seconds_for(10_000_000, Limits(seconds=7))


def test_archives_that_unpack_to_far_more_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(6):
            file.writestr(f"{number}.txt", b" " * 50_000_000)
    assert "times its size" in failures(path)[0].reason


def test_json_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "f.json", '{"a": [' + "{}," * 1_000_000 + "{}]}")
    assert "of memory" in failures(path, limits=Limits(memory=50_000_000))[0].reason


def test_a_quote_that_is_never_closed_is_looked_for_once(tmp_path: Path) -> None:
    found = items(written(tmp_path / "f.csv", "a,b\n" + '1,"x""y\n' * 5000))
    assert len([one for one in found if isinstance(one, Record)]) == 5000
