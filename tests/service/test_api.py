"""What the HTTP API answers."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from searchctl.service import bodies
from searchctl.service.openapi import description
from searchctl.service.operations import OPERATIONS

SHOP = "/v1/indexes/shop"


def test_search_by_address_and_by_body_are_the_same(client: TestClient) -> None:
    by_address = client.get(f"{SHOP}/search", params={"q": "keep the receipt", "k": 2}).json()
    by_body = client.post(f"{SHOP}/search", json={"q": "keep the receipt", "k": 2}).json()
    assert [hit["id"] for hit in by_address["hits"]] == [hit["id"] for hit in by_body["hits"]]
    best = by_address["hits"][0]
    assert best["id"] == "returns"
    text = best["passage"]["text"]
    assert [text[mark["start"] : mark["end"]].lower() for mark in best["passage"]["marks"]] == ["keep", "receipt"]


def test_search_takes_filters_pages_and_modes(client: TestClient) -> None:
    found = client.get(f"{SHOP}/search", params={"q": "30 days", "where": "lang=ru", "mode": "lexical"}).json()
    assert [hit["id"] for hit in found["hits"]] == ["vozvrat"]
    pages = [client.get(f"{SHOP}/search", params={"q": "gift returning", "k": 1, "start": n}).json() for n in (0, 1)]
    assert len({page["hits"][0]["id"] for page in pages}) == 2


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"q": ""}, "q"),
        ({}, "q"),
        ({"q": "a", "k": "many"}, "k"),
        ({"q": "a", "k": "0"}, "k"),
        ({"q": "a", "limit": "5"}, "limit"),
        ({"q": "a", "mode": "psychic"}, "mode"),
        ({"q": "a", "where": "lang="}, "filter"),
        ({"q": "a", "where": "land=en"}, "land"),
    ],
)
def test_what_is_wrong_with_a_search_is_said(client: TestClient, parameters: dict[str, str], named: str) -> None:
    response = client.get(f"{SHOP}/search", params=parameters)
    problem = response.json()
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["type"]) == (400, "urn:searchctl:problem:wrong-request")
    assert named in problem["detail"]
    assert problem["instance"].endswith(response.headers["x-request-id"])


def test_a_parameter_given_twice_is_refused(client: TestClient) -> None:
    assert client.get(f"{SHOP}/search?q=a&q=b").status_code == 400


def test_search_counts_sorts_and_groups(client: TestClient) -> None:
    asked = {
        "q": "30 days gift card",
        "facets": "lang,price:..5,5..",
        "sort": "-price,relevance",
        "min_relevance": 0.0001,
    }
    found = client.get(f"{SHOP}/search", params=asked).json()
    assert found["hits"][0]["id"] == "faq/gift"
    lang, price = found["facets"]
    assert {one["value"]: one["count"] for one in lang["values"]} == {"en": 2, "ru": 1}
    assert [(one["range"], one["count"]) for one in price["values"]] == [({"lt": 5}, 0), ({"gte": 5}, 1)]
    assert (price["missing"], price["documents"], price["counts"]) == (2, 3, "lexical")
    grouped = client.post(f"{SHOP}/search", json={"q": "30 days gift card", "group_by": "lang"}).json()
    assert sorted(hit["group"]["value"] for hit in grouped["hits"]) == ["en", "ru"]
    assert grouped["groups"]["value"] == 2
    for wrong in ({"facets": "land"}, {"sort": "text"}, {"group_by": "land"}):
        assert client.get(f"{SHOP}/search", params={"q": "a", **wrong}).status_code == 400


def test_suggestions_follow_what_is_written(client: TestClient) -> None:
    given = client.get(f"{SHOP}/suggest", params={"q": "gif"})
    assert given.json() == {
        "typed": "gif",
        "ready": True,
        "suggestions": [{"text": "Gift cards", "kind": "title", "id": "faq/gift", "repair": None, "index": None}],
    }
    assert "etag" not in given.headers
    assert client.get(f"{SHOP}/suggest", params={"q": "djpd"}).json()["suggestions"][0]["text"] == "Возврат"
    assert client.get(f"{SHOP}/suggest", params={"q": ""}).status_code == 400
    client.post("/v1/indexes/routes/examples", json={"label": "billing", "texts": ["refund now", "refund later"]})
    both = client.get("/v1/indexes/shop,routes/suggest", params={"q": "re"}).json()["suggestions"]
    assert {one["index"] for one in both} == {"shop", "routes"}


def test_topics_are_drawn_beside_and_then_kept(client: TestClient) -> None:
    pytest.importorskip("sklearn")
    for _ in range(200):
        told = client.get(f"{SHOP}/topics").json()
        if told["ready"]:
            break
        time.sleep(0.1)
    assert told["ready"] and {one["id"] for one in told["documents"]} == {"returns", "faq/gift", "vozvrat"}
    assert client.get("/v1/indexes/nope/topics").status_code == 404


def test_similar_and_answer(client: TestClient) -> None:
    similar = client.get(f"{SHOP}/similar", params={"id": "returns"}).json()
    assert "returns" not in [hit["id"] for hit in similar["hits"]] and similar["hits"]
    assert client.get(f"{SHOP}/similar", params={"id": "nope"}).status_code == 404
    assert client.get(f"{SHOP}/similar", params={"id": "returns", "text": "both"}).status_code == 400
    told = client.get(f"{SHOP}/answer", params={"q": "does a gift card expire"}).json()
    assert (told["best"] or told["others"][0])["sentence"] == "A gift card never expires."


def test_documents_are_stored_read_and_deleted(client: TestClient) -> None:
    url = f"{SHOP}/documents/notes/новое"
    assert client.put(url, json={"text": "Warranty lasts two years.", "lang": "en"}).json() == {
        "written": 1,
        "unchanged": 0,
        "failed": [],
    }
    stored = client.get(url).json()
    assert (stored["id"], stored["fields"]) == ("notes/новое", {"lang": "en"})
    assert client.get(f"{SHOP}/search", params={"q": "warranty"}).json()["hits"][0]["id"] == "notes/новое"
    assert client.delete(url).json() == {"deleted": 1}
    assert client.delete(url).json() == {"deleted": 0}
    assert client.get(url).status_code == 404


def test_a_document_that_cannot_be_stored_says_why(client: TestClient) -> None:
    assert client.put(f"{SHOP}/documents/a", json={"lang": "en"}).status_code == 422
    assert client.put(f"{SHOP}/documents/a", json={"id": "b", "text": "x"}).status_code == 400
    assert client.put(f"{SHOP}/documents/a", json=["text"]).status_code == 400
    assert client.put(f"{SHOP}/documents/a", content="text", headers={"content-type": "text/plain"}).status_code == 415


def test_bulk_stores_what_it_can_and_names_the_lines_it_cannot(client: TestClient) -> None:
    lines = ['{"id": "3", "text": "old"}', "{broken", "", '{"id": "2"}', '{"id": "1", "text": "first"}', "[1]"]
    lines += ['{"id": "1", "text": "second"}', '{"id": "4", "text": "four"}']
    response = client.post(
        f"{SHOP}/documents", content="\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )
    report = response.json()
    assert (response.status_code, report["written"]) == (200, 3)
    assert [(failure["line"], failure["id"]) for failure in report["failed"]] == [
        (2, None),
        (6, None),
        (4, "2"),
        (5, "1"),
    ]
    assert client.get(f"{SHOP}/documents/1").json()["text"] == "second"


def test_routes_can_be_asked_and_taught(client: TestClient) -> None:
    routes = "/v1/indexes/routes"
    labels = client.get(f"{routes}/labels").json()["labels"]
    assert [(label["label"], label["examples"]) for label in labels] == [("billing", 2), ("delivery", 2)]
    told = client.post(f"{routes}/predict", json={"texts": ["where is my parcel now"]}).json()["routes"]
    assert told[0]["top"] == "delivery" and told[0]["neighbours"][0]["text"] == "where is my parcel"
    added = client.post(f"{routes}/examples", json={"label": "warranty", "texts": ["it broke after a year"]})
    assert added.json()["changed"] == 1
    assert client.post(f"{routes}/predict", json={"texts": ["it broke after a year"]}).json()["routes"][0]["top"] == (
        "warranty"
    )
    assert "warranty" in client.post(f"{routes}/undo").json()["undone"]
    assert client.post(f"{routes}/examples/remove", json={"texts": ["never stored"]}).status_code == 400
    assert client.post(f"{routes}/examples/remove", json={"label": "billing"}).json()["changed"] == 2


def test_an_answer_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get(f"{SHOP}/search", params={"q": "gift"})
    tag = first.headers["etag"]
    again = client.get(f"{SHOP}/search", params={"q": "gift"}, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    client.put(f"{SHOP}/documents/more", json={"text": "gift wrapping"})
    changed = client.get(f"{SHOP}/search", params={"q": "gift"}, headers={"if-none-match": tag})
    assert changed.status_code == 200 and "more" in [hit["id"] for hit in changed.json()["hits"]]


@pytest.mark.parametrize(
    "path", ["/v1/indexes/nope/search?q=a", "/v1/indexes/..%2F..%2Fetc/search?q=a", "/v1/indexes/%00/search?q=a", "/x"]
)
def test_what_is_not_there_is_404_or_400(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code in (400, 404)
    assert response.headers["content-type"] == "application/problem+json"
    assert "etc/passwd" not in response.text


def test_a_wrong_method_is_told(client: TestClient) -> None:
    response = client.delete(f"{SHOP}/search")
    assert (response.status_code, response.json()["type"]) == (405, "urn:searchctl:problem:method")


def test_counters_are_there_for_prometheus(client: TestClient) -> None:
    client.get(f"{SHOP}/search", params={"q": "gift"})
    client.get(f"{SHOP}/search", params={"q": ""})
    text = client.get("/metrics").text
    assert 'searchctl_requests_total{operation="search",status="200"} 1.0' in text
    assert 'searchctl_requests_total{operation="search",status="400"} 1.0' in text


def test_every_answer_is_of_the_type_that_is_described(client: TestClient) -> None:
    answers: dict[str, Any] = {
        "list_indexes": client.get("/v1/indexes"),
        "search": client.get(f"{SHOP}/search", params={"q": "gift", "sentences": "true"}),
        "similar": client.get(f"{SHOP}/similar", params={"text": "gift"}),
        "answer": client.get(f"{SHOP}/answer", params={"q": "gift"}),
        "get_document": client.get(f"{SHOP}/documents/faq/gift"),
        "labels": client.get("/v1/indexes/routes/labels"),
        "predict": client.post("/v1/indexes/routes/predict", json={"texts": ["parcel"], "target_precision": 0.9}),
    }
    types = {operation.name: operation.answer for operation in OPERATIONS}
    for name, response in answers.items():
        msgspec.json.decode(response.content, type=types[name], strict=True)
    msgspec.json.decode(client.get("/health").content, type=bodies.HealthBody)


def test_the_description_covers_every_operation(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    assert told == json.loads(json.dumps(description(told["info"]["version"])))
    named = {action["operationId"] for path in told["paths"].values() for action in path.values()}
    assert named == {operation.name for operation in OPERATIONS} | {"write_documents", "health"}
