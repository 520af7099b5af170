"""Word vectors weighed by how frequent words are in the index: measured once, kept in the stamp, the same for queries and documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from searchctl import notebook
from searchctl.encoders import open_encoder, open_stamped
from searchctl.encoders.weighting import SIF, measure_shares
from searchctl.engines import open_engine
from searchctl.errors import IndexFormatError, UsageError
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.dump import dump
from searchctl.lifecycle.restore import restore
from searchctl.schema import EncoderStamp, Schema, WordShares

TEXTS = ["the green tea the", "The steel bridge", "the the кошка", "ёлка the unknown"]
WORDS = {"the": (1, 0, 0, 1), "green": (0, 1, 0, 0), "tea": (0, 0, 1, 0), "steel": (1, 1, 0, 0), "елка": (0, 1, 1, 0)}


@pytest.fixture
def name(tmp_path: Path) -> str:
    path = tmp_path / "words.vec"
    lines = [f"{len(WORDS)} 4", *(f"{word} {' '.join(map(str, row))}" for word, row in WORDS.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"fasttext:{path}?weights=index"


@pytest.fixture
def index(tmp_path: Path, name: str) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder="hashing:32") as made:
        made.ingest([{"id": str(number), "text": text} for number, text in enumerate(TEXTS)])
        notebook.reembed(made, name, known_items=0)
        yield made


def test_weights_are_those_of_the_indexs_words_worked_by_hand(index: Index) -> None:
    words = " ".join(TEXTS).lower().replace("ё", "е").split()
    shares = {word: float(f"{count / len(words):.3g}") for word, count in Counter(words).items()}
    stamp = index.schema.encoder
    assert stamp is not None and stamp.weights is not None
    assert dict(zip(stamp.weights.words, stamp.weights.shares, strict=True)) == shares
    assert stamp.weights.words[0] == "the"
    expected = sum(
        np.array(WORDS[word], float) / np.linalg.norm(WORDS[word]) * SIF / (SIF + shares[word])
        for word in ("the", "green", "tea", "the")
    )
    (entry,) = index.engine.get(index.name, ["0"], vectors=True)
    assert entry is not None and entry.vectors is not None and index.encoder is not None
    (query,) = index.encoder.encode_queries(["the green tea the"])
    np.testing.assert_allclose(query, expected / np.linalg.norm(expected), atol=1e-6)
    np.testing.assert_allclose(entry.vectors[0], query, atol=1e-3)  # stored in half precision


def test_the_stamp_carries_them_to_whoever_opens_the_index(index: Index, name: str, tmp_path: Path) -> None:
    with Index.open(tmp_path / "engine") as again, Index.open(tmp_path / "engine", encoder=name) as named:
        assert again.search("steel", mode="vector")[0].id == named.search("steel", mode="vector")[0].id == "1"
        before = named.schema.encoder
        named.ingest([{"id": "new", "text": "tea tea tea"}])  # documents to come weigh words as those there were
        assert named.schema.encoder == before and len(named) == 5
    assert before is not None and open_stamped(before).revision == before.revision
    assert Schema.from_json(index.schema.to_json()) == index.schema
    dump(index.engine, index.name, tmp_path / "dumped", Monitor())
    with closing(open_engine(tmp_path / "other")) as other:
        restore(other, "copy", tmp_path / "dumped", Monitor())
        assert other.schema("copy").encoder == before


def test_they_are_measured_anew_when_asked(index: Index, name: str) -> None:
    with pytest.raises(UsageError, match="already"):
        notebook.reembed(index, name, known_items=0)
    before = index.schema.encoder
    index.ingest([{"id": "more", "text": "tea " * 50}])
    notebook.reembed(index, name, known_items=0)
    after = index.schema.encoder
    assert before is not None and after is not None and after.weights is not None
    assert after.revision != before.revision and after.weights.words[0] == "tea"


def test_without_an_index_it_says_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no index yet.*searchctl reembed --encoder"):
        Index.open(tmp_path / "engine", encoder=name)
    encoder = open_encoder(name)
    with pytest.raises(UsageError, match="weights"):
        encoder.encode_queries(["tea"])
    with pytest.raises(UsageError, match="no words"):
        measure_shares(encoder, ["", "!"])  # type: ignore[arg-type]


def test_rare_words_are_left_out_and_stamps_of_others_stay_as_they_were(name: str) -> None:
    encoder = open_encoder(name)
    shares = measure_shares(encoder, ["the " * 9999 + "tea"])  # type: ignore[arg-type]
    assert shares.words == ("the", "tea") and shares.shares == (1.0, 0.0001)
    assert measure_shares(encoder, ["the " * 99_999 + "tea"]).words == ("the",)  # type: ignore[arg-type]
    plain = Schema(EncoderStamp("hashing:32", "0" * 12, 32)).to_json()
    assert plain["format"] == 1 and plain["encoder"] == {"name": "hashing:32", "revision": "0" * 12, "dim": 32}
    stamped = Schema(EncoderStamp(name, "0" * 12, 4, WordShares(("the",), (0.5,)))).to_json()
    assert stamped["format"] == 2
    for damage in (
        {"words": ["the"], "shares": []},
        {"words": "the", "shares": [0.5]},
        {"words": [1], "shares": [1.0]},
    ):
        with pytest.raises(IndexFormatError, match="damaged"):
            Schema.from_json({**stamped, "encoder": {**stamped["encoder"], "weights": damage}})
