"""`searchctl route check|impact`: the examples looked over, and what new ones would change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.completions import complete_label
from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, echo, print_json, print_table, printable
from searchctl.cli.route.context import open_router
from searchctl.cli.route.words import promise_words, share
from searchctl.errors import UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.check import Check, Twins
    from searchctl.routing.impact import Impact

_SHOWN = 10


@click.command(
    "check",
    cls=Command,
    examples=(
        "searchctl route check",
        "searchctl route check --target-precision 0.9 --file unlabelled.jsonl",
        "searchctl route check --json > check.json",
    ),
)
@click.option(
    "--target-precision", type=float, default=0.95, show_default=True, help="Precision for which coverage is shown."
)
@click.option("--file", "path", metavar="FILE", help="Texts without labels: choose which to label next.")
@click.option("--all", "whole", is_flag=True, help="Print whole lists; the worst ten of each by default.")
@framed
def check_command(frame: Frame, target_precision: float, path: str | None, whole: bool) -> None:
    """Route every example as if it weren't stored, and report by label what goes wrong.

    Also: labels too alike, examples that look mislabelled, repeated or contradicting ones, and what to label next. --json has
    whole lists, and their `totals`.
    """
    from searchctl.routing.rows import read_rows

    texts = [row.text for row in read_rows(path) if row.text] if path else []
    with open_router(frame) as router:
        found = router.check(target_precision, texts)
    if frame.for_programs:
        print_json("routing-check", {**asdict_plain(found), "totals": _totals(found)})
        return
    _print_check(found, whole)


def _totals(found: Check) -> dict[str, int]:
    """Return how many of each kind there are; of the lists only that of twins may be shorter."""
    return {
        "alike": len(found.alike),
        "suspects": len(found.suspects),
        "twins": found.twins_found,
        "wanted": len(found.wanted),
    }


def asdict_plain(found: Check | Impact) -> dict[str, object]:
    """Return a report as JSON values, None for what couldn't be measured."""
    return {name: _plain(value) for name, value in asdict(found).items()}


def _plain(value: object) -> object:
    """Return the values with None for what couldn't be measured."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value


def _print_check(found: Check, whole: bool) -> None:
    rows = [
        [
            one.label,
            str(one.examples),
            _percent(one.precision.value),
            _percent(one.recall.value),
            _percent(one.coverage),
            one.confused_with or "",
            ", ".join(f"{name} {count}" for name, count in sorted(one.languages.items())),
        ]
        for one in found.labels
    ]
    print_table(
        [_("label"), _("examples"), _("precision"), _("recall"), _("coverage"), _("confused with"), _("lang")], rows
    )
    say(_("\nof the examples, each seen without itself, {share} are recognised").format(share=share(found.accuracy)))
    say(promise_words(found.promise))
    lists = {
        "alike": [
            f"alike: {pair.one} and {pair.other} share {pair.share:.0%}; merge them, or add examples that tell them apart"
            for pair in found.alike
        ],
        "suspects": [
            f"mislabelled? '{suspect.text}' is {suspect.label}, looks like {suspect.suggested} ({suspect.confidence:.2f})"
            for suspect in found.suspects
        ],
        "twins": [_twins_line(twins) for twins in found.twins],
        "wanted": [
            f"label next: '{wanted.text}', {wanted.reason}"
            if wanted.text
            else f"add examples: {wanted.label} {wanted.reason}"
            for wanted in found.wanted
        ],
    }
    totals = _totals(found)
    for name, lines in lists.items():
        shown = lines if whole else lines[:_SHOWN]
        for line in shown:
            say(printable(line))
        if totals[name] > len(shown):
            say(
                _("  and {totals:,} more, {totals2:,} in all; {what} lists them").format(
                    totals=totals[name] - len(shown), totals2=totals[name], what="--json" if whole else "--all"
                )
            )


def _twins_line(twins: Twins) -> str:
    one, other = twins.labels
    what = "repeated" if one == other else _("contradiction, {one} and {other}").format(one=one, other=other)
    return _("{what}: '{texts}' and '{texts2}'").format(what=what, texts=twins.texts[0], texts2=twins.texts[1])


def _percent(value: float) -> str:
    return "-" if value != value else f"{value:.0%}"


@click.command(
    "impact",
    cls=Command,
    examples=(
        "searchctl route impact billing/chargeback --file chargebacks.txt",
        'searchctl route impact gift "Can I pay with a gift card?" --recent last-week.jsonl',
    ),
)
@click.argument("label", shell_complete=complete_label)
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("--file", "path", metavar="FILE", help="Examples that would be added, one a line, or rows of a table.")
@click.option("--recent", metavar="FILE", help="Recent texts: which of them would go elsewhere?")
@framed
def impact_command(frame: Frame, label: str, words: tuple[str, ...], path: str | None, recent: str | None) -> None:
    """Say what adding examples to a label, new or not, would take from others. Nothing is stored."""
    from searchctl.routing.rows import read_rows

    texts = list(map(as_text, words))
    if path:
        texts += [row.text for row in read_rows(Path(path)) if row.text]
    if not texts:
        raise UsageError(_("give the examples that would be added, as texts or with --file"))
    others = [row.text for row in read_rows(recent) if row.text] if recent else []
    with open_router(frame) as router:
        found = router.impact(as_text(label), texts, others)
    if frame.for_programs:
        print_json("label-impact", asdict_plain(found))
        return
    _print_impact(found)


def _print_impact(found: Impact) -> None:
    echo(
        _("{examples} for {label}: {share} of them recognised").format(
            examples=count_of(found.new, "example"), label=found.label, share=share(found.recognised)
        )
    )
    echo(
        _("the stored examples: {share} recognised today, {share2} with them").format(
            share=share(found.accuracy_before), share2=share(found.accuracy_after)
        )
    )
    for label, count in found.taken_by_label.items():
        echo(_("takes {examples} of {label}").format(examples=count_of(count, "example"), label=label))
    for one in found.taken[:_SHOWN]:
        echo(f"  '{one.text}' ({one.confidence:.2f})")
    if found.recent_texts:
        echo(
            _("recent texts: {count} of {recent_texts} go elsewhere").format(
                count=len(found.recent), recent_texts=found.recent_texts
            )
        )
        for one in found.recent[:_SHOWN]:
            echo(f"  {one.before} → {one.after} ({one.confidence:.2f}): '{one.text}'")
