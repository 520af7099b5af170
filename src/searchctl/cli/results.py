"""How an answer looks: as JSON, one hit a line, or as a table with the best passage of each hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchctl.cli.failures import say
from searchctl.cli.frame import Frame
from searchctl.cli.output import on_terminal, print_json, print_json_lines, printable, stdout_console
from searchctl.types import Hit, HitPassage, Json, Results

if TYPE_CHECKING:
    from rich.text import Text

_EXCERPT = 320  # characters of a passage that a table shows


def hit_json(hit: Hit) -> Json:
    """Return a hit as JSON values."""
    passage = hit.passage
    return {
        "id": hit.id,
        "score": hit.score,
        "title": hit.title,
        "passage": {"text": passage.text, "start": passage.start, "end": passage.end} if passage else None,
        "fields": dict(hit.fields),
        "legs": {
            name: {"rank": leg.rank, "raw": leg.raw, "normalised": leg.normalised, "weight": leg.weight}
            for name, leg in hit.legs.items()
        },
    }


def results_json(results: Results) -> Json:
    """Return an answer as JSON values."""
    return {
        "query": results.query,
        "mode": results.mode,
        "legs": {
            name: {"ran": leg.ran, "reason": leg.reason, "took_ms": leg.took_ms} for name, leg in results.legs.items()
        },
        "total": {"value": results.total.value, "relation": results.total.relation},
        "hits": [hit_json(hit) for hit in results.hits],
    }


def print_results(frame: Frame, results: Results, *, json_lines: bool, explain: bool, start: int = 0) -> None:
    """Print an answer: a table on a terminal, one hit a line in a pipe, one object with --json."""
    if frame.json:
        print_json(results_json(results))
        return
    if json_lines or not (on_terminal() or explain):
        print_json_lines(hit_json(hit) for hit in results.hits)
    else:
        _print_hits(results, explain)
    if not frame.quiet:
        for line in _notes(results):
            say(line)
        if on_terminal():
            say(_summary(results, start))


def _print_hits(results: Results, explain: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    if not results.hits:
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("id", overflow="fold", max_width=32, style="cyan")
    table.add_column("title and best passage", overflow="fold", ratio=1)
    for hit in results.hits:
        parts = [Text(printable(hit.title), style="bold")] if hit.title else []
        if hit.passage and hit.passage.text:
            parts.append(_excerpt(hit.passage))
        if explain:
            parts.append(Text("\n".join(_explanation(hit)), style="dim"))
        table.add_row(f"{hit.score:.3f}", Text(printable(hit.id)), Text("\n").join([*parts, Text()]))
    stdout_console().print(table)


def _excerpt(passage: HitPassage) -> Text:
    """Return the part of a passage around its first mark, the marks highlighted."""
    from rich.text import Text

    first = passage.marks[0][0] if passage.marks else 0
    begin = 0 if len(passage.text) <= _EXCERPT else max(0, min(first - _EXCERPT // 4, len(passage.text) - _EXCERPT))
    end = min(len(passage.text), begin + _EXCERPT)
    text = Text(printable(passage.text[begin:end]).replace("\n", " "))
    for mark_start, mark_end in passage.marks:
        text.stylize("bold yellow", max(mark_start - begin, 0), max(min(mark_end, end) - begin, 0))
    return Text("…" if begin else "") + text + Text("…" if end < len(passage.text) else "")


def _explanation(hit: Hit) -> list[str]:
    lines = []
    for name, leg in hit.legs.items():
        if leg.rank is None or leg.raw is None:
            lines.append(f"{name:<8} not found by this leg, weight {leg.weight:.2f}")
        else:
            share = f"normalised {leg.normalised:.3f} × weight {leg.weight:.2f}"
            lines.append(f"{name:<8} rank {leg.rank}, raw {leg.raw:.3f}, {share}")
    return lines


def _notes(results: Results) -> list[str]:
    """Return a line for each leg that was wanted and gave nothing."""
    notes = []
    for name, leg in results.legs.items():
        if results.mode in ("hybrid", name) and leg.reason:
            what = "found nothing" if leg.ran else "did not run"
            notes.append(f"searchctl: the {name} leg {what}: {leg.reason}")
    if not results.hits:
        notes.append("searchctl: nothing found")
    return notes


def _summary(results: Results, start: int) -> str:
    times = ", ".join(f"{name} {leg.took_ms:.0f} ms" for name, leg in results.legs.items() if leg.ran)
    least = "at least " if results.total.relation == "gte" else ""
    shown = f"{start + 1}-{start + len(results.hits)}" if results.hits else "none"
    return f"{shown} of {least}{results.total.value:,} · {results.mode}: {times or 'no leg ran'}"
