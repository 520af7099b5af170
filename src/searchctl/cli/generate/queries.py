"""`searchctl generate queries`."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.generate.options import GenerationOptions, generation_options
from searchctl.cli.generate.running import check_server, print_prompt, run_task


@click.command(
    "queries",
    cls=Command,
    examples=(
        "searchctl generate queries --llm http://localhost:11434/v1 --model qwen3 --documents 200 -o queries.jsonl",
        "searchctl generate queries --llm https://api.openai.com/v1 --model gpt-4.1-mini --price-in 0.4 --price-out 1.6 --max-cost 2",
        "searchctl generate queries --index shop --where lang=ru --held-out data/shop --llm http://localhost:8000/v1 --model M",
        "searchctl evaluate queries.jsonl --index default",
    ),
)
@click.option(
    "--documents", type=click.IntRange(1), metavar="N", help="Ask about N documents, drawn evenly [default: all]."
)
@click.option(
    "--per-document", type=click.IntRange(1, 20), default=3, show_default=True, metavar="N", help="Queries for each."
)
@click.option(
    "--round-trip",
    type=click.IntRange(0, 100),
    default=10,
    show_default=True,
    metavar="K",
    help="Keep a query if a search finds its document among the first K; 0 keeps all.",
)
@click.option("--where", metavar="FILTER", help="Ask about these documents only, as in lang=ru.")
@click.option(
    "--held-out",
    type=click.Path(path_type=Path),
    metavar="DATA",
    help="Judged queries that are kept for measuring: none is generated again.",
)
@click.option("--seed", type=int, default=0, help="Another one draws other documents.")
@generation_options
@framed
def queries_command(
    frame: Frame,
    documents: int | None,
    per_document: int,
    round_trip: int,
    where: str | None,
    held_out: Path | None,
    seed: int,
    generation: GenerationOptions,
) -> None:
    """Have queries written for the documents of an index.

    Each line has a query, its document and passage: `evaluate` and `tune` take the file as judged queries, `train` as pairs. Left
    out are queries that copy the passage, repeat others or the prompt's examples, are in another language, or don't find their
    document. Exit code 3: some requests got no answer; the same command asks them again.
    """
    if print_prompt(generation, "queries"):
        return
    from searchctl.evaluation.dataset import read_dataset
    from searchctl.generation.queries import QueriesTask, QuerySettings

    check_server(generation)
    judged = read_dataset(held_out).queries if held_out is not None else ()
    settings = QuerySettings(documents, per_document, round_trip, where, seed)
    with frame.open_index() as index:
        task = QueriesTask(index, generation.prompts("queries"), settings, held_out=[query.text for query in judged])
        run_task(frame, task, generation)
