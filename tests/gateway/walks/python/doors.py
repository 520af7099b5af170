"""What the walks by Python libraries share: the goods, and how a walk is started.

    PROGRAM INDEX URL

makes the index as the library does and prints the fields that hold its texts (or an index and its fields), reads a line with the
addresses to go through by their names, and prints what was seen at each. `wrapped` is the server's own, by a hybrid client.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from tests.gateway.shop import GOODS

from searchctl import hybrid

PARAPHRASE = "caffeine"  # which no document says
WORDS = "warm gloves"
NOTE = ("Espresso pot", "Makes strong espresso coffee with crema.", "Acme", "kitchen")
Walk = Callable[[str, str, Callable[[Any], Any]], dict[str, Any]]


def wrapped(client: Any) -> Any:
    """Return a hybrid client, which is still what the library expects."""
    made = hybrid(client, mode="expand", budget_ms=60_000)
    assert isinstance(made, type(client))
    return made


def main(fill: Callable[[str, str], list[str]], walk: Walk) -> None:
    """Make the index, say which fields hold its texts, wait for the doors, and say what was seen through each."""
    index, url = sys.argv[1:]
    print(json.dumps(fill(url, index)), flush=True)
    for name, address in json.loads(sys.stdin.readline()).items():
        print(
            json.dumps({name: walk(address, index, wrapped if name == "wrapped" else lambda client: client)}),
            flush=True,
        )


def documents() -> list[dict[str, Any]]:
    """Return the goods as documents."""
    return [
        {"name": name, "description": text, "brand": brand, "category": category, "price": 10 + 7 * number}
        for number, (name, text, brand, category) in enumerate(GOODS)
    ]


def note() -> dict[str, Any]:
    """Return a document that is written during the walk."""
    name, text, brand, category = NOTE
    return {"name": name, "description": text, "brand": brand, "category": category, "price": 500}
