"""Whole data sets, made by a server that answers as a good model would, and read by what they are for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from searchctl import Index
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import JudgedQuery, read_dataset
from searchctl.generation.asking import AskSettings
from searchctl.generation.chat import ChatServer
from searchctl.generation.documents import EXCERPT, draw_documents, excerpts_of
from searchctl.generation.generate import GenerationReport, generate, plan
from searchctl.generation.judgements import JudgementsTask, read_queries_to_judge
from searchctl.generation.labels import LabelsTask
from searchctl.generation.queries import NOT_FOUND, QueriesTask, QuerySettings
from searchctl.generation.tasks import GenerationTask, PromptChoice
from searchctl.generation.texts import ExamplesTask, LabelSeeds, ParaphrasesTask, seeds_of
from searchctl.routing.examples import Example
from searchctl.routing.rows import read_examples
from tests.generation.chat_server import DEMO, ChatServerScript, Fault, chatting

TRAIN, TEST = DEMO / "tickets" / "train.jsonl", DEMO / "tickets" / "test.jsonl"


def made(task: GenerationTask, server: ChatServerScript, output: Path) -> tuple[GenerationReport, list[dict[str, Any]]]:
    report = generate(task, task.requests(), ChatServer(server.url, "good"), output, AskSettings())
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == report.lines and report.error is None
    for line in lines:
        assert {"model", "prompt"} <= line["generated"].keys() and len(line["generated"]["prompt"]) == 12
    return report, lines


def test_queries_find_their_documents_and_say_where_they_are_from(
    hashed_demo: Path, good_server: ChatServerScript, tmp_path: Path
) -> None:
    with Index.open(hashed_demo) as index:
        task = QueriesTask(index, PromptChoice("queries"), QuerySettings(round_trip=3))
        report, lines = made(task, good_server, tmp_path / "q.jsonl")
        assert report.requests == 46 and len(lines) + report.left_out.total() == 138
        assert report.left_out[NOT_FOUND] > 0
        for line in lines:
            document = index.get(line["document"])
            assert document is not None and line["relevant"] == {document.id: 1}
            assert line["positive"].startswith(document.title) and line["lang"] == document.id[:2]
            assert index.search(line["query"], line["rank"])[-1].id == document.id and line["rank"] <= 3
            assert line["generated"]["document"] == document.id and line["generated"]["time"].startswith("20")
        everything = QueriesTask(index, PromptChoice("queries"), QuerySettings(round_trip=0))
        loose, _ = made(everything, good_server, tmp_path / "q.jsonl")
        assert loose.bill.sent == 0 and loose.lines > report.lines and not loose.left_out[NOT_FOUND]
    found = read_dataset(tmp_path / "q.jsonl")
    assert len(found.queries) == loose.lines and "written by a language model (good)" in found.caveat


def test_held_out_queries_do_not_come_back(hashed_demo: Path, good_server: ChatServerScript, tmp_path: Path) -> None:
    held = "Can I get it here on Saturday, before lunch?"
    with Index.open(hashed_demo) as index:
        settings = QuerySettings(round_trip=0)
        task = QueriesTask(index, PromptChoice("queries"), settings, held_out=[held])
        report, lines = made(task, good_server, tmp_path / "q.jsonl")
    assert report.left_out["held out"] == 1 and "can I get it here on Saturday before lunch" not in {
        line["query"] for line in lines
    }


def test_documents_are_drawn_evenly_and_again_the_same(hashed_demo: Path, tmp_path: Path) -> None:
    with Index.open(hashed_demo) as index:
        ten, _ = draw_documents(index, 10)
        assert [one.document for one in ten] == [one.document for one in draw_documents(index, 20)[0][:10]]
        assert {one.document for one in draw_documents(index, 10, seed=1)[0]} != {one.document for one in ten}
        russian, _ = draw_documents(index, None, where="title=Возврат*")
        assert all(one.title.startswith("Возврат") for one in russian) and russian
    with Index.open(tmp_path / "long", encoder="hashing") as index:
        text = " ".join(f"word{number} is here." for number in range(2000)) + " The tiger sleeps."
        index.ingest([{"id": "long", "text": text}, {"id": "short", "text": "no"}])
        (excerpt,), passed_over = draw_documents(index, None)
        assert len(excerpt.text) <= EXCERPT and text[excerpt.start : excerpt.end].strip() == excerpt.text
        assert passed_over == {"too short": 1}
        assert "tiger" in excerpts_of(index, ["long", "gone"], "sleeping tigers")["long"].text


def test_judgements_agree_with_people_as_far_as_the_model_does(
    hashed_demo: Path, good_server: ChatServerScript, tmp_path: Path
) -> None:
    judged = [query for query in read_dataset(DEMO).queries if any("-delivery-" in id for id in query.grades)]
    with Index.open(hashed_demo) as index:
        task = JudgementsTask(index, judged, PromptChoice("judgements"), depth=2)
        report, lines = made(task, good_server, tmp_path / "j.jsonl")
    assert report.agreement is not None and report.agreement["relevant"] is None  # people noted what is relevant alone
    both = zip(judged, lines, strict=True)
    grades = [(query.grades.get(id, 0), grade) for query, line in both for id, grade in line["relevant"].items()]
    pairs = [(human > 0, model > 0) for human, model in grades]
    same = sum(human == model for human, model in pairs) / len(pairs)
    assert report.agreement["pooled"]["raw"] == pytest.approx(same, abs=1e-4) and 0.7 < same < 1
    assert 0 < report.agreement["pooled"]["kappa"] < same
    assert report.passed_over["judged, but not in the index"] > 0
    assert lines[0]["generated"]["judgements"][0].keys() == {"model", "prompt", "document", "time", "reason"}
    found = read_dataset(tmp_path / "j.jsonl")
    assert found.caveat == "the judgements are a language model's (good), not people's"
    assert {query.id for query in found.queries} <= {query.id for query in judged}


def test_queries_that_nobody_judged_can_be_judged(
    hashed_demo: Path, good_server: ChatServerScript, tmp_path: Path
) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text('{"_id": "a", "text": "reusable green crate deposit"}\n')
    queries = read_queries_to_judge(path)
    assert queries == (JudgedQuery("a", "reusable green crate deposit", {}),)
    with Index.open(hashed_demo) as index:
        report, (line,) = made(
            JudgementsTask(index, queries, PromptChoice("judgements"), 3), good_server, tmp_path / "j"
        )
    assert report.agreement is None and line["relevant"]["en-delivery-010"] == 2


def test_labels_are_given_and_compared_with_peoples(good_server: ChatServerScript, tmp_path: Path) -> None:
    texts, known = read_examples(TEST).examples, read_examples(TRAIN).examples
    report, lines = made(LabelsTask(texts, seeds_of(known), PromptChoice("labels")), good_server, tmp_path / "l.jsonl")
    right = {example.text: example.labels[0] for example in texts}
    agreed = sum(line["label"] == right[line["text"]] for line in lines)
    assert report.agreement == {"count": 120, "raw": round(agreed / 120, 4), "kappa": report.agreement["kappa"]}
    assert 0.8 < report.agreement["kappa"] < report.agreement["raw"] < 1
    assert len(read_examples(tmp_path / "l.jsonl").examples) == len(lines)
    with pytest.raises(UsageError, match="there are 1 labels to choose from"):
        LabelsTask(texts, seeds_of(known)[:1], PromptChoice("labels"))


def test_a_text_that_no_label_fits_gets_none(good_server: ChatServerScript, tmp_path: Path) -> None:
    known = seeds_of(read_examples(TRAIN).examples)
    task = LabelsTask([Example("what is the capital of Mongolia")], known, PromptChoice("labels"))
    report, lines = made(task, good_server, tmp_path / "l.jsonl")
    assert not lines and report.left_out == {"no label fits": 1}


def test_paraphrases_are_pairs_or_labelled_texts(good_server: ChatServerScript, tmp_path: Path) -> None:
    texts = [Example("The kettle leaks, what now?"), Example("My phone is broken. Help me.", ("product/fault",))]
    task = ParaphrasesTask([*texts, texts[0]], PromptChoice("paraphrases"), 2)
    report, lines = made(task, good_server, tmp_path / "p.jsonl")
    assert report.passed_over == {"repeated": 1} and report.left_out == {
        "duplicate": 2
    }  # the model gives the text back
    pair, labelled = lines
    assert (pair["anchor"], pair["positive"]) == ("The kettle leaks, what now?", "what now? The kettle leaks,")
    assert labelled["label"] == "product/fault" and labelled["of"] == "My phone is broken. Help me."


def test_examples_come_in_a_labels_languages_and_repeat_none(tmp_path: Path) -> None:
    asked: list[str] = []

    def model(messages: list[dict[str, str]]) -> str:
        asked.append(messages[-1]["content"])
        russian = "Метка" in asked[-1]
        new = (
            ["верните мне, пожалуйста, мои деньги"]
            if russian
            else ["give me my money back at once", "WHERE is my refund"]
        )
        return json.dumps({"texts": new + (["an old wording here"] if russian else [])}, ensure_ascii=False)

    label = LabelSeeds("billing/refund", "money back", ("where is my refund?", "когда вернёте деньги"))
    with chatting(model) as server:
        task = ExamplesTask([label, LabelSeeds("other")], PromptChoice("examples"), 4)
        report, lines = made(task, server, tmp_path / "e.jsonl")
    assert len(asked) == 3 and sum("Other labels: other" in text for text in asked) == 1
    texts = {line["text"] for line in lines if line["label"] == "billing/refund"}
    assert texts == {"give me my money back at once", "верните мне, пожалуйста, мои деньги"}
    assert report.left_out["wrong language"] == 1 and report.left_out["duplicate"] >= 1
    assert lines[0]["generated"]["document"] == "label:billing/refund"
    with pytest.raises(UsageError, match="there are no labels"):
        ExamplesTask([], PromptChoice("examples"))


def test_many_examples_are_asked_for_in_parts_that_differ(tmp_path: Path) -> None:
    with chatting(lambda messages: '{"texts": ["one of them"]}') as server:
        task = ExamplesTask([LabelSeeds("a", "things with a")], PromptChoice("examples"), 25)
        made(task, server, tmp_path / "e.jsonl")
        assert sorted(sent["messages"][-1]["content"].split("Write ")[1].split()[0] for sent in server.requests) == [
            "10",
            "10",
            "5",
        ]
        assert len({sent["seed"] for sent in server.requests}) == 3


def test_leaks_refusals_and_other_languages_are_counted(
    hashed_demo: Path, good_server: ChatServerScript, tmp_path: Path
) -> None:
    good_server.faults = [
        Fault(content='{"queries": ["late fee workshop hammer", "Как вернуть товар без чека?"]}'),
        Fault(content="I'm sorry, I can't write queries for this."),
        Fault(content='{"queries": ["I cannot help with that", "how do I get the four pounds back"]}'),
    ]
    with Index.open(hashed_demo) as index:
        task = QueriesTask(index, PromptChoice("queries", language="en"), QuerySettings(3, 2, 0))
        requests = task.requests()
        report = generate(task, requests, ChatServer(good_server.url, "m"), tmp_path / "q", AskSettings(concurrency=1))
    assert report.unanswered == {"refused": 1}
    assert report.left_out == {"an example of the prompt": 1, "wrong language": 1, "refused": 1} and report.lines == 1


def test_somebody_elses_file_is_not_written_over(hashed_demo: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.jsonl"
    output.write_text("precious")
    with Index.open(hashed_demo) as index, pytest.raises(UsageError, match="searchctl generate didn't write it"):
        plan(QueriesTask(index, PromptChoice("queries"), QuerySettings(3)), "m", output, AskSettings())
    assert output.read_text() == "precious"
