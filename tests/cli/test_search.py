"""`search`, `similar`, `get`, `delete`, `info` and `doctor` on a small real index."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import Run, process

ARTICLES = [
    {
        "id": "returns",
        "title": "Returning an item",
        "text": "Send the item back within 30 days for a refund.",
        "lang": "en",
        "price": 10,
    },
    {"id": "delivery", "title": "Delivery", "text": "A parcel takes three days.", "lang": "en", "price": 20},
    {
        "id": "возврат",
        "title": "Возврат товара",
        "text": "Верните товар за 30 дней, и мы вернём деньги.",
        "lang": "ru",
        "price": 10,
    },
    {
        "id": "evil",
        "title": "Evil \x1b]0;owned\x07",
        "text": "[red]markup[/red] \x1b[2J and a voucher",
        "lang": "en",
        "price": 30,
    },
]


@pytest.fixture
def index(run: Run, here: Path) -> None:
    """An index of four articles in the current folder."""
    lines = [json.dumps(one, ensure_ascii=False) for one in ARTICLES]
    (here / "articles.jsonl").write_text("\n".join(lines), encoding="utf-8")
    result = run("ingest", "articles.jsonl", "--encoder", "hashing")
    assert result.exit_code == 0, result.output


pytestmark = pytest.mark.usefixtures("index")


def test_json_is_one_object_of_the_promised_shape(shown: Run) -> None:
    result = shown("search", "refund", "--json", "-k", "2")
    found = json.loads(result.stdout)
    assert result.stderr == ""
    assert list(found) == [
        "schema",
        "query",
        "mode",
        "legs",
        "total",
        "groups",
        "answered",
        "best_relevance",
        "repaired",
        "unmet",
        "synonyms",
        "required",
        "excluded",
        "ignored",
        "remarks",
        "filtered_out",
        "facets",
        "hits",
    ]
    assert (found["query"], found["mode"]) == ("refund", "hybrid")
    assert {name: list(leg) for name, leg in found["legs"].items()} == dict.fromkeys(
        ("lexical", "vector"), ["ran", "reason", "took_ms"]
    )
    assert found["legs"]["lexical"]["ran"] is True
    assert list(found["total"]) == ["value", "relation", "counts"]
    assert len(found["hits"]) == 2
    best = found["hits"][0]
    assert list(best) == ["id", "score", "relevance", "title", "passage", "fields", "group", "legs"]
    assert (best["id"], best["title"], best["fields"]) == ("returns", "Returning an item", {"lang": "en", "price": 10})
    text = ARTICLES[0]["text"]
    sentence = {"text": text, "start": 0, "end": len(text)}
    marks = best["passage"].pop("marks")
    assert best["passage"] == {"text": text, "start": 0, "end": len(text), "sentence": sentence}
    assert [text[mark["start"] : mark["end"]] for mark in marks] == ["refund"]
    assert list(best["legs"]["lexical"]) == ["rank", "raw", "normalised", "weight"]
    assert best["legs"]["lexical"]["rank"] == 1


def test_facets_orders_and_groups_as_typed(run: Run) -> None:
    asked = ("search", "parcel item voucher", "--facet", "lang:1", "--facet", "price:..15,15..", "--group-by", "lang")
    result = run(*asked, "--sort=-price,relevance", "--min-relevance", "0.001")
    assert [json.loads(line)["fields"]["price"] for line in result.stdout.splitlines()] == [30, 10]
    assert "lang (of 3 documents with words of the query): en 3" in result.stderr
    assert "price (of 3 documents with words of the query): ..15 1 · 15.. 2" in result.stderr
    found = json.loads(run(*asked, "--json").stdout)
    assert found["facets"][0]["values"] == [{"value": "en", "range": None, "count": 3}]
    assert found["facets"][1]["values"][0] == {"value": None, "range": {"lt": 15}, "count": 1}
    assert found["hits"][0]["group"]["value"] == "en" and found["groups"]["value"] == len(found["hits"])
    refused = run("search", "parcel", "--sort", "titel")
    assert refused.exit_code == 2 and "did you mean 'title'" in refused.stderr


def test_several_indexes_are_named_with_commas(run: Run) -> None:
    assert run("ingest", "articles.jsonl", "--encoder", "hashing:64", "--index", "other").exit_code == 0
    hits = [json.loads(line) for line in run("search", "refund", "--index", "default,other").stdout.splitlines()]
    assert {(hit["index"], hit["id"]) for hit in hits[:2]} == {("default", "returns"), ("other", "returns")}
    rows = run("search", "refund", "--index", "default,other", "--sort=-price,relevance").stdout.splitlines()
    assert {json.loads(row)["index"] for row in rows} == {"default", "other"}
    assert run("search", "refund", "--index", "default,other", "--fusion", "rrf").exit_code == 2
    completed = [json.loads(line) for line in run("suggest", "retu", "--index", "default,other").stdout.splitlines()]
    assert (completed[0]["text"], completed[0]["index"]) == ("Returning an item", "default")
    assert run("search", "refund", "--index", "default,none").exit_code != 0


def test_suggestions_are_one_a_line(run: Run) -> None:
    given = [json.loads(line) for line in run("suggest", "retu").stdout.splitlines()]
    assert given[0] == {
        "schema": "suggestion/1",
        "text": "Returning an item",
        "kind": "title",
        "id": "returns",
        "repair": None,
    }
    assert json.loads(run("suggest", "djpdhfn", "--json").stdout)["suggestions"][0]["id"] == "возврат"
    nothing = run("suggest", "qqqzzz")
    assert (nothing.exit_code, nothing.stdout) == (0, "") and "begins like 'qqqzzz'" in nothing.stderr


def test_a_pipe_gets_one_hit_a_line(run: Run) -> None:
    piped = run("search", "refund")
    assert piped.stdout == run("search", "refund", "--jsonl").stdout
    hits = [json.loads(line) for line in piped.stdout.splitlines()]
    whole = json.loads(run("search", "refund", "--json").stdout)
    assert whole["schema"] == "results/1"
    assert hits == [{"schema": "hit/1", **hit} for hit in whole["hits"]]


def test_words_need_no_quotes_and_a_dash_is_standard_input(run: Run) -> None:
    typed = json.loads(run("search", "send", "item", "--json").stdout)
    assert typed["query"] == "send item"
    assert json.loads(run("search", "-", "--json", stdin="send item\n").stdout)["hits"] == typed["hits"]
    assert run("search", "-", stdin=" \n").exit_code == 2


def test_filters_pages_and_modes(run: Run) -> None:
    def ids(*arguments: str) -> list[str]:
        return [hit["id"] for hit in json.loads(run("search", *arguments, "--json").stdout)["hits"]]

    assert ids("30", "--where", "lang=ru") == ["возврат"]
    assert sorted(ids("days", "--where", "price>=20")) == ["delivery", "evil"]
    assert ids("refund", "--mode", "lexical") == ["returns"]
    every = ids("refund")
    assert every[0] == "returns"
    assert ids("refund", "-k", "1", "--from", "1") == every[1:2]
    assert ids("+refund item") == ["returns"]
    assert "returns" not in ids("days -refund")


def test_unknown_field_names_the_nearest(run: Run) -> None:
    result = run("search", "x", "--where", "land=ru")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'lang'" in result.stderr


def test_a_leg_that_gave_nothing_says_why(run: Run) -> None:
    result = run("search", "qwertyuiop")
    assert "the lexical search found nothing: no word of the query is in the index" in result.stderr
    assert run("search", "qwertyuiop", "-q").stderr == ""
    nothing = run("search", "qwertyuiop", "--mode", "lexical")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "nothing found" in nothing.stderr


def on_a_terminal(*arguments: str) -> str:
    """Run a command whose stdout and stderr are a terminal and return what it showed."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environ.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "searchctl", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    ) as run:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # the terminal is gone with the process
            pass
    os.close(ours)
    assert run.returncode == 0, shown
    return shown.decode()


