"""Topics: dense groups found, named, ordered; outliers stay outside; languages meet."""

from __future__ import annotations

import csv
import json
from math import log
from pathlib import Path

import numpy as np
import pytest

from searchctl.errors import UsageError
from searchctl.explore.cluster import ClusterSettings, cluster, smallest_topic
from searchctl.explore.collection import Collection
from searchctl.explore.export import TopicShape, write_csv, write_json, write_map
from searchctl.explore.languages import aligned
from searchctl.explore.layout import layout
from searchctl.explore.neighbours import nearest
from searchctl.explore.terms import name_of, terms_of
from searchctl.types import Vectors

SUBJECTS = {
    "coffee": ("coffee machine grinder beans", "espresso cup coffee pump"),
    "parcel": ("parcel courier delivery late", "delivery van parcel address"),
    "refund": ("refund money bank card", "bank returned refund twice"),
}


def collection(each: int = 30, seed: int = 0) -> tuple[list[str], Vectors, list[int]]:
    """Texts on three subjects, their vectors around three directions, and the subject of each."""
    random = np.random.default_rng(seed)
    texts, rows, labels = [], [], []
    for label, (subject, forms) in enumerate(SUBJECTS.items()):
        centre = np.eye(3, 40)[label]
        for number in range(each):
            texts.append(f"{forms[number % 2]} {subject} number{label}x{number}")
            rows.append(centre + random.normal(0, 0.05, 40))
            labels.append(label)
    vectors = np.array(rows)
    return texts, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_dense_groups_become_topics_named_by_their_words() -> None:
    texts, vectors, labels = collection()
    found = cluster(texts, vectors, ClusterSettings(min_size=10))
    assert len(found.topics) == 3 and not found.outliers
    for topic in found.topics:
        assert len({labels[row] for row in topic.members}) == 1
        assert set(np.flatnonzero(found.labels == topic.id).tolist()) == set(topic.members)
        subject = list(SUBJECTS)[labels[topic.members[0]]]
        assert subject in topic.name
        assert len(topic.representatives) == 3
    assert found.strengths.min() > 0.9


def test_the_same_input_gives_the_same_topics() -> None:
    texts, vectors, _ = collection()
    one, other = cluster(texts, vectors), cluster(texts, vectors)
    assert one.labels.tolist() == other.labels.tolist() and one.topics == other.topics


def test_topics_come_by_size_and_too_few_texts_make_none() -> None:
    texts, vectors, labels = collection()
    keep = [row for row, label in enumerate(labels) if label != 1 or row % 2]
    found = cluster([texts[row] for row in keep], vectors[keep])
    assert [len(topic.members) for topic in found.topics] == [30, 30, 15]
    few = cluster(texts[:6], vectors[:6])
    assert few.topics == () and few.outliers == tuple(range(6))


def test_repeated_texts_count_once_and_share_their_topic() -> None:
    texts, vectors, _ = collection()
    texts, vectors = (
        [*texts, *["  " + texts[0].upper()] * 200],
        np.concatenate([vectors, np.repeat(vectors[:1], 200, 0)]),
    )
    found = cluster(texts, vectors, ClusterSettings(min_size=10))
    assert len(found.topics) == 3 and len(found.topics[0].members) == 230
    assert set(found.labels[90:].tolist()) == {found.labels[0]} == {0}


def test_a_text_sent_often_is_a_topic_by_itself() -> None:
    texts, vectors, _ = collection()
    alone = np.zeros((12, 40), np.float32)
    alone[:, 39] = 1
    found = cluster([*texts, *["thumbs up"] * 12], np.concatenate([vectors, alone]), ClusterSettings(edges=False))
    assert "thumbs" in found.topics[found.labels[-1]].name and found.strengths[-1] > 0


def test_the_least_topic_grows_with_the_root_of_the_number() -> None:
    assert [smallest_topic(number) for number in (10, 1000, 10_000, 50_000)] == [5, 5, 15, 34]


def test_a_smallest_size_of_one_is_refused() -> None:
    with pytest.raises(UsageError, match="2 or more"):
        ClusterSettings(min_size=1)


