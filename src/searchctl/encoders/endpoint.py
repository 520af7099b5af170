"""Encoders behind an address: any server that speaks OpenAI's `/v1/embeddings` (llama.cpp, TEI, Ollama, vLLM, LM Studio).

    openai:MODEL@http://127.0.0.1:8080/v1?query_prefix=query:%20&document_prefix=passage:%20

Nothing is known of such a model but its answers, so what it needs stands in the address: see `_OPTIONS`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from searchctl.errors import EncoderUnavailable
from searchctl.models.remote import TRY_AGAIN, KeyVariables, RemoteModel, pause
from searchctl.ranking.unit import unit
from searchctl.settings.secrets import mask_urls
from searchctl.suggest import did_you_mean
from searchctl.translation import _
from searchctl.types import Vectors

FAMILY = "openai"
# Whose key it is has to be said: an index made by others may name any address.
KEY = KeyVariables("SEARCHCTL_EMBEDDINGS_KEY", "SEARCHCTL_EMBEDDINGS_HOST")
_LOG = logging.getLogger("searchctl")
_PROBE = "searchctl: is this the same model as before? / та же ли это модель?"
_TIMEOUT = 300.0  # seconds
_TRIES = 6
_LONGEST_PAUSE = 30.0  # seconds
_MOST_NUMBERS = 65_536
_CHARACTERS_A_TOKEN = 3  # an estimate, on the safe side for English and Russian


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """What stands after the `?` of the address. `dimensions` 0 takes what the model gives."""

    query_prefix: str = ""
    document_prefix: str = ""
    dimensions: int = 0
    max_tokens: int = 512
    batch: int = 32


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at an address, which ends with the API's version."""

    model: str
    url: str
    options: EndpointOptions


def parse_endpoint(name: str) -> Endpoint:
    """Read `openai:MODEL@URL[?OPTIONS]`; raises EncoderUnavailable."""
    match = re.fullmatch(rf"{FAMILY}:(?P<model>[^@\s]+)@(?P<url>https?://\S+)", name)
    parts = urlsplit(match["url"]) if match else None
    if match is None or parts is None or not parts.hostname or parts.username or parts.fragment:
        raise EncoderUnavailable(
            _(
                "can't read the encoder '{mask_urls}'; write {FAMILY}:MODEL@http://host:port/v1, and a key in {key}"
            ).format(mask_urls=mask_urls(name), FAMILY=FAMILY, key=KEY.key)
        )
    return Endpoint(match["model"], parts._replace(query="").geturl().rstrip("/"), _read_options(parts.query))


def _read_options(query: str) -> EndpointOptions:
    known = {field.name: field.default for field in fields(EndpointOptions)}
    found: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in known:
            hint = did_you_mean(key, known, f"it may be one of: {', '.join(known)}")
            raise EncoderUnavailable(
                _("the encoder's address has an unknown option '{key}'; {hint}").format(key=key, hint=hint)
            )
        if isinstance(known[key], str):
            found[key] = value
        elif re.fullmatch(r"[1-9]\d{0,5}", value):
            found[key] = int(value)
        else:
            raise EncoderUnavailable(
                _("the option {key} in the encoder's address is '{value}', expected a whole number").format(
                    key=key, value=value
                )
            )
    return EndpointOptions(**found)


