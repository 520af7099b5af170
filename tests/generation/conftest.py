"""An index of the demo with the hashing encoder, and a server that answers about it as a good model would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl import Index
from searchctl.evaluation.dataset import read_corpus
from tests.generation.chat_server import DEMO, ChatServerScript, GoodModel, chatting


@pytest.fixture(scope="session")
def hashed_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the demo's 46 articles on delivery and returns."""
    folder = tmp_path_factory.mktemp("demo")
    with Index.open(folder, encoder="hashing") as index:
        index.ingest(
            document
            for document in read_corpus(DEMO / "corpus.jsonl")
            if document.id.split("-")[1] in ("delivery", "returns")
        )
    return folder


@pytest.fixture
def good_server() -> Iterator[ChatServerScript]:
    with chatting(GoodModel()) as server:
        yield server
