"""The files of the vector leg: codes of passages in segments that never change, and notes that say which of them count.

A segment is written whole before the notes name it, and the notes are replaced in one step: a crash leaves the state before
or after. Reading a file checks its checksums. Whatever is missing or damaged is made anew from the store.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.quantiser import Quantiser
from searchctl.engines.storage import read_notes, storage_errors, write_notes
from searchctl.errors import StorageError
from searchctl.files import sync_folder
from searchctl.translation import _

VECTOR_FORMAT = 2  # 1 was a flat file and a graph
_STATE = "state.json"


class DamagedPart(Exception):
    """A derived file is missing or isn't what was written; it's made anew."""


@dataclass(frozen=True, slots=True)
class SegmentNotes:
    """A segment's file and rows, and the passages it covers: all that had vectors from `first` to `last` when it was made."""

    name: str
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class VectorNotes:
    """What of the vector leg counts. `tombstone` is the last removal of documents that all segments know of."""

    dim: int
    number: int = 0  # of the next file
    quantiser: str = ""
    trained: int = 0  # how many vectors there were when the quantiser was trained
    tombstone: int = 0
    segments: tuple[SegmentNotes, ...] = ()

    @property
    def covered(self) -> int:
        """The last passage that the segments cover."""
        return self.segments[-1].last if self.segments else 0

    @property
    def rows(self) -> int:
        """How many vectors the segments hold, removed ones included."""
        return sum(segment.rows for segment in self.segments)

    @property
    def files(self) -> set[str]:
        """The names of the files that count."""
        return {segment.name for segment in self.segments} | ({self.quantiser} if self.quantiser else set())


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as read: `codes` for `Quantiser.codes`, and of each row its passage, document row and ordinal: (rows,)."""

    codes: NDArray[np.uint8]
    passages: NDArray[np.int64]
    documents: NDArray[np.int64]
    ordinals: NDArray[np.int32]


class SegmentFolder:
    """Reads and writes the vector leg's files in one folder."""

    def __init__(self, path: Path, dim: int) -> None:
        self.path = path
        self._dim = dim

    def version(self) -> tuple[int, ...]:
        """Return a value that changes when the notes are replaced."""
        try:
            status = os.stat(self.path / _STATE)
        except OSError:
            return ()
        return status.st_mtime_ns, status.st_ino, status.st_size

    def notes(self) -> VectorNotes:
        """Return what counts; empty notes when there are none, they are of another format, or they are damaged."""
        data = read_notes(self.path / _STATE)
        empty = VectorNotes(self._dim)
        if data is None or data.get("format") != VECTOR_FORMAT or data.get("dim") != self._dim:
            return empty
        segments = tuple(SegmentNotes(**segment) for segment in data["segments"])
        return replace(empty, **{key: value for key, value in data.items() if key != "format"} | {"segments": segments})

    def holds_others(self) -> bool:
        """Tell whether there are files that the notes don't name: of another format, or of notes that are damaged."""
        return self.path.is_dir() and any(path.name != _STATE or not self._sound for path in self.path.iterdir())

    @property
    def _sound(self) -> bool:
        data = read_notes(self.path / _STATE)
        return data is not None and data.get("format") == VECTOR_FORMAT

    def save(self, notes: VectorNotes) -> None:
        """Make these the notes that count, and delete the files that none of them names."""
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        write_notes(self.path / _STATE, {"format": VECTOR_FORMAT, **asdict(notes)})
        keep = notes.files | {_STATE}
        for path in self.path.iterdir():
            if path.name not in keep:
                path.unlink(missing_ok=True)  # readers have read it whole, or read the new notes

    def read_quantiser(self, notes: VectorNotes) -> Quantiser:
        """Read the quantiser; raises DamagedPart."""
        arrays = self._read(notes.quantiser)
        return Quantiser(arrays["centre"], arrays["rotation"], arrays["codebook"])

    def read_segment(self, segment: SegmentNotes) -> Segment:
        """Read a segment; raises DamagedPart."""
        arrays = self._read(segment.name)
        read = Segment(arrays["codes"], arrays["passages"], arrays["documents"], arrays["ordinals"])
        if len(read.passages) != segment.rows:
            raise DamagedPart(
                _("{name} holds {count} rows, not {rows}").format(
                    name=segment.name, count=len(read.passages), rows=segment.rows
                )
            )
        return read

    def check(self) -> None:
        """Read everything; raises DamagedPart."""
        notes = self.notes()
        if not notes.segments and self.holds_others():
            raise DamagedPart(_("{STATE} can't be read").format(STATE=_STATE))
        for name in notes.files:
            self._read(name)

    def write_quantiser(self, name: str, quantiser: Quantiser) -> None:
        """Write the quantiser durably, before notes name it."""
        self._write(name, centre=quantiser.centre, rotation=quantiser.rotation, codebook=np.asarray(quantiser.codebook))

    def write_segment(self, name: str, segment: Segment) -> None:
        """Write a segment durably, before notes name it."""
        self._write(
            name,
            codes=segment.codes,
            passages=segment.passages,
            documents=segment.documents,
            ordinals=segment.ordinals,
        )

    def _write(self, name: str, **arrays: NDArray[Any]) -> None:
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / name).open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type,unused-ignore]
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.path)

    def _read(self, name: str) -> dict[str, NDArray[Any]]:
        """Read arrays; the zip file they are in has a checksum of each."""
        import zipfile  # which many a search doesn't need

        try:
            with (self.path / name).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except FileNotFoundError as error:
            raise DamagedPart(_("{name} is missing").format(name=name)) from error
        except OSError as error:
            raise StorageError(
                _("can't read {path}: {value}").format(path=self.path / name, value=error.strerror or error)
            ) from error
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError) as error:
            raise DamagedPart(_("{name} is damaged ({error})").format(name=name, error=error)) from error
