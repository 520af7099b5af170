"""Stamps and manifests are taken as they are declared, or refused by the name of what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from searchctl.conformity import check_types
from searchctl.errors import IndexFormatError
from searchctl.schema import Background, EncoderStamp, FusionSettings, Schema

WHOLE = Schema(
    EncoderStamp("hashing", "r", 32),
    fields={"a": "number", "t": "text"},
    background=Background(0.1, 0.2, (0.5, 1.0), 5),
    fusion=FusionSettings(),
    boosts={"title": 3},
    synonyms=("tv, television",),
    rerank_depth=5,
    relevance=(1.0, 2.0, 3, 4.0),
)


def test_a_whole_stamp_is_read_as_it_was() -> None:
    assert Schema.from_json(json.loads(json.dumps(WHOLE.to_json()))) == WHOLE
    check_types(WHOLE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fields", [[1, 2]]),
        ("fields.a", "integer"),
        ("fields.a", None),
        ("analyzer", None),
        ("analyzer", "de"),
        ("synonyms", "../x"),
        ("synonyms", [1]),
        ("relevance", [[]]),
        ("relevance", [1.0]),
        ("relevance", "1234"),
        ("encoder", "hashing"),
        ("encoder.dim", "x"),
        ("encoder.dim", 10**9),
        ("encoder.dim", True),
        ("encoder.name", 5),
        ("passages.size", 0),
        ("passages.size", "256"),
        ("passages.overlap", -1),
        ("background", [1]),
        ("background.centre", ["x"]),
        ("background.mean", None),
        ("fusion.method", "guess"),
        ("fusion.lexical", "x"),
        ("boosts", [1]),
        ("boosts.title", "3"),
        ("rerank_depth", 1.5),
        ("rerank_depth", 0),
        ("format", "1"),
        ("format", 99),
        ("analysis", "x"),
    ],
)
def test_a_damaged_stamp_is_refused(path: str, value: Any) -> None:
    data = json.loads(json.dumps(WHOLE.to_json()))
    *outer, name = path.split(".")
    inner = data
    for key in outer:
        inner = inner[key]
    inner[name] = value
    with pytest.raises(IndexFormatError):
        Schema.from_json(data)
