"""Labels by what they're called, told by a model for natural language inference, or a cross-encoder, of transformers.

Yin, Hay and Roth, "Benchmarking Zero-shot Text Classification" (2019): a text is the premise, a sentence about the label the
hypothesis, and how surely the one entails the other is the label's score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from searchctl.errors import UsageError
from searchctl.models.hub import load_transformer
from searchctl.routing.calibration import Doubles
from searchctl.translation import _

HYPOTHESIS = "This text is about {}."
_PAIRS = 32  # of a text and a label, read at once
_LONGEST = 512  # tokens of a text and a hypothesis together


class ZeroShot:
    """A model that judges pairs, by folder or hub name. Implements `Scorer`.

    It has a class `entailment`, or a single output, as cross-encoders have. Raises MissingExtra without the `torch` extra,
    EncoderUnavailable when the model can't be loaded, UsageError when it judges nothing of the kind.
    """

    def __init__(self, name: str, hypothesis: str = HYPOTHESIS) -> None:
        if "{}" not in hypothesis:
            raise UsageError(
                _("the hypothesis {hypothesis!r} has no place for a label; write {{}} there").format(
                    hypothesis=hypothesis
                )
            )
        self.name = name
        self._hypothesis = hypothesis
        advice = "give the folder or hub name of a model for natural language inference, or of a cross-encoder"
        kind = "AutoModelForSequenceClassification"
        loaded = load_transformer(name, kind, what="the zero-shot model", advice=advice)
        self._tokenizer, self._model, self._torch = loaded.tokenizer, loaded.model, loaded.torch
        self._places = _places(self._model.config.id2label, name)

    def probabilities(self, texts: Sequence[str], labels: Sequence[str], *, several: bool) -> Doubles:
        """Return (n, labels): see `Scorer`. The model runs once for each text and label."""
        hypotheses = [self._hypothesis.replace("{}", label) for label in labels]
        pairs = [(text, hypothesis) for text in texts for hypothesis in hypotheses]
        judged = [self._judged(pairs[start : start + _PAIRS]) for start in range(0, len(pairs), _PAIRS)]
        logits = np.concatenate([np.zeros((0, 2)), *judged]).reshape(len(texts), len(labels), 2)
        if several:
            return np.asarray(1 / (1 + np.exp((logits[..., 1] - logits[..., 0]).clip(-500, 500))))
        raised = np.exp(logits[..., 0] - logits[..., 0].max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def _judged(self, pairs: Sequence[tuple[str, str]]) -> Doubles:
        """Return for each pair the logits for and against: (n, 2)."""
        first, second = zip(*pairs, strict=True)
        longest = min(self._tokenizer.model_max_length, self._model.config.max_position_embeddings, _LONGEST)
        tokens = self._tokenizer(
            list(first),
            list(second),
            truncation="only_first",
            max_length=longest,
            padding=True,
            return_tensors="pt",
        )
        with self._torch.no_grad():
            logits = self._model(**tokens).logits.double().numpy()
        yes, no = self._places
        return np.stack([logits[:, yes], np.zeros(len(logits)) if no is None else logits[:, no]], axis=1)


def _places(names: dict[int, str], model: str) -> tuple[int, int | None]:
    """Return where a model says yes and where no; a single output is a yes against nothing."""
    if len(names) == 1:
        return 0, None
    columns = {kind: place for place, name in names.items() for kind in ("entail", "contra") if kind in name.lower()}
    if "entail" not in columns:
        there = ", ".join(names.values())
        raise UsageError(
            _(
                "'{model}' tells apart {there}; expected a model for natural language inference with a class "
                "'entailment', or a cross-encoder with one output"
            ).format(model=model, there=there)
        )
    others = [place for place in names if place != columns["entail"]]
    return columns["entail"], columns.get("contra", others[0])
