"""`searchctl route rename|merge|export`: labels get other names, and examples leave as a file."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from searchctl.cli.completions import complete_label
from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, echo, print_json
from searchctl.cli.route.context import open_router
from searchctl.errors import StorageError, UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.examples import Example

_ENDINGS = (".jsonl", ".csv")


@click.command(
    "rename",
    cls=Command,
    examples=(
        "searchctl route rename billing/refund billing/money-back",
        "searchctl route rename billing payments",
    ),
)
@click.argument("label", shell_complete=complete_label)
@click.argument("new")
@framed
def rename_command(frame: Frame, label: str, new: str) -> None:
    """Give a label another name, and with it all below it. `searchctl route undo` takes it back."""
    with open_router(frame) as router:
        changed = router.rename(as_text(label), as_text(new))
    _say_changed(frame, changed, as_text(new))


@click.command(
    "merge",
    cls=Command,
    examples=(
        "searchctl route merge billing/refunds --into billing/refund",
        "searchctl route merge late lost damaged --into delivery",
    ),
)
@click.argument("labels", nargs=-1, required=True, metavar="LABEL...", shell_complete=complete_label)
@click.option("--into", required=True, metavar="LABEL", help="The label that gets their examples; new or not.")
@framed
def merge_command(frame: Frame, labels: tuple[str, ...], into: str) -> None:
    """Give the examples of labels, and of all below them, to one label. `searchctl route undo` takes it back."""
    with open_router(frame) as router:
        changed = router.merge(list(map(as_text, labels)), as_text(into))
    _say_changed(frame, changed, as_text(into))


def _say_changed(frame: Frame, changed: int, label: str) -> None:
    if frame.reports_json:
        print_json("relabelled", {"changed": changed, "label": label})
    elif not frame.quiet:
        echo(
            _("{examples} now under {label}; searchctl route undo takes it back").format(
                examples=count_of(changed, "example"), label=label
            )
        )


@click.command(
    "export",
    cls=Command,
    examples=(
        "searchctl route export examples.jsonl",
        "searchctl route export examples.csv",
        "searchctl route export | jq -r .label | sort | uniq -c",
    ),
)
@click.argument("path", metavar="[FILE|-]", default="-")
@click.option(
    "--outside", default="outside", show_default=True, metavar="LABEL", help="How texts of no label are marked."
)
@framed
def export_command(frame: Frame, path: str, outside: str) -> None:
    """Write all examples with their labels, as `searchctl route import` reads them: JSON Lines, or CSV by the file's ending.

    Descriptions of labels aren't written; `searchctl route labels --json` lists them.
    """
    ending = Path(path).suffix.lower()
    if path != "-" and ending not in _ENDINGS:
        raise UsageError(_("can't write '{ending}'; name a file .jsonl or .csv").format(ending=ending))
    with open_router(frame) as router:
        examples = list(router.export())
    taken = {label for one in examples for label in one.labels}
    if outside in taken and not all(one.labels for one in examples):
        raise UsageError(
            _("'{outside}' is a label here; mark the texts of no label otherwise: --outside NAME").format(
                outside=outside
            )
        )
    with _opened(path) as file:
        if ending == ".csv":
            _write_csv(file, examples, outside)
        else:
            for example in examples:
                file.write(
                    json.dumps({"text": example.text, "label": _label(example, outside)}, ensure_ascii=False) + "\n"
                )
    if not frame.quiet and path != "-":
        _say_exported(examples, path, outside)


def _label(example: Example, outside: str) -> str | list[str]:
    return list(example.labels) if len(example.labels) > 1 else (example.labels or (outside,))[0]


def _write_csv(file: IO[str], examples: Sequence[Example], outside: str) -> None:
    if any("|" in label for one in examples if len(one.labels) > 1 for label in one.labels):
        raise UsageError(_("labels with | in them can't be written to a cell of several; write a .jsonl file"))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("text", "label"))
    writer.writerows((one.text, "|".join(one.labels) or outside) for one in examples)


def _say_exported(examples: Sequence[Example], path: str, outside: str) -> None:
    strange = sum(not one.labels for one in examples)
    several = any(len(one.labels) > 1 for one in examples)
    say(_("searchctl: {texts} written to {path}").format(texts=count_of(len(examples), "text"), path=path))
    options = [f"--outside {outside}"] if strange else []
    if several and path.lower().endswith(".csv"):
        options.append("--separator '|'")
    if options:
        say(
            _("searchctl: read it back with: searchctl route import {path} {options}").format(
                path=path, options=" ".join(options)
            )
        )


@contextmanager
def _opened(path: str) -> Iterator[IO[str]]:
    if path == "-":
        yield sys.stdout
        return
    try:
        with Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
    except OSError as error:
        raise StorageError(
            _("can't write {path}: {strerror}; choose another file").format(path=path, strerror=error.strerror)
        ) from error
