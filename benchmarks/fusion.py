"""Which way of joining the legs is best, and is any ever worse than the better leg alone?

    python benchmarks/fusion.py --data DIR --work FOLDER [--peers]

DIR holds `scifact-en`, `xquad-en`, `xquad-ru` and `danetqa-ru` in BEIR's layout. Their indexes are kept in FOLDER (those of
benchmarks/quality.py serve as well), so that a second run takes minutes.

The default's form, exponent and weights were chosen on the development half: scifact's and danetqa's train judgements, and
every other question of the rest by hash of its id. The table has the other half only.

`--peers` also asks OpenSearch's own hybrid query, on a node of the tests, and those of LanceDB, txtai and Haystack that are
installed (see fusion_peers.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from fusion_peers import corpus_of, native, peers
from numpy.typing import NDArray
from report import machine, save

from searchctl.encoders.base import Encoder
from searchctl.evaluation.dataset import read_corpus
from searchctl.evaluation.metrics import holm, paired_p_value, parse_metric
from searchctl.index import Index
from searchctl.ranking.fusion import Fused, FusionSettings
from searchctl.schema import Schema
from searchctl.search.leg_answers import LegAnswers
from searchctl.search.query import parse_query
from searchctl.search.searcher import Request, Searcher
from searchctl.types import Ranking, Vector, Vectors
from servers import server

ROOT = Path(__file__).parents[1]
NDCG = parse_metric("ndcg@10")
WINDOW = 100
SETS = {  # name -> corpus, queries
    "scifact-en": ("scifact-en", "scifact-en"),
    "xquad-en": ("xquad-en", "xquad-en"),
    "xquad-ru": ("xquad-ru", "xquad-ru"),
    "danetqa-ru": ("danetqa-ru", "danetqa-ru"),
    "xquad ru→en": ("xquad-en", "xquad-ru"),
    "xquad en→ru": ("xquad-ru", "xquad-en"),
    "demo": ("demo", "demo"),
}
PROMISED = ("scifact-en", "xquad-en", "xquad-ru", "danetqa-ru", "xquad ru→en")
NODE = "opensearch-2"
Scores = Mapping[str, float]
Query = tuple[str, str, dict[str, int], bool]


@dataclass(frozen=True)
class Question:
    """A judged query with both legs' answers; `development` says on which side of the split it is."""

    text: str
    grades: Mapping[str, int]
    development: bool
    answer: LegAnswers
    schema: Schema

    @property
    def lexical(self) -> Ranking:
        assert self.answer.lexical is not None
        return self.answer.lexical

    @property
    def vector(self) -> Ranking:
        assert self.answer.vector is not None
        return self.answer.vector

    def fused(self, settings: FusionSettings) -> Fused:
        return self.answer.fused(self.schema, settings)


class Remembered:
    """An encoder that has encoded a set's queries before."""

    def __init__(self, encoder: Encoder, vectors: Mapping[str, Vector]) -> None:
        self.name, self.revision, self.dim, self.max_tokens = (
            encoder.name,
            encoder.revision,
            encoder.dim,
            encoder.max_tokens,
        )
        self.encode_documents = encoder.encode_documents
        self.count_tokens = encoder.count_tokens
        self._vectors = vectors

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._vectors[text] for text in texts])


def folder_of(data: Path, name: str) -> Path:
    return ROOT / "ingest" / "demo" if name == "demo" else data / name


def read_queries(folder: Path) -> Iterator[Query]:
    """Yield id, text, grades and side of each judged query."""
    with (folder / "queries.jsonl").open(encoding="utf-8") as file:
        texts = {row["_id"]: row["text"] for row in map(json.loads, file)}
    grades: dict[str, dict[str, int]] = {}
    splits: dict[str, str] = {}
    files = sorted((folder / "qrels").glob("*.tsv"))
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            query, document, grade = line.split("\t")
            grades.setdefault(query, {})[document] = int(grade)
            splits[query] = path.stem
    for query, judged in grades.items():
        even = int(hashlib.sha256(query.encode()).hexdigest(), 16) % 2 == 0
        yield query, texts[query], judged, splits[query] == "train" if len(files) > 1 else even


def open_index(name: str, data: Path, work: Path) -> Index:
    """Return a set's index, loaded if it isn't yet."""
    index = Index.open(work / name)
    index.ingest(read_corpus(folder_of(data, name) / "corpus.jsonl"))
    return index


def query_vectors(name: str, texts: Sequence[str], index: Index, work: Path) -> Vectors:
    """Return the vectors of a set's queries, encoded once."""
    encoder = index.encoder
    assert encoder is not None
    path = work / f"{name}-queries-{encoder.revision}.npy"
    if not path.exists():
        np.save(path, encoder.encode_queries(texts))
    vectors: Vectors = np.load(path)
    return vectors


