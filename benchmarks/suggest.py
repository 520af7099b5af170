"""Suggestions as one types: how quick they are, and how often the title that is meant is among them, typed right and with one error.

    python benchmarks/suggest.py [--documents 100000]

Made-up titles of two to six words, half of them English and half Russian, drawn by Zipf's law from the vocabulary of the shipped
encoder, so that many begin alike. Of 400 of them a beginning is typed: 6, 9, 12 or 18 letters and the whole, as it stands and with
one letter missing, doubled, another one, or two that have changed places, anywhere in it. The title counts as found among eight.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from report import machine, save

import searchctl
from searchctl import Index, open_engine
from searchctl.schema import Schema
from searchctl.types import Document, Entry

K = 8
LENGTHS = (6, 9, 12, 18, 0)  # letters typed; 0 is the whole title
INDEX = "default"
LETTERS = {"en": "abcdefghijklmnopqrstuvwxyz", "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя"}


def vocabularies() -> dict[str, list[str]]:
    """Return words of each language from the shipped tokenizer's vocabulary, frequent ones first as it has them."""
    path = next((Path(searchctl.__file__).parent / "encoders" / "models").glob("*/tokenizer.json"))
    pieces = [str(piece[0]) for piece in json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]]
    words = [piece[1:].lower() for piece in pieces if piece.startswith("▁")]
    forms = {"en": re.compile("[a-z]{3,}"), "ru": re.compile("[а-я]{3,}")}
    return {name: list(dict.fromkeys(filter(form.fullmatch, words))) for name, form in forms.items()}


def titles(count: int, seed: int) -> list[str]:
    rng, words = np.random.default_rng(seed), vocabularies()
    made = []
    for number in range(count):
        own = words["en" if number % 2 else "ru"]
        drawn = rng.zipf(1.1, rng.integers(2, 7)) % len(own)
        made.append(" ".join(own[place] for place in drawn).capitalize())
    return made


def fill(folder: Path, made: list[str]) -> None:
    engine = open_engine(folder)
    engine.create(INDEX, Schema(None))
    with engine.writing(INDEX):
        for start in range(0, len(made), 2000):
            part = made[start : start + 2000]
            others = made[start + 1 : start + 2001]
            engine.write(
                INDEX,
                [
                    Entry(Document(str(row), f"{title}. {other}.", title))
                    for row, (title, other) in enumerate(zip(part, [*others, ""], strict=False), start)
                ],
            )
    engine.close()


def with_error(typed: str, rng: random.Random) -> str:
    """Return what was typed with one error in a letter."""
    place = rng.choice([at for at, letter in enumerate(typed) if letter != " "])
    letters = LETTERS["ru" if re.search("[а-я]", typed.lower()) else "en"]
    after = typed[place + 1 :]
    kinds = [after, typed[place] + rng.choice(letters) + after, rng.choice(letters) + after]
    if after[:1].strip():
        kinds.append(after[0] + typed[place] + after[1:])
    return typed[:place] + rng.choice(kinds)


def measure(index: Index, meant: list[str], seed: int) -> tuple[dict[int, tuple[float, float]], list[float]]:
    """Return for each length how often the title is among the suggestions, typed right and with an error, and all processor times in ms."""
    rng, times = random.Random(seed), []
    shares = {}
    for length in LENGTHS:
        hits = [0, 0]
        usable = [title for title in meant if len(title) > length]
        for title in usable:
            typed = title[:length].rstrip() if length else title
            for kind, text in enumerate((typed, with_error(typed, rng))):
                began = time.thread_time()
                given = index.suggest(text, K)
                times.append((time.thread_time() - began) * 1000)
                hits[kind] += title in [one.text for one in given]
        shares[length] = (hits[0] / len(usable), hits[1] / len(usable))
    return shares, times


def main() -> None:
    """Measure, and write the section of results.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    options = parser.parse_args()
    made = titles(options.documents, 0)
    with TemporaryDirectory() as folder:
        fill(Path(folder), made)
        with Index.open(folder) as index:
            began = time.perf_counter()
            index.suggest("a")
            gathered = time.perf_counter() - began
            meant = random.Random(1).sample(sorted(set(made)), 400)
            shares, times = measure(index, meant, 2)
        with Index.open(folder) as index:
            began = time.perf_counter()
            index.suggest("a")
            loaded = time.perf_counter() - began
    times.sort()
    rows = [
        f"| {length or 'the whole title'} | {right:.3f} | {wrong:.3f} |" for length, (right, wrong) in shares.items()
    ]
    lines = [
        "## Suggestions",
        "",
        machine("searchctl", "numpy"),
        "",
        f"- {options.documents:,} documents, {len(set(made)):,} different titles; gathered in {gathered:.1f} s after a change, read from "
        f"the file by another process in {loaded * 1000:.0f} ms.",
        "- Processor time of `Index.suggest`, which has nothing to wait for: median "
        f"{statistics.median(times):.1f} ms, p99 {times[int(len(times) * 0.99)]:.1f} ms, longest {times[-1]:.1f} ms.",
        f"- The title that is meant is among {K}:",
        "",
        "| letters typed | right | with one error |",
        "|---|---|---|",
        *rows,
    ]
    save("suggest", "\n".join(lines))


if __name__ == "__main__":
    main()
