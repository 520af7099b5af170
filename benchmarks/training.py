"""What training brings, and what it costs, on judged sets that are split by document.

    python benchmarks/training.py --data DIR --model MODEL_FOLDER --work WORK [--only PART ...] [--steps N]

DIR holds `retrieval/SET` in BEIR's layout and `classification/SET`; MODEL_FOLDER is an unquantised sentence-transformers folder; WORK keeps
folders between runs, since every training goes on where it ended. Parts:

- `static`: a static model distilled from the shipped encoder on scifact's abstracts: nDCG@10 of vector and hybrid search beside the
  shipped one, and texts a second of both;
- `pairs`: pairs of scifact's training judgements, multiple negatives with mined hard ones: nDCG@10 on its test questions before and
  after, for those whose abstract was learnt and for the others apart;
- `adapt`: both ways of adapting, on abstracts alone, the same questions;
- `labels`: batch-hard-soft-margin on 10 examples a label of banking77 and hwu64-ru: accuracy by nearest centroid on their other texts,
  before and after;
- `reranker`: a cross-encoder from mined pairs, hybrid with and without it.

`--documents` is how many abstracts there are to choose from (all judged ones are among them): fewer take less time and make higher figures.
Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from report import machine, save

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.evaluation.dataset import DataSet, read_corpus, read_dataset
from searchctl.evaluation.evaluate import evaluate, temporary_index
from searchctl.evaluation.metrics import Floats, bootstrap_interval, paired_p_value, parse_metric
from searchctl.training.adapt import adapt_recipe
from searchctl.training.card import read_card
from searchctl.training.index_pairs import PairMining, mine_pairs
from searchctl.training.producing import produce
from searchctl.training.reranker import RerankerSettings, reranker_recipe
from searchctl.training.settings import Schedule, Watch
from searchctl.training.siamese import SiameseSettings, siamese_recipe
from searchctl.training.static import StaticSettings, distil_static
from searchctl.types import Document

METRIC = parse_metric("ndcg@10")
SET = "retrieval/scifact-en"
SHOTS = 10
QUIET = Watch()
TITLES = {
    "static": "Training: a static encoder distilled from the shipped one",
    "pairs": "Training: an encoder on judged pairs",
    "adapt": "Training: adapting to texts alone",
    "labels": f"Training: siamese on {SHOTS} examples a label",
    "reranker": "Training: a cross-encoder",
}
lines: list[str] = []


def note(line: str) -> None:
    """Print a line, and keep it for results.md."""
    print(line, flush=True)
    lines.append(f"- {line}")


def measured(card: dict[str, Any] | None) -> str:
    """Return what a folder's card says was measured, in one line."""
    return json.dumps((card or {}).get("measured"), ensure_ascii=False)


def documents_of(data: Path, count: int, judged: Sequence[DataSet]) -> list[Document]:
    """Return so many documents: all judged ones, then others in the corpus' order."""
    wanted = {id for dataset in judged for query in dataset.queries for id in query.grades}
    every = list(read_corpus(data / SET / "corpus.jsonl"))
    chosen = [document for document in every if document.id in wanted]
    others = [document for document in every if document.id not in wanted]
    return [*chosen, *others[: max(0, count - len(chosen))]]


def write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def scores(documents: Sequence[Document], dataset: DataSet, encoder: str, modes: Sequence[str]) -> dict[str, Floats]:
    """Return nDCG@10 of each question, by mode."""
    with temporary_index(documents, encoder=encoder) as index:
        report = evaluate(index, dataset, modes=modes, metrics=[METRIC])
        return {mode: report.scores[mode][METRIC] for mode in modes}


def compared(name: str, before: Floats, after: Floats) -> None:
    change = bootstrap_interval(after - before)
    note(
        f"{name}: {before.mean():.3f} -> {after.mean():.3f}, {change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f}), "
        f"p = {paired_p_value(after, before):.3f}, n = {len(before)}"
    )


