"""Hard negatives: texts that lie near a question and don't answer it, found by the model that is to learn."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from searchctl.training.reading import TextPair

RELATIVE_MARGIN = (
    0.05  # what is nearer than 95 % of the answer's cosine may well be an answer (NV-Retriever, arXiv:2407.15831)
)
_NEAREST = 50
_SPARE = 4  # mined beyond those wanted, since some belong to the same document


def mine_negatives(
    lacking: Sequence[TextPair], pairs: Sequence[TextPair], wanted: int, model: Any, batch: int
) -> list[tuple[str, ...]]:
    """Return up to `wanted` negatives for each pair of `lacking`, nearest first, among the answers of all `pairs`.

    What comes nearer than `RELATIVE_MARGIN` to the answer's own cosine is left out, and so is every text that answers the same
    question or belongs to the answer's document.
    """
    library = importlib.import_module("sentence_transformers.util")
    datasets = importlib.import_module("datasets")
    corpus = list(dict.fromkeys(pair.positive for pair in pairs))
    nearest = min(_NEAREST, len(corpus) - 1)
    if nearest < 1:
        return [()] * len(lacking)
    unique = list(dict.fromkeys((pair.query, pair.positive) for pair in lacking))
    prompts = model.prompts or {}
    triples = library.mine_hard_negatives(
        datasets.Dataset.from_dict(
            {"query": [query for query, _ in unique], "positive": [positive for _, positive in unique]}
        ),
        model,
        anchor_column_name="query",
        positive_column_name="positive",
        corpus=corpus,
        range_max=nearest,
        relative_margin=RELATIVE_MARGIN,
        num_negatives=min(wanted + _SPARE, nearest),
        sampling_strategy="top",
        query_prompt=prompts.get("query"),
        corpus_prompt=prompts.get("document") or prompts.get("passage"),
        output_format="triplet",
        batch_size=2 * batch,
        verbose=False,
    )
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for query, positive, negative in zip(triples["query"], triples["positive"], triples["negative"], strict=True):
        found[query, positive].append(negative)
    documents = _documents_of(pairs)
    return [_chosen(pair, found[pair.query, pair.positive], documents, wanted) for pair in lacking]


def _documents_of(pairs: Sequence[TextPair]) -> Mapping[str, set[str]]:
    """Return the documents that each answer belongs to."""
    documents: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        documents[pair.positive].add(pair.document)
    return documents


def _chosen(pair: TextPair, found: Sequence[str], documents: Mapping[str, set[str]], wanted: int) -> tuple[str, ...]:
    own = set(pair.negatives)
    return tuple(text for text in found if text not in own and pair.document not in documents[text])[:wanted]
