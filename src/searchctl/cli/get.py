"""`searchctl get`: stored documents."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import FAILED, say_error
from searchctl.cli.listing import print_listing
from searchctl.cli.output import echo, print_json, printable, stdout_console
from searchctl.text.sections import shown_fields
from searchctl.translation import _
from searchctl.types import Document, Json


@click.command(
    "get",
    cls=Command,
    examples=("searchctl get returns.md", "searchctl get returns.md shipping.md --jsonl", "searchctl get 4711 --json"),
)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--jsonl", "json_lines", is_flag=True, help="Print one JSON object a line; the default in a pipe.")
@framed
def command(frame: Frame, ids: tuple[str, ...], json_lines: bool) -> None:
    """Print stored documents."""
    ids = tuple(map(as_text, ids))
    with frame.open_index() as index:
        found = [index.get(id) for id in ids]
    missing = [id for id, document in zip(ids, found, strict=True) if document is None]
    documents = [document for document in found if document is not None]
    if frame.json and len(ids) == 1:
        for document in documents:
            print_json("document", _document_json(document))
    elif frame.for_programs or json_lines:
        values = map(_document_json, documents)
        print_listing(frame, "documents", "document", "documents", values, missing=missing)
    else:
        for place, document in enumerate(documents):
            if place:
                echo()
            _print_document(document)
    if missing:
        names = ", ".join(map(repr, missing))
        say_error(
            _("no document {names} in index '{index}'; find ids with: searchctl search").format(
                names=names, index=frame.settings.index
            )
        )
        click.get_current_context().exit(FAILED)


def _document_json(document: Document) -> Json:
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "fields": dict(shown_fields(document.fields)),
    }


def _print_document(document: Document) -> None:
    from rich.text import Text

    stdout_console().print(Text(printable(document.title or document.id), style="bold"))
    if document.title:
        echo(f"id: {printable(document.id)}")
    for name, value in shown_fields(document.fields).items():
        shown = value if isinstance(value, (str, int, float, bool)) else ", ".join(map(str, value))
        echo(f"{name}: {shown}")
    if document.text:
        echo("\n" + printable(document.text))
