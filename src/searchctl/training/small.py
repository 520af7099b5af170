"""Distilling an encoder into one with fewer layers: quicker in proportion, and near to its teacher on one's own texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.errors import UsageError
from searchctl.training.bases import Base, base_revision, load_base
from searchctl.training.encoder_export import export_encoder
from searchctl.training.libraries import Libraries
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import TrainingFile, read_texts
from searchctl.training.running import TrainingWork
from searchctl.training.settings import Goal, Schedule
from searchctl.training.splitting import is_held_out
from searchctl.types import Vectors

_LEAST = 100
_MEASURED = 200  # held-out texts, at most
_SENTENCE = re.compile(r"[^.!?…\n]{8,200}[.!?…]?")
_TEACHER = "teacher.npy"


@dataclass(frozen=True)
class SmallRecipe:
    """A `TrainingRecipe`: an encoder with `layers` of its teacher's layers learns the teacher's vectors of texts.

    Each text is learnt as a document, and its first sentence as a query, with the teacher's own prefixes.
    """

    base: str
    texts: tuple[str, ...]
    files: tuple[TrainingFile, ...]
    layers: int
    command: str = "searchctl train distil --to small"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        return {"layers": self.layers}

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base)

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Encode the texts by the teacher, once, and take layers out of a copy of it."""
        base = load_base(libraries, self.base, schedule.max_tokens)
        parts: tuple[list[str], list[str]] = ([], [])
        for text in self.texts:
            parts[is_held_out(text, schedule.held_out, schedule.seed)].append(text)
        prompts = base.model.prompts or {}
        learnt, held_out = (_with_prompts(part, prompts) for part in parts)
        held_out = held_out[:: max(1, len(held_out) // _MEASURED)]
        vectors = _teacher_vectors(base.model, [*learnt, *held_out], 2 * schedule.batch, home)
        before = keep_layers(base.model, self.layers)
        losses = libraries.sentence_transformers.sentence_transformer.losses
        table = {"text": learnt, "label": vectors[: len(learnt)].tolist()}
        work = TrainingWork(
            libraries,
            libraries.sentence_transformers.SentenceTransformerTrainer,
            libraries.sentence_transformers.SentenceTransformerTrainingArguments,
            base.model,
            {"train_dataset": libraries.datasets.Dataset.from_dict(table), "loss": losses.EmbedDistillLoss(base.model)},
            _goal(base, held_out, vectors[len(learnt) :], 2 * schedule.batch) if held_out else None,
        )
        notes = (
            f"{self.layers} of the teacher's {before} layers; measure in search before using it (searchctl evaluate)",
        )
        apart = f"{len(parts[1]):,} other texts" if held_out else "nothing, too few"
        return PreparedTraining(work, f"{len(parts[0]):,} texts", apart, notes, (base, self.texts))

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Export the encoder."""
        base, texts = prepared.context
        agreement, facts = export_encoder(libraries, base, folder, texts)
        return Written(facts, {"ONNX": agreement.sentence()})


def small_recipe(path: Path, base: str, layers: int) -> SmallRecipe:
    """Read the texts; raises SourceError, UsageError."""
    texts, file = read_texts(path)
    unique = tuple(dict.fromkeys(texts))
    if len(unique) < _LEAST:
        raise UsageError(
            f"{len(unique):,} different texts are too few to distil from; give {_LEAST} at least, some thousands are better"
        )
    return SmallRecipe(base, unique, (file,), layers)


def keep_layers(model: Any, count: int) -> int:
    """Leave `count` layers in a model's transformer, evenly spread from the first to the last; return how many there were.

    Raises UsageError where there aren't more.
    """
    network = getattr(model[0], "auto_model", None) or model[0].model
    there = int(getattr(network.config, "num_hidden_layers", 0))
    if not 0 < count < there:
        raise UsageError(f"the teacher has {there} layers, so its student can have 1 to {there - 1}; give --layers N")
    kept = np.unique(np.linspace(0, there - 1, count).round().astype(int)).tolist() if count > 1 else [there - 1]
    for module in network.modules():
        for name, child in module.named_children():
            if type(child).__name__ == "ModuleList" and len(child) == there:
                setattr(module, name, type(child)([child[place] for place in kept]))
                network.config.num_hidden_layers = count
                return there
    raise UsageError("this kind of model has no list of layers that could be shortened; give another with --from")


def _with_prompts(texts: Sequence[str], prompts: Mapping[str, str]) -> list[str]:
    document = prompts.get("document") or prompts.get("passage") or ""
    made = [document + text for text in texts]
    sentences = (_SENTENCE.search(text) for text in texts)
    return made + [(prompts.get("query") or "") + found[0].strip() for found in sentences if found]


def _teacher_vectors(model: Any, texts: Sequence[str], batch: int, home: Path) -> Vectors:
    home.mkdir(parents=True, exist_ok=True)
    path = home / _TEACHER
    if not path.is_file():
        vectors = model.encode(list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
        with path.with_suffix(".tmp").open("wb") as file:
            np.save(file, np.asarray(vectors, np.float32), allow_pickle=False)
        path.with_suffix(".tmp").replace(path)
    return np.asarray(np.load(path, allow_pickle=False), np.float32)


def _goal(base: Base, texts: Sequence[str], vectors: Vectors, batch: int) -> Goal:
    def measure() -> float:
        made = base.model.encode(list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
        return float((np.asarray(made) * vectors).sum(axis=1).mean())

    return Goal(f"mean cosine with the teacher of {len(texts):,} held-out texts and first sentences", measure)
