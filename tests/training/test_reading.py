"""What is trained on: read or refused by line, and split so that nothing held out is shown. Needs none of the extra's libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.errors import SourceError, UsageError
from searchctl.training.losses import LossChoice
from searchctl.training.reading import LabelledText, TextPair, is_labelled, read_labelled, read_pairs, read_texts
from searchctl.training.settings import Schedule
from searchctl.training.splitting import split_labelled, split_pairs


def lines(folder: Path, *rows: str) -> Path:
    path = folder / "data.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_pairs_are_read_by_their_usual_names(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        '{"query": "q", "positive": "p", "negatives": ["n", "n", "m"], "document": 7, "source": "title"}',
        "",
        '{"question": "чай?", "answer": "да", "negative": "нет", "score": 1}',
    )
    pairs, file = read_pairs(path)
    assert pairs[0] == TextPair("q", "p", ("n", "m"), None, "7", "title")
    assert pairs[1] == TextPair("чай?", "да", ("нет",), 1.0, "да")
    assert file.lines == 2 and len(file.sha256) == 64 and not is_labelled(path)


def test_labels_may_be_several_and_texts_keep_their_title(tmp_path: Path) -> None:
    rows, _ = read_labelled(lines(tmp_path, '{"text": "t", "label": ["a", "b", "a"]}', '{"text": "u", "labels": 3}'))
    assert rows == [LabelledText("t", ("a", "b")), LabelledText("u", ("3",))]
    assert read_texts(lines(tmp_path, '{"title": "T", "text": "x"}'))[0] == ["T\nx"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "data.jsonl:2 isn't JSON"),
        ("[1]", "data.jsonl:2 is list, not an object"),
        ('{"query": " ", "positive": "p"}', "data.jsonl:2: 'query' is empty"),
        ('{"query": "q"}', "data.jsonl:2: 'positive' is missing; expected a line like"),
        ('{"query": "q", "positive": 3}', "data.jsonl:2: 'positive' is 3"),
        ('{"query": "q", "positive": "p", "negatives": [""]}', "data.jsonl:2 has negatives that aren't texts"),
        ('{"query": "q", "positive": "p", "score": 2}', "data.jsonl:2 has the score 2; expected a number from 0"),
        ('{"query": "q", "positive": "p", "score": true}', "has the score True"),
        ('{"query": "q", "positive": "p", "document": ["d"]}', "as its document; expected an id"),
    ],
)
def test_a_wrong_line_is_named_with_what_was_expected(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(SourceError, match=told.replace("[", r"\[")):
        read_pairs(lines(tmp_path, '{"query": "q", "positive": "p"}', line))


def test_files_that_hold_neither_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no .*missing.jsonl"):
        read_pairs(tmp_path / "missing.jsonl")
    with pytest.raises(SourceError, match="is empty"):
        is_labelled(lines(tmp_path))
    with pytest.raises(SourceError, match=":1 is neither a pair nor a labelled text"):
        is_labelled(lines(tmp_path, '{"text": "alone"}'))
    with pytest.raises(SourceError, match="as its label; expected a text"):
        read_labelled(lines(tmp_path, '{"text": "t", "label": {}}'))


def test_no_document_and_no_question_stands_on_both_sides() -> None:
    """A question with two documents, of which one has another question: all of these stay together."""
    pairs = [TextPair(f"q{n // 2}", f"text {n}", document=f"d{(n + 1) // 2}") for n in range(40)]
    pairs += [TextPair(f"alone {n}", f"own {n}", ("text 3", "own 1"), document=f"own {n}") for n in range(200)]
    split = split_pairs(pairs, 0.2, seed=1)
    assert split.learnt and split.held_out and len(split.learnt) + len(split.held_out) == len(pairs)
    for part in ("query", "document"):
        assert not {getattr(one, part) for one in split.learnt} & {getattr(one, part) for one in split.held_out}
    answers = {one.positive for one in split.held_out}
    assert not any(answers & set(one.negatives) for one in split.learnt)
    assert split == split_pairs(pairs, 0.2, seed=1) != split_pairs(pairs, 0.2, seed=2)


def test_labels_keep_two_texts_and_give_their_share() -> None:
    rows = [LabelledText(f"{label} {number}", (label,)) for label in "abcde" for number in range(20)]
    rows += [LabelledText("f 1", ("f",)), LabelledText("f 2", ("f",)), LabelledText("A  1", ("a",))]
    split = split_labelled(rows, 0.2, seed=0)
    assert 18 <= len(split.held_out) <= 22
    assert sum(row.labels == ("f",) for row in split.learnt) == 2
    same = {"a 1", "A  1"}
    assert not (same & {row.text for row in split.learnt} and same & {row.text for row in split.held_out})


def test_too_few_to_tell_anything_hold_nothing_out() -> None:
    few = [TextPair(f"q{n}", f"p{n}", document=str(n)) for n in range(12)]
    assert split_pairs(few, 0.1, seed=0).held_out == () and split_pairs(few, 0.0, seed=0).learnt == tuple(few)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="held-out is 0.9, expected a number from 0 to 0.5; set it with --held-out"):
        Schedule(held_out=0.9)
    with pytest.raises(UsageError, match="rate is nan"):
        Schedule(rate=float("nan"))
    with pytest.raises(UsageError, match="has no margin"):
        LossChoice("multiple-negatives", 0.3)
    with pytest.raises(UsageError, match="the margin is 5; distance is 1 - cosine"):
        LossChoice("triplet", 5.0)
    assert LossChoice("triplet").effective_margin == 0.3 and LossChoice("cosent").effective_margin is None
