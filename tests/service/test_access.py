"""Who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from searchctl.errors import ConfigError
from searchctl.service.access import Gatekeeper, read_tokens
from searchctl.service.app import ServiceSettings
from searchctl.service.indexes import Offer
from searchctl.service.limits import RequestLimits
from tests.service.conftest import client_of

READER = {"authorization": "Bearer shop-reader-0123456789"}
KEEPER = {"authorization": "Bearer routes-keeper-0123456789"}


def test_without_a_token_nothing_is_told(guarded: TestClient) -> None:
    for path in ("/v1/indexes", "/v1/indexes/shop/search?q=a", "/health", "/metrics"):
        response = guarded.get(path)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert guarded.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401


def test_each_token_sees_its_own_indexes(guarded: TestClient) -> None:
    def seen(headers: dict[str, str]) -> list[tuple[str, bool]]:
        return [
            (index["name"], index["writable"])
            for index in guarded.get("/v1/indexes", headers=headers).json()["indexes"]
        ]

    assert seen(READER) == [("shop", False)]
    assert seen(KEEPER) == [("routes", True)]
    assert guarded.get("/v1/indexes/routes/search?q=parcel", headers=READER).status_code == 403
    assert guarded.get("/v1/indexes/shop/search?q=gift", headers=KEEPER).status_code == 403
    there, missing = (guarded.get(f"/v1/indexes/{name}/labels", headers=READER) for name in ("routes", "nothing"))
    assert there.status_code == missing.status_code == 403  # nobody learns which names there are


def test_a_write_without_the_right_changes_nothing(guarded: TestClient) -> None:
    for send in (
        lambda: guarded.put("/v1/indexes/shop/documents/x", json={"text": "new"}, headers=READER),
        lambda: guarded.delete("/v1/indexes/shop/documents/returns", headers=READER),
        lambda: guarded.post(
            "/v1/indexes/shop/documents",
            content='{"text": "new"}',
            headers={**READER, "content-type": "application/x-ndjson"},
        ),
    ):
        assert send().status_code == 403
    assert guarded.get("/v1/indexes", headers=READER).json()["indexes"][0]["documents"] == 3
    added = guarded.post("/v1/indexes/routes/examples", json={"label": "new", "texts": ["hello"]}, headers=KEEPER)
    assert added.json()["changed"] == 1


@pytest.fixture
def locked(folder: Path) -> Iterator[TestClient]:
    """Yield a client of a service that isn't writable, offers one index, and lets one page and two requests a second in."""
    settings = ServiceSettings(
        Offer(str(folder), names=("shop",)),
        Gatekeeper([], writable=False),
        origins=("https://wiki.example.org",),
        limits=RequestLimits(rate=1.0, body=200),
    )
    yield from client_of(settings)


def test_nothing_can_be_written_unless_it_is_said(locked: TestClient) -> None:
    response = locked.put("/v1/indexes/shop/documents/x", json={"text": "new"})
    assert (response.status_code, "--writable" in response.json()["detail"]) == (403, True)


def test_indexes_that_are_not_offered_are_not_there(locked: TestClient) -> None:
    assert locked.get("/v1/indexes/routes/labels").status_code == 404


def test_pages_of_other_origins_may_not_ask(locked: TestClient) -> None:
    other = locked.get("/v1/indexes", headers={"origin": "https://evil.example.org"})
    assert other.status_code == 403 and "access-control-allow-origin" not in other.headers
    wiki = locked.get("/v1/indexes", headers={"origin": "https://wiki.example.org"})
    assert (wiki.status_code, wiki.headers["access-control-allow-origin"]) == (200, "https://wiki.example.org")


def test_another_host_name_is_refused_on_loopback(locked: TestClient) -> None:
    assert locked.get("/v1/indexes", headers={"host": "rebound.example.org"}).status_code == 403


def test_one_caller_may_not_ask_without_end(locked: TestClient) -> None:
    statuses = [locked.get("/v1/indexes").status_code for _ in range(6)]
    assert statuses[:2] == [200, 200] and statuses[-1] == 429


def test_a_body_that_is_too_large_is_refused(locked: TestClient) -> None:
    assert locked.post("/v1/indexes/shop/search", json={"q": "a" * 300}).status_code == 413


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "token"),
        ("[[token]]\ntoken = 'short'", "shorter than"),
        ("[[token]]\ntoken = 'long-enough-0123456789'\nrights = ['fly']", "fly"),
        ("[[token]]\ntokn = 'long-enough-0123456789'", "token"),
        ("not toml", "tokens"),
    ],
)
def test_a_file_of_tokens_that_is_wrong_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_tokens(path)


def test_no_secret_is_held(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text("[[token]]\ntoken = 'long-enough-0123456789'", encoding="utf-8")
    assert "long-enough" not in repr(read_tokens(path))


@pytest.mark.parametrize(
    "name", ["..", "../shop", "..%2Fshop", "%2e%2e", "shop%2F..%2Froutes", "shop%00", "C:%5Cshop", ".hidden", "a" * 600]
)
def test_names_lead_out_of_no_folder(client: TestClient, folder: Path, name: str) -> None:
    before = sorted(path.name for path in folder.parent.rglob("*"))
    for send in (
        lambda url: client.get(f"{url}/search?q=a"),
        lambda url: client.put(f"{url}/documents/x", json={"text": "new"}),
        lambda url: client.post(f"{url}/examples", json={"label": "new", "texts": ["hello"]}),
        lambda url: client.delete(f"{url}/documents/returns"),
    ):
        response = send(f"/v1/indexes/{name}")
        assert response.status_code in (400, 404, 405), (name, response.text)
    assert sorted(path.name for path in folder.parent.rglob("*")) == before
    assert client.get("/v1/indexes/shop/documents/returns").status_code == 200


def test_several_indexes_need_the_right_to_each(guarded: TestClient) -> None:
    """A pattern of a token is no pattern for what is asked: `shop,routes` fits no `shop*`."""
    shop = {"Authorization": "Bearer shop-reader-0123456789"}
    routes = {"Authorization": "Bearer routes-keeper-0123456789"}
    assert guarded.get("/v1/indexes/shop/search?q=a", headers=shop).status_code == 200
    for name in ("shop,routes", "routes,shop", "rout*", "routes,*", "routes,sho%3F", "-routes", "<routes>"):
        for token in (shop, routes):
            assert guarded.get(f"/v1/indexes/{name}/search?q=a", headers=token).status_code == 403, name


def test_several_indexes_are_searched_as_one(client: TestClient) -> None:
    found = client.get("/v1/indexes/shop,routes/search", params={"q": "refund receipt"}).json()
    assert {hit["index"] for hit in found["hits"]} == {"shop", "routes"}
    assert client.get("/v1/indexes/shop,nope/search", params={"q": "refund"}).status_code == 404
