"""The page, in a real browser, against a service that runs as its users start it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from searchctl import Index, Router
from searchctl.service import app

PAGE = Path(app.__file__).with_name("page")
EVIL = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
Open = Callable[..., Any]


def words(language: str) -> set[str]:
    """Return the keys of a language's sentences."""
    text = (PAGE / "words.js").read_text(encoding="utf-8")
    block = re.search(rf"\n  {language}: {{(.*?)\n  }},", text, re.DOTALL)
    assert block
    return set(re.findall(r"(?:^|[,{]\s+|\n\s+)(\w+): (?=[\"(`])", block[1]))


def test_both_languages_have_every_sentence() -> None:
    scripts = "".join((PAGE / name).read_text(encoding="utf-8") for name in ("page.js", "finding.js", "map.js"))
    used = set(re.findall(r'word\("(\w+)"', scripts))
    used |= set(
        re.findall(r'data-(?:word|label|placeholder)="(\w+)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    )
    assert words("en") == words("ru")
    assert used <= words("en")


def test_the_page_asks_nobody_else() -> None:
    for path in PAGE.iterdir():
        links = re.findall(r"https?://[^\s\"'<>)]+", path.read_text(encoding="utf-8"))
        assert [link for link in links if not link.startswith("http://www.w3.org/")] == [], path.name


def is_fault(message: Any) -> bool:
    """Tell whether a line of the console is a fault of the page: a refused request isn't, which the browser reports there too."""
    return message.type == "error" and "status of 400" not in message.text


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Open]:
    """Return what opens the page; whatever goes wrong in it, or leaves this machine, fails the test."""
    wrong: list[str] = []
    contexts = []

    def open_at(path: str = "/", **settings: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en", **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if is_fault(message) else None)
        page.on("request", lambda request: None if request.url.startswith(address) else wrong.append(request.url))
        page.goto(address + path)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.browser
def test_a_newcomer_finds_reads_filters_and_goes_back(open_page: Open) -> None:
    page = open_page()
    page.wait_for_selector("#index option[value=shop]", state="attached")
    page.select_option("#index", "shop")
    page.fill("#q", "receipt")
    page.wait_for_selector("#results .hit")
    assert page.inner_text("#results .hit >> nth=0").startswith("Returning an item")
    assert page.inner_text("#results mark >> nth=0") == "receipt"
    assert "q=receipt" in page.url
    page.click("text=Read the whole text >> nth=0")
    page.wait_for_selector("text=Send it back within 30 days. Keep the receipt. >> nth=1")
    page.click("text=Why this one? >> nth=0")
    assert "By words" in page.inner_text("#results .hit >> nth=0")
    page.click("text=lang: en >> nth=0")
    page.wait_for_selector("#chips button")
    assert "where=lang" in page.url
    page.click("#chips button")
    page.wait_for_selector("#chips button", state="detached")
    page.go_back()
    page.wait_for_selector("#chips button")
    page.click("text=Similar documents >> nth=0")
    page.wait_for_selector("text=Documents like returns")


@pytest.mark.browser
def test_an_address_with_a_question_shows_its_answer_in_the_readers_language(open_page: Open) -> None:
    page = open_page("/?index=shop&q=сохраните+чек", locale="ru")
    page.wait_for_selector("#results .hit")
    assert page.inner_text("#tab-search") == "Поиск"
    assert page.inner_text("#results .hit h2 >> nth=0") == "Возврат"
    page.click("#language")
    assert page.inner_text("#tab-search") == "Search"


@pytest.mark.browser
def test_the_keyboard_is_enough(open_page: Open) -> None:
    page = open_page("/?index=shop")
    page.wait_for_selector("#index option", state="attached")
    page.keyboard.type("gift")
    page.keyboard.press("Enter")
    page.wait_for_selector("#results .hit")
    for _ in range(40):  # facets come before the results
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Why this one?":
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"


@pytest.mark.browser
def test_a_telephone_shows_it_without_sideways_scrolling(open_page: Open) -> None:
    page = open_page("/?index=shop&q=receipt", viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.wait_for_selector("#results .hit")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 22, 24)"


@pytest.mark.browser
def test_markup_in_documents_queries_labels_and_fields_stays_text(folder: Path, open_page: Open) -> None:
    with Index.open(folder, "shop") as index:
        index.ingest([{"id": EVIL, "title": f"evil {EVIL}", "text": f"evil {EVIL}", "lang": EVIL}])
    page = open_page(f"/?index=shop&q={json.dumps('evil ' + EVIL)}")
    page.wait_for_selector("#results .hit")
    assert "<script>" in page.inner_text("#results .hit h2 >> nth=0")
    page.click("#results .field >> nth=0")
    page.wait_for_selector("#chips button")
    assert page.evaluate("window.hurt") is None
    assert page.locator("img").count() == 0


@pytest.mark.browser
def test_a_text_is_routed_taught_and_taken_back(open_page: Open) -> None:
    page = open_page("/?tab=route&index=routes")
    page.wait_for_selector("#index option", state="attached")
    page.fill("#text", "where is my parcel, please")
    page.click("#route-form button")
    page.wait_for_selector("#route-result .hit")
    assert "delivery" in page.inner_text("#route-result h2")
    assert "where is my parcel" in page.inner_text("#route-result ul")
    page.click("#route-result button:text-is('Add')")
    page.wait_for_selector("text=Added.")
    page.click("#route-result button:text-is('Undo')")
    page.wait_for_selector("text=Undone: add 1 to delivery")


@pytest.mark.browser
def test_a_question_without_an_answer_says_so(open_page: Open) -> None:
    page = open_page("/?index=shop&q=receipt&where=lang%3Dde")
    page.wait_for_selector("#status:has-text('Nothing found')")
    page.click("#filters summary")
    page.fill("#where", "land=de")
    page.press("#where", "Enter")
    page.wait_for_selector("#status:has-text('land')")


@pytest.fixture
def goods(folder: Path) -> None:
    """Thirty documents more in the index `shop`, with fields to count and to sort by."""
    with Index.open(folder, "shop") as index:
        index.ingest(
            {
                "id": f"shoe{number:02}",
                "title": f"Running shoes {number}",
                "text": f"Light running shoes for the road, model {number}.",
                "brand": [EVIL, "Acme", "Zed & Sons"][number % 3],
                "updated": f"2025-{number % 12 + 1:02}-03",
                "in_stock": number % 2 == 0,
                "weight": 240 + number,
            }
            for number in range(30)
        )


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_facets_narrow_down_and_chips_widen_again(open_page: Open) -> None:
    page = open_page("/?index=shop&q=running+shoes")
    page.wait_for_selector("#facets fieldset")
    assert "Acme\n10" in re.sub(r"\s*\n\s*", "\n", page.inner_text("#facet-list"))
    page.click("#facet-list label:has-text('Acme')")
    page.wait_for_selector("#chips button:has-text('brand=Acme')")
    page.click("#facet-list label:has-text('yes')")
    page.wait_for_selector("#chips li >> nth=1")
    page.wait_for_selector("#facet-note:has-text('5 documents')")
    assert page.is_checked("#facet-list label:has-text('Acme') input")
    page.click("#chips button:has-text('brand=Acme')")
    page.wait_for_selector("#facet-note:has-text('15 documents')")
    page.click("#facet-list label:has-text('<img')")
    page.wait_for_selector("#facet-note:has-text('5 documents')")
    assert page.evaluate("window.hurt") is None and page.locator("img").count() == 0


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_order_and_page_stand_in_the_address(open_page: Open) -> None:
    page = open_page("/?index=shop&q=running+shoes")
    page.wait_for_selector("#results .hit")
    page.select_option("#sort", "-updated,relevance")
    page.wait_for_selector("#results .hit >> nth=0 >> text=updated: 2025-12-03")
    page.click("#pages button")
    page.wait_for_selector("#status:has-text('page 2')")
    assert "sort=-updated" in page.url and "start=10" in page.url
    second = page.inner_text("#results .hit h2 >> nth=0")
    page.reload()
    page.wait_for_selector("#status:has-text('page 2')")
    assert page.inner_text("#results .hit h2 >> nth=0") == second
    page.go_back()
    page.wait_for_selector("#results .hit >> nth=0 >> text=updated: 2025-12-03")


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_ranges_narrow_down_and_ones_own_bounds_as_well(open_page: Open) -> None:
    page = open_page("/?index=shop&q=running+shoes")
    page.wait_for_selector("#facets fieldset:has-text('weight')")
    assert page.locator("#facet-list label:has-text('before 2025')").count() == 4
    page.click("#facet-list label:has-text('250 to below 260')")
    page.wait_for_selector("#facet-note:has-text('10 documents')")
    assert page.locator("#chips button").all_inner_texts() == ["weight>=250 ×", "weight<260 ×"]
    assert page.input_value("[aria-label='weight: to']") == "260"
    page.click("[aria-label='weight: Apply']")
    assert page.locator("#chips button").all_inner_texts() == ["weight>=250 ×", "weight<260 ×"]
    page.fill("[aria-label='weight: from']", "265")
    page.fill("[aria-label='weight: to']", "")
    page.press("[aria-label='weight: from']", "Enter")
    page.wait_for_selector("#facet-note:has-text('5 documents')")
    assert page.locator("#chips button").all_inner_texts() == ["weight>=265 ×"]
    page.fill("[aria-label='updated: to']", "2025-04-03")
    page.click("[aria-label='updated: Apply']")
    page.wait_for_selector("#facet-note:has-text('3 documents')")
    page.click("#chips button:has-text('weight')")
    page.wait_for_selector("#chips li:nth-child(2)", state="detached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_one_hit_of_each_value_and_then_all_of_one(open_page: Open) -> None:
    page = open_page("/?index=shop&q=running+shoes&where=updated%3E%3D2025")
    page.wait_for_selector("#results .hit")
    page.select_option("#group", "brand")
    page.wait_for_selector("#results .group")
    assert "group=brand" in page.url
    page.wait_for_selector("#status:has-text('3 by brand')")
    assert page.locator("#results .hit").count() == 3
    page.click("#results .hit:has(.group:has-text('brand: Acme')) .group button")
    page.wait_for_selector("#chips button:has-text('brand=Acme')")
    page.wait_for_selector("#results .hit >> nth=9")
    assert "group=" not in page.url and page.locator("#results .group").count() == 0
    page.go_back()
    page.wait_for_selector("#results .group")


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_suggestions_are_taken_by_the_keyboard(open_page: Open) -> None:
    page = open_page("/?index=shop")
    page.wait_for_selector("#index option", state="attached")
    page.keyboard.type("retrun")
    page.wait_for_selector("#suggestions li:has-text('Returning an item')")
    page.keyboard.press("ArrowDown")
    chosen = page.get_attribute("#q", "aria-activedescendant")
    assert page.get_attribute(f"#{chosen}", "aria-selected") == "true"
    page.keyboard.press("Enter")
    page.wait_for_selector("#results .hit h2:has-text('Returning an item')")
    assert page.input_value("#q") == "Returning an item" and page.is_hidden("#suggestions")
    page.fill("#q", "")
    page.keyboard.type("djpd")
    page.wait_for_selector("#suggestions li:has-text('Возврат')")
    page.keyboard.press("Escape")
    assert page.is_hidden("#suggestions") and page.input_value("#q") == "djpd"


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_the_map_shows_topics_and_their_documents(open_page: Open) -> None:
    pytest.importorskip("sklearn")
    page = open_page("/?index=shop&tab=map", viewport={"width": 390, "height": 844})
    page.wait_for_selector("#map-topics button", timeout=60_000)
    page.click("#map-topics button >> nth=0")
    assert page.get_attribute("#map-topics button >> nth=0", "aria-pressed") == "true"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#map-document button >> nth=0")
    page.wait_for_selector("#results .hit")


SHOTS = [(width, scheme, locale) for width in (1440, 390) for scheme in ("light", "dark") for locale in ("en", "ru")]


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
def test_a_newcomers_path_looks_right_at_both_sizes_schemes_and_languages(open_page: Open, tmp_path: Path) -> None:
    """SEARCHCTL_TEST_SHOTS=FOLDER keeps the pictures."""
    folder = Path(os.environ.get("SEARCHCTL_TEST_SHOTS", tmp_path))
    for width, scheme, locale in SHOTS:
        page = open_page("/?index=shop", viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale)
        page.wait_for_selector("#index option", state="attached")
        page.keyboard.type("running shoes")
        page.keyboard.press("Enter")
        page.wait_for_selector("#facets fieldset", state="attached")
        assert not page.is_visible("#suggestions"), "Enter ends typing"
        page.click("#results .actions button >> nth=1")
        assert page.is_visible("#results .why >> nth=0")
        assert page.get_attribute("html", "lang") == locale
        assert ("Why" in page.inner_text("#results .why >> nth=0")) is (locale == "en")
        for view in ("search", "route"):
            page.click(f"#tab-{view}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (view, width, locale)
            shot = page.screenshot(path=folder / f"{view}-{width}-{scheme}-{locale}.png", full_page=True)
            assert len(shot) > 5000
        context = page.context
        page.close()
        context.close()


@pytest.mark.browser
def test_paper_has_results_and_no_controls(open_page: Open) -> None:
    page = open_page("/?index=shop&q=receipt", color_scheme="dark")
    page.wait_for_selector("#results .hit")
    page.emulate_media(media="print")
    for control in ("header", "#search-form", "#results .actions", "#facets"):
        assert not page.is_visible(f"{control} >> nth=0"), control
    assert page.is_visible("#results .hit h2 >> nth=0")
    assert page.evaluate("getComputedStyle(document.querySelector('.hit h2')).color") == "rgb(0, 0, 0)"


@pytest.mark.browser
def test_markup_in_labels_and_field_names_stays_text(folder: Path, open_page: Open) -> None:
    with Index.open(folder, "routes") as index:
        Router(index).add(EVIL, [f"my {EVIL} is broken", "it does not work any more"])
    with Index.open(folder, "evil", encoder="hashing:64") as index:
        index.ingest([{"id": str(n), "text": f"evil {EVIL} {n}", EVIL: EVIL, "lang": EVIL} for n in range(4)])
    page = open_page("/?tab=route&index=routes")
    page.wait_for_selector("#index option", state="attached")
    page.fill("#text", f"my {EVIL} is broken")
    page.click("#route-form button")
    page.wait_for_selector("#route-result .hit")
    assert EVIL in page.inner_text("#route-result h2")
    page.click("#route-result button:text-is('Add')")
    page.wait_for_selector("text=Added.")
    page = open_page("/?index=evil&q=evil")
    page.wait_for_selector("#facets fieldset")
    assert EVIL in page.inner_text("#facet-list") and EVIL in page.inner_text("#results .field >> nth=0")
    page.click("#facet-list label >> nth=0")
    page.wait_for_selector("#chips button")
    assert page.evaluate("window.hurt") is None and page.locator("img").count() == 0


@pytest.mark.browser
@pytest.mark.usefixtures("goods")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: Open, axe: str, scheme: str) -> None:
    pytest.importorskip("sklearn")
    for path, ready in (
        ("/?index=shop&q=running+shoes&where=in_stock%3Dtrue", "#facets fieldset"),
        ("/?index=shop&tab=map", "#map-topics button"),
        ("/?index=routes&tab=route", "#index option"),
    ):
        page = open_page(path, color_scheme=scheme)
        page.wait_for_selector(ready, state="attached", timeout=60_000)
        if "running" in path:
            page.click("#q")
            page.keyboard.type(" 1")
            page.wait_for_selector("#suggestions li")
        page.evaluate(axe)
        found = page.evaluate("axe.run()")["violations"]
        assert [
            (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ] == [], path
