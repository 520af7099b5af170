"""Writing many documents: requests sized by bytes and count, split when too large, repeated where a server is busy.

Several are under way at once, as many as the server takes. No two of them are about the same document, so that what is done with
it is done in the order given.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from searchctl.engines.rest.client import STEADY, Client, full_message, is_full, reason_of
from searchctl.errors import EngineUnreachable, ServerRefusal, StorageError
from searchctl.translation import _
from searchctl.types import Json

MAX_BYTES = 8_000_000  # below every service's limit: small nodes on AWS take 10 MB
MAX_ACTIONS = 125
IN_FLIGHT = 4  # requests under way at most: measured, a node gains little from more
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


class BulkPace:
    """How many requests may be under way: a busy server halves it, each round that goes well adds one. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._allowed = min(2.0, self._most)
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """Return how many may be under way now."""
        return int(self._allowed)

    def note(self, *, busy: bool) -> None:
        """Take in how a request went."""
        with self._lock:
            self._allowed = max(self._allowed / 2, 1.0) if busy else min(self._allowed + 1 / self._allowed, self._most)


class Bulk:
    """Sends actions to one cluster, and learns what size of request it takes, and how many of them at once."""

    def __init__(
        self,
        client: Client,
        *,
        max_bytes: int = MAX_BYTES,
        max_actions: int = MAX_ACTIONS,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._client = client
        self._most_bytes = self._bytes = max_bytes
        self._actions = max_actions
        self.pace = BulkPace(in_flight)
        self._in_flight = in_flight

    def run(self, index: str, actions: Iterable[Action], *, pipeline: str = "") -> list[Outcome]:
        """Carry out actions and return the outcomes in their order; raises EngineUnreachable, StorageError.

        `pipeline` names what documents go through in place of the index's own: "_none" for nothing. After a fault nothing more
        is sent, and what is under way is waited for.
        """
        path = f"/{quote(index)}/_bulk" + (f"?pipeline={quote(pipeline)}" if pipeline else "")
        requests: list[Future[list[Outcome]]] = []
        under_way: dict[Future[list[Outcome]], set[str]] = {}
        with ThreadPoolExecutor(self._in_flight, "searchctl-bulk") as senders:
            for chunk in self._chunks(actions):
                ids = {action.id for action in chunk}
                self._make_room(under_way, ids)
                request = senders.submit(self._send, path, chunk)
                under_way[request] = ids
                requests.append(request)
        return [outcome for request in requests for outcome in request.result()]

    def _make_room(self, under_way: dict[Future[list[Outcome]], set[str]], ids: set[str]) -> None:
        """Wait until another request may be sent about these documents; raises what has failed meanwhile."""
        while len(under_way) >= self.pace.requests or any(ids & others for others in under_way.values()):
            done, _ignored = wait(under_way, return_when=FIRST_COMPLETED)
            for request in done:
                del under_way[request]
                request.result()

    def _chunks(self, actions: Iterable[Action]) -> Iterator[list[Action]]:
        """Yield what goes into one request; it is about each document once, for items may be repeated in another order."""
        chunk: list[Action] = []
        ids: set[str] = set()
        size = 0
        for action in actions:
            full = size + len(action.lines) > self._bytes or len(chunk) >= self._actions
            if chunk and (full or action.id in ids):
                yield chunk
                chunk, ids, size = [], set(), 0
            chunk.append(action)
            ids.add(action.id)
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
            busy: list[tuple[int, Json]] = []
            for number, item in zip(waiting, items, strict=True):
                if item["status"] in _BUSY:
                    busy.append((number, item))
                else:
                    outcomes[number] = self._outcome(chunk[number].id, item)
            if busy:
                self.pace.note(busy=True)
            else:
                self._bytes = min(self._bytes * 2, self._most_bytes)
                break
            if is_full(*_error(busy[0][1])):
                raise StorageError(full_message(self._client.url, _error(busy[0][1])[1]))
            if attempt + 1 == STEADY.attempts:
                reason = _error(busy[0][1])[1]
                raise EngineUnreachable(
                    _("{url} stays too busy to write ({reason}); try again later").format(
                        url=self._client.url, reason=reason
                    )
                )
            waiting = [place for place, _ignored in busy]
            self._bytes = max(self._bytes // 2, min(_LEAST_BYTES, self._most_bytes))
            self._client.wait(attempt, STEADY)
        return [outcomes[place] for place in range(len(chunk))]

    def _post(self, path: str, actions: Sequence[Action]) -> list[Any]:
        body = b"".join(action.lines for action in actions)
        reply = self._client.request("POST", path, body, patience=STEADY, timeout=120.0)
        items = [next(iter(item.values())) for item in reply.body["items"]]
        if reply.attempts > 1:
            self.pace.note(busy=True)
        elif not any(item["status"] in _BUSY for item in items):
            self.pace.note(busy=False)
        return items

    def _split(self, path: str, actions: Sequence[Action], refusal: ServerRefusal) -> list[Outcome]:
        if len(actions) == 1:
            reason = _("the document is larger than the server takes") if refusal.status == 413 else str(refusal)
            return [Outcome(actions[0].id, "rejected", reason)]
        if refusal.status == 413:
            self._most_bytes = min(self._most_bytes, sum(len(action.lines) for action in actions) // 2)
            self._bytes = self._most_bytes
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