def test_a_terminal_gets_three_lines_a_hit_with_marked_words_and_no_foreign_escapes() -> None:
    folded = on_a_terminal("search", "refund voucher")
    assert " · possible · " in folded and "less likely than 5%: --all shows them" in folded
    shown = on_a_terminal("search", "refund voucher", "--all")
    assert "\x1b[1;33mrefund\x1b[0m" in shown
    assert "[red]markup[/red]" in shown
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown
    assert "of 4 · lexical" in shown


def test_explain_shows_every_leg() -> None:
    shown = on_a_terminal("search", "refund", "--explain", "-k", "1")
    assert re.search(r"lexical rank 1, raw \d\.\d{3} → \d\.\d{3} × 0\.\d\d", shown)
    assert re.search(r"vector  rank 1, raw \d\.\d{3} → \d\.\d{3} × 0\.\d\d", shown)
    assert "raw score → normalised × weight" in shown


def test_no_color(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    assert "\x1b[31m" not in run("search").stderr
    assert "\x1b[33m" not in run("doctor").stdout


def test_native_fusion_is_a_servers(run: Run) -> None:
    result = run("search", "refund", "--fusion", "native")
    assert result.exit_code == 2
    assert "embedded has no hybrid query of its own; that takes OpenSearch 2.10" in result.stderr
    assert run("search", "refund", "--fusion", "native", "--mode", "vector").exit_code == 2


def test_trec_run(run: Run, here: Path) -> None:
    (here / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "refund"}\n\n{"id": 2, "query": "возврат"}\n', encoding="utf-8"
    )
    result = run("search", "--queries", "queries.jsonl", "--run", "out.trec", "-k", "3", "--json")
    assert json.loads(result.stdout)["queries"] == 2
    rows = [line.split() for line in (here / "out.trec").read_text(encoding="utf-8").splitlines()]
    assert [(row[0], row[1], row[3], row[5]) for row in rows[:3]] == [
        ("q1", "Q0", str(rank), "searchctl") for rank in (1, 2, 3)
    ]
    expected = [hit["id"] for hit in json.loads(run("search", "возврат", "-k", "3", "--json").stdout)["hits"]]
    assert [row[2] for row in rows if row[0] == "2"] == expected
    scores = [float(row[4]) for row in rows if row[0] == "q1"]
    assert scores == sorted(set(scores), reverse=True)
    assert {one.name for one in here.iterdir()} == {".searchctl", "articles.jsonl", "out.trec", "queries.jsonl"}