def questions_of(corpus: str, asked: str, data: Path, work: Path) -> list[Question]:
    """Ask both legs every question of a set."""
    queries = list(read_queries(folder_of(data, asked)))
    with open_index(corpus, data, work) as index:
        return ask(index, asked, queries, work)


def ask(index: Index, asked: str, queries: Sequence[Query], work: Path) -> list[Question]:
    """Ask both legs these queries of a set, whose vectors are remembered in `work` under the set's name."""
    schema = index.schema
    texts = [parse_query(text).text for _, text, *_ in queries]
    vectors = query_vectors(asked, texts, index, work)
    encoder = index.encoder
    assert encoder is not None
    remembered = Remembered(encoder, dict(zip(texts, vectors, strict=True)))
    answers = Searcher(index.engine, index.name, schema, remembered).ask([text for _, text, *_ in queries], Request())
    return [
        Question(text, grades, development, answer, schema)
        for answer, (_, text, grades, development) in zip(answers, queries, strict=True)
    ]


# Ways to join


def ours(settings: FusionSettings) -> Callable[[Question], Sequence[str]]:
    def order(one: Question) -> Sequence[str]:
        return one.fused(settings).ids

    return order


def scored(ranking: Ranking, scores: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(ranking.ids, scores.tolist(), strict=True))


def ordered(lexical: Scores, vector: Scores, weight: float) -> Sequence[str]:
    """Order by the weighted sum, 0 for a document a leg didn't return."""
    total = {id: weight * lexical.get(id, 0.0) + (1 - weight) * vector.get(id, 0.0) for id in {**lexical, **vector}}
    return sorted(total, key=lambda id: (-total[id], id))


def between(scores: NDArray[np.float64], floor: float, top: float) -> NDArray[np.float64]:
    return (scores - floor) / (top - floor) if top > floor else np.ones(len(scores))


def min_max(weight: float) -> Callable[[Question], Sequence[str]]:
    def order(one: Question) -> Sequence[str]:
        legs = [
            scored(
                leg, between(leg.scores, float(leg.scores.min(initial=np.inf)), float(leg.scores.max(initial=-np.inf)))
            )
            for leg in (one.lexical, one.vector)
        ]
        return ordered(legs[0], legs[1], weight)

    return order


def theoretical(weight: float) -> Callable[[Question], Sequence[str]]:
    """TM2C2 of Bruch et al.: the least a score could be, and the most it is."""

    def order(one: Question) -> Sequence[str]:
        lexical = scored(one.lexical, between(one.lexical.scores, 0.0, float(one.lexical.scores.max(initial=0.0))))
        vector = scored(one.vector, between(one.vector.scores, -1.0, float(one.vector.scores.max())))
        return ordered(lexical, vector, weight)

    return order


def best_scaled(one: Question) -> Sequence[str]:
    """The sum of the first design: BM25 by its best, cosines by minimum and maximum."""
    lexical = scored(one.lexical, between(one.lexical.scores, 0.0, float(one.lexical.scores.max(initial=0.0))))
    floor, top = float(one.vector.scores.min()), float(one.vector.scores.max())
    return ordered(lexical, scored(one.vector, between(one.vector.scores, floor, top)), 0.5)


def txtai(one: Question) -> Sequence[str]:
    """txtai's hybrid index: BM25 by its best, or 6 times the corpus-wide average score, and plain cosines, half and half.

    The average is of all documents that match; here it is that of the candidates, which is more.
    """
    scores = one.lexical.scores
    top = min(float(scores.max(initial=0.0)), 6.0 * float(scores.mean())) if len(scores) else 0.0
    lexical = scored(one.lexical, np.minimum(scores / top, 1.0) if top else scores)
    return ordered(lexical, scored(one.vector, np.maximum(one.vector.scores, 0.0)), 0.5)


METHODS: dict[str, Callable[[Question], Sequence[str]]] = {
    "BM25 alone": lambda one: one.lexical.ids,
    "vectors alone": lambda one: one.vector.ids,
    "**searchctl**": ours(FusionSettings()),
    "RRF, 60 (LanceDB, Haystack, Elasticsearch)": ours(FusionSettings("rrf")),
    "distribution-based (Qdrant, Haystack)": ours(FusionSettings("distribution")),
    "min-max, 0.5 (OpenSearch)": min_max(0.5),
    "min-max, 0.25 lexical (Weaviate)": min_max(0.25),
    "TM2C2, 0.2 lexical (Bruch et al.)": theoretical(0.2),
    "BM25 / best + cosine, 0.5 (txtai)": txtai,
    "BM25 / best + min-max cosine, 0.5": best_scaled,
}


