"""`searchctl rollback`: go back to the version of an index before the last change."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.listing import print_listing
from searchctl.cli.operations import end_interrupted, hint
from searchctl.cli.output import print_json, print_pairs, print_table, size_of
from searchctl.cli.progress import Meter
from searchctl.engines.base import FullEngine
from searchctl.errors import IndexFormatError, UsageError
from searchctl.translation import _, number


@click.command(
    "rollback",
    cls=Command,
    examples=(
        "searchctl rollback",
        "searchctl rollback --list",
        "searchctl rollback --to default-v3",
        "searchctl rollback --drop default-v2",
    ),
)
@click.option("--list", "list_them", is_flag=True, help="Show the versions of the index, and change nothing.")
@click.option("--to", metavar="VERSION", help="The version to go to [default: the one that was replaced last].")
@click.option("--drop", metavar="VERSION", help="Delete a version that isn't in use.")
@click.option("--carry", is_flag=True, help="First repeat in the earlier version what was written and deleted since.")
@click.option("--discard", is_flag=True, help="Go back without what was written since.")
@framed
def command(frame: Frame, list_them: bool, to: str | None, drop: str | None, carry: bool, discard: bool) -> None:
    """Point the index's name at the version before the last reembed, restore or vectorize, in one step.

    Where documents were written, changed or deleted since, it says how many and asks for --carry or --discard.
    """
    if carry and discard or ((carry or discard) and (list_them or drop is not None)):
        raise UsageError("--carry and --discard say what becomes of newer documents when going back; give one of them")
    if sum((list_them, to is not None, drop is not None)) > 1:
        raise UsageError("--list, --to and --drop exclude each other; give one of them")
    from searchctl.engines import open_engine

    engine = open_engine(frame.settings.engine, frame.settings.connection)
    try:
        if list_them:
            _list(frame, engine)
        elif drop is not None:
            _drop(frame, engine, drop)
        else:
            _go_back(frame, engine, to, carry=carry, discard=discard)
    finally:
        engine.close()


def _list(frame: Frame, engine: FullEngine) -> None:
    from searchctl.lifecycle.versions import versioned, versions

    found = versions(engine, versioned(engine, frame.settings.index))
    if frame.for_programs:
        values = [
            {
                "version": one.info.name,
                "current": one.current,
                "documents": one.info.documents,
                "size": one.info.size,
                "encoder": one.schema.encoder.name if one.schema and one.schema.encoder else None,
                "passage_size": one.schema.passages.size if one.schema and one.schema.encoder else None,
                "previous": one.previous or None,
            }
            for one in found
        ]
        print_listing(frame, "versions", "version", "versions", values)
        return
    rows = [
        [
            one.info.name,
            _("in use") if one.current else "",
            number(one.info.documents),
            size_of(one.info.size),
            one.schema.encoder.name if one.schema and one.schema.encoder else "none",
            _("{size} tokens").format(size=one.schema.passages.size) if one.schema and one.schema.encoder else "",
        ]
        for one in found
    ]
    print_table([_("version"), "", _("documents"), _("size"), _("encoder"), _("passages of")], rows)


def _drop(frame: Frame, engine: FullEngine, version: str) -> None:
    from searchctl.lifecycle.versions import drop_version, versioned

    drop_version(engine, versioned(engine, frame.settings.index), version)
    if frame.reports_json:
        print_json("version-dropped", {"dropped": version})
    elif not frame.quiet:
        say(_("searchctl: dropped {version}").format(version=version))


def _go_back(frame: Frame, engine: FullEngine, to: str | None, *, carry: bool, discard: bool) -> None:
    from searchctl.lifecycle.versions import earlier_version, roll_back, versioned

    name = versioned(engine, frame.settings.index)
    if not discard:
        _keep_newer(frame, engine, engine.resolve(name), earlier_version(engine, name, to), carry=carry)
    moved = roll_back(engine, name, to)
    left, now = _count(engine, str(moved.before)), _count(engine, moved.after)
    if frame.reports_json:
        print_json(
            "version-moved", {"name": moved.name, "before": moved.before, "after": moved.after, "documents": now}
        )
        return
    if frame.quiet:
        return
    pairs = [
        (
            _("in use"),
            _("{name} is {after} now (before: {before})").format(
                name=moved.name, after=moved.after, before=moved.before
            ),
        )
    ]
    print_pairs([*pairs, (_("documents"), number(now))] if now is not None else pairs)
    if left is not None and now is not None and left != now:
        say(
            _(
                "note: {before} holds {left:,} documents; what was loaded since the change has to be loaded again"
            ).format(before=moved.before, left=left)
        )
    say(_("next: forward again with: {hint}").format(hint=hint(frame, "rollback", "--to", str(moved.before))))


def _keep_newer(frame: Frame, engine: FullEngine, current: str, target: str, *, carry: bool) -> None:
    """Carry what is newer into the earlier version, or refuse to lose it; raises UsageError."""
    from searchctl.ingest.copying import Monitor
    from searchctl.lifecycle.going_back import carry_back, losses

    lost = losses(engine, current, target)
    if not lost:
        return
    if not carry:
        what = _(
            "{added:,} documents written since, {changed:,} changed, and brings {deleted:,} deleted ones back"
        ).format(added=lost.added, changed=lost.changed, deleted=lost.deleted)
        raise UsageError(
            _(
                "going back to {target} loses {what}; carry them over: {hint}, or go back without them: --discard"
            ).format(target=target, what=what, hint=hint(frame, "rollback", "--carry"))
        )
    with stop_on_interrupt() as stop, Meter(frame, _("documents"), _("carrying over")) as meter:
        carry_back(engine, current, target, Monitor(meter.update, stop))
    if stop.is_set():
        end_interrupted(frame)


def _count(engine: FullEngine, name: str) -> int | None:
    """Count documents; None for an index that others made, before it got vectors."""
    try:
        return engine.count(name)
    except IndexFormatError:
        return None
