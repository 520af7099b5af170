"""Loading into an index of the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from searchctl.index import Index
from searchctl.ingest.journal import journal_path, known_files
from searchctl.ingest.model import IngestReport, IngestSettings
from searchctl.ingest.plan import Plan, plan
from searchctl.sources import discover

Load: TypeAlias = Callable[..., IngestReport]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder="hashing:32") as opened:
        yield opened


@pytest.fixture
def load(index: Index) -> Load:
    """Load paths, with any settings of a load or of finding files."""

    def call(*paths: Path, include: tuple[str, ...] = (), encoding: str | None = None, **settings: Any) -> IngestReport:
        files = discover([str(path) for path in paths], include=include, encoding=encoding).files
        confirm = settings.pop("confirm_prune", None)
        return index.ingest_files(files, IngestSettings(**settings), confirm_prune=confirm)

    return call


def foretold(index: Index, *paths: Path, **settings: Any) -> Plan:
    """What a dry run of the same load says."""
    files = discover([str(path) for path in paths]).files
    known = known_files(journal_path(index.engine, index.name))
    return plan(files, IngestSettings(**settings), index.encoder, index.schema, (index.engine, index.name), known)


def ids(index: Index) -> set[str]:
    return {entry.document.id for batch in index.engine.scan(index.name) for entry in batch}


def letters(report: IngestReport) -> list[dict[str, Any]]:
    assert report.dead_letters is not None
    return [json.loads(line) for line in report.dead_letters.read_text(encoding="utf-8").split("\n") if line]


def lines(path: Path, *records: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
