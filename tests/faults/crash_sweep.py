"""Kill a command at each of its calls that change files, or let the calls fail; the index must be whole afterwards.

    python -m tests.faults.crash_sweep [SCENARIO ...] [--every 1] [--torn] [--errno 28 [--sticky]]
    python -m tests.faults.crash_sweep [SCENARIO ...] --random 200

Each scenario prepares a folder and runs a command. After the kill the index is opened and checked: what it held before and the
command doesn't touch is there, each document is found once by its own word and by its own vector, nothing else is. Then the
command runs again, and the index must hold exactly what an unbroken run leaves. With --random, the process is killed at a
random moment instead; then the folder should lie on a real disk (--folder). Linux and a C compiler are needed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import logging
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from searchctl.cli import main as searchctl
from searchctl.engines.embedded import vectors as vector_leg
from searchctl.index import Index
from searchctl.types import LexicalQuery, VectorQuery

SOURCE = Path(__file__).with_name("syscalls.c")
WORDS = "alpha beta gamma river mountain kettle fridge parcel refund order payment window garden paper".split()
DOCUMENTS = 40
_PATIENCE = 300.0  # seconds: on a busy machine a command of two seconds takes many
Words = dict[str, str]  # id -> a word that only this document has


def word(number: int, version: int = 0) -> str:
    return f"unique{number:04d}v{version}"


def words(start: int, stop: int, version: int = 0) -> Words:
    return {f"d{number:04d}": word(number, version) for number in range(start, stop)}


def write_documents(path: Path, held: Words) -> None:
    picked = random.Random(1)
    rows = []
    for id, own in held.items():
        text = f"{own} {' '.join(picked.choice(WORDS) for _ in range(12))}."
        rows.append(json.dumps({"id": id, "title": f"Title {id}", "text": text, "number": int(id[1:])}))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Scenario:
    """What is prepared, what is run, what must be there after it, and which documents may have either version meanwhile."""

    prepare: Callable[[Path, Path], None]  # engine, work
    command: tuple[str, ...]
    before: Words
    after: Words
    ready: Callable[[Path], None] = lambda work: None  # between preparing and running
    vectors: bool = True
    rerun_may_fail: bool = False
    loose: frozenset[str] = field(default_factory=frozenset)


def load(engine: Path, work: Path, held: Words, *options: str) -> None:
    write_documents(work / "rows.jsonl", held)
    run(engine, ["ingest", str(work / "rows.jsonl"), "--encoder", "hashing:64", *options])


def deferred(engine: Path, work: Path) -> None:
    load(engine, work, words(0, DOCUMENTS), "--defer-vectors")


def plain(engine: Path, work: Path) -> None:
    load(engine, work, words(0, DOCUMENTS))


def with_garbage(engine: Path, work: Path) -> None:
    plain(engine, work)
    run(engine, ["delete", "--where", "number<25", "--yes"])


def first_format(engine: Path, work: Path) -> None:
    """Leave an index as the first format was: float32 vectors, and legs of older formats."""
    plain(engine, work)
    folder = engine / "indexes" / "default"
    database = sqlite3.connect(folder / "index.sqlite")
    for passage, blob in database.execute("SELECT passage, vector FROM passages").fetchall():
        vector = np.frombuffer(blob, "<f2").astype("<f4").tobytes()
        database.execute("UPDATE passages SET vector = ? WHERE passage = ?", (vector, passage))
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    (folder / "lexical" / "state.json").write_text(
        json.dumps({"format": 2, "analyzer": "auto", "document": 40, "tombstone": 0})
    )
    shutil.rmtree(folder / "vectors", ignore_errors=True)
    (folder / "vectors").mkdir()
    for name in ("0.vectors", "0.documents", "0.ordinals", "state.json"):
        (folder / "vectors" / name).write_bytes(b"{}")


def changed(work: Path) -> None:
    write_documents(work / "rows.jsonl", UPDATED)


def fewer(work: Path) -> None:
    write_documents(work / "rows.jsonl", words(25, DOCUMENTS))


UPDATED = words(0, DOCUMENTS + 20) | {id: own for id, own in words(0, DOCUMENTS, 1).items() if int(id[1:]) % 4 == 0}
ALL, KEPT = words(0, DOCUMENTS), words(25, DOCUMENTS)
CHANGED = frozenset(id for id in ALL if UPDATED[id] != ALL[id])
SCENARIOS = {
    "ingest": Scenario(
        lambda engine, work: write_documents(work / "rows.jsonl", ALL),
        ("ingest", "rows.jsonl", "--encoder", "hashing:64", "--batch", "20"),
        {},
        ALL,
    ),
    "update": Scenario(plain, ("ingest", "rows.jsonl", "--batch", "20"), ALL, UPDATED, changed, loose=CHANGED),
    "delete": Scenario(plain, ("delete", "--where", "number<25", "--yes"), ALL, KEPT, rerun_may_fail=True),
    "prune": Scenario(plain, ("ingest", "rows.jsonl", "--prune", "--yes"), ALL, KEPT, fewer),
    "vectorize": Scenario(deferred, ("vectorize",), ALL, ALL, vectors=False),
    "compact": Scenario(with_garbage, ("compact",), KEPT, KEPT),
    "migrate": Scenario(first_format, ("compact",), ALL, ALL),
}


# Running in a process of its own


def small_segments() -> None:
    """Let small indexes have segments as large ones do."""
    vector_leg.EXACT_ROWS, vector_leg._TAIL_ROWS, vector_leg.SEGMENT_ROWS, vector_leg._BATCH = 16, 32, 64, 16


def run(engine: Path, arguments: list[str]) -> int:
    try:
        searchctl(["--engine", str(engine), "-q", *arguments], prog_name="searchctl", standalone_mode=True)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


class Broken(Exception):
    """The process was killed, or hung."""


def in_child(work: Callable[[], Any], seconds: float = _PATIENCE) -> Any:
    """Return what a function returns in a forked process; raises Broken when that doesn't come to its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (1, 2):
            os.dup2(null, number)
        try:
            answer = {"answer": work()}
        except BaseException:
            answer = {"failed": traceback.format_exc()}
        os.write(writing, json.dumps(answer).encode()[:60_000])
        os._exit(0)
    os.close(writing)
    content = b""
    until = time.monotonic() + seconds
    while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        block = os.read(reading, 65_536)
        if not block:
            break
        content += block
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) or not content:
        raise Broken("killed")
    answer = json.loads(content)
    if "failed" in answer:
        raise RuntimeError(answer["failed"][-600:])
    return answer["answer"]


