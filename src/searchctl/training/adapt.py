"""An encoder adapted to texts without questions or labels: sentences look for the texts they were taken from, or noise is undone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from searchctl.errors import UsageError
from searchctl.text.sentences import sentences
from searchctl.training.bases import base_folder, base_revision, load_base
from searchctl.training.encoder_export import export_encoder
from searchctl.training.held_out import retrieval_goal
from searchctl.training.libraries import Libraries
from searchctl.training.losses import LossChoice
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import TextPair, TrainingFile, read_texts
from searchctl.training.running import TrainingWork
from searchctl.training.settings import Schedule
from searchctl.training.siamese import SiameseRecipe, SiameseSettings, encoding
from searchctl.training.splitting import split_pairs

AdaptMethod: TypeAlias = Literal["inverse-cloze", "tsdae"]
COMMAND = "searchctl train adapt"
_LEAST = 100
_KEPT = 0.1  # of the sentences stay in their texts as well, so that equal words still count (Lee et al., 2019)
_DELETED = 0.6  # of the words, as TSDAE found best (Wang et al., "TSDAE", 2021)
_WORDS = (4, 40)  # a sentence that can be a question has as many


@dataclass(frozen=True)
class TsdaeRecipe:
    """A `TrainingRecipe`: the encoder's one vector must be enough to write the text anew of which most words were deleted."""

    base: str
    pairs: tuple[TextPair, ...]
    files: tuple[TrainingFile, ...]
    command: str = COMMAND

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        return {"method": "tsdae", "deleted": _DELETED}

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base)

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load the encoder, a decoder tied to it, and noisy texts."""
        base = load_base(libraries, self.base, schedule.max_tokens)
        split = split_pairs(self.pairs, schedule.held_out, schedule.seed)
        draw = random.Random(schedule.seed)  # noqa: S311
        texts = [pair.document for pair in split.learnt]
        losses = libraries.sentence_transformers.sentence_transformer.losses
        table = {"noisy": [_noisy(text, draw) for text in texts], "text": texts}
        work = TrainingWork(
            libraries,
            libraries.sentence_transformers.SentenceTransformerTrainer,
            libraries.sentence_transformers.SentenceTransformerTrainingArguments,
            base.model,
            {
                "train_dataset": libraries.datasets.Dataset.from_dict(table),
                "loss": losses.DenoisingAutoEncoderLoss(
                    base.model, decoder_name_or_path=str(base_folder(self.base) or self.base), tie_encoder_decoder=True
                ),
            },
            retrieval_goal(split.held_out, split.learnt, encoding(base.model, schedule.batch))
            if split.held_out
            else None,
        )
        apart = f"{len(split.held_out):,} other texts" if split.held_out else "nothing, too few"
        return PreparedTraining(work, f"{len(texts):,} texts", apart, (), (base, texts))

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Export the encoder; the decoder is thrown away."""
        base, texts = prepared.context
        agreement, facts = export_encoder(libraries, base, folder, texts)
        return Written(facts, {"ONNX": agreement.sentence()})


def adapt_recipe(path: Path, base: str, method: AdaptMethod, seed: int) -> SiameseRecipe | TsdaeRecipe:
    """Read the texts and make of them what is learnt; raises SourceError, UsageError."""
    texts, file = read_texts(path)
    pairs = inverse_cloze(list(dict.fromkeys(texts)), seed)
    if len(pairs) < _LEAST:
        raise UsageError(
            f"{len(pairs):,} of {len(texts):,} texts have two sentences or more, too few to adapt to; give {_LEAST} at least, some "
            "thousands are better"
        )
    if method == "tsdae":
        return TsdaeRecipe(base, tuple(pairs), (file,))
    choice = LossChoice("multiple-negatives")
    return SiameseRecipe(base, tuple(pairs), (file,), choice, SiameseSettings(negatives=0), COMMAND)


def inverse_cloze(texts: Sequence[str], seed: int) -> list[TextPair]:
    """Return for each text with several sentences one of them as the question, and the text without it as the answer."""
    draw = random.Random(seed)  # noqa: S311
    pairs = []
    for text in texts:
        spans = [span for span in sentences(text) if _WORDS[0] <= len(text[span.start : span.end].split()) <= _WORDS[1]]
        if not spans:
            continue
        chosen = draw.choice(spans)
        start, end = chosen.start, chosen.end
        rest = text if draw.random() < _KEPT else f"{text[:start]} {text[end:]}".strip()
        if len(rest.split()) >= _WORDS[0]:
            pairs.append(TextPair(text[start:end].strip(), rest, document=text, source="sentence"))
    return pairs


def _noisy(text: str, draw: random.Random) -> str:
    words = text.split()
    return " ".join(word for word in words if draw.random() > _DELETED) or draw.choice(words)
