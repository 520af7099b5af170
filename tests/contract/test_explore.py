"""Topics, duplicates, the similar and answers on every engine: what a server's index holds is looked into like an embedded one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchctl import Index
from searchctl.encoders import open_encoder
from searchctl.engines.base import Engine
from searchctl.explore.answer import answer
from searchctl.explore.cluster import ClusterSettings, cluster
from searchctl.explore.collection import Collection, from_index
from searchctl.explore.duplicates import DuplicateSettings, duplicates
from searchctl.schema import EncoderStamp, Schema
from searchctl.types import Document

SUBJECTS = {
    "coffee": "The coffee machine grinder is jammed with beans again",
    "parcel": "My parcel from the courier was late and the box was open",
    "возврат": "Верните деньги за возврат куртки на карту",
    "пароль": "Забыл пароль от кабинета, письмо со ссылкой не приходит",
}
DOCUMENTS = [
    *(
        Document(f"{subject}-{n}", f"{text}, {subject} case {n}")
        for subject, text in SUBJECTS.items()
        for n in range(20)
    ),
    Document("again", "THE COFFEE MACHINE GRINDER is jammed with beans again - coffee case 3"),
    Document(
        "prices", "The shop opened in 2009. The delivery van costs four pounds. Gift vouchers never expire.", "Prices"
    ),
]


def filled(engine: Engine) -> Index:
    encoder = open_encoder("hashing:64")
    engine.create("contract-explore", Schema(EncoderStamp("hashing:64", encoder.revision, encoder.dim)))
    index = Index(engine, "contract-explore", encoder)
    index.ingest(DOCUMENTS)
    return index


@pytest.fixture
def index(engine: Engine) -> Index:
    return filled(engine)


def by_id(collection: Collection) -> dict[str, np.ndarray]:
    return dict(zip(collection.ids, collection.vectors, strict=True))


def test_topics_and_duplicates_are_those_of_the_embedded_engine(index: Index, tmp_path: Path) -> None:
    with Index.open(tmp_path / "beside", encoder="hashing:64") as embedded:
        embedded.ingest(DOCUMENTS)
        here, there = from_index(index), from_index(embedded)
    assert sorted(here.ids) == sorted(there.ids) == sorted(one.id for one in DOCUMENTS)
    texts = dict(zip(here.ids, here.texts, strict=True))
    assert texts["prices"].startswith("Prices\nThe shop") and here.passed_over == 0
    for id, vector in by_id(there).items():
        assert by_id(here)[id] == pytest.approx(vector, abs=0.01)
    topics = [
        {frozenset(one.ids[row] for row in topic.members) for topic in clusters.topics}
        for one in (here, there)
        for clusters in [cluster(one.texts, one.vectors, ClusterSettings(min_size=10))]
    ]
    assert topics[0] == topics[1] and len(topics[0]) == len(SUBJECTS)
    found = duplicates(here.texts, here.vectors, DuplicateSettings(reasons=("exact",)))
    (group,) = ({here.ids[row] for row in one.members} for one in found.groups)
    assert group == {"again", "coffee-3"}


def test_a_sentence_answers_and_the_similar_are_found(index: Index) -> None:
    found = answer(index, "what does the delivery van cost")
    assert found.best is not None and found.best.id == "prices"
    assert found.best.sentence == "The delivery van costs four pounds."
    assert not answer(index, "quantum chromodynamics").answered
    assert all(hit.id.startswith("parcel-") for hit in index.similar("parcel-4", 5))
