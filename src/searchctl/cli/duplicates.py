"""`searchctl duplicates`: what a collection holds twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from searchctl.cli.choices import choice
from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.listing import print_listing
from searchctl.cli.operations import Stages
from searchctl.cli.output import count_of, duration_of, print_table
from searchctl.cli.sources import collect, source_options
from searchctl.translation import _
from searchctl.types import DuplicateReason, Json

if TYPE_CHECKING:
    from searchctl.explore.collection import Collection
    from searchctl.explore.duplicates import Duplicates


@click.command(
    "duplicates",
    cls=Command,
    examples=(
        "searchctl duplicates",
        "searchctl duplicates reviews.csv --text comment --only exact --only near",
        "searchctl duplicates tickets.jsonl --near 0.5 --semantic 0.8",
        "searchctl duplicates --index support --json | jq '.groups[].members[1:][].id'",
    ),
)
@source_options
@click.option(
    "--only", multiple=True, type=choice(DuplicateReason), help="Look for this kind; repeatable [default: all]."
)
@click.option(
    "--near",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.7,
    show_default=True,
    metavar="SHARE",
    help="Share of their wording that near duplicates have in common.",
)
@click.option(
    "--semantic",
    type=click.FloatRange(-1, 1, min_open=True),
    metavar="COSINE",
    help="Cosine from which texts count as saying the same [default: more than chance gives, and more than with the texts around them].",
)
@click.option("--jsonl", "json_lines", is_flag=True, help="Print one group a line; the default in a pipe.")
@framed
def command(
    frame: Frame,
    sources: tuple[str, ...],
    id_field: str | None,
    title_field: str | None,
    text_fields: str | None,
    format_name: str | None,
    only: tuple[DuplicateReason, ...],
    near: float,
    semantic: float | None,
    json_lines: bool,
) -> None:
    """Find texts that say the same: letter by letter, nearly so, or in other words or another language.

    SOURCE is the name of an index, or files or folders; without one it's the index of the settings. Nothing is deleted.
    """
    from searchctl.explore.duplicates import REASONS, DuplicateSettings, duplicates

    settings = DuplicateSettings(only or REASONS, near, semantic)
    began = time.monotonic()
    collection, _title = collect(frame, sources, id_field, title_field, text_fields, format_name)
    with Stages(frame) as stages:
        found = duplicates(
            collection.texts, collection.vectors, settings, on_stage=stages.begin, encode=collection.encode
        )
    seconds = round(time.monotonic() - began, 3)
    groups = _as_json(collection, found)
    if frame.for_programs or json_lines:
        rest = {
            "documents": len(collection),
            "passed_over": collection.passed_over,
            "spare": found.spare,
            "semantic_threshold": None if found.threshold is None else round(found.threshold, 4),
            "seconds": seconds,
        }
        print_listing(frame, "duplicates", "duplicate-group", "groups", groups, **rest)
        if frame.json:
            return
    else:
        _print_groups(groups)
    if not frame.quiet:
        _say_summary(collection, found, seconds)


def _as_json(collection: Collection, found: Duplicates) -> list[Json]:
    from searchctl.explore.export import excerpt

    return [
        {
            "reason": group.reason,
            "members": [
                {
                    "id": collection.ids[row],
                    "reason": reason,
                    "similarity": similarity,
                    "text": excerpt(collection.texts[row]),
                }
                for row, reason, similarity in zip(group.members, group.reasons, group.similarities, strict=True)
            ],
        }
        for group in found.groups
    ]


def _print_groups(groups: list[Json]) -> None:
    rows = []
    for number, group in enumerate(groups, start=1):
        for place, member in enumerate(group["members"]):
            tie = f"{member['reason']} {member['similarity']:.2f}" if place else "keep"
            rows.append([str(number) if not place else "", tie, member["id"], member["text"]])
    if rows:
        print_table([_("group"), _("reason"), _("id"), _("text")], rows)


def _say_summary(collection: Collection, found: Duplicates, seconds: float) -> None:
    texts, groups = count_of(len(collection), "text"), count_of(len(found.groups), "group")
    say(
        _("searchctl: {texts}, {groups} of duplicates, {spare:,} to spare; {duration}").format(
            texts=texts, groups=groups, spare=found.spare, duration=duration_of(seconds)
        )
    )
    if found.threshold is not None:
        say(
            _(
                "searchctl: the same meaning was looked for from a likeness of {threshold:.2f} on; see --semantic"
            ).format(threshold=found.threshold)
        )
