"""Embedded engines that earlier versions wrote open, answer, take changes and route."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from searchctl import Index, Router

ARCHIVES = sorted(Path(__file__).with_name("written_before").glob("*.tar.gz"))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / request.param.name.removesuffix(".tar.gz")


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
def test_both_legs_answer(folder: Path, mode: str) -> None:
    with Index.open(folder, create=False) as index:
        assert index.count() == 2
        assert index.search("keep the receipt", mode=mode).hits[0].id == "returns"  # type: ignore[arg-type]
        assert index.search("сохраните чек", mode=mode, where={"lang": "ru"}).hits[0].id == "vozvrat"  # type: ignore[arg-type]


def test_changes_are_taken(folder: Path) -> None:
    with Index.open(folder, create=False) as index:
        index.ingest([{"id": "new", "text": "A gift card never expires.", "lang": "en", "year": 2025}])
        assert index.delete("returns") == 1
    with Index.open(folder, create=False) as index:
        assert index.count() == 2
        assert index.search("gift card", where={"year": 2025}).hits[0].id == "new"
        assert not [hit for hit in index.search("keep the receipt").hits if hit.id == "returns"]


def test_a_router_still_routes(folder: Path) -> None:
    with Index.open(folder, "routes", create=False) as index:
        (route,) = Router(index).predict(["where is the parcel I ordered"])
    assert route.label == "delivery"