def test_a_trec_run_is_of_the_search_that_was_asked_for(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "queries.jsonl").write_text('{"_id": "q1", "text": "refund"}\n{"_id": "q2", "text": "djpdhfn"}\n')

    class Backwards:
        """A reranker that turns the order round."""

        name, weight = "backwards", 1.0

        def score(self, query, texts):
            return np.arange(len(texts)) / len(texts)

    def ids(*options: str) -> dict[str, list[str]]:
        assert run("search", "--queries", "queries.jsonl", "--run", "out.trec", "-k", "3", *options).exit_code == 0
        rows = [line.split() for line in (here / "out.trec").read_text().splitlines()]
        return {id: [row[2] for row in rows if row[0] == id] for id in ("q1", "q2")}

    monkeypatch.setattr("searchctl.index.open_reranker", lambda name, encoder: Backwards())
    usual = ids()
    assert ids("--rerank", "backwards:3")["q1"] == usual["q1"][::-1]
    assert ids("--mode", "lexical")["q2"] == ["возврат"]
    assert ids("--mode", "lexical", "--no-repair")["q2"] == []
    assert ids("--min-relevance", "1") == {"q1": [], "q2": []}


@pytest.mark.parametrize("line", ["{", "[]", '{"_id": "1"}', '{"text": "a"}', '{"_id": "1", "text": " "}'])
def test_a_bad_query_file_names_the_line_and_leaves_no_run(line: str, run: Run, here: Path) -> None:
    (here / "queries.jsonl").write_text(f'{{"_id": "0", "text": "refund"}}\n{line}\n')
    result = run("search", "--queries", "queries.jsonl", "--run", "out.trec")
    assert result.exit_code == 1
    assert "queries.jsonl:2" in result.stderr
    assert not (here / "out.trec").exists()


