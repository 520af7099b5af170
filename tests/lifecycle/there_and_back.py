"""An index that changes its encoder and changes back, checked at each step, on any engine."""

from __future__ import annotations

import os

import numpy as np

from searchctl import notebook
from searchctl.index import Index
from searchctl.ingest.encoding import passage_texts
from searchctl.lifecycle.doctor import examine

TEXTS = ["the green tea", "a steel bridge", "the cat on the river", "кошка и зелёный чай", "стальной мост", "2024"]
QUERIES = ["tea", "bridge", "кошка"]


def check_there_and_back(engine: str | os.PathLike[str], index: str, name: str) -> None:
    """Load a few documents with the shipped encoder, change to the encoder `name`, and back."""
    with Index.open(engine, index) as opened:
        opened.ingest([{"id": str(number), "text": text} for number, text in enumerate(TEXTS)])
        stamp, answers = opened.schema.encoder, _answers(opened)
        notebook.reembed(opened, name, known_items=0)
        _check_vectors(opened)
        assert stamp is not None and opened.schema.encoder != stamp
        notebook.reembed(opened, stamp.name, known_items=0)
        _check_vectors(opened)
        assert opened.schema.encoder == stamp and _answers(opened) == answers


def _answers(index: Index) -> list[str]:
    """Return the best document of each query, by vectors alone."""
    return [index.search(query, 1, mode="vector")[0].id for query in QUERIES]


def _check_vectors(index: Index) -> None:
    """The stored vectors are the encoder's, of its size, and find their documents, as `doctor` looks at it."""
    encoder = index.encoder
    assert encoder is not None
    entries = {entry.document.id: entry for batch in index.engine.scan(index.name, vectors=True) for entry in batch}
    assert len(entries) == len(TEXTS)
    for entry in entries.values():
        assert entry.vectors is not None and entry.vectors.shape[1] == encoder.dim
        expected = encoder.encode_documents(passage_texts(entry))
        assert (np.asarray(entry.vectors, np.float32) * expected).sum(axis=1).min() > 0.99
    findings = examine(index.engine.url, index.name)
    assert [finding.message for finding in findings if finding.level == "error"] == []
    assert any(finding.message.endswith("encode to what is stored and find themselves") for finding in findings)
