"""What does quantising the shipped encoder cost, and how fast is it beside sentence-transformers' default (fp32)?

    python benchmarks/encoder.py --data DIR --model FOLDER

Speed: the same texts, in turn, in one process; wall and processor time as ratios, and the seconds of each, since torch's
matrix products (MKL's) are much slower on some processors than on others, and move the ratio as much as we do. Loss: cosine
of each vector with the unquantised model's, and vector-only nDCG@10 of both on `scifact-en` (judged abstracts and 500
others) and `xquad-ru`.
Needs the `torch` extra.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from quality import load
from report import machine, save

from searchctl.encoders import open_encoder
from searchctl.evaluation.metrics import parse_metric

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
NDCG = parse_metric("ndcg@10")
THREADS = 2


def text_of(document: dict[str, Any]) -> str:
    return f"{document['title']}\n{document['text']}".strip()


def speed(texts: Sequence[str], ours: Encode, theirs: Encode, rounds: int) -> NDArray[np.float64]:
    """Return seconds of both, (rounds, theirs and ours, wall and processor time), measured in turn."""
    taken = np.zeros((rounds, 2, 2))
    for row in taken:
        for place, encode in enumerate((theirs, ours)):
            wall, processor = time.perf_counter(), time.process_time()
            encode(texts)
            row[place] = time.perf_counter() - wall, time.process_time() - processor
    return taken


def quality(folder: Path, others: int, queries: Encode, documents: Encode) -> float:
    """Return the mean nDCG@10 of exact vector search."""
    grades: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        grades.setdefault(query, {})[document] = int(grade)
    judged = {id for row in grades.values() for id in row}
    corpus = load(folder / "corpus.jsonl")
    rest = [one for one in corpus if one["_id"] not in judged][:others]
    corpus = [one for one in corpus if one["_id"] in judged] + rest
    asked = [one for one in load(folder / "queries.jsonl") if one["_id"] in grades][:300]
    ids = [one["_id"] for one in corpus]
    scores = queries([one["text"] for one in asked]) @ documents([text_of(one) for one in corpus]).T
    runs = {one["_id"]: [ids[place] for place in np.argsort(-row)[:10]] for one, row in zip(asked, scores, strict=True)}
    return float(np.mean([NDCG.of(run, grades[query]) for query, run in runs.items()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--texts", type=int, default=40, help="texts of each of two sets for the speed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-quality", action="store_true")
    options = parser.parse_args()
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    peer = SentenceTransformer(options.model, device="cpu", model_kwargs={"dtype": torch.float32})
    ours = open_encoder(threads=THREADS)

    def theirs(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(peer.encode([f"passage: {text}" for text in texts], normalize_embeddings=True))

    def their_queries(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(peer.encode([f"query: {text}" for text in texts], normalize_embeddings=True))

    texts = [
        text_of(one)
        for name in ("scifact-en", "xquad-ru")
        for one in load(options.data / name / "corpus.jsonl")[: options.texts]
    ]
    cosines = (ours.encode_documents(texts) * theirs(texts)).sum(axis=1)
    taken = speed(texts, ours.encode_documents, theirs, options.rounds)
    wall, processor = np.median(taken[:, 0] / taken[:, 1], axis=0)
    their_time, our_time = np.median(taken[:, :, 0], axis=0)
    lines = [
        "## Encoder",
        "",
        machine("onnxruntime", "torch", "sentence-transformers"),
        "",
        f"- {len(texts)} documents, {THREADS} threads: {wall:.2f} times as fast as sentence-transformers (fp32) by the clock, "
        f"{processor:.2f} times by processor time (medians of {options.rounds} rounds in turn; "
        f"{our_time:.2f} s against {their_time:.2f} s).",
        f"- Cosine with the unquantised vectors: mean {cosines.mean():.4f}, lowest {cosines.min():.4f}.",
    ]
    if not options.no_quality:
        lines += ["", "| vectors only, nDCG@10 | unquantised | shipped |", "|---|---|---|"]
        for name, others in (("scifact-en", 500), ("xquad-ru", 0)):
            folder = options.data / name
            full = quality(folder, others, their_queries, theirs)
            shipped = quality(folder, others, ours.encode_queries, ours.encode_documents)
            lines.append(f"| {name} | {full:.4f} | {shipped:.4f} |")
    save("encoder", "\n".join(lines))


if __name__ == "__main__":
    main()
