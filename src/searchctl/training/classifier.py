"""A classifier by fine-tuning a whole transformer with a head on top: one label a text, or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.encoders.settings import read_settings
from searchctl.errors import EncoderUnavailable
from searchctl.models.hub import first_line, is_offline
from searchctl.routing.classifier import ClassifierSettings
from searchctl.settings.paths import user_path
from searchctl.training.bases import base_revision
from searchctl.training.class_parts import ClassParts, part_labelled
from searchctl.training.classifier_export import export_classifier, log_loss
from searchctl.training.libraries import Libraries
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import LabelledText, TrainingFile, read_labelled
from searchctl.training.running import TrainingWork
from searchctl.training.scratch import longest_text, without_dropout
from searchctl.training.settings import Goal, Schedule

_FEW = 8  # texts a label, below which the router and SetFit have usually been better


@dataclass(frozen=True, slots=True)
class HeadedModel:
    """A transformer with a head, its tokenizer, the prefix that its texts begin with, and how many tokens it reads."""

    network: Any
    tokenizer: Any
    prefix: str
    max_tokens: int


@dataclass(frozen=True)
class ClassifierRecipe:
    """A `Recipe`: `base` gets a head and learns labels. `outside` is the label of texts that belong to none."""

    base: str
    rows: tuple[LabelledText, ...]
    files: tuple[TrainingFile, ...]
    outside: str | None = None
    all_weights: bool = False
    command: str = "searchctl train classifier"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        return {"outside": self.outside, "all_weights": self.all_weights}

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base)

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load the transformer, give it a head, and tokenize the texts."""
        parts = part_labelled(self.rows, schedule.held_out, schedule.seed, self.outside)
        headed = load_headed(libraries, self.base, parts, schedule.max_tokens, all_weights=self.all_weights)
        goal = _goal(libraries, headed, parts, schedule.batch) if parts.held_out else None
        work = TrainingWork(
            libraries,
            libraries.transformers.Trainer,
            libraries.transformers.TrainingArguments,
            headed.network,
            {"train_dataset": _rows(headed, parts), "data_collator": _collator(libraries, headed, parts.multi_label)},
            goal,
        )
        learnt, held_out = parts.describe()
        return PreparedTraining(work, learnt, held_out, (*parts.notes, *_caution(parts)), (headed, parts))

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Export the classifier."""
        headed, parts = prepared.context
        network = headed.network.cpu().float().eval()
        network.save_pretrained(str(folder))
        headed.tokenizer.save_pretrained(str(folder))
        settings = ClassifierSettings(
            parts.labels,
            parts.multi_label,
            parts.outside,
            headed.max_tokens,
            int(headed.tokenizer.pad_token_id or 0),
            headed.prefix,
        )

        def tokenize(texts: Sequence[str]) -> Any:
            return dict(_tokens(headed, texts, return_tensors="pt", padding=True))

        return export_classifier(libraries, _logits_only(libraries, network), tokenize, folder, parts, settings)


def classifier_recipe(path: Path, base: str, *, outside: str | None, all_weights: bool) -> ClassifierRecipe:
    """Read the labelled texts; raises SourceError."""
    rows, file = read_labelled(path)
    return ClassifierRecipe(base, tuple(rows), (file,), outside, all_weights)


def load_headed(
    libraries: Libraries, name: str, parts: ClassParts, max_tokens: int, *, all_weights: bool
) -> HeadedModel:
    """Return a transformer with a new head, without dropout; raises EncoderUnavailable.

    Unless `all_weights` learn, the word embeddings stay as they are: most of the weights, and hardly any of the gain.
    """
    folder = user_path(name)
    place, local = (str(folder), True) if folder.is_dir() else (name, is_offline())
    library = libraries.transformers
    try:
        config = library.AutoConfig.from_pretrained(place, local_files_only=local)
        without_dropout(config)
        config.num_labels = parts.outputs
        names = [*parts.labels, "no label"][: parts.outputs]
        config.id2label = dict(enumerate(names))
        config.label2id = {label: number for number, label in enumerate(names)}
        config.problem_type = "multi_label_classification" if parts.multi_label else "single_label_classification"
        tokenizer = library.AutoTokenizer.from_pretrained(place, local_files_only=local, use_fast=True)
        network = library.AutoModelForSequenceClassification.from_pretrained(
            place, config=config, local_files_only=local, ignore_mismatched_sizes=True
        ).float()
    except Exception as error:  # noqa: BLE001 - the libraries' errors have no common base class
        raise EncoderUnavailable(
            f"can't load '{name}' to train it as a classifier: {first_line(error)}; give a Hugging Face folder with --from"
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderUnavailable(
            f"'{name}' has no fast tokenizer (tokenizer.json), which inference takes; give another with --from"
        )
    if not all_weights:
        for parameter in network.get_input_embeddings().parameters():
            parameter.requires_grad_(False)
    prefix = read_settings(folder).query_prefix if folder.is_dir() else ""
    return HeadedModel(network, tokenizer, prefix, min(max_tokens, longest_text(config, tokenizer)))


def _tokens(headed: HeadedModel, texts: Sequence[str], **settings: Any) -> Any:
    given = [headed.prefix + text for text in texts]
    return headed.tokenizer(given, truncation=True, max_length=headed.max_tokens, **settings)


def _rows(headed: HeadedModel, parts: ClassParts) -> list[dict[str, Any]]:
    """Return the rows to learn from, tokenized: a label's number for each, or all outputs where a text has several."""
    tokens = _tokens(headed, [row.text for row in parts.learnt])
    members = parts.members(parts.learnt)
    targets: list[Any] = members.tolist() if parts.multi_label else members.argmax(axis=1).tolist()
    return [
        {**{name: values[row] for name, values in tokens.items()}, "labels": target}
        for row, target in enumerate(targets)
    ]


