"""Topics as JSON, as a table of documents, and as an HTML map which needs nothing from elsewhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from searchctl import pages
from searchctl.errors import UsageError
from searchctl.explore.cluster import Clusters, settings_of
from searchctl.explore.collection import Collection
from searchctl.explore.hierarchy import TopicGroup, topic_groups
from searchctl.explore.layout import Places
from searchctl.explore.over_time import TopicTimeline, topic_timeline
from searchctl.files import replacing
from searchctl.notation import table_cell
from searchctl.translation import _
from searchctl.types import Json

ENDINGS = (".html", ".json", ".csv")
_SHOWN = 300  # code points of a text on the map
_EXCERPT = 200


def ending_of(path: Path) -> str:
    """Return a file's ending; raises UsageError when nothing can be written under it."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            _("can't write topics to '{path}'; give a file that ends in {ENDINGS}").format(
                path=path, ENDINGS=", ".join(ENDINGS)
            )
        )
    return ending


@dataclass(frozen=True, slots=True)
class TopicShape:
    """How topics hang together and come and go; None for a collection without dates."""

    groups: tuple[TopicGroup, ...] = ()
    timeline: TopicTimeline | None = None


def shape_of(collection: Collection, clusters: Clusters) -> TopicShape:
    """Return the groups of the topics and their documents over time."""
    timeline = topic_timeline(clusters.labels, collection.dates) if collection.dates else None
    return TopicShape(topic_groups(clusters, collection.texts, collection.vectors), timeline)


def summary(collection: Collection, clusters: Clusters, shape: TopicShape) -> Json:
    """Return the topics as JSON values, the largest first."""
    timeline = shape.timeline
    outside = len(clusters.outliers)
    return {
        "documents": len(collection),
        "passed_over": collection.passed_over,
        "settings": settings_of(clusters),
        "topics": [
            {
                "id": topic.id,
                "name": topic.name,
                "size": len(topic.members),
                "share": round(len(topic.members) / len(collection), 4),
                "cohesion": topic.cohesion,
                "terms": [{"term": term.text, "weight": term.weight} for term in topic.terms],
                "representatives": [
                    {"id": collection.ids[row], "text": excerpt(collection.texts[row])} for row in topic.representatives
                ],
                **({"over_time": timeline.counts[topic.id].tolist()} if timeline is not None else {}),
            }
            for topic in clusters.topics
        ],
        "groups": [_group(group) for group in shape.groups],
        "timeline": {"unit": timeline.unit, "periods": list(timeline.periods), "undated": timeline.undated}
        if timeline
        else None,
        "outliers": {"size": outside, "share": round(outside / len(collection), 4)},
    }


def excerpt(text: str, length: int = _EXCERPT) -> str:
    """Return a text's beginning on one line."""
    flat = " ".join(text[: length * 4].split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def _group(group: TopicGroup) -> Json:
    parts = {"groups": [_group(part) for part in group.parts]} if group.parts else {}
    return {"name": group.name, "topics": list(group.topics), "cosine": group.cosine, **parts}


def write_json(path: Path, collection: Collection, clusters: Clusters, shape: TopicShape) -> None:
    """Write the summary, and each document's topic (null for outliers)."""
    documents = [
        {"id": id, "topic": topic if topic >= 0 else None, "strength": round(strength, 4)}
        for id, topic, strength in zip(
            collection.ids, clusters.labels.tolist(), clusters.strengths.tolist(), strict=True
        )
    ]
    data = {**summary(collection, clusters, shape), "documents": documents}
    _replace(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def write_csv(path: Path, collection: Collection, clusters: Clusters) -> None:
    """Write a line for each document: id, topic's number and name (empty for outliers), strength, text."""
    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "topic", "name", "strength", "text"))
        table.writerows(_rows(collection, clusters))


def _rows(collection: Collection, clusters: Clusters) -> Iterator[tuple[str, object, str, str, str]]:
    labels, strengths = clusters.labels.tolist(), clusters.strengths.tolist()
    for id, text, label, strength in zip(collection.ids, collection.texts, labels, strengths, strict=True):
        inside = label >= 0
        name = table_cell(clusters.topics[label].name) if inside else ""
        yield table_cell(id), label if inside else "", name, f"{strength:.4f}", table_cell(text)


def write_map(
    path: Path, title: str, collection: Collection, clusters: Clusters, places: Places, shape: TopicShape
) -> None:
    """Write the map of `map_page`."""
    _replace(path, map_page(title, collection, clusters, places, shape))


def map_page(title: str, collection: Collection, clusters: Clusters, places: Places, shape: TopicShape) -> str:
    """Return a page with every document as a point: hover, tap, search, zoom and pictures work from the page alone."""
    told = summary(collection, clusters, shape)
    data = {
        **{name: told[name] for name in ("topics", "groups", "timeline")},
        "ids": collection.ids,
        "texts": [excerpt(text, _SHOWN) for text in collection.texts],
        "labels": clusters.labels.tolist(),
        "x": [round(x, 4) for x in places[:, 0].tolist()],
        "y": [round(y, 4) for y in places[:, 1].tolist()],
    }
    return pages.render(
        Path(__file__).with_name("map.html"), title=title, data=data, outcome=_outcome(collection, clusters)
    )


def _outcome(collection: Collection, clusters: Clusters) -> str:
    """Return in a sentence what the collection is about."""
    documents, outside = f"{len(collection):,}", f"{len(clusters.outliers):,}"
    if not clusters.topics:
        return _("No group of the {documents} documents is dense enough for a topic.").format(documents=documents)
    largest, topics = clusters.topics[0], len(clusters.topics)
    share = f"{len(largest.members) / len(collection):.0%}"
    if topics == 1:
        return _("{documents} documents, one topic: “{name}” ({share}); {outside} are in no topic.").format(
            documents=documents, name=largest.name, share=share, outside=outside
        )
    return _(
        "{documents} documents in {topics} topics, the largest of which is “{name}” ({share}); {outside} are in no topic."
    ).format(documents=documents, topics=topics, name=largest.name, share=share, outside=outside)


def _replace(path: Path, text: str) -> None:
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="replace")
