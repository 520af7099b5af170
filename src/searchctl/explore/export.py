"""Topics as JSON, as a table of documents, and as an HTML map which needs nothing from elsewhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from searchctl import pages
from searchctl.errors import UsageError
from searchctl.explore.cluster import Clusters, settings_of
from searchctl.explore.collection import Collection
from searchctl.explore.layout import Places
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


def summary(collection: Collection, clusters: Clusters) -> Json:
    """Return the topics as JSON values, the largest first."""
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
            }
            for topic in clusters.topics
        ],
        "outliers": {"size": outside, "share": round(outside / len(collection), 4)},
    }


def excerpt(text: str, length: int = _EXCERPT) -> str:
    """Return a text's beginning on one line."""
    flat = " ".join(text[: length * 4].split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def write_json(path: Path, collection: Collection, clusters: Clusters) -> None:
    """Write the summary, and each document's topic (null for outliers)."""
    documents = [
        {"id": id, "topic": topic if topic >= 0 else None, "strength": round(strength, 4)}
        for id, topic, strength in zip(
            collection.ids, clusters.labels.tolist(), clusters.strengths.tolist(), strict=True
        )
    ]
    data = {**summary(collection, clusters), "documents": documents}
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


def write_map(path: Path, title: str, collection: Collection, clusters: Clusters, places: Places) -> None:
    """Write the map of `map_page`."""
    _replace(path, map_page(title, collection, clusters, places))


def map_page(title: str, collection: Collection, clusters: Clusters, places: Places) -> str:
    """Return a page with every document as a point: hover, search and zoom work from the page alone."""
    data = {
        "topics": summary(collection, clusters)["topics"],
        "ids": collection.ids,
        "texts": [excerpt(text, _SHOWN) for text in collection.texts],
        "labels": clusters.labels.tolist(),
        "x": [round(x, 4) for x in places[:, 0].tolist()],
        "y": [round(y, 4) for y in places[:, 1].tolist()],
    }
    return pages.render(Path(__file__).with_name("map.html"), title=title, data=data)


def _replace(path: Path, text: str) -> None:
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="replace")
