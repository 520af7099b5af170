"""`searchctl route add|import|remove|labels|undo`: the examples."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.completions import complete_label
from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import DEAD_LETTERS, say
from searchctl.cli.listing import print_listing
from searchctl.cli.output import count_of, echo, print_json, print_table, printable
from searchctl.cli.progress import Meter
from searchctl.cli.route.context import FORMATS, columns_of, file_options, open_router, say_guessed, say_skipped
from searchctl.errors import UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.examples import MergedExamples
    from searchctl.routing.labels import LabelDoubts
    from searchctl.routing.rows import SkippedRow

_SHOWN = 10  # contradictions


@click.command(
    "add",
    cls=Command,
    examples=(
        'searchctl route add billing/refund "I want my money back" "When do I get my refund?"',
        "searchctl route add delivery/late --file late.txt",
        'searchctl route add loyalty --description "bonus points, gift cards and the loyalty programme"',
        'searchctl route add billing/refund "Refund me, the kettle is broken" --and product/fault',
        'searchctl route add --outside "What is the capital of Mongolia?"',
    ),
)
@click.argument("words", nargs=-1, metavar="LABEL [TEXT]...", shell_complete=complete_label)
@click.option(
    "--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="Texts, one a line, or rows of a table."
)
@click.option(
    "--description", metavar="TEXT", help="What the label means; enough to route to it before there are examples."
)
@click.option("--and", "further", multiple=True, metavar="LABEL", help="Another label of the same texts; repeatable.")
@click.option("--outside", is_flag=True, help="The texts belong to no label; then no LABEL is given.")
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Format of FILE, where its name doesn't tell it."
)
@framed
def add_command(
    frame: Frame,
    words: tuple[str, ...],
    path: Path | None,
    description: str | None,
    further: tuple[str, ...],
    outside: bool,
    format_name: str | None,
) -> None:
    """Add examples of a label, or its description; the label is new, or gets more.

    The next prediction knows them. A text that is stored already moves to the label.
    """
    from searchctl.routing.rows import SkippedRow, as_format, read_rows

    given = list(map(as_text, words))
    if not outside and not given:
        raise UsageError(_('say which label: searchctl route add LABEL "an example" "another one"'))
    texts = given if outside else given[1:]
    textless: list[SkippedRow] = []
    if path is not None:
        rows = list(read_rows(path, format=as_format(format_name)))
        texts += [row.text for row in rows if row.text]
        textless = [SkippedRow(row.place, row.error or "the row has no text") for row in rows if not row.text]
    if not texts and not description:
        raise UsageError(_("give an example, a --file of examples, or a --description"))
    with open_router(frame, create=True) as router:
        if outside:
            added = router.add_outside(texts)
        else:
            added = router.add((given[0], *map(as_text, further)), texts, description=as_text(description or ""))
    whose = _("no label") if outside else given[0]
    told = (
        [
            _("{examples} added to {whose}{known}").format(
                examples=count_of(added, "example"), whose=whose, known=_known(len(set(texts)) - added)
            )
        ]
        if texts
        else []
    )
    _say_added(frame, added, ", ".join([*told, *([f"{whose} described"] if description else [])]), textless)
    _leave(frame, str(path), textless)


@click.command(
    "import",
    cls=Command,
    examples=(
        "searchctl route import train.jsonl",
        "searchctl route import tickets.csv --text subject,message --label queue",
        "searchctl route import reviews.csv --label topics --separator ';'",
        "searchctl route import clinc.jsonl --outside oos",
    ),
)
@click.argument("path", metavar="FILE")
@click.option("--several", is_flag=True, help="A text may have several labels: it gets those of all its rows.")
@file_options
@framed
def import_command(
    frame: Frame,
    path: str,
    several: bool,
    text_columns: str | None,
    label_column: str | None,
    separator: str | None,
    outside_label: str | None,
    format_name: str | None,
) -> None:
    """Add labelled texts from a file (CSV, TSV, JSON, JSON Lines), or standard input (-).

    Each text has one label. A row that lists several, in a JSON array or by --separator, lets every text have several from then
    on; so does --several, which gives a text the labels of all its rows. Otherwise a text under different labels contradicts
    itself: it is reported, and keeps the label it has most often. Exit code 3: some rows gave no example; they are reported.
    """
    from searchctl.routing.examples import merge_examples
    from searchctl.routing.rows import as_format, read_examples

    columns = columns_of(text_columns, label_column, separator, outside_label)
    read = read_examples(path, columns, as_format(format_name))
    merged = merge_examples(read.examples, multi_label=several)
    with open_router(frame, create=True) as router, Meter(frame, _("examples"), _("encoding")) as meter:
        added = router.add_examples(merged.examples, on_progress=meter.update)
        meter.phase(_("learning"))
        router.learn()
        doubts = router.doubts()
    labels = len({label for one in merged.examples for label in one.labels})
    text = _("{examples} of {labels} added{known}").format(
        examples=count_of(added, "example"),
        labels=count_of(labels, "label"),
        known=_known(len(merged.examples) - added),
    )
    _say_added(frame, added, text, read.skipped, merged, doubts)
    if not frame.json:
        _say_merged(merged)
        _say_doubts(doubts)
        say_guessed(path, read.guessed)
    _leave(frame, path, read.skipped)


def _leave(frame: Frame, path: str, skipped: Sequence[SkippedRow]) -> None:
    """Report the rows that gave no example, and end with the exit code that says so."""
    if not frame.json:
        say_skipped(path, skipped)
    if skipped:
        click.get_current_context().exit(DEAD_LETTERS)


def _say_doubts(doubts: LabelDoubts) -> None:
    """Report labels that may not be what was meant."""
    for same in doubts.alike[:_SHOWN]:
        others, last = " ".join(map(shlex.quote, same[:-1])), shlex.quote(same[-1])
        text = _("searchctl: labels that are spelt differently: {labels}; if they are one,")
        say(printable(text.format(labels=", ".join(map(repr, same)))))
        say(
            printable(
                _("  join them with: searchctl route merge {others} --into {last}").format(others=others, last=last)
            )
        )
    if len(doubts.alike) > _SHOWN:
        say(_("  and {count} more; --json lists all").format(count=len(doubts.alike) - _SHOWN))
    if doubts.joined:
        name, sign = doubts.joined[0]
        text = _("searchctl: {labels} with several labels in one, as it seems, such as {name!r}; if so,")
        say(printable(text.format(labels=count_of(len(doubts.joined), "label"), name=name)))
        say(_("  searchctl route undo, and import with: --separator '{sign}'").format(sign=sign))


def _say_merged(merged: MergedExamples) -> None:
    """Report what the rows of a file say twice, and where they contradict each other."""
    if merged.repeated:
        say(_("searchctl: {rows} said again what another one says").format(rows=count_of(merged.repeated, "row")))
    multi = sum(len(one.labels) > 1 for one in merged.examples)
    if multi:
        say(
            _(
                "searchctl: {texts} with several labels, so every text may have several from now on, and a "
                "precision is promised label by label"
            ).format(texts=count_of(multi, "text"))
        )
    contradictions = merged.contradictions
    if not contradictions:
        return
    count = _("{texts} under different labels").format(texts=count_of(len(contradictions), "text"))
    say(
        _("searchctl: {count}; each keeps the most frequent, or else the last (--several keeps all):").format(
            count=count
        )
    )
    for one in contradictions[:_SHOWN]:
        given = " and ".join(", ".join(labels) or "no label" for labels in one.labels)
        say(
            printable(
                _("  '{split}': {given}; kept: {value}").format(
                    split=" ".join(one.text.split())[:100], given=given, value=", ".join(one.kept) or "no label"
                )
            )
        )
    if len(contradictions) > _SHOWN:
        say(_("  and {count} more; --json lists all").format(count=len(contradictions) - _SHOWN))


def _known(same: int) -> str:
    """Return what is said of examples that were stored before."""
    return _(", {same} {what} there").format(same=same, what=_("was") if same == 1 else _("were")) if same else ""


def _say_added(
    frame: Frame,
    added: int,
    text: str,
    skipped: Sequence[SkippedRow],
    merged: MergedExamples | None = None,
    doubts: LabelDoubts | None = None,
) -> None:
    if frame.reports_json:
        found: dict[str, object] = {"added": added}
        if merged is not None and doubts is not None:
            found["repeated"] = merged.repeated
            found["contradictions"] = [
                {"text": one.text, "labels": [list(labels) for labels in one.labels], "kept": list(one.kept)}
                for one in merged.contradictions
            ]
            found["alike"] = [list(same) for same in doubts.alike]
            found["joined"] = [name for name, _sign in doubts.joined]
        if merged is not None or skipped:
            found["left_out"] = [{"row": row.place, "reason": row.reason} for row in skipped]
        print_json("examples-added", found)
    elif not frame.quiet:
        echo(text)


@click.command(
    "remove",
    cls=Command,
    examples=(
        "searchctl route remove billing/refund",
        'searchctl route remove --text "When do I get my refund?"',
        "searchctl route remove --id route-5b1c",
    ),
)
@click.argument("label", required=False, shell_complete=complete_label)
@click.option("--text", "texts", multiple=True, metavar="TEXT", help="Remove this example; repeatable.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Remove the example with this id; repeatable.")
@framed
def remove_command(frame: Frame, label: str | None, texts: tuple[str, ...], ids: tuple[str, ...]) -> None:
    """Remove a label with its examples (also all below it, as in billing/...), or single examples.

    `searchctl route undo` brings them back.
    """
    if (label is None) == (not texts and not ids):
        raise UsageError(_("say what to remove: a label, or examples with --text or --id"))
    with open_router(frame) as router:
        gone = router.remove(
            None if label is None else as_text(label), texts=list(map(as_text, texts)), ids=list(map(as_text, ids))
        )
    if frame.reports_json:
        print_json("examples-removed", {"removed": gone})
    elif not frame.quiet:
        echo(_("{texts} removed; searchctl route undo brings them back").format(texts=count_of(gone, "text")))


@click.command("labels", cls=Command, examples=("searchctl route labels", "searchctl route labels --json"))
@framed
def labels_command(frame: Frame) -> None:
    """List the labels with the number of their examples."""
    with open_router(frame) as router:
        found = router.labels()
    if frame.for_programs:
        rows = [{"label": one.label, "examples": one.examples, "description": one.description or None} for one in found]
        print_listing(frame, "labels", "label", "labels", rows)
        return
    print_table(
        [_("label"), _("examples"), _("description")],
        [[one.label, str(one.examples), one.description] for one in found],
    )


@click.command("undo", cls=Command, examples=("searchctl route undo",))
@framed
def undo_command(frame: Frame) -> None:
    """Take back the last change made on this machine: an add, an import, a remove."""
    with open_router(frame) as router:
        what = router.undo()
    if frame.reports_json:
        print_json("undone", {"undone": what})
    elif not frame.quiet:
        echo(_("undone: {what}").format(what=what))
