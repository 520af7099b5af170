"""An encoder that learns which texts belong together: from labelled texts, or from questions and the texts that answer them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.errors import UsageError
from searchctl.training.bases import Base, base_revision, load_base
from searchctl.training.encoder_export import export_encoder
from searchctl.training.held_out import Encode, label_goal, retrieval_goal
from searchctl.training.libraries import Libraries
from searchctl.training.losses import DEFAULT_FOR_LABELS, DEFAULT_FOR_PAIRS, LABEL_LOSSES, LossChoice, make_loss
from searchctl.training.pair_rows import LossColumns, columns_of, pairs_of_labels
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import (
    LabelledText,
    TextPair,
    TrainingFile,
    is_labelled,
    read_labelled,
    read_pairs,
)
from searchctl.training.running import TrainingWork
from searchctl.training.settings import Schedule
from searchctl.training.splitting import split_labelled, split_pairs
from searchctl.types import Vectors

_LITTLE = 500  # rows


@dataclass(frozen=True, slots=True)
class SiameseSettings:
    """What decides a siamese training beside the schedule. `loss` None takes the usual one for the data.

    `negatives` texts that don't answer go with each pair; missing ones are mined. `lora` trains small matrices only.
    """

    loss: str | None = None
    margin: float | None = None
    negatives: int = 1
    lora: bool = False
    all_weights: bool = False


@dataclass(frozen=True)
class SiameseRecipe:
    """A `TrainingRecipe`: `base` learns from a file of pairs or of labelled texts."""

    base: str
    rows: tuple[TextPair, ...] | tuple[LabelledText, ...]
    files: tuple[TrainingFile, ...]
    choice: LossChoice
    siamese: SiameseSettings
    command: str = "searchctl train siamese"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        own = self.siamese
        return {
            "loss": self.choice.name,
            "margin": self.choice.effective_margin,
            "negatives": own.negatives,
            "lora": own.lora,
            "all_weights": own.all_weights,
        }

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base)

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load the encoder and make batches of the data ready."""
        own = self.siamese
        base = load_base(libraries, self.base, schedule.max_tokens, layers_only=not own.all_weights, lora=own.lora)
        encode = encoding(base.model, schedule.batch)
        if isinstance(self.rows[0], LabelledText):
            labelled = [row for row in self.rows if isinstance(row, LabelledText)]
            return self._from_labels(libraries, schedule, base, labelled, encode)
        pairs = [row for row in self.rows if isinstance(row, TextPair)]
        return self._from_pairs(libraries, schedule, base, pairs, encode, home)

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Export the encoder."""
        base, texts = prepared.context
        agreement, facts = export_encoder(libraries, base, folder, texts)
        return Written(facts, {"ONNX": agreement.sentence()})

    def _from_labels(
        self, libraries: Libraries, schedule: Schedule, base: Base, rows: Sequence[LabelledText], encode: Encode
    ) -> PreparedTraining:
        split = split_labelled(rows, schedule.held_out, schedule.seed)
        counts = Counter(row.labels[0] for row in split.learnt)
        alone = sorted(label for label, count in counts.items() if count < 2)
        if len(counts) - len(alone) < 2:
            raise UsageError(
                f"{len(counts)} labels, {len(alone)} of them with one text; comparing takes two labels with two texts each at least"
            )
        goal = label_goal(split.held_out, split.learnt, encode) if split.held_out else None
        if self.choice.name in LABEL_LOSSES:
            numbers = {label: number for number, label in enumerate(sorted(counts))}
            table: dict[str, list[Any]] = {
                "text": [row.text for row in split.learnt],
                "label": [numbers[row.labels[0]] for row in split.learnt],
            }
            columns = LossColumns(table, {"text": "query"})
        else:
            columns = pairs_of_labels(split.learnt, self.choice.name, schedule.seed)
        notes = [f"{len(alone)} labels have one text and aren't learnt: {', '.join(alone[:5])}"] if alone else []
        work = self._work(libraries, schedule, base, columns, goal)
        learnt = f"{len(split.learnt):,} texts with {len(counts):,} labels"
        apart = f"{len(split.held_out):,} texts, by label and seed" if split.held_out else _NOTHING_HELD_OUT
        texts = [row.text for row in rows]
        return PreparedTraining(work, learnt, apart, (*notes, *_caution(len(rows))), (base, texts))

    def _from_pairs(
        self,
        libraries: Libraries,
        schedule: Schedule,
        base: Base,
        pairs: Sequence[TextPair],
        encode: Encode,
        home: Path,
    ) -> PreparedTraining:
        split = split_pairs(pairs, schedule.held_out, schedule.seed)
        goal = retrieval_goal(split.held_out, split.learnt, encode) if split.held_out else None
        columns = columns_of(split.learnt, self.choice.name, self.siamese.negatives, base.model, schedule.batch, home)
        work = self._work(libraries, schedule, base, columns, goal)
        documents = len({pair.document for pair in split.learnt})
        learnt = f"{len(split.learnt):,} pairs of {documents:,} documents{columns.remark}"
        apart = (
            f"{len(split.held_out):,} pairs of {len({pair.document for pair in split.held_out}):,} other documents"
            if split.held_out
            else _NOTHING_HELD_OUT
        )
        texts = [text for pair in pairs for text in (pair.query, pair.positive)]
        return PreparedTraining(work, learnt, apart, _caution(len(pairs)), (base, texts))

    def _work(
        self, libraries: Libraries, schedule: Schedule, base: Base, columns: LossColumns, goal: Any
    ) -> TrainingWork:
        by_label = self.choice.name in LABEL_LOSSES
        if by_label and (schedule.batch < 4 or schedule.batch % 2):
            raise UsageError(
                f"the batch is {schedule.batch}; {self.choice.name} takes an even number from 4 on: --batch 16"
            )
        trainers = libraries.sentence_transformers
        prompts = base.model.prompts or {}
        known = {"query": prompts.get("query"), "document": prompts.get("document") or prompts.get("passage")}
        sampler = (
            "group_by_label" if by_label else "no_duplicates" if "negatives" in self.choice.name else "batch_sampler"
        )
        return TrainingWork(
            libraries,
            trainers.SentenceTransformerTrainer,
            trainers.SentenceTransformerTrainingArguments,
            base.model,
            {
                "train_dataset": libraries.datasets.Dataset.from_dict(columns.table),
                "loss": make_loss(self.choice, base.model),
            },
            goal,
            {
                "batch_sampler": sampler,
                "prompts": {name: known[kind] for name, kind in columns.kinds.items() if known[kind]} or None,
            },
        )


_NOTHING_HELD_OUT = "nothing, too few: no early stop, and nothing is known of its worth"


def siamese_recipe(path: Path, base: str, settings: SiameseSettings) -> SiameseRecipe:
    """Read the data and choose the loss for it; raises SourceError, UsageError."""
    labelled = is_labelled(path)
    choice = LossChoice(settings.loss or (DEFAULT_FOR_LABELS if labelled else DEFAULT_FOR_PAIRS), settings.margin)
    if not labelled and choice.name in LABEL_LOSSES:
        raise UsageError(
            f"the loss {choice.name} takes labelled texts, and {path} holds pairs; leave --loss out, or give lines with text and label"
        )
    if labelled:
        labelled_texts, file = read_labelled(path)
        return SiameseRecipe(base, tuple(labelled_texts), (file,), choice, settings)
    pairs, file = read_pairs(path)
    return SiameseRecipe(base, tuple(pairs), (file,), choice, settings)


def encoding(model: Any, batch: int) -> Encode:
    """Return what encodes texts with the model as it is at the moment."""

    def encode(texts: Sequence[str], as_queries: bool) -> Vectors:
        prompts = model.prompts or {}
        prompt = prompts.get("query") if as_queries else prompts.get("document") or prompts.get("passage")
        made = model.encode(
            list(texts), prompt=prompt or None, batch_size=2 * batch, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(made, np.float32)

    return encode


def _caution(rows: int) -> tuple[str, ...]:
    if rows >= _LITTLE:
        return ()
    return (
        f"{rows:,} rows are few: measure on documents that weren't learnt (searchctl evaluate) before you use the model",
    )
