"""Python's own search libraries, unchanged: elasticsearch-py 8, LangChain, Haystack, Wagtail's search, django-haystack.

Each makes its index as it always does, and that is vectorized. Then it walks through an app's day four times: on the server, through
a gateway that is off, through one that answers by both legs and encodes what is written, and with a hybrid client in process.
Their libraries lie in folders of their own, for each needs other versions.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.engines import open_engine
from searchctl.gateway.policies import Policies
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy
from searchctl.index import encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.foreign import ForeignIndex, Reading
from searchctl.settings.connection import Family
from tests.gateway.running import Running, ask, says_what_it_is
from tests.servers.cache import cached
from tests.servers.parameters import server_param, server_url
from tests.servers.proxy import Proxy

SOURCES = Path(__file__).parent / "walks" / "python"
ROOT = Path(__file__).parents[2]
OFF = GatewaySettings(policies=Policies(Policy(mode="off")))
ON = GatewaySettings(budget_ms=60_000, embed_writes=True, policies=Policies(Policy(mode="expand")))
NOTE, COFFEE = "Espresso pot", {"Espresso machine", "Coffee grinder", "Espresso pot"}
Json = dict[str, Any]
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Seen:
    """What a program saw on the server, through the gateway that is off and the one that is on, and by a hybrid client."""

    direct: Json
    off: Json
    on: Json
    wrapped: Json | None


def libraries(name: str) -> Path:
    """Return the folder with a walk's libraries, brought from their registry; kept between runs."""
    listed = SOURCES / f"{name}.txt"
    mark = hashlib.sha256(listed.read_bytes() + sys.version.encode()).hexdigest()[:12]

    def make(folder: Path) -> None:
        brought = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode"]
        subprocess.run([*brought, "--target", folder, "--requirement", listed], check=True, timeout=600)

    return cached(f"walk-python-{name}-{mark}", make)


@contextmanager
def server(request: pytest.FixtureRequest, name: str) -> Iterator[tuple[str, Family]]:
    url = server_url(request, name)
    if name.startswith("opensearch"):
        yield url, "opensearch"
        return
    with Proxy(url, says_what_it_is) as proxy:
        yield proxy.url, "elasticsearch"


def vectorize(url: str, index: str, texts: list[str]) -> None:
    engine, encoder = open_engine(url), open_encoder(DEFAULT_ENCODER)
    try:
        stamp = encoder_stamp(DEFAULT_ENCODER, encoder)
        ForeignIndex(engine, index, stamp, encoder, Reading("", tuple(texts))).run(Monitor())
    finally:
        engine.close()


def walked(program: str, needs: str, url: str, family: Family, *, wraps: bool = True) -> Seen:
    """Have a program make its index, give that vectors, and have it walk through all doors."""
    index = f"walk-{program.replace('_', '-')}"
    ask(url, "DELETE", f"/searchctl-vectors-{index}*?ignore_unavailable=true")
    path = os.pathsep.join(map(str, (ROOT, ROOT / "src", libraries(needs))))
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "LANGSMITH_TRACING": "false", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, f"{program}.py", index, url], cwd=SOURCES, env={**os.environ, **quiet, "PYTHONPATH": path},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process, ExitStack() as stack:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        made = process.stdout.readline()
        assert made, f"{program} couldn't make its index; its errors stand above"
        texts = json.loads(made)
        home = texts.pop(0) if texts[0].startswith(index) else index
        vectorize(family_url(url, family), home, texts)
        doors = {
            "direct": url,
            "off": stack.enter_context(Running(url, OFF, family=family)).url,
            "on": stack.enter_context(Running(url, ON, family=family)).url,
            **({"wrapped": url} if wraps else {}),
        }
        said, _ = process.communicate(json.dumps(doors) + "\n", timeout=120)
    assert process.returncode == 0
    seen: Json = {}
    for line in said.splitlines():
        seen |= json.loads(line)
    assert seen["direct"] == seen["off"]
    return Seen(seen["direct"], seen["off"], seen["on"], seen.get("wrapped"))


def family_url(url: str, family: Family) -> str:
    return url.replace("http://", f"{family}://")


def check_paraphrase(direct: list[str], on: list[str], wrapped: list[str] | None) -> None:
    """Words alone find nothing; by meaning there is coffee, through the gateway also what was written just now."""
    assert direct == [] and NOTE in on[:3] and COFFEE & set(on[:3]) - {NOTE}
    if wrapped is not None:
        assert wrapped[0] in COFFEE


@pytest.fixture
def walk(request: pytest.FixtureRequest) -> Callable[..., Seen]:
    def go(program: str, needs: str, name: str, *, wraps: bool = True) -> Seen:
        with server(request, name) as (url, family):
            return walked(program, needs, url, family, wraps=wraps)

    return go


def on(server: str) -> Any:
    return pytest.mark.parametrize("server_name", [server_param(server)])


