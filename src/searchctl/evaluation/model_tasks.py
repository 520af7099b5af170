"""Tasks on which encoders are compared: what a folder holds decides what is measured on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from searchctl.errors import SourceError
from searchctl.evaluation.dataset import DataSet, read_dataset
from searchctl.translation import _

_MOST_LINES = 1_000_000


@dataclass(frozen=True, slots=True)
class SimilarityTask:
    """Pairs of texts and how alike people found them, on any scale."""

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    grades: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClassesTask:
    """Labelled texts to learn from, and others to be tested on."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    test_texts: tuple[str, ...]
    test_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InferenceTask:
    """Pairs of texts with what the second is to the first, as "entailment": some to learn from, others to be tested on."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    test_pairs: tuple[tuple[str, str], ...]
    test_labels: tuple[str, ...]


ModelTask: TypeAlias = "DataSet | SimilarityTask | ClassesTask | InferenceTask"


def read_tasks(folder: Path, sample: int) -> list[ModelTask]:
    """Read the tasks of a folder: judged queries with their corpus (BEIR), pairs with scores, or train and test of labelled texts or pairs.

    A file of pairs has lines of `{"sentence1", "sentence2", "score"}`; `train.jsonl` and `test.jsonl` have `{"text", "label"}`, or
    `{"sentence1", "sentence2", "label"}`. At most `sample` queries, pairs and test texts of each are taken, the first. Raises
    SourceError for a folder without any.
    """
    name = folder.resolve().name
    if (folder / "corpus.jsonl").is_file():
        dataset = read_dataset(folder)
        return [DataSet(dataset.name, dataset.queries[:sample], dataset.corpus, dataset.caveat, dataset.left_out)]
    tasks: list[ModelTask] = []
    if (folder / "train.jsonl").is_file() and (folder / "test.jsonl").is_file():
        tasks.append(_learnt(folder, name, sample))
    for path in sorted(folder.glob("*.jsonl")):
        first_row = next(_lines(path), ({}, ""))[0]
        if "sentence1" in first_row and not (tasks and path.stem in ("train", "test")):
            first, second, grades = _columns(path, ("sentence1", "sentence2", "score"))
            numbers = tuple(map(float, grades[:sample]))
            tasks.append(SimilarityTask(f"{name}/{path.stem}", first[:sample], second[:sample], numbers))
    if not tasks:
        raise SourceError(
            _(
                "{folder} holds no task; it takes corpus.jsonl, queries.jsonl and qrels/ for search, train.jsonl "
                'and test.jsonl of {{"text", "label"}} for classes, or a .jsonl of {{"sentence1", "sentence2", '
                '"score"}} for similarity'
            ).format(folder=folder)
        )
    return tasks


def _learnt(folder: Path, name: str, sample: int) -> ClassesTask | InferenceTask:
    paths = [folder / f"{part}.jsonl" for part in ("train", "test")]
    if "sentence1" in next(_lines(paths[0]), ({}, ""))[0]:
        (*pairs, labels), (*test_pairs, test_labels) = (
            _columns(path, ("sentence1", "sentence2", "label")) for path in paths
        )
        pairs_of = [tuple(zip(*columns, strict=True)) for columns in (pairs, test_pairs)]
        return InferenceTask(name, pairs_of[0], labels, pairs_of[1][:sample], test_labels[:sample])
    learnt, tested = (_columns(path, ("text", "label")) for path in paths)
    return ClassesTask(name, learnt[0], learnt[1], tested[0][:sample], tested[1][:sample])


def _columns(path: Path, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    rows = []
    for row, where in _lines(path):
        if missing := [name for name in names if name not in row]:
            raise SourceError(_("{where} has no '{missing}'").format(where=where, missing=missing[0]))
        if "score" in names and not isinstance(row["score"], (int, float)):
            raise SourceError(_("{where}: 'score' is {row!r}, expected a number").format(where=where, row=row["score"]))
        rows.append(tuple(str(row[name]) for name in names))
    if not rows:
        raise SourceError(_("{path} is empty").format(path=path))
    return list(zip(*rows, strict=True))


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if number > _MOST_LINES:
                raise SourceError(
                    _("{path} has more than {MOST_LINES:,} lines; give a part of it").format(
                        path=path, MOST_LINES=_MOST_LINES
                    )
                )
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise SourceError(
                        _("{path}, line {number} isn't JSON: {error}").format(path=path, number=number, error=error)
                    ) from error
                if not isinstance(row, dict):
                    raise SourceError(_("{path}, line {number} isn't an object").format(path=path, number=number))
                yield row, f"{path}, line {number}"
