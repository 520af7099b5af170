"""The embedded engine's store: what it remembers, and how often it looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.engines.embedded import store as module
from searchctl.engines.embedded.store import Store
from searchctl.schema import Schema
from tests.conftest import entry


def test_ids_are_read_once_however_many_documents_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY_IDS", 2)
    monkeypatch.setattr(module, "_KNOWN_IDS", 10)
    store = Store(tmp_path / "index.sqlite", create=Schema(None))
    store.write([entry(f"d{n}", "text") for n in range(1, 16)], {})
    said: list[str] = []
    store.database._db.set_trace_callback(said.append)
    for rows in ([1, 2, 3], [9, 4], [15, 12], [12, 15, 2]):
        assert store.ids(rows) == [f"d{row}" for row in rows]
    assert sum("LIMIT" in one for one in said) == 1
    said.clear()
    assert store.ids([15, 12, 1]) == ["d15", "d12", "d1"] and not said
    store.delete(["d12"])
    assert store.ids([15, 12]) == ["d15", None]
    store.close()