def _collator(libraries: Libraries, headed: HeadedModel, multi_label: bool) -> Any:
    kind = libraries.torch.float32 if multi_label else libraries.torch.int64

    def collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        tokens = [{name: value for name, value in row.items() if name != "labels"} for row in rows]
        batch = dict(headed.tokenizer.pad(tokens, return_tensors="pt"))
        batch["labels"] = libraries.torch.tensor([row["labels"] for row in rows], dtype=kind)
        return batch

    return collate


def _goal(libraries: Libraries, headed: HeadedModel, parts: ClassParts, batch: int) -> Goal:
    """Return the log loss on the held-out part: steadier than accuracy while both are poor, and what calibration wants low."""
    members = parts.members(parts.held_out)
    order = sorted(range(len(members)), key=lambda row: len(parts.held_out[row].text))
    torch = libraries.torch

    def measure() -> float:
        network = headed.network
        was_training = network.training
        network.eval()
        rows: NDArray[np.float32] = np.zeros_like(members)
        with torch.no_grad():
            for start in range(0, len(order), 2 * batch):
                part = order[start : start + 2 * batch]
                tokens = _tokens(headed, [parts.held_out[row].text for row in part], return_tensors="pt", padding=True)
                rows[part] = network(**tokens.to(network.device)).logits.float().cpu().numpy()
        network.train(was_training)
        return log_loss(rows, members, multi_label=parts.multi_label)

    return Goal(f"log loss of {len(members):,} held-out texts", measure, higher_is_better=False)


def _logits_only(libraries: Libraries, network: Any) -> Any:
    """Return the model as a module that takes tensors by position and gives logits."""

    class LogitsOnly(libraries.torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            return self.network(input_ids=input_ids, attention_mask=attention_mask, **types).logits

    return LogitsOnly()


def _caution(parts: ClassParts) -> tuple[str, ...]:
    each = len(parts.learnt) / parts.outputs
    if each >= _FEW:
        return ()
    return (
        f"{each:.1f} texts a label are few for a whole transformer: the router needs no training, and train setfit less; "
        "compare them: searchctl route evaluate TRAIN TEST --with FOLDER",
    )
