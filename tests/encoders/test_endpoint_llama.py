"""The encoder behind an address against a real llama.cpp server: killed in mid-batch, busy, slow, answers in another order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest

from searchctl import Index, open_encoder
from searchctl.encoders import endpoint
from searchctl.encoders.endpoint import EndpointEncoder
from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import EncoderMismatch
from searchctl.models.remote import pause
from searchctl.types import Vectors
from tests.encoders.endpoint_server import serving
from tests.generation.llama import LlamaServer, running_llama

pytestmark = pytest.mark.llm
TEXTS = ["green tea", "зелёный чай", "steel bridge", "the bridge is made of steel", "tea"]


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    with running_llama(embedding=True) as server:
        yield server


def opened(url: str, options: str = "") -> EndpointEncoder:
    encoder = open_encoder(f"openai:smollm2@{url}{options}")
    assert isinstance(encoder, EndpointEncoder)
    return encoder


def asked_alone(llama: LlamaServer, texts: list[str]) -> Vectors:
    """Return the server's own vectors, each text asked for by itself."""
    rows = []
    for text in texts:
        body = json.dumps({"input": [text], "model": "m"}).encode()
        with urlopen(Request(f"{llama.url}/embeddings", body, {"content-type": "application/json"})) as answer:
            rows.append(json.load(answer)["data"][0]["embedding"])
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_vectors_are_the_servers_in_order_and_of_length_one(llama: LlamaServer) -> None:
    encoder = opened(llama.url, "?batch=2")
    assert encoder.dim == 576
    found = encoder.encode_documents(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * asked_alone(llama, TEXTS)).sum(axis=1).min() > 0.999


def test_a_load_goes_on_when_the_server_is_killed_in_mid_batch(
    llama: LlamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_TRIES", 60)  # starting again takes seconds on a busy machine
    monkeypatch.setattr(endpoint, "_LONGEST_PAUSE", 1.0)
    pauses: list[float] = []
    monkeypatch.setattr(endpoint, "pause", lambda *given: pauses.append(pause(*given)) or pauses[-1])
    documents = [{"id": f"b{number}", "text": f"bridge number {number} of steel"} for number in range(48)]
    with Index.open(tmp_path, encoder=f"openai:smollm2@{llama.url}?batch=4") as index:
        turning = llama.restart_after(0.5)
        report = index.ingest(documents)
        turning.join()
        assert report.written == 48 and index.count() == 48
        assert pauses, "the server was killed too early or too late"
        encoder = index.encoder
        assert encoder is not None
        entries = index.engine.get(index.name, ["b0", "b47"], vectors=True)
        for entry in entries:
            assert entry is not None and entry.vectors is not None
            right = encoder.encode_documents([entry.document.text])[0]
            assert float(entry.vectors[0] @ right) > 0.99  # stored as float16; batches differ in the last digits
    with Index.open(tmp_path) as index:  # the model behind the address is the same after its restart
        assert index.search("steel bridge", mode="vector")


def test_faults_between_the_server_and_the_encoder_change_no_vector(
    llama: LlamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real vectors, through a server that sends them in another order, is busy and breaks off."""
    monkeypatch.setattr(endpoint, "_LONGEST_PAUSE", 0.01)
    with serving() as between:
        between.encode = lambda texts: asked_alone(llama, texts)
        encoder = opened(between.url)
        between.faults = [
            lambda texts, right: (429, {"retry-after": "1"}, b"busy"),
            lambda texts, right: None,
            lambda texts, right: (503, {}, b"loading"),
        ]
        found = encoder.encode_documents(TEXTS)
        assert len(between.requests) == 1 + 4
    assert (found * asked_alone(llama, TEXTS)).sum(axis=1).min() > 0.9999


def test_a_server_that_is_too_slow_once_is_waited_for(llama: LlamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(endpoint, "_TIMEOUT", 10.0)
    with serving() as between:
        between.encode = lambda texts: asked_alone(llama, texts)
        encoder = opened(between.url)
        between.faults = [slow]
        found = encoder.encode_documents(TEXTS[:2])
        assert len(between.requests) == 1 + 2
    assert (found * asked_alone(llama, TEXTS[:2])).sum(axis=1).min() > 0.9999


def slow(texts: list[str], right: bytes) -> None:
    time.sleep(11)


def test_another_model_behind_the_address_is_noticed(llama: LlamaServer, tmp_path: Path) -> None:
    with serving() as between:
        between.encode = lambda texts: asked_alone(llama, texts)
        with Index.open(tmp_path, encoder=f"openai:smollm2@{between.url}") as index:
            index.ingest(TEXTS)
        between.encode = HashingEncoder(576).encode_documents
        with Index.open(tmp_path) as index, pytest.raises(EncoderMismatch, match="reembed"):
            index.search("tea", mode="vector")
