"""What a model is pretrained by: hidden words, whether a sentence follows, which words were replaced.

The head looks at the hidden words alone, not at all: with a vocabulary of 100,000 tokens it is most of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from searchctl.training.libraries import Libraries
from searchctl.training.masking import IGNORED, MaskedRow
from searchctl.training.scratch import LanguageModel

ObjectiveName: TypeAlias = Literal["mlm", "mlm+nsp", "electra"]
REPLACED_WEIGHT = 50.0  # of the discriminator beside the generator: Clark et al. 2020, "ELECTRA"
_HEADS = ("cls", "lm_head")


def collator(
    libraries: Libraries, model: LanguageModel, types: bool
) -> Callable[[Sequence[MaskedRow]], dict[str, Any]]:
    """Return what makes a batch of rows: padded, with targets; `types` says whether the model tells first from second texts."""
    pad = int(model.tokenizer.pad_token_id or 0)

    def collate(rows: Sequence[MaskedRow]) -> dict[str, Any]:
        shape = len(rows), max(len(row.ids) for row in rows)
        ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
        kinds, targets = np.zeros(shape, np.int64), np.full(shape, IGNORED, np.int64)
        for at, row in enumerate(rows):
            length = len(row.ids)
            ids[at, :length], mask[at, :length], targets[at, :length] = row.ids, 1, row.targets
            if row.row.types:
                kinds[at, :length] = row.row.types
        arrays = {"input_ids": ids, "attention_mask": mask, "targets": targets}
        arrays |= {"token_type_ids": kinds} if types else {}
        arrays["numbers"] = np.array([row.number for row in rows], np.int64)
        if rows[0].row.follows is not None:
            arrays["strangers"] = np.array([not row.row.follows for row in rows], np.int64)
        return {name: libraries.torch.from_numpy(array) for name, array in arrays.items()}

    return collate


def objective_module(libraries: Libraries, model: LanguageModel, objective: str, seed: int) -> Any:
    """Return the module that is trained: it takes a batch and gives the `loss`, and what the loss is of."""
    if objective == "electra":
        return _replaced_tokens(libraries, model, seed)
    torch = libraries.torch
    cross_entropy = torch.nn.functional.cross_entropy

    class HiddenWords(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = model.network

        def forward(
            self,
            input_ids: Any,
            attention_mask: Any,
            targets: Any,
            numbers: Any = None,
            token_type_ids: Any = None,
            strangers: Any = None,
        ) -> dict[str, Any]:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            states = self.network.base_model(input_ids=input_ids, attention_mask=attention_mask, **types)
            asked = targets != IGNORED
            logits = guesses(self.network, states[0][asked])
            given = {"words": cross_entropy(logits.float(), targets[asked])}
            if strangers is not None:
                followed = self.network.cls.seq_relationship(states[1]).float()
                given["sentences"] = cross_entropy(followed, strangers)
                given["followed"] = followed
            return {"loss": given["words"] + given.get("sentences", 0.0), **given}

    return HiddenWords()


def guesses(network: Any, states: Any) -> Any:
    """Return the logits (m, vocabulary) of hidden words, given their states (m, hidden), by the head of any of the architectures."""
    if hasattr(network, "generator_predictions"):
        return network.generator_lm_head(network.generator_predictions(states))
    if hasattr(network, "lm_predictions"):
        return network.lm_predictions(states, network.base_model.embeddings.word_embeddings)
    head = next(getattr(network, name) for name in _HEADS if hasattr(network, name))
    return head.predictions(states) if hasattr(head, "seq_relationship") else head(states)


def _replaced_tokens(libraries: Libraries, model: LanguageModel, seed: int) -> Any:
    """Return ELECTRA's two models as one: the generator guesses hidden words, the other says of each token whether it was replaced.

    Both have the same word embeddings. Which guesses are put in is drawn by the rows' numbers, so that a training that is killed
    goes on with the same ones.
    """
    torch = libraries.torch
    functional = torch.nn.functional

    class ReplacedTokens(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network, self.generator = model.network, model.generator
            shared = self.network.get_input_embeddings()
            self.generator.set_input_embeddings(shared)
            self.generator.generator_lm_head.weight = shared.weight

        def forward(
            self, input_ids: Any, attention_mask: Any, targets: Any, numbers: Any, token_type_ids: Any = None
        ) -> dict[str, Any]:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            asked = targets != IGNORED
            states = self.generator.base_model(input_ids=input_ids, attention_mask=attention_mask, **types)[0]
            logits = guesses(self.generator, states[asked]).float()
            words = functional.cross_entropy(logits, targets[asked])
            with torch.no_grad():
                draw = torch.Generator().manual_seed(seed * 1_000_003 + int(numbers[0]))
                noise = torch.rand(logits.shape, generator=draw).clamp_min(1e-20).to(logits.device)
                guessed = (logits - (-noise.log()).log()).argmax(dim=-1)  # Gumbel's way to draw by the softmax
                corrupted = torch.where(targets == IGNORED, input_ids, targets)
                corrupted[asked] = guessed
                replaced = torch.zeros_like(targets)
                replaced[asked] = (guessed != targets[asked]).long()
            scores = self.network(input_ids=corrupted, attention_mask=attention_mask, **types).logits.float()
            real = attention_mask > 0
            told = functional.binary_cross_entropy_with_logits(scores[real], replaced[real].float())
            return {
                "loss": words + REPLACED_WEIGHT * told,
                "words": words,
                "scores": scores[real],
                "replaced": replaced[real],
            }

    return ReplacedTokens()
