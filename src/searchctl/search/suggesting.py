"""Suggestions as one types: from a table of completions that is made of the index, kept in a file, and made anew when it has changed."""

from __future__ import annotations

import json
import logging
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.engines.base import FullEngine, Revisions
from searchctl.errors import SearchctlError
from searchctl.files import replacing
from searchctl.search.completion_source import Progress, complete_from
from searchctl.search.completions import KINDS, CompletionTable, Fit
from searchctl.search.repair import repairs
from searchctl.types import RepairKind, Suggestion, Suggestions

MOST = 50
MAX_TYPED = 200  # characters that are looked at: the last ones
COMPLETIONS_FORMAT = 1
_FILE = "completions.npz"
_SERVER_SECONDS = 600.0  # how old they may be where an engine can't tell that an index has changed
_PAUSE_SECONDS = 5.0  # between two looks at whether it has changed
_FEW = 2_000  # documents of which a table is made at once, even where nobody wants to wait
_log = logging.getLogger(__name__)


def suggest_from(table: CompletionTable, typed: str, k: int) -> tuple[Suggestion, ...]:
    """Return at most `k` suggestions, best first.

    Where nothing fits as it was typed, what the same keys give on the other layout or alphabet is looked for; then one typing
    error in one word is allowed.
    """
    readings: list[tuple[str, RepairKind | None]] = [(typed, None)]
    found = table.find(typed, k)
    if not any(not one.corrected for one in found):
        readings += [(repair.query, repair.kind) for repair in repairs(typed)]
        for text, kind in readings[1:]:
            other = table.find(text, k)
            if any(not one.corrected for one in other):
                return _chosen(table, text, [one for one in other if not one.corrected], k, kind)
    return _chosen(table, typed, found, k, None)


def _chosen(
    table: CompletionTable, typed: str, found: list[Fit], k: int, kind: RepairKind | None
) -> tuple[Suggestion, ...]:
    """Return the best: words and phrases have at most half of the places as long as there are titles, and the other way round."""
    chosen: dict[str, Suggestion] = {}
    spare: list[Fit] = []
    taken = {True: 0, False: 0}
    for one in found:
        is_title = table.kinds[one.row] == 0
        if taken[is_title] * 2 >= k + (k % 2):
            spare.append(one)
        elif table.keys[one.row] not in chosen:
            taken[is_title] += 1
            chosen[table.keys[one.row]] = _suggestion(table, one, kind)
    for one in spare:
        if len(chosen) < k:
            chosen.setdefault(table.keys[one.row], _suggestion(table, one, kind))
    for text in table.next_words(typed, k - len(chosen)) if len(chosen) < k else ():
        chosen.setdefault(text.lower(), Suggestion(text, "term", None, kind))
    return tuple(chosen.values())[:k]


def _suggestion(table: CompletionTable, one: Fit, kind: RepairKind | None) -> Suggestion:
    repair: RepairKind | None = "spelling" if one.corrected else kind
    return Suggestion(table.texts[one.row], KINDS[table.kinds[one.row]], table.ids[one.row] or None, repair)


class Suggester:
    """Suggestions of one index. Safe to use from several threads."""

    def __init__(self, engine: FullEngine, index: str) -> None:
        self._engine = engine
        self._index = index
        self._table: CompletionTable | None = None
        self._mark = ""
        self._looked = 0.0
        self._lock = threading.Lock()  # of those who make a table
        self._builder: threading.Thread | None = None

    def suggest(self, typed: str, k: int, *, wait: bool = True, progress: Progress | None = None) -> Suggestions:
        """Return suggestions for what was typed. Without `wait` a large index's are gathered beside, or those of before given."""
        self._refresh(wait, progress)
        table = self._table
        if table is None:
            return Suggestions(typed, (), ready=False)
        cut = typed[-MAX_TYPED:].lstrip()
        return Suggestions(typed, suggest_from(table, cut, min(k, MOST)) if cut.strip() else ())

    def _refresh(self, wait: bool, progress: Progress | None) -> None:
        if self._table is not None and not wait and time.monotonic() - self._looked < _PAUSE_SECONDS:
            return
        mark = self._present_mark()
        if self._table is not None and mark == self._mark:
            return
        if self._table is None:
            self._load()
        if self._table is not None and mark == self._mark:
            return
        if wait or (self._table is None and self._engine.count(self._index) <= _FEW):
            self._build(progress)
        elif self._builder is None or not self._builder.is_alive():
            self._builder = threading.Thread(target=self._build_beside, name="searchctl-completions", daemon=True)
            self._builder.start()

    def _present_mark(self) -> str:
        """Return what differs after a change of the index; where an engine can't tell, the number of documents and the time."""
        self._looked = time.monotonic()
        if isinstance(self._engine, Revisions):
            return self._engine.mark(self._index)
        return f"{self._engine.count(self._index)} {int(time.time() // _SERVER_SECONDS)}"

    def _build_beside(self) -> None:
        try:
            self._build(None)
        except SearchctlError as error:  # the index is closed or gone
            _log.debug("%s: no suggestions: %s", self._index, error)

    def _build(self, progress: Progress | None) -> None:
        with self._lock:
            mark = self._present_mark()
            if self._table is not None and mark == self._mark:
                return
            table = complete_from(self._engine, self._index, self._engine.schema(self._index).analyzer, progress)
            self._table, self._mark = table, mark
            self._save(table, mark)

    def _path(self) -> Path:
        return self._engine.info(self._index).folder / _FILE

    def _save(self, table: CompletionTable, mark: str) -> None:
        """Keep the table for other processes, where this one may write."""
        note = json.dumps({"format": COMPLETIONS_FORMAT, "mark": mark}).encode()
        try:
            path = self._path()
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as draft, draft.open("wb") as file:
                np.savez(file, note=np.frombuffer(note, np.uint8), **table.arrays())  # type: ignore[arg-type]
        except OSError as error:
            _log.debug("%s: suggestions aren't kept: %s", self._index, error)

    def _load(self) -> None:
        try:
            with self._path().open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays: dict[str, Any] = {name: file[name] for name in file.files}
            note = json.loads(arrays.pop("note").tobytes())
            if note["format"] == COMPLETIONS_FORMAT:
                self._table, self._mark = CompletionTable.of_arrays(arrays), str(note["mark"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return  # made anew
