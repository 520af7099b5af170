"""What going back to an earlier version of an index would lose, and carrying it back."""

from __future__ import annotations

from dataclasses import dataclass

from searchctl.encoders import open_stamped
from searchctl.engines.base import FullEngine, fingerprints
from searchctl.errors import EncoderMismatch, IndexFormatError, UsageError
from searchctl.ingest.copying import BATCH, Monitor, persist
from searchctl.lifecycle.reembed import bring_over
from searchctl.translation import _


@dataclass(frozen=True, slots=True)
class Losses:
    """Documents that the version in use has and the other lacks, those that differ, and those that were deleted since."""

    added: int = 0
    changed: int = 0
    deleted: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.deleted)


def losses(engine: FullEngine, current: str, target: str) -> Losses:
    """Compare what two versions hold: titles, texts and fields, not how they were cut and encoded.

    Nothing is compared where others write the documents: they lie beside the versions and stay.
    """
    try:
        layouts = [engine.schema(name).layout for name in (current, target)]
    except IndexFormatError:  # an index of others as it was before it got vectors in a copy, by an earlier searchctl
        layouts = [None]
    if any(layout is not None for layout in layouts):
        return Losses()
    added = changed = deleted = 0
    for entries in engine.scan(current, batch=BATCH):
        held = engine.get(target, [entry.document.id for entry in entries])
        added += sum(old is None for old in held)
        changed += sum(
            old is not None and old.document != entry.document for entry, old in zip(entries, held, strict=True)
        )
    for entries in engine.scan(target, batch=BATCH):
        marks = fingerprints(engine, current, [entry.document.id for entry in entries])
        deleted += sum(mark is None for mark in marks)
    return Losses(added, changed, deleted)


def carry_back(engine: FullEngine, current: str, target: str, monitor: Monitor) -> None:
    """Bring what was written, changed and deleted since into the earlier version, encoded as its documents are."""
    stamp = engine.schema(target).encoder
    if stamp is None:
        raise UsageError(
            _("'{target}' has no encoder, so its documents can't be written by a copy; ingest them again").format(
                target=target
            )
        )
    encoder = open_stamped(stamp)
    if (encoder.revision, encoder.dim) != (stamp.revision, stamp.dim):
        raise EncoderMismatch(
            _("'{target}' was made with {name} of revision {revision}, which isn't here").format(
                target=target, name=stamp.name, revision=stamp.revision
            )
        )
    with engine.writing(target):
        persist(lambda: bring_over(engine, current, target, encoder, monitor), monitor)