def test_queries_and_run_go_together(run: Run) -> None:
    assert run("search", "--queries", "q.jsonl").exit_code == 2
    assert run("search", "text", "--run", "r").exit_code == 2


def test_similar_leaves_out_the_document_itself(run: Run) -> None:
    found = json.loads(run("similar", "returns", "--json").stdout)
    assert "returns" not in [hit["id"] for hit in found["hits"]]
    assert found["legs"]["lexical"]["ran"] is False
    by_text = json.loads(run("similar", "Send the item back", "within", "30 days", "--json", "-k", "1").stdout)
    assert [hit["id"] for hit in by_text["hits"]] == ["returns"]
    russian = json.loads(run("similar", "returns", "--json", "--where", "lang=ru").stdout)
    assert [hit["id"] for hit in russian["hits"]] == ["возврат"]


def test_get(shown: Run) -> None:
    one = json.loads(shown("get", "возврат", "--json").stdout)
    assert one == {
        "schema": "document/1",
        "id": "возврат",
        "title": "Возврат товара",
        "text": ARTICLES[2]["text"],
        "fields": {"lang": "ru", "price": 10},
    }
    both = shown("get", "возврат", "none", "--json")
    assert both.exit_code == 1
    one.pop("schema")
    assert json.loads(both.stdout) == {"schema": "documents/1", "documents": [one], "missing": ["none"]}
    text = shown("get", "возврат", "evil").stdout
    assert "Возврат товара\nid: возврат\nlang: ru\nprice: 10\n\nВерните" in text
    assert "\x1b" not in text
    assert [json.loads(line)["id"] for line in shown("get", "evil", "delivery", "--jsonl").stdout.splitlines()] == [
        "evil",
        "delivery",
    ]


def test_delete_asks_first(shown: Run) -> None:
    refused = shown("delete", "returns")
    assert refused.exit_code == 2
    assert "add --yes" in refused.stderr
    assert shown("get", "returns").exit_code == 0
    assert shown("delete", "returns", "--yes").stdout == "deleted 1 document\n"
    assert shown("get", "returns").exit_code == 1
    assert "returns" not in shown("search", "refund").stdout
    again = shown("delete", "returns", "--yes")
    assert again.exit_code == 1
    assert "1 id of 1 weren't in index" in again.stderr


def test_delete_by_filter(shown: Run) -> None:
    assert json.loads(shown("delete", "--where", "lang=en", "--where", "price<=20", "--yes", "--json").stdout) == {
        "schema": "deleted/1",
        "deleted": 2,
    }
    assert json.loads(shown("info", "--json").stdout)["documents"] == 2
    assert json.loads(shown("delete", "--where", "lang=de", "--yes", "--json").stdout)["deleted"] == 0
    assert shown("delete", "--where", "lagn=en", "--yes").exit_code == 2


def test_info(shown: Run) -> None:
    found = json.loads(shown("info", "--json").stdout)
    assert (found["index"], found["documents"], found["engine"]["name"]) == ("default", 4, "embedded")
    assert found["encoder"]["name"] == "hashing:256"
    assert found["fields"] == {"lang": "keyword", "price": "number"}
    shown = shown("info").stdout
    assert "encoder    hashing:256 (revision" in shown
    assert "lang (keyword), price (number)" in shown


