"""What does training bring where there are ten examples a label, beside the router that isn't trained? And does pretraining learn?

    python benchmarks/training_heads.py --labelled DIR --texts corpus.jsonl --model MODEL --work FOLDER [--labels 20] [--parts few mlm]
    python benchmarks/training_heads.py --labelled DIR --texts corpus.jsonl --model MODEL --work FOLDER --parts choose

DIR holds labelled sets (`train.jsonl`, perhaps `test.jsonl`, of {"text", "label"}), MODEL the unquantised sentence encoder. Of each
set the first `--labels` labels by name are taken, so that the whole takes minutes: figures are of those labels, not of the set. All
contenders get the same ten examples a label and are asked the same other texts. Classifiers hold a fifth of their examples out, as they
do by default. `texts` are documents ({"title", "text"}) for masked words, `--documents` of them. Time is the processor's, of one thread;
what FOLDER holds already isn't trained again, and its time is kept there. `--parts choose` prints by what the weight of the
calibration's prior was chosen, on sets that aren't in the table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from report import machine, save

from searchctl.encoders import open_encoder
from searchctl.ranking.relevance import calibration_error
from searchctl.routing.calibration import fit_softening
from searchctl.routing.classifier import TrainedClassifier
from searchctl.routing.router import Example, Router
from searchctl.training.classifier import classifier_recipe
from searchctl.training.pretrain import PretrainSettings, pretrain_recipe
from searchctl.training.producing import TrainingReport, produce
from searchctl.training.scratch import Sizes
from searchctl.training.setfit import fit_head, setfit_recipe
from searchctl.training.settings import Schedule, Watch
from searchctl.training.siamese import SiameseSettings, siamese_recipe

SETS = ("banking77-en", "hwu64-ru")
CHOSEN_ON = ("clinc150-en", "bitext-support-en")
SHOTS, TESTED = 10, 1000
SEED = 17


def rows_of(folder: Path, labels: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return ten examples of each of the first labels by name, and other texts of them: the test part's, where there is one."""
    by_label: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read(folder / "train.jsonl"):
        by_label[row["label"]].append(row)
    chosen = sorted(by_label)[:labels]
    random = np.random.default_rng(SEED)
    examples, rest = [], []
    for label in chosen:
        own = [by_label[label][at] for at in random.permutation(len(by_label[label])).tolist()]
        examples += own[:SHOTS]
        rest += own[SHOTS:]
    if (folder / "test.jsonl").is_file():
        rest = [row for row in read(folder / "test.jsonl") if row["label"] in set(chosen)]
    known = {" ".join(row["text"].casefold().split()) for row in examples}
    rest = [row for row in rest if " ".join(row["text"].casefold().split()) not in known]
    return examples, [rest[at] for at in random.permutation(len(rest))[:TESTED].tolist()]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def scores(routes: list[Any], test: list[dict[str, str]]) -> tuple[float, float]:
    """Return accuracy and calibration error."""
    right = np.array([route.candidates[0].label == row["label"] for route, row in zip(routes, test, strict=True)])
    confidence = np.array([route.candidates[0].confidence for route in routes])
    return float(right.mean()), calibration_error(confidence, right, bins=15)


def routed(work: Path, encoder: str | None, examples: list[dict[str, str]], test: list[dict[str, str]]) -> list[Any]:
    shutil.rmtree(work, ignore_errors=True)
    with Router.open(work, encoder=open_encoder(encoder) if encoder else open_encoder()) as router:
        router.add_examples([Example(row["text"], (row["label"],)) for row in examples])
        return router.predict([row["text"] for row in test])


def timed(work: Path, train: Callable[[], TrainingReport]) -> tuple[TrainingReport, float]:
    """Train, and return the seconds of the processor that it took, now or when `work` was trained."""
    kept = work.with_name(f"{work.name}.seconds")
    began = time.process_time()
    report = train()
    if not report.done_before:
        kept.write_text(str(time.process_time() - began))
    return report, float(kept.read_text())


def contenders(folder: Path, model: str, work: Path, labels: int) -> list[str]:
    examples, test = rows_of(folder, labels)
    work.mkdir(parents=True, exist_ok=True)
    data = write(work / "examples.jsonl", examples)
    texts = [row["text"] for row in test]
    lines = []

    def add(name: str, routes: list[Any], report: TrainingReport | None = None, seconds: float = 0.0) -> None:
        accuracy, error = scores(routes, test)
        steps = str(report.card["measured"]["steps"]["taken"]) if report is not None and report.card else "none"
        took = f"{seconds:.0f} s" if report is not None else "0"
        lines.append(f"| {folder.name}, {labels} labels | {name} | {accuracy:.3f} | {error:.3f} | {steps} | {took} |")
        print(lines[-1], flush=True)

    add("the router, shipped encoder", routed(work / "router", None, examples, test))
    schedule = Schedule(threads=1, seed=SEED, max_tokens=64, held_out=0.2, evaluations=2, epochs=2.0)
    recipe = siamese_recipe(data, model, SiameseSettings())
    report, seconds = timed(work / "siamese", lambda: produce(recipe, schedule, work / "siamese", Watch()))
    encoder = str(work / "siamese")
    add("the router, encoder after train siamese", routed(work / "router-2", encoder, examples, test), report, seconds)
    schedule = Schedule(threads=1, seed=SEED, max_tokens=64, held_out=0.2, evaluations=2)
    few = setfit_recipe(data, model, rounds=2, outside=None, all_weights=False)
    report, seconds = timed(work / "setfit", lambda: produce(few, schedule, work / "setfit", Watch()))
    add("train setfit, 2 rounds", TrainedClassifier(work / "setfit").predict(texts), report, seconds)
    schedule = Schedule(threads=1, seed=SEED, max_tokens=64, held_out=0.2, evaluations=5, epochs=10.0, rate=1e-4)
    whole = classifier_recipe(data, model, outside=None, all_weights=False)
    report, seconds = timed(work / "classifier", lambda: produce(whole, schedule, work / "classifier", Watch()))
    add("train classifier, 10 epochs", TrainedClassifier(work / "classifier").predict(texts), report, seconds)
    return lines


