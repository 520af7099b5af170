"""`searchctl delete`: documents by id or by filter, after a question."""

from __future__ import annotations

import sys

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import FAILED, say, say_error
from searchctl.cli.output import count_of, echo, print_json
from searchctl.cli.where import where_of, where_option
from searchctl.errors import UsageError
from searchctl.translation import _


@click.command(
    "delete",
    cls=Command,
    examples=(
        "searchctl delete returns.md shipping.md",
        "searchctl delete --where category=archive --where 'updated<2020-01-01'",
        "searchctl delete --where lang=ru --yes",
    ),
)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@where_option("Delete what matches: ")
@click.option("--yes", is_flag=True, help="Don't ask.")
@framed
def command(frame: Frame, ids: tuple[str, ...], where: tuple[str, ...], yes: bool) -> None:
    """Delete documents by id, or all that match a filter."""
    if bool(ids) == bool(where):
        raise UsageError(_("say what to delete: either ids, or a filter with --where"))
    with frame.open_index() as index:
        given = where_of(where)
        wanted = list(dict.fromkeys(map(as_text, ids))) if given is None else list(index.matching_ids(given))
        if wanted and not yes:
            _ask(
                _("Delete {documents} from index '{index}'?").format(
                    documents=count_of(len(wanted), "document"), index=frame.settings.index
                )
            )
        deleted = index.delete(wanted) if wanted else 0
    if frame.reports_json:
        print_json("deleted", {"deleted": deleted})
    elif not frame.quiet:
        echo(_("deleted {documents}").format(documents=count_of(deleted, "document")))
    if ids and deleted < len(wanted):
        say_error(
            _("{ids} of {count} weren't in index '{index}'").format(
                ids=count_of(len(wanted) - deleted, "id"), count=len(wanted), index=frame.settings.index
            )
        )
        click.get_current_context().exit(FAILED)


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(_("deleting asks first, and there's nobody to ask; add --yes"))
    if not click.confirm(question, err=True):
        say(_("nothing deleted"))
        click.get_current_context().exit(FAILED)
