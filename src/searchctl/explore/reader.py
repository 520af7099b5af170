"""A reader: an extractive question-answering model of the transformers library."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from searchctl.explore.answer import Span
from searchctl.models.hub import load_transformer

_WINDOW = 384  # tokens of question and text together
_STRIDE = 128
_LONGEST = 40  # tokens of an answer
_STARTS = 20


class TransformersReader:
    """A model made for extractive question answering, by folder or hub name. Implements `Reader`.

    Raises MissingExtra without the `torch` extra, EncoderUnavailable when the model can't be loaded.
    """

    def __init__(self, name: str) -> None:
        advice = "give the folder or hub name of a question-answering model"
        loaded = load_transformer(name, "AutoModelForQuestionAnswering", what="the reader", advice=advice)
        self._tokenizer, self._model, self._torch = loaded.tokenizer, loaded.model, loaded.torch

    def read(self, question: str, texts: Sequence[str]) -> list[Span | None]:
        """Return the answer's place in each text; None where the model rather points at its first token, which means none."""
        return [self._one(question, text) for text in texts]

    def _one(self, question: str, text: str) -> Span | None:
        windows = self._tokenizer(
            question,
            text,
            truncation="only_second",
            max_length=_WINDOW,
            stride=_STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
            return_tensors="pt",
        )
        offsets = windows.pop("offset_mapping").tolist()
        windows.pop("overflow_to_sample_mapping", None)
        with self._torch.no_grad():
            outputs = self._model(**windows)
        best: Span | None = None
        for window, own in enumerate(offsets):
            inside = [one == 1 for one in windows.encodings[window].sequence_ids]
            starts, ends = outputs.start_logits[window].tolist(), outputs.end_logits[window].tolist()
            span = _best(starts, ends, own, inside)
            if span is not None and (best is None or span.confidence > best.confidence):
                best = span
        return best


def _best(
    starts: Sequence[float], ends: Sequence[float], offsets: Sequence[Sequence[int]], inside: Sequence[bool]
) -> Span | None:
    """Return the likeliest span of the text, unless the first token, which stands for no answer, is likelier."""
    places = [place for place, own in enumerate(inside) if own]
    candidates = [
        (starts[first] + ends[last], first, last)
        for first in sorted(places, key=lambda place: -starts[place])[:_STARTS]
        for last in range(first, min(first + _LONGEST, len(ends)))
        if inside[last]
    ]
    if not candidates:
        return None
    score, first, last = max(candidates)
    margin = score - starts[0] - ends[0]
    if margin <= 0:
        return None
    return Span(int(offsets[first][0]), int(offsets[last][1]), 1 / (1 + exp(-min(margin, 30.0))))
