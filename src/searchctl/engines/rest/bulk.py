"""Writing many documents: requests sized by bytes and count, split when too large, repeated where a server is busy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from searchctl.engines.rest.http import STEADY, Client, full_message, is_full, reason_of
from searchctl.errors import EngineUnreachable, ServerRefusal, StorageError
from searchctl.types import Json

MAX_BYTES = 8_000_000  # below every service's limit: small nodes on AWS take 10 MB
MAX_ACTIONS = 500
_LEAST_BYTES = 64_000
_SPLIT = (400, 413)  # one document can spoil a whole request: an invalid one, or too large a one
_BUSY = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Action:
    """One document to be written or deleted, and its lines of NDJSON."""

    id: str
    lines: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action: `result` is "created", "updated", "deleted", "not_found" or "rejected", with a reason."""

    id: str
    result: str
    reason: str = ""


def index_action(id: str, source: Json) -> Action:
    """Insert or replace a whole document, so that doing it twice is doing it once."""
    return Action(id, _lines({"index": {"_id": id}}, source))


def action(kind: str, where: Json, body: Json) -> Action:
    """Do what the server calls `kind` with a document; `where` says which, where it lies, and on what condition."""
    return Action(str(where["_id"]), _lines({kind: where}, body))


def make_action(kind: str, id: str, routing: str | None, body: Json) -> Action:
    """Do what the server calls `kind` with a document that may lie on a shard of its own choice."""
    where: Json = {"_id": id, **({"routing": routing} if routing else {})}
    where |= {"retry_on_conflict": 3} if kind == "update" else {}
    return Action(id, _lines({kind: where}, body))


def delete_action(id: str, routing: str | None = None) -> Action:
    """Delete a document."""
    return Action(id, _lines({"delete": {"_id": id, **({"routing": routing} if routing else {})}}))


def _lines(*values: Json) -> bytes:
    text = "".join(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n" for value in values)
    return text.encode("utf-8", "replace")


class Bulk:
    """Sends actions to one cluster, and learns what size of request it takes. One request is under way at a time."""

    def __init__(self, client: Client, *, max_bytes: int = MAX_BYTES, max_actions: int = MAX_ACTIONS) -> None:
        self._client = client
        self._most_bytes = self._bytes = max_bytes
        self._actions = max_actions

    def run(self, index: str, actions: Iterable[Action], *, pipeline: str = "") -> list[Outcome]:
        """Carry out actions and return the outcomes in their order; raises EngineUnreachable, StorageError.

        `pipeline` names what documents go through in place of the index's own: "_none" for nothing.
        """
        path = f"/{quote(index)}/_bulk" + (f"?pipeline={quote(pipeline)}" if pipeline else "")
        return [outcome for chunk in self._chunks(actions) for outcome in self._send(path, chunk)]

    def _chunks(self, actions: Iterable[Action]) -> Iterator[list[Action]]:
        chunk: list[Action] = []
        size = 0
        for action in actions:
            if chunk and (size + len(action.lines) > self._bytes or len(chunk) >= self._actions):
                yield chunk
                chunk, size = [], 0
            chunk.append(action)
            size += len(action.lines)
        if chunk:
            yield chunk

    def _send(self, path: str, chunk: Sequence[Action]) -> list[Outcome]:
        """Send until every item is done or refused for good; only items the server was too busy for are repeated."""
        outcomes: dict[int, Outcome] = {}
        waiting = list(range(len(chunk)))
        for attempt in range(STEADY.attempts):
            try:
                items = self._post(path, [chunk[place] for place in waiting])
            except ServerRefusal as refusal:
                if refusal.status not in _SPLIT:
                    raise
                parts = self._split(path, [chunk[place] for place in waiting], refusal)
                outcomes.update(zip(waiting, parts, strict=True))
                break
            busy = []
            for number, item in zip(waiting, items, strict=True):
                if item["status"] in _BUSY:
                    busy.append((number, item))
                else:
                    outcomes[number] = self._outcome(chunk[number].id, item)
            if not busy:
                self._bytes = min(self._bytes * 2, self._most_bytes)
                break
            if is_full(*_error(busy[0][1])):
                raise StorageError(full_message(self._client.url, _error(busy[0][1])[1]))
            if attempt + 1 == STEADY.attempts:
                reason = _error(busy[0][1])[1]
                raise EngineUnreachable(f"{self._client.url} stays too busy to write ({reason}); try again later")
            waiting = [place for place, _ in busy]
            self._bytes = max(self._bytes // 2, min(_LEAST_BYTES, self._most_bytes))
            self._client.wait(attempt, STEADY)
        return [outcomes[place] for place in range(len(chunk))]

    def _post(self, path: str, actions: Sequence[Action]) -> list[Any]:
        body = b"".join(action.lines for action in actions)
        reply = self._client.request("POST", path, body, patience=STEADY, timeout=120.0)
        return [next(iter(item.values())) for item in reply.body["items"]]

    def _split(self, path: str, actions: Sequence[Action], refusal: ServerRefusal) -> list[Outcome]:
        if len(actions) == 1:
            reason = "the document is larger than the server takes" if refusal.status == 413 else str(refusal)
            return [Outcome(actions[0].id, "rejected", reason)]
        if refusal.status == 413:
            self._most_bytes = self._bytes = sum(len(action.lines) for action in actions) // 2
            return [outcome for chunk in self._chunks(actions) for outcome in self._send(path, chunk)]
        middle = len(actions) // 2
        return self._send(path, actions[:middle]) + self._send(path, actions[middle:])

    def _outcome(self, id: str, item: Json) -> Outcome:
        if "error" not in item:
            return Outcome(id, str(item["result"]))
        kind, reason = _error(item)
        if is_full(kind, reason):
            raise StorageError(full_message(self._client.url, reason))
        return Outcome(id, "rejected", reason)


def _error(item: Json) -> tuple[str, str]:
    error = item.get("error")
    kind = str(error.get("type", "")) if isinstance(error, dict) else ""
    return kind, reason_of(item)
