"""Does reranking improve the fused order, on questions and on whole sets that nothing of it was learnt from?

    python tools/train_maxsim.py FOLDER --data DIR --work FOLDER
    python benchmarks/rerank.py --data DIR --work FOLDER [--cross-encoder FOLDER] [--queries 100]

DIR and FOLDER as for benchmarks/fusion.py; the first line also makes what ships. Questions are those of the held-out
halves, and of xquad only those about articles that aren't learnt from (tools/training_data.py). maxsim is measured as it
ships, and with what was learnt without the whole set. Texts' token vectors are kept in FOLDER: the first run takes as long
as loading the sets, a second some minutes. A cross-encoder (tools/train_reranker.py) reads every pair anew, so `--queries`
limits it to the first ones of each set.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fusion
import numpy as np
from numpy.typing import NDArray
from report import machine, save

from searchctl.evaluation.metrics import bootstrap_interval, holm, paired_p_value
from searchctl.rerankers import open_reranker
from searchctl.rerankers.base import Reranker
from searchctl.search.query import parse_query
from searchctl.search.rerank import DEPTH, Rerank
from searchctl.search.searcher import Request, Searcher
from searchctl.types import Vectors

sys.path.append(str(fusion.ROOT / "tools"))
from training_data import learns, memory_of  # noqa: E402

LEARNT = ("scifact", "danetqa", "xquad")  # left out of tools/train_maxsim.py one by one
Scores = NDArray[np.float64]


class Counted:
    """Token vectors whose importance was learnt elsewhere."""

    def __init__(self, memory: Any, importance: NDArray[np.float32]) -> None:
        self._memory, self._importance = memory, importance
        self.document_tokens = memory.document_tokens

    def query_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        found = []
        for tokens in self._memory.query_tokens(texts):
            unit = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
            counts = np.logaddexp(0.0, unit @ self._importance[:-1] + self._importance[-1])
            found.append((unit * (counts / counts.sum())[:, None]).astype(np.float32))
        return found


def held_out(corpus: str, query: fusion.Query) -> bool:
    _, _, grades, development = query
    return not development and not (corpus.startswith("xquad") and any(map(learns, grades)))


def measure(name: str, options: argparse.Namespace) -> tuple[dict[str, Scores], int]:
    """Return nDCG@10 of a set's questions by way of ordering, and how often the top was certain."""
    corpus, asked = fusion.SETS[name]
    queries = list(fusion.read_queries(fusion.folder_of(options.data, asked)))
    with fusion.open_index(corpus, options.data, options.work) as index:
        encoder = index.encoder
        assert encoder is not None
        texts = [parse_query(text).text for _, text, *_ in queries]
        vectors = fusion.query_vectors(asked, texts, index, options.work)
        remembered = fusion.Remembered(encoder, dict(zip(texts, vectors, strict=True)))
        memory = memory_of(corpus, encoder, options.work)
        ways: dict[str, Reranker | None] = {"fused": None, "maxsim": open_reranker("maxsim", lambda: memory)}
        for left in LEARNT:
            path = options.work / f"importance-without-{left}.npy"
            if name.startswith(left) and path.exists():
                counted = Counted(memory, np.load(path))
                ways["maxsim, learnt without the set"] = open_reranker("maxsim", lambda: counted)  # noqa: B023
        if options.cross_encoder:
            ways["cross-encoder"] = open_reranker(str(options.cross_encoder), object)
        chosen = [one for one in queries if held_out(corpus, one)]
        searcher = Searcher(index.engine, index.name, index.schema, remembered)
        scores, certain = {}, 0
        for way, reranker in ways.items():
            some = chosen[: options.queries] if way == "cross-encoder" else chosen
            request = Request(repair=False, rerank=Rerank(reranker) if reranker else None)
            results = searcher.search([text for _, text, *_ in some], request)
            pairs = zip(results, some, strict=True)
            scores[way] = np.array([fusion.NDCG.of([hit.id for hit in found], one[2]) for found, one in pairs])
            if way == "maxsim":
                certain = sum(not one.legs["rerank"].ran for one in results)
        memory.save()
    return scores, certain


def compare(way: str, found: Mapping[str, Mapping[str, Scores]]) -> list[str]:
    """Return the table of a way beside the fused order: set by set, then the sets' mean."""
    pairs = {}
    for name, scores in found.items():
        better = scores.get(way, scores["maxsim"] if name == "demo" else None)
        if better is not None:
            pairs[name] = scores["fused"][: len(better)], better
    lines = [
        f"| set | questions | fused | {way} | difference | 95 % | p (Holm) |",
        "|---|---|---|---|---|---|---|",
    ]
    corrected = holm([paired_p_value(better, plain) for plain, better in pairs.values()])
    for (name, (plain, better)), p in zip(pairs.items(), corrected, strict=True):
        lines.append(_line(name, plain, better, better - plain, p))
    # every set counts alike: a question of a small one more
    total = sum(len(plain) for plain, _ in pairs.values())
    shares = [np.full(len(plain), total / len(pairs) / len(plain)) for plain, _ in pairs.values()]
    plain, better = (
        np.concatenate([a * b for a, b in zip(shares, column, strict=True)])
        for column in zip(*pairs.values(), strict=True)
    )
    return [*lines, _line("**mean of the sets**", plain, better, better - plain, paired_p_value(better, plain)), ""]


def _line(name: str, plain: Scores, better: Scores, differences: Scores, p: float) -> str:
    gain = bootstrap_interval(differences)
    return (
        f"| {name} | {len(plain)} | {plain.mean():.4f} | {better.mean():.4f} | {gain.value:+.4f} "
        f"| {gain.low:+.4f} to {gain.high:+.4f} | {p:.4f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cross-encoder", type=Path)
    parser.add_argument("--queries", type=int, default=100, help="of each set, for the cross-encoder [100]")
    options = parser.parse_args()
    measured = {name: measure(name, options) for name in fusion.SETS}
    found = {name: scores for name, (scores, _) in measured.items()}
    certain = ", ".join(f"{name} {count}" for name, (_, count) in measured.items())
    ways = [
        way
        for way in ("maxsim", "maxsim, learnt without the set", "cross-encoder")
        if any(way in one for one in found.values())
    ]
    about = (
        f"nDCG@10 of the fused order, and with the first {DEPTH} reordered, on questions that nothing was learnt from. In the "
        "second table, how much tokens count was learnt from the other sets only. The mean's p is of one randomisation test in "
        f"which every set counts alike. Questions left in the fused order since the top is certain: {certain}. "
        "Made by `python benchmarks/rerank.py`."
    )
    tables = [line for way in ways for line in compare(way, found)]
    save("rerank", "\n".join(["## Reranking", "", machine("searchctl", "onnxruntime"), "", about, "", *tables]))


if __name__ == "__main__":
    main()
