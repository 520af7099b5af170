"""`searchctl route predict`: texts in, labels out, row by row."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import DEAD_LETTERS, say
from searchctl.cli.output import (
    count_of,
    echo,
    print_json,
    print_pairs,
    printable,
    refuse_overwriting,
    refuse_unwritable,
)
from searchctl.cli.progress import Meter
from searchctl.cli.route.answerer import Answerer, opened_answerer
from searchctl.cli.route.context import columns_of, file_options, say_guessed
from searchctl.cli.route.rows_out import CsvWriter, JsonWriter, Writer, XlsxWriter, as_json, joined_row
from searchctl.errors import SourceError, StorageError, UsageError
from searchctl.files import replacing
from searchctl.sources.formats import endings
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.router import Route, RouteSettings
    from searchctl.routing.rows import Columns, Row
    from searchctl.routing.scorer import Scorer
    from searchctl.sources import Format

_BATCH = 256
_SHOWN = 32  # rows between two looks at how far it is
_OUTPUTS = ("jsonl", "csv", "xlsx")
_NAMED_ROWS = 10


@click.command(
    "predict",
    cls=Command,
    examples=(
        'searchctl route predict "They charged me twice"',
        "searchctl route predict tickets.csv --text message --target-precision 0.95 --output routed.csv",
        "zcat tickets.jsonl.gz | searchctl route predict - > routed.jsonl",
        'searchctl route predict "The lamp came broken and I want my money" --set 0.9 --json',
        'searchctl route predict tickets.jsonl --zero-shot ./models/xlm-roberta-xnli --hypothesis "This is about {}."',
        "searchctl route predict tickets.jsonl --classifier ./my-classifier --target-precision 0.95",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="TEXT|FILE|-")
@click.option("--target-precision", type=float, metavar="P", help="Give a label only where it's right this often.")
@click.option("--threshold", type=float, metavar="P", help="Give a label from this confidence on.")
@click.option(
    "--outside-limit",
    type=float,
    metavar="P",
    help="No label from this certainty on that a text fits nowhere [default: 0.92]; 1 gives one to any text.",
)
@click.option(
    "--set", "coverage", type=float, metavar="P", help="Also give the labels among which the right one is this often."
)
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Labels to show.")
@click.option("--neighbours", type=click.IntRange(0), default=3, show_default=True, help="Examples to show.")
@click.option(
    "--zero-shot", "model", metavar="MODEL", help="Label by names and descriptions, with a model for NLI (extra torch)."
)
@click.option("--hypothesis", metavar="TEXT", help="What that model judges, {} being the label.")
@click.option(
    "--classifier",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Label with a classifier of searchctl train classifier or train setfit.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write there: .jsonl, .csv or .xlsx."
)
@click.option(
    "--excel", is_flag=True, help="Write a CSV file that Excel opens by a double click: with semicolons and a mark."
)
@click.option("--to", "output_format", type=click.Choice(_OUTPUTS), help="Format of the output [default: jsonl].")
@file_options
@framed
def predict_command(
    frame: Frame,
    words: tuple[str, ...],
    target_precision: float | None,
    threshold: float | None,
    outside_limit: float | None,
    coverage: float | None,
    top: int,
    neighbours: int,
    model: str | None,
    hypothesis: str | None,
    folder: Path | None,
    output: Path | None,
    excel: bool,
    output_format: str | None,
    text_columns: str | None,
    label_column: str | None,
    separator: str | None,
    outside_label: str | None,
    format_name: str | None,
) -> None:
    """Route a text, the rows of a file, or of standard input (-).

    Rows come out as they went in, every column unchanged and in its place; label, confidence, the best labels, the nearest
    examples and the reason come after them. A new column whose name the rows have is called `route_` and that name, but for the
    label: a row's own is then `given_label`. Where the router abstains, the label is null. A row that can't be read comes out
    with an `error`. Exit code 3: there were such rows.

    With --classifier, labels and confidences are the classifier's; the nearest examples are shown where there is an index of
    them, which isn't needed.
    """
    from searchctl.routing.decide import RouteSettings
    from searchctl.routing.rows import as_format, read_rows

    settings = RouteSettings(target_precision, threshold, outside_limit, coverage, top, neighbours)
    source = _source(words)
    text = as_text(" ".join(words)).strip()
    if not text:
        raise UsageError(_('there is no text to route; type: searchctl route predict "They charged me twice"'))
    if source is None and (output is not None or excel or output_format is not None):
        raise UsageError(
            _("--output, --to and --excel are for the rows of a file; one text is answered here: add --json")
        )
    with opened_answerer(frame, folder, _scorer(model, hypothesis, folder)) as answerer:
        if target_precision is not None and not frame.quiet:
            _say_promise(answerer, target_precision)
        if source is None:
            _print_one(frame, answerer.predict([text], settings)[0])
            return
        columns, form = columns_of(text_columns, label_column, separator, outside_label), as_format(format_name)
        rows = read_rows(source, columns, form)
        if frame.json and output is None:
            whole = list(_routed(answerer, rows, settings))
            print_json("routes", {"routes": [joined_row(row, route) for row, route in whole]})
            if any(route is None for _row, route in whole):
                click.get_current_context().exit(DEAD_LETTERS)
            return
        kind = output_format or (output.suffix.lstrip(".") if output else "") or ("csv" if excel else "jsonl")
        if kind not in _OUTPUTS:
            raise UsageError(
                _("can't write '.{kind}'; name a file .jsonl, .csv or .xlsx, or say --to csv").format(kind=kind)
            )
        if (excel and kind != "csv") or (kind == "xlsx" and output is None):
            raise UsageError(
                _(
                    "--excel is for CSV, and a workbook needs a file: --output routed.csv --excel, or --output "
                    "routed.xlsx"
                )
            )
        refuse_overwriting([output], [str(source)])
        refuse_unwritable([output])
        names = _all_names(source, columns, form) if kind != "jsonl" else []
        with _writing(output, kind, names, excel=excel) as write, Meter(frame, _("texts"), _("routing")) as meter:
            tally = _written(write, _routed(answerer, rows, settings), meter)
    _say_tally(frame, tally)
    say_guessed(str(source), list(tally.guessed))
    if tally.failed:
        click.get_current_context().exit(DEAD_LETTERS)


@dataclass
class PredictionTally:
    """What became of the rows: `failed` are the numbers of those that couldn't be read."""

    done: int = 0
    labelled: int = 0
    cut: int = 0
    repaired: int = 0
    failed: list[int] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    guessed: dict[str, None] = field(default_factory=dict)


