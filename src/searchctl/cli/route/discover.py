"""`searchctl route discover`: labels that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, print_json, printable
from searchctl.cli.route.context import columns_of, file_options, open_router
from searchctl.errors import UsageError
from searchctl.extras import require
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.discover import Discovery, UnlabelledGroup


@click.command(
    "discover",
    cls=Command,
    examples=(
        "searchctl route discover last-month.jsonl",
        "searchctl route discover last-month.jsonl --promote 1=disposal --promote 2=fraud",
        "searchctl route discover tickets.csv --text message --min-size 10 --json > groups.json",
    ),
)
@click.argument("path", metavar="FILE|-")
@click.option(
    "--promote",
    "promoted",
    multiple=True,
    metavar="N[=LABEL]",
    help="Make a label of group N, or of the group with that name, out of its examples; repeatable.",
)
@click.option("--examples", type=click.IntRange(1), default=5, show_default=True, help="Examples a group proposes.")
@click.option(
    "--min-size",
    type=click.IntRange(2),
    metavar="N",
    help="Fewest texts in a group [default: depends on how many there are].",
)
@click.option(
    "--target-precision",
    type=float,
    default=0.95,
    show_default=True,
    help="Leave out texts that get a label at this precision.",
)
@file_options
@framed
def discover_command(
    frame: Frame,
    path: str,
    promoted: tuple[str, ...],
    examples: int,
    min_size: int | None,
    target_precision: float,
    text_columns: str | None,
    label_column: str | None,
    separator: str | None,
    outside_label: str | None,
    format_name: str | None,
) -> None:
    """Group the texts of FILE that get no label, name the groups, and propose examples for new labels.

    Nothing is stored without --promote; then the same groups are found again, and `searchctl route undo` takes it back.
    Groups which hold most texts that belong nowhere come first. Needs the extra 'explore'.
    """
    from searchctl.routing.decide import RouteSettings
    from searchctl.routing.examples import Example
    from searchctl.routing.rows import as_format, read_rows

    require("sklearn", _("looking for labels that are missing"), "explore")
    settings = RouteSettings(target_precision=target_precision)
    columns = columns_of(text_columns, label_column, separator, outside_label)
    texts = [row.text for row in read_rows(path, columns, as_format(format_name)) if row.text]
    with open_router(frame, create=True) as router:
        found = router.discover(texts, settings, min_size=min_size, examples=examples)
        chosen = _chosen(found, list(map(as_text, promoted)))
        router.add_examples([Example(text, (label,)) for label, group in chosen.items() for text in group.examples])
    if frame.for_programs:
        print_json("discovery", _as_json(found, chosen))
        return
    _print(found, chosen)
    if not frame.quiet:
        _say_summary(found, chosen)


def _chosen(found: Discovery, asked: Sequence[str]) -> dict[str, UnlabelledGroup]:
    """Return the groups that become labels, by label."""
    chosen: dict[str, UnlabelledGroup] = {}
    for one in asked:
        which, _sign, label = one.partition("=")
        group = _asked(found.groups, which.strip())
        chosen[label.strip() or group.label] = group
    return chosen


def _asked(groups: Sequence[UnlabelledGroup], which: str) -> UnlabelledGroup:
    if which.isdigit() and 0 < int(which) <= len(groups):
        return groups[int(which) - 1]
    for group in groups:
        if which in (group.name, group.label):
            return group
    there = _("there are the groups 1 to {count}").format(count=len(groups)) if groups else _("there is no group")
    raise UsageError(_("no group '{which}'; {there}. Nothing was stored").format(which=which, there=there))


def _as_json(found: Discovery, chosen: dict[str, UnlabelledGroup]) -> dict[str, object]:
    return {
        "texts": found.texts,
        "unrouted": found.unrouted,
        "min_size": found.min_size,
        "groups": [
            {
                "group": place,
                "name": group.name,
                "label": group.label,
                "terms": [{"text": term.text, "weight": term.weight} for term in group.terms],
                "outside": group.outside,
                "nearest": group.nearest,
                "examples": list(group.examples),
                "texts": list(group.texts),
            }
            for place, group in enumerate(found.groups, 1)
        ],
        "alone": list(found.alone),
        "promoted": {label: list(group.examples) for label, group in chosen.items()},
    }


def _print(found: Discovery, chosen: dict[str, UnlabelledGroup]) -> None:
    made = {id(group): label for label, group in chosen.items()}
    for place, group in enumerate(found.groups, 1):
        click.echo(printable(f"{place}  {group.name}: {count_of(len(group.texts), 'text')}, {_place(group)}"))
        if id(group) in made:
            click.echo(printable(_("   now the label {made}, with these examples:").format(made=made[id(group)])))
        for text in group.examples:
            click.echo(f"   {printable(' '.join(text.split()))}")


def _place(group: UnlabelledGroup) -> str:
    """Say where a group lies among the labels: far from all, or near some."""
    if not group.nearest:
        return _("there are no labels yet")
    label, count = next(iter(group.nearest.items()))
    return _("outside {outside:.2f}, {count} nearest to {label}").format(
        outside=group.outside, count=count, label=label
    )


def _say_summary(found: Discovery, chosen: dict[str, UnlabelledGroup]) -> None:
    say(
        _("searchctl: {unrouted} of {texts} got no label; {count} of these are in no group").format(
            unrouted=found.unrouted, texts=count_of(found.texts, "text"), count=len(found.alone)
        )
    )
    if chosen:
        say(_("searchctl: promoted; searchctl route undo takes it back"))
    elif found.groups:
        say(_("searchctl: make a label of a group with: --promote 1=LABEL"))
    elif found.unrouted:
        say(_("searchctl: no group is dense enough; give more texts, or a smaller --min-size"))
