"""`searchctl cluster`, `duplicates` and `answer` as their user types them, and the map in a real browser."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl.explore.cluster import Clusters, Topic
from searchctl.explore.collection import Collection
from searchctl.explore.export import write_map
from searchctl.explore.terms import Term
from tests.cli.conftest import Run

SUBJECTS = {
    "coffee": "The coffee machine grinder is jammed with beans again",
    "parcel": "My parcel from the courier was late and the box was open",
    "возврат": "Верните деньги за возврат куртки на карту",
    "пароль": "Забыл пароль от кабинета, письмо со ссылкой не приходит",
}


@pytest.fixture
def reviews(here: Path) -> Path:
    path = here / "reviews.jsonl"
    rows = [
        {"id": f"{subject}-{number}", "comment": f"{text}, {subject} case {number}"}
        for subject, text in SUBJECTS.items()
        for number in range(20)
    ]
    rows[1]["comment"] = rows[0]["comment"].upper()
    rows[4]["comment"] = rows[3]["comment"] + " again"
    rows[2]["comment"] += "<img src=x onerror=alert(1)></script>"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def looked_at(run: Run, *arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json", "--encoder", "hashing")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def test_a_file_is_sorted_into_topics_and_written(run: Run, reviews: Path, here: Path) -> None:
    found = looked_at(run, "cluster", reviews, "--text", "comment", "--min-size", "10", "-o", "t.json", "-o", "t.csv")
    assert (
        found["documents"] == 80 and sum(topic["size"] for topic in found["topics"]) + found["outliers"]["size"] == 80
    )
    for topic in found["topics"]:
        assert len({one["id"].split("-")[0] for one in topic["representatives"]}) == 1
    assert len(found["topics"]) == len(SUBJECTS)
    with (here / "t.csv").open(encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)][0] == "coffee-0"
    assert len(json.loads((here / "t.json").read_text(encoding="utf-8"))["documents"]) == 80


def test_an_index_is_looked_into_by_name(run: Run, reviews: Path) -> None:
    assert run("ingest", reviews, "--text", "comment", "--index", "shop", "--encoder", "hashing").exit_code == 0
    named = looked_at(run, "cluster", "shop", "--min-size", "10")
    assert named["topics"] == looked_at(run, "cluster", "--index", "shop", "--min-size", "10")["topics"]
    result = run("cluster", "shop", "--text", "comment")
    assert result.exit_code == 2 and "are for files" in result.stderr
    missing = run("cluster", "nothere")
    assert missing.exit_code == 1 and "nothere" in missing.stderr


def test_wrong_outputs_and_sources_are_told_before_the_work(run: Run, reviews: Path) -> None:
    result = run("cluster", reviews, "-o", "map.pdf")
    assert result.exit_code == 2 and ".html, .json, .csv" in result.stderr
    absent = run("cluster", "absent.jsonl")
    assert absent.exit_code == 1 and "absent.jsonl" in absent.stderr


def test_duplicates_are_shown_with_their_reason(run: Run, reviews: Path) -> None:
    found = looked_at(run, "duplicates", reviews, "--text", "comment", "--only", "exact")
    assert found["spare"] == 1 and found["semantic_threshold"] is None
    (group,) = found["groups"]
    assert group["reason"] == "exact" and [one["id"] for one in group["members"]] == ["coffee-0", "coffee-1"]
    lines = run("duplicates", reviews, "--text", "comment", "--encoder", "hashing", "-q").stdout.splitlines()
    groups = [json.loads(line)["members"] for line in lines]
    near = [[member["id"] for member in group] for group in groups if group[1]["reason"] == "near"]
    assert ["coffee-3", "coffee-4"] in near


def test_a_question_is_answered_with_its_source(run: Run, shown: Run, here: Path) -> None:
    text = "The shop opened in 2009. The courier costs four pounds. Gift cards never expire."
    rows = [{"id": "shop", "title": "Prices", "text": text}]
    rows += [{"id": f"n{number}", "title": "", "text": f"Chair {number} has cushions."} for number in range(40)]
    (here / "shop.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert shown("ingest", "shop.jsonl", "--encoder", "hashing").exit_code == 0
    found = looked_at(run, "answer", "what does the courier cost")
    assert found["answered"] and found["answer"]["sentence"] == "The courier costs four pounds."
    assert text[found["answer"]["start"] : found["answer"]["end"]] == found["answer"]["sentence"]
    answered = shown("answer", "what does the courier cost")
    assert answered.stdout == "The courier costs four pounds. [Prices, shop]\n"
    none = shown("answer", "what does the courier cost", "--others", "0", "--min-relevance", "1")
    assert none.exit_code == 0 and none.stdout == "no answer found\n"
    assert shown("answer", "-", stdin=" ").exit_code == 2


@pytest.mark.slow
def test_the_map_answers_to_hover_and_search_in_a_browser(run: Run, reviews: Path, here: Path, browser: Any) -> None:
    found = looked_at(run, "cluster", reviews, "--text", "comment", "--min-size", "10", "-o", "map.html")
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    page.goto((here / "map.html").as_uri())
    assert page.inner_text("#count") == f"80 documents, {len(found['topics'])} topics"

    page.fill("#search", "PARCEL-7")
    assert page.inner_text("#count") == "1 of 80 documents"
    page.press("#search", "Enter")  # brings the match to the middle of the map
    assert "parcel case 7" in page.inner_text("#tip")
    page.mouse.move(5, 5)
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] - 5)
    assert not page.is_visible("#tip")
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 - 2)
    assert page.is_visible("#tip") and "parcel-7" in page.inner_text("#tip")

    page.fill("#search", "возврат")
    assert page.inner_text("#count") == "20 of 80 documents"
    page.fill("#search", "onerror")
    page.press("#search", "Enter")
    assert "<img src=x onerror=alert(1)></script>" in page.inner_text("#tip")
    page.fill("#search", "")
    page.click("#topics button >> nth=0")
    assert page.inner_text("#count") == f"{found['topics'][0]['size']} of 80 documents"
    assert found["topics"][0]["terms"][0]["term"] in page.inner_text("#about")
    assert wrong == []


@pytest.mark.slow
def test_a_map_of_fifty_thousand_answers_to_hover_and_search(here: Path, browser: Any) -> None:
    number, random = 50_000, np.random.default_rng(0)
    labels = np.repeat(np.arange(100), number // 100) - 1  # the first topic's place is that of the outliers
    texts = tuple(f"review {row}: " + "the kettle is slow and loud " * 3 for row in range(number))
    topics = tuple(
        Topic(topic, f"kettle {topic}", (Term("kettle", 0.5),), (topic * 500 + 500,), (topic * 500 + 500,), 0.5)
        for topic in range(99)
    )
    clusters = Clusters(labels, np.ones(number), topics, 34)
    places = random.random((100, 2))[labels + 1] + random.normal(0, 0.01, (number, 2))
    documents = Collection(tuple(f"r{row}" for row in range(number)), texts, np.ones((number, 1), np.float32))
    write_map(here / "large.html", "reviews", documents, clusters, places)
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.goto((here / "large.html").as_uri())
    assert page.inner_text("#count") == "50,000 documents, 99 topics"
    page.fill("#search", "review 31415")
    assert page.inner_text("#count") == "1 of 50,000 documents"
    page.press("#search", "Enter")
    assert "review 31415:" in page.inner_text("#tip") and "kettle 61" in page.inner_text("#tip")
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2)
    assert page.is_visible("#ring") and "r31415" in page.inner_text("#tip")
    assert (here / "large.html").stat().st_size < 12_000_000
