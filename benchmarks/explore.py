"""Topics and duplicates on sets where they are known, and 50,000 texts at once.

    python benchmarks/explore.py --data LABELLED --judged JUDGED --work FOLDER [--only topics|volume|duplicates]

LABELLED holds NAME/train.jsonl with text and label, JUDGED xquad-en and xquad-ru; FOLDER keeps vectors between runs. Defaults of
topics (neighbours, dimensions, the least topic) were chosen on clinc150-en and bitext-support-en, those of duplicates on the
development halves of the demo's tickets/repeats.jsonl and of XQuAD. UMAP + HDBSCAN, as in BERTopic, is compared where
umap-learn is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from quality import load
from report import machine, save
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from searchctl.encoders import open_encoder
from searchctl.explore.cluster import Labels, cluster
from searchctl.explore.duplicates import duplicates
from searchctl.explore.languages import aligned
from searchctl.explore.neighbours import reduced
from searchctl.types import Vectors

TICKETS = Path(__file__).parent.parent / "ingest" / "demo" / "tickets"
CHOSEN_ON = ("clinc150-en", "bitext-support-en")
REPORTED = ("banking77-en", "hwu64-en", "hwu64-ru", "snips-en")
MOST = 5000  # texts of a set
LARGE = 50_000


def rows_of(data: Path, name: str) -> tuple[list[str], list[str]]:
    """Return texts and labels, at most 5,000 of them, drawn with a fixed seed."""
    rows = load(data / name / "train.jsonl")
    drawn = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))[:MOST]]
    return [row["text"] for row in drawn], [row["label"] for row in drawn]


def vectors_of(work: Path, name: str, texts: list[str]) -> Vectors:
    """Return the texts' vectors, from the last run if it kept them."""
    encoder = open_encoder()
    path = work / f"explore-{name}-{len(texts)}-{encoder.revision}.npy"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        np.save(path, encoder.encode_documents(texts))
    found: Vectors = np.load(path)
    return found


def scored(truth: list[str], labels: Labels) -> str:
    """Return topics, the share outside, NMI and ARI of the texts inside, and ARI of all, each outlier by itself."""
    inside = np.flatnonzero(labels >= 0)
    right = [truth[row] for row in inside]
    alone = np.where(labels >= 0, labels, labels.max() + 1 + np.arange(len(labels)))
    return (
        f"{labels.max() + 1} | {1 - len(inside) / len(labels):.2f} "
        f"| {normalized_mutual_info_score(right, labels[inside]):.3f} | {adjusted_rand_score(right, labels[inside]):.3f} "
        f"| {adjusted_rand_score(truth, alone):.3f}"
    )


def dense(space: Vectors, least: int) -> Labels:
    return np.asarray(HDBSCAN(min_cluster_size=least, min_samples=5, copy=True).fit(space).labels_, np.int64)


def umap_and_hdbscan(vectors: Vectors, least: int) -> Labels:
    from umap import UMAP

    space = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=0).fit_transform(vectors)
    return np.asarray(HDBSCAN(min_cluster_size=least, copy=True).fit(space).labels_, np.int64)  # BERTopic's defaults


def topics(data: Path, work: Path) -> None:
    rows = []
    for name in (*CHOSEN_ON, *REPORTED):
        texts, truth = rows_of(data, name)
        vectors, wanted = vectors_of(work, name, texts), len(set(truth))
        least = cluster(texts, vectors).min_size
        ways: dict[str, Callable[[], Labels]] = {
            "searchctl": lambda texts=texts, vectors=vectors: cluster(texts, vectors).labels,
            "PCA + HDBSCAN": lambda texts=texts, vectors=vectors, least=least: dense(
                reduced(aligned(texts, vectors), 50), least
            ),
            "k-means, told the number": lambda vectors=vectors, wanted=wanted: KMeans(
                wanted, n_init=3, random_state=0
            ).fit_predict(vectors),
        }
        if importlib.util.find_spec("umap"):
            ways["UMAP + HDBSCAN"] = lambda vectors=vectors, least=least: umap_and_hdbscan(vectors, least)
        for way, find in ways.items():
            began = time.process_time()
            labels = find()
            took = time.process_time() - began
            mark = f"{name}{' (chosen on)' if name in CHOSEN_ON else ''}, {wanted} labels" if way == "searchctl" else ""
            rows.append(f"| {mark} | {way} | {scored(truth, labels)} | {took:.1f} |")
    head = (
        "| set | way | topics | share outside | NMI | ARI | ARI of all | processor seconds |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    save(
        "topics",
        f"## Topics\n\n{machine('searchctl', 'scikit-learn', 'umap-learn')}\n\nAgreement of topics with the labels people gave "
        f"to {MOST:,} texts of each set at most, the same vectors for all. NMI and ARI are of the texts in a topic, to be read with "
        "the share outside; in the last ARI each text outside is a topic of its own. The least topic has as many texts for all. "
        "Made by `python benchmarks/explore.py`.\n\n" + "\n".join([head, *rows]),
    )


def volume(data: Path, work: Path) -> None:
    texts = list(
        dict.fromkeys(row["text"] for name in (*CHOSEN_ON, *REPORTED) for row in load(data / name / "train.jsonl"))
    )
    chosen = [texts[place] for place in np.random.default_rng(0).permutation(len(texts))[:LARGE]]
    folder = work / "explore-volume"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "texts.jsonl").write_text(
        "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in chosen), encoding="utf-8"
    )
    words = "cluster texts.jsonl --encoder hashing -o map.html --json".split()
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "searchctl", *words], cwd=folder, capture_output=True, check=True)
    took = time.perf_counter() - began
    found = json.loads(done.stdout)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    save(
        "volume",
        f"### {LARGE:,} texts\n\n{machine('searchctl', 'scikit-learn')}\n\n`searchctl cluster` of {found['documents']:,} different "
        f"texts (all sets together, `--encoder hashing`, so that encoding hardly counts), with the map: {took:.0f} s, "
        f"{usage.ru_utime:.0f} s of processor time, {usage.ru_maxrss / 2**20:.2f} GB resident at most. {len(found['topics'])} topics, "
        f"{found['outliers']['share']:.2f} outside; the map has {os.path.getsize(folder / 'map.html') / 1e6:.1f} MB.",
    )


