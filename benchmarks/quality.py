"""How good are the legs and hybrid search on judged sets, with the shipped model and no tuning?

    python benchmarks/quality.py --data DIR [--sets xquad-en xquad-ru …] [--work FOLDER]

nDCG@10 through the library as a user has it: `Index.ingest`, `Index.search_many`. Indexes are kept in --work, so that a
second run only searches. The last column is of the first 400 queries, which is what others measured with this model.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from report import machine, save

from searchctl.evaluation.metrics import parse_metric
from searchctl.index import Index

NDCG = parse_metric("ndcg@10")
SETS = {  # name -> corpus, queries, judgements
    "xquad-ru": ("xquad-ru", "xquad-ru", "test"),
    "xquad-en": ("xquad-en", "xquad-en", "test"),
    "xquad, Russian questions over English passages": ("xquad-en", "xquad-ru", "test"),
    "scifact-en": ("scifact-en", "scifact-en", "test"),
    "danetqa-ru": ("danetqa-ru", "danetqa-ru", "dev"),
}
MODES = ("lexical", "vector", "hybrid")
BATCH = 64
FIRST = 400


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged(path: Path) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for line in path.read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        grades.setdefault(query, {})[document] = int(grade)
    return grades


def measure(index: Index, queries: list[dict[str, Any]], grades: dict[str, dict[str, int]], mode: Any) -> list[float]:
    scores: list[float] = []
    for start in range(0, len(queries), BATCH):
        part = queries[start : start + BATCH]
        answers = index.search_many([query["text"] for query in part], 10, mode=mode)
        scores += [
            NDCG.of([hit.id for hit in one], grades[query["_id"]]) for query, one in zip(part, answers, strict=True)
        ]
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    rows = []
    with TemporaryDirectory() as temporary:
        for name in options.sets:
            corpus, asked, split = SETS[name]
            with Index.open((options.work or Path(temporary)) / corpus) as index:
                documents = load(options.data / corpus / "corpus.jsonl")
                index.ingest({"id": one["_id"], "title": one["title"], "text": one["text"]} for one in documents)
                grades = judged(options.data / asked / "qrels" / f"{split}.tsv")
                queries = [one for one in load(options.data / asked / "queries.jsonl") if one["_id"] in grades]
                found = [measure(index, queries, grades, mode) for mode in MODES]
                values = [np.mean(scores) for scores in (*found, found[-1][:FIRST])]
                rows.append(f"| {name} | {len(queries)} | " + " | ".join(f"{value:.4f}" for value in values) + " |")
                print(rows[-1], flush=True)
    head = [f"| set | queries | lexical | vector | hybrid | hybrid, first {FIRST} |", "|---|---|---|---|---|---|"]
    save("quality", "\n".join(["## Quality, nDCG@10", "", machine("searchctl", "onnxruntime"), "", *head, *rows]))


if __name__ == "__main__":
    main()