def _written(write: Writer, routed: Iterator[tuple[Row, Route | None]], meter: Meter) -> PredictionTally:
    tally = PredictionTally()
    for row, route in routed:
        write.row(joined_row(row, route))
        tally.done += 1
        tally.guessed |= dict.fromkeys(row.guessed)
        if route is None:
            tally.failed.append(row.place)
        else:
            tally.labelled += route.label is not None
            tally.cut += route.cut
            tally.repaired += bool(route.read_as)
        if tally.done % _SHOWN == 0:
            meter.update(tally.done, failed=len(tally.failed))
    meter.update(tally.done, failed=len(tally.failed))
    tally.lost = write.lost
    return tally


def _say_tally(frame: Frame, tally: PredictionTally) -> None:
    if not frame.quiet:
        read = tally.done - len(tally.failed)
        say(
            _("searchctl: {labelled} of {texts} got a label").format(
                labelled=tally.labelled, texts=count_of(read, "text")
            )
        )
        if tally.cut:
            say(
                _("searchctl: of {texts} only the beginning was read, as far as the encoder reads").format(
                    texts=count_of(tally.cut, "text")
                )
            )
        if tally.repaired:
            say(
                _("searchctl: {texts} read in another keyboard layout or alphabet; `why` says as what").format(
                    texts=count_of(tally.repaired, "text")
                )
            )
    if tally.lost:
        say(
            _("searchctl: columns that only later rows have aren't in the table: {lost}; --to jsonl has all").format(
                lost=", ".join(sorted(tally.lost))
            )
        )
    if tally.failed:
        shown = ", ".join(map(str, tally.failed[:_NAMED_ROWS]))
        more = (
            _(" and {count} more").format(count=len(tally.failed) - _NAMED_ROWS)
            if len(tally.failed) > _NAMED_ROWS
            else ""
        )
        say(
            _("searchctl: {count} of {done} rows couldn't be read: row {shown}{more}; their `error` says why").format(
                count=len(tally.failed), done=tally.done, shown=shown, more=more
            )
        )


