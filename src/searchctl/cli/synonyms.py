"""`searchctl synonyms`: the rules by which an index's searches look for other words as well."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, print_json, printable
from searchctl.errors import SourceError, UsageError
from searchctl.translation import _


@click.command(
    "synonyms",
    cls=Command,
    examples=(
        "searchctl synonyms",
        "searchctl synonyms synonyms.txt --index shop",
        "echo 'tv, television, телевизор' | searchctl synonyms -",
        "searchctl synonyms --clear",
    ),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--clear", is_flag=True, help="Remove all rules.")
@framed
def command(frame: Frame, file: Path | None, clear: bool) -> None:
    """Show an index's synonyms, or replace them with those of FILE. Nothing is indexed anew.

    A line is a rule, as in Solr: "tv, television" stand for each other, "e-book => ebook, digital book" replaces
    what is on the left by what is on the right. Words are matched by their stems; quoted words of a query stay as they are.
    """
    if clear and file is not None:
        raise UsageError(_("either a FILE of rules or --clear, not both"))
    with frame.open_index() as index:
        if clear or file is not None:
            index.use_synonyms(_lines(file) if file is not None else ())
        rules = index.schema.synonyms
    if frame.for_programs:
        print_json("synonyms", {"synonyms": list(rules)})
        return
    if clear or file is not None:
        if not frame.quiet:
            say(_("{rules} from now on").format(rules=count_of(len(rules), "rule")))
        return
    for rule in rules:
        click.echo(printable(rule))
    if not rules and not frame.quiet:
        say(_("no synonyms; give a file with a rule on each line, as in: tv, television"))


def _lines(file: Path) -> Sequence[str]:
    from searchctl.ingest.recipes import read_lines

    return sys.stdin.read().splitlines() if str(file) == "-" else read_lines(file, SourceError)