def faults(engine: Path, least: Words, most: Words, loose: frozenset[str], *, vectors: bool) -> list[str]:
    """Return what is wrong: with documents beyond `most` or short of `least`, or found not at all, twice or wrongly."""
    if not (engine / "indexes" / "default" / "index.sqlite").exists():
        return ["no index"] if least else []
    wrong = []
    with Index.open(engine, create=False) as index:
        stored = {entry.document.id: entry for batch in index.engine.scan("default", vectors=True) for entry in batch}
        if missing := least.keys() - stored.keys():
            wrong.append(f"missing: {sorted(missing)[:3]} of {len(missing)}")
        if extra := stored.keys() - most.keys():
            wrong.append(f"too many: {sorted(extra)[:3]} of {len(extra)}")
        own = {id: entry.document.text.split()[0] for id, entry in stored.items()}
        if other := [id for id in stored.keys() & most.keys() if id not in loose and own[id] != most[id]]:
            wrong.append(f"another version: {other[:3]}")
        rankings = index.engine.search("default", [LexicalQuery(text, 5) for text in own.values()])
        if lost := [id for id, ranking in zip(own, rankings, strict=True) if ranking.ids != (id,) or ranking.gap]:
            wrong.append(f"not found once by their words: {lost[:3]} of {len(lost)}")
        held = [(id, entry.vectors[0]) for id, entry in stored.items() if entry.vectors is not None]
        if vectors and len(held) < len(stored):
            wrong.append(f"without vectors: {len(stored) - len(held)}")
        rankings = index.engine.search("default", [VectorQuery(vector, 3) for _, vector in held])
        for (id, _), ranking in zip(held, rankings, strict=True):
            twice = len(set(ranking.ids)) < len(ranking.ids)
            if twice or ranking.gap or not len(ranking.ids) or (ranking.ids[0] != id and ranking.scores[0] < 0.999):
                wrong.append(f"not found by its vector: {id}")
                break
        if index.count() != len(stored):
            wrong.append(f"{index.count()} counted of {len(stored)}")
    return wrong


