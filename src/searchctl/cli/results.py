"""How an answer looks on a terminal: three lines a hit, what hardly answers folded away, and notes on what was done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.cli.facets import facet_lines, print_facets
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, drawn, on_terminal, print_json, print_json_lines, printable
from searchctl.cli.paging import page
from searchctl.cli.result_rows import RowFormat, flat, place_of, print_rows
from searchctl.search.as_json import hit_json, results_json
from searchctl.translation import _, ngettext, number
from searchctl.types import Group, Hit, HitPassage, Results

if TYPE_CHECKING:
    from rich.text import Text

DOUBTFUL = 0.05  # hits below are folded; the same as an answer is called none from (ranking/relevance.py)
_NEAREST = 3  # hits shown of an answer that is none
_SPARE = 20  # characters beyond two lines, so that the second is full where words break early
_LEAST_TITLE = 20  # characters of a title that stay, however long the place is
_WORDS = ((0.8, "very likely"), (0.5, "likely"), (0.1, "possible"), (0.0, "unlikely"))


@dataclass(frozen=True, slots=True)
class Look:
    """How hits are shown: as rows in a `form`, with what each leg thought, all of them, or with the first `start` left out."""

    form: RowFormat | None = None
    explain: bool = False
    everything: bool = False
    start: int = 0


def print_results(frame: Frame, results: Results, look: Look) -> None:
    """Print an answer: for people on a terminal, one hit a line in a pipe, one object with --json."""
    if frame.json or look.form == "json":
        print_json("results", results_json(results))
        return
    if look.form not in (None, "jsonl"):
        print_rows(results, look.form, look.start)
    elif look.form == "jsonl" or not on_terminal():
        print_json_lines("hit", map(hit_json, results.hits))
        for line in [] if frame.quiet else facet_lines(results.facets):
            say(line)
    else:
        _print_hits(results, look)
        print_facets(results.facets)
    if frame.quiet:
        return
    if look.explain and results.synonyms:
        say(
            "searchctl: "
            + _("by the index's synonyms also looked for: {words}").format(words=printable(", ".join(results.synonyms)))
        )
    for line in _notes(results):
        say(line)
    if on_terminal():
        legs = _("; each leg: rank, raw score → normalised × weight") if look.explain else ""
        say(_summary(results, look.start) + legs)


def sureness(relevance: float) -> str:
    """Return in words how likely a hit answers, given its relevance in [0, 1]."""
    words = {
        "very likely": _("very likely"),
        "likely": _("likely"),
        "possible": _("possible"),
        "unlikely": _("unlikely"),
    }
    return words[next(word for least, word in _WORDS if relevance >= least)]


def _print_hits(results: Results, look: Look) -> None:
    shown = _shown(results, look)

    def draw(width: int) -> list[Text]:
        from rich.text import Text

        lines = [line for hit in shown for line in (*_hit(hit, width, look.explain), Text())]
        folded = len(results.hits) - len(shown)
        if folded:
            text = ngettext(
                "+{count} less likely than {least:.0%}: --all shows it",
                "+{count} less likely than {least:.0%}: --all shows them",
                folded,
            )
            lines.append(Text(text.format(count=folded, least=DOUBTFUL), style="dim"))
        return lines

    if results.hits:
        page(drawn(draw))


def _shown(results: Results, look: Look) -> tuple[Hit, ...]:
    """Return the hits that are shown: those that may answer; of an answer that is none the nearest."""
    if look.everything or look.explain:
        return results.hits
    if not results.answered:
        return results.hits[:_NEAREST]
    return tuple(hit for hit in results.hits if hit.relevance >= DOUBTFUL) or results.hits[:_NEAREST]


def leg_name(name: str) -> str:
    """Return the name of a leg, or of what follows them, in the language in use."""
    return {"lexical": _("lexical"), "vector": _("vector"), "rerank": _("rerank")}.get(name, name)


def _hit(hit: Hit, width: int, explain: bool) -> list[Text]:
    """Return a hit's heading on one line, up to two lines of its passage, and with `explain` a line for each leg."""
    from rich.console import Console
    from rich.text import Text

    lines = [_heading(hit, width)]
    if hit.passage and hit.passage.text:
        excerpt = _excerpt(hit.passage, 2 * width + _SPARE)
        first, *others = excerpt.wrap(Console(width=width), width)
        lines.append(first)
        if others:
            if len(others) > 1:
                others[0].truncate(width - 1, overflow="crop")
                others[0].rstrip()
                others[0].append("…")
            lines.append(others[0])
    if hit.group is not None:
        lines.append(Text(_group(hit.group), style="dim"))
    if explain:
        lines += [Text(line, style="dim") for line in _explanation(hit)]
    return lines


