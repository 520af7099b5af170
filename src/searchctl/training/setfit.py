"""SetFit's recipe on the sentence-transformers trainer: an encoder learns from pairs of few texts, then a linear head on its vectors.

Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts": pairs of texts of one label are pulled together, of two labels
pushed apart, and a logistic regression is fitted to the vectors.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import UsageError
from searchctl.routing.classifier import ClassifierSettings
from searchctl.training.bases import Base, base_revision, load_base
from searchctl.training.class_parts import ClassParts, part_labelled
from searchctl.training.classifier_export import export_classifier, log_loss
from searchctl.training.libraries import Libraries
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import LabelledText, TrainingFile, read_labelled
from searchctl.training.running import TrainingWork
from searchctl.training.settings import Goal, Schedule

HEAD_FILE = "head.safetensors"
_INVERSE_PENALTY = 30.0  # C of the logistic regression: the best of 1, 10, 30, 100 in benchmarks/routing.py --choose
_NEVER = -20.0  # logit of a label that no learnt text has
_MOST_PAIRS = 2_000_000

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits of vectors: `weights` (outputs, dim) and `bias` (outputs,)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, outputs)."""
        return np.asarray(vectors @ self.weights.T + self.bias, np.float32)


@dataclass(frozen=True)
class SetfitRecipe:
    """A `Recipe`: `base` learns from `rounds` pairs of each kind a text, then a head is fitted. See `ClassifierRecipe`."""

    base: str
    rows: tuple[LabelledText, ...]
    files: tuple[TrainingFile, ...]
    rounds: int = 5
    outside: str | None = None
    all_weights: bool = False
    command: str = "searchctl train setfit"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        return {"rounds": self.rounds, "outside": self.outside, "all_weights": self.all_weights}

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base)

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load the encoder and draw the pairs."""
        parts = part_labelled(self.rows, schedule.held_out, schedule.seed, self.outside)
        base = load_base(libraries, self.base, schedule.max_tokens, layers_only=not self.all_weights)
        prompt = (base.model.prompts or {}).get("query") or ""
        encode = _encoding(base, prompt, schedule.batch)
        table = contrastive_pairs(parts, self.rounds, schedule.seed)
        library = libraries.sentence_transformers
        losses = importlib.import_module("sentence_transformers.sentence_transformer.losses")
        prompts = {"sentence1": prompt, "sentence2": prompt} if prompt else None
        work = TrainingWork(
            libraries,
            library.SentenceTransformerTrainer,
            library.SentenceTransformerTrainingArguments,
            base.model,
            {
                "train_dataset": libraries.datasets.Dataset.from_dict(table),
                "loss": losses.CosineSimilarityLoss(base.model),
            },
            _goal(parts, encode) if parts.held_out else None,
            {"prompts": prompts},
        )
        learnt, held_out = parts.describe()
        learnt += f"; {len(table['label']):,} pairs of them"
        return PreparedTraining(work, learnt, held_out, parts.notes, (base, parts, prompt, encode, schedule.max_tokens))

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Fit the head to what the encoder has become, and export both as one network."""
        base, parts, prompt, encode, max_tokens = prepared.context
        model = base.model.cpu().float().eval()
        head = fit_head(encode([row.text for row in parts.learnt]), parts.members(parts.learnt), parts.multi_label)
        model.save(str(folder), create_model_card=False)
        _save_head(folder / HEAD_FILE, head)
        settings = ClassifierSettings(
            parts.labels,
            parts.multi_label,
            parts.outside,
            min(max_tokens, base.longest),
            int(model.tokenizer.pad_token_id or 0),
            prompt,
        )

        def tokenize(texts: Sequence[str]) -> Any:
            made = model.preprocess(list(texts)) if hasattr(model, "preprocess") else model.tokenize(list(texts))
            return {name: value for name, value in made.items() if hasattr(value, "shape")}

        network = _with_head(libraries, model, head)
        return export_classifier(libraries, network, tokenize, folder, parts, settings)


def setfit_recipe(path: Path, base: str, *, rounds: int, outside: str | None, all_weights: bool) -> SetfitRecipe:
    """Read the labelled texts; raises SourceError."""
    rows, file = read_labelled(path)
    return SetfitRecipe(base, tuple(rows), (file,), rounds, outside, all_weights)


