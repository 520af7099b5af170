"""From an index to a better encoder for it, or to the sentence that none was proven: mine, train, try, and only then re-embed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from searchctl.encoders import open_encoder
from searchctl.errors import UsageError
from searchctl.evaluation.comparison import Difference
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.evaluate import known_items_of_index
from searchctl.evaluation.gates import DifferenceGate
from searchctl.evaluation.metrics import parse_metric
from searchctl.files import replacing
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.reembed import Judging, ReembedReport, reembed
from searchctl.training.index_pairs import MinedPairs, PairMining, mine_pairs
from searchctl.training.producing import TrainingReport, produce
from searchctl.training.settings import Schedule, Watch
from searchctl.training.siamese import SiameseRecipe, SiameseSettings, siamese_recipe
from searchctl.training.splitting import is_held_out
from searchctl.training.trial import TrialReport, TrialSets, try_encoder
from searchctl.types import Json

Verdict: TypeAlias = Literal["proven", "not proven"]
HELD_OUT = 0.3  # of the documents, to judge by
_SEEN = 0.2  # of the questions on learnt documents, to show what a split by question alone would have shown
_LEAST_QUESTIONS = 20
_SIGNIFICANT = 0.05
_METRIC = parse_metric("ndcg@10")
_GATE = DifferenceGate("hybrid", _METRIC, 0.0)  # on the whole index, once it's proven on a part


@dataclass(frozen=True, slots=True)
class Improvement:
    """What `improve` goes by. `known_items` questions are made from held-out documents where nobody judged any."""

    base: str
    out: Path
    siamese: SiameseSettings
    schedule: Schedule
    mining: PairMining
    known_items: int = 200
    apply: bool = True


@dataclass(frozen=True, slots=True)
class ImproveReport:
    """What came of it. Nothing but the folder `out` has changed unless `reembedded` says that the index moved.

    `interrupted`: it was told to stop, and goes on when run again.
    """

    mined: MinedPairs
    training: TrainingReport
    trial: TrialReport | None = None
    reembedded: ReembedReport | None = None
    left_out: int = 0
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """Whether the new encoder is better on documents that it never saw, by more than chance."""
        return "proven" if self.trial is not None and is_proven(self.trial) else "not proven"

    def to_json(self) -> Json:
        """Return it as JSON values."""
        trial = self.trial
        return {
            "verdict": self.verdict,
            "pairs": dict(self.mined.sources),
            "training": self.training.card,
            "documents_compared": trial.documents if trial else None,
            "unseen_documents": trial.unseen.to_json() if trial else None,
            "seen_documents": trial.seen.to_json() if trial and trial.seen else None,
            "questions_left_out": self.left_out,
            "reembedded": self.reembedded.version if self.reembedded and self.reembedded.moved else None,
            "missed": list(self.reembedded.missed) if self.reembedded else [],
            "interrupted": self.interrupted,
        }


@dataclass(frozen=True, slots=True)
class JudgedSplit:
    """Judged questions parted by their documents: to learn from, to try on unseen documents, to try on seen ones.

    `mixed` have documents on both sides and are left out.
    """

    learnt: DataSet | None
    unseen: DataSet | None
    seen: DataSet | None
    mixed: int


def improve(
    index: Index,
    judged: DataSet | None,
    improvement: Improvement,
    watch: Watch,
    tell: Callable[[str, int, int], None],
) -> ImproveReport:
    """Mine the index, train, try the new encoder on documents of which nothing was learnt, and re-embed if it's proven better.

    Raises UsageError where the index has too few questions to tell, or can't be re-embedded.
    """
    if index.schema.layout is not None:
        raise UsageError(
            f"the documents of '{index.name}' are written by others, so its encoder can't be changed here; "
            f"mine and train, then: searchctl vectorize {index.name} --encoder FOLDER"
        )
    seed = improvement.schedule.seed
    split = split_judged(judged, seed)
    sets = TrialSets(_unseen(index, split, improvement.known_items, seed), split.seen)
    mined, recipe = mine_recipe(index, split, improvement, tell)
    training = produce(recipe, improvement.schedule, improvement.out, watch)
    report = ImproveReport(mined, training, left_out=split.mixed, interrupted=training.interrupted)
    if training.interrupted or watch.stop.is_set():
        return replace(report, interrupted=True)
    name = str(improvement.out)
    encoder = open_encoder(name)
    report = replace(report, trial=try_encoder(index, name, encoder, sets, tell))
    if report.verdict == "not proven" or not improvement.apply or watch.stop.is_set():
        return replace(report, interrupted=watch.stop.is_set())
    judging = _judging(sets.unseen, improvement.out)
    monitor = Monitor(lambda done, total: tell("documents", int(done), total), watch.stop)
    done = reembed(
        index,
        encoder_stamp(name, encoder),
        encoder,
        judging,
        monitor,
        on_trial=lambda done, total: tell("answers", done, total),
    )
    return replace(report, reembedded=done, interrupted=done.interrupted)


def mine_recipe(
    index: Index, split: JudgedSplit, improvement: Improvement, tell: Callable[[str, int, int], None]
) -> tuple[MinedPairs, SiameseRecipe]:
    """Mine the documents that aren't held out into a file beside the folder, and return what learns from it."""
    seed = improvement.schedule.seed
    mined = mine_pairs(
        index,
        improvement.mining,
        split.learnt,
        left_out=lambda id: is_held_out(id, HELD_OUT, seed),
        tell=lambda done, total: tell("questions", done, total),
    )
    return mined, _recipe(mined, improvement)


