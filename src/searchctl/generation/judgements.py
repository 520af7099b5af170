"""Judgements: how well the documents that an index finds for queries serve them, and how far that agrees with people's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.evaluation.dataset import RELEVANT_NAMES, JudgedQuery, read_dataset
from searchctl.evaluation.trec import read_queries
from searchctl.generation.agreement import agreement_of
from searchctl.generation.asking import Answers
from searchctl.generation.documents import Excerpt, excerpts_of
from searchctl.generation.model import ChatRequest
from searchctl.generation.prompts import TaskName
from searchctl.generation.tasks import PromptChoice, WrittenLines, object_schema, provenance, request_of
from searchctl.index import Index
from searchctl.types import Json, Mode

DEPTH = 10
_MODES: tuple[Mode, ...] = ("hybrid", "lexical", "vector")
_ROOM = 120  # tokens of a reason and a grade
_LONGEST_REASON = 300  # characters
_BATCH = 32


@dataclass(frozen=True, slots=True)
class _AskedGrade:
    query: JudgedQuery
    excerpt: Excerpt
    request: ChatRequest


@dataclass(frozen=True, slots=True)
class GivenGrade:
    """A grade, and the reason in the model's words."""

    grade: int
    reason: str


class JudgementsTask:
    """Asks for a grade of each query's first `depth` documents by each mode, and of those people judged. Implements `GenerationTask`."""

    name: TaskName = "judgements"

    def __init__(
        self,
        index: Index,
        queries: Sequence[JudgedQuery],
        prompts: PromptChoice,
        depth: int = DEPTH,
        *,
        on_search: Callable[[int, int], None] | None = None,
    ) -> None:
        self._prompts = prompts
        self.passed_over: Counter[str] = Counter()
        self._asked: list[_AskedGrade] = []
        self._highest: set[int] = set()
        pools = _pools(index, queries, depth, on_search)
        for query, ids in zip(queries, pools, strict=True):
            found = excerpts_of(index, ids, query.text)
            if missing := len(ids) - len(found):
                self.passed_over["judged, but not in the index"] += missing
            self._asked += [self._question(query, found[id]) for id in ids if id in found]

    def _question(self, query: JudgedQuery, excerpt: Excerpt) -> _AskedGrade:
        prompt = self._prompts.of(query.text)
        self._highest.add(prompt.highest)
        grades = {"type": "integer", "enum": list(range(prompt.highest + 1))}
        schema = object_schema({"reason": {"type": "string"}, "grade": grades})
        values = {"query": query.text, "title": excerpt.title, "text": excerpt.text}
        id = f"{query.id}\n{excerpt.document}"
        return _AskedGrade(query, excerpt, request_of(id, prompt, values, schema, grade_reader(prompt.highest), _ROOM))

    def requests(self) -> list[ChatRequest]:
        """Return a request for each query and document."""
        return [asked.request for asked in self._asked]

    def lines(self, answers: Answers) -> WrittenLines:
        """Return a line for each query, with all grades; one with no relevant document is kept, and evaluation leaves it out."""
        by_query: dict[str, list[_AskedGrade]] = {}
        for asked in self._asked:
            if asked.request.id in answers.by_id:
                by_query.setdefault(asked.query.id, []).append(asked)
        lines = [self._line(group, answers) for group in by_query.values()]
        notes = []
        barren = sum(not any(grade > 0 for grade in line["relevant"].values()) for line in lines)
        if barren:
            notes.append(f"queries with no relevant document among those judged: {barren}")
        return WrittenLines(lines, Counter(), tuple(notes), self._agreement(answers))

    def _line(self, group: Sequence[_AskedGrade], answers: Answers) -> Json:
        query = group[0].query
        grades = {asked.excerpt.document: answers.by_id[asked.request.id].value for asked in group}
        prompt = self._prompts.of(query.text)
        origins = [
            provenance(answers.by_id[asked.request.id], prompt, asked.excerpt.document)
            | {"reason": grades[asked.excerpt.document].reason}
            for asked in group
        ]
        return {
            "id": query.id,
            "query": query.text,
            "relevant": {document: given.grade for document, given in grades.items()},
            "generated": {"model": origins[0]["model"], "prompt": prompt.hash, "judgements": origins},
        }

    def _agreement(self, answers: Answers) -> Json | None:
        """Return how far the model agrees with people, None where they judged none of the same.

        `relevant` compares relevant with not, where people noted both; `grades` the grades, where both have the same scale. People
        mostly note what is relevant alone: then `recall` says how many of theirs the model finds relevant, and `pooled` takes
        what they didn't note as not relevant, as TREC does.
        """
        pairs = [
            (asked.query.grades.get(asked.excerpt.document), answers.by_id[asked.request.id].value.grade)
            for asked in self._asked
            if asked.request.id in answers.by_id and asked.query.grades
        ]
        judged = [(human, model) for human, model in pairs if human is not None]
        if not judged:
            return None
        human, model = zip(*judged, strict=True)
        both = len({own > 0 for own in human}) == 2
        positives = [grade > 0 for own, grade in judged if own > 0]
        return {
            "relevant": agreement_of([own > 0 for own in human], [grade > 0 for grade in model]).to_json()
            if both
            else None,
            "grades": agreement_of(human, model).to_json() if max(human) in self._highest else None,
            "recall": round(sum(positives) / len(positives), 4) if positives else None,
            "pooled": agreement_of([(own or 0) > 0 for own, _ in pairs], [grade > 0 for _, grade in pairs]).to_json(),
        }


def _pools(
    index: Index, queries: Sequence[JudgedQuery], depth: int, on_search: Callable[[int, int], None] | None
) -> Iterator[list[str]]:
    """Yield the ids to judge for each query: those that people judged, then the first of each mode."""
    modes = _MODES if index.schema.encoder is not None else _MODES[1:2]
    for start in range(0, len(queries), _BATCH):
        part = queries[start : start + _BATCH]
        texts = [query.text for query in part]
        found = [index.search_many(texts, depth, mode=mode) for mode in modes] if depth else []
        for row, query in enumerate(part):
            ids = [*query.grades, *(hit.id for hits in found for hit in hits[row])]
            yield list(dict.fromkeys(ids))
        if on_search is not None:
            on_search(start + len(part), len(queries))


def read_queries_to_judge(path: Path, split: str | None = None) -> tuple[JudgedQuery, ...]:
    """Read judged queries, or queries that nobody has judged: `{"id", "query"}` a line. Raises SourceError."""
    if path.is_file() and not _is_judged(path):
        return tuple(JudgedQuery(query.id, query.text, {}) for query in read_queries(path))
    return read_dataset(path, split).queries


def _is_judged(path: Path) -> bool:
    """Tell by its first line whether a file of queries says what is relevant."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = json.loads(next((line for line in file if line.strip()), "{}"))
    except (OSError, ValueError):
        return False  # which reading it as queries tells
    return isinstance(first, dict) and any(name in first for name in RELEVANT_NAMES)


def grade_reader(highest: int) -> Callable[[Any], GivenGrade]:
    """Return what reads an answer: a whole number from 0 to `highest`, and the reason if there is one."""

    def read(data: Any) -> GivenGrade:
        if not isinstance(data, dict):
            raise ValueError("no object with a grade")
        grade = data.get("grade")
        if isinstance(grade, str) and grade.strip().isdecimal():
            grade = int(grade)
        if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= highest:
            raise ValueError(f"the grade is {grade!r}, expected 0 to {highest}")
        reason = data.get("reason")
        return GivenGrade(grade, " ".join(reason.split())[:_LONGEST_REASON] if isinstance(reason, str) else "")

    return read
