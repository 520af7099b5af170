"""Runs inside one of the trees that `before.py` compares, and uses only what both have: the command line, and Index.open, ingest, search.

    python benchmarks/before_worker.py load FOLDER ENCODER DOCUMENTS CHANGED [OPTION ...]
    python benchmarks/before_worker.py search FOLDER QUERIES    < lines of JSON: [mode, first, last, hits]

Each answer is a line of JSON: seconds of processor time.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl import Index
from searchctl.cli import main as run_searchctl


class Remembering:
    """An encoder that has encoded all queries before: what is measured is searching."""

    def __init__(self, encoder: Any, texts: list[str]) -> None:
        self._encoder = encoder
        self._vectors = dict(zip(texts, encoder.encode_queries(texts), strict=True))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_queries(self, texts: Any) -> NDArray[np.float32]:
        unknown = [text for text in texts if text not in self._vectors]
        if unknown:
            self._vectors |= dict(zip(unknown, self._encoder.encode_queries(unknown), strict=True))
        return np.stack([self._vectors[text] for text in texts])


def searchctl(*arguments: str) -> float:
    """Run a command in this process and return its processor time."""
    began = time.process_time()
    try:
        run_searchctl(list(arguments))
    except SystemExit as end:
        if end.code:
            raise
    return time.process_time() - began


def load(folder: Path, encoder: str, documents: str, changed: str, *options: str) -> None:
    """Load documents for the first time, again, and with some of them changed; print the three times."""
    few = folder / "few.jsonl"
    few.write_text("".join(Path(documents).read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    how = ["--encoder", encoder, "-q", *options]
    searchctl("ingest", str(few), "--engine", str(folder / "few"), *how)  # so that imports aren't in the figures
    again = folder / "documents.jsonl"
    again.write_bytes(Path(documents).read_bytes())
    engine = ["--engine", str(folder / "index")]
    taken = [searchctl("ingest", str(again), *engine, *how), searchctl("ingest", str(again), *engine, *how)]
    again.write_bytes(Path(changed).read_bytes())
    taken.append(searchctl("ingest", str(again), *engine, *how))
    print(json.dumps(taken))


def search(folder: Path, queries: str) -> None:
    """Search as the lines of standard input say, and print the time that each line took."""
    texts = json.loads(Path(queries).read_text(encoding="utf-8"))
    with Index.open(folder) as plain:
        encoder = Remembering(plain.encoder, texts)
    with Index.open(folder, encoder=encoder) as index:  # type: ignore[arg-type]
        index.search("x")
        print("ready", flush=True)
        for line in sys.stdin:
            mode, first, last, hits = json.loads(line)
            began = time.process_time()
            for text in texts[first:last]:
                index.search(text, hits, mode=mode)
            print(json.dumps(time.process_time() - began), flush=True)


if __name__ == "__main__":
    what, place, *others = sys.argv[1:]
    {"load": load, "search": search}[what](Path(place), *others)