@on("elasticsearch-8")
def test_elasticsearch_py_8(walk: Callable[..., Seen], server_name: str) -> None:
    seen = walk("elasticsearch_8", "elastic8", server_name)
    names = {"p3": "Espresso machine", "p11": "Coffee grinder", "note": NOTE}

    def named(ids: list[str]) -> list[str]:
        return [names.get(id, id) for id in ids]

    assert seen.wrapped is not None
    check_paraphrase(seen.direct["paraphrase"], named(seen.on["paraphrase"]), named(seen.wrapped["paraphrase"]))
    for said in (seen.on, seen.wrapped):
        assert (said["stored"], said["bulk"], said["count"]) == ("created", [1, []], 16)
        assert said["read"]["price"] == 501 and said["deleted"] == "deleted"
        assert said["later"][0] in names and said["many"][0][0] in names and said["many"][1] == []
        assert said["dsl"][0][0] in names and said["dsl"][1] == seen.direct["dsl"][1], "facets are of the words"
        assert (said["scanned"], said["sorted"], said["refused"]) == tuple(
            seen.direct[name] for name in ("scanned", "sorted", "refused")
        )
        assert said["pages"][0] == 0 and "Winter cycling gloves" in said["models"]
        assert 1 <= said["filtered"]["marked"] <= len(said["filtered"]["ids"]) <= said["filtered"]["total"]
        assert said["filtered"]["facets"] == seen.direct["filtered"]["facets"]


@on("elasticsearch-8")
def test_langchain_on_elasticsearch(walk: Callable[..., Seen], server_name: str) -> None:
    seen = walk("langchain_elastic", "elastic8", server_name)
    assert seen.wrapped is not None
    check_paraphrase(seen.direct["paraphrase"], seen.on["paraphrase"], seen.wrapped["paraphrase"])
    for said in (seen.on, seen.wrapped):
        assert said["stored"] == ["note"] and said["read"] == NOTE
        assert said["filtered"][0] == "Winter cycling gloves" and said["as_retriever"][0] in COFFEE
        assert not {"Leather gloves", "Thermal mittens"} & set(said["filtered"]), "of other brands"
        assert len(said["scored"]) == 3
        plain, ordered, second = (said["retriever"][name] for name in ("plain", "sorted", "second"))
        assert ordered == seen.direct["retriever"]["sorted"] and all(marked for _, marked in plain)
        assert not {name for name, _ in plain} & {name for name, _ in second}


@on("opensearch-2")
def test_langchain_on_opensearch(walk: Callable[..., Seen], server_name: str) -> None:
    seen = walk("langchain_opensearch", "opensearch", server_name)
    assert seen.direct["paraphrase"] == [] and seen.wrapped is not None
    for said in (seen.on, seen.wrapped):
        assert "coffee" in said["paraphrase"][0] and "gloves" in said["words"][0]
        assert (said["near"], said["filtered"]) == (seen.direct["near"], seen.direct["filtered"]), "its own vectors"


@pytest.mark.parametrize(
    ("server_name", "needs"),
    [
        pytest.param(server, needs, marks=server_param(server).marks, id=server)
        for server, needs in (("elasticsearch-8", "elastic8"), ("opensearch-2", "opensearch"))
    ],
)
def test_haystack(walk: Callable[..., Seen], server_name: str, needs: str) -> None:
    seen = walk("haystack_stores", needs, server_name)
    assert seen.wrapped is not None
    check_paraphrase(seen.direct["paraphrase"], seen.on["paraphrase"], seen.wrapped["paraphrase"])
    for said in (seen.on, seen.wrapped):
        assert (said["written"], said["count"]) == (1, 17) and len(said["few"]) == 2
        assert said["scaled"][0] in COFFEE and said["later"][0] in COFFEE
        assert said["filtered"][0] == "Winter cycling gloves" and "Leather gloves" not in said["filtered"]
        assert (said["listed"], said["facets"]) == (seen.direct["listed"], seen.direct["facets"])


@on("opensearch-2")
def test_wagtail(walk: Callable[..., Seen], server_name: str) -> None:
    seen = walk("wagtail_search", "wagtail_search", server_name)
    assert seen.wrapped is not None
    check_paraphrase(seen.direct["paraphrase"], seen.on["paraphrase"], seen.wrapped["paraphrase"])
    for said in (seen.on, seen.wrapped):
        same = ("facets", "sorted", "beginning", "all", "count")
        assert {name: said[name] for name in same} == {name: seen.direct[name] for name in same}
        assert said["filtered"][0] == "Winter cycling gloves" and said["fields"] and all(said["scored"])
        assert not set(said["pages"][0]) & set(said["pages"][1])


@on("opensearch-2")
def test_django_haystack(walk: Callable[..., Seen], server_name: str) -> None:
    seen = walk("django_haystack", "django_haystack", server_name, wraps=False)
    check_paraphrase(seen.direct["paraphrase"], seen.on["paraphrase"], None)
    same = ("facets", "sorted", "exact", "like", "beginning")
    assert {name: seen.on[name] for name in same} == {name: seen.direct[name] for name in same}
    assert seen.on["filtered"][0] == "Winter cycling gloves" and all(seen.on["marked"])
    assert not set(seen.on["pages"][0]) & set(seen.on["pages"][1])
    assert seen.on["count"] >= seen.direct["count"] == 2
    assert "elasticsearch-py (8 and later)" in seen.on["refused"], "its client is older than what can be wrapped"
