"""Does reranking by late interaction over the encoder's own token vectors improve the fused order?

    python benchmarks/rerank.py --data DIR --work FOLDER [--sets danetqa-ru demo …] [--queries 200]

DIR, FOLDER and the sets as for benchmarks/fusion.py; held-out halves only. The reranker's weight, floor and depth were chosen on
the development halves of danetqa-ru and the demo. Passages' token vectors are kept in FOLDER.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fusion
import numpy as np
from report import machine, save

from searchctl.metrics import bootstrap_interval, holm, paired_p_value
from searchctl.query import parse_query
from searchctl.rerankers import open_reranker
from searchctl.reranking import DEPTH, Rerank
from searchctl.search import Request, Searcher
from searchctl.types import Vectors


class Memory:
    """An encoder that encodes the tokens of a passage once, and keeps them in half precision."""

    def __init__(self, encoder: Any, path: Path) -> None:
        self._encoder, self._path = encoder, path
        self._known: dict[str, Any] = pickle.loads(path.read_bytes()) if path.exists() else {}  # written by save below
        self.query_tokens = encoder.query_tokens

    def document_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for text, tokens in zip(new, self._encoder.document_tokens(new), strict=True):
            self._known[text] = tokens.astype(np.float16)
        return [self._known[text].astype(np.float32) for text in texts]

    def save(self) -> None:
        self._path.write_bytes(pickle.dumps(self._known))


def measure(name: str, data: Path, work: Path, most: int) -> tuple[Any, Any, int]:
    """Return nDCG@10 of a set's held-out questions without and with reranking, and how often the top was certain."""
    corpus, asked = fusion.SETS[name]
    queries = [one for one in fusion.read_queries(fusion.folder_of(data, asked))]
    with fusion.open_index(corpus, data, work) as index:
        encoder = index.encoder
        assert encoder is not None
        texts = [parse_query(text).text for _, text, *_ in queries]
        vectors = fusion.query_vectors(asked, texts, index, work)
        remembered = fusion.Remembered(encoder, dict(zip(texts, vectors, strict=True)))
        memory = Memory(encoder, work / f"{corpus}-tokens-{encoder.revision}.pkl")
        reranker = open_reranker("maxsim", lambda: memory)
        chosen = [one for one in queries if not one[3]][:most]
        searcher = Searcher(index.engine, index.name, index.schema, remembered)
        asked_texts = [text for _, text, *_ in chosen]
        plain = searcher.search(asked_texts, Request(repair=False))
        better = searcher.search(asked_texts, Request(repair=False, rerank=Rerank(reranker)))
        memory.save()
    scores = [
        np.array(
            [
                fusion.NDCG.of([hit.id for hit in found], grades)
                for found, (_, _, grades, _) in zip(results, chosen, strict=True)
            ]
        )
        for results in (plain, better)
    ]
    return scores[0], scores[1], sum(not one.legs["rerank"].ran for one in better)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=list(fusion.SETS))
    parser.add_argument("--queries", type=int, default=10**9)
    options = parser.parse_args()
    found = {name: measure(name, options.data, options.work, options.queries) for name in options.sets}
    corrected = holm([paired_p_value(better, plain) for plain, better, _ in found.values()])
    lines = [
        "| set | questions | fused | maxsim | difference | 95 % | p (Holm) | not reranked: certain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, (plain, better, certain)), p in zip(found.items(), corrected, strict=True):
        gain = bootstrap_interval(better - plain)
        lines.append(
            f"| {name} | {len(plain)} | {plain.mean():.4f} | {better.mean():.4f} | {gain.value:+.4f} "
            f"| {gain.low:+.4f} to {gain.high:+.4f} | {p:.4f} | {certain} |"
        )
    about = f"nDCG@10 of the fused order, and with `--rerank maxsim:{DEPTH}`. Made by `python benchmarks/rerank.py`."
    absent = [name for name in fusion.SETS if name not in options.sets]
    if absent:
        about += f" Not measured in this run: {', '.join(absent)}."
    save("rerank", "\n".join(["## Reranking", "", machine("searchctl", "onnxruntime"), "", about, "", *lines]))


if __name__ == "__main__":
    main()
