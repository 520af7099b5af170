"""`searchctl search`: find documents by words and by meaning."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from searchctl.cli.choices import choice
from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, duration_of, print_json, refuse_overwriting
from searchctl.cli.progress import Meter
from searchctl.cli.result_rows import RowFormat, look_options
from searchctl.cli.results import Look, print_results
from searchctl.cli.where import where_of, where_option
from searchctl.engines.base import NATIVE
from searchctl.errors import UsageError
from searchctl.schema import METHODS
from searchctl.translation import _
from searchctl.types import Mode


@click.command(
    "search",
    cls=Command,
    examples=(
        'searchctl search "how do I return an item"',
        'searchctl search "возврат товара" -k 5 --where lang=ru',
        "searchctl search '+iPhone -case \"screen protector\"' --where 'price>=10' --where category=a,b",
        'searchctl search "order 4711" --mode lexical --explain',
        'searchctl search "what to do when the parcel is late" --rerank maxsim --rerank-budget-ms 300',
        'searchctl search "refund" --json | jq .hits[0].id',
        'searchctl search "is there a discount for students" --min-relevance 0.3',
        "searchctl search shoes --facet brand --facet price:..50,50..100,100..",
        "searchctl search shoes --sort=-updated,relevance --group-by product",
        "searchctl search refund --index shop,help",
        'echo "refund" | searchctl search -',
        "searchctl search --queries queries.jsonl -o out.trec -k 100",
    ),
)
@click.argument("text", nargs=-1)
@click.option("-k", type=click.IntRange(1), default=10, show_default=True, help="Number of hits.")
@click.option(
    "--mode",
    type=choice(Mode),
    default="hybrid",
    show_default=True,
    help="Search by words (lexical), by meaning (vector), or both.",
)
@where_option()
@click.option("--from", "start", type=click.IntRange(0), default=0, metavar="N", help="Skip the first N hits.")
@click.option(
    "--fusion",
    type=click.Choice((*METHODS, *NATIVE)),
    help="How both searches are merged [default: as tuned, else weighted]; native: by OpenSearch itself.",
)
@click.option(
    "--min-relevance",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="X",
    help="Leave out hits less likely than X (0 to 1) to answer.",
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="FIELD[:N|:RANGES]",
    help="Count the matching documents by a field's values: brand · brand:5 · price:..10,10..50,50.. · updated:2024..2025. Repeatable.",
)
@click.option(
    "--sort",
    metavar="ORDER",
    help="Sort by fields what is relevant enough (--min-relevance, or what counts as an answer): -updated,relevance · price.",
)
@click.option("--group-by", metavar="FIELD", help="Show the first hit of each value of a field, and how many it has.")
@click.option("--no-repair", is_flag=True, help="Take the query as typed; try no other keyboard layout or alphabet.")
@click.option("--sentences", is_flag=True, help="Choose the sentence that answers by its meaning too; slower.")
@click.option(
    "--rerank",
    metavar="NAME[:DEPTH]",
    help="Rerank the best hits: maxsim, or a cross-encoder's folder or hub name [default depth: as tuned, else 10].",
)
@click.option(
    "--rerank-budget-ms", type=click.FloatRange(0, min_open=True), metavar="MS", help="Stop reranking after this time."
)
@click.option("--explain", is_flag=True, help="Show how each hit scored by words and by meaning.")
@look_options
@click.option(
    "--queries", type=click.Path(path_type=Path), metavar="FILE", help="Search for every query of a JSON Lines file."
)
@click.option(
    "-o",
    "--output",
    "run_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the hits of --queries to a file, as a TREC run.",
)
@framed
def command(
    frame: Frame,
    text: tuple[str, ...],
    k: int,
    mode: Mode,
    where: tuple[str, ...],
    start: int,
    fusion: str | None,
    min_relevance: float,
    facets: tuple[str, ...],
    sort: str | None,
    group_by: str | None,
    no_repair: bool,
    sentences: bool,
    rerank: str | None,
    rerank_budget_ms: float | None,
    explain: bool,
    form: RowFormat | None,
    everything: bool,
    queries: Path | None,
    run_file: Path | None,
) -> None:
    """Find documents by words and by meaning.

    TEXT may hold "exact phrases", +required and -excluded words; - reads it from standard input. If the index
    has no word of the query, the other keyboard layout and alphabet (en, ru) are tried, and you are told.
    """
    from searchctl.index import Index
    from searchctl.ranking.fusion import FusionSettings

    if rerank_budget_ms is not None and rerank is None:
        raise UsageError("--rerank-budget-ms limits --rerank; add for instance --rerank maxsim")
    conditions = where_of(where)
    if (queries is None) != (run_file is None) or (queries is not None and text):
        raise UsageError(_("a file of queries needs both --queries FILE and --output FILE, and no TEXT"))
    refuse_overwriting([run_file], [queries])
    query = _query(text) if queries is None else ""
    if "," in frame.settings.index and (queries is not None or rerank_budget_ms is not None):
        raise UsageError(_("a file of queries and a time for reranking are for one index; name one with --index"))
    with frame.open_searched() as index:
        settings = next((FusionSettings(method) for method in METHODS if method == fusion), fusion)
        how = index.reranking(rerank, budget_ms=rerank_budget_ms) if rerank and isinstance(index, Index) else None
        if queries is None or run_file is None or not isinstance(index, Index):
            results = index.search(
                query,
                k,
                mode=mode,
                where=conditions,
                start=start,
                fusion=settings,
                min_relevance=min_relevance,
                repair=not no_repair,
                sentences=sentences,
                rerank=how or rerank,
                facets=tuple(map(as_text, facets)),
                sort=as_text(sort) if sort is not None else (),
                group_by=as_text(group_by) if group_by is not None else None,
            )
            print_results(frame, results, Look(form, explain, everything, start))
            return
        from searchctl.evaluation.trec import write_run

        with Meter(frame, _("queries"), _("searching")) as meter:
            report = write_run(
                index,
                queries,
                run_file,
                k,
                mode=mode,
                where=conditions,
                fusion=settings,
                min_relevance=min_relevance,
                repair=not no_repair,
                rerank=how,
                on_progress=meter.update,
            )
    if frame.reports_json:
        print_json(
            "run", {"queries": report.queries, "hits": report.hits, "run": str(run_file), "seconds": report.seconds}
        )
    elif not frame.quiet:
        say(f"{run_file}: {count_of(report.queries, 'query', 'queries')} in {duration_of(report.seconds)}")


def _query(words: tuple[str, ...]) -> str:
    """Return the query that was typed, or read it from standard input."""
    text = sys.stdin.read() if words == ("-",) else as_text(" ".join(words))
    if not text.strip():
        raise UsageError(_('there is nothing to search for; type: searchctl search "some words"'))
    return text.strip()