def _heading(hit: Hit, width: int) -> Text:
    """Return title · relevance · where on one line: a long title is cut, then the section; the place is whole."""
    from rich.text import Text

    sure = sureness(hit.relevance)
    place = printable(place_of(hit))
    title = flat(hit.title)
    room = width - len(sure) - len(place) - 6
    details = "" if hit.passage is None else _where(hit.passage)
    if details and len(title) + len(details) + 3 <= room:
        place, room = f"{place} · {details}", room - len(details) - 3
    if not title:
        return Text.assemble((place, "bold cyan"), (f" · {sure}", "dim"))
    if len(title) > room:
        title = title[: max(room - 1, _LEAST_TITLE)].rstrip() + "…"
    return Text.assemble((title, "bold"), (f" · {sure} · ", "dim"), (place, "cyan"))


def _group(group: Group) -> str:
    """Return how many hits have the value that this one stands for."""
    others, least = group.total.value - 1, _("at least ") if group.total.relation == "gte" else ""
    more = (
        _("and {least}{others:,} more").format(least=least, others=others)
        if others
        else _("no other known")
        if least
        else _("the only one")
    )
    return printable(f"{group.field} {group.value}: {more}")


def _where(passage: HitPassage) -> str:
    """Return where a passage stands in its source beside its line: section, page."""
    page_number = _("page {number:,}").format(number=passage.page) if passage.page else ""
    return " · ".join(part for part in (flat(passage.section), page_number) if part)


def _excerpt(passage: HitPassage, size: int) -> Text:
    """Return the part of a passage around its telling sentence, on one line, the marks highlighted, the sentence underlined."""
    from rich.text import Text

    begin, end = _window(passage, size)
    sentence = passage.sentence if passage.sentence not in (None, (0, len(passage.text))) else (0, 0)
    cuts = {begin, end, *sentence, *(place for mark in passage.marks for place in mark)}
    places = sorted(place for place in cuts if begin <= place <= end)
    starts = {start: stop for start, stop in passage.marks}
    text, marked = Text("…" if begin else ""), 0
    for start, stop in zip(places, places[1:], strict=False):
        marked = max(marked, starts.get(start, 0))
        underline = sentence[0] <= start < sentence[1]
        text.append(
            _blanks(passage.text[start:stop]), style="bold yellow" if start < marked else "underline" * underline
        )
    return text + Text("…" if end < len(passage.text) else "")


