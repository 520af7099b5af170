"""Pretraining on plain texts: a model goes on learning the language of a field, or begins with nothing but one's own texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.errors import UsageError
from searchctl.routing.examples import text_key
from searchctl.text.sentences import sentences
from searchctl.training.bases import Base, base_revision, load_base
from searchctl.training.encoder_export import export_encoder
from searchctl.training.libraries import Libraries
from searchctl.training.masking import MaskedRow, MaskedRows, Masking, TokenRow, fixed_masks, words_of
from searchctl.training.objectives import collator, objective_module
from searchctl.training.pretrain_measures import following_accuracy, perplexity_goal, replacement_goal
from searchctl.training.producing import PreparedTraining, Written
from searchctl.training.reading import TrainingFile, read_texts
from searchctl.training.running import TrainingWork
from searchctl.training.scratch import MASKED, NEXT, REPLACED, LanguageModel, Sizes, load_model, new_model
from searchctl.training.sentence_pairs import PairFrame, SentenceTokens, sentence_pairs
from searchctl.training.settings import Schedule
from searchctl.training.splitting import is_held_out

GENERATOR = "generator"
_KINDS = {"mlm": MASKED, "mlm+nsp": NEXT, "electra": REPLACED}
_ENOUGH_TO_GO_ON = 1_000_000  # tokens
_ENOUGH_A_WEIGHT = 20  # tokens, to begin with nothing: Hoffmann et al. 2022
_ENCODED_AT_ONCE = 1000
_PROBED = 200  # texts by which files are compared


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """What decides a pretraining beside the schedule. `architecture` begins with nothing, in these `sizes`.

    `masked` is the share of tokens that is hidden. Unless `all_weights` learn, the word embeddings of a model that is there stay.
    """

    objective: str = "mlm"
    architecture: str | None = None
    sizes: Sizes = field(default_factory=Sizes)
    lower_case: bool = False
    masked: float = 0.15
    all_weights: bool = False


@dataclass(frozen=True, slots=True)
class PretrainContext:
    """What is needed again when the model is written."""

    model: LanguageModel
    module: Any
    held_out: list[MaskedRow]
    collate: Any
    batch: int


@dataclass(frozen=True)
class PretrainRecipe:
    """A `Recipe`: `base`, or a new model where that is empty, learns to guess what is hidden in texts."""

    base: str
    texts: tuple[str, ...]
    files: tuple[TrainingFile, ...]
    pretrain: PretrainSettings
    command: str = "searchctl train pretrain"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""
        own = asdict(self.pretrain)
        return {name: value for name, value in own.items() if name != "sizes" or self.pretrain.architecture}

    def revision(self) -> str:
        """Return a hash of the model it begins with."""
        return base_revision(self.base) if self.base else ""

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load or make the model, tokenize the texts, and hide words."""
        own = self.pretrain
        apart = [is_held_out(text_key(text), schedule.held_out, schedule.seed) for text in self.texts]
        learnt = [text for text, is_apart in zip(self.texts, apart, strict=True) if not is_apart]
        kept = [text for text, is_apart in zip(self.texts, apart, strict=True) if is_apart]
        model = self._model(libraries, learnt, home)
        longest = min(schedule.max_tokens, model.longest)
        rows = _rows_of(model, learnt, own.objective, longest, schedule.seed)
        if not rows:
            raise UsageError(_nothing_to_learn(own.objective))
        masking = _masking(model, own.masked)
        held_out = fixed_masks(_rows_of(model, kept, own.objective, longest, schedule.seed), masking, schedule.seed)
        module = objective_module(libraries, model, own.objective, schedule.seed)
        collate = collator(libraries, model, _has_types(model))
        goal = None
        if held_out and own.objective == "electra":
            goal = replacement_goal(libraries, model.network, held_out, collate, schedule.batch, schedule.seed)
        elif held_out:
            goal = perplexity_goal(libraries, module, held_out, collate, schedule.batch)
        work = TrainingWork(
            libraries,
            libraries.transformers.Trainer,
            libraries.transformers.TrainingArguments,
            module,
            {
                "train_dataset": MaskedRows(
                    rows, masking, epochs=schedule.epochs, batch=schedule.batch, seed=schedule.seed
                ),
                "data_collator": collate,
            },
            goal,
            {"num_train_epochs": 1, "train_sampling_strategy": "sequential"},
        )
        tokens = sum(len(row.ids) for row in rows)
        weights = sum(weight.numel() for weight in module.parameters())
        said = f"{len(learnt):,} texts: {len(rows):,} rows of {tokens:,} tokens, seen {schedule.epochs:g} times"
        left = f"{len(kept):,} other texts: {len(held_out):,} rows" if held_out else "nothing: no early stop"
        notes = (*self._cautions(tokens, weights), *_fresh_note(model))
        return PreparedTraining(
            work, said, left, notes, PretrainContext(model, module, held_out, collate, schedule.batch)
        )

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Export the encoder, and beside it what goes on learning: the model with its head."""
        context: PretrainContext = prepared.context
        model, network = context.model, context.model.network.cpu().float().eval()
        base = self._encoder(libraries, model, folder)
        agreement, facts = export_encoder(libraries, base, folder, self.texts[:_PROBED])
        network.save_pretrained(str(folder))  # the encoder's own weights, and the head's
        if model.generator is not None:
            model.generator.cpu().float().save_pretrained(str(folder / GENERATOR))
        measured: dict[str, Any] = {"ONNX": agreement.sentence()}
        arguments = libraries, context.module, context.held_out, context.collate, context.batch
        if self.pretrain.objective == "mlm+nsp" and context.held_out:
            measured["held-out sentences rightly said to follow or not"] = round(following_accuracy(*arguments), 4)
        if self.pretrain.objective == "electra" and context.held_out:
            goal = perplexity_goal(*arguments)
            measured[f"the generator's {goal.measured}"] = round(goal.measure(), 4)
        return Written(
            facts, measured, ("it compares texts poorly yet: go on with searchctl train siamese --from this folder",)
        )

    def _model(self, libraries: Libraries, texts: Sequence[str], home: Path) -> LanguageModel:
        own = self.pretrain
        kind = _KINDS[own.objective]
        if own.architecture is not None:
            return new_model(libraries, own.architecture, kind, own.sizes, texts, home, lower_case=own.lower_case)
        model = load_model(libraries, self.base, kind)
        if not own.all_weights:
            for parameter in model.network.get_input_embeddings().parameters():
                parameter.requires_grad_(False)
        return model

    def _encoder(self, libraries: Libraries, model: LanguageModel, folder: Path) -> Base:
        """Return the trained layers as a sentence encoder: with the pooling and prompts of the base, or the mean of the tokens."""
        if self.base:
            base = load_base(libraries, self.base, model.longest)
            backbone = getattr(base.model[0], "auto_model", None) or base.model[0].model
            backbone.load_state_dict(model.network.base_model.state_dict(), strict=False)
            return base
        plain = folder / "plain"
        model.network.save_pretrained(str(plain))
        model.tokenizer.save_pretrained(str(plain))
        base = load_base(libraries, str(plain), model.longest)
        for path in plain.iterdir():
            path.unlink()
        plain.rmdir()
        return base

    def _cautions(self, tokens: int, weights: int) -> tuple[str, ...]:
        """Return with figures what there is too little of."""
        if self.pretrain.architecture is not None:
            if tokens >= _ENOUGH_A_WEIGHT * weights:
                return ()
            return (
                f"{tokens:,} tokens for {weights:,} weights that begin with chance are {tokens / weights:.2g} a weight, and about "
                f"{_ENOUGH_A_WEIGHT} are needed to teach them; a model that knows the language (--from MODEL) is usually better",
            )
        if tokens >= _ENOUGH_TO_GO_ON:
            return ()
        return (
            f"{tokens:,} tokens are few to go on with, about {_ENOUGH_TO_GO_ON:,} and more have helped: compare searches with "
            "both models (searchctl evaluate) before you use it, since it may have got worse",
        )


def pretrain_recipe(path: Path, base: str | None, settings: PretrainSettings) -> PretrainRecipe:
    """Read the texts; raises SourceError, UsageError where it isn't said what to begin with, or that can't have the objective."""
    if (base is None) == (settings.architecture is None):
        raise UsageError("say what to begin with: --from MODEL to go on with one, or --architecture NAME for a new one")
    wanted = {"mlm+nsp": "bert", "electra": "electra"}.get(settings.objective)
    if settings.architecture is not None and wanted not in (None, settings.architecture):
        raise UsageError(
            f"the objective {settings.objective} is for {wanted} alone, not {settings.architecture}; give --objective mlm"
        )
    texts, file = read_texts(path)
    return PretrainRecipe(base or "", tuple(dict.fromkeys(texts)), (file,), settings)


def _rows_of(model: LanguageModel, texts: Sequence[str], objective: str, longest: int, seed: int) -> list[TokenRow]:
    """Return texts as rows of at most `longest` tokens: long ones in several, or pairs of sentences."""
    if objective == "mlm+nsp":
        return _paired(model, texts, longest, seed)
    rows: list[TokenRow] = []
    for start in range(0, len(texts), _ENCODED_AT_ONCE):
        made = model.tokenizer(
            list(texts[start : start + _ENCODED_AT_ONCE]),
            truncation=True,
            max_length=longest,
            return_overflowing_tokens=True,
        )
        for encoding in made.encodings:
            if words := words_of(encoding.word_ids):
                rows.append(TokenRow(tuple(encoding.ids), words))
    return rows


def _paired(model: LanguageModel, texts: Sequence[str], longest: int, seed: int) -> list[TokenRow]:
    tokenizer = model.tokenizer
    documents = []
    for text in texts:
        parts = [text[passage.start : passage.end] for passage in sentences(text)]
        if not parts:
            continue
        made = tokenizer(parts, add_special_tokens=False, verbose=False)
        tokens = [SentenceTokens(tuple(one.ids), words_of(one.word_ids)) for one in made.encodings]
        documents.append([sentence for sentence in tokens if sentence.words])
    frame = PairFrame(tokenizer.cls_token_id, tokenizer.sep_token_id)
    kept = [document for document in documents if document]
    return sentence_pairs(kept, frame, longest, np.random.default_rng([seed, 3]))


def _nothing_to_learn(objective: str) -> str:
    if objective == "mlm+nsp":
        return "mlm+nsp takes two documents of several sentences at least, a document a line; give longer texts, or --objective mlm"
    return "there is nothing to learn from: no text has a word in it that the tokenizer knows; give more texts"


def _masking(model: LanguageModel, share: float) -> Masking:
    special = set(model.tokenizer.all_special_ids)
    usual = np.array([id for id in range(len(model.tokenizer)) if id not in special], np.int64)
    return Masking(share, int(model.tokenizer.mask_token_id), usual)


def _has_types(model: LanguageModel) -> bool:
    return int(getattr(model.network.config, "type_vocab_size", 0) or 0) > 1


def _fresh_note(model: LanguageModel) -> tuple[str, ...]:
    if not model.fresh:
        return ()
    return (
        f"the model has no head for this objective, so that begins with chance ({model.fresh[0]}): perplexity is high at first",
    )