def is_proven(trial: TrialReport) -> bool:
    """Tell whether hybrid search gained on unseen documents by more than chance, and lost nothing so on seen ones."""
    gain = hybrid(trial.unseen.differences)
    seen = hybrid(trial.seen.differences) if trial.seen is not None else None
    lost = seen is not None and seen.change.value < 0 and _is_significant(seen)
    return gain.change.value > 0 and _is_significant(gain) and not lost


def _is_significant(difference: Difference) -> bool:
    return difference.p_value < _SIGNIFICANT


def hybrid(differences: tuple[Difference, ...]) -> Difference:
    """Return the difference of hybrid search."""
    return next(one for one in differences if one.mode == "hybrid" and one.metric == _METRIC)


def split_judged(judged: DataSet | None, seed: int) -> JudgedSplit:
    """Part judged questions by which of their relevant documents are held out."""
    if judged is None:
        return JudgedSplit(None, None, None, 0)
    unseen: list[JudgedQuery] = []
    learnt: list[JudgedQuery] = []
    seen: list[JudgedQuery] = []
    mixed = 0
    for query in judged.queries:
        sides = {is_held_out(id, HELD_OUT, seed) for id, grade in query.grades.items() if grade > 0}
        if sides == {True}:
            unseen.append(query)
        elif sides == {False}:
            (seen if is_held_out(f"question {query.id}", _SEEN, seed) else learnt).append(query)
        else:
            mixed += 1

    def part(queries: list[JudgedQuery], name: str) -> DataSet | None:
        return replace(judged, name=f"{judged.name}: {name}", queries=tuple(queries)) if queries else None

    return JudgedSplit(
        part(learnt, "learnt"), part(unseen, "unseen documents"), part(seen, "seen documents, other questions"), mixed
    )


def _unseen(index: Index, split: JudgedSplit, known_items: int, seed: int) -> DataSet:
    """Return the questions that judge: people's where there are enough, else ones made from held-out documents."""
    if split.unseen is not None and len(split.unseen.queries) >= _LEAST_QUESTIONS:
        return split.unseen
    if split.unseen is not None or split.learnt is not None:
        count = len(split.unseen.queries) if split.unseen else 0
        raise UsageError(
            f"{count} judged questions are on documents that are held out, too few to prove anything; give more, at least "
            f"{round(_LEAST_QUESTIONS / HELD_OUT)} on different documents, or leave --judgements out"
        )
    made = known_items_of_index(index, round(known_items / HELD_OUT), seed=seed)
    queries = tuple(query for query in made.queries if all(is_held_out(id, HELD_OUT, seed) for id in query.grades))
    if len(queries) < _LEAST_QUESTIONS:
        raise UsageError(
            f"only {len(queries)} questions can be made from the held-out documents of '{index.name}', too few to prove anything; "
            "give judged queries: --judgements DATA"
        )
    return replace(made, name=f"{index.name}: unseen documents", queries=queries[:known_items])


def _recipe(mined: MinedPairs, improvement: Improvement) -> SiameseRecipe:
    path = improvement.out.with_name(f"{improvement.out.name}.pairs.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft, draft.open("w", encoding="utf-8") as file:
        for pair in mined.pairs:
            file.write(json.dumps(pair.to_json(), ensure_ascii=False) + "\n")
    return replace(siamese_recipe(path, improvement.base, improvement.siamese), command="searchctl improve")


def _judging(unseen: DataSet, out: Path) -> Judging:
    """Return what re-embedding is tried with on the whole index: the same questions, from a file beside the folder."""
    path = out.with_name(f"{out.name}.questions.jsonl")
    rows: list[Mapping[str, object]] = [
        {"id": query.id, "query": query.text, "relevant": dict(query.grades)} for query in unseen.queries
    ]
    with replacing(path) as draft, draft.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return Judging(path, 0, (_GATE,))
