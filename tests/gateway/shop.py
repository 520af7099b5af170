"""A shop's index as its owner made it, and the bodies that search apps send to such an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
MAPPING: Json = {
    "properties": {
        "name": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "description": {"type": "text"},
        "bullets": {"type": "text"},
        "brand": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "category": {"type": "keyword"},
        "price": {"type": "float"},
        "stock": {"type": "integer"},
        "sold": {"type": "integer"},
        "created": {"type": "date"},
        "open": {"type": "boolean"},
        "place": {"type": "geo_point"},
        "attributes": {
            "type": "nested",
            "properties": {"key": {"type": "keyword"}, "value": {"type": "keyword"}},
        },
    }
}
GOODS = (
    ("Winter cycling gloves", "Warm insulated gloves for cycling in cold weather.", "North", "clothes"),
    ("Rain jacket", "A light waterproof jacket for walks in heavy rain.", "North Face", "clothes"),
    ("Thermal mittens", "Keep your hands warm while riding a bike below zero.", "North Face", "clothes"),
    ("Espresso machine", "Makes strong coffee with a thick crema.", "Acme", "kitchen"),
    ("Tent for two", "A two person tent with an aluminium frame.", "North", "outdoors"),
    ("Desk lamp", "LED lamp with adjustable brightness for reading.", "Acme", "home"),
    ("Leather gloves", "Elegant gloves for the office.", "Acme", "clothes"),
    ("Зимние перчатки", "Тёплые перчатки для велосипеда, не продуваются.", "North", "clothes"),
    ("Bike light", "Front light for commuters who ride at night.", "Acme", "outdoors"),
    ("Umbrella", "Folding umbrella for storms and showers.", "Acme", "outdoors"),
    ("Wool socks", "Thick socks that keep feet dry in winter.", "North", "clothes"),
    ("Coffee grinder", "Grinds beans for filter or moka pot.", "Acme", "kitchen"),
    ("Sleeping bag", "A down bag for nights in the mountains.", "North Face", "outdoors"),
    ("Kettle", "Boils a litre of water in three minutes.", "Acme", "kitchen"),
    ("Reading glasses", "Light glasses for small print.", "Acme", "home"),
    ("Scarf", "A soft scarf of merino against the wind.", "North", "clothes"),
)
SIZES = ("S", "M", "L")


def documents(copies: int = 8) -> Iterator[tuple[str, Json]]:
    """Yield ids and sources: the goods in several editions."""
    for edition in range(copies):
        for number, (name, description, brand, category) in enumerate(GOODS):
            place = edition * len(GOODS) + number
            yield (
                f"p{place}",
                {
                    "name": name if edition == 0 else f"{name}, edition {edition}",
                    "description": description,
                    "bullets": [description.split()[0], "two year warranty"],
                    "brand": brand,
                    "category": category,
                    "price": 10 + 7 * (place % 20),
                    "stock": place % 5,
                    "sold": (place * 37) % 100,
                    "created": f"2026-0{1 + place % 9}-1{place % 9}",
                    "open": place % 3 == 0,
                    "place": {"lat": 50 + place % 10, "lon": 30 + place % 7},
                    "attributes": [{"key": "size", "value": SIZES[place % 3]}],
                },
            )


def fill(ask: Any, index: str, *, knn: bool, copies: int = 8, shards: int = 2) -> None:
    """Make the index and its documents with `ask(method, path, body)`."""
    settings: Json = {"number_of_shards": shards, "number_of_replicas": 0, **({"knn": True} if knn else {})}
    ask("PUT", f"/{index}", {"settings": {"index": settings}, "mappings": MAPPING})
    lines = [line for id, source in documents(copies) for line in ({"index": {"_id": id}}, source)]
    answer = ask("POST", f"/{index}/_bulk?refresh=true", lines)
    assert not answer["errors"], answer
