"""Is this tree as quick as an earlier commit was?

    git worktree add ../before fc14b38
    python benchmarks/before.py --before ../before [--documents 3000] [--rounds 7] [--data DIR] [--only load search start]

Both trees do the same work in turn, in processes of their own; what counts is processor time, and each ratio is of the
minimum of all rounds (the median stands beside it), since other work on the machine only ever adds. The documents are made
of the demo's sentences, with four fields. Queries: those of --data's xquad-ru over its passages, else the demo's over the demo,
their vectors computed beforehand. Each query is asked once a mode, so that no list kept for a next page answers it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from report import machine, save

HERE = Path(__file__).parent
DEMO = HERE.parent / "ingest" / "demo"
WORKER = HERE / "before_worker.py"
STEPS = ("first load", "unchanged re-run", "re-run, a tenth changed")
LOADS = {
    "vectors deferred": ("hashing:64", "--defer-vectors"),
    "hashing:64": ("hashing:64",),
    "shipped encoder": ("multilingual-e5-small-enru",),
}
MODES = ("hybrid", "lexical", "vector")
SEARCHES = {  # name -> mode, hits
    "search, hybrid": ("hybrid", 10),
    "search, lexical": ("lexical", 10),
    "search, vector": ("vector", 10),
    "search, hybrid, first hit only": ("hybrid", 1),
    "search, hybrid, 100 hits": ("hybrid", 100),
}
STARTS = {
    "import searchctl": ("-c", "import searchctl"),
    "import searchctl.cli.search": ("-c", "import searchctl.cli.search"),
    "searchctl --help, whole process": ("-m", "searchctl", "--help"),
}
QUERIES = 120  # more than lists are kept for
PIECE = 40  # queries between two turns
Times = dict[str, tuple[list[float], list[float]]]  # what was measured -> seconds of the earlier tree, and of this one


def make_documents(path: Path, count: int, changed: bool = False) -> Path:
    """Write documents of three sentences of the demo; where `changed`, a tenth of them has another."""
    lines = [json.loads(line) for line in (DEMO / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    sentences = [part for line in lines for part in line["text"].replace("\n\n", " ").split(". ")]
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = ". ".join(rng.sample(sentences, 3))
            document = {
                "id": f"document-{number}",
                "title": rng.choice(lines)["title"],
                "text": f"{text}. Anew." if changed and number % 10 == 0 else text,
                "category": rng.choice(["account", "delivery", "returns"]),
                "price": round(rng.uniform(1, 500), 2),
                "updated": f"20{rng.randint(10, 26)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
                "archived": rng.random() < 0.1,
            }
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
    return path


class Trees:
    """The two checkouts, in the order in which they are compared."""

    def __init__(self, before: Path, work: Path) -> None:
        self.work = work
        self._sources = (before.resolve() / "src", HERE.parent / "src")

    def start(self, tree: int, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start Python on one of the trees."""
        environment = {**os.environ, "PYTHONPATH": str(self._sources[tree])}
        return subprocess.Popen(
            [sys.executable, *arguments], env=environment, cwd=self.work, text=True, stdout=subprocess.PIPE, **options
        )

    def run(self, tree: int, *arguments: str) -> tuple[str, float]:
        """Return what a process prints and its processor time, all of it."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = self.start(tree, *arguments)
        printed, _ = process.communicate()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed in tree {tree}")
        return printed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def in_turn(rounds: int) -> Iterator[int]:
    """Yield the trees, the first one first in every second round."""
    for number in range(rounds):
        yield from (0, 1) if number % 2 else (1, 0)


def loads(trees: Trees, count: int, rounds: int) -> Times:
    """Measure loads; those with the shipped encoder are smaller and fewer."""
    times: Times = {}
    for name, (encoder, *options) in LOADS.items():
        slow = name == "shipped encoder"
        size = count // 10 if slow else count
        documents = make_documents(trees.work / "documents.jsonl", size)
        changed = make_documents(trees.work / "changed.jsonl", size, changed=True)
        for tree in in_turn(min(rounds, 3) if slow else rounds):
            with TemporaryDirectory(dir=trees.work) as folder:
                printed, _ = trees.run(
                    tree, str(WORKER), "load", folder, encoder, str(documents), str(changed), *options
                )
            for step, seconds in zip(STEPS, json.loads(printed.splitlines()[-1]), strict=True):
                times.setdefault(f"{step}, {name}", ([], []))[tree].append(seconds)
    return times


def searches(trees: Trees, data: Path | None, rounds: int) -> Times:
    """Measure searches in two processes that wait for each other."""
    folder = data / "xquad-ru" if data else DEMO
    asked = [json.loads(line)["text"] for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    queries = trees.work / "queries.json"
    different = list(dict.fromkeys(asked))[:QUERIES]
    queries.write_text(json.dumps(different), encoding="utf-8")
    total = len(different)
    workers = []
    for tree in (0, 1):
        index = trees.work / f"searched{tree}"
        trees.run(
            tree, "-m", "searchctl", "ingest", str((folder / "corpus.jsonl").resolve()), "--engine", str(index), "-q"
        )
        workers.append(
            trees.start(tree, str(WORKER), "search", str(index), str(queries), stdin=subprocess.PIPE, bufsize=1)
        )
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    times: Times = {}
    for number in range(rounds):
        for name, (mode, hits) in SEARCHES.items():
            taken = [0.0, 0.0]
            for first in range(0, total, PIECE):
                for tree in (0, 1) if (first // PIECE + number) % 2 else (1, 0):
                    taken[tree] += ask(workers[tree], mode, first, min(first + PIECE, total), hits)
            for tree in (0, 1):
                times.setdefault(name, ([], []))[tree].append(taken[tree] / total)
    for worker in workers:
        worker.communicate()
    return times


def ask(worker: subprocess.Popen[str], *line: Any) -> float:
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(json.dumps(line) + "\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def starts(trees: Trees, rounds: int) -> Times:
    """Measure whole processes: imports, help, and a search of 40 documents."""
    commands = dict(STARTS)
    few = trees.work / "few.jsonl"
    few.write_text("".join((DEMO / "corpus.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:40]), "utf-8")
    for tree in (0, 1):
        for mode in MODES:
            index = trees.work / f"started{tree}"
            commands[f"searchctl search, whole process, {mode}"] = (mode,)
        trees.run(tree, "-m", "searchctl", "ingest", str(few), "--engine", str(index), "-q")
    times: Times = {}
    for tree in in_turn(rounds + 1):
        for name, arguments in commands.items():
            if arguments[0] in MODES:
                index = trees.work / f"started{tree}"
                query = "how do I return an item"
                arguments = ("-m", "searchctl", "search", query, "--engine", str(index), "--mode", arguments[0])
            _, seconds = trees.run(tree, *arguments)
            times.setdefault(name, ([], []))[tree].append(seconds)
    return {name: (before[1:], after[1:]) for name, (before, after) in times.items()}  # the first wrote byte code


def rows(times: Times) -> list[str]:
    lines = [
        "| processor time | before, ms | now, ms | ratio of the minima | of the medians |",
        "|---|---|---|---|---|",
    ]
    for name, pair in times.items():
        least, middle = [min(one) for one in pair], [statistics.median(one) for one in pair]
        shown = " | ".join(f"{1000 * one:.3g}" if one < 1 else f"{1000 * one:.0f}" for one in least)
        lines.append(f"| {name} | {shown} | {least[1] / least[0]:.2f} | {middle[1] / middle[0]:.2f} |")
    return lines


def about(options: argparse.Namespace) -> list[str]:
    """Return what was compared, and by which command."""
    git = ["git", "-C", str(options.before), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip() or "an earlier commit"
    asked = f"the first {QUERIES} queries of {'xquad-ru' if options.data else 'the demo'}"
    return [
        machine("onnxruntime", "tantivy", "faiss-cpu"),
        "",
        f"Before: {commit}. {options.documents:,} short documents with four fields, a tenth as many with the shipped encoder; "
        f"{asked}, milliseconds a query, without encoding them. Made by `python benchmarks/before.py --before CHECKOUT "
        f"--documents {options.documents} --rounds {options.rounds}{' --data DIR' if options.data else ''}`.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="a checkout of the earlier commit")
    parser.add_argument("--documents", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*", choices=("load", "search", "start"), default=("load", "search", "start"))
    parser.add_argument("--work", type=Path, help="where the searched indexes are kept for the next time")
    parser.add_argument("--no-save", action="store_true", help="print the table only")
    options = parser.parse_args()
    times: Times = {}
    with TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        trees = Trees(options.before, work.resolve())
        if "load" in options.only:
            times |= loads(trees, options.documents, options.rounds)
        if "search" in options.only:
            times |= searches(trees, options.data, options.rounds)
        if "start" in options.only:
            times |= starts(trees, options.rounds)
    if options.no_save:
        print("\n".join(rows(times)))
        return
    save("before", "\n".join(["## Beside an earlier commit", "", *about(options), "", *rows(times)]))


if __name__ == "__main__":
    main()
