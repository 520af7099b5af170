"""Against a real llama.cpp server with a small real model: requests, schema, truncation, kills. Its words aren't judged."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl.generation.asking import AskSettings, ask_all
from searchctl.generation.chat import ChatServer
from searchctl.generation.generate import generate
from searchctl.generation.journal import RequestJournal
from searchctl.generation.labels import LabelsTask
from searchctl.generation.model import ChatRequest
from searchctl.generation.tasks import PromptChoice, texts_reader, texts_schema
from searchctl.generation.texts import LabelSeeds
from searchctl.routing.examples import Example
from tests.generation.llama import LlamaServer, running_llama

pytestmark = pytest.mark.llm
PROMPT = 'task = "labels"\nlanguage = "en"\ntemperature = 0.0\nuser = "{{labels}}\\nWhich label has: {{text}}"\n'


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    with running_llama() as server:
        yield server


def request(name: str, room: int = 60) -> ChatRequest:
    messages = [{"role": "user", "content": f"Write one search query about {name} as JSON."}]
    return ChatRequest(name, messages, texts_schema("queries", 1), texts_reader("queries", 1), room, 0.0)


def label_task(folder: Path, count: int) -> LabelsTask:
    """Return short questions with short answers: the schema allows two labels and none."""
    (folder / "prompt.toml").write_text(PROMPT)
    texts = [Example(f"parcel number {number}") for number in range(count)]
    return LabelsTask(
        texts, [LabelSeeds("refund"), LabelSeeds("delivery")], PromptChoice("labels", folder / "prompt.toml")
    )


def paid(journal: Path) -> list[str]:
    """Return the keys of a journal's answers, as often as each was paid."""
    records = [json.loads(line) for line in (journal / "requests.jsonl").read_text().splitlines()]
    return [record["answer"] for record in records if "answer" in record]


def test_the_schema_is_kept_and_tokens_are_counted(llama: LlamaServer, tmp_path: Path) -> None:
    task = label_task(tmp_path, 2)
    report = generate(
        task, task.requests(), ChatServer(llama.url, "smollm2"), tmp_path / "out", AskSettings(concurrency=2)
    )
    assert report.answered == 2 and not report.unanswered and not report.bill.misfits  # the schema allows labels alone
    assert report.bill.prompt_tokens > 30 and report.bill.answer_tokens > 4 and not report.bill.estimated
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert len(lines) + report.left_out.total() == 2 and all(line["label"] in ("refund", "delivery") for line in lines)


def test_an_answer_without_room_is_cut_and_asked_for_again(llama: LlamaServer, tmp_path: Path) -> None:
    with RequestJournal(tmp_path) as journal:
        answers = ask_all([request("green tea", room=4)], ChatServer(llama.url, "m"), journal, AskSettings())
    assert answers.bill.misfits["truncated"] >= 1 and answers.bill.sent >= 2
    rooms = [answer.answer_tokens for answer in RequestJournal.peek(tmp_path).answers.values()]
    assert sorted(rooms)[:2] == [4, 8]


def test_a_server_killed_in_the_middle_costs_no_answer_that_was_there(llama: LlamaServer, tmp_path: Path) -> None:
    task, output = label_task(tmp_path, 30), tmp_path / "out.jsonl"
    turning = llama.restart_after(1.0)
    report = generate(task, task.requests(), ChatServer(llama.url, "m"), output, AskSettings(concurrency=2))
    turning.join()
    assert report.bill.again or report.bill.late, "the server was killed too early or too late"
    rest = generate(task, task.requests(), ChatServer(llama.url, "m"), output, AskSettings(concurrency=2))
    assert rest.answered == 30 and rest.error is None and rest.bill.known >= report.answered
    keys = paid(tmp_path / "out.jsonl.journal")
    assert len(keys) == len(set(keys))


def test_a_client_killed_in_the_middle_pays_for_nothing_twice(llama: LlamaServer, tmp_path: Path) -> None:
    label_task(tmp_path, 0)
    (tmp_path / "texts.txt").write_text("".join(f"parcel number {number}\n" for number in range(30)))
    (tmp_path / "known.jsonl").write_text(
        '{"text": "money back", "label": "refund"}\n{"text": "where", "label": "delivery"}\n'
    )
    words = ["generate", "labels", "texts.txt", "--labels", "known.jsonl", "--prompt", "prompt.toml", "-o", "out.jsonl"]
    command = [sys.executable, "-m", "searchctl", *words, "--llm", llama.url, "--model", "m", "--json"]
    journal = tmp_path / "out.jsonl.journal"
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (journal / "requests.jsonl").exists() or len(paid(journal)) < 5:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = paid(journal)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert told["answered_before"] == len(before) and told["ended"] is None
    lost = told["unanswered"].get("on its way when the run was killed", 0)
    assert lost <= 4 and done.returncode == (3 if lost else 0)
    assert told["answered"] + lost == 30
    keys = paid(journal)
    assert len(keys) == len(set(keys)) == 30 - lost


def test_a_server_that_is_too_slow_is_told(llama: LlamaServer, tmp_path: Path) -> None:
    with RequestJournal(tmp_path) as journal:
        server = ChatServer(llama.url, "m", timeout=0.05)
        answers = ask_all([request("a long story " * 60, room=200)], server, journal, AskSettings())
    assert not answers.by_id and answers.bill.late == 2 and "ReadTimeout" in str(answers.error)
    time.sleep(0.5)  # the server gives up what nobody waits for