class Sweep:
    """One scenario in one folder."""

    def __init__(self, name: str, folder: Path, counter: ctypes.CDLL | None) -> None:
        self.name, self.scenario, self.counter = name, SCENARIOS[name], counter
        self.engine, self.kept, self.work = folder / "engine", folder / "kept", folder
        in_child(lambda: self.scenario.prepare(self.engine, self.work))
        if self.engine.exists():
            shutil.copytree(self.engine, self.kept)
        self.scenario.ready(self.work)
        self.command = [str(self.work / part) if part == "rows.jsonl" else part for part in self.scenario.command]

    def reset(self) -> None:
        shutil.rmtree(self.engine, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.engine)

    def _armed(self, kill: int, error: int, number: int, *, sticky: bool, torn: bool) -> int:
        assert self.counter is not None
        self.counter.syscalls_arm(
            str(self.engine).encode(), ctypes.c_long(kill), ctypes.c_long(error), number, int(sticky), int(torn), b""
        )
        code = run(self.engine, self.command)
        return int(self.counter.syscalls_count()) if kill < 0 and error < 0 else code

    def calls(self) -> int:
        """Count the calls of an unbroken run."""
        self.reset()
        return int(in_child(lambda: self._armed(-1, -1, 0, sticky=False, torn=False)))

    def broken_at(self, call: int, options: argparse.Namespace) -> list[str]:
        """Run the command, broken at a call; return what is wrong afterwards."""
        self.reset()
        kill, error = (-1, call) if options.errno else (call, -1)
        with contextlib.suppress(Broken):
            in_child(lambda: self._armed(kill, error, options.errno, sticky=options.sticky, torn=options.torn))
        return self.checked()

    def killed_within(self, seconds: float) -> tuple[bool, list[str]]:
        """Run the command, killed after a while; return whether it was, and what is wrong afterwards."""
        self.reset()
        try:
            in_child(lambda: run(self.engine, self.command), seconds)
        except Broken:
            return True, self.checked()
        return False, self.checked()

    def checked(self) -> list[str]:
        scenario = self.scenario
        both = {id: own for id, own in scenario.before.items() if id in scenario.after}
        most = {**scenario.before, **scenario.after}
        wrong = self._faults("broken off", both, most, scenario.loose, vectors=False)
        try:
            code = in_child(lambda: run(self.engine, self.command), _PATIENCE)
        except (Broken, RuntimeError) as error:
            return [*wrong, f"run again: {error}"]
        if code and not scenario.rerun_may_fail:
            wrong.append(f"run again: exit {code}")
        return wrong + self._faults("run again", scenario.after, scenario.after, frozenset(), vectors=True)

    def _faults(self, when: str, least: Words, most: Words, loose: frozenset[str], *, vectors: bool) -> list[str]:
        try:
            return [
                f"{when}: {fault}"
                for fault in in_child(lambda: faults(self.engine, least, most, loose, vectors=vectors))
            ]
        except (Broken, RuntimeError) as error:
            return [f"{when}: {error}"]


def counting() -> ctypes.CDLL | None:
    """Return the preloaded library; None where it isn't."""
    if "syscalls.so" not in os.environ.get("LD_PRELOAD", ""):
        return None
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    library.syscalls_count.restype = ctypes.c_long
    return library


def preloaded(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run this module in a process whose calls are counted; raises FileNotFoundError without a C compiler."""
    library = folder / "syscalls.so"
    build = ["cc", "-O1", "-shared", "-fPIC", "-w", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(build, check=True)
    command = [sys.executable, "-m", "tests.faults.crash_sweep", *arguments, "--folder", str(folder)]
    return subprocess.run(command, env={**os.environ, "LD_PRELOAD": str(library)}, text=True, stdout=subprocess.PIPE)


def results(options: argparse.Namespace) -> Iterator[tuple[str, int, int, Counter[str]]]:
    """Yield for each scenario its name, the points tried, those killed, and the faults."""
    picked = random.Random(options.seed)
    for name in options.scenarios or SCENARIOS:
        with TemporaryDirectory(dir=options.folder) as folder:
            sweep = Sweep(name, Path(folder), counting())
            found: Counter[str] = Counter()
            killed = tried = 0
            if options.random:
                began = time.monotonic()
                sweep.killed_within(60.0)
                longest = (time.monotonic() - began) / 2
                for _ in range(options.random):
                    tried += 1
                    dead, wrong = sweep.killed_within(picked.uniform(0.005, longest))
                    if options.verbose:
                        print(f"{name} {tried}: {'killed' if dead else 'ended'} {wrong or ''}", flush=True)
                    killed += dead
                    found.update(wrong)
            else:
                for call in range(1 + options.seed % options.every, sweep.calls() + 1, options.every):
                    tried += 1
                    wrong = sweep.broken_at(call, options)
                    if wrong and options.verbose:
                        print(f"{name} at call {call}: {wrong}", flush=True)
                    found.update(wrong)
                killed = tried
        yield name, tried, killed, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []])
    parser.add_argument("--every", type=int, default=1, help="try every n-th call")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--torn", action="store_true", help="the last write before the kill is only half done")
    parser.add_argument(
        "--errno", type=int, default=0, help="let the call fail with this error (28: disk full, 5: I/O error)"
    )
    parser.add_argument("--sticky", action="store_true", help="all later calls fail too")
    parser.add_argument("--random", type=int, default=0, help="kill so many times at random moments")
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    logging.disable()
    if not options.random and counting() is None:
        with TemporaryDirectory(dir=options.folder) as folder:
            done = preloaded(Path(folder), sys.argv[1:])
        print(done.stdout, end="")
        return done.returncode
    small_segments()
    total: Counter[str] = Counter()
    for name, tried, killed, found in results(options):
        print(json.dumps({"scenario": name, "tried": tried, "broken": killed, "faults": found}), flush=True)
        total += found
    return int(bool(total))


if __name__ == "__main__":
    sys.exit(main())
