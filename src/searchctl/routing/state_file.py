"""What a router has learnt, kept in a file beside the index's journal, so that a command needn't learn it again.

A file is derived: it says of which examples and which encoder it was made, and is made anew where those are others, or where
it is damaged or of another format.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from searchctl.files import replacing
from searchctl.routing.calibration import Softening
from searchctl.routing.calibration_report import CalibrationReport, Level
from searchctl.routing.everyday import EVERYDAY
from searchctl.routing.examples import Stored
from searchctl.routing.metric import LabelMetric
from searchctl.routing.out_of_scope import Everyday, OutOfScope
from searchctl.routing.state import State, stacked
from searchctl.routing.votes import Votes
from searchctl.routing.words import Words
from searchctl.types import Vectors

STATE_FORMAT = 1
_KEPT = 2  # states
_SMALL = 1 << 20  # bytes; smaller arrays are read at once
_NAME_LENGTH = 26  # where a member's header in a zip file has the lengths of its name and of what follows
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, IndexError, struct.error, zipfile.BadZipFile)
_VOTES = (
    "rows",
    "lengths",
    "members",
    "names",
    "name_shift",
    "sums",
    "landmarks",
    "landmark_words",
    "whitening",
    "inverse",
    "solved",
    "totals",
)


@dataclass(frozen=True, slots=True)
class KeptState:
    """A state with what its left-out answers taught; `changed` examples have been added since both were learnt."""

    state: State
    report: CalibrationReport
    changed: int


def digest_of(stored: Sequence[Stored], revision: str) -> str:
    """Return a short hash of all that a state is made of: the router's documents, in any order, and the encoder's revision."""
    # The id of an example of the router's own is made of its text.
    lines = sorted(
        "\x1f".join((text.id, text.kind, *sorted(text.labels), "" if text.id.startswith("route-") else text.text))
        for text in stored
    )
    examples = hashlib.blake2b("\x1e".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    everyday = hashlib.blake2b("\n".join(EVERYDAY).encode(), digest_size=8).hexdigest()
    return f"{examples}-{revision}-{everyday}"


class StateFiles:
    """A file for each of the last states, so that undoing a step finds the state before it. None of them ever fails a command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def everyday(self, revision: str) -> Vectors | None:
        """Return the everyday sentences' vectors by this encoder, if some state has them."""
        for path in self._paths():
            try:
                with _Arrays(path) as arrays:
                    meta = _meta(arrays)
                    if meta["digest"].split("-", 1)[1] == digest_of((), revision).split("-", 1)[1]:
                        return np.array(arrays["everyday"])
            except _UNREADABLE:
                continue
        return None

    def read(self, stored: Sequence[Stored], digest: str) -> KeptState | None:
        """Return what was kept of these documents; None where nothing was, or it can't be read."""
        try:
            with _Arrays(self._path(digest)) as arrays:
                meta = _meta(arrays)
                return _kept(arrays, meta, stored) if meta["digest"] == digest else None
        except _UNREADABLE:
            return None

    def write(self, kept: KeptState, digest: str) -> None:
        """Keep a state, and forget the oldest; a folder that can't be written to keeps none."""
        with contextlib.suppress(OSError), replacing(self._path(digest)) as draft, draft.open("wb") as file:
            np.savez(file, **_arrays(kept, digest))
        for path in self._paths()[_KEPT:]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _path(self, digest: str) -> Path:
        return self._folder / f"route-state-{digest[:16]}.npz"

    def _paths(self) -> list[Path]:
        """Return the files, the newest first."""
        try:
            return sorted(self._folder.glob("route-state-*.npz"), key=lambda path: -path.stat().st_mtime_ns)
        except OSError:
            return []


