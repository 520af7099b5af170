"""`searchctl similar`: documents like one of the index, or like a text."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.result_rows import RowFormat, look_options
from searchctl.cli.results import Look, print_results
from searchctl.cli.where import where_of, where_option


@click.command(
    "similar",
    cls=Command,
    examples=(
        "searchctl similar returns.md",
        'searchctl similar "The parcel arrived broken" -k 3 --where lang=en',
        "searchctl similar --text refund",
        "searchctl similar returns.md --json",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="ID|TEXT...")
@click.option("-k", type=click.IntRange(1), default=10, show_default=True, help="Number of documents.")
@where_option()
@click.option("--from", "start", type=click.IntRange(0), default=0, metavar="N", help="Skip the first N.")
@click.option("--text", "is_text", is_flag=True, help="Take a single word as a text, not as an id.")
@look_options
@framed
def command(
    frame: Frame,
    words: tuple[str, ...],
    k: int,
    where: tuple[str, ...],
    start: int,
    is_text: bool,
    form: RowFormat | None,
    everything: bool,
) -> None:
    """Find the documents most like a stored one, given its id, or like a text."""
    with frame.open_index() as index:
        results = index.similar(
            as_text(" ".join(words)), k, where=where_of(where), start=start, as_text=is_text or None
        )
        print_results(frame, results, Look(form, everything=everything, start=start))
