"""Types that a user declares: for fields an index hasn't met, and later, for fields it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from searchctl.engines.base import FullEngine, Retyping
from searchctl.errors import UsageError
from searchctl.fields import fit
from searchctl.ingest.journal import Journal, journal_path
from searchctl.ingest.prepare import fingerprint, has_content
from searchctl.schema import FieldType, Schema
from searchctl.translation import _
from searchctl.types import Entry

_BATCH = 100


def declare_types(
    engine: FullEngine, index: str, types: Mapping[str, FieldType], date_formats: Mapping[str, str] | None = None
) -> int:
    """Give fields of an index these types, and return how many documents were indexed anew for that.

    Their vectors stay. Raises UsageError where the engine can't change the type a field has. Interrupted, the next call of
    a load goes on with it.
    """
    schema = engine.schema(index)
    journal = Journal(journal_path(engine, index))
    try:
        pending = journal.pending_types()
        changed = {name: kind for name, kind in types.items() if schema.fields.get(name, kind) != kind}
        added = {name: kind for name, kind in types.items() if name not in schema.fields}
        if changed and not isinstance(engine, Retyping):
            name, kind = next(iter(changed.items()))
            raise UsageError(
                _(
                    "index '{index}' was made with '{name}' as {fields}, not {kind}, and its server can't change "
                    "that; leave the type out of the recipe, or ingest into a new index with --index NEW"
                ).format(index=index, name=name, fields=schema.fields[name], kind=kind)
            )
        renewed = {*changed, *added, *pending}
        if not renewed:
            return 0
        with engine.writing(index):
            journal.set_pending_types(renewed)
            engine.update_schema(index, replace(schema, fields={**schema.fields, **types}), since=schema)
            count = _index_anew(engine, index, renewed, date_formats)
            journal.set_pending_types(())
        return count
    finally:
        journal.close()


def has_pending_types(engine: FullEngine, index: str) -> bool:
    """Tell whether giving fields other types was interrupted."""
    journal = Journal(journal_path(engine, index))
    try:
        return bool(journal.pending_types())
    finally:
        journal.close()


def _index_anew(engine: FullEngine, index: str, names: set[str], date_formats: Mapping[str, str] | None) -> int:
    """Write the documents again that have one of these fields; their values are read as the types are now."""
    schema = engine.schema(index)
    ids = [
        entry.document.id for entries in engine.scan(index) for entry in entries if names & entry.document.fields.keys()
    ]
    for start in range(0, len(ids), _BATCH):
        entries = engine.get(index, ids[start : start + _BATCH], vectors=True)
        engine.write(index, [_typed(entry, schema, date_formats) for entry in entries if entry is not None])
    return len(ids)


def _typed(entry: Entry, schema: Schema, date_formats: Mapping[str, str] | None) -> Entry:
    fields, _ignored = fit(entry.document.fields, schema.fields, date_formats)
    document = replace(entry.document, fields=fields)
    settings = repr(schema.passages)
    mark = entry.fingerprint
    if has_content(mark, fingerprint(entry.document, settings)):
        mark = fingerprint(document, settings) + mark[len(mark.partition("-")[0]) :]
    return replace(entry, document=document, fingerprint=mark)
