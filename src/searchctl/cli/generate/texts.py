"""`searchctl generate paraphrases|examples|labels`: texts with and without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.generate.options import GenerationOptions, generation_options
from searchctl.cli.generate.running import check_server, print_prompt, run_task
from searchctl.cli.output import count_of
from searchctl.cli.route.context import FORMATS, columns_of, open_router
from searchctl.errors import UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.generation.texts import LabelSeeds
    from searchctl.routing.examples import Example

_TEXT = click.option("--text", "text_columns", metavar="COLUMNS", help="Columns that hold the text.")
_LABEL = click.option("--label", "label_column", metavar="COLUMN", help="Column that holds the label.")
_FORMAT = click.option("--format", "format_name", type=click.Choice(FORMATS), help="Format, if the name hasn't it.")


@click.command(
    "paraphrases",
    cls=Command,
    examples=(
        "searchctl generate paraphrases questions.txt --llm http://localhost:11434/v1 --model qwen3 -o pairs.jsonl",
        "searchctl generate paraphrases tickets.csv --text message --label queue --llm http://localhost:8000/v1 --model M",
        "searchctl route import generated-paraphrases.jsonl",
    ),
)
@click.argument("path", required=False, metavar="FILE")
@click.option("--per-text", type=click.IntRange(1, 20), default=3, show_default=True, metavar="N")
@_TEXT
@_LABEL
@_FORMAT
@generation_options
@framed
def paraphrases_command(
    frame: Frame,
    path: str | None,
    per_text: int,
    text_columns: str | None,
    label_column: str | None,
    format_name: str | None,
    generation: GenerationOptions,
) -> None:
    """Have texts said in other words.

    FILE holds texts, one a line, or rows of a table. A labelled text's paraphrases have its label: `route import` takes them. Of
    others there are pairs, which `train siamese` takes.
    """
    if print_prompt(generation, "paraphrases"):
        return
    from searchctl.generation.texts import ParaphrasesTask

    check_server(generation)
    texts = _texts(path, text_columns, label_column, format_name)
    run_task(frame, ParaphrasesTask(texts, generation.prompts("paraphrases"), per_text), generation)


@click.command(
    "examples",
    cls=Command,
    examples=(
        "searchctl generate examples tickets.jsonl --count 30 --llm http://localhost:11434/v1 --model qwen3 -o more.jsonl",
        "searchctl generate examples --llm http://localhost:8000/v1 --model M",
        "searchctl route impact generated-examples.jsonl",
        "searchctl route import generated-examples.jsonl",
    ),
)
@click.argument("path", required=False, metavar="[FILE]")
@click.option(
    "--count", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N", help="Texts a label."
)
@_TEXT
@_LABEL
@_FORMAT
@click.option("--seed", type=int, default=0, help="Another one shows the model other examples.")
@generation_options
@framed
def examples_command(
    frame: Frame,
    path: str | None,
    count: int,
    text_columns: str | None,
    label_column: str | None,
    format_name: str | None,
    seed: int,
    generation: GenerationOptions,
) -> None:
    """Have new texts written for labels, after their descriptions and examples.

    FILE holds labelled texts; without it, labels, descriptions and examples are those of `searchctl route`. Texts come in the
    languages of a label's examples.
    """
    if print_prompt(generation, "examples"):
        return
    from searchctl.generation.texts import ExamplesTask

    check_server(generation)
    labels = _labels(frame, path, text_columns, label_column, format_name)
    run_task(frame, ExamplesTask(labels, generation.prompts("examples"), count, seed=seed), generation)


@click.command(
    "labels",
    cls=Command,
    examples=(
        "searchctl generate labels tickets.jsonl --llm http://localhost:11434/v1 --model qwen3 -o labelled.jsonl",
        "searchctl generate labels new.csv --text message --labels labelled.csv --llm http://localhost:8000/v1 --model M",
        "searchctl route import generated-labels.jsonl",
    ),
)
@click.argument("path", required=False, metavar="FILE")
@click.option("--labels", "known", metavar="FILE", help="Labelled texts [default: the labels of searchctl route].")
@_TEXT
@_LABEL
@_FORMAT
@generation_options
@framed
def labels_command(
    frame: Frame,
    path: str | None,
    known: str | None,
    text_columns: str | None,
    label_column: str | None,
    format_name: str | None,
    generation: GenerationOptions,
) -> None:
    """Have texts sorted into labels that there are.

    FILE holds texts, one a line, or rows of a table; where they have a label, agreement with it is told: the share of equal
    labels, and Cohen's kappa. `route import` takes the output.
    """
    if print_prompt(generation, "labels"):
        return
    from searchctl.generation.labels import LabelsTask

    check_server(generation)
    texts = _texts(path, text_columns, label_column, format_name)
    labels = _labels(frame, known, None, None, None)
    run_task(frame, LabelsTask(texts, labels, generation.prompts("labels")), generation)


def _texts(path: str | None, text: str | None, label: str | None, format_name: str | None) -> list[Example]:
    from searchctl.routing.examples import Example
    from searchctl.routing.rows import as_format, read_rows

    if path is None:
        raise UsageError(_("say which texts: a FILE of them, one a line, or rows of a table"))
    rows = list(read_rows(path, columns_of(text, label, None, None), as_format(format_name)))
    if unread := sum(not row.text for row in rows):
        say(_("searchctl: {rows} of {path} left out: no text").format(rows=count_of(unread, "row"), path=path))
    return [Example(row.text, row.labels) for row in rows if row.text]


def _labels(
    frame: Frame, path: str | None, text: str | None, label: str | None, format_name: str | None
) -> list[LabelSeeds]:
    from searchctl.generation.texts import seeds_of
    from searchctl.routing.rows import as_format, read_examples

    if path is None:
        with open_router(frame) as router:
            described = {one.label: one.description for one in router.labels()}
            return seeds_of(router.export(), described)
    return seeds_of(read_examples(path, columns_of(text, label, None, None), as_format(format_name)).examples)
