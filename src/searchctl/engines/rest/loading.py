"""A load into one index: the writer's lock on this machine, and settings relaxed while a new index is filled."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from searchctl.engines.lock import WriteLock, storage_errors
from searchctl.engines.rest.http import Client
from searchctl.engines.rest.state import IndexState
from searchctl.types import Json

_RELAXED = {"refresh_interval": "-1", "number_of_replicas": "0"}


def local_folder(url: str, state: IndexState) -> Path:
    """Return where this machine keeps what it knows about an index; one of the same name made anew has another folder."""
    base = os.environ.get("XDG_STATE_HOME")
    where = hashlib.blake2b(url.encode(), digest_size=4).hexdigest()
    root = Path(base) if base else Path.home() / ".local" / "state"
    folder = root / "searchctl" / f"{state.name}-{where}-{state.uuid}"
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def writer_lock(url: str, state: IndexState) -> WriteLock:
    """Return the lock that keeps two processes of this machine from loading into one index."""
    return WriteLock(local_folder(url, state), f"the index '{state.name}' on {url}")


def relax(client: Client, state: IndexState) -> None:
    """Switch off refreshes and copies, having noted in the index what they were: a crash can't lose that."""
    before = {name: state.settings.get(name) for name in _RELAXED}
    put_meta(client, state, before)
    put_settings(client, state, _RELAXED)


def restore(client: Client, state: IndexState) -> None:
    """Put back what `relax` changed, then take away its note."""
    if state.relaxed is not None:
        put_settings(client, state, state.relaxed)
        put_meta(client, state, None)


def put_settings(client: Client, state: IndexState, settings: Any) -> None:
    """Change settings of an index; None means the server's default."""
    client.request("PUT", f"/{quote(state.name)}/_settings", {"index": dict(settings)})


def put_meta(client: Client, state: IndexState, load: Json | None) -> None:
    """Write the stamp as it is, with a load's note or without."""
    body: Json = {"_meta": state.meta_with(state.schema, load)}
    client.request("PUT", f"/{quote(state.name)}/_mapping", body)
