"""Indexes of many kinds that others made: each danger is named before anything is written, and nothing goes wrong with exit code 0."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner, Result

from searchctl.cli import main
from searchctl.engines import open_engine
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import ServerRefusal
from searchctl.types import Json
from tests.servers.parameters import server_param, server_url

TEXT: Json = {"type": "text"}
KEYWORD: Json = {"type": "keyword"}
BODY: Json = {"body": TEXT}
REFUSED = 2


@dataclass(frozen=True)
class Kind:
    """An index of others: how it is made, what is typed about it, and the subjects of what has to be said of it.

    `code` is how the run ends; `found` are the ids that a search for "winter gloves" brings afterwards. What is
    `refused` at once has no dry run.
    """

    make: Callable[[Any, str], None]
    said: set[tuple[str, str]] = field(default_factory=set)
    code: int = 0
    found: tuple[str, ...] = ("1",)
    options: tuple[str, ...] = ()
    refused: str = ""


def one(
    properties: Json, *sources: Json, settings: Json | None = None, after: Json | None = None, **mapping: Any
) -> Any:
    """Return what makes an index with documents 1, 2, …; `after` are settings changed in the end."""

    def make(ask: Any, name: str) -> None:
        index = {"number_of_shards": 1, "number_of_replicas": 0, **(settings or {})}
        ask("PUT", f"/{name}", {"settings": {"index": index}, "mappings": {"properties": properties, **mapping}})
        for number, source in enumerate(sources or [{"body": "winter gloves"}]):
            ask("PUT", f"/{name}/_doc/{number + 1}?refresh=true&routing=r", source)
        if after:
            ask("PUT", f"/{name}/_settings", after)

    return make


def behind_one_name(*parts: tuple[Json, dict[str, Json]], closed: bool = False) -> Any:
    """Return what makes several indexes behind one alias, of properties and documents by id; the last may be closed."""

    def make(ask: Any, name: str) -> None:
        for number, (properties, sources) in enumerate(parts):
            index = {"number_of_shards": 1, "number_of_replicas": 0}
            aliases: Json = {name: {"is_write_index": number == 0}}
            mappings = {"properties": properties}
            ask("PUT", f"/{name}-{number}", {"settings": {"index": index}, "mappings": mappings, "aliases": aliases})
            for id, source in sources.items():
                ask("PUT", f"/{name}-{number}/_doc/{id}?refresh=true", source)
        if closed:
            ask("POST", f"/{name}-{len(parts) - 1}/_close")

    return make


def under_a_template(template: Json) -> Any:
    def make(ask: Any, name: str) -> None:
        patterns = {"index_patterns": ["searchctl-*"], "priority": 400}
        ask("PUT", f"/_index_template/{name}", {**patterns, "template": template})
        one(BODY)(ask, name)

    return make


def in_a_closed_one(ask: Any, name: str) -> None:
    one(BODY)(ask, name)
    ask("POST", f"/{name}/_close")


GLOVES: Json = {"body": "winter gloves"}
KINDS = {
    "routing required": Kind(one(BODY, _routing={"required": True})),
    "documents under one id in two indexes": Kind(
        behind_one_name((BODY, {"1": GLOVES}), (BODY, {"1": GLOVES, "2": {"body": "tea"}})), {("error", "ids")}, REFUSED
    ),
    "an index closed": Kind(in_a_closed_one, code=REFUSED, refused="is closed"),
    "one of two closed": Kind(
        behind_one_name((BODY, {"1": GLOVES}), (BODY, {"2": GLOVES}), closed=True), code=REFUSED, refused="is closed"
    ),
    "a field of two types": Kind(
        behind_one_name(
            ({**BODY, "price": KEYWORD}, {"1": {**GLOVES, "price": "low"}}),
            ({**BODY, "price": {"type": "float"}}, {"2": {**GLOVES, "price": 3}}),
        ),
        {("warning", "fields")},
        found=("1", "2"),
    ),
    "texts in one index only": Kind(
        behind_one_name((BODY, {"1": GLOVES}), ({"note": TEXT}, {"2": {"note": "tea"}})), {("warning", "text")}
    ),
    "texts left out of _source": Kind(
        one(BODY, _source={"excludes": ["bo*"]}), {("error", "_source"), ("error", "text")}, REFUSED
    ),
    "nested texts": Kind(
        one({"parts": {"type": "nested", "properties": {"text": TEXT}}}, {"parts": [{"text": "winter gloves"}]}),
        {("error", "words")},
        REFUSED,
        options=("--text", "parts.text"),
    ),
    "nested texts beside others": Kind(
        one(
            {"title": TEXT, "parts": {"type": "nested", "properties": {"text": TEXT}}},
            {"title": "hands", "parts": [{"text": "winter gloves"}]},
        ),
        {("warning", "words")},
        options=("--text", "parts.text"),
    ),
    "texts that aren't indexed": Kind(one({"body": {"type": "text", "index": False}}), {("error", "words")}, REFUSED),
    "a keyword": Kind(
        one({"name": KEYWORD}, {"name": "winter gloves"}), {("warning", "words")}, options=("--text", "name")
    ),
    "a text below a keyword": Kind(
        one({"name": {**KEYWORD, "fields": {"words": TEXT}}}, {"name": "winter gloves"}), options=("--text", "name")
    ),
    "a small window": Kind(
        one(BODY, *[{"body": f"winter gloves {n}"} for n in range(7)], settings={"max_result_window": 3}),
        {("warning", "window")},
        found=(),  # three of seven that are alike
    ),
    "a block": Kind(one(BODY, after={"index.blocks.write": True}), {("ok", "left alone")}),
    "a pipeline that is gone": Kind(one(BODY, after={"index.default_pipeline": "gone"}), {("ok", "left alone")}),
    "a full mapping": Kind(one(BODY, settings={"mapping": {"total_fields": {"limit": 1}}})),
    "a sorted index": Kind(
        one({**BODY, "rank": {"type": "long"}}, {**GLOVES, "rank": 1}, settings={"sort.field": "rank"})
    ),
    "fields of searchctl's names": Kind(
        one({**BODY, "passages": KEYWORD, "searchctl": KEYWORD}, {**GLOVES, "passages": "p", "searchctl": "s"})
    ),
    "parents and children": Kind(
        one({**BODY, "kin": {"type": "join", "relations": {"question": "answer"}}}, {**GLOVES, "kin": "question"})
    ),
    "names with dots": Kind(one({"a.b": TEXT}, {"a.b": "winter gloves"}), options=("--text", "a.b")),
    "a template that maps vectors": Kind(
        under_a_template({"mappings": {"properties": {"passages": KEYWORD}}}), {("error", "template")}, REFUSED
    ),
    "a template with an alias": Kind(under_a_template({"aliases": {"searchctl-everything": {}}}), {("ok", "template")}),
}
LACKING = {"elasticsearch-8": {"parents and children"}}  # modules that the node of the tests doesn't have


@dataclass
class Cluster:
    """A server, the name of the index there, and what is typed."""

    engine: ServerEngine
    name: str

    def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        return self.engine.client.request(method, path, body).body

    def typed(self, *command: str) -> Result:
        arguments = [*command, "--engine", self.engine.url, "--json"]
        return CliRunner().invoke(main, arguments, prog_name="searchctl")

    def indexes(self) -> set[str]:
        return set(self.ask("GET", f"/*{self.name}*?expand_wildcards=all"))

    def clear(self) -> None:
        for path in [f"/{index}" for index in self.indexes()] + [f"/_index_template/{self.name}"]:
            try:
                self.ask("DELETE", path)
            except ServerRefusal as refusal:
                assert refusal.status == 404  # noqa: PT017 - most have no template


def cases() -> list[Any]:
    return [
        pytest.param(server, title, marks=server_param(server).marks, id=f"{server}-{title}")
        for server in ("opensearch-2", "elasticsearch-8")
        for title in KINDS
        if title not in LACKING.get(server, ())
    ]


@pytest.mark.parametrize(("server", "title"), cases())
def test_dangers_are_named_before_anything_is_written(request: pytest.FixtureRequest, server: str, title: str) -> None:
    kind = KINDS[title]
    with closing(open_engine(server_url(request, server))) as engine:
        assert isinstance(engine, ServerEngine)
        cluster = Cluster(engine, f"kind-{uuid.uuid4().hex[:8]}")
        try:
            kind.make(cluster.ask, cluster.name)
            check(cluster, kind)
        finally:
            cluster.clear()


def check(cluster: Cluster, kind: Kind) -> None:
    """Type the dry run, the run, a search in each mode and --remove; compare what is said and left."""
    command = ("vectorize", cluster.name, *kind.options, "--encoder", "hashing:32")
    before = cluster.indexes()
    plan = cluster.typed(*command, "--dry-run")
    if kind.refused:
        assert (plan.exit_code, cluster.typed(*command).exit_code) == (kind.code, kind.code)
        assert kind.refused in plan.stderr
        assert cluster.indexes() == before
        return
    assert plan.exit_code == 0, plan.output
    announced = json.loads(plan.stdout)
    said = {(finding["level"], finding["subject"]) for finding in announced["findings"]}
    assert said >= kind.said
    assert {level for level, _ in said - kind.said} <= {"ok"}, "what could do harm is all that is warned of"
    assert cluster.indexes() == before
    run = cluster.typed(*command)
    assert run.exit_code == kind.code, run.output
    assert cluster.indexes() == before | ({announced["vectors"]} if kind.code == 0 else set())
    if kind.code:
        return
    for mode in ("hybrid", "vector"):
        answer = cluster.typed("search", "winter gloves", "--index", cluster.name, "--mode", mode, "-k", "10")
        ids = sorted(hit["id"] for hit in json.loads(answer.stdout)["hits"])
        assert ids and set(ids) >= set(kind.found), (mode, answer.output)
        assert len(ids) == len(set(ids))
    assert cluster.typed(*command, "--remove").exit_code == 0
    assert cluster.indexes() == before


@pytest.mark.parametrize("server", [server_param("opensearch-2"), server_param("elasticsearch-8")])
def test_an_index_that_may_not_be_described_hides_no_others(request: pytest.FixtureRequest, server: str) -> None:
    with closing(open_engine(server_url(request, server))) as engine:
        assert isinstance(engine, ServerEngine)
        cluster = Cluster(engine, f"kind-{uuid.uuid4().hex[:8]}")
        try:
            one(BODY)(cluster.ask, cluster.name)
            assert cluster.typed("vectorize", cluster.name, "--encoder", "hashing:32").exit_code == 0
            one(BODY, after={"index.blocks.metadata": True})(cluster.ask, f"{cluster.name}-blocked")
            assert f"searchctl-vectors-{cluster.name}" in [info.name for info in engine.indexes()]
            refused = cluster.typed("vectorize", f"{cluster.name}-blocked", "--dry-run")
            assert refused.exit_code == 1
            assert "index.blocks in the settings" in refused.stderr
        finally:
            cluster.ask("PUT", f"/{cluster.name}-blocked/_settings", {"index.blocks.metadata": None})
            cluster.clear()