def contrastive_pairs(parts: ClassParts, rounds: int, seed: int) -> dict[str, list[Any]]:
    """Return for each learnt text so many partners of its own label, alike by 1, and as many of others, alike by 0.

    Texts that have several labels are alike by the share of labels that both have. Raises UsageError where nothing can be paired.
    """
    random = np.random.default_rng(seed)
    members = parts.members(parts.learnt) > 0
    overlap = members.astype(np.float32) @ members.T.astype(np.float32)
    sizes = members.sum(axis=1)
    union = np.maximum(sizes[:, None] + sizes[None, :] - overlap, 1)
    if 2 * rounds * len(members) > _MOST_PAIRS:
        raise UsageError(f"{2 * rounds * len(members):,} pairs are too many; give fewer --rounds than {rounds}")
    table: dict[str, list[Any]] = {"sentence1": [], "sentence2": [], "label": []}
    for row in range(len(members)):
        own = np.flatnonzero(overlap[row] > 0)
        own, others = own[own != row], np.flatnonzero(overlap[row] == 0)
        for kind in (own, others):
            for partner in random.choice(kind, rounds).tolist() if len(kind) else []:
                table["sentence1"].append(parts.learnt[row].text)
                table["sentence2"].append(parts.learnt[partner].text)
                table["label"].append(float(overlap[row, partner] / union[row, partner]))
    if not any(table["label"]):
        raise UsageError(
            "every label has one text, so none can be paired with its like; give two texts a label at least"
        )
    return table


def fit_head(vectors: NDArray[np.float32], members: NDArray[np.float32], multi_label: bool) -> LinearHead:
    """Fit a logistic regression to vectors (n, dim) and what each output should be (n, outputs) of 0 and 1."""
    if multi_label:
        columns = [_one_against_all(vectors, members[:, output] > 0) for output in range(members.shape[1])]
        return LinearHead(
            np.stack([weights for weights, _ in columns]), np.array([bias for _, bias in columns], np.float32)
        )
    truth = members.argmax(axis=1)
    model = _regression(vectors, truth)
    weights = np.zeros((members.shape[1], vectors.shape[1]), np.float32)
    bias = np.full(members.shape[1], _NEVER, np.float32)
    if len(model.classes_) == 2:  # one line between the two
        weights[model.classes_] = np.stack([-model.coef_[0] / 2, model.coef_[0] / 2])
        bias[model.classes_] = [-model.intercept_[0] / 2, model.intercept_[0] / 2]
    else:
        weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    return LinearHead(weights, bias)


def _one_against_all(vectors: NDArray[np.float32], own: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
    if own.all() or not own.any():
        return np.zeros(vectors.shape[1], np.float32), -_NEVER if own.all() else _NEVER
    model = _regression(vectors, own.astype(int))
    return np.asarray(model.coef_[0], np.float32), float(model.intercept_[0])


def _regression(vectors: NDArray[np.float32], truth: NDArray[Any]) -> Any:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it might be a little better with more steps
        return LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000).fit(vectors, truth)


def _encoding(base: Base, prompt: str, batch: int) -> Encode:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        made = base.model.encode(
            list(texts), prompt=prompt or None, batch_size=2 * batch, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(made, np.float32)

    return encode


def _goal(parts: ClassParts, encode: Encode) -> Goal:
    learnt, held_out = parts.members(parts.learnt), parts.members(parts.held_out)

    def measure() -> float:
        head = fit_head(encode([row.text for row in parts.learnt]), learnt, parts.multi_label)
        logits = head.logits(encode([row.text for row in parts.held_out]))
        return log_loss(logits, held_out, multi_label=parts.multi_label)

    return Goal(f"log loss of {len(held_out):,} held-out texts", measure, higher_is_better=False)


def _save_head(path: Path, head: LinearHead) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": head.weights, "bias": head.bias}, path, metadata={"format": "1"})


def _with_head(libraries: Libraries, model: Any, head: LinearHead) -> Any:
    """Return encoder and head as a module that takes tensors by position and gives logits."""
    torch = libraries.torch

    class Headed(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.linear = torch.nn.Linear(head.weights.shape[1], head.weights.shape[0])
            with torch.no_grad():
                self.linear.weight.copy_(torch.from_numpy(head.weights))
                self.linear.bias.copy_(torch.from_numpy(head.bias))

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if token_type_ids is not None:
                features["token_type_ids"] = token_type_ids
            vectors = self.model(features)["sentence_embedding"]
            return self.linear(torch.nn.functional.normalize(vectors, dim=-1))

    return Headed()
