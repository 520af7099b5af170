"""`searchctl generate` as it is typed: told before, told after, killed, interrupted, gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.generation.chat_server import DEMO, ChatServerScript, Fault, GoodModel, chatting

TRAIN, TEST = DEMO / "tickets" / "train.jsonl", DEMO / "tickets" / "test.jsonl"


@pytest.fixture
def server() -> Iterator[ChatServerScript]:
    with chatting(GoodModel()) as running:
        yield running


def asking(server: ChatServerScript, *more: str | Path) -> list[str]:
    """Return a command that asks for a label for each of 120 texts."""
    words = ["generate", "labels", TEST, "--labels", TRAIN, "--llm", server.url, "--model", "good", "-o", "out.jsonl"]
    return [str(word) for word in (*words, *more)]


def test_a_prompt_is_printed_and_taken_back(run: Run, server: ChatServerScript, here: Path) -> None:
    printed = run("generate", "labels", "--print-prompt", "--language", "ru")
    assert printed.exit_code == 0 and 'task = "labels"' in printed.stdout
    (here / "mine.toml").write_text(printed.stdout.replace("Ты разбираешь", "Ты быстро разбираешь"), encoding="utf-8")
    done = run(*asking(server, "--prompt", "mine.toml"))
    assert done.exit_code == 0, done.output
    assert server.requests[0]["messages"][0]["content"].startswith("Ты быстро разбираешь")


def test_a_dry_run_tells_the_cost_and_sends_nothing(run: Run, shown: Run, server: ChatServerScript, here: Path) -> None:
    done = shown(*asking(server, "--dry-run", "--price-in", "1", "--price-out", "2"))
    assert done.exit_code == 0 and "[system]\nYou sort messages." in done.stdout
    assert "120 requests, about" in done.stderr and "at most" in done.stderr
    told = json.loads(run(*asking(server, "--dry-run", "--price-in", "1", "--price-out", "2", "--json")).stdout)
    assert told["requests"] == 120 and told["cost"] < told["at_most"] and told["first_request"][0]["role"] == "system"
    assert not server.requests and not list(here.iterdir())


def test_what_it_came_to_is_told_and_goes_into_the_router(run: Run, shown: Run, server: ChatServerScript) -> None:
    done = shown(*asking(server, "--price-in", "1", "--price-out", "2"))
    assert done.exit_code == 0, done.output
    told = dict(line.split(None, 1) for line in done.stdout.splitlines() if not line.startswith("with people"))
    assert told["written"] == "120 lines in out.jsonl" and told["requests"] == "120 sent, 120 answers"
    assert float(told["cost"]) > 0 and "same label: 8" in done.stdout and "kappa 0.8" in done.stdout
    again = json.loads(run(*asking(server, "--json")).stdout)
    assert again["sent"] == 0 and again["answered_before"] == 120 and again["lines"] == 120 and again["cost"] is None
    assert run("route", "import", "out.jsonl", "--encoder", "hashing").exit_code == 0


def test_limits_end_it_with_what_is_left(run: Run, server: ChatServerScript, here: Path) -> None:
    done = run(*asking(server, "--max-requests", "30"))
    assert done.exit_code == 3 and "ended at --max-requests with 90 requests left" in done.stderr
    assert len((here / "out.jsonl").read_text().splitlines()) == 30
    assert run(*asking(server, "--max-requests", "0")).exit_code == 3 and len(server.requests) == 30
    assert run(*asking(server)).exit_code == 0 and max(server.paid.values()) == 1 and sum(server.paid.values()) == 120
    refused = run(*asking(server, "--max-cost", "1"))
    assert refused.exit_code == 2 and "--max-cost needs --price-in and --price-out" in refused.stderr


def test_what_is_wrong_is_said_with_what_to_type(run: Run, shown: Run, server: ChatServerScript, here: Path) -> None:
    for words, code, message in (
        (["generate", "labels", str(TEST), "--model", "m"], 2, "say which language model to ask: --llm http"),
        (["generate", "labels", str(TEST), "--llm", server.url], 2, "--model qwen3"),
        (["generate", "labels", "--llm", server.url, "--model", "m"], 2, "say which texts"),
        (["generate", "lables"], 2, "did you mean 'labels'"),
        (["generate", "judgements", "--llm", server.url, "--model", "m"], 2, "say which queries"),
        (asking(server, "--language", "de"), 2, "no prompt for 'de'"),
    ):
        done = run(*words)
        assert done.exit_code == code and message in done.stderr, done.output
    server.faults = [Fault(404, {}, b'{"error": {"message": "no model good"}}')] * 4
    done = shown(*asking(server))
    assert done.exit_code == 4 and "no model good" in done.stderr and "nothing yet" in done.stdout
    server.faults = [Fault(content="Sorry, I can't do that.")] * 120
    done = run(*asking(server))
    assert done.exit_code == 1 and "no answer was of use: 120 refused" in done.stderr


def started(command: list[str], here: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "searchctl", *command],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(server: ChatServerScript, answers: int) -> None:
    until = time.monotonic() + 60
    while sum(server.paid.values()) < answers:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_again_and_again_each_request_is_paid_once(server: ChatServerScript, run: Run, here: Path) -> None:
    server.seconds = 0.05
    for answers in (10, 40, 75):
        process = started(asking(server, "--concurrency", "3"), here)
        wait_for(server, answers)
        process.kill()
        process.communicate()
    server.seconds = 0.0
    time.sleep(0.2)  # what is still being answered to nobody
    received = Counter(json.dumps(sent["messages"]) for sent in server.requests)
    done = json.loads(run(*asking(server, "--json")).stdout)
    assert done["unanswered"].get("on its way when the run was killed", 0) <= 9
    assert done["answered"] + sum(done["unanswered"].values()) == 120 and done["answered_before"] >= 75 - 9
    everything = Counter(json.dumps(sent["messages"]) for sent in server.requests)
    assert max(received.values()) == max(everything.values()) == max(server.paid.values()) == 1
    lost = sum(done["unanswered"].values())
    again = json.loads(run(*asking(server, "--again", "--json")).stdout)
    assert again["sent"] == lost and again["lines"] == 120


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_it_and_keeps_all(server: ChatServerScript, run: Run, here: Path) -> None:
    server.faults = [Fault()] * 20 + [Fault(429, {"retry-after": "30"}, b"")] * 4
    process = started(asking(server), here)
    wait_for(server, 20)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert json.loads(out)["written"] is False and "Resume with:\n  searchctl generate labels" in error
    assert not (here / "out.jsonl").exists()
    server.faults = []  # of the four, the pause that the first one asked for may have kept some back
    done = json.loads(run(*asking(server, "--json")).stdout)
    assert done["lines"] == 120 and done["answered_before"] >= 20 and max(server.paid.values()) == 1
