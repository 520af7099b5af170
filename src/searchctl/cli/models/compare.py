"""`searchctl models compare`: encoders side by side on the user's own tasks."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.output import echo, print_json, print_table


@click.command(
    "compare",
    cls=Command,
    examples=(
        "searchctl models compare multilingual-e5-small-enru MUSE-3 --tasks judged/ -o compare.html",
        "searchctl models compare hashing multilingual-e5-small-enru ./my-model --tasks tickets/ --tasks faq/ --json",
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="ENCODER…")
@click.option(
    "--tasks",
    "folders",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="A folder with a task; repeatable.",
)
@click.option(
    "--sample",
    type=click.IntRange(10),
    default=500,
    show_default=True,
    metavar="N",
    help="Queries, pairs and test texts of a task.",
)
@click.option(
    "--documents",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Passages of your index, for its size.",
)
@click.option(
    "-o", "--out", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write an HTML page."
)
@framed
def compare_command(
    frame: Frame, names: tuple[str, ...], folders: tuple[Path, ...], sample: int, documents: int, path: Path | None
) -> None:
    """Compare encoders on your own tasks: what they score, what they cost, and what follows.

    A folder is a task of search (corpus.jsonl, queries.jsonl, qrels/), of classes (train.jsonl and test.jsonl of text and label) or of
    similarity (a .jsonl of sentence1, sentence2, score). The others are compared with the first encoder.
    """
    from searchctl.encoders import open_encoder
    from searchctl.evaluation.model_comparison import advice, compare_models, pareto
    from searchctl.evaluation.model_comparison_html import cost_table, render, score_table
    from searchctl.evaluation.model_tasks import read_tasks
    from searchctl.files import replacing

    tasks = [task for folder in folders for task in read_tasks(folder, sample)]
    encoders = [open_encoder(name) for name in dict.fromkeys(names)]
    measured = compare_models(encoders, tasks, None if frame.quiet else lambda sentence: say(f"searchctl: {sentence}"))
    if path is not None:
        with replacing(path) as draft:
            draft.write_text(render(measured, documents), encoding="utf-8")
    if frame.for_programs:
        models = [
            {
                "name": one.name,
                "mean": one.mean,
                "texts_a_second": one.texts_a_second,
                "query_ms": one.query_ms,
                "dim": one.dim,
                "published": one.published,
                "scores": [
                    {
                        "task": score.task,
                        "measure": score.measure,
                        "score": score.interval.value,
                        "interval": [score.interval.low, score.interval.high],
                        "p_value": score.p_value,
                    }
                    for score in one.scores
                ],
            }
            for one in measured
        ]
        print_json("model-comparison", {"models": models, "unbeaten": pareto(measured), "advice": advice(measured)})
        return
    for shown in (score_table(measured), cost_table(measured, documents)):
        print_table(shown.headings, shown.rows)
        echo()
    for sentence in advice(measured):
        echo(sentence)
