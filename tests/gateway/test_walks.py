"""Apps in other languages, with their own client libraries, unchanged: JavaScript, Go, Java and Ruby, from their registries.

Each walks through an app's day and prints what it saw: straight on the server, through a gateway that is off, and through one
that answers by both legs and encodes what is written. Off, it must have seen what it saw on the server.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from searchctl.gateway.policies import Policies
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy
from tests.gateway.conftest import Shop, make
from tests.gateway.running import Running, says_what_it_is
from tests.servers.cache import cached
from tests.servers.parameters import server_param, server_url
from tests.servers.proxy import Proxy

SOURCES = Path(__file__).parent / "walks"
NOTE = {"name": "Espresso pot", "description": "Makes strong espresso coffee with crema.", "brand": "Acme", "price": 12}
Json = dict[str, Any]
pytestmark = pytest.mark.slow


def prepared(name: str, *commands: Sequence[str]) -> Path:
    """Return a folder with the sources of a walk, its libraries brought from their registry; kept between runs."""
    if shutil.which(commands[0][0]) is None:
        pytest.skip(f"needs {commands[0][0]}")
    source = SOURCES / name
    files = sorted(path for path in source.rglob("*") if path.is_file())
    content = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]

    def make(folder: Path) -> None:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        for command in commands:
            subprocess.run(command, cwd=folder, check=True, timeout=600)

    return cached(f"walk-{name}-{content}", make)


def javascript(program: str, *given: str) -> Callable[[str, str], Json]:
    folder = prepared("javascript", ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"])
    return lambda url, index: printed(["node", program, *given, url, index], folder)


def go(library: str) -> Callable[[str, str], Json]:
    folder = prepared("go", ["go", "build", "-o", "walk", "."])
    return lambda url, index: printed(["./walk", library, url, index], folder)


def java() -> Callable[[str, str], Json]:
    listed = ["dependency:build-classpath", "-Dmdep.outputFile=classpath"]
    folder = prepared("java", ["mvn", "-q", "-B", "compile", *listed])
    path = "target/classes:" + (folder / "classpath").read_text().strip()
    return lambda url, index: printed(["java", "-cp", path, "Walk", url, index], folder)


def ruby(url: str, index: str) -> Json:
    return printed(["ruby", "walk.rb", url, index], SOURCES / "ruby")


def printed(command: Sequence[str], folder: Path) -> Json:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def shop_on(request: pytest.FixtureRequest, server: str) -> Shop:
    family = "opensearch" if server.startswith("opensearch") else "elasticsearch"
    url = server_url(request, server)
    return make(url, family, "gateway-walk", "multilingual-e5-small-enru", ("description",), copies=2, shards=1)  # type: ignore[arg-type]


def three_ways(walk: Callable[[str, str], Json], shop: Shop) -> Json:
    """Walk on the server, then through a gateway that is off, then through one that is on; return what was seen there."""
    direct = walk(shop.url, shop.index)
    off = GatewaySettings(policies=Policies(Policy(mode="off")))
    with Running(shop.url, off, family=shop.family) as gateway:
        assert walk(gateway.url, shop.index) == direct
    on = GatewaySettings(budget_ms=60_000, embed_writes=True, policies=Policies(Policy(mode="expand")))
    with Running(shop.url, on, family=shop.family) as gateway:
        return walk(gateway.url, shop.index)


WALKS = [
    pytest.param(server, make_walk, marks=server_param(server).marks, id=name)
    for server, make_walk, name in (
        ("elasticsearch-9", lambda: javascript("walk.mjs", "@elastic/elasticsearch"), "elastic-javascript"),
        ("opensearch-2", lambda: javascript("walk.mjs", "@opensearch-project/opensearch"), "opensearch-javascript"),
        ("elasticsearch-9", lambda: go("elasticsearch"), "elastic-go"),
        ("opensearch-2", lambda: go("opensearch"), "opensearch-go"),
        ("elasticsearch-9", java, "elastic-java"),
    )
]


@pytest.mark.parametrize(("server", "make_walk"), WALKS)
def test_an_app_in_another_language(
    server: str, make_walk: Callable[[], Callable[[str, str], Json]], request: pytest.FixtureRequest
) -> None:
    check_walk(three_ways(make_walk(), shop_on(request, server)))


@pytest.mark.parametrize("server", [server_param("elasticsearch-9")])
def test_ruby(server: str, request: pytest.FixtureRequest) -> None:
    if (
        shutil.which("ruby") is None
        or subprocess.run(["ruby", "-e", "require 'elasticsearch'"], check=False).returncode
    ):
        pytest.skip("needs ruby-elasticsearch: apt-get install ruby-elasticsearch")
    shop = shop_on(request, server)
    with Proxy(shop.url, says_what_it_is) as proxy:
        check_walk(three_ways(ruby, replace(shop, url=proxy.url)))


def check_walk(seen: Json) -> None:
    """What every app has to have seen."""
    assert (seen["stored"], seen["deleted"], seen["missing"], seen["count"]) == ("created", "deleted", 404, 33)
    assert seen["bulk"] == ["created", "deleted"] and seen["read"] == NOTE
    assert "note" in seen["paraphrase"][:3], "what was written just now is found by its meaning"
    filtered = seen["filtered"]
    assert filtered["total"] >= 2 and filtered["marked"] == len(filtered["ids"])
    assert sum(count for _, count in filtered["facets"]) == filtered["total"]
    assert not set(seen["pages"][0]) & set(seen["pages"][1])
    assert len(seen["many"][0]) == 3 and seen["many"][1] == []


@pytest.mark.parametrize("server", [server_param("elasticsearch-9")])
def test_a_page_of_search_ui(server: str, request: pytest.FixtureRequest) -> None:
    seen = three_ways(javascript("search_ui.mjs"), shop_on(request, server))
    assert seen["paraphrase"]["names"][0].startswith("Espresso machine")
    assert seen["paraphrase"]["total"] >= 2 and seen["filtered"]["total"] < seen["found"]["total"]


def served(folder: Path, url: str, index: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["node", "shop.mjs", url, index], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("server", [server_param("elasticsearch-9")])
def test_a_shop_by_searchkit_and_instantsearch(server: str, request: pytest.FixtureRequest, browser: Any) -> None:
    folder = prepared("searchkit", ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"])
    shop = shop_on(request, server)
    on = GatewaySettings(budget_ms=60_000, policies=Policies(Policy(mode="expand")))
    with Running(shop.url, on, family=shop.family) as gateway, served(folder, gateway.url, shop.index) as shown:
        assert shown.stdin is not None and shown.stdout is not None
        page = browser.new_page()
        try:
            page.goto(json.loads(shown.stdout.readline()))
            first = page.locator("#hits h2").first
            page.locator("#box input").fill("caffeine")
            first.filter(has_text="Espresso machine").wait_for()
            page.locator("#box input").fill("gloves")
            page.locator("#hits mark").first.wait_for()
            assert page.locator("#stats").inner_text().strip().isdigit()
            page.locator("#brands label", has_text="North").first.click()
            page.locator("#hits h2", has_text="Leather gloves").first.wait_for(state="detached")
            page.locator("#sort select").select_option(f"{shop.index}_price")
            first.filter(has_text="Winter cycling gloves").wait_for()
        finally:
            page.close()
            shown.stdin.close()
