"""Topics and duplicates on labelled sets: what `searchctl cluster` and `duplicates` find with the shipped encoder.

Defaults (neighbours, dimensions, the least topic) were chosen on clinc150-en and bitext-support-en; the other sets were only
measured. `--data` is the folder of labelled sets (`NAME/train.jsonl` with text and label), `--work` keeps vectors between runs.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from report import machine, save
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from searchctl.encoders import open_encoder
from searchctl.explore.cluster import Labels, cluster
from searchctl.explore.languages import aligned
from searchctl.explore.neighbours import reduced
from searchctl.types import Vectors

CHOSEN_ON = ("clinc150-en", "bitext-support-en")
REPORTED = ("banking77-en", "hwu64-en", "hwu64-ru", "snips-en")
MOST = 2000  # texts of a set


def rows_of(data: Path, name: str) -> tuple[list[str], list[str]]:
    """Return texts and labels, at most 2,000 of them, drawn with a fixed seed."""
    lines = (data / name / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(lines[place]) for place in np.random.default_rng(0).permutation(len(lines))[:MOST]]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def vectors_of(work: Path, name: str, texts: list[str]) -> Vectors:
    """Return the texts' vectors, from the last run if it kept them."""
    path = work / f"explore-{name}-{len(texts)}.npy"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        np.save(path, open_encoder().encode_documents(texts))
    found: Vectors = np.load(path)
    return found


def scored(truth: list[str], labels: Labels) -> str:
    """Return coverage, and NMI and ARI of the texts that are in a topic."""
    inside = np.flatnonzero(labels >= 0)
    right = [truth[row] for row in inside]
    mutual = normalized_mutual_info_score(right, labels[inside])
    rand = adjusted_rand_score(right, labels[inside])
    return f"{labels.max() + 1} | {len(inside) / len(labels):.2f} | {mutual:.3f} | {rand:.3f}"


def plain(texts: list[str], vectors: Vectors, least: int) -> Labels:
    """Return what HDBSCAN finds after PCA to 50 dimensions: the usual way without UMAP."""
    space = reduced(aligned(texts, vectors), 50)
    return np.asarray(HDBSCAN(min_cluster_size=least, min_samples=5, copy=True).fit(space).labels_, np.int64)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    lines = []
    for name in (*CHOSEN_ON, *REPORTED):
        texts, truth = rows_of(options.data, name)
        vectors = vectors_of(options.work, name, texts)
        began = time.perf_counter()
        found = cluster(texts, vectors)
        took = time.perf_counter() - began
        role = "chosen on" if name in CHOSEN_ON else "reported"
        lines.append(
            f"| {name} | {role} | {len(set(truth))} | {scored(truth, found.labels)} | {took:.1f} "
            f"| {scored(truth, plain(texts, vectors, found.min_size))} |"
        )
    head = (
        "| set | | labels | topics | coverage | NMI | ARI | seconds | PCA + HDBSCAN: topics | coverage | NMI | ARI |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    save(
        "explore",
        f"## Topics\n\n{machine('searchctl', 'scikit-learn')}\n\n{MOST} texts of each set at most. NMI and ARI are of the "
        "texts that are in a topic, so they are to be read with the coverage. Defaults were chosen on the first two sets.\n\n"
        + "\n".join([head, *lines]),
    )


if __name__ == "__main__":
    main()
