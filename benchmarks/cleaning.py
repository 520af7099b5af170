"""Is cleaning worth it, is the encoding found, and is reading quick enough?

    python benchmarks/cleaning.py --data FOLDER      # a folder with danetqa-ru/, xquad-ru/, scifact-en/ in the BEIR format
    python benchmarks/cleaning.py --data FOLDER --table   # the table of letter pairs in sources/cyrillic.py

The table of letter pairs is made from danetqa-ru and tested on xquad-ru, which it never saw.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bm25s
import numpy as np
from report import machine, save

from searchctl.evaluation.metrics import parse_metric
from searchctl.sources import FieldMapping, Record, discover, read
from searchctl.sources.cyrillic import table
from searchctl.sources.encodings import detect
from searchctl.text.analysis import analyze
from searchctl.text.cleaning import clean
from searchctl.text.passages import cut_many

STRESS = "\u0301"
ENCODINGS = ("cp1251", "koi8-r", "cp866", "iso8859-5", "utf-8", "utf-16-le")
LENGTHS = (10, 20, 40, 100, 1000)
SAMPLES = 400


def texts_of(folder: Path) -> dict[str, str]:
    with (folder / "corpus.jsonl").open(encoding="utf-8") as file:
        return {row["_id"]: f"{row['title']}\n{row['text']}".strip() for row in map(json.loads, file)}


def stress_marks(folder: Path) -> list[str]:
    """nDCG@10 of BM25 (Lucene's, k1 1.2, b 0.75) over Snowball stems, as it comes, cleaned, and cleaned but for the marks."""
    texts = texts_of(folder)
    queries = {row["_id"]: row["text"] for row in map(json.loads, (folder / "queries.jsonl").open(encoding="utf-8"))}
    qrels: dict[str, dict[str, int]] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            query, document, grade = line.split("\t")
            if document in texts:
                qrels.setdefault(query, {})[document] = int(grade)
    marked = {id for id, text in texts.items() if STRESS in text}
    relevant = {document for grades in qrels.values() for document in grades}
    steps: dict[str, Callable[[str], str]] = {
        "as it comes": lambda text: text,
        "cleaned": clean,
        "cleaned, stress marks kept": lambda text: clean(text.replace(STRESS, "\ue000")).replace("\ue000", STRESS),
    }
    measured = {
        name: ndcg({id: step(text) for id, text in texts.items()}, queries, qrels) for name, step in steps.items()
    }
    return [
        f"BM25 alone on {folder.name}: {len(texts)} documents, {len(marked)} with stress marks, {len(marked & relevant)} of these",
        f"relevant to some of {len(qrels)} queries.",
        "",
        "| text | nDCG@10 |",
        "|---|---|",
        *(f"| {name} | {value:.4f} |" for name, value in measured.items()),
    ]


def ndcg(texts: dict[str, str], queries: dict[str, str], qrels: dict[str, dict[str, int]]) -> float:
    ids = list(texts)
    model = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    model.index([[token.term for token in analyze(text)] for text in texts.values()], show_progress=False)
    metric, scores = parse_metric("ndcg@10"), []
    for query, grades in qrels.items():
        found = model.get_scores([token.term for token in analyze(queries[query])])
        best = np.argsort(-found, kind="stable")[:10]
        scores.append(metric.of([ids[place] for place in best if found[place] > 0], grades))
    return float(np.mean(scores))


def encodings(folder: Path) -> list[str]:
    """Share of texts that are decoded without one wrong letter, by their length in letters."""
    from charset_normalizer import from_bytes

    def normalizer(data: bytes) -> str | None:
        best = from_bytes(data).best()
        return best.encoding if best else None

    texts = [text.replace(STRESS, "") for text in texts_of(folder).values()]
    rows = []
    for length in LENGTHS:
        rng = random.Random(length)
        pieces = [piece(rng, texts, length) for _ in range(SAMPLES)]
        ours = [share(pieces, encoding, detect) for encoding in ENCODINGS]
        peer = np.mean([share(pieces[:100], encoding, normalizer) for encoding in ENCODINGS])
        rows.append(
            f"| {length} | " + " | ".join(f"{one:.3f}" for one in ours) + f" | {np.mean(ours):.3f} | {peer:.3f} |"
        )
    return [
        f"Encoding found, by length: share of {SAMPLES} pieces of {folder.name} decoded without a wrong letter.",
        "",
        f"| letters | {' | '.join(ENCODINGS)} | mean | mean of charset-normalizer |",
        "|---" * (len(ENCODINGS) + 3) + "|",
        *rows,
    ]


def piece(rng: random.Random, texts: Sequence[str], length: int) -> str:
    while True:
        text = rng.choice(texts)
        start = rng.randrange(max(1, len(text) - length))
        if re.search("[а-яё]{3}", found := text[start : start + length]):
            return found


def share(pieces: Sequence[str], encoding: str, guess: Callable[[bytes], str | None]) -> float:
    right = 0
    for text in pieces:
        data = text.encode(encoding, "ignore")
        found = guess(data)
        right += found is not None and data.decode(found, "replace") == data.decode(encoding)
    return right / len(pieces)


def speed(folders: Sequence[Path]) -> list[str]:
    """Million characters and documents a second of one core's time."""
    texts = [text for folder in folders for text in texts_of(folder).values()]
    short = [text[start : start + 200] for text in texts for start in range(0, len(text), 200)]
    cleaned = [clean(text) for text in texts]
    joined = [" ".join(cleaned)]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "short.jsonl"
        rows = (json.dumps({"id": n, "text": text}, ensure_ascii=False) for n, text in enumerate(short))
        path.write_text("\n".join(rows), encoding="utf-8")
        (file,) = discover([str(path)])
        reading = timed(
            "read JSON Lines of 200 characters",
            lambda: [isinstance(one, Record) for one in read(file, FieldMapping())],
            short,
        )
    return [
        f"Speed on one core: {len(texts)} documents, {sum(map(len, texts)) / 1e6:.1f} M characters.",
        "",
        "| step | M characters/s | documents/s |",
        "|---|---|---|",
        reading,
        timed("clean, as they come", lambda: [clean(text) for text in texts], texts),
        timed("clean, clean already", lambda: [clean(text) for text in cleaned], texts),
        timed("cut into passages of 256", lambda: cut_many(cleaned, by_length, size=256, overlap=32), texts),
        timed("cut one text that holds all", lambda: cut_many(joined, by_length, size=256, overlap=32), joined),
    ]


def by_length(texts: Sequence[str]) -> list[int]:
    """Stand in for a tokenizer, whose time isn't meant here."""
    return [len(text) // 4 + 1 for text in texts]


def timed(name: str, step: Callable[[], object], texts: Sequence[str]) -> str:
    began = time.process_time()
    step()
    seconds = time.process_time() - began
    return f"| {name} | {sum(map(len, texts)) / seconds / 1e6:.1f} | {len(texts) / seconds:,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        plain = " ".join(texts_of(options.data / "danetqa-ru").values()).replace(STRESS, "").lower().replace("ё", "е")
        print("\n".join(table(re.findall("[а-я]+", plain))))
        return
    sections = (
        stress_marks(options.data / "danetqa-ru"),
        encodings(options.data / "xquad-ru"),
        speed([options.data / name for name in ("danetqa-ru", "scifact-en")]),
    )
    head = ["## Cleaning and reading", "", machine("bm25s", "charset-normalizer"), ""]
    save("cleaning", "\n".join([*head, *("\n".join([*lines, ""]) for lines in sections)]))


if __name__ == "__main__":
    main()
