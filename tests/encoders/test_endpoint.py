"""Encoders behind an address: what is asked, what is asked again, and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchctl import Index, open_encoder
from searchctl.encoders import endpoint
from searchctl.encoders.endpoint import EndpointEncoder, parse_endpoint
from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import EncoderMismatch, EncoderUnavailable
from searchctl.models.remote import headers_for
from tests.encoders.endpoint_server import Answer, EmbeddingServer, serving

TEXTS = ["green tea", "steel bridge", "", "чай " * 3000]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_LONGEST_PAUSE", 0.01)


def opened(server: EmbeddingServer, options: str = "") -> EndpointEncoder:
    encoder = open_encoder(f"openai:small@{server.url}{options}")
    assert isinstance(encoder, EndpointEncoder)
    return encoder


def test_vectors_come_in_the_order_of_the_texts_and_have_length_one(server: EmbeddingServer) -> None:
    encoder = opened(server, "?batch=2")
    assert encoder.dim == 64
    found = encoder.encode_documents(TEXTS[:3])
    np.testing.assert_allclose(found, HashingEncoder(64).encode_documents([*TEXTS[:2], " "]), atol=1e-6)
    assert [len(request["input"]) for request in server.requests] == [1, 2, 1]
    assert server.requests[0]["model"] == "small" and "dimensions" not in server.requests[0]


def test_the_address_says_prefixes_lengths_and_dimensions(server: EmbeddingServer) -> None:
    encoder = opened(server, "?query_prefix=query:%20&document_prefix=passage:%20&dimensions=64&max_tokens=8")
    encoder.encode_queries(["tea"])
    encoder.encode_documents(["tea " * 100])
    assert [request["input"][0] for request in server.requests[1:]] == ["query: tea", ("passage: " + "tea " * 100)[:48]]
    assert encoder.max_tokens == 8 and server.requests[0]["dimensions"] == 64


def busy(texts: list[str], right: bytes) -> Answer:
    return 429, {"retry-after": "1"}, b"busy"


def too_late(texts: list[str], right: bytes) -> None:
    time.sleep(0.8)


def broken_off(texts: list[str], right: bytes) -> None:
    return None


def test_a_busy_server_and_a_broken_connection_are_asked_again(server: EmbeddingServer) -> None:
    encoder = opened(server)
    server.faults = [busy, broken_off, lambda texts, right: (503, {}, b"loading")]
    np.testing.assert_allclose(
        encoder.encode_documents(TEXTS[:2]), HashingEncoder(64).encode_documents(TEXTS[:2]), atol=1e-6
    )
    assert len(server.requests) == 1 + 4


def test_an_answer_that_takes_too_long_is_asked_for_again(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_TIMEOUT", 0.5)
    encoder = opened(server)
    server.faults = [too_late, too_late]
    np.testing.assert_allclose(
        encoder.encode_documents(TEXTS[:2]), HashingEncoder(64).encode_documents(TEXTS[:2]), atol=1e-6
    )
    assert len(server.requests) == 1 + 3
    server.faults = [too_late] * 6
    with pytest.raises(EncoderUnavailable, match="ReadTimeout"):
        encoder.encode_documents(TEXTS[:2])


def test_a_request_that_is_too_large_is_split(server: EmbeddingServer) -> None:
    encoder = opened(server)
    server.most = 3
    texts = [f"text number {number}" for number in range(10)]
    np.testing.assert_allclose(encoder.encode_documents(texts), HashingEncoder(64).encode_documents(texts), atol=1e-6)
    sizes = [len(request["input"]) for request in server.requests[1:]]
    assert max(sizes) == 10 and sizes.count(10) == 1
    encoder.encode_documents(texts)
    assert max(len(request["input"]) for request in server.requests[1 + len(sizes) :]) <= 5  # the size is remembered


def wrong(change: object) -> object:
    def fault(texts: list[str], right: bytes) -> Answer:
        answer = json.loads(right)
        return 200, {}, json.dumps(change(answer)).encode()  # type: ignore[operator]

    return fault


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda texts, right: (404, {}, b'{"error": "no such model"}'), r"it answered 404: .*no such model.*; check"),
        (lambda texts, right: (200, {}, b"<html>"), "isn't a list of embeddings"),
        (wrong(lambda answer: {"data": answer["data"][1:]}), "isn't a list of embeddings"),
        (wrong(lambda answer: {"data": answer["data"] * 2}), "it gave 4 vectors for 2 texts"),
        (wrong(lambda answer: {"data": [{**row, "embedding": row["embedding"][:8]} for row in answer["data"]]}), "64 numbers before"),
        (wrong(lambda answer: {"data": [{**row, "embedding": [0.0] * 64} for row in answer["data"]]}), "no length"),
        (wrong(lambda answer: {"data": [{**row, "embedding": [float("nan")] * 64} for row in answer["data"]]}), "no length"),
    ],
    ids=["unknown model", "no JSON", "a text is missing", "too many", "another dimension", "zeros", "not numbers"],
)  # fmt: skip
def test_what_is_no_answer_is_refused(server: EmbeddingServer, fault: object, message: str) -> None:
    encoder = opened(server)
    server.faults = [fault]  # type: ignore[list-item]
    with pytest.raises(EncoderUnavailable, match=message):
        encoder.encode_documents(TEXTS[:2])


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(EncoderUnavailable, match=f"can't get vectors of 'small' from {url}/embeddings.*check that"):
        open_encoder(f"openai:small@{url}")


def test_an_index_notices_another_model_behind_the_address(server: EmbeddingServer, tmp_path: Path) -> None:
    name = f"openai:small@{server.url}"
    with Index.open(tmp_path, encoder=name) as index:
        index.ingest([{"id": "tea", "text": "green tea"}, {"id": "bridge", "text": "steel bridge"}])
        assert index.search("tea", mode="vector")[0].id == "tea"
    with Index.open(tmp_path) as index:
        assert index.encoder is not None and index.encoder.name == name
        assert index.search("bridge", mode="vector")[0].id == "bridge"
    right = server.encode
    server.encode = lambda texts: right([text[::-1] for text in texts])
    with Index.open(tmp_path) as index, pytest.raises(EncoderMismatch, match="reembed"):
        index.search("tea", mode="vector")


def test_the_last_digits_do_not_make_another_model() -> None:
    generator = np.random.default_rng(4)
    for _ in range(50):
        vector = generator.normal(size=384)
        vector /= np.linalg.norm(vector)
        noise = vector + generator.normal(size=384) * 1e-6
        assert endpoint._traits(vector) == endpoint._traits(noise / np.linalg.norm(noise))
    assert endpoint._traits(np.array([1.0])) == "1:0+"


def test_a_key_is_sent_and_never_in_the_open(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHCTL_EMBEDDINGS_KEY", "sesame")
    opened(server)
    assert server.headers[0]["authorization"] == "Bearer sesame"
    server.faults = [lambda texts, right: (401, {}, b"no such key: sesame")]
    with pytest.raises(EncoderUnavailable, match=r"answered 401: no such key: \*\*\*"):
        opened(server)
    with pytest.raises(EncoderUnavailable, match="isn't encrypted") as caught:
        open_encoder("openai:small@http://models.example.org/v1")
    assert "sesame" not in str(caught.value)


def test_a_key_goes_to_the_host_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHCTL_EMBEDDINGS_KEY", "sesame")
    with pytest.raises(EncoderUnavailable, match="nothing says that it is for models.example.org"):
        headers_for("https://models.example.org/v1", endpoint.KEY, EncoderUnavailable)
    monkeypatch.setenv("SEARCHCTL_EMBEDDINGS_HOST", "models.example.org")
    assert (
        headers_for("https://models.example.org/v1", endpoint.KEY, EncoderUnavailable)["authorization"]
        == "Bearer sesame"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai:small", "write openai:MODEL@http://host:port/v1"),
        ("openai:@http://host/v1", "write openai:MODEL@"),
        ("openai:small@ftp://host/v1", "write openai:MODEL@"),
        ("openai:small@http://ann:pw@host/v1", r"\*\*\*@host.*a key in SEARCHCTL_EMBEDDINGS_KEY"),
        ("openai:small@http://host/v1?querry_prefix=x", "did you mean 'query_prefix'"),
        ("openai:small@http://host/v1?batch=many", "batch in the encoder's address is 'many'"),
    ],
)
def test_an_address_that_cannot_be_read_says_how_to_write_it(name: str, message: str) -> None:
    with pytest.raises(EncoderUnavailable, match=message):
        parse_endpoint(name)
    with pytest.raises(EncoderUnavailable, match=message):
        open_encoder(name)
