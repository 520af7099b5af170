"""A load into one index: the writer's lock on this machine, and settings relaxed while a new index is filled."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from searchctl.engines.lock import WriteLock
from searchctl.engines.rest.client import QUICK, STEADY, Client
from searchctl.engines.rest.state import IndexState, read_state
from searchctl.engines.storage import storage_errors
from searchctl.errors import SearchctlError, ServerRefusal
from searchctl.types import Json

_log = logging.getLogger(__name__)
_NOTED = {
    "refresh": "refresh_interval",
    "replicas": "number_of_replicas",
}  # in the note; earlier notes have them in full
_RELAXED = {"refresh_interval": "-1", "number_of_replicas": "0"}


class Loads:
    """The loads of one engine: who may write, and what has to be put back afterwards. Thread-safe."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._locks: dict[str, WriteLock] = {}
        self._running: set[str] = set()  # uuids of indexes that this engine is loading
        self._tried: set[str] = set()  # uuids of indexes whose broken load this engine has tried to finish
        self._mutex = threading.RLock()

    def is_running(self, state: IndexState) -> bool:
        """Tell whether this engine is loading the index."""
        return state.uuid in self._running

    @contextmanager
    def running(self, state: IndexState) -> Iterator[None]:
        """Hold the lock; an empty index is filled with refreshes and copies switched off. Raises IndexLocked."""
        with self._mutex:
            lock = self._locks.setdefault(state.uuid, writer_lock(self._client.url, state))
        lock.acquire()
        self._running.add(state.uuid)
        self._client.patience = STEADY  # a whole run isn't given up for a restart
        try:
            self._begin(state)
            try:
                yield
            except BaseException:
                self._end_quietly(state.name)
                raise
            self._end(state.name)
        finally:
            self._running.discard(state.uuid)
            if not self._running:
                self._client.patience = QUICK
            lock.release()

    def _begin(self, state: IndexState) -> None:
        """Put back what a load that died has left, and relax an index that is empty."""
        restore(self._client, state)
        path = f"/{quote(state.name)}"
        self._client.request("POST", f"{path}/_refresh")
        if not self._client.request("POST", f"{path}/_count", {}).body["count"]:
            relax(self._client, read_state(self._client, state.name))

    def _end(self, name: str) -> None:
        restore(self._client, read_state(self._client, name))
        self._client.request("POST", f"/{quote(name)}/_refresh")

    def _end_quietly(self, name: str) -> None:
        """After a failure, which is what is to be reported: the next load puts back what this one can't."""
        try:
            self._end(name)
        except SearchctlError as error:
            _log.info("the settings of %s stay relaxed until the next load: %s", name, error)

    def finish_broken(self, state: IndexState) -> bool:
        """Put back what a load that died has left, unless a load is at work on this machine.

        Returns whether settings were changed. Tried once for each index: it may be forbidden.
        """
        if state.relaxed is None or self.is_running(state) or state.uuid in self._tried:
            return False
        self._tried.add(state.uuid)
        try:
            lock = writer_lock(self._client.url, state)
            if not lock.try_acquire():
                return False
            try:
                self._end(state.name)
            finally:
                lock.release()
        except SearchctlError as error:
            _log.info("the settings of %s stay relaxed: %s", state.name, error)
            return False
        return True


def local_folder(url: str, name: str, uuid: str) -> Path:
    """Return where this machine keeps what it knows about an index; one of the same name made anew has another folder."""
    base = os.environ.get("XDG_STATE_HOME")
    where = hashlib.blake2b(url.encode(), digest_size=4).hexdigest()
    root = Path(base) if base else Path.home() / ".local" / "state"
    folder = root / "searchctl" / f"{name}-{where}-{uuid}"
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def writer_lock(url: str, state: IndexState) -> WriteLock:
    """Return the lock that keeps two processes of this machine from loading into one index."""
    return WriteLock(local_folder(url, state.name, state.uuid), f"the index '{state.name}' on {url}")


def relax(client: Client, state: IndexState) -> None:
    """Switch off refreshes and copies, having noted in the index what they were: a crash can't lose that."""
    before = {short: state.settings.get(name) for short, name in _NOTED.items()}
    put_meta(client, state, before)
    put_settings(client, state, _RELAXED)


def restore(client: Client, state: IndexState) -> None:
    """Put back what `relax` changed, then take away its note."""
    if state.relaxed is not None:
        put_settings(client, state, {_NOTED.get(name, name): value for name, value in state.relaxed.items()})
        put_meta(client, state, None)


def put_settings(client: Client, state: IndexState, settings: Mapping[str, Any]) -> None:
    """Change settings of an index; None means the server's default. Copies that a serverless offering keeps itself stay."""
    path = f"/{quote(state.name)}/_settings"
    try:
        client.request("PUT", path, {"index": dict(settings)})
    except ServerRefusal as refusal:
        rest = {name: value for name, value in settings.items() if name not in str(refusal)}
        if refusal.status != 400 or not rest or rest == settings:
            raise
        client.request("PUT", path, {"index": rest})


def put_meta(client: Client, state: IndexState, load: Json | None) -> None:
    """Write the stamp as it is, with a load's note or without."""
    body: Json = {"_meta": state.meta_with(state.schema, load)}
    client.request("PUT", f"/{quote(state.name)}/_mapping", body)
