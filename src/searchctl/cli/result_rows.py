"""Hits as rows: one line a hit, `path:line`, or tables for other programs."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

import click

from searchctl.cli.context import Function
from searchctl.cli.output import on_terminal, printable
from searchctl.notation import table_cell
from searchctl.types import Hit, Results

RowFormat: TypeAlias = Literal["short", "csv", "tsv", "markdown", "jsonl", "json"]
ROW_FORMATS: tuple[RowFormat, ...] = get_args(RowFormat)
_COLUMNS = ("rank", "id", "line", "page", "section", "title", "relevance", "score", "text")


def look_options(function: Function) -> Function:
    """Add the options that say how hits are printed."""
    options = (
        click.option("--all", "everything", is_flag=True, help="Show also hits that hardly answer."),
        click.option("--short", "form", flag_value="short", help="Print one line a hit: path:line: text."),
        click.option("--csv", "form", flag_value="csv", help="Print a CSV table."),
        click.option("--tsv", "form", flag_value="tsv", help="Print a tab-separated table."),
        click.option("--jsonl", "form", flag_value="jsonl", help="Print one JSON object a hit; the default in a pipe."),
        click.option("--fmt", "form", type=click.Choice(ROW_FORMATS), help="Any of these formats, by name."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def place_of(hit: Hit) -> str:
    """Return `id:line` as editors and terminals open it; the id alone where the document's format has no lines."""
    line = hit.passage.line if hit.passage else None
    name = f"{hit.index}: {hit.id}" if hit.index else hit.id
    return f"{name}:{line}" if line else name


def flat(text: str) -> str:
    """Return the text on one line, without what could drive a terminal."""
    return re.sub(r"\s+", " ", printable(text)).strip()


def best_words(hit: Hit) -> str:
    """Return the sentence of a hit's passage that answers best, else its first marked words with what follows."""
    passage = hit.passage
    if passage is None or not passage.text:
        return hit.title
    start = passage.sentence[0] if passage.sentence else passage.marks[0][0] if passage.marks else 0
    begin = max(passage.text.rfind("\n", 0, start), passage.text.rfind(". ", 0, start) + 1, 0)
    return flat(passage.text[start if passage.sentence else begin :])


def print_rows(results: Results, form: RowFormat, start: int) -> None:
    """Print the hits of an answer in a format of rows; `start` hits come before them."""
    if form == "short":
        width = _width()
        for hit in results.hits:
            title = f"{flat(hit.title)}: " if hit.title and hit.passage else ""
            line = f"{printable(place_of(hit))}: {title}{best_words(hit)}"
            click.echo(line if width is None or len(line) <= width else line[: width - 1].rstrip() + "…")
    elif form == "markdown":
        click.echo("| " + " | ".join(_COLUMNS) + " |\n|" + " --- |" * len(_COLUMNS))
        for row in _rows(results, start):
            click.echo("| " + " | ".join(flat(cell).replace("|", "\\|") for cell in row) + " |")
    else:
        writer = csv.writer(sys.stdout, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([table_cell(flat(cell)) for cell in row] for row in _rows(results, start))


def _rows(results: Results, start: int) -> Iterator[list[str]]:
    for rank, hit in enumerate(results.hits, start=start + 1):
        passage = hit.passage
        places = (passage.line, passage.page, passage.section) if passage else (None, None, "")
        where = ["" if place is None else str(place) for place in places]
        text = passage.text if passage else ""
        yield [str(rank), hit.id, *where, hit.title, f"{hit.relevance:.4f}", f"{hit.score:.4f}", text]


def _width() -> int | None:
    import shutil

    return shutil.get_terminal_size().columns if on_terminal() else None