@dataclass(frozen=True, slots=True)
class Known:
    """Texts with their vectors, and the pairs of them that say the same."""

    texts: list[str]
    vectors: Vectors
    pairs: set[tuple[int, int]]

    @property
    def row(self) -> str:
        found = duplicates(self.texts, self.vectors)
        pairs = {
            (one, other)
            for group in found.groups
            for place, one in enumerate(group.members)
            for other in group.members[place + 1 :]
        }
        right = len(pairs & self.pairs)
        return (
            f"{len(self.texts)} | {len(self.pairs)} | {len(pairs)} "
            + (f"| {right / len(pairs):.3f} | {right / len(self.pairs):.3f} " if right else "| - | - ")
            + f"| {found.threshold:.2f}"
        )


def repeated_tickets(half: str, kind: str, work: Path) -> Known:
    """Return half of the tickets, and what says the same as some of them in other words or the other language."""
    tickets = [row["text"] for row in load(TICKETS / "test.jsonl")]
    repeats = load(TICKETS / "repeats.jsonl")
    halves = {row["of"] - 1: row["split"] for row in repeats}
    for number, row in enumerate(sorted(set(range(len(tickets))) - set(halves))):
        halves[row] = "dev" if number % 2 else "test"
    own = [row for row in range(len(tickets)) if halves[row] == half]
    added = [row for row in repeats if row["split"] == half and kind in ("all", row["differs_in"])]
    vectors = vectors_of(work, "tickets", tickets)[own]
    again = vectors_of(work, "repeats", [row["text"] for row in repeats])[[repeats.index(row) for row in added]]
    return Known(
        [tickets[row] for row in own] + [row["text"] for row in added],
        np.concatenate([vectors, again]),
        {(own.index(row["of"] - 1), len(own) + place) for place, row in enumerate(added)},
    )


def passages(judged: Path, half: str, work: Path) -> Known:
    """Return XQuAD's passages, each in English and in Russian."""
    own = slice(0, 120) if half == "dev" else slice(120, 240)
    english, russian = (
        [row["text"] for row in load(judged / f"xquad-{lang}" / "corpus.jsonl")] for lang in ("en", "ru")
    )
    vectors = [vectors_of(work, f"xquad-{lang}", texts)[own] for lang, texts in (("en", english), ("ru", russian))]
    number = len(english[own])
    return Known(english[own] + russian[own], np.concatenate(vectors), {(row, number + row) for row in range(number)})


def alone(known: Known) -> Known:
    """Return the first half of the texts, no two of which say the same."""
    number = len(known.texts) // 2
    return Known(known.texts[:number], known.vectors[:number], set())


def edited(judged: Path, half: str, share: float, work: Path) -> Known:
    """Return XQuAD's Russian passages, half of them once more with a share of the words left out or swapped with the next."""
    own = slice(0, 120) if half == "dev" else slice(120, 240)
    texts = [row["text"] for row in load(judged / "xquad-ru" / "corpus.jsonl")][own]
    random = np.random.default_rng(0)
    copies = []
    for text in texts[::2]:
        words = text.split()
        for place in random.permutation(len(words) - 1)[: round(share * len(words))]:
            words[place], words[place + 1] = (
                ("", words[place + 1]) if random.random() < 0.5 else words[place : place + 2][::-1]
            )
        copies.append(" ".join(filter(None, words)))
    vectors = vectors_of(work, f"edited-{half}-{share}", texts + copies)
    return Known(texts + copies, vectors, {(2 * row, len(texts) + row) for row in range(len(copies))})


def found_duplicates(judged: Path, work: Path) -> None:
    rows = []
    for half in ("dev", "test"):
        role = "chosen on" if half == "dev" else "held out"
        sets = {
            "tickets said again, in other words and languages": repeated_tickets(half, "all", work),
            "… in other words only": repeated_tickets(half, "words", work),
            "… in the other language only": repeated_tickets(half, "language", work),
            "passages in two languages": passages(judged, half, work),
            "passages without any": alone(passages(judged, half, work)),
            "passages with 3 % of the words edited": edited(judged, half, 0.03, work),
            "passages with 10 % of the words edited": edited(judged, half, 0.1, work),
        }
        rows += [f"| {name} | {role} | {known.row} |" for name, known in sets.items()]
    head = "| set | | texts | pairs | found | precision | recall | least cosine |\n|---|---|---|---|---|---|---|---|"
    save(
        "duplicates",
        f"## Duplicates\n\n{machine('searchctl', 'onnxruntime')}\n\nPairs of texts in one group, against the pairs that are known "
        "to say the same, with all defaults. Made by `python benchmarks/explore.py`.\n\n" + "\n".join([head, *rows]),
    )


def main() -> None:
    """Measure and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--judged", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", choices=("topics", "volume", "duplicates"))
    options = parser.parse_args()
    if options.only in (None, "topics"):
        topics(options.data, options.work)
    if options.only in (None, "volume"):
        volume(options.data, options.work)
    if options.only in (None, "duplicates"):
        found_duplicates(options.judged, options.work)


if __name__ == "__main__":
    main()
