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
from searchctl.explore.export import TopicShape, write_map
from searchctl.explore.terms import Term
from tests.cli.conftest import Run
from tests.pages.looking import look_at

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
    first = page.locator("#topics button:not(.group) >> nth=0")
    shown = next(one for one in found["topics"] if one["name"] in first.inner_text())
    first.click()
    assert page.inner_text("#count") == f"{shown['size']} of 80 documents"
    assert shown["terms"][0]["term"] in page.inner_text("#about")
    assert wrong == []


GROUPED = {
    "coffee": "The coffee machine grinder is jammed with beans again",
    "espresso": "Espresso from the coffee machine tastes bitter, the beans are burnt",
    "parcel": "My parcel from the courier was late and the box was open",
    "refund": "Refund my money please, the invoice was charged twice to my card",
    "password": "I forgot the password of my account and the link does not arrive",
}


@pytest.fixture
def dated(here: Path) -> Path:
    """A file of five subjects, each written about in a month of its own; two of them are about coffee."""
    path = here / "dated.jsonl"
    rows = [
        {
            "id": f"{subject}-{number}",
            "comment": f"{text}, {subject} case {number}",
            "written": f"2025-0{month}-{number + 1:02}",
        }
        for month, (subject, text) in enumerate(GROUPED.items(), 1)
        for number in range(20)
    ]
    rows[0]["written"] = "unknown"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


DATED = ("--text", "comment", "--min-size", "10", "--date", "written")


def test_topics_have_groups_and_a_course_of_time(run: Run, dated: Path) -> None:
    found = looked_at(run, "cluster", dated, *DATED)
    names = {one["id"]: one["representatives"][0]["id"].split("-")[0] for one in found["topics"]}
    groups = [{names[topic] for topic in group["topics"]} for group in found["groups"]]
    assert {"coffee", "espresso"} in groups
    assert sorted(topic for group in found["groups"] for topic in group["topics"]) == sorted(names)
    assert found["timeline"]["unit"] == "week" and found["timeline"]["undated"] == 1
    assert all(len(one["over_time"]) == len(found["timeline"]["periods"]) for one in found["topics"])
    assert sum(sum(one["over_time"]) for one in found["topics"]) + found["outliers"]["size"] == 99
    refused = run("cluster", dated, "--text", "comment", "--date", "comment", "--encoder", "hashing")
    assert refused.exit_code == 2 and "--date" in refused.stderr


@pytest.mark.slow
def test_the_map_is_for_fingers_and_keys_too(run: Run, dated: Path, here: Path, browser: Any, axe: str) -> None:
    found = looked_at(run, "cluster", dated, *DATED, "-o", "map.html")
    look_at(browser, here / "map.html", axe)
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, accept_downloads=True)
    page = context.new_page()
    page.goto((here / "map.html").as_uri())
    assert f"100 documents in {len(found['topics'])} topics" in page.inner_text("#outcome")

    page.fill("#search", "coffee-7")
    page.press("#search", "Enter")  # the document is in the middle now
    page.fill("#search", "")
    box = page.locator("#map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.touchscreen.tap(*middle)
    assert "coffee-7" in page.inner_text("#tip")
    tip = page.locator("#tip").bounding_box()
    assert tip["x"] >= 0 and tip["x"] + tip["width"] <= 390

    scale = page.evaluate("view.scale")
    finger = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 80)):
        points = [{"x": middle[0] + side * apart, "y": middle[1], "id": place} for place, side in enumerate((-1, 1))]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate("view.scale") > 2 * scale
    page.click("#whole")
    assert page.evaluate("view.scale") == 1

    page.focus("#topics .group >> nth=0")
    page.keyboard.press("Enter")
    whole = next(group for group in found["groups"] if len(group["topics"]) > 1)
    together = sum(found["topics"][topic]["size"] for topic in whole["topics"])
    assert page.inner_text("#count") == f"{together} of 100 documents"
    assert page.evaluate("document.activeElement.className") == "group", "the focus stays"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert page.get_attribute("#about svg", "aria-label").startswith("Documents by week: 2025-W0")

    for ending, begins in (("png", b"\x89PNG"), ("svg", b"<svg")):
        with page.expect_download() as download:
            page.click(f"#{ending}")
        saved = here / f"saved.{ending}"
        download.value.save_as(saved)
        assert saved.read_bytes().startswith(begins) and saved.stat().st_size > 1000
    assert saved.read_text(encoding="utf-8").count("<circle") == 100
    context.close()


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
    write_map(here / "large.html", "reviews", documents, clusters, places, TopicShape())
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
