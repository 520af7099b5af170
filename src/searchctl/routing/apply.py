"""Writing labels back: every document of an index gets the router's label, its confidence, and the stamp of what decided it.

A document that has the stamp is done, so that running again goes on where it stopped, and labels only what is new once all are
done. New examples make a new stamp.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from searchctl.errors import InvalidDocument
from searchctl.filters import as_filter, holds, typed
from searchctl.index import Index
from searchctl.routing.examples import KIND
from searchctl.routing.router import Route, Router, RouteSettings
from searchctl.schema import FieldType
from searchctl.translation import _
from searchctl.types import Document, Entry, Value, Where

LABEL, CONFIDENCE, STAMP = "route_label", "route_confidence", "route_model"
_FIELDS: dict[str, FieldType] = {LABEL: "keyword", CONFIDENCE: "number", STAMP: "keyword"}
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What applying came to: documents labelled, left without a label, done before, and how many of each label."""

    labelled: int
    abstained: int
    done_before: int
    labels: dict[str, int]
    interrupted: bool
    stamp: str


def stamp_of(router: Router, settings: RouteSettings) -> str:
    """Return a short hash of all that decides labels: examples, encoder, settings."""
    digest = hashlib.blake2b(digest_size=8)
    encoder = router.index.schema.encoder
    decisive = (settings.target_precision, settings.threshold, settings.limit)
    digest.update(repr((encoder.revision if encoder else "", decisive)).encode())
    for id, labels in sorted((one.id, one.labels) for one in router.state.examples):
        digest.update(repr((id, labels)).encode("utf-8", "surrogatepass"))
    digest.update(repr(sorted(zip(router.state.labels, router.state.described, strict=True))).encode())
    return f"route-{digest.hexdigest()}"


def apply(
    router: Router,
    index: Index,
    settings: RouteSettings,
    *,
    where: Where | None = None,
    batch: int = 128,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> ApplyReport:
    """Label the documents of an index for which `where` holds. `dry_run` stores nothing; `stop` ends after a batch.

    A text that gets no label has an empty `route_label`; of a label below others, these are there too.
    Raises IndexLocked, InvalidDocument, UsageError.
    """
    settings = replace(settings, neighbours=0, candidates=1)
    mark = stamp_of(router, settings)
    if not dry_run:
        schema = index.schema
        if any(name not in schema.fields for name in _FIELDS):
            index.engine.update_schema(index.name, schema.with_fields({**_FIELDS, **schema.fields}), since=schema)
    counts: Counter[str] = Counter()
    before = abstained = 0
    total = index.count()
    for entries in _batches(index, where, batch):
        if stop is not None and stop.is_set():
            break
        todo = [one for one in entries if one.document.fields.get(STAMP) != mark]
        before += len(entries) - len(todo)
        routes = router.predict([f"{one.document.title}\n{one.document.text}".strip() for one in todo], settings)
        if todo and not dry_run:
            _store(index, [_labelled(one, route, mark) for one, route in zip(todo, routes, strict=True)])
        counts.update(label for route in routes for label in route.labels)
        abstained += sum(route.label is None for route in routes)
        done = before + sum(counts.values()) + abstained
        if on_progress is not None:
            on_progress(min(done, total), total)
    stopped = stop is not None and stop.is_set()
    return ApplyReport(sum(counts.values()), abstained, before, dict(counts.most_common()), stopped, mark)


def _batches(index: Index, where: Where | None, batch: int) -> Iterator[list[Entry]]:
    """Yield what is to be labelled: not the router's own documents, and each document once."""
    given, fields = as_filter(where), index.schema.fields
    wanted = typed(given, fields) if given is not None else None
    seen: set[str] = set()
    for entries in index.engine.scan(index.name, batch=batch, vectors=True):
        fit = [
            entry
            for entry in entries
            if KIND not in entry.document.fields
            and entry.document.id not in seen
            and (wanted is None or holds(entry.document, wanted, fields))
        ]
        seen.update(one.document.id for one in fit)
        if fit:
            yield fit


def _labelled(entry: Entry, route: Route, mark: str) -> Entry:
    """Return the entry with its label; its fingerprint stays, so that an ingest of the same source leaves it alone."""
    labels: Value = with_parents(route.labels) or ""
    fields = {**entry.document.fields, LABEL: labels, CONFIDENCE: round(route.confidence, 4), STAMP: mark}
    return replace(entry, document=replace(entry.document, fields=fields))


def with_parents(labels: Sequence[str]) -> str | list[str]:
    """Return labels with what is above them, so that a filter for `billing` finds `billing/refund`; a single one by itself."""
    parents = [label.rsplit("/", depth)[0] for label in labels for depth in range(1, label.count("/") + 1)]
    every = list(dict.fromkeys((*labels, *parents)))
    return every[0] if len(every) == 1 else every


def unlabelled(document: Document) -> Document:
    """Return the document as it was before it got a label."""
    return replace(document, fields={name: value for name, value in document.fields.items() if name not in _FIELDS})


def _store(index: Index, entries: Sequence[Entry]) -> None:
    refused = index.engine.write(index.name, entries)
    if refused:
        raise InvalidDocument(
            _("{name} refuses '{id}': {reason}").format(
                name=index.engine.name, id=refused[0].id, reason=refused[0].reason
            )
        )
