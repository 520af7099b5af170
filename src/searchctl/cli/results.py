"""How an answer looks: one hit a line, or as a table with the best passage of each hit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.cli.facets import facet_lines, print_facets
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, on_terminal, print_json, print_json_lines, printable, stdout_console
from searchctl.search.as_json import hit_json, results_json
from searchctl.types import Group, Hit, HitPassage, Results

if TYPE_CHECKING:
    from rich.text import Text

_EXCERPT = 320  # characters of a passage that a table shows


def print_results(frame: Frame, results: Results, *, json_lines: bool, explain: bool, start: int = 0) -> None:
    """Print an answer: a table on a terminal, one hit a line in a pipe, one object with --json."""
    if frame.json:
        print_json(results_json(results))
        return
    if json_lines or not (on_terminal() or explain):
        print_json_lines(hit_json(hit) for hit in results.hits)
        for line in [] if frame.quiet else facet_lines(results.facets):
            say(line)
    else:
        _print_hits(results, explain)
        print_facets(results.facets)
    if not frame.quiet:
        if explain and results.synonyms:
            say(f"searchctl: by the index's synonyms also looked for: {printable(', '.join(results.synonyms))}")
        for line in _notes(results):
            say(line)
        if on_terminal():
            say(_summary(results, start) + ("; legs: raw score → normalised × weight" if explain else ""))


def _print_hits(results: Results, explain: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    if not results.hits:
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("relevance", justify="right", no_wrap=True)
    table.add_column("id", overflow="fold", max_width=32, style="cyan")
    table.add_column("title and best passage", overflow="fold", ratio=1)
    for hit in results.hits:
        parts = [Text(printable(hit.title), style="bold")] if hit.title else []
        if hit.passage and hit.passage.text:
            parts.append(_excerpt(hit.passage))
            if where := _where(hit.passage):
                parts.append(Text(printable(where), style="dim"))
        if hit.group is not None:
            parts.append(Text(_group(hit.group), style="dim"))
        if explain:
            parts.append(Text("\n".join(_explanation(hit)), style="dim"))
        named = f"{hit.index}: {hit.id}" if hit.index else hit.id
        table.add_row(
            f"{hit.score:.3f}",
            f"{hit.relevance:.0%}",
            Text(printable(named)),
            Text("\n").join([*parts, Text()]),
        )
    stdout_console().print(table)


def _group(group: Group) -> str:
    """Return how many hits have the value that this one stands for."""
    others, least = group.total.value - 1, "at least " if group.total.relation == "gte" else ""
    more = f"and {least}{others:,} more" if others else "no other known" if least else "the only one"
    return printable(f"{group.field} {group.value}: {more}")


def _where(passage: HitPassage) -> str:
    """Return where a passage stands in its source: section, line, page."""
    line = f"line {passage.line:,}" if passage.line else ""
    page = f"page {passage.page:,}" if passage.page else ""
    return " · ".join(part for part in (passage.section, line, page) if part)


def _excerpt(passage: HitPassage) -> Text:
    """Return the part of a passage around its telling sentence, on one line, the marks highlighted, the sentence underlined."""
    from rich.text import Text

    begin, end = _window(passage)
    sentence = passage.sentence if passage.sentence not in (None, (0, len(passage.text))) else (0, 0)
    cuts = {begin, end, *sentence, *(place for mark in passage.marks for place in mark)}
    places = sorted(place for place in cuts if begin <= place <= end)
    starts = {start: stop for start, stop in passage.marks}
    text, marked = Text("…" if begin else ""), 0
    for start, stop in zip(places, places[1:], strict=False):
        marked = max(marked, starts.get(start, 0))
        underline = sentence[0] <= start < sentence[1]
        text.append(_flat(passage.text[start:stop]), style="bold yellow" if start < marked else "underline" * underline)
    return text + Text("…" if end < len(passage.text) else "")


def _window(passage: HitPassage) -> tuple[int, int]:
    """Return where the excerpt begins and ends, at words: around the telling sentence, else the first mark."""
    text = passage.text
    if len(text) <= _EXCERPT:
        return 0, len(text)
    first = passage.sentence[0] if passage.sentence else passage.marks[0][0] if passage.marks else 0
    begin = max(0, min(first - _EXCERPT // 8, len(text) - _EXCERPT))
    end = begin + _EXCERPT
    if begin:
        begin = text.find(" ", begin, first) + 1 or begin
    if end < len(text):
        end = max(text.rfind(" ", begin + _EXCERPT // 2, end), begin + _EXCERPT // 2)
    return begin, end


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", printable(text))


def _explanation(hit: Hit) -> list[str]:
    lines = []
    for name, leg in hit.legs.items():
        standing = f"rank {leg.rank}, raw {leg.raw:.3f}" if leg.raw is not None else "not found"
        lines.append(f"{name:<7} {standing} → {leg.normalised:.3f} × {leg.weight:.2f}")
    return lines


def _notes(results: Results) -> list[str]:
    """Return a line for what was repaired, for each leg that was wanted and gave nothing, and for an answer that is none."""
    notes = []
    if results.repaired is not None:
        typed, read = printable(results.query), printable(results.repaired.query)
        notes.append(
            f"searchctl: showing results for '{read}' ({results.repaired.kind}); the index doesn't hold all words of "
            f"'{typed}', --no-repair searches for it all the same"
        )
    if results.unmet:
        phrases = " and ".join(f'"{printable(phrase)}"' for phrase in results.unmet)
        notes.append(
            f"searchctl: no document has {phrases}; looked for the words singly, a + before it makes a phrase a must"
        )
    notes += _signs(results)
    if results.filtered_out:
        notes.append(f"searchctl: {printable(results.filtered_out)}")
    for name, leg in results.legs.items():
        if name == "rerank" and leg.reason:
            notes.append(f"searchctl: {'reranked' if leg.ran else 'not reranked'}: {leg.reason}")
        elif results.mode in ("hybrid", name) and leg.reason:
            what = "found nothing" if leg.ran else "did not run"
            notes.append(f"searchctl: the {name} leg {what}: {leg.reason}")
    if results.best_relevance and not results.answered:
        notes.append(f"searchctl: no good answer: the best hit's relevance is {results.best_relevance:.0%}")
    elif not results.hits:
        notes.append("searchctl: nothing found")
    return notes


def _signs(results: Results) -> list[str]:
    """Return what was required and left out, and what of the query means nothing."""
    notes = []
    for phrases, says in ((results.required, "only documents with"), (results.excluded, "without documents that have")):
        if phrases:
            notes.append(f"searchctl: {says} {' and '.join(map(_quoted, phrases))}")
    if results.ignored:
        notes.append(f"searchctl: the sign before {' and '.join(map(_quoted, results.ignored))} can't be honoured here")
    return notes + [f"searchctl: {printable(remark)}" for remark in results.remarks]


def _quoted(phrase: str) -> str:
    return f'"{printable(phrase)}"'


def _summary(results: Results, start: int) -> str:
    times = ", ".join(f"{name} {leg.took_ms:.0f} ms" for name, leg in results.legs.items() if leg.ran)
    least = "at least " if results.total.relation == "gte" else ""
    shown = f"{start + 1}-{start + len(results.hits)}" if results.hits else "none"
    groups = ""
    if results.groups is not None:
        groups = (
            f" in {'at least ' if results.groups.relation == 'gte' else ''}{count_of(results.groups.value, 'group')}"
        )
    return f"{shown} of {least}{results.total.value:,}{groups} · {results.mode}: {times or 'no leg ran'}"