class _Arrays:
    """The arrays of an uncompressed `.npz` file by name: the large ones are read as far as they are looked at."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._zip = zipfile.ZipFile(self._file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> _Arrays:
        return self

    def __exit__(self, *raised: object) -> None:
        self._zip.close()
        self._file.close()

    def __getitem__(self, name: str) -> Any:
        info = self._zip.getinfo(f"{name}.npy")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size < _SMALL:
            with self._zip.open(info) as member:
                return np.lib.format.read_array(member, allow_pickle=False)
        self._file.seek(info.header_offset + _NAME_LENGTH)
        name_length, extra_length = struct.unpack("<HH", self._file.read(4))
        self._file.seek(name_length + extra_length, os.SEEK_CUR)
        version = np.lib.format.read_magic(self._file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, in_columns, kind = read_header(self._file)
        if kind.hasobject:
            raise ValueError("not an array of numbers")
        order: Literal["C", "F"] = "F" if in_columns else "C"
        return np.memmap(self._file, kind, "r", self._file.tell(), shape, order)


def _meta(file: Any) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads(file["meta"].tobytes())
    if meta["format"] != STATE_FORMAT:
        raise ValueError("another format")
    return meta


def _arrays(kept: KeptState, digest: str) -> dict[str, Any]:
    state, report, votes = kept.state, kept.report, kept.state.votes
    scope = report.scope
    meta = {
        "format": STATE_FORMAT,
        "digest": digest,
        "changed": kept.changed,
        "examples": [one.id for one in state.examples],
        "labels": state.labels,
        "described": state.described,
        "phrases": state.phrases,
        "multi_label": state.multi_label,
        "word_weight": votes.word_weight,
        "centroid_weight": votes.centroid_weight,
        "influence": votes.metric.influence,
        "softening": [report.softening.sharpness, report.softening.offset, report.softening.multi_label],
        "usual": report.usual,
        "answers": report.answers,
        "levels": len(report.levels),
        "scope": [scope.centroid, scope.cohort, scope.share, scope.joined, scope.weights],
    }
    arrays = {name: getattr(votes, name) for name in _VOTES}
    for number, level in enumerate(report.levels):
        arrays |= {f"confidence{number}": level.confidence, f"right{number}": level.right, f"best{number}": level.best}
    return {
        **arrays,
        "meta": np.frombuffer(json.dumps(meta, ensure_ascii=False).encode("utf-8", "surrogatepass"), np.uint8),
        "centre": votes.metric.centre,
        "transform": votes.metric.transform,
        "rarity": state.vocabulary.rarity if state.vocabulary is not None else np.zeros(0, np.float32),
        "outside_words": state.outside_words,
        "everyday": state.everyday.sentences,
        "anchored": np.flatnonzero(np.abs(votes.names).sum(axis=1) > 0),
        "report_rows": report.rows,
        "left_out": report.left_out,
        "report_members": report.members,
        "usual_strangeness": scope.usual,
        "known": scope.known,
    }


def _kept(file: Any, meta: dict[str, Any], stored: Sequence[Stored]) -> KeptState:
    by_id = {one.id: one for one in stored if one.kind == "example"}
    examples = tuple(by_id[id] for id in meta["examples"])
    labels = tuple(meta["labels"])
    names = {
        text.labels[0]: text.vector for text in stored if text.kind in ("name", "description") and len(text.labels) == 1
    }
    dim = len(file["centre"])
    anchors = [one.vector for one in examples] + [
        names[labels[at]] for at in file["anchored"].tolist() if labels[at] in names
    ]
    rarity = file["rarity"]
    everyday = Everyday(file["everyday"], stacked(anchors, dim))
    votes = Votes(
        LabelMetric(file["centre"], file["transform"], meta["influence"]),
        **{name: file[name] for name in _VOTES},
        word_weight=meta["word_weight"],
        centroid_weight=meta["centroid_weight"],
    )
    state = State(
        examples,
        labels,
        tuple(meta["described"]),
        tuple(meta["phrases"]),
        stacked([one.vector for one in stored if one.kind == "outside"], dim),
        file["outside_words"],
        everyday,
        votes,
        Words(rarity) if len(rarity) else None,
        meta["multi_label"],
    )
    centroid, cohort, share, joined, weights = meta["scope"]
    scope = OutOfScope(
        everyday,
        tuple(centroid),
        tuple(cohort),
        share,
        joined,
        file["usual_strangeness"],
        file["known"],
        tuple(weights),
    )
    sharpness, offset, multi_label = meta["softening"]
    levels = tuple(
        Level(file[f"confidence{number}"], file[f"right{number}"], file[f"best{number}"])
        for number in range(meta["levels"])
    )
    report = CalibrationReport(
        Softening(sharpness, offset, multi_label),
        levels,
        file["report_rows"],
        file["left_out"],
        file["report_members"],
        scope,
        meta["usual"],
        meta["answers"],
    )
    return KeptState(state, report, meta["changed"])
