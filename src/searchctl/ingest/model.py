"""What a load is asked to do, how far it is, and what it came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from searchctl.schema import FieldType
from searchctl.sources import FieldMapping

OnError: TypeAlias = Literal["dead-letter", "skip", "stop"]
SameId: TypeAlias = Literal["refuse", "last"]
Phase: TypeAlias = Literal["reading", "encoding", "writing", "pruning", "measuring background", "finishing"]
SHOWN = 10  # ids named in a message


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How to load.

    At most `batch` documents are encoded and stored together. With `defer_vectors` texts are stored at once, found by their
    words, and `vectorize.encode_deferred` does the rest. Where files of one load hold the same id, the last file's document
    is stored; the others are failures, or with `same_id="last"` merely counted. `date_formats` are formats of `strptime` by
    field; `types` are those that were declared, by which misspelt names are found. `command` is what the user typed, for the journal.
    """

    mapping: FieldMapping = field(default_factory=FieldMapping)
    batch: int = 64
    prune: bool = False
    on_error: OnError = "dead-letter"
    dead_letters: Path | None = None
    boilerplate: bool = False
    defer_vectors: bool = False
    command: str = ""
    same_id: SameId = "refuse"
    date_formats: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, FieldType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is; sizes in bytes of the sources.

    `passages` counts those encoded, `encoded` the documents that are through with it; `in_hand` is how many documents' worth
    of the batch that is being encoded is done. `phase` is what the load is busy with.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    dead: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    passages: int = 0
    in_hand: float = 0.0
    encoded: int = 0
    phase: Phase = "reading"

    @property
    def share(self) -> float | None:
        """The part of the sources that is dealt with, in [0, 1]; None where their size isn't known."""
        if not self.bytes_total or not self.read:
            return None
        done = max(self.written, self.encoded) + self.unchanged + self.dead + self.in_hand
        return min(self.bytes_done / self.bytes_total, 1.0) * min(done / self.read, 1.0)


@dataclass(frozen=True, slots=True)
class Gone:
    """The documents that no source gives any more, out of the `held` ones that came from the same places.

    `kept` counts documents whose source is there but wasn't read to its end this time, so that nothing is known of them.
    """

    ids: tuple[str, ...] = ()
    held: int = 0
    kept: int = 0

    @property
    def share(self) -> float:
        """The part that is gone, in [0, 1]."""
        return len(self.ids) / self.held if self.held else 0.0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What a load came to.

    `dead_letters` is the file that holds what couldn't be stored, `first_failure` where and why the first. `misfits` counts the
    values that don't fit the type of their field and so can't be filtered by, `first_misfit` is where and why the first.
    `replaced` are the ids of documents of other sources that documents of this load have taken the place of, with those
    sources; `superseded` counts records that gave way to a later file's with the same id. `pruned_ids` are the documents
    deleted because their sources are gone, `spared` those that a question kept. `kept` counts those
    whose sources are there but weren't read to their end. `unmet` are the fields that the settings name and no record has, each
    with the near name it has instead, or "". `passages` counts those encoded, `dead_files` those of the `dead` that are
    whole files, of which nothing could be read. `remarks` are sentences about what reading left
    out or took another way.
    """

    read: int
    written: int
    unchanged: int
    dead: int
    pruned: int
    seconds: float
    interrupted: bool
    dead_letters: Path | None
    first_failure: str | None = None
    misfits: Mapping[str, int] = field(default_factory=dict)
    first_misfit: str | None = None
    replaced: Mapping[str, str] = field(default_factory=dict)
    superseded: int = 0
    pruned_ids: tuple[str, ...] = ()
    spared: int = 0
    kept: int = 0
    unmet: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    passages: int = 0
    dead_files: int = 0


OnProgress: TypeAlias = Callable[[Progress], None]
ConfirmPrune: TypeAlias = Callable[[Gone], bool]
