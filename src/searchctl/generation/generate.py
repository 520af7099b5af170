"""From a kind of data set to its file: estimated, asked, sifted, written."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from searchctl.errors import SearchctlError, StorageError, UsageError
from searchctl.files import replacing
from searchctl.generation.asking import STOPPED, Answers, AskSettings, OnProgress, ask_all, estimate
from searchctl.generation.chat import ChatServer
from searchctl.generation.journal import RequestJournal
from searchctl.generation.model import Bill, ChatRequest, Estimate
from searchctl.generation.tasks import GenerationTask, WrittenLines
from searchctl.types import Json


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """What a data set will take, before anything is sent."""

    requests: list[ChatRequest]
    estimate: Estimate
    passed_over: Counter[str]


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """What a run came to; `written` tells whether there is an output.

    `unanswered` counts requests without a usable answer, `left_out` answers that were no use, by reason.

    `ended` says why not all were asked, empty where all were; `error` is what kept the server from being asked on.
    """

    output: Path
    written: bool
    lines: int
    requests: int
    answered: int
    unanswered: Counter[str]
    left_out: Counter[str]
    passed_over: Counter[str]
    bill: Bill
    notes: tuple[str, ...]
    agreement: Json | None
    ended: str
    error: SearchctlError | None

    def to_json(self, settings: AskSettings) -> Json:
        """Return the report as JSON values."""
        return {
            "output": str(self.output),
            "written": self.written,
            "lines": self.lines,
            "requests": self.requests,
            "answered": self.answered,
            "unanswered": dict(self.unanswered),
            "left_out": dict(self.left_out),
            "passed_over": dict(self.passed_over),
            "agreement": self.agreement,
            "notes": list(self.notes),
            "ended": self.ended or None,
            **self.bill.to_json(settings.prices),
        }


def journal_folder(output: Path) -> Path:
    """Return where the journal of an output lies."""
    return output.with_name(output.name + ".journal")


def plan(task: GenerationTask, model: str, output: Path, settings: AskSettings) -> GenerationPlan:
    """Return what a data set will take; writes nothing.

    Raises UsageError where the output is somebody else's file, StorageError for a damaged journal.
    """
    requests = task.requests()
    folder = journal_folder(output)
    if output.exists() and output.is_file() and not folder.is_dir():
        raise UsageError(f"{output} is there, and searchctl generate didn't write it; name another file with -o")
    known = RequestJournal.peek(folder).answers
    return GenerationPlan(requests, estimate(requests, model, known, settings), task.passed_over)


def generate(
    task: GenerationTask,
    requests: list[ChatRequest],
    server: ChatServer,
    output: Path,
    settings: AskSettings,
    *,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> GenerationReport:
    """Ask, and write what is kept of all answers there are so far; the same call again goes on where it ended.

    The output appears whole, also when a limit was reached or the server failed, which the report says. A run that was stopped
    ends at once and writes none: its answers are in the journal. Raises IndexLocked while another process generates into the
    same output, StorageError.
    """
    with RequestJournal(journal_folder(output)) as journal:
        answers = ask_all(requests, server, journal, settings, on_progress=on_progress, stop=stop)
    stopped = answers.ended == STOPPED
    written = WrittenLines([]) if stopped else task.lines(answers)
    writes = bool(written.lines) or not (stopped or answers.error)
    if writes:
        _write(output, written.lines)
    return GenerationReport(
        output,
        writes,
        len(written.lines),
        len(requests),
        len(answers.by_id),
        _unanswered(answers),
        written.left_out,
        task.passed_over,
        answers.bill,
        written.notes,
        written.agreement,
        answers.ended,
        answers.error,
    )


def _unanswered(answers: Answers) -> Counter[str]:
    return Counter(answers.unanswered.values())


def _write(output: Path, lines: Iterable[Json]) -> None:
    try:
        with replacing(output) as draft, draft.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise StorageError(f"can't write {output}: {error.strerror}; choose another file with -o") from error
