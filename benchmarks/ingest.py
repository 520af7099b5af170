"""What does a load cost beyond encoding, how much memory does a large one take, and how long is a cold search?

    python benchmarks/ingest.py [--documents 300000]

- Overhead: the demo's articles through `searchctl ingest`'s library call and through the encoder alone, in turn.
- Memory: --documents short documents with the hashing encoder, in a process of its own; its largest resident size.
- Cold: `searchctl search` as a process of its own on 10,000 documents made of the demo's passages, with the shipped encoder.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from report import machine, save

from searchctl.encoders import open_encoder
from searchctl.index import Index
from searchctl.ingest.encoding import passage_texts
from searchctl.ingest.model import IngestSettings
from searchctl.schema import EncoderStamp, Schema
from searchctl.sources import discover
from searchctl.types import Document, Entry, Passage

DEMO = Path(__file__).parents[1] / "ingest" / "demo"
COLD_DOCUMENTS = 10_000


def overhead(rounds: int, work: Path) -> tuple[float, int]:
    """Return how many times longer a load takes than encoding the same passages, and how many passages: median of rounds."""
    encoder = open_encoder()
    files = discover([str(DEMO)]).files
    with Index.open(work / "first", encoder=encoder) as index:
        index.ingest_files(files, IngestSettings())
        batches = [
            [text for entry in batch for text in passage_texts(entry)]
            for batch in index.engine.scan("default", batch=256)
        ]
    ratios = []
    for number in range(rounds):
        began = time.perf_counter()
        for batch in batches:
            encoder.encode_documents(batch)
        alone = time.perf_counter() - began
        with Index.open(work / f"round{number}", encoder=encoder) as index:
            began = time.perf_counter()
            index.ingest_files(files, IngestSettings())
            ratios.append((time.perf_counter() - began) / alone)
    return statistics.median(ratios), sum(map(len, batches))


def write_short_documents(path: Path, count: int) -> None:
    """Write documents of 20 words each."""
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(20_000)]
    with path.open("w") as file:
        for start in range(0, count, 1000):
            for row, numbers in enumerate(rng.zipf(1.2, (min(1000, count - start), 20)) % len(words)):
                file.write(
                    json.dumps({"id": start + row, "text": " ".join(words[number] for number in numbers)}) + "\n"
                )


def memory(count: int, work: Path) -> float:
    """Return the largest resident size, in GB, of a process that loads `count` short documents."""
    write_short_documents(work / "short.jsonl", count)
    code = (
        "import resource, sys; from searchctl.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    options = ["--engine", str(work / "large"), "--encoder", "hashing:64", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", code, "ingest", str(work / "short.jsonl"), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1]) * 1024 / 1e9


def cold(rounds: int, work: Path) -> tuple[float, float]:
    """Return the seconds from process start to answer, and those of a process that only imports numpy: medians."""
    encoder = open_encoder()
    with Index.open(work / "first") as small:
        entries = [entry for batch in small.engine.scan("default", vectors=True) for entry in batch]
    rng = np.random.default_rng(0)
    with Index.open(work / "cold", encoder=encoder) as index:
        assert index.schema == Schema(EncoderStamp(encoder.name, encoder.revision, encoder.dim))
        with index.engine.writing("default"):
            many = islice(cycle(entries), COLD_DOCUMENTS)
            index.engine.write("default", [varied(entry, number, rng) for number, entry in enumerate(many)])
    search = [
        sys.executable,
        "-m",
        "searchctl",
        "search",
        "how do I return an item",
        "--engine",
        str(work / "cold"),
        "--json",
    ]
    return timed(search, rounds), timed([sys.executable, "-c", "import numpy"], rounds)


def varied(entry: Entry, number: int, rng: np.random.Generator) -> Entry:
    """Return an entry of its own id, with one passage and a vector near the old one."""
    assert entry.vectors is not None
    vector = entry.vectors[:1] + rng.normal(0, 0.02, entry.vectors[:1].shape).astype(np.float32)
    passage = entry.passages[0]
    text = entry.document.text[passage.start : passage.end]
    vectors = vector / np.linalg.norm(vector)
    return Entry(Document(str(number), text, entry.document.title), (Passage(0, len(text)),), vectors, str(number))


def timed(command: list[str], rounds: int) -> float:
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        ratio, passages = overhead(options.rounds, work)
        search, numpy_only = cold(5, work)
        gigabytes = memory(options.documents, work)
    lines = [
        "## Ingest and cold start",
        "",
        machine("searchctl", "onnxruntime", "tantivy", "faiss-cpu"),
        "",
        f"- The whole load of the demo ({passages} passages) takes {ratio:.2f} times as long as encoding alone "
        f"(median of {options.rounds} rounds in turn).",
        f"- {options.documents:,} short documents with `--encoder hashing:64`: {gigabytes:.2f} GB resident at most.",
        f"- Cold `searchctl search` over {COLD_DOCUMENTS:,} documents, process start to answer: {search:.2f} s "
        f"({search / numpy_only:.1f} times a process that imports numpy).",
    ]
    save("ingest", "\n".join(lines))


if __name__ == "__main__":
    main()
