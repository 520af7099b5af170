"""`searchctl route predict`: texts in, labels out, row by row."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import DEAD_LETTERS, say
from searchctl.cli.output import echo, on_terminal, print_json, print_pairs, printable, refuse_overwriting
from searchctl.cli.progress import Meter
from searchctl.cli.route.context import columns_of, file_options, open_router
from searchctl.errors import SourceError, StorageError, UsageError
from searchctl.notation import table_cell

if TYPE_CHECKING:
    from searchctl.routing.router import Route, Router, RouteSettings
    from searchctl.routing.rows import Row
    from searchctl.routing.scorer import Scorer

_BATCH = 256
_OUTPUTS = ("jsonl", "csv")
_LOOKS_LIKE_FILE = re.compile(r"\S+\.(csv|tsv|jsonl?|txt)(\.gz)?")


@click.command(
    "predict",
    cls=Command,
    examples=(
        'searchctl route predict "They charged me twice"',
        "searchctl route predict tickets.csv --text message --target-precision 0.95 --output routed.csv",
        "zcat tickets.jsonl.gz | searchctl route predict - > routed.jsonl",
        'searchctl route predict "The lamp came broken and I want my money" --set 0.9 --json',
        'searchctl route predict tickets.jsonl --zero-shot ./models/xlm-roberta-xnli --hypothesis "This is about {}."',
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="TEXT|FILE|-")
@click.option("--target-precision", type=float, metavar="P", help="Give a label only where it's right this often.")
@click.option("--threshold", type=float, metavar="P", help="Give a label from this confidence on.")
@click.option(
    "--outside-limit", type=float, metavar="P", help="No label from this certainty on that a text fits nowhere."
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
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write there: .jsonl or .csv.")
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
    output: Path | None,
    output_format: str | None,
    text_columns: str | None,
    label_column: str | None,
    separator: str | None,
    outside_label: str | None,
    format_name: str | None,
) -> None:
    """Route a text, the rows of a file, or of standard input (-).

    Rows come out as they went in, with label, confidence, the best labels, the nearest examples and the reason. Where the
    router abstains, the label is null. A row's own label becomes `given_label`. Exit code 3: some rows couldn't be read.
    """
    from searchctl.routing.decide import RouteSettings
    from searchctl.routing.rows import as_format, read_rows

    settings = RouteSettings(target_precision, threshold, outside_limit, coverage, top, neighbours)
    scorer = _scorer(model, hypothesis)
    source = _source(words)
    text = as_text(" ".join(words)).strip()
    if not text:
        raise UsageError('there is no text to route; type: searchctl route predict "They charged me twice"')
    with open_router(frame) as router:
        if target_precision is not None and not frame.quiet:
            _say_promise(router, target_precision)
        if source is None:
            _print_one(frame, router.predict([text], settings, scorer=scorer)[0])
            return
        columns = columns_of(text_columns, label_column, separator, outside_label)
        rows = read_rows(source, columns, as_format(format_name))
        if frame.json:
            print_json({"routes": [_joined(row, route) for row, route in _routed(router, rows, settings, scorer)]})
            return
        kind = output_format or (output.suffix.lstrip(".") if output else "") or "jsonl"
        if kind not in _OUTPUTS:
            raise UsageError(f"can't write '.{kind}'; name a file .jsonl or .csv, or say --to csv")
        refuse_overwriting([output], [str(source)])
        with _opened(output) as file, Meter(frame, "texts") as meter:
            write = _CsvWriter(file) if kind == "csv" else _JsonWriter(file)
            failed = done = 0
            for row, route in _routed(router, rows, settings, scorer):
                write.row(_joined(row, route))
                done += 1
                failed += route is None
                if done % _BATCH == 0:
                    meter.update(done, failed=failed)
            meter.update(done, failed=failed)
    if failed:
        say(f"searchctl: {failed} of {done} rows couldn't be read; their `error` says why")
        click.get_current_context().exit(DEAD_LETTERS)


def _source(words: Sequence[str]) -> str | None:
    """Return the file that is meant, or None for a text."""
    if len(words) == 1 and (words[0] == "-" or Path(words[0]).is_file()):
        return words[0]
    if len(words) == 1 and _LOOKS_LIKE_FILE.fullmatch(words[0]):
        raise SourceError(
            f"there is no file {words[0]}; name one that is there, or put the text in quotes with more words"
        )
    return None


def _scorer(model: str | None, hypothesis: str | None) -> Scorer | None:
    if model is None:
        if hypothesis is not None:
            raise UsageError("--hypothesis belongs to --zero-shot MODEL; give both")
        return None
    from searchctl.routing.zero_shot import HYPOTHESIS, ZeroShot

    return ZeroShot(model, hypothesis or HYPOTHESIS)


def _routed(
    router: Router, rows: Iterator[Row], settings: RouteSettings, scorer: Scorer | None
) -> Iterator[tuple[Row, Route | None]]:
    """Yield rows in order, each with its route; None for one without a text."""
    from searchctl.routing.rows import arriving

    for batch in arriving(rows, _BATCH):
        good = [row for row in batch if not row.error and row.text]
        routes = iter(router.predict([row.text for row in good], settings, scorer=scorer))
        for row in batch:
            yield row, next(routes) if not row.error and row.text else None


def _joined(row: Row, route: Route | None) -> dict[str, Any]:
    """Return a row's own values and its route's."""
    own = dict(row.data)
    if "label" in own:
        own["given_label"] = own.pop("label")
    if route is None:
        return {"text": row.text, **own, "label": None, "error": row.error or "the row has no text"}
    return {"text": row.text, **own, **as_json(route)}


def as_json(route: Route) -> dict[str, Any]:
    """Return a route as JSON values."""
    return {
        "label": route.label,
        "labels": list(route.labels),
        "confidence": round(route.confidence, 4),
        "top": [{"label": one.label, "confidence": round(one.confidence, 4)} for one in route.candidates],
        "outside": round(route.outside, 4),
        **({"set": list(route.label_set)} if route.label_set else {}),
        "neighbours": [
            {"id": one.id, "labels": list(one.labels), "similarity": round(one.similarity, 4), "text": one.text}
            for one in route.neighbours
        ],
        "why": route.why,
    }


def _say_promise(router: Router, target: float) -> None:
    from searchctl.cli.route.words import promise_words

    say(f"searchctl: {promise_words(router.promise(target))}")


def _print_one(frame: Frame, route: Route) -> None:
    if frame.json or not on_terminal():
        print_json(as_json(route))
        return
    echo(route.label or "no label")
    pairs = [(one.label, f"{one.confidence:.3f}") for one in route.candidates]
    print_pairs([(f"  {name}", value) for name, value in pairs])
    echo(f"outside: {route.outside:.3f}, how surely it fits no label")
    echo(f"why: {printable(route.why)}")
    for one in route.neighbours:
        echo(f"  {one.similarity:.2f}  {printable(', '.join(one.labels))}: {printable(one.text)}")
    if route.label_set:
        echo(f"set: {printable(', '.join(route.label_set))}")


class _Writer(Protocol):
    def row(self, values: dict[str, Any]) -> None: ...


class _JsonWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def row(self, values: dict[str, Any]) -> None:
        self._file.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")
        self._file.flush()


class _CsvWriter:
    """Flat columns: the best labels as `label:confidence`, sets with `|` between; the neighbours' texts stay out."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._writer: csv.DictWriter[str] | None = None

    def row(self, values: dict[str, Any]) -> None:
        flat = {table_cell(name): table_cell(_cell(name, value)) for name, value in values.items()}
        if self._writer is None:
            names = dict.fromkeys(
                (*flat, "label", "labels", "confidence", "top", "outside", "neighbours", "why", "error")
            )
            self._writer = csv.DictWriter(
                self._file, list(names), restval="", extrasaction="ignore", lineterminator="\n"
            )
            self._writer.writeheader()
        self._writer.writerow(flat)
        self._file.flush()


def _cell(name: str, value: Any) -> str:
    if name == "top":
        return "|".join(f"{one['label']}:{one['confidence']}" for one in value)
    if name == "neighbours":
        return "|".join(one["id"] for one in value)
    return "|".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror}; choose another file with --output") from error
