"""What generated queries are for: a search that was set badly is set right by them, and people's questions are answered better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from searchctl import Index
from searchctl.evaluation.dataset import DataSet, read_corpus, read_dataset
from searchctl.evaluation.evaluate import evaluate
from searchctl.evaluation.metrics import Floats, bootstrap_interval, parse_metric
from searchctl.generation.asking import AskSettings
from searchctl.generation.chat import ChatServer
from searchctl.generation.generate import generate
from searchctl.generation.queries import QueriesTask, QuerySettings
from searchctl.generation.tasks import PromptChoice
from searchctl.ranking.fusion import FusionSettings
from searchctl.tuning.tune import apply, tune
from tests.generation.chat_server import DEMO, ChatServerScript

NDCG = parse_metric("ndcg@10")


@pytest.mark.slow
def test_settings_tuned_on_generated_queries_answer_peoples_questions_better(
    good_server: ChatServerScript, tmp_path: Path
) -> None:
    """Delivery and returns are what the queries are about; the questions, which nothing is chosen by, are about the whole demo."""
    questions = read_dataset(DEMO)
    with Index.open(tmp_path / "index") as index:
        index.ingest(read_corpus(DEMO / "corpus.jsonl"))
        task = QueriesTask(
            index,
            PromptChoice("queries"),
            QuerySettings(
                where=" OR ".join(f"id={lang}-{topic}-*" for lang in ("en", "ru") for topic in ("delivery", "returns"))
            ),
            held_out=[query.text for query in questions.queries],
        )
        server = ChatServer(good_server.url, "good")
        report = generate(task, task.requests(), server, tmp_path / "q.jsonl", AskSettings())
        assert report.requests == 46 and report.lines > 90, report
        generated = read_dataset(tmp_path / "q.jsonl")
        usual = measured(index, questions)
        assert not tune(index, generated, NDCG).fusion.significant  # the defaults are good
        schema = index.schema
        index.engine.update_schema(
            index.name, replace(schema, fusion=FusionSettings("weighted", 0.95, 0.05)), since=schema
        )
        before = measured(index, questions)
        tuned = tune(index, generated, NDCG)
        assert "fusion" in apply(index, tuned)
        after = measured(index, questions)
    gain = bootstrap_interval(after - before)
    print(
        report.lines,
        f"nDCG@10 usual {usual.mean():.4f}, set badly {before.mean():.4f}, tuned {after.mean():.4f}, gain {gain}",
    )
    assert gain.low > 0


def measured(index: Index, questions: DataSet) -> Floats:
    """Return each question's nDCG@10."""
    report = evaluate(index, questions, modes=("hybrid",), metrics=(NDCG,))
    return report.scores["hybrid"][NDCG]
