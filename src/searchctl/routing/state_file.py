"""What a router has learnt, kept in a file beside the index's journal, so that a command needn't learn it again.

The file is derived: it says of which examples and which encoder it was made, and is made anew where those are others, or where
it is damaged or of another format. It is written under another name and put in place at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.routing.calibration import Softening
from searchctl.routing.everyday import EVERYDAY
from searchctl.routing.examples import Stored
from searchctl.routing.metric import LabelMetric
from searchctl.routing.out_of_scope import Everyday, OutOfScope
from searchctl.routing.state import CalibrationReport, Level, State, stacked
from searchctl.routing.votes import Votes
from searchctl.routing.words import Words
from searchctl.types import Vectors

STATE_FORMAT = 1
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
    total = 0
    for one in stored:
        line = json.dumps([one.id, one.kind, sorted(one.labels), one.text], ensure_ascii=False)
        total ^= int.from_bytes(hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
    everyday = hashlib.blake2b("\n".join(EVERYDAY).encode(), digest_size=8).hexdigest()
    return f"{total:032x}-{len(stored)}-{revision}-{everyday}"


class StateFile:
    """One `.npz` file; reading and writing it never fails a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def everyday(self, revision: str) -> Vectors | None:
        """Return the everyday sentences' vectors, if those here are of this encoder."""
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                meta = _meta(file)
                sentences = np.asarray(file["everyday"], np.float32)
                return sentences if meta["digest"].split("-", 2)[2] == _tail(revision) else None
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None

    def read(self, stored: Sequence[Stored], digest: str) -> KeptState | None:
        """Return what was kept of these documents; None where it was of others, or can't be read."""
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                meta = _meta(file)
                return _kept(file, meta, stored) if meta["digest"] == digest else None
        except (OSError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile):
            return None

    def write(self, kept: KeptState, digest: str) -> None:
        """Keep a state; a folder that can't be written to keeps none."""
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with draft.open("wb") as file:
                np.savez(file, **_arrays(kept, digest))
            draft.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def _tail(revision: str) -> str:
    return digest_of((), revision).split("-", 2)[2]


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
        one.labels[0]: one.vector for one in stored if one.kind in ("name", "description") and len(one.labels) == 1
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