def _all_names(source: str, columns: Columns, form: Format | None) -> list[str]:
    """Return the columns of all rows of a file, in order; of a stream, whose rows can't be read twice, none."""
    from searchctl.routing.rows import read_rows

    if source == "-":
        return []
    return list(dict.fromkeys(name for row in read_rows(source, columns, form) for name in row.data))


def _looks_like_file(word: str) -> bool:
    """Tell whether one word is written as the name of a file that can be read."""
    return word.lower().removesuffix(".gz").endswith(tuple(endings())) and not re.search(r"\s", word)


def _source(words: Sequence[str]) -> str | None:
    """Return the file that is meant, or None for a text."""
    if len(words) == 1 and (words[0] == "-" or Path(words[0]).is_file()):
        return words[0]
    if len(words) == 1 and _looks_like_file(words[0]):
        raise SourceError(
            _("there is no file {words}; name one that is there, or put the text in quotes with more words").format(
                words=words[0]
            )
        )
    return None


def _scorer(model: str | None, hypothesis: str | None, folder: Path | None) -> Scorer | None:
    if model is not None and folder is not None:
        raise UsageError("--zero-shot and --classifier can't both decide; give one of them")
    if model is None:
        if hypothesis is not None:
            raise UsageError("--hypothesis belongs to --zero-shot MODEL; give both")
        return None
    from searchctl.routing.zero_shot import HYPOTHESIS, ZeroShot

    return ZeroShot(model, hypothesis or HYPOTHESIS)


def _routed(answerer: Answerer, rows: Iterator[Row], settings: RouteSettings) -> Iterator[tuple[Row, Route | None]]:
    """Yield rows in order, each with its route; None for one without a text."""
    from searchctl.routing.rows import arriving

    for batch in arriving(rows, _BATCH):
        good = [row for row in batch if not row.error and row.text]
        routes = iter(answerer.predict([row.text for row in good], settings))
        for row in batch:
            yield row, next(routes) if not row.error and row.text else None


def _say_promise(answerer: Answerer, target: float) -> None:
    from searchctl.cli.route.words import promise_words

    say(f"searchctl: {promise_words(answerer.promise(target))}")


def _print_one(frame: Frame, route: Route) -> None:
    if frame.for_programs:
        print_json("route", as_json(route))
        return
    echo(route.label or _("no label"))
    pairs = [(one.label, f"{one.confidence:.3f}") for one in route.candidates]
    print_pairs([(f"  {name}", value) for name, value in pairs])
    echo(_("outside: {outside:.3f}, how surely it fits no label").format(outside=route.outside))
    echo(_("why: {why}").format(why=printable(route.why)))
    for neighbour in route.neighbours:
        echo(f"  {neighbour.similarity:.2f}  {printable(', '.join(neighbour.labels))}: {printable(neighbour.text)}")
    if route.label_set:
        echo(_("set: {label_set}").format(label_set=printable(", ".join(route.label_set))))


@contextmanager
def _writing(path: Path | None, kind: str, names: Sequence[str], *, excel: bool) -> Iterator[Writer]:
    """Yield what writes rows into a file, or to standard output."""
    if path is None:
        yield CsvWriter(sys.stdout, names, excel=excel) if kind == "csv" else JsonWriter(sys.stdout)
        return
    try:
        if kind == "xlsx":
            with replacing(path) as draft, draft.open("wb") as file:
                book = XlsxWriter(file, names)
                yield book
                book.close()
            return
        with path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="") as text:
            yield CsvWriter(text, names, excel=excel) if kind == "csv" else JsonWriter(text)
    except OSError as error:
        raise StorageError(
            _("can't write {path}: {strerror}; choose another file with --output").format(
                path=path, strerror=error.strerror
            )
        ) from error
