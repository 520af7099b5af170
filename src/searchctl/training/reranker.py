"""A cross-encoder that learns to put the text that answers above those that only look like it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import UsageError
from searchctl.models.export import export
from searchctl.models.sentences import batches_of_features
from searchctl.training.bases import base_revision, load_cross_encoder
from searchctl.training.libraries import Libraries
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import TextPair, TrainingFile, read_pairs
from searchctl.training.running import TrainingWork
from searchctl.training.settings import Goal, Schedule
from searchctl.training.splitting import Split, split_pairs

WEIGHT = 0.5  # of its score against the fused one, as for `maxsim`: chosen there, and cautious here
_CANDIDATES = 10
_QUERIES = 200
_LITTLE = 2000  # pairs; from as many, tools/train_reranker.py learnt to do worse than the fused order

Rows = list[tuple[str, str, float]]


@dataclass(frozen=True, slots=True)
class RerankerSettings:
    """What decides the training of a cross-encoder beside the schedule.

    `negatives` texts go with each answer; where a pair has fewer, texts of other documents are drawn. `weight` in [0, 1] is how
    much its score counts against the fused one when it reranks.
    """

    negatives: int = 3
    weight: float = WEIGHT
    all_weights: bool = False


@dataclass(frozen=True)
class RerankerRecipe:
    """A `TrainingRecipe`: `base`, an encoder or a cross-encoder, learns from pairs with negatives."""

    base: str
    pairs: tuple[TextPair, ...]
    files: tuple[TrainingFile, ...]
    reranker: RerankerSettings
    command: str = "searchctl train reranker"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        own = self.reranker
        return {"negatives": own.negatives, "weight": own.weight, "all_weights": own.all_weights}

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base)

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load the model and make rows of the pairs ready."""
        base = load_cross_encoder(libraries, self.base, schedule.max_tokens, layers_only=not self.reranker.all_weights)
        split = split_pairs(self.pairs, schedule.held_out, schedule.seed)
        rows = _rows(split.learnt, self.reranker.negatives, schedule.seed)
        goal = _goal(split, base.model, 2 * schedule.batch, schedule.seed) if split.held_out else None
        queries, texts, labels = (list(column) for column in zip(*rows, strict=True))
        trainers = libraries.sentence_transformers.cross_encoder
        work = TrainingWork(
            libraries,
            trainers.CrossEncoderTrainer,
            trainers.CrossEncoderTrainingArguments,
            base.model,
            {
                "train_dataset": libraries.datasets.Dataset.from_dict(
                    {"query": queries, "text": texts, "label": labels}
                ),
                "loss": trainers.losses.BinaryCrossEntropyLoss(base.model),
            },
            goal,
        )
        drawn = sum(len(pair.negatives) < self.reranker.negatives for pair in split.learnt)
        notes = []
        if drawn:
            notes.append(
                f"{drawn:,} of {len(split.learnt):,} pairs have fewer than {self.reranker.negatives} negatives; texts of other "
                "documents were drawn for them, which are easy: searchctl train pairs finds hard ones"
            )
        if len(self.pairs) < _LITTLE:
            notes.append(
                f"{len(self.pairs):,} pairs are few for a cross-encoder: with some two thousand one learnt to do worse than the fused "
                "order; measure: searchctl evaluate --modes hybrid,hybrid+FOLDER"
            )
        held_out = f"{len(split.held_out):,} pairs of other documents" if split.held_out else "nothing, too few"
        probes = rows[:: max(1, len(rows) // 32)]
        return PreparedTraining(
            work, f"{len(rows):,} texts of {len(split.learnt):,} pairs", held_out, tuple(notes), (base, probes)
        )

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Export the cross-encoder."""
        base, probes = prepared.context
        model = base.model.cpu().float().eval()
        model.max_seq_length = base.longest
        model.save(str(folder), create_model_card=False)
        pairs = [(query, text) for query, text, _ in probes]
        agreement = export(
            libraries.torch,
            _logits(libraries, model),
            batches_of_features(model, pairs),
            folder,
            ["logits"],
            likeness=_score_agreement,
            measure="agreement of scores (1 - difference)",
        )
        config = folder / "config.json"
        settings = json.loads(config.read_text(encoding="utf-8"))
        settings["rerank_weight"] = self.reranker.weight
        config.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return Written({"kind": "reranker", "weight": self.reranker.weight}, {"ONNX": agreement.sentence()})


def reranker_recipe(path: Path, base: str, settings: RerankerSettings) -> RerankerRecipe:
    """Read the pairs; raises SourceError, UsageError."""
    pairs, file = read_pairs(path)
    if any(pair.score is not None for pair in pairs):
        raise UsageError(
            f"{path} has scored pairs; a reranker learns from answers with negatives: searchctl train pairs"
        )
    return RerankerRecipe(base, tuple(pairs), (file,), settings)


def _rows(pairs: Sequence[TextPair], negatives: int, seed: int) -> Rows:
    """Return each question with its answer (1) and with so many texts that don't answer (0)."""
    draw = random.Random(seed)  # noqa: S311
    rows: Rows = []
    for pair, others in zip(pairs, _negatives(pairs, pairs, negatives, draw), strict=True):
        rows.append((pair.query, pair.positive, 1.0))
        rows += [(pair.query, text, 0.0) for text in others]
    return rows


def _negatives(
    pairs: Sequence[TextPair], corpus: Sequence[TextPair], count: int, draw: random.Random
) -> list[tuple[str, ...]]:
    """Return `count` negatives for each pair: its own, then texts of other documents of the corpus."""
    right: dict[str, set[str]] = {}
    for pair in pairs:
        right.setdefault(pair.query, set()).add(pair.positive)
    found = []
    for pair in pairs:
        own = list(pair.negatives[:count])
        for other in draw.sample(corpus, min(len(corpus), 4 * count)):
            if len(own) >= count:
                break
            if other.document != pair.document and other.positive not in (*right[pair.query], *own):
                own.append(other.positive)
        found.append(tuple(own))
    return found


def _goal(split: Split[TextPair], model: Any, batch: int, seed: int) -> Goal:
    """Return MRR of held-out answers, each among texts that look like it."""
    pairs = split.held_out[:_QUERIES]
    others = _negatives(pairs, (*split.learnt, *split.held_out), _CANDIDATES - 1, random.Random(seed))  # noqa: S311
    texts = [(pair.query, text) for pair, own in zip(pairs, others, strict=True) for text in (pair.positive, *own)]
    sizes = [1 + len(own) for own in others]

    def measure() -> float:
        scores = np.asarray(model.predict(texts, batch_size=batch, show_progress_bar=False), np.float64)
        groups = np.split(scores, np.cumsum(sizes)[:-1])
        return float(np.mean([1.0 / (1 + int((group[1:] >= group[0]).sum())) for group in groups]))

    return Goal(f"mrr of {len(pairs):,} held-out answers, each among {_CANDIDATES} texts at most", measure)


def _logits(libraries: Libraries, model: Any) -> Any:
    """Return the network as a module that takes tensors and gives one logit a pair: (n, 1)."""
    torch = libraries.torch

    class Logits(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = model.model

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            given = {"input_ids": input_ids, "attention_mask": attention_mask}
            if token_type_ids is not None:
                given["token_type_ids"] = token_type_ids
            return self.network(**given).logits

    return Logits()


def _score_agreement(made: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return 1 - difference of the scores in [0, 1] that two columns of logits mean: (n,)."""
    first, second = (1.0 / (1.0 + np.exp(-logits[:, 0].astype(np.float64))) for logits in (made, expected))
    return np.asarray(1.0 - np.abs(first - second), np.float64)