def test_terms_weigh_by_class_tf_idf() -> None:
    found = terms_of(["apple pear", "apple plum", "plum fig", "plum kiwi"], [0, 0, 1, 1])
    # Group 0 has the terms apple (in 2 texts), pear, plum and two phrases: 6 counted; group 1 has plum (2) and 4 others.
    mean, f = (6 + 6) / 2, 2
    assert found[0][0].text == "apple"
    assert found[0][0].weight == pytest.approx(2 / 6 * log(1 + mean / f), abs=1e-6)
    assert found[1][0].text == "plum"
    assert found[1][0].weight == pytest.approx(2 / 6 * log(1 + mean / 3), abs=1e-6)


def test_russian_terms_are_counted_by_stem_and_shown_as_written() -> None:
    found = terms_of(["возврат денег", "возвраты денег", "возврат денег быстро", "доставка курьером"], [0, 0, 0, 1])
    assert name_of(found[0]) == "возврат денег"
    assert terms_of(["the and of", "is it"], [0, 0]) == {0: ()} and name_of(()) == "(no words)"


def test_a_contraction_names_nothing_and_a_small_group_has_a_whole_name() -> None:
    found = terms_of(["The door won't open", "door won’t lock", "hinge creaks"], [0, 0, 1])
    assert name_of(found[0]).split(" · ")[0] == "door" and "won" not in name_of(found[0])
    assert len(name_of(found[0]).split(" · ")) == 3 and set(name_of(found[1]).split(" · ")) == {"hinge", "creaks"}


def test_of_equal_terms_those_of_the_most_typical_text_name_the_topic() -> None:
    texts = ["zebra yak walrus", "ant bee cat", "voucher gift"]
    assert name_of(terms_of(texts, [0, 0, 1])[0]) == "zebra · yak · walrus"


def test_languages_are_brought_together() -> None:
    random = np.random.default_rng(1)
    subjects = random.normal(0, 1, (40, 30)) * 0.1
    apart = np.zeros(30)
    apart[0] = 1.0
    vectors = np.concatenate([subjects + apart, subjects - apart]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"text {n}" for n in range(40)] + [f"текст {n}" for n in range(40)]
    assert set((nearest(vectors, 1).rows[:40, 0]).tolist()) <= set(range(40))
    assert nearest(aligned(texts, vectors), 1).rows[:40, 0].tolist() == list(range(40, 80))


def test_neighbours_are_the_others_also_among_equals() -> None:
    vectors = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    found = nearest(vectors, 4)
    for row, others in enumerate(found.rows.tolist()):
        assert row not in others and {other // 5 for other in others} == {row // 5}
    assert np.allclose(found.similarities, 1)


def test_places_keep_topics_together() -> None:
    texts, vectors, labels = collection()
    places = layout(texts, vectors, np.array(labels))
    assert places.shape == (90, 2) and places.min() == 0 and places.max() == 1
    near = nearest_places(places)
    assert np.mean([labels[row] == labels[other] for row, other in enumerate(near)]) > 0.95
    assert layout(texts[:3], vectors[:3], np.array(labels[:3])).shape == (3, 2)


def nearest_places(places: np.ndarray) -> list[int]:
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1).tolist()


def test_files_hold_every_document(tmp_path: Path) -> None:
    texts, vectors, _ = collection()
    texts[0] += '</script><b>,"'
    documents = Collection(tuple(f"d{row}" for row in range(90)), tuple(texts), vectors)
    found = cluster(texts, vectors)
    write_json(tmp_path / "t.json", documents, found, TopicShape())
    write_csv(tmp_path / "t.csv", documents, found)
    write_map(tmp_path / "t.html", "<demo>", documents, found, np.zeros((90, 2)), TopicShape())
    data = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert [one["topic"] for one in data["documents"]] == found.labels.tolist()
    assert sum(topic["size"] for topic in data["topics"]) + data["outliers"]["size"] == 90
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["text"] == texts[0] and rows[0]["name"] == found.topics[int(rows[0]["topic"])].name
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert (
        page.count("</script>") == 2
        and "&lt;demo&gt;" in page
        and "src=" not in page
        and "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    )
