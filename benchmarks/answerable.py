"""Does `searchctl answer` tell, among a dozen documents, what is answered from what is only near? Learns and measures its model.

    python benchmarks/answerable.py --data DIR [--learn]

DIR holds retrieval sets (xquad-en, xquad-ru, danetqa-ru, scifact-en); the demo's questions come from this repository. Each set is
an index of a dozen to some sixty documents, and its questions are of four kinds: answered by one of the documents; near, about
another paragraph of the same article or topic; swapped, with one telling word of an answered question replaced by a word of
another question, so that all but one word fits; none, about something else. `--learn` learns the numbers of
explore/evidence.py anew (those there came from other draws of the same halves): from the first half of XQuAD's articles, the
training judgements of danetqa and scifact, and the demo's development questions.
Without it, the section is written from the other halves, which had no part in that.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from answers import DEMO
from quality import load
from report import machine, save

from searchctl import Document, Index, open_encoder
from searchctl.explore import answer as answering
from searchctl.explore.evidence import AnswerModel, signs_of
from searchctl.text.analysis import analyze

KINDS = ("near", "swapped", "none")
WORD = re.compile(r"[^\W\d_]{4,}")
ROUNDS = 4  # of choosing each question's likeliest sentence and learning anew


ABOUT = (
    "Small indexes; made by `python benchmarks/answerable.py`. Of the questions that a document answers: how many get an answer, and how "
    "many of those from a right document. Of the others: how many get none; near ones are about another paragraph of the same article "
    "or topic, swapped ones are answered ones with one telling word replaced by another question's. The numbers of explore/evidence.py "
    "were learnt on other halves (`--learn`)."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a kind, and the documents that answer it; none where nothing does."""

    text: str
    kind: str
    right: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SmallSet:
    """Documents of one index, and what is asked of them."""

    name: str
    documents: tuple[Document, ...]
    asked: tuple[Asked, ...]


def swapped(question: str, others: Sequence[str], own: set[str], chance: random.Random) -> str | None:
    """Replace a word that the question shares with its document by one of another question, of the same case and not in it."""
    places = [
        found for found in WORD.finditer(question) if found.start() and {t.term for t in analyze(found.group())} & own
    ]
    if not places:
        return None
    place = chance.choice(places)
    for other in chance.sample(list(others), min(50, len(others))):
        words = [
            found.group()
            for found in WORD.finditer(other)
            if found.start()
            and found.group()[0].isupper() == place.group()[0].isupper()
            and (terms := [t.term for t in analyze(found.group())])
            and not own & set(terms)
        ]
        if words:
            return question[: place.start()] + chance.choice(words) + question[place.end() :]
    return None


def terms_of(documents: Sequence[Document]) -> set[str]:
    return {token.term for one in documents for token in analyze(f"{one.title}\n{one.text}")}