def test_doctor_is_content_with_a_sound_index(run: Run) -> None:
    result = run("doctor", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert found["ok"] is True
    assert {one["subject"] for one in found["findings"]} == {
        "versions",
        "cpu",
        "disk",
        "index",
        "consistency",
        "encoder",
        "vectors",
    }


def test_doctor_reports_another_encoder(run: Run) -> None:
    result = run("doctor", "--encoder", "hashing:64", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"]) == (1, False)
    assert [one for one in found["findings"] if one["level"] == "error"]


def test_another_encoder_is_refused(run: Run) -> None:
    result = run("search", "refund", "--encoder", "hashing:64")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "hashing" in result.stderr


def test_as_a_process(here: Path) -> None:
    found = process("search", "возврат", "-k", "1")
    assert (found.returncode, json.loads(found.stdout)["id"]) == (0, "возврат")
    assert process("info", "--engine", "elsewhere").returncode == 1


def test_a_locale_without_letters_still_takes_russian(here: Path) -> None:
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "searchctl", "search", "возврат", "-k", "1", "--where", "lang=ru"]
    found = subprocess.run(command, capture_output=True, env=environ)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["id"] == "возврат"


def test_a_text_that_begins_with_a_dash(run: Run) -> None:
    result = run("search", "-refund")
    assert result.exit_code == 2
    assert "put -- before a text that begins with a dash" in result.stderr
    assert run("search", "--", "-refund").exit_code == 0


def test_doctor_sees_vectors_of_other_texts(shown: Run, here: Path) -> None:
    (path,) = here.glob(".searchctl/**/index.sqlite")
    with sqlite3.connect(path) as db:
        (other,) = db.execute("SELECT vector FROM passages ORDER BY passage LIMIT 1").fetchone()
        db.execute("UPDATE passages SET vector = ?", (other,))
    db.close()
    result = shown("doctor")
    assert result.exit_code == 1
    assert re.search(
        r"error +vectors +a stored vector has cosine -?0\.\d+ with the same text encoded now", result.stdout
    )
    assert "→ ingest into a new index with --index NEW" in result.stdout


def test_doctor_without_an_index_warns(shown: Run) -> None:
    result = shown("doctor", "--engine", "elsewhere", "-q")
    assert result.exit_code == 0
    assert result.stdout.startswith("warning  index        no index 'default' in elsewhere")


def test_json_tells_relevance_and_whether_anything_answers(run: Run) -> None:
    found = json.loads(run("search", "refund for an item", "--json").stdout)
    assert 0 <= found["hits"][0]["relevance"] == found["best_relevance"] <= 1
    assert found["repaired"] is None
    nothing = run("search", "chromodynamics", "--min-relevance", "0.9", "--json")
    assert nothing.exit_code == 0
    parsed = json.loads(nothing.stdout)
    assert (parsed["answered"], parsed["hits"], parsed["total"]["value"]) == (False, [], 0)


def test_no_good_answer_is_said(shown: Run) -> None:
    result = shown("search", "chromodynamics", "--min-relevance", "0.9")
    assert result.stdout == ""
    assert "no good answer" in result.stderr


def test_a_repaired_query_is_shown(run: Run) -> None:
    result = run("search", "dthybnt njdfh", "--mode", "lexical", "--json")
    assert json.loads(result.stdout)["repaired"] == {"query": "верните товар", "kind": "keyboard layout"}
    told = run("search", "dthybnt njdfh", "--mode", "lexical")
    assert "showing results for 'верните товар' (keyboard layout)" in told.stderr
    declined = json.loads(run("search", "dthybnt njdfh", "--mode", "lexical", "--no-repair", "--json").stdout)
    assert (declined["repaired"], declined["hits"]) == (None, [])


def test_reranking_that_cannot_be_says_what_to_do(run: Run) -> None:
    refused = run("search", "refund", "--rerank", "maxsim")
    assert refused.exit_code == 1
    assert "maxsim needs an encoder that gives out its tokens' vectors" in refused.stderr
    alone = run("search", "refund", "--rerank-budget-ms", "100")
    assert alone.exit_code == 2 and "--rerank maxsim" in alone.stderr


def test_reranking_with_the_shipped_encoder_shows_in_json(run: Run) -> None:
    assert run("ingest", "articles.jsonl", "--index", "real").exit_code == 0
    result = run("search", "send goods back for money", "--index", "real", "--rerank", "maxsim:2", "--json")
    found = json.loads(result.stdout)
    assert found["legs"]["rerank"]["ran"]
    assert found["hits"][0]["legs"]["rerank"]["rank"] in (1, 2)
    assert found["hits"][2]["legs"]["rerank"]["rank"] is None
