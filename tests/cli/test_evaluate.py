"""`searchctl evaluate` as its user meets it: table, JSON, HTML page, gates and exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.pages.looking import look_at

Run = Callable[..., Result]
EVIL = '<img src=x onerror="window.hurt=1">'
HASHING = ("--encoder", "hashing:64")


@pytest.fixture
def data(here: Path) -> Path:
    """Return a BEIR folder of twelve documents about one word each, and a question for half of them."""
    words = "amber basin cedar delta ember fjord grove harbor island jungle kettle lantern".split()
    folder = here / "words"
    (folder / "qrels").mkdir(parents=True)
    rows = [
        {"_id": f"d{n}", "title": "", "text": f"All there is about {word}: {word}."} for n, word in enumerate(words)
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [{"_id": f"q{n}", "text": f"what about {words[n]}?"} for n in range(6)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    judged = [
        f"q{n}\td{n if n else 5}\t1\n" for n in range(6)
    ]  # the first is judged wrongly: no mode can find it first
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))
    return folder


def test_modes_side_by_side(shown: Run, data: Path) -> None:
    result = shown("evaluate", data, *HASHING, "--metrics", "hit@1")
    assert result.exit_code == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["lexical", "vector", "hybrid"]
    assert rows[0][1] == "0.8333"
    assert "words: 6 queries" in result.stderr
    assert "hybrid - lexical, hit@1" in result.stderr


def test_json_is_one_object_with_means(run: Run, data: Path) -> None:
    result = run("evaluate", data, *HASHING, "--modes", "lexical,rrf", "--metrics", "hit@1 mrr@10", "--json")
    report = json.loads(result.stdout)
    assert set(report["modes"]) == {"lexical", "rrf"}
    assert report["modes"]["lexical"]["hit@1"] == pytest.approx(5 / 6)
    assert report["failures"][0]["query"] == "q0"
    assert report["failures"][0]["first"] == "d0"
    assert report["failures"][0]["expected"] == ["d5"]
    assert report["queries"] == 6


def test_gates_give_exit_code_5(shown: Run, data: Path) -> None:
    common = ("evaluate", data, *HASHING, "--modes", "lexical", "--metrics", "hit@1")
    assert shown(*common, "--fail-under", "hit@1=0.8").exit_code == 0
    missed = shown(*common, "--fail-under", "hit@1=0.9")
    assert missed.exit_code == 5
    assert "lexical hit@1 is 0.8333, below 0.9" in missed.stderr
    assert re.search(r"^lexical +0\.8333", missed.stdout, re.MULTILINE)


def test_a_gate_adds_its_metric(run: Run, data: Path) -> None:
    result = run("evaluate", data, *HASHING, "--modes", "lexical", "--fail-under", "precision@1=0.5", "--json")
    assert result.exit_code == 0
    assert "precision@1" in json.loads(result.stdout)["modes"]["lexical"]


def test_comparing_with_an_earlier_report(run: Run, data: Path, here: Path) -> None:
    common = ("evaluate", data, *HASHING, "--modes", "lexical", "--metrics", "hit@1")
    old = here / "old.json"
    old.write_text(run(*common, "--json").stdout)
    assert run(*common, "--compare", old).exit_code == 0
    report = json.loads(old.read_text())
    report["modes"]["lexical"]["hit@1"] = 0.9
    old.write_text(json.dumps(report))
    assert run(*common, "--compare", old, "--max-drop", "0.1").exit_code == 0
    fallen = run(*common, "--compare", old)
    assert fallen.exit_code == 5
    assert "lexical hit@1 fell from 0.9000 to 0.8333" in fallen.stderr


class Assets(HTMLParser):
    """Collects what a page would load, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        assert tag != "script"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_escapes_queries(run: Run, data: Path, here: Path) -> None:
    queries = data / "queries.jsonl"
    queries.write_text(queries.read_text().replace("what about amber?", "<script>amber</script>"))
    result = run("evaluate", data, *HASHING, "--html", here / "report.html")
    assert result.exit_code == 0, result.stderr
    page = Assets()
    page.feed((here / "report.html").read_text(encoding="utf-8"))
    assert page.loaded == []
    assert "<script>amber</script>" in page.text
    assert "Worst answers" in page.text


@pytest.mark.slow
def test_the_page_shows_in_a_browser_and_asks_nothing_of_others(run: Run, data: Path, here: Path, browser: Any) -> None:
    result = run("evaluate", data, *HASHING, "--modes", "lexical,vector,hybrid", "--html", here / "report.html")
    assert result.exit_code == 0, result.stderr
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    page.goto((here / "report.html").as_uri())
    assert page.locator("h2").all_inner_texts()[0] == "Modes"
    assert page.locator("svg").count() >= 1
    for plot in page.locator("svg").all():
        assert plot.bounding_box()["height"] > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000, "nothing sticks out"
    assert wrong == []


def test_the_report_says_what_came_of_it_and_shows_the_worst_answers(
    run: Run, data: Path, here: Path, browser: Any, axe: str
) -> None:
    rows = [json.loads(line) for line in (data / "corpus.jsonl").read_text().splitlines()]
    rows[5]["title"] = EVIL
    (data / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    modes = ("--modes", "lexical,vector,hybrid", "--metrics", "hit@1")
    assert run("evaluate", data, *HASHING, *modes, "--html", here / "report.html").exit_code == 0
    look_at(browser, here / "report.html", axe)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((here / "report.html").as_uri())
    assert re.match(
        r"\w+ answers best: hit@1 0\.\d{3} over 6 queries, \d\.\d{3} above \w+", page.inner_text(".outcome")
    )
    worst = page.inner_text("details >> nth=0")
    assert "what about amber?" in worst and "Came first in hybrid" in worst
    assert EVIL in worst and "All there is about fjord" in worst and "All there is about amber" in worst
    assert page.locator("img").count() == 0 and page.evaluate("window.hurt") is None
    page.close()


def test_an_index_instead_of_a_temporary_one(run: Run, data: Path) -> None:
    assert run("ingest", data, "--index", "words", *HASHING).exit_code == 0
    (data / "corpus.jsonl").unlink()
    result = run("evaluate", data, "--index", "words", "--metrics", "recall@100", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["index"]["documents"] == 12
    assert report["modes"]["lexical"]["recall@100"] == 1.0


def test_known_items_say_what_they_cannot_tell(shown: Run, data: Path) -> None:
    rows = [json.loads(line) for line in (data / "corpus.jsonl").read_text().splitlines()]
    for row in rows:
        row["title"] = f"The short story of one {row['_id']} thing"
    (data / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    apart = shown("evaluate", data, *HASHING, "--known-items", "5", "--modes", "lexical")
    assert apart.exit_code == 0, apart.stderr
    assert "favour words over meaning" in apart.stderr
    assert shown("ingest", data, *HASHING).exit_code == 0
    inside = shown("evaluate", "--known-items", "5", "--modes", "lexical", "--metrics", "hit@1")
    assert inside.exit_code == 0, inside.stderr
    assert inside.stdout.splitlines()[1].split()[1] == "1.0000"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--metrics", "ndgc@10"), "no metric 'ndgc@10'"),
        (("--modes", "hybrit"), "no mode 'hybrit'"),
        (("--modes", "hybrid+nothing-of-the-kind"), "no reranker 'nothing-of-the-kind'"),
        (("--fail-under", "ndcg@10"), "isn't a gate"),
        (("--split", "dev"), "no split 'dev'; found: test"),
    ],
)
def test_what_is_wrong_is_said(run: Run, data: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("evaluate", data, *HASHING, *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
