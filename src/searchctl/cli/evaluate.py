"""`searchctl evaluate`: measure how good the answers are, mode by mode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import GATE_MISSED, say, say_error
from searchctl.cli.output import count_of, print_json, print_table, printable, refuse_unwritable
from searchctl.cli.progress import Meter, show_load
from searchctl.errors import StorageError
from searchctl.files import replacing
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.evaluation.metrics import Metric
    from searchctl.evaluation.report import Report
    from searchctl.ingest.model import Progress

_WORST = 3  # queries shown; --json and --html have more


@click.command(
    "evaluate",
    cls=Command,
    examples=(
        "searchctl evaluate data/scifact",
        "searchctl evaluate data/shop --index shop --modes lexical,vector,hybrid,rrf -o report.html",
        "searchctl evaluate data/shop --modes hybrid,hybrid+maxsim:20",
        "searchctl evaluate data/shop --fail-under ndcg@10=0.70 --json > new.json",
        "searchctl evaluate data/shop --compare old.json --max-drop 0.01",
        "searchctl evaluate --known-items 200",
    ),
)
@click.argument("data", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--split", metavar="NAME", help="Judgements of a BEIR folder [default: test, else dev, else train].")
@click.option(
    "--modes",
    default="lexical,vector,hybrid",
    show_default=True,
    help="Modes to compare. Also: rrf, distribution, native, rank-bm25, hybrid+maxsim.",
)
@click.option(
    "--metrics",
    default="ndcg@10 recall@100 mrr@10",
    show_default=True,
    help="Metrics to show. Also: map, precision, hit.",
)
@click.option("--known-items", type=click.IntRange(1), metavar="N", help="Make N queries from the documents instead.")
@click.option("--fail-under", multiple=True, metavar="GATE", help="ndcg@10=0.70 or MODE:ndcg@10=0.70; repeatable.")
@click.option(
    "--compare",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with an earlier report, printed by --json.",
)
@click.option(
    "--max-drop",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Largest loss against --compare; more is exit code 5.",
)
@click.option(
    "-o",
    "--output",
    "html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a report with plots, an HTML page.",
)
@framed
def command(
    frame: Frame,
    data: Path | None,
    split: str | None,
    modes: str,
    metrics: str,
    known_items: int | None,
    fail_under: tuple[str, ...],
    compare: Path | None,
    max_drop: float,
    html: Path | None,
) -> None:
    """Measure how good the answers are, mode by mode.

    DIR holds judged queries: BEIR, TREC or JSON Lines. Its corpus is indexed in a temporary folder, unless --index names
    an index; without DIR, queries are made from that index's own documents. Exit code 5: a gate wasn't met.
    """
    from searchctl.evaluation.gates import drops, missed_gates, parse_gate, read_means
    from searchctl.evaluation.metrics import parse_metrics

    refuse_unwritable([html])
    gates = [parse_gate(gate) for gate in fail_under]
    before = read_means(compare) if compare is not None else None
    wanted = tuple(dict.fromkeys((*parse_metrics(metrics), *(gate.metric for gate in gates))))
    names = [name for name in modes.replace(",", " ").split() if name]
    report = _measure(frame, data, split, known_items, names, wanted)
    _print(frame, report)
    if html is not None:
        _write_html(report, html)
    missed = missed_gates(report, gates) + (drops(report, before, max_drop) if before is not None else [])
    for sentence in missed:
        say_error(sentence)
    if missed:
        click.get_current_context().exit(GATE_MISSED)


def _measure(
    frame: Frame,
    data: Path | None,
    split: str | None,
    known_items: int | None,
    modes: list[str],
    metrics: tuple[Metric, ...],
) -> Report:
    from searchctl.evaluation.dataset import read_dataset
    from searchctl.evaluation.evaluate import evaluate, indexed, indexed_apart, known_items_of_index

    own = next(one.origin for one in frame.settings.shown if one.key == "index") == "--index"
    encoder = frame.settings.encoder
    with Meter(frame, _("answers"), _("reading")) as meter:

        def load(progress: Progress) -> None:
            show_load(meter, progress)

        def tell(done: int, total: int) -> None:
            meter.phase(_("answering"))
            meter.update(done, total)

        if data is None:
            with frame.open_index() as index:
                dataset = known_items_of_index(index, known_items or 200)
                return evaluate(index, dataset, modes=modes, metrics=metrics, on_progress=tell)
        if known_items is not None and not own:
            corpus = data / "corpus.jsonl" if data.is_dir() else data
            with indexed_apart(corpus, known_items, encoder=encoder, on_load=load) as (index, dataset):
                return evaluate(index, dataset, modes=modes, metrics=metrics, on_progress=tell)
        dataset = read_dataset(data, split)
        opened = (
            frame.open_index() if own or dataset.corpus is None else indexed(dataset, encoder=encoder, on_load=load)
        )
        with opened as index:
            return evaluate(index, dataset, modes=modes, metrics=metrics, on_progress=tell)


def _print(frame: Frame, report: Report) -> None:
    if frame.for_programs:
        print_json("evaluation", report.to_json())
        return
    rows = []
    for mode in report.modes:
        latency = report.latency[mode]
        means = [f"{report.mean(mode, metric):.4f}" for metric in report.metrics]
        rows.append([mode, *means, f"{latency.median:.1f}", f"{latency.p95:.1f}"])
    print_table([_("mode"), *map(str, report.metrics), _("median ms"), _("p95 ms")], rows)
    if frame.quiet:
        return
    say(f"\n{report.dataset.name}: {count_of(len(report.dataset.queries), 'query', 'queries')}")
    for comparison in report.comparisons():
        sure = _("significant") if comparison.p_value < 0.05 else _("could be chance")
        bounds = _("{low:+.4f} to {high:+.4f}").format(low=comparison.difference.low, high=comparison.difference.high)
        say(
            f"{comparison.reference} - {comparison.other}, {comparison.metric}: {comparison.difference.value:+.4f} ({bounds}), "
            f"p = {comparison.p_value:.4f}, {sure}"
        )
    for failure in report.failures(_WORST):
        ranks = ", ".join(f"{mode} {rank or '-'}" for mode, rank in failure.ranks.items())
        say(
            _("answered worst: {text} (best relevant document's rank: {ranks})").format(
                text=printable(failure.query.text), ranks=ranks
            )
        )
    if report.absent:
        say(
            _("{documents} can't be found: not in the index").format(
                documents=count_of(report.absent, "judged document")
            )
        )
    if report.dataset.left_out:
        say(report.dataset.left_out)
    if report.dataset.caveat:
        say(_("note: {caveat}").format(caveat=report.dataset.caveat))


def _write_html(report: Report, path: Path) -> None:
    from searchctl.evaluation.html import render

    try:
        with replacing(path) as draft:
            draft.write_text(render(report), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            _("can't write {path}: {strerror}; choose another file with --output").format(
                path=path, strerror=error.strerror
            )
        ) from error
