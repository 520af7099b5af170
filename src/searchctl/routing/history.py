"""What was done to a router's examples on this machine, so that the last step can be undone.

A line of JSON a step: the documents as they were before it. Each change of the file also tells other processes that the
examples have changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from searchctl.errors import StorageError
from searchctl.files import replacing
from searchctl.translation import _
from searchctl.types import Document

HISTORY_FORMAT = 1
_KEPT = 100  # steps; twice as many are let stand before the file is written anew


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One change: when, what was asked for, and for each id the document it had before, None for none."""

    when: str
    what: str
    before: dict[str, Document | None]


class History:
    """One file beside the index's journal."""

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name("route-history.jsonl")

    def stamp(self) -> tuple[int, int]:
        """Return what changes whenever the file does."""
        try:
            status = self.path.stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    def push(self, what: str, before: dict[str, Document | None]) -> None:
        """Note a step that is about to be made."""
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        documents = {id: None if one is None else _as_json(one) for id, one in before.items()}
        line = json.dumps(
            {"format": HISTORY_FORMAT, "when": when, "what": what, "before": documents}, ensure_ascii=False
        )
        lines = self._lines()
        if not lines or len(lines) >= 2 * _KEPT:
            self._write([*lines[-_KEPT + 1 :], line])
        else:
            self._append(line)

    def steps(self) -> list[HistoryStep]:
        """Return the steps, the newest last."""
        return [step for line in self._lines() if (step := _step(line)) is not None]

    def pop(self) -> None:
        """Forget the newest step."""
        lines = self._lines()
        while lines and _step(lines.pop()) is None:
            pass
        self._write(lines)

    def _lines(self) -> list[str]:
        try:
            return [line for line in self.path.read_text(encoding="utf-8").split("\n") if line]
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(
                _("can't read {path}: {error}; delete it to go on without undo").format(path=self.path, error=error)
            ) from error

    def _append(self, line: str) -> None:
        """Add a line; the break before it ends one that a crash cut short."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}\n")
        except OSError as error:
            raise StorageError(
                _("can't write {path}: {error}; check free space and permissions").format(path=self.path, error=error)
            ) from error

    def _write(self, lines: Sequence[str]) -> None:
        try:
            with replacing(self.path) as draft:
                draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise StorageError(
                _("can't write {path}: {error}; check free space and permissions").format(path=self.path, error=error)
            ) from error


def _as_json(document: Document) -> dict[str, Any]:
    return {"id": document.id, "title": document.title, "text": document.text, "fields": dict(document.fields)}


def _step(line: str) -> HistoryStep | None:
    """Read a line; one that is damaged or newer than this searchctl is passed over."""
    try:
        data = json.loads(line)
        if data["format"] > HISTORY_FORMAT:
            return None
        before = {id: None if one is None else Document(**one) for id, one in data["before"].items()}
        return HistoryStep(str(data["when"]), str(data["what"]), before)
    except (ValueError, KeyError, TypeError):
        return None