def static(options: argparse.Namespace, documents: Sequence[Document], test: DataSet) -> None:
    out = options.static
    if out is None:
        path = write_lines(options.work / "abstracts.jsonl", ({"title": d.title, "text": d.text} for d in documents))
        out = options.work / "static"
        distil_static(path, DEFAULT_ENCODER, out, StaticSettings(), QUIET)
    note(f"measured while it was made: {measured(read_card(out))}")
    texts = [f"{document.title}\n{document.text}" for document in documents[:200]]
    for name in (DEFAULT_ENCODER, str(out)):
        encoder = open_encoder(name)
        encoder.encode_documents(texts[:4])
        began = time.perf_counter()
        encoder.encode_documents(texts)
        note(
            f"{DEFAULT_ENCODER if name == DEFAULT_ENCODER else 'static'}: {len(texts) / (time.perf_counter() - began):.0f} texts/s"
        )
    before = scores(documents, test, DEFAULT_ENCODER, ["vector", "hybrid", "lexical"])
    after = scores(documents, test, str(out), ["vector", "hybrid"])
    note(f"lexical alone: {before['lexical'].mean():.3f}")
    for mode in after:
        compared(f"{mode}, shipped -> static", before[mode], after[mode])


def seen_apart(train: DataSet, test: DataSet) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell of each test question whether an abstract that answers it was a training answer."""
    learnt = {id for query in train.queries for id, grade in query.grades.items() if grade > 0}
    return np.array([any(id in learnt for id, grade in q.grades.items() if grade > 0) for q in test.queries])


def pairs(options: argparse.Namespace, documents: Sequence[Document], test: DataSet) -> None:
    train = read_dataset(options.data / SET, "train")
    path = options.work / "pairs.jsonl"
    if not path.exists():
        with temporary_index(documents) as index:
            mined = mine_pairs(index, PairMining(titles=False, labels=False, negatives=3), train)
        write_lines(path, (pair.to_json() for pair in mined.pairs))
    recipe = siamese_recipe(path, str(options.model), SiameseSettings(negatives=1))
    report = produce(recipe, options.schedule, options.work / "siamese", QUIET)
    note(f"measured while it was made: {measured(report.card)}")
    tell(options, documents, test, "pairs", options.work / "siamese", seen_apart(train, test))


def tell(
    options: argparse.Namespace,
    documents: Sequence[Document],
    test: DataSet,
    name: str,
    out: Path,
    seen: np.ndarray[Any, np.dtype[np.bool_]] | None = None,
) -> None:
    before = scores(documents, test, str(base_folder(options)), ["vector", "hybrid"])
    after = scores(documents, test, str(out), ["vector", "hybrid"])
    for mode in after:
        compared(f"{name}, {mode}", before[mode], after[mode])
        for part, rows in () if seen is None else (("learnt abstracts", seen), ("others", ~seen)):
            if rows.any():
                compared(f"{name}, {mode}, {part}", before[mode][rows], after[mode][rows])


def base_folder(options: argparse.Namespace) -> Path:
    """Return the model as it was, exported as the trained ones are, so that both are int8."""
    import shutil

    from searchctl.training.bases import load_base
    from searchctl.training.card import Card, write_card
    from searchctl.training.encoder_export import export_encoder
    from searchctl.training.libraries import calm, import_libraries

    out: Path = options.work / "base"
    if not (out / "searchctl.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        libraries = import_libraries("the benchmark")
        with calm(libraries):
            _, facts = export_encoder(
                libraries, load_base(libraries, str(options.model), 128), out, ["one text", "another"]
            )
        write_card(out, Card("export", str(options.model), (), {}), facts, "base")
    return out


def adapt(options: argparse.Namespace, documents: Sequence[Document], test: DataSet) -> None:
    path = write_lines(options.work / "abstracts.jsonl", ({"title": d.title, "text": d.text} for d in documents))
    for method in ("inverse-cloze", "tsdae"):
        out = options.work / method
        report = produce(adapt_recipe(path, str(options.model), method, 0), options.schedule, out, QUIET)
        note(f"{method}, measured while it was made: {measured(report.card)}")
        tell(options, documents, test, f"adapt, {method}", out)


def labels(options: argparse.Namespace, documents: Sequence[Document], test: DataSet) -> None:
    for name in ("banking77-en", "hwu64-ru"):
        folder = options.data / "classification" / name
        rows = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
        by_label: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_label[row["label"]].append(row["text"])
        draw = random.Random(0)
        shots = {label: draw.sample(texts, SHOTS) for label, texts in sorted(by_label.items()) if len(texts) > SHOTS}
        path = write_lines(
            options.work / f"{name}.jsonl", ({"text": text, "label": label} for label in shots for text in shots[label])
        )
        shown = {text for texts in shots.values() for text in texts}
        asked = [(row["text"], row["label"]) for row in rows if row["label"] in shots and row["text"] not in shown]
        asked = draw.sample(asked, min(1000, len(asked)))
        out = options.work / f"labels-{name}"
        began = time.monotonic()
        produce(siamese_recipe(path, str(options.model), SiameseSettings()), options.schedule, out, QUIET)
        minutes = (time.monotonic() - began) / 60
        right = [centroids_right(open_encoder(str(folder)), shots, asked) for folder in (base_folder(options), out)]
        compared(f"labels, {name}, accuracy ({minutes:.1f} min)", right[0], right[1])


def centroids_right(encoder: Any, shots: dict[str, list[str]], asked: Sequence[tuple[str, str]]) -> Floats:
    names = list(shots)
    centroids = np.stack([encoder.encode_queries(shots[name]).mean(axis=0) for name in names])
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    found = (encoder.encode_queries([text for text, _ in asked]) @ centroids.T).argmax(axis=1)
    return np.array([names[place] == label for place, (_, label) in zip(found, asked, strict=True)], np.float64)


def reranker(options: argparse.Namespace, documents: Sequence[Document], test: DataSet) -> None:
    path = options.work / "pairs.jsonl"
    if not path.exists():
        raise SystemExit("run the part `pairs` first: it mines what a reranker learns from")
    out = options.work / "reranker"
    produce(reranker_recipe(path, str(options.model), RerankerSettings()), options.schedule, out, QUIET)
    found = scores(documents, test, DEFAULT_ENCODER, ["hybrid", f"hybrid+{out}", "hybrid+maxsim"])
    for mode in list(found)[1:]:
        compared(f"reranker, {mode}", found["hybrid"], found[mode])


PARTS = {"static": static, "pairs": pairs, "adapt": adapt, "labels": labels, "reranker": reranker}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--documents", type=int, default=5183)
    parser.add_argument(
        "--static", type=Path, help="a folder of searchctl train distil --to static, instead of a new one"
    )
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--evaluations", type=int, default=4)
    options = parser.parse_args()
    options.schedule = Schedule(epochs=options.epochs, evaluations=options.evaluations)
    whole = read_dataset(options.data / SET, "test")
    test = DataSet(whole.name, whole.queries[: options.questions])
    train = read_dataset(options.data / SET, "train")
    documents = documents_of(options.data, options.documents, [test, train])
    print(f"{len(documents)} documents, {len(test.queries)} questions")
    for name in options.only:
        began = time.monotonic()
        lines.clear()
        PARTS[name](options, documents, test)
        note(f"it took {(time.monotonic() - began) / 60:.1f} min")
        about = machine("searchctl", "torch", "sentence-transformers")
        what = (
            f"{len(documents)} abstracts of scifact-en, {len(test.queries)} test questions, nDCG@10"
            if name != "labels"
            else ""
        )
        save(f"training-{name}", f"## {TITLES[name]}\n\n{about}\n\n{what}\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
