"""The router on every engine: examples come back as they were stored, and the same texts go the same way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchctl import Example, Index, Router, RouteSettings
from searchctl.encoders import open_encoder
from searchctl.engines.base import Engine
from searchctl.routing.apply import apply
from searchctl.routing.examples import FIELDS
from searchctl.schema import EncoderStamp, Schema

WORDS = {
    "billing/refund": "money back refund return cash paid wrong charge twice account card".split(),
    "billing/invoice": "invoice tax receipt copy company address number bill paper document".split(),
    "delivery/late": "parcel late courier waiting where tracking days lost driver window".split(),
    "посылка": "посылка курьер опаздывает жду где трек дней потеряли водитель окно".split(),
}


def texts(count: int, seed: int) -> list[Example]:
    """Return `count` texts of each label: five of its words and two of any."""
    rng = np.random.default_rng(seed)
    every = sorted(word for words in WORDS.values() for word in words)
    return [
        Example(" ".join([*rng.choice(words, 5, replace=False), *rng.choice(every, 2)]), (label,))
        for label, words in WORDS.items()
        for _ in range(count)
    ]


def opened(engine: Engine, name: str) -> Index:
    encoder = open_encoder("hashing:64")
    engine.create(name, Schema(EncoderStamp("hashing:64", encoder.revision, encoder.dim), fields=FIELDS))
    return Index(engine, name, encoder)


@pytest.fixture
def router(engine: Engine) -> Router:
    made = Router(opened(engine, "contract-routes"))
    made.add_examples(texts(6, 1))
    return made


def test_routes_agree_with_the_embedded_engine(router: Router, tmp_path: Path) -> None:
    asked = [one.text for one in texts(25, 2)]
    router.refresh()  # what is read back counts, not what is remembered
    with Router.open(tmp_path / "beside", encoder="hashing:64") as beside:
        beside.add_examples(texts(6, 1))
        settings = RouteSettings(target_precision=0.8)
        here, there = router.predict(asked, settings), beside.predict(asked, settings)
    assert np.mean([one.label == other.label for one, other in zip(here, there, strict=True)]) >= 0.99
    assert [one.confidence for one in here] == pytest.approx([one.confidence for one in there], abs=1e-3)


def test_examples_change_and_come_back(router: Router) -> None:
    before = router.labels()
    assert router.add("thanks", ["thank you kindly", "many thanks indeed"]) == 2
    router.refresh()
    assert router.route("thank you kindly").label == "thanks"
    router.remove("thanks")
    assert router.labels() == before
    router.undo()
    assert {one.label: one.examples for one in router.labels()}["thanks"] == 2


def test_labels_are_written_into_documents(router: Router, engine: Engine) -> None:
    tickets = opened(engine, "contract-tickets")
    given = texts(3, 3)
    tickets.ingest([{"id": str(place), "text": one.text} for place, one in enumerate(given)])
    report = apply(router, tickets, RouteSettings(), batch=5)
    assert (report.labelled, report.done_before) == (12, 0)
    expected = [route.label for route in router.predict([one.text for one in given])]
    stored = [tickets.get(str(place)) for place in range(12)]
    written = [document.fields["route_label"] for document in stored if document is not None]
    assert [labels[0] if isinstance(labels, list) else labels for labels in written] == expected
    assert apply(router, tickets, RouteSettings(), batch=5).done_before == 12
    assert tickets.count({"route_label": "delivery/late"}) == expected.count("delivery/late")
    assert tickets.count({"route_label": "delivery"}) == sum(str(label).startswith("delivery") for label in expected)
