"""Adapting to texts alone: what becomes a question, and that both ways learn and serve."""

from __future__ import annotations

import random
from pathlib import Path
from typing import get_args

import pytest

from searchctl import open_encoder
from searchctl.errors import UsageError
from searchctl.training.adapt import AdaptMethod, adapt_recipe, inverse_cloze
from searchctl.training.settings import Schedule, Watch
from tests.extras import train_extra
from tests.training.kit import TOPICS, sentence, write_lines


def texts(count: int) -> list[str]:
    draw = random.Random(3)
    return [
        ". ".join(sentence(topic, draw, 6).capitalize() for _ in range(3)) + "."
        for topic in TOPICS
        for _ in range(count)
    ]


def test_a_sentence_is_the_question_and_mostly_not_in_its_text() -> None:
    pairs = inverse_cloze(texts(50), seed=1)
    assert len(pairs) == 200 and pairs == inverse_cloze(texts(50), seed=1) != inverse_cloze(texts(50), seed=2)
    kept = sum(pair.query in pair.positive for pair in pairs)
    assert 5 < kept < 40
    assert all(pair.query in pair.document for pair in pairs)
    assert inverse_cloze(["Two words.", ""], seed=0) == []


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", get_args(AdaptMethod))
def test_both_ways_learn_and_serve(tmp_path: Path, base: Path, method: AdaptMethod) -> None:
    train_extra()
    from searchctl.training.producing import produce

    path = write_lines(tmp_path / "texts.jsonl", [{"text": text} for text in texts(40)])
    schedule = Schedule(epochs=3, rate=3e-3, evaluations=3, held_out=0.2, max_tokens=32, threads=1)
    watch = Watch(lambda done, total: watch.stop.set() if done == total // 2 else None)
    recipe = adapt_recipe(path, str(base), method, 0)
    assert produce(recipe, schedule, tmp_path / "out", watch).interrupted
    report = produce(recipe, schedule, tmp_path / "out", Watch())
    assert report.run is not None and report.run.losses[-1] < report.run.losses[0]
    assert report.card is not None and any(name.startswith("mrr@10") for name in report.card["measured"])
    assert open_encoder(str(tmp_path / "out")).encode_queries(["green tea"]).shape == (1, 32)


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "texts.jsonl", [{"text": text} for text in texts(5)])
    with pytest.raises(UsageError, match="20 of 20 texts have two sentences or more, too few"):
        adapt_recipe(path, "base", "tsdae", 0)
