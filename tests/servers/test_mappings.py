"""The index templates: what may differ between servers, and that each server takes its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.fixtures import SERVERS, server_param, server_url
from tests.servers.test_nodes import ask

MAPPINGS = Path(__file__).parents[2] / "mappings"
VECTOR = "mappings.properties.passages.properties.vector"
MAY_DIFFER = {
    ("opensearch-2", "opensearch-3"): {"settings.index.similarity.default.type"},
    ("elasticsearch-8", "elasticsearch-9"): set(),
    ("opensearch-2", "elasticsearch-8"): {
        "settings.index.knn",
        *(f"{VECTOR}.{key}" for key in ("type", "dimension", "dims", "index", "similarity")),
        *(
            f"{VECTOR}.method.{key}"
            for key in ("name", "engine", "space_type", "parameters.m", "parameters.ef_construction")
        ),
        *(f"{VECTOR}.index_options.{key}" for key in ("type", "m", "ef_construction")),
    },
}
ENGLISH = "The universities' max_connections: don't be RUNNING 3.5 times"
RUSSIAN = "Хлебная закваска и свёкла для кошек"


def template(name: str) -> Any:
    return json.loads((MAPPINGS / name / "index.json").read_text())


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {
        key: leaf
        for name, inner in value.items()
        for key, leaf in leaves(inner, f"{path}.{name}" if path else name).items()
    }


@pytest.mark.parametrize("pair", MAY_DIFFER, ids="/".join)
def test_templates_differ_only_where_they_must(pair: tuple[str, str]) -> None:
    one, other = (leaves(template(name)) for name in pair)
    assert {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)} == MAY_DIFFER[pair]


@pytest.mark.parametrize("name", [server_param(name) for name in SERVERS])
def test_the_server_takes_its_template(request: pytest.FixtureRequest, name: str) -> None:
    url, body = server_url(request, name), template(name)
    if name.startswith("elasticsearch"):  # these nodes lack the stemmers
        del body["settings"]["index"]["analysis"]
        for field in ("title", "text", "content"):
            del body["mappings"]["properties"][field]["analyzer"]
    types = json.loads((MAPPINGS / "fields.json").read_text())
    types["text"].pop("analyzer")
    body["mappings"]["properties"]["fields"]["properties"] = types
    try:
        assert ask(f"{url}/template", body, "PUT")["acknowledged"]
        for day in [
            "2024-01-05",
            "2024-01-05T10:00",
            "2024-01-05 10:00",
            "2024-01-05 10:00:01.123456+03:00",
            "2024-01-05T10:00:01Z",
        ]:
            ask(f"{url}/template/_doc?refresh=true", {"fields": {"date": day, "number": 1, "keyword": "a"}}, "POST")
        morning = {"range": {"fields.date": {"gte": 1704448800000, "format": "epoch_millis"}}}  # 10:00 UTC
        assert ask(f"{url}/template/_count", {"query": morning})["count"] == 3
    finally:
        ask(f"{url}/template?ignore_unavailable=true", method="DELETE")


@pytest.mark.parametrize(
    ("analyzer", "text", "terms"),
    [
        ("auto", ENGLISH, "univers max connect don t run 3 5 time"),
        ("en", ENGLISH, "univers max connect don t run 3 5 time"),
        ("standard", ENGLISH, "the universities max connections don t be running 3 5 times"),
        ("auto", RUSSIAN, "хлебн закваск свекл кошек"),
        ("ru", RUSSIAN, "хлебн закваск свекл кошек"),
        ("en", RUSSIAN, "хлебная закваска и свекла для кошек"),
    ],
)
@pytest.mark.parametrize("name", [server_param("opensearch-2"), server_param("opensearch-3")])
def test_words_are_analysed_as_by_the_embedded_engine(
    request: pytest.FixtureRequest, name: str, analyzer: str, text: str, terms: str
) -> None:
    url = server_url(request, name)
    try:
        ask(f"{url}/words", template(name), "PUT")
        found = ask(f"{url}/words/_analyze", {"analyzer": f"searchctl_{analyzer}", "text": text})
    finally:
        ask(f"{url}/words?ignore_unavailable=true", method="DELETE")
    assert " ".join(token["token"] for token in found["tokens"]) == terms