class EndpointEncoder:
    """A model that a server runs. Implements `Encoder`; safe to use from many threads.

    Its dimension and revision come from the vector of one fixed text, so that an index notices another model behind the same
    address. Raises MissingExtra without the `server` extra, EncoderUnavailable when the server can't be asked or answers
    something else than a vector a text.
    """

    def __init__(self, name: str) -> None:
        endpoint = parse_endpoint(name)
        self.name = name
        self._endpoint = endpoint
        self._options = endpoint.options
        self.max_tokens = endpoint.options.max_tokens
        self._server = RemoteModel(
            endpoint.url, KEY, what=f"the encoder '{name}'", error=EncoderUnavailable, timeout=_TIMEOUT
        )
        self._batch = endpoint.options.batch
        self._mutex = threading.Lock()
        self.dim = 0
        _LOG.info("asking %s for the vectors of '%s'", endpoint.url, endpoint.model)
        (probe,) = self._ask([_PROBE])
        self.dim = len(probe)
        self.revision = hashlib.sha256(f"{endpoint.model} {_traits(probe)}".encode()).hexdigest()[:12]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask."""
        return self._encode([self._options.query_prefix + text for text in texts])

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode what is searched."""
        return self._encode([self._options.document_prefix + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate each text's tokens: the server's tokenizer can't be asked."""
        return [-(-len(text) // _CHARACTERS_A_TOKEN) for text in texts]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        most = self.max_tokens * _CHARACTERS_A_TOKEN * 2  # servers refuse or cut what is longer than the model
        start = 0
        while start < len(texts):
            part = [
                text[:most] or " " for text in texts[start : start + self._batch]
            ]  # many servers refuse an empty text
            vectors[start : start + len(part)] = self._ask_split(part)
            start += len(part)
        return vectors

    def _ask_split(self, texts: list[str]) -> Vectors:
        """Ask for all at once; where that is too much for the server, for both halves."""
        try:
            return self._ask(texts)
        except _TooLarge as error:
            if len(texts) == 1:
                raise EncoderUnavailable(
                    _("{url} refuses one text of {count} characters").format(
                        url=self._endpoint.url, count=len(texts[0])
                    )
                ) from error
        half = len(texts) // 2
        with self._mutex:
            self._batch = max(1, min(self._batch, half))
        return np.concatenate([self._ask_split(texts[:half]), self._ask_split(texts[half:])])

    def _ask(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of some texts: (n, dim), rows of length 1."""
        body: dict[str, Any] = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        if self._options.dimensions:
            body["dimensions"] = self._options.dimensions
        return self._vectors(self._post(json.dumps(body).encode("utf-8", "replace")), len(texts))

    def _post(self, body: bytes) -> bytes:
        """Send a request, again where the server is busy or the connection breaks off."""
        reason = ""
        for attempt in range(_TRIES):
            reply = self._server.post("embeddings", body)
            if reply.status == 413:
                raise _TooLarge
            if reply.status == 200:
                return reply.content
            reason = reply.reason
            if reply.status and reply.status not in TRY_AGAIN:
                break
            if attempt + 1 < _TRIES:
                time.sleep(pause(attempt, reply.wait, _LONGEST_PAUSE))
        raise EncoderUnavailable(
            _(
                "can't get vectors of '{model}' from {url}/embeddings: {reason}; check that the server runs and "
                "serves that model"
            ).format(model=self._endpoint.model, url=self._endpoint.url, reason=reason)
        )

    def _vectors(self, content: bytes, count: int) -> Vectors:
        try:
            rows = json.loads(content)["data"]
            by_index = {int(row["index"]): row["embedding"] for row in rows}
            vectors = np.array([by_index[number] for number in range(count)], np.float64)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._strange(f"its answer isn't a list of embeddings ({error})") from error
        if len(rows) != count or vectors.ndim != 2 or not 1 <= vectors.shape[1] <= _MOST_NUMBERS:
            raise self._strange(f"it gave {len(rows)} vectors for {count} texts, of shape {vectors.shape}")
        if self.dim and vectors.shape[1] != self.dim:
            raise self._strange(f"vectors had {self.dim} numbers before and have {vectors.shape[1]} now")
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise self._strange("a vector has no length")
        return unit(vectors).astype(np.float32)

    def _strange(self, what: str) -> EncoderUnavailable:
        return EncoderUnavailable(
            _("{url} can't serve as an encoder: {what}; check the address and the model").format(
                url=self._endpoint.url, what=what
            )
        )


class _TooLarge(Exception):
    """The server refuses a request for its size."""


def _traits(vector: Vectors) -> str:
    """Return what stays the same of a vector when the last digits of its numbers don't: its largest numbers' places and signs.

    As many of them as are best told apart from the next one, between 4 and 24.
    """
    order = np.argsort(-np.abs(vector), kind="stable")
    sizes = np.abs(vector)[order]
    most = min(24, len(vector) - 1)
    least = min(4, most)
    gaps = sizes[least - 1 : most] - sizes[least : most + 1] if most else np.zeros(1)
    count = least + int(np.argmax(gaps)) if most else 1
    places = sorted(int(place) for place in order[:count])
    return f"{len(vector)}:" + ",".join(f"{place}{'+' if vector[place] > 0 else '-'}" for place in places)