def articles(folder: Path, half: str, count: int, seed: int) -> SmallSet:
    """One paragraph of each of `count` articles of XQuAD; near questions are about the articles' other paragraphs."""
    chance = random.Random(seed)
    rows = [Document(row["_id"], row["text"], row.get("title", "")) for row in load(folder / "corpus.jsonl")]
    rows = rows[:120] if half == "dev" else rows[120:]
    texts = {row["_id"]: row["text"] for row in load(folder / "queries.jsonl")}
    about: dict[str, list[str]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, id, _ = line.split("\t")
        about.setdefault(id, []).append(texts[query])
    chosen = chance.sample([rows[start : start + 5] for start in range(0, len(rows), 5)], count)
    held = [chance.choice(article) for article in chosen]
    everything = [text for row in rows for text in about.get(row.id, [])]
    asked: list[Asked] = []
    for document, article in zip(held, chosen, strict=True):
        own = about.get(document.id, [])
        asked += [Asked(text, "answered", frozenset({document.id})) for text in chance.sample(own, min(2, len(own)))]
        if own and (other := swapped(chance.choice(own), everything, terms_of([document]), chance)):
            asked.append(Asked(other, "swapped"))
        left = [text for one in article if one is not document for text in about.get(one.id, [])]
        asked += [Asked(text, "near") for text in chance.sample(left, min(2, len(left)))]
    return SmallSet(f"{folder.name}, {count} documents", tuple(held), tuple(asked))


def judged(folder: Path, split: str, count: int, seed: int) -> SmallSet:
    """The documents of `count` judged questions, and as many questions whose documents were left out."""
    chance = random.Random(seed)
    corpus = {row["_id"]: row for row in load(folder / "corpus.jsonl")}
    texts = {row["_id"]: row["text"] for row in load(folder / "queries.jsonl")}
    answers: dict[str, set[str]] = {}
    for line in (folder / "qrels" / split).read_text(encoding="utf-8").splitlines()[1:]:
        query, id, _ = line.split("\t")
        answers.setdefault(query, set()).add(id)
    drawn = chance.sample(sorted(answers), 2 * count)
    held = sorted(set().union(*(answers[query] for query in drawn[:count])))
    asked = [Asked(texts[query], "answered", frozenset(answers[query])) for query in drawn[:count]]
    asked += [Asked(texts[query], "none") for query in drawn[count:] if answers[query].isdisjoint(held)]
    documents = tuple(Document(id, corpus[id]["text"][:1500], corpus[id].get("title", "")) for id in held)
    return SmallSet(f"{folder.name}, {len(held)} documents", documents, tuple(asked))


def demo(half: str, lang: str, seed: int) -> SmallSet:
    """Nine answered questions' documents of the demo, and four others on the same topics."""
    chance = random.Random(seed)
    corpus = {row["_id"]: Document(row["_id"], row["text"], row["title"]) for row in load(DEMO / "corpus.jsonl")}
    rows = [row for row in load(DEMO / "answers.jsonl") if row["metadata"] == {"lang": lang, "split": half}]
    real = [row for row in rows if row["answers"]]
    drawn = chance.sample(real, 9)
    ids = {one["id"] for row in drawn for one in row["answers"]}
    topics = {id.rsplit("-", 1)[0] for id in ids}
    beside = chance.sample(sorted(id for id in corpus if id not in ids and id.rsplit("-", 1)[0] in topics), 4)
    held = [corpus[id] for id in (*sorted(ids), *beside)]
    asked = [Asked(row["text"], "answered", frozenset(one["id"] for one in row["answers"])) for row in drawn]
    for row in rows:
        answers = {one["id"] for one in row["answers"]}
        if answers.isdisjoint(one.id for one in held):
            near = any(id.rsplit("-", 1)[0] in topics for id in answers)
            asked.append(Asked(row["text"], "near" if near else "none"))
    for row in drawn:
        own = terms_of([corpus[one["id"]] for one in row["answers"]])
        if other := swapped(row["text"], [one["text"] for one in real], own, chance):
            asked.append(Asked(other, "swapped"))
    return SmallSet(f"demo-{lang}, {len(held)} documents", tuple(held), tuple(asked))


def learnt_from(data: Path) -> Iterator[SmallSet]:
    for name in ("xquad-en", "xquad-ru"):
        yield articles(data / name, "dev", 12, 5)
        yield articles(data / name, "dev", 24, 6)
    yield judged(data / "danetqa-ru", "train.tsv", 40, 4)
    yield judged(data / "scifact-en", "train.tsv", 30, 4)
    for lang in ("en", "ru"):
        yield demo("dev", lang, 1)


def measured_on(data: Path) -> Iterator[SmallSet]:
    for name in ("xquad-en", "xquad-ru"):
        yield articles(data / name, "test", 12, 11)
        yield articles(data / name, "test", 24, 12)
    yield judged(data / "danetqa-ru", "dev.tsv", 24, 3)
    yield judged(data / "scifact-en", "test.tsv", 24, 3)
    for lang in ("en", "ru"):
        yield demo("test", lang, 1)


def signs(index: Index, question: str) -> np.ndarray:
    """Return the signs of all sentences that are read for a question: (n, 6)."""
    seen: list[np.ndarray] = []
    chances = answering.answer_chances

    def noted(*given: np.ndarray) -> np.ndarray:
        seen.append(signs_of(*given))  # type: ignore[arg-type]
        return chances(*given)  # type: ignore[arg-type]

    answering.answer_chances = noted  # type: ignore[assignment]
    try:
        answering.answer(index, question)
    finally:
        answering.answer_chances = chances
    return seen[0] if seen else np.zeros((0, 6))


def learn(sets: Sequence[SmallSet]) -> AnswerModel:
    """Return the logistic of each question's likeliest sentence, answered and other questions counting alike."""
    from sklearn.linear_model import LogisticRegression

    rows: list[np.ndarray] = []
    answered: list[bool] = []
    encoder = open_encoder()
    for one in sets:
        with TemporaryDirectory() as folder, Index.open(folder, encoder=encoder) as index:
            index.ingest(one.documents)
            for asked in one.asked:
                rows.append(signs(index, asked.text))
                answered.append(asked.kind == "answered")
        print(f"read: {one.name}", flush=True)
    kept = [place for place, row in enumerate(rows) if len(row)]
    truth = np.array([answered[place] for place in kept])
    best = np.array([rows[place][rows[place][:, 3].argmax()] for place in kept])
    for _ in range(ROUNDS):
        middle, spread = best.mean(axis=0), best.std(axis=0) + 1e-9
        model = LogisticRegression(class_weight="balanced", max_iter=1000).fit((best - middle) / spread, truth)
        weights = model.coef_[0] / spread
        best = np.array([rows[place][(rows[place] @ weights).argmax()] for place in kept])
    intercept = float(model.intercept_[0] - weights @ middle)
    return AnswerModel(round(intercept, 2), *(round(float(weight), 2) for weight in weights))


def row_of(one: SmallSet) -> str:
    encoder = open_encoder()
    with TemporaryDirectory() as folder, Index.open(folder, encoder=encoder) as index:
        index.ingest(one.documents)
        answers = [(asked, answering.answer(index, asked.text)) for asked in one.asked]
    known = [(asked, found) for asked, found in answers if asked.kind == "answered"]
    given = [found.best for _, found in known if found.best is not None]
    right = sum(found.best is not None and found.best.id in asked.right for asked, found in known)
    cells = [str(len(known)), f"{len(given) / len(known):.3f}", f"{right / max(len(given), 1):.3f}"]
    for kind in KINDS:
        silent = [not found.answered for asked, found in answers if asked.kind == kind]
        cells.append(f"{np.mean(silent):.3f} of {len(silent)}" if silent else "-")
    return f"| {one.name} | {' | '.join(cells)} |"


def main() -> None:
    """Learn, or measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--learn", action="store_true")
    options = parser.parse_args()
    if options.learn:
        print(learn(list(learnt_from(options.data))))
        return
    rows = []
    for one in measured_on(options.data):
        rows.append(row_of(one))
        print(rows[-1], flush=True)
    save(
        "answerable",
        "\n".join(
            [
                "### Answered, or only near",
                "",
                machine("searchctl", "onnxruntime"),
                "",
                ABOUT,
                "",
                "| set | answered by one | get an answer | from a right one | near: none | swapped: none | other things: none |",
                "|---|---|---|---|---|---|---|",
                *rows,
            ]
        ),
    )


if __name__ == "__main__":
    main()
