"""`searchctl cluster`: what a collection is about."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.listing import print_listing
from searchctl.cli.operations import Stages
from searchctl.cli.output import count_of, duration_of, print_table, refuse_overwriting, refuse_unwritable
from searchctl.cli.sources import collect, source_options
from searchctl.extras import require
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.explore.cluster import Clusters
    from searchctl.explore.collection import Collection
    from searchctl.explore.export import TopicShape


@click.command(
    "cluster",
    cls=Command,
    examples=(
        "searchctl cluster",
        "searchctl cluster reviews.csv --text comment -o map.html",
        "searchctl cluster reviews.csv --text comment --date written -o map.html",
        "searchctl cluster tickets.jsonl --min-size 10 -o topics.json -o documents.csv",
        "searchctl cluster --index support --json | jq .topics[].name",
    ),
)
@source_options
@click.option(
    "--date", "date_field", metavar="FIELD", help="Field of dates, for topics over time [default: the only one]."
)
@click.option(
    "--min-size",
    type=click.IntRange(2),
    metavar="N",
    help="Fewest texts in a topic [default: depends on how many there are].",
)
@click.option("--strict", is_flag=True, help="Leave texts at a topic's edge outside it.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a map (.html), the topics (.json) or a table of documents (.csv); repeatable.",
)
@framed
def command(
    frame: Frame,
    sources: tuple[str, ...],
    id_field: str | None,
    title_field: str | None,
    text_fields: str | None,
    format_name: str | None,
    date_field: str | None,
    min_size: int | None,
    strict: bool,
    outputs: tuple[Path, ...],
) -> None:
    """Sort texts into topics, name them and show what belongs to none.

    SOURCE is the name of an index, or files or folders; without one it's the index of the settings. Needs the extra 'explore'.
    """
    from searchctl.explore.cluster import ClusterSettings, cluster
    from searchctl.explore.export import ending_of, shape_of, summary

    for path in outputs:
        ending_of(path)
    require("sklearn", _("looking for topics"), "explore")
    refuse_unwritable(outputs)
    settings = ClusterSettings(min_size, edges=not strict)
    began = time.monotonic()
    refuse_overwriting(outputs, sources)
    collection, title = collect(frame, sources, id_field, title_field, text_fields, format_name, date_field)
    with Stages(frame) as stages:
        clusters = cluster(collection.texts, collection.vectors, settings, on_stage=stages.begin)
        shape = shape_of(collection, clusters)
        for path in outputs:
            stages.begin(_("drawing the map") if path.suffix == ".html" else _("writing"))
            _write(path, title, collection, clusters, shape, settings.seed)
    seconds = round(time.monotonic() - began, 3)
    if frame.for_programs:
        found = summary(collection, clusters, shape)
        print_listing(
            frame,
            "topics",
            "topic",
            "topics",
            found.pop("topics"),
            **found,
            files=list(map(str, outputs)),
            seconds=seconds,
        )
        return
    _print_topics(collection, clusters)
    if not frame.quiet:
        _say_summary(collection, clusters, outputs, seconds)


def _write(path: Path, title: str, collection: Collection, clusters: Clusters, shape: TopicShape, seed: int) -> None:
    from searchctl.explore.export import ending_of, write_csv, write_json, write_map

    ending = ending_of(path)
    if ending == ".json":
        write_json(path, collection, clusters, shape)
    elif ending == ".csv":
        write_csv(path, collection, clusters)
    else:
        from searchctl.explore.layout import layout

        places = layout(collection.texts, collection.vectors, clusters.labels, seed)
        write_map(path, _("Topics of {title}").format(title=title), collection, clusters, places, shape)


def _print_topics(collection: Collection, clusters: Clusters) -> None:
    from searchctl.explore.export import excerpt

    rows = [
        [str(topic.id), str(len(topic.members)), topic.name, excerpt(collection.texts[topic.representatives[0]], 100)]
        for topic in clusters.topics
    ]
    if rows:
        print_table([_("topic"), _("texts"), _("name"), _("typical text")], rows)


def _say_summary(collection: Collection, clusters: Clusters, outputs: tuple[Path, ...], seconds: float) -> None:
    outside = len(clusters.outliers)
    text = count_of(len(collection), "text")
    found = count_of(len(clusters.topics), "topic")
    say(
        _("searchctl: {text} in {found} of at least {min_size}, {outside:,} in none; {duration}").format(
            text=text, found=found, min_size=clusters.min_size, outside=outside, duration=duration_of(seconds)
        )
    )
    if not clusters.topics:
        say(_("searchctl: no group is dense enough; give more texts, or a smaller --min-size"))
    if collection.passed_over:
        say(
            _("searchctl: {documents} passed over: unreadable, or without vectors").format(
                documents=count_of(collection.passed_over, "document")
            )
        )
    for path in outputs:
        say(as_text(_("searchctl: wrote {path}").format(path=path)))
