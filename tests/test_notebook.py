"""What `import searchctl` offers for an index in one call, and results that show themselves."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import searchctl
from searchctl import Index
from searchctl.errors import MissingExtra, SourceError, UsageError

EVIL = '<img src=x onerror="hurt()">'
TOPICS = {
    "tea": "brewing green tea leaves in a warm porcelain pot",
    "bike": "mending the bicycle chain and the rear wheel",
    "tax": "filing the income tax return with the revenue office",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("notebook") / "engine", "notes", encoder="hashing:64") as opened:
        opened.ingest(
            {
                "id": f"{name}{number}",
                "title": f"About {name}",
                "text": f"{text}, number {number}",
                "topic": name,
                "score": number,
            }
            for name, text in TOPICS.items()
            for number in range(12)
        )
        opened.ingest([{"id": "evil", "title": EVIL, "text": f"{EVIL} zebra", "topic": EVIL}])
        opened.ingest([{"id": f"same{number}", "text": "The very same sentence about zebras."} for number in range(2)])
        yield opened


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)


def test_an_index_says_what_it_is_and_how_long(index: Index, tmp_path: Path) -> None:
    assert repr(index).startswith("<Index 'notes' on ") and "\n" not in repr(index)
    assert len(index) == 39
    with Index.open(tmp_path / "empty", encoder="hashing:64") as empty:
        assert len(empty) == 0 and empty


def test_results_are_a_line_rows_a_frame_and_a_table(index: Index) -> None:
    results = index.search("green tea", 5)
    assert repr(results).startswith("<Results of 'green tea': 5 hits of ") and "\n" not in repr(results)
    assert repr(results[0]).startswith("<Hit 'tea") and "\n" not in repr(results[0])
    row = results.to_dicts()[0]
    assert row["topic"] == "tea" and row["fields.score"] in range(12) and row["score"] == results[0].score
    frame = results.to_pandas()
    assert list(frame["id"]) == [hit.id for hit in results] and len(frame) == 5
    grouped = index.search("green tea", 2, group_by="topic").to_dicts()
    assert grouped[0]["group"] == "tea" and grouped[0]["group_size"] >= 12


def test_markup_in_documents_stays_text_in_a_notebook(index: Index) -> None:
    html = index.search(f"zebra {EVIL}")._repr_html_()
    assert "&lt;img" in html and "img" not in _Tags(html).tags
    assert set(_Tags(html).tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td"}


def test_topics_are_a_sequence_rows_and_a_map(index: Index) -> None:
    pytest.importorskip("sklearn")
    topics = searchctl.cluster(index, min_size=5)
    assert len(topics) == 3 and {len(topic.members) for topic in topics} >= {12}
    assert repr(topics).startswith("<3 topics of 39 documents of 'notes', ")
    rows = topics.to_dicts()
    assert len(rows) == 39 and {row["topic"] for row in rows if row["id"].startswith("tea")} != {None}
    html = topics._repr_html_()
    assert _Tags(html).tags == ["iframe"] and 'sandbox="allow-scripts allow-downloads"' in html
    assert list(topics.to_pandas().columns) == ["id", "topic", "name", "strength"]


def test_duplicates_are_groups_of_ids(index: Index) -> None:
    found = searchctl.duplicates(index, only=("exact",))
    assert list(found) == [("same0", "same1")] and found[0] == ("same0", "same1") and found[:1] == [("same0", "same1")]
    assert "1 groups of duplicates" in repr(found) and len(found.to_pandas()) == 2
    assert _Tags(found._repr_html_()).tags.count("tr") == 3


def test_an_evaluation_is_a_line_and_a_report(index: Index) -> None:
    report = searchctl.evaluate(index, known_items=20, modes=["lexical", "hybrid"], metrics=["hit@1"])
    assert repr(report).startswith("<hit@1 of ") and "hybrid " in repr(report)
    assert _Tags(report._repr_html_()).tags == ["iframe"]


def test_answers_tuning_and_other_encoders_by_a_call(index: Index, tmp_path: Path) -> None:
    told = searchctl.answer(index, "how is green tea brewed")
    assert told.question == "how is green tea brewed"
    with pytest.raises(SourceError, match="judged queries"):
        searchctl.tune(index, tmp_path / "nothing here")
    with pytest.raises(UsageError, match="which encoder"):
        searchctl.reembed(index)
    with Index.open(tmp_path / "engine", "small", encoder="hashing:32") as small:
        small.ingest([{"id": str(number), "text": f"{text} {number}"} for number, text in enumerate(TOPICS.values())])
        report = searchctl.reembed(small, "hashing:64", known_items=0)
        assert report.moved is not None and small.schema.encoder is not None and small.schema.encoder.dim == 64


def test_without_pandas_the_extra_is_named(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"\[notebook\]"):
        index.search("tea").to_pandas()
