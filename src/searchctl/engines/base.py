"""What an engine must do: store entries, answer the two kinds of question, and swap names atomically."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from searchctl.schema import Schema
from searchctl.types import Entry, IndexInfo, Match, Nearest, Ranking, Rejection, Scope, TermStatistics


class Engine(Protocol):
    """One place where indexes live.

    Every method takes an index's name or an alias; all but `create` and `drop` raise IndexMissing when there is none.
    Scores of `Nearest` are cosines in [-1, 1] on every engine.
    """

    @property
    def url(self) -> str:
        """Where it is, as the user would type it, without secrets."""

    @property
    def name(self) -> str:
        """What it is: "embedded", "opensearch-2.19.1", ..."""

    def create(self, index: str, schema: Schema) -> None:
        """Make an empty index; raises IndexExists."""

    def resolve(self, index: str) -> str:
        """Return the name under which the index that this name or alias stands for is known now: see `IndexInfo.name`."""

    def schema(self, index: str) -> Schema:
        """Return the index's stamp."""

    def revision(self, index: str) -> Hashable | None:
        """Return a value that is another one after whatever changes an answer; None where a look at it isn't cheap and sure."""

    def update_schema(self, index: str, schema: Schema) -> None:
        """Replace the stamp; fields may be added, never retyped."""

    def writing(self, index: str) -> AbstractContextManager[None]:
        """Hold the right to write for many calls (a bulk load); raises IndexLocked. What was written is searchable at the end."""

    def write(self, index: str, entries: Sequence[Entry]) -> list[Rejection]:
        """Insert or replace whole documents, durably, and return those refused for good."""

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Delete documents and return how many there were."""

    def get(self, index: str, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return entries in the order asked for, None for the missing."""

    def fingerprints(self, index: str, ids: Sequence[str]) -> list[str | None]:
        """Return what `Entry.fingerprint` is stored for each id, None for the missing."""

    def scan(
        self, index: str, *, batch: int = 500, vectors: bool = False, source: str | None = None
    ) -> Iterator[list[Entry]]:
        """Yield all entries once, or those of one source, in batches and a stable order."""

    def count(self, index: str, scope: Scope | None = None) -> int:
        """Count documents."""

    def search(self, index: str, queries: Sequence[Match | Nearest]) -> list[Ranking]:
        """Answer all queries in one round trip."""

    def term_statistics(self, index: str, text: str) -> TermStatistics:
        """Analyse `text` as the lexical leg does and return how common its terms are."""

    def refresh(self, index: str) -> None:
        """Make everything written searchable now."""

    def journal(self, index: str) -> Path:
        """Return the file in which this machine keeps the journal of loads into the index."""

    def info(self, index: str) -> IndexInfo:
        """Return counts and size of one index."""

    def indexes(self) -> list[IndexInfo]:
        """Return every index of searchctl's here, by name."""

    def alias(self, alias: str, index: str, *, keep: str | None = None) -> str | None:
        """Point `alias` at `index` in one step and return what it pointed at before.

        Where `alias` is an index's own name, that index is known as `keep` from then on, which is returned; no reader sees
        the name missing meanwhile. Without `keep` that raises IndexExists.
        """

    def drop(self, index: str) -> None:
        """Delete the index; a missing one is fine."""

    def close(self) -> None:
        """Release files and connections."""
