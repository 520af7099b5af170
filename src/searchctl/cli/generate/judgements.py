"""`searchctl generate judgements`."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.generate.options import GenerationOptions, generation_options
from searchctl.cli.generate.running import check_server, print_prompt, run_task
from searchctl.cli.progress import Meter
from searchctl.translation import _


@click.command(
    "judgements",
    cls=Command,
    examples=(
        "searchctl generate judgements questions.jsonl --llm http://localhost:11434/v1 --model qwen3 -o judged.jsonl",
        "searchctl generate judgements data/shop --index shop --depth 20 --llm http://localhost:8000/v1 --model M",
        "searchctl evaluate judged.jsonl --index default",
    ),
)
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--split", metavar="NAME", help="Judgements of a BEIR folder [default: test, else dev, else train].")
@click.option(
    "--depth",
    type=click.IntRange(0, 100),
    default=10,
    show_default=True,
    metavar="K",
    help="Judge the first K of each mode; 0 only what people judged.",
)
@generation_options
@framed
def judgements_command(
    frame: Frame, data: Path | None, split: str | None, depth: int, generation: GenerationOptions
) -> None:
    """Have what an index finds for queries graded: 2 answers, 1 helps, 0 does not.

    DATA holds queries ({"id", "query"} a line), or judged ones (BEIR, TREC, JSON Lines), where agreement with people is told: the
    share of equal judgements, and Cohen's kappa. Of each query the first documents by words, by meaning and by both are judged.
    The output is what `searchctl evaluate` and `tune` take.
    """
    if print_prompt(generation, "judgements"):
        return
    from searchctl.errors import UsageError
    from searchctl.generation.judgements import JudgementsTask, read_queries_to_judge

    check_server(generation)
    if data is None:
        raise UsageError(_("say which queries: searchctl generate judgements QUERIES.jsonl --llm URL --model NAME"))
    queries = read_queries_to_judge(data, split)
    with frame.open_index() as index:
        with Meter(frame, _("queries"), _("searching")) as meter:
            task = JudgementsTask(index, queries, generation.prompts("judgements"), depth, on_search=meter.update)
        run_task(frame, task, generation)
