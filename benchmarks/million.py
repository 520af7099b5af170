"""A million documents in one folder: how fast they load, what they take, and how fast and right the answers are.

    python benchmarks/million.py [--documents 1000000] [--work FOLDER]

Made-up documents of 20 words (Zipf's law) with hashed vectors of 384 numbers and a number by which filters leave 50, 10, 1
and .1 %. The load is the command line's, in a process of its own; so is the searching, whose memory is measured. Questions of
six words of the same kind; each is asked once. Recall is of the vector leg's 100 against comparing all vectors. The floor is
tantivy's bare search and faiss's bare scan of the codes of our own files for the same questions, 100 each.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from report import machine, save

from searchctl.filters import as_filter
from searchctl.index import Index
from searchctl.types import Scope, VectorQuery

SHARES = {"50 %": 500, "10 %": 100, "1 %": 10, ".1 %": 1}
WORDS = 20_000


def word(number: int) -> str:
    """Return a word of syllables without digits, which would make a code of it."""
    syllables = [f"{consonant}{vowel}" for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    return "".join(syllables[number // 70**place % 70] for place in range(3)) + "x"


def write_documents(path: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for start in range(0, count, 1000):
            for row, numbers in enumerate(rng.zipf(1.2, (min(1000, count - start), 20)) % WORDS, start):
                text = " ".join(map(word, numbers))
                file.write(json.dumps({"id": str(row), "text": text, "part": row % 1000}) + "\n")


def questions(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(map(word, numbers)) for numbers in rng.zipf(1.2, (count, 6)) % WORDS]


def load(path: Path, engine: Path) -> tuple[float, float]:
    """Return the seconds a load takes and the largest resident size in GB."""
    code = (
        "import resource, sys; from searchctl.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    options = ["--engine", str(engine), "--encoder", "hashing:384", "-q"]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "ingest", str(path), *options], stdout=subprocess.PIPE, text=True, check=True
    )
    return time.perf_counter() - began, float(done.stdout.split()[-1]) * 1024 / 1e9


def timed(index: Index, texts: list[str], **options: Any) -> list[float]:
    """Return milliseconds of each search, ascending."""
    taken = []
    for text in texts:
        began = time.perf_counter()
        index.search(text, 10, repair=False, **options)
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def floor(index: Index, texts: list[str]) -> float:
    """Return the median milliseconds of both bare engines, one after the other, on our files."""
    legs = index.engine._index("default")._legs  # type: ignore[attr-defined]
    searcher, sealed = legs.lexical.reader._searcher, legs.vectors._read()
    query_of = legs.lexical._index.parse_query
    taken = []
    for text in texts:
        vector = index.encoder.encode_queries([text])  # type: ignore[union-attr]
        began = time.perf_counter()
        searcher.search(query_of(text, ["content"]), 100)
        for segment in sealed.parts:
            segment.codes.nearest(vector, 100, None)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def recalls(index: Index, texts: list[str]) -> dict[str, float]:
    """Return the vector leg's recall of 100 for each filter, against comparing all vectors."""
    encoder = index.encoder
    assert encoder is not None
    asked = encoder.encode_queries(texts)
    kinds = {"none": 1000, **SHARES}
    best = {kind: [(np.zeros(0, np.float32), np.zeros(0, np.int64))] * len(texts) for kind in kinds}
    for batch in index.engine.scan("default", batch=20_000, vectors=True):
        rows = np.array([int(entry.document.id) for entry in batch])
        scores = asked @ np.concatenate([entry.vectors for entry in batch if entry.vectors is not None]).T
        for kind, below in kinds.items():
            inside = rows % 1000 < below
            for place, (kept, ids) in enumerate(best[kind]):
                joined, names = np.concatenate([kept, scores[place, inside]]), np.concatenate([ids, rows[inside]])
                top = np.argsort(-joined)[:100]
                best[kind][place] = (joined[top], names[top])
    found = {}
    for kind, below in kinds.items():
        scope = Scope(as_filter(f"part<{below}")) if kind != "none" else Scope()
        rankings = index.engine.search("default", [VectorQuery(vector, 100, scope) for vector in asked])
        shares = [
            np.count_nonzero(ranking.scores >= kept[-1] - 1e-5) / len(kept)
            for ranking, (kept, _) in zip(rankings, best[kind], strict=True)
        ]
        found[kind] = float(np.mean(np.minimum(shares, 1.0)))
    return found


def search(engine: Path, count: int) -> dict[str, Any]:
    """Measure searching in this process."""
    began = time.perf_counter()
    with Index.open(engine, create=False) as index:
        index.search(questions(1, 99)[0], 10)
        first = time.perf_counter() - began
        hybrid = timed(index, questions(count, 1))
        filtered = {}
        for share, below in SHARES.items():
            index.search(questions(1, 98)[0], 10, where=f"part<{below}")  # the filter is evaluated once
            filtered[share] = statistics.median(timed(index, questions(count // 2, below), where=f"part<{below}"))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        bare = floor(index, questions(count // 2, 2))
        return {
            "first": first,
            "p50": statistics.median(hybrid),
            "p99": hybrid[int(0.99 * len(hybrid))],
            "filtered": filtered,
            "resident": resident,
            "floor": bare,
            "recall": recalls(index, questions(30, 3)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--work", type=Path, default=None, help="where to make the folder, which is deleted afterwards")
    parser.add_argument("--search", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.search is not None:
        print(json.dumps(search(options.search, options.queries)))
        return
    with TemporaryDirectory(dir=options.work) as folder:
        source, engine = Path(folder) / "rows.jsonl", Path(folder) / "engine"
        write_documents(source, options.documents)
        seconds, loading = load(source, engine)
        print(f"loaded in {seconds:.0f} s, {loading:.2f} GB", flush=True)
        disk = sum(path.stat().st_size for path in engine.rglob("*") if path.is_file()) / 1e9
        again = [sys.executable, __file__, "--search", str(engine), "--queries", str(options.queries)]
        measured = json.loads(subprocess.run(again, stdout=subprocess.PIPE, text=True, check=True).stdout)
        text = source.stat().st_size / 1e9
    rows = [
        f"| {share} | {taken:.1f} | {taken / measured['p50']:.2f} | {measured['recall'][share]:.3f} |"
        for share, taken in measured["filtered"].items()
    ]
    lines = [
        "## A million documents in one folder",
        "",
        machine("searchctl", "tantivy", "faiss-cpu"),
        "",
        f"- {options.documents:,} documents ({text:.2f} GB of JSON Lines), `--encoder hashing:384`: loaded whole in {seconds:.0f} s, "
        f"{options.documents / seconds:,.0f} a second; {loading:.2f} GB resident at most; {disk:.2f} GB on disk.",
        f"- Searching: first question {measured['first']:.2f} s after the process opens it; hybrid p50 {measured['p50']:.1f} ms, "
        f"p99 {measured['p99']:.1f} ms; {measured['resident']:.2f} GB resident at most.",
        f"- Both bare engines one after the other (tantivy, faiss on the same codes): p50 {measured['floor']:.1f} ms; hybrid is "
        f"{measured['p50'] / measured['floor']:.2f} times that. Recall of the vector leg's 100: {measured['recall']['none']:.3f}.",
        "",
        "| filter leaves | p50, ms | × unfiltered | recall of 100 |",
        "|---|---|---|---|",
        *rows,
    ]
    save("million", "\n".join(lines))


if __name__ == "__main__":
    main()
