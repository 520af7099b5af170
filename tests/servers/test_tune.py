"""BM25's k1 and b, which servers can change: tuned on a copy, written when better, undone by a dump to a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.engines import open_engine
from searchctl.engines.base import Engine
from searchctl.errors import ServerRefusal
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.metrics import parse_metric
from searchctl.index import Index
from searchctl.ranking.fusion import FusionSettings
from searchctl.schema import Bm25Settings, EncoderStamp, Lineage, Schema
from searchctl.text.analysis import analyze
from searchctl.tuning.trial_indexes import MADE_FROM
from searchctl.tuning.tune import Tuning, apply, tune
from searchctl.types import Document, LexicalQuery
from tests.servers.parameters import SERVERS, server_param

NAME = "tuned"
ENCODER = HashingEncoder(16)
SCHEMA = Schema(EncoderStamp(ENCODER.name, ENCODER.revision, ENCODER.dim))
WORDS = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}quox" for number in range(40)]
FILLER = "river stone cloud forest mountain harbour lantern bridge castle meadow"


def documents() -> list[Document]:
    """Return for each word a long text that says it often, which is wanted, and a short one that says it once."""
    long = [Document(f"long{n}", f"{word} {FILLER} {word} {FILLER} {word} {FILLER}") for n, word in enumerate(WORDS)]
    return long + [Document(f"short{n}", f"{word} cup") for n, word in enumerate(WORDS)]


@pytest.fixture
def index(engine: Engine) -> Index:
    engine.create(NAME, SCHEMA)
    made = Index(engine, NAME, ENCODER)
    made.ingest(documents())
    return made


pytestmark = pytest.mark.parametrize("engine", [server_param(name) for name in SERVERS], indirect=True)


def test_scores_follow_the_parameters(index: Index) -> None:
    tokens = {one.id: [token.term for token in analyze(one.text)] for one in documents()}
    mean = np.mean([len(one) for one in tokens.values()])
    for bm25 in (Bm25Settings(0.4, 0.1), Bm25Settings(2.0, 0.9)):
        index.engine.update_schema(
            NAME, Schema.from_json({**index.schema.to_json(), "bm25": {"k1": bm25.k1, "b": bm25.b}})
        )
        (found,) = index.engine.search(NAME, [LexicalQuery(WORDS[3])])
        idf = np.log(1 + (80 - 2 + 0.5) / (2 + 0.5))
        for id, score in zip(found.ids, found.scores, strict=True):
            tf, length = tokens[id].count(WORDS[3]), len(tokens[id])
            assert score == pytest.approx(idf * tf / (tf + bm25.k1 * (1 - bm25.b + bm25.b * length / mean)), rel=1e-4)


def test_a_closed_index_says_how_it_is_opened(index: Index) -> None:
    """As a tuning that is killed while it writes k1 and b leaves it."""
    client = index.engine.client  # type: ignore[attr-defined]
    client.request("POST", f"/{NAME}/_close")
    with pytest.raises(ServerRefusal, match=f"curl -X POST {index.engine.url}/{NAME}/_open"):
        index.search(WORDS[0])
    client.request("POST", f"/{NAME}/_open", params={"wait_for_active_shards": 1})


def test_an_index_that_has_the_copys_name_is_left_alone(index: Index) -> None:
    trial = f"{NAME}-trial"
    index.engine.create(trial, SCHEMA)
    queries = tuple(JudgedQuery(f"q{n}", word, {f"long{n}": 1}) for n, word in enumerate(WORDS))
    report = tune(index, DataSet("made", queries), parse_metric("mrr@10"), Tuning(bm25=True))
    assert report.bm25 is None
    assert any(f"'{trial}', and there is such an index" in note for note in report.notes)
    assert trial in {info.name for info in index.engine.indexes()}


def test_k1_and_b_are_tuned_on_a_copy_and_written(index: Index, tmp_path: Path) -> None:
    engine = index.engine
    engine.create(
        f"{NAME}-trial", replace(SCHEMA, encoder=None, lineage=Lineage(MADE_FROM))
    )  # as a killed run leaves it
    queries = tuple(JudgedQuery(f"q{n}", word, {f"long{n}": 1}) for n, word in enumerate(WORDS))
    words = FusionSettings(lexical=1.0, vector=0.0)
    names = {info.name for info in engine.indexes()}
    report = tune(index, DataSet("made", queries), parse_metric("mrr@10"), Tuning(bm25=True), before=words)
    assert {info.name for info in engine.indexes()} == names - {f"{NAME}-trial"}, "the copy is gone"
    assert report.bm25 is not None
    assert report.bm25.before == Bm25Settings()
    assert report.bm25.best.b < 0.75, "long texts are wanted"
    assert report.bm25.significant
    assert "bm25" in apply(index, report)
    assert index.schema.bm25 == report.bm25.best
    (found,) = engine.search(NAME, [LexicalQuery(WORDS[5])])
    assert found.ids[0] == "long5"
    embedded = open_engine(tmp_path / "folder")
    embedded.create("copy", index.schema)
    assert embedded.schema("copy").bm25 is None
    embedded.close()
