"""Versions of an index: a change that needs a new index is made behind the name, which moves over in one step and can move back.

The versions of `books` are called `books-v2`, `books-v3`, …, and `books-v1` is what the plain name stood for before the first
of them. Each notes in its stamp which one it replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from searchctl.engines.base import ForeignIndexes, FullEngine
from searchctl.errors import IndexMissing, UsageError
from searchctl.schema import Lineage, Schema
from searchctl.translation import _
from searchctl.types import IndexInfo


@dataclass(frozen=True, slots=True)
class Version:
    """One index of those that share a name; `current` is the one which the name leads to.

    `schema` is None for an index of others as it was before it got vectors.
    """

    info: IndexInfo
    schema: Schema | None
    current: bool

    @property
    def previous(self) -> str:
        """The version it replaced, or nothing."""
        return self.schema.lineage.previous if self.schema and self.schema.lineage else ""


@dataclass(frozen=True, slots=True)
class Move:
    """A name that was moved: what it led to before (None: nothing), and what now."""

    name: str
    before: str | None
    after: str


def versions(engine: FullEngine, name: str) -> list[Version]:
    """Return an index's versions, the oldest first; raises IndexMissing when the name leads nowhere."""
    current = engine.resolve(name)
    found = [one for one in engine.indexes() if _number(name, one.name) is not None or one.name == current]
    found.sort(key=lambda info: _number(name, info.name) or 0)
    ours = [Version(one, engine.schema(one.name), one.name == current) for one in found]
    known = {one.info.name for one in ours}
    before = dict.fromkeys(
        _current(engine, info.previous) for info in ours if info.previous
    )  # it may be noted by an alias
    theirs = [one for one in before if one and one not in known]
    return [Version(engine.info(one), None, one == current) for one in theirs] + ours


def versioned(engine: FullEngine, name: str) -> str:
    """Return the name whose versions are meant: of an index of others that of its vectors, which lie beside it."""
    companion = engine.vectors_of(name) if isinstance(engine, ForeignIndexes) else None
    return companion or name


def next_version(engine: FullEngine, name: str) -> str:
    """Return a name for the next version: one more than the highest there is."""
    return f"{name}-v{max((_number(name, one) or 1 for one in _taken(engine, name)), default=0) + 1}"


def open_version(engine: FullEngine, name: str, schema: Schema) -> str:
    """Return a version to fill: one that the same work began and didn't bring behind the name, or else a new one.

    The same work has the same `Lineage.made_from`, encoder, analyzer and passages.
    """
    version = begun_version(engine, name, schema)
    if version is None:
        version = next_version(engine, name)
        engine.create(version, schema)
    return version


def begun_version(engine: FullEngine, name: str, schema: Schema) -> str | None:
    """Return the version which the same work began and didn't bring behind the name."""
    assert schema.lineage is not None
    current = _current(engine, name)
    others = [one.name for one in engine.indexes() if _number(name, one.name) is not None and one.name != current]
    return next((one for one in others if _work(engine.schema(one)) == _work(schema)), None)


def move(engine: FullEngine, name: str, version: str) -> Move:
    """Point the name at a version in one step and note what it replaced."""
    before = _current(engine, name)
    keep = _kept_as(engine, name) if before == name else None
    schema = engine.schema(version)
    lineage = schema.lineage or Lineage("")
    engine.update_schema(version, replace(schema, lineage=replace(lineage, previous=keep or before or "")))
    return Move(name, engine.alias(name, version, keep=keep), version)


def earlier_version(engine: FullEngine, name: str, to: str | None = None) -> str:
    """Return the version that the present one replaced, or version `to`; raises as `roll_back`."""
    current = engine.resolve(name)
    wanted = to or _previous(engine, current)
    if not wanted:
        raise UsageError(
            _("index '{name}' has no version before this one; see its versions with: searchctl rollback --list").format(
                name=name
            )
        )
    target = _current(engine, wanted)
    names = [one.info.name for one in versions(engine, name)]
    if target is None or target not in names:
        raise IndexMissing(
            _("'{name}' has no version '{wanted}'; it has: {names}").format(
                name=name, wanted=wanted, names=", ".join(names)
            )
        )
    if target == current:
        raise UsageError(
            _("'{name}' leads to {current} already; see its versions with: searchctl rollback --list").format(
                name=name, current=current
            )
        )
    return target


def roll_back(engine: FullEngine, name: str, to: str | None = None) -> Move:
    """Point the name at the version that the present one replaced, or at version `to`; both stay.

    Raises UsageError when there is none, IndexMissing when it has been dropped or is no version of this index.
    """
    current, target = engine.resolve(name), earlier_version(engine, name, to)
    engine.alias(name, target, keep=_kept_as(engine, name) if current == name else None)
    return Move(name, current, target)


def drop_version(engine: FullEngine, name: str, version: str) -> None:
    """Delete a version that nobody is answered from; raises UsageError for the one in use."""
    known = {one.info.name: one for one in versions(engine, name)}
    if version not in known:
        raise IndexMissing(
            _("'{name}' has no version '{version}'; it has: {known}").format(
                name=name, version=version, known=", ".join(known)
            )
        )
    if known[version].current:
        raise UsageError(
            _("'{name}' leads to {version}, so it stays; go back to another first: searchctl rollback").format(
                name=name, version=version
            )
        )
    if known[version].schema is None:
        raise UsageError(
            _(
                "'{version}' holds what others wrote, and searchctl never deletes that; do it by the server's "
                "own means: curl -X DELETE {url}/{version}"
            ).format(version=version, url=engine.url)
        )
    engine.drop(version)


def _current(engine: FullEngine, name: str) -> str | None:
    try:
        return engine.resolve(name)
    except IndexMissing:
        return None


def _previous(engine: FullEngine, version: str) -> str:
    lineage = engine.schema(version).lineage
    return lineage.previous if lineage else ""


def _kept_as(engine: FullEngine, name: str) -> str:
    """Return the version's name for an index that has had the plain one so far."""
    known = [alias for one in engine.indexes() if one.name == name for alias in one.aliases if _number(name, alias)]
    if known:
        return known[0]
    return next_version(engine, name) if f"{name}-v1" in _taken(engine, name) else f"{name}-v1"


def _taken(engine: FullEngine, name: str) -> set[str]:
    """Return the name and those of its versions that lead to an index."""
    names = {alias for one in engine.indexes() for alias in (one.name, *one.aliases)}
    names |= {name} if _current(engine, name) else set()
    return {one for one in names if _number(name, one) is not None}


def _number(name: str, version: str) -> int | None:
    """Return n of `NAME-vn`, 0 of `NAME` itself, None of all others."""
    match = re.fullmatch(rf"{re.escape(name)}(?:-v([1-9]\d{{0,5}}))?", version)
    return None if match is None else int(match[1] or 0)


def _work(schema: Schema) -> tuple[object, ...]:
    encoder = schema.encoder
    made_from = schema.lineage.made_from if schema.lineage else None
    return made_from, encoder and (encoder.revision, encoder.dim), schema.analyzer, schema.passages