def choose(folder: Path) -> None:
    """Print the mean calibration error and surprise of heads that are calibrated on one text a label, by what the prior is worth."""
    encoder = open_encoder()
    for name in CHOSEN_ON:
        by_label: dict[str, list[str]] = defaultdict(list)
        for row in read(folder / name / "train.jsonl"):
            by_label[row["label"]].append(row["text"])
        kept = [list(dict.fromkeys(by_label[label]))[:40] for label in sorted(by_label)[:20]]
        vectors = encoder.encode_queries([text for texts in kept for text in texts])
        owners = np.repeat(np.arange(len(kept)), [len(texts) for texts in kept])
        measured: dict[float, list[tuple[float, float]]] = defaultdict(list)
        for seed in range(8):
            random = np.random.default_rng(seed)
            order = [random.permutation(np.flatnonzero(owners == label)) for label in range(len(kept))]
            learnt, held_out, asked = (
                np.concatenate([rows[part] for rows in order]) for part in (slice(8), slice(8, 9), slice(10, None))
            )
            members = np.eye(len(kept), dtype=np.float32)[owners]
            head = fit_head(vectors[learnt], members[learnt], multi_label=False)
            for worth in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0):
                softening = fit_softening(
                    head.logits(vectors[held_out]),
                    members[held_out],
                    multi_label=False,
                    prior=(1.0, 0.0),
                    least=0.02,
                    worth=worth,
                )
                likely = softening.probabilities(head.logits(vectors[asked]))
                right = likely.argmax(axis=1) == owners[asked]
                surprise = -np.log(likely[np.arange(len(asked)), owners[asked]]).mean()
                measured[worth].append((calibration_error(likely.max(axis=1), right, bins=15), float(surprise)))
        for worth, pairs in measured.items():
            error, surprise = np.mean(pairs, axis=0)
            print(f"{name}: a prior worth {worth:g} examples: calibration error {error:.3f}, surprise {surprise:.3f}")


def pretrained(path: Path, model: str, work: Path, count: int) -> list[str]:
    work.mkdir(parents=True, exist_ok=True)
    rows = [{"text": f"{row.get('title', '')} {row['text']}".strip()} for row in read(path)]
    data = write(work / "texts.jsonl", rows[:count])
    new = PretrainSettings("mlm", "bert", Sizes(4, 256, 128, 8000), lower_case=True)
    trials: list[tuple[str, str | None, PretrainSettings, Schedule]] = [
        ("nothing: BERT of 4 layers, 256 wide", None, new, Schedule(rate=1e-3, epochs=3.0)),
        (
            "the sentence encoder MODEL, whose head for words is new",
            model,
            PretrainSettings("mlm"),
            Schedule(rate=1e-4, epochs=1.0),
        ),
    ]
    lines = []
    for number, (name, base, settings, given) in enumerate(trials):
        schedule = Schedule(given.epochs, 16, given.rate, evaluations=3, threads=1, seed=SEED, max_tokens=128)
        recipe = pretrain_recipe(data, base, settings)
        report, seconds = timed(
            work / f"model-{number}",
            lambda recipe=recipe, schedule=schedule, number=number: produce(  # type: ignore[misc]
                recipe, schedule, work / f"model-{number}", Watch()
            ),
        )
        assert report.card is not None
        measured = report.card["measured"]
        change = next(value for key, value in measured.items() if key.startswith("perplexity"))
        texts, steps = f"{count:,} documents of {path.parent.name}", measured["steps"]["taken"]
        lines.append(
            f"| {texts} | {name} | {change['before']:,.0f} | {change['after']:,.0f} | {steps} | {seconds:.0f} s |"
        )
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--parts", nargs="+", choices=("few", "mlm", "choose"), default=("few", "mlm"))
    given = parser.parse_args()
    where = machine("torch", "transformers", "sentence-transformers", "onnxruntime")
    if "choose" in given.parts:
        choose(given.labelled)
    if "few" in given.parts:
        lines = ["## Trained classifiers beside the router, ten examples a label", "", where, ""]
        lines += [
            "| set | contender | accuracy | calibration error | steps | processor time |",
            "|---|---|---|---|---|---|",
        ]
        for name in given.sets:
            lines += contenders(given.labelled / name, given.model, given.work / name, given.labels)
        save("training-heads", "\n".join(lines))
    if "mlm" in given.parts:
        lines = ["## Pretraining on plain texts: perplexity of hidden words in held-out documents", "", where, ""]
        lines += ["| texts | begins with | before | after | steps | processor time |", "|---|---|---|---|---|---|"]
        lines += pretrained(given.texts, given.model, given.work / "mlm", given.documents)
        save("training-mlm", "\n".join(lines))


if __name__ == "__main__":
    main()
