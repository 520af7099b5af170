"""Can the best hit's relevance tell that nothing in the index answers, and is it a probability?

    python benchmarks/relevance.py --data DIR --work FOLDER

DIR and FOLDER as for benchmarks/fusion.py. Questions about another corpus are the ones without an answer. The default
model is learnt from the development half of all sets (printed, to be copied into relevance.py); the table has the other
half. That a query's alphabet counts was chosen there as well, among measures of how little of the query the index holds.
"Without the set" says how a model learnt from all other corpora does: what a new index gets.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fusion
import numpy as np
from numpy.typing import NDArray
from report import machine, save

from searchctl.ranking.cosine_baseline import foreign_share
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import DEFAULTS, Calibration, auroc, calibration_error, evidence, fit

HITS = 10
TERMS = 6
FOREIGN = (4, 5)
FLAT = Calibration(0.0, 0.0, 0.0, 0.0)
DEFAULT = DEFAULTS["hybrid"]
ABSENT = {  # what is asked where nothing answers it
    "scifact-en": ("xquad-en", "xquad-ru", "danetqa-ru"),
    "xquad-en": ("scifact-en", "danetqa-ru", "demo"),
    "xquad-ru": ("danetqa-ru", "scifact-en"),
    "danetqa-ru": ("xquad-ru", "xquad-en", "scifact-en"),
    "demo": ("xquad-en", "xquad-ru"),
}


@dataclass(frozen=True)
class Judged:
    """The first hits of every question to one corpus: evidence (questions, hits, 6), relevance (questions, hits)."""

    corpus: str
    evidence: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    development: NDArray[np.bool_]

    def half(self, development: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        chosen = self.development == development
        return self.evidence[chosen].reshape(-1, TERMS), self.relevant[chosen].reshape(-1)

    def best(self, model: Calibration, *, development: bool = False) -> NDArray[np.float64]:
        """Return the highest relevance of every question on one side."""
        kept = self.evidence[self.development == development]
        return model.relevance(kept.reshape(-1, TERMS)).reshape(len(kept), -1).max(axis=1)


def judged(corpus: str, asked: str, data: Path, work: Path) -> Judged:
    questions = fusion.questions_of(corpus, asked, data, work)
    documents = max(one.vector.total.value for one in questions)
    questions = [one for one in questions if len(one.vector.ids) >= HITS]  # a few quote what hardly any document has
    rows, relevant = [], []
    for one in questions:
        fused = one.fused(FusionSettings())
        assert fused.lexical is not None
        assert fused.vector is not None
        foreign = foreign_share(one.answer.question.parsed.text, one.schema.background)
        rows.append(evidence(fused.lexical.normalised[:HITS], fused.vector.normalised[:HITS], documents, foreign))
        relevant.append([one.grades.get(id, 0) > 0 for id in fused.ids[:HITS]])
    return Judged(corpus, np.stack(rows), np.array(relevant), np.array([one.development for one in questions]))


def learn(sets: Sequence[Judged], without: int | None = None) -> Calibration:
    """Learn from the development halves, each set counting alike, sets without answers a third.

    `without` is the column of a leg that is taken not to have run.
    """
    rows, relevant = [], []
    random = np.random.default_rng(0)
    for one in sets:
        found, truth = one.half(True)
        drawn = random.integers(0, len(found), 6000 if truth.any() else 2000)
        rows.append(found[drawn])
        relevant.append(truth[drawn])
    everything = np.concatenate(rows)
    if without is not None:
        everything[:, [without, *FOREIGN]] = 0.0  # a leg alone is learnt without
    return fit(everything, np.concatenate(relevant), prior=FLAT, strength=0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    answered = {name: judged(*pair, options.data, options.work) for name, pair in fusion.SETS.items()}
    absent = {
        (corpus, asked): judged(corpus, asked, options.data, options.work)
        for corpus, others in ABSENT.items()
        for asked in others
    }
    everything = [*answered.values(), *absent.values()]
    for mode, without in (("hybrid", None), ("lexical", 2), ("vector", 1)):
        print(f"learnt from all development halves, {mode}: {learn(everything, without)}")
    for least in (0.02, 0.03, 0.05, 0.07, 0.1):
        shares = {name: (one.best(DEFAULT, development=True) >= least).mean() for name, one in answered.items()}
        shares |= {pair: (one.best(DEFAULT, development=True) >= least).mean() for pair, one in absent.items()}
        print(f"taken for answered at {least}: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    lines = [
        "| set | AUROC against questions about other things | calibration error | without the set | fitted |",
        "|---|---|---|---|---|",
    ]
    for name, one in answered.items():
        corpus = fusion.SETS[name][0]
        other = learn([each for each in everything if each.corpus.split("-")[0] != corpus.split("-")[0]])
        own = fit(*one.half(True), prior=DEFAULT)
        areas = [
            f"{auroc(one.best(DEFAULT), no.best(DEFAULT)):.3f} ({asked})"
            for (at, asked), no in absent.items()
            if at == corpus
        ]
        rows, truth = one.half(False)
        errors = [calibration_error(model.relevance(rows), truth) for model in (DEFAULT, other, own)]
        lines.append(f"| {name} | {', '.join(areas)} | " + " | ".join(f"{error:.3f}" for error in errors) + " |")
    about = (
        f"Held-out halves, the first {HITS} hits of each question. Calibration error (ECE, 10 bins) of the default model, of "
        "one learnt without any of the set's corpus, and of the default fitted to the set's development judgements. AUROC of "
        "the best hit's relevance (default model): answerable questions against ones about another corpus."
    )
    title = "## Relevance as a probability, and questions without an answer"
    save("relevance", "\n".join([title, "", machine("searchctl", "onnxruntime"), "", about, "", *lines]))


if __name__ == "__main__":
    main()