def table(scores: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> list[str]:
    """Return the lines of a table: rows are methods, columns are sets."""
    names = list(scores["**searchctl**"])
    better = {name: max(scores["BM25 alone"][name].mean(), scores["vectors alone"][name].mean()) for name in names}
    lines = [
        "| way | " + " | ".join(names) + " | mean | gain over the better leg: mean | worst |",
        "|---|" + "---|" * (len(names) + 3),
    ]
    for method, by_set in scores.items():
        means = {name: float(values.mean()) for name, values in by_set.items()}
        gains = [means[name] - better[name] for name in means]
        cells = [f"{means[name]:.3f}" if name in means else "-" for name in names]
        lines.append(
            f"| {method} | {' | '.join(cells)} | {np.mean(list(means.values())):.3f} "
            f"| {np.mean(gains):+.3f} | {min(gains):+.3f} |"
        )
    return lines


def significance(scores: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> str:
    """Say in how many comparisons of searchctl with another way, set by set, the difference is significant."""
    mine = scores["**searchctl**"]
    pairs = [(method, name) for method in scores if method != "**searchctl**" for name in scores[method]]
    corrected = holm([paired_p_value(mine[name], scores[method][name]) for method, name in pairs])
    won = lost = 0
    for (method, name), p in zip(pairs, corrected, strict=True):
        difference = mine[name].mean() - scores[method][name].mean()
        won += p < 0.05 and difference > 0
        lost += p < 0.05 and difference < 0
    return (
        f"Of {len(pairs)} comparisons of the default with another way on one set, {won} are significantly better and {lost} "
        "significantly worse (randomisation test, Holm's correction, p < 0.05)."
    )


def acceptance(scores: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> str:
    """Say whether the default is never below the better leg and well above it on the mean, on the sets that this was promised for."""
    gains = [
        scores["**searchctl**"][name].mean() - max(scores[leg][name].mean() for leg in ("BM25 alone", "vectors alone"))
        for name in PROMISED
    ]
    kept = min(gains) >= -0.003 and np.mean(gains) >= 0.02
    return (
        f"The default beside the better leg on {', '.join(PROMISED)}: {min(gains):+.4f} at worst and {np.mean(gains):+.4f} on "
        f"the mean. Promised were -0.003 and +0.020: {'kept' if kept else 'missed'}."
    )


def measure(options: argparse.Namespace, url: str) -> tuple[dict[str, dict[str, NDArray[np.float64]]], list[str]]:
    """Return nDCG@10 of every question by way and set, and how many questions each set has."""
    scores: dict[str, dict[str, NDArray[np.float64]]] = {method: {} for method in METHODS}
    counts = []
    for name, (corpus, asked) in SETS.items():
        with open_index(corpus, options.data, options.work) as index:
            questions = ask(index, asked, list(read_queries(folder_of(options.data, asked))), options.work)
            chosen = [one for one in questions if one.development == options.development]
            counts.append(f"{name} {len(chosen)}")
            for method, order in METHODS.items():
                scores[method][name] = np.array([NDCG.of(order(one), one.grades) for one in chosen])
            if url and name in PROMISED:
                for method, values in measure_peers(name, index, asked, chosen, options.work, url):
                    scores.setdefault(method, {})[name] = values
    return scores, counts


def measure_peers(
    name: str, index: Index, asked: str, chosen: Sequence[Question], work: Path, url: str
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the same of other systems themselves."""
    texts = [parse_query(one.text).text for one in chosen]
    known = {
        text: one.answer.question.vector.vector
        for text, one in zip(texts, chosen, strict=True)
        if one.answer.question.vector is not None
    }
    encoder = index.encoder
    assert encoder is not None
    remembered = Index(index.engine, index.name, Remembered(encoder, known))
    corpus = corpus_of(SETS[name][0], remembered, known)
    with TemporaryDirectory() as folder:
        for method, answer in [("OpenSearch itself", native(corpus, url)), *peers(corpus, Path(folder))]:
            yield method, np.array([NDCG.of(answer(text), one.grades) for text, one in zip(texts, chosen, strict=True)])
            print(name, method, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--development", action="store_true", help="print the other half, and write nothing")
    parser.add_argument("--peers", action="store_true", help="also ask other systems themselves; starts a node")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with server(NODE) if options.peers else nullcontext("") as url:
        scores, counts = measure(options, url)
    lines = [*table(scores), "", acceptance(scores), "", significance(scores)]
    if options.development:
        print("\n".join(lines))
        return
    about = (
        f"nDCG@10 on questions which the choice of the default never saw ({', '.join(counts)}), with the shipped "
        f'encoder, {WINDOW} candidates a leg. Other systems\' formulas are run on the same two legs; those named "itself" were '
        "asked with the same passages and vectors, and analyse words in their own way."
    )
    save("fusion", "\n".join(["## Joining the legs", "", machine("searchctl", "onnxruntime"), "", about, "", *lines]))


if __name__ == "__main__":
    main()