def _window(passage: HitPassage, size: int) -> tuple[int, int]:
    """Return where the excerpt begins and ends, at words: around the telling sentence, else the first mark."""
    text = passage.text
    if len(text) <= size:
        return 0, len(text)
    first = passage.sentence[0] if passage.sentence else passage.marks[0][0] if passage.marks else 0
    begin = max(0, min(first - size // 8, len(text) - size))
    end = begin + size
    if begin:
        begin = text.find(" ", begin, first) + 1 or begin
    if end < len(text):
        end = max(text.rfind(" ", begin + size // 2, end), begin + size // 2)
    return begin, end


def _blanks(text: str) -> str:
    """Return a piece of text on one line; unlike `flat` it keeps a blank at its ends."""
    return re.sub(r"\s+", " ", printable(text))


def _explanation(hit: Hit) -> list[str]:
    lines = []
    for name, leg in hit.legs.items():
        standing = (
            _("rank {rank}, raw {raw:.3f}").format(rank=leg.rank, raw=leg.raw)
            if leg.raw is not None
            else _("not found")
        )
        lines.append(f"{leg_name(name):<7} {standing} → {number(leg.normalised, '.3f')} × {number(leg.weight, '.2f')}")
    return lines


def _notes(results: Results) -> list[str]:
    """Return a line for what was repaired, for each leg that was wanted and gave nothing, and for an answer that is none."""
    notes = []
    if results.repaired is not None:
        typed, read = printable(results.query), printable(results.repaired.query)
        notes.append(
            _(
                "searchctl: showing results for '{read}' ({kind}); the index doesn't hold all words of "
                "'{typed}', --no-repair searches for it all the same"
            ).format(read=read, kind=results.repaired.kind, typed=typed)
        )
    if results.unmet:
        phrases = " and ".join(f'"{printable(phrase)}"' for phrase in results.unmet)
        notes.append(
            _(
                "searchctl: no document has {phrases}; looked for the words singly, a + before it makes a phrase a must"
            ).format(phrases=phrases)
        )
    notes += _signs(results)
    if results.filtered_out:
        notes.append(f"searchctl: {printable(results.filtered_out)}")
    for name, leg in results.legs.items():
        if name == "rerank" and leg.reason:
            notes.append(f"searchctl: {'reranked' if leg.ran else 'not reranked'}: {leg.reason}")
        elif results.mode in ("hybrid", name) and leg.reason:
            notes.append(
                _("searchctl: the {name} search {what}: {reason}").format(
                    name=leg_name(name), what=_outcome(results, name), reason=leg.reason
                )
            )
    if results.best_relevance and not results.answered:
        notes.append(
            "searchctl: " + (_("no good answer; these are the nearest texts") if results.hits else _("no good answer"))
        )
    elif not results.hits:
        notes.append(_("searchctl: nothing found"))
    return notes


def _outcome(results: Results, name: str) -> str:
    """Say what became of a leg that has something to tell."""
    if not results.legs[name].ran:
        return _("did not run")
    gave = any(name in hit.legs and hit.legs[name].rank is not None for hit in results.hits)
    return _("isn't complete") if gave else _("found nothing")


def _signs(results: Results) -> list[str]:
    """Return what was required and left out, and what of the query means nothing."""
    notes = []
    for phrases, says in (
        (results.required, _("only documents with")),
        (results.excluded, _("without documents that have")),
    ):
        if phrases:
            notes.append(f"searchctl: {says} {' and '.join(map(_quoted, phrases))}")
    if results.ignored:
        notes.append(
            _("searchctl: the sign before {quoted} can't be honoured here").format(
                quoted=" and ".join(map(_quoted, results.ignored))
            )
        )
    return notes + [f"searchctl: {printable(remark)}" for remark in results.remarks]


def _quoted(phrase: str) -> str:
    return f'"{printable(phrase)}"'


def _summary(results: Results, start: int) -> str:
    times = ", ".join(
        _("{leg} {count:,.0f} ms").format(leg=leg_name(name), count=leg.took_ms)
        for name, leg in results.legs.items()
        if leg.ran
    )
    if not results.hits:
        return _("no hits · {times}").format(times=times or results.mode)
    total = number(results.total.value)
    least = _("{total} or more") if results.total.relation == "gte" else "{total}"
    text = _("hits {first:,} to {last:,} of {total} · {times}")
    found = least.format(total=total)
    if results.groups is not None:
        groups = count_of(results.groups.value, "group")
        found += (
            _(" in {groups}").format(groups=groups)
            if results.groups.relation == "eq"
            else _(" in {groups} or more").format(groups=groups)
        )
    return text.format(first=start + 1, last=start + len(results.hits), total=found, times=times)
