"""A language model behind an address that speaks OpenAI's `/v1/chat/completions`: Ollama, vLLM, LM Studio, llama.cpp, OpenAI."""

from __future__ import annotations

import json
import re
import threading
from typing import Any
from urllib.parse import urlsplit

from searchctl.errors import ModelServerUnavailable, UsageError
from searchctl.generation.model import Attempt
from searchctl.models.remote import KeyVariables, RemoteModel, RemoteReply
from searchctl.settings.secrets import mask_urls

KEY = KeyVariables("SEARCHCTL_LLM_KEY", "SEARCHCTL_LLM_HOST")
TIMEOUT = 300.0  # seconds
_UNKNOWN = (400, 404, 415, 422, 501)  # what servers answer that don't know a setting of the request
_SCHEMA_WORDS = re.compile(r"response_?format|json_?schema|schema|grammar|structured|guided", re.IGNORECASE)


class ChatServer:
    """Asks one model; safe to use from many threads. It learns which settings the server's dialect has from what it refuses.

    Raises UsageError for an address that can't be one, ModelServerUnavailable when the key could be read on the way.
    """

    def __init__(self, url: str, model: str, *, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or not model:
            raise UsageError(
                f"can't ask a language model at '{mask_urls(url)}'; write --llm http://host:port/v1 --model NAME, and a key in {KEY.key}"
            )
        self.url = url.rstrip("/")
        self.model = model
        self._server = RemoteModel(
            self.url, KEY, what=f"the language model '{model}'", error=ModelServerUnavailable, timeout=timeout
        )
        self._mutex = threading.Lock()
        self._formats = ["json_schema", "json_object", ""]  # what the answer's shape may be told by, best first
        self._room = "max_tokens"
        self._left_out: set[str] = set()

    def ask(self, attempt: Attempt) -> RemoteReply:
        """Send one request, once, or again where the server refuses a setting that can be had otherwise."""
        while True:
            body = self._body(attempt)
            reply = self._server.post("chat/completions", json.dumps(body).encode())
            if reply.status not in _UNKNOWN or not self._adapted(body, reply.content.decode("utf-8", "replace")):
                return reply

    def _body(self, attempt: Attempt) -> dict[str, Any]:
        request = attempt.request
        with self._mutex:
            shape, room, left_out = self._formats[0], self._room, frozenset(self._left_out)
        body: dict[str, Any] = {"model": attempt.model, "messages": request.messages, room: attempt.answer_tokens}
        body |= {"temperature": attempt.temperature, "seed": attempt.seed}
        if shape == "json_schema":
            schema = {"name": "answer", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": shape, "json_schema": schema}
        elif shape:
            body["response_format"] = {"type": shape}
        return {name: value for name, value in body.items() if name not in left_out}

    def _adapted(self, body: dict[str, Any], told: str) -> bool:
        """Tell whether a refused request can be put otherwise, and remember how; refused requests cost nothing."""
        with self._mutex:
            if "max_tokens" in body and "max_completion_tokens" in told:
                self._room = "max_completion_tokens"
                return True
            for name in ("seed", "temperature"):
                if name in body and re.search(rf"\b{name}\b", told):
                    self._left_out.add(name)
                    return True
            if "response_format" in body and _SCHEMA_WORDS.search(told):
                if body["response_format"]["type"] == self._formats[0]:
                    self._formats.pop(0)
                return True
        return False
