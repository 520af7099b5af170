"""Does `searchctl answer` give the right sentence, and say so when there is none?

    python benchmarks/answers.py --data DIR --work FOLDER [--half dev] [--most 100]

The demo's answers.jsonl says where 120 questions are answered, and has 24 that aren't. XQuAD (DIR/xquad-en, DIR/xquad-ru) tells
the passage only: the index holds every other passage, so half of the questions are answered and half aren't, although the
subjects are known. The model of explore/evidence.py was learnt on the development halves (benchmarks/answerable.py; `--half dev` prints
these here and writes nothing): the demo's by `split`, XQuAD's first 120 passages.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quality import load
from report import machine, save

from searchctl import Document, Index, open_encoder
from searchctl.explore.answer import Answer, Found, answer

DEMO = Path(__file__).parent.parent / "ingest" / "demo"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its language, and the places (document, start, end) that answer it; none where nothing does."""

    text: str
    lang: str
    places: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether the first sentence's passage, and the sentence itself, hold the answer, and what was decided."""

    answerable: bool
    answered: bool
    passage: bool
    sentence: bool


def demo(half: str) -> list[Question]:
    texts = {row["_id"]: row["text"] for row in load(DEMO / "corpus.jsonl")}
    return [
        Question(
            row["text"],
            row["metadata"]["lang"],
            tuple(
                (one["id"], at := texts[one["id"]].index(one["text"]), at + len(one["text"])) for one in row["answers"]
            ),
        )
        for row in load(DEMO / "answers.jsonl")
        if row["metadata"]["split"] == half
    ]


def xquad(folder: Path, half: str, most: int) -> tuple[list[Document], list[Question]]:
    """Return every other passage of a half, and `most` questions about all of them, as many with an answer as without."""
    rows = load(folder / "corpus.jsonl")
    rows = rows[:120] if half == "dev" else rows[120:]
    held = {row["_id"]: row for row in rows[::2]}
    near = {row["_id"] for row in rows}
    judged = [line.split("\t") for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    texts = {row["_id"]: row["text"] for row in load(folder / "queries.jsonl")}
    asked = [
        Question(texts[query], folder.name[-2:], ((id, 0, len(held[id]["text"])),) if id in held else ())
        for query, id, _ in judged
        if id in near
    ]
    with_one, without = [one for one in asked if one.places], [one for one in asked if not one.places]
    step = max(1, 2 * min(len(with_one), len(without)) // most)
    documents = [Document(row["_id"], row["text"], row.get("title", "")) for row in held.values()]
    return documents, [*with_one[::step][: most // 2], *without[::step][: most // 2]]


def judged(question: Question, found: Answer) -> Judged:
    first: Found | None = found.best or next(iter(found.others), None)
    if first is None:
        return Judged(bool(question.places), False, False, False)
    end = first.passage_start + len(first.passage)
    passage = any(id == first.id and start < end and stop > first.passage_start for id, start, stop in question.places)
    sentence = any(id == first.id and start < first.end and stop > first.start for id, start, stop in question.places)
    return Judged(bool(question.places), found.answered, passage, sentence)


def row_of(name: str, found: Sequence[Judged], spans: bool) -> str:
    asked = [one for one in found if one.answerable]
    silent = [one for one in found if not one.answered]
    right = sum(not one.answerable for one in silent)
    given = [one for one in found if one.answered]
    good = sum(one.sentence for one in given)
    sentence = f"{sum(one.sentence for one in asked) / len(asked):.3f}" if spans else "-"
    given_right = f"{good / max(len(given), 1):.3f}" if spans else "-"
    return (
        f"| {name} | {len(asked)} | {sum(one.passage for one in asked) / len(asked):.3f} | {sentence} "
        f"| {len(found) - len(asked)} | {right / max(len(silent), 1):.3f} "
        f"| {right / max(len(found) - len(asked), 1):.3f} | {given_right} |"
    )


def filled(folder: Path, documents: Sequence[Document]) -> Index:
    """Open the index in a folder, filled with the documents if it's new for this encoder."""
    encoder = open_encoder()
    index = Index.open(folder.with_name(f"{folder.name}-{encoder.revision}"), encoder=encoder)
    if not index.count():
        index.ingest(documents)
    return index


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--half", choices=("dev", "test"), default="test")
    parser.add_argument("--most", type=int, default=100)
    options = parser.parse_args()
    rows = []
    documents = [Document(row["_id"], row["text"], row["title"]) for row in load(DEMO / "corpus.jsonl")]
    with filled(options.work / "answers-demo", documents) as index:
        found = [(one.lang, judged(one, answer(index, one.text))) for one in demo(options.half)]
    for lang in ("en", "ru"):
        rows.append(row_of(f"demo, {lang}", [one for own, one in found if own == lang], True))
    rows.append(row_of("demo", [one for _, one in found], True))
    for name in ("xquad-en", "xquad-ru"):
        documents, questions = xquad(options.data / name, options.half, options.most)
        with filled(options.work / f"answers-{name}-{options.half}", documents) as index:
            rows.append(row_of(name, [judged(one, answer(index, one.text)) for one in questions], False))
    head = (
        "| set | questions with an answer | right passage | right sentence | without | “no answer” right | found | answers given right |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    text = "\n".join([head, *rows])
    if options.half == "dev":
        print(text)
        return
    save(
        "answers",
        f"## Answers\n\n{machine('searchctl', 'onnxruntime')}\n\nHeld-out halves; made by `python benchmarks/answers.py`. Right: "
        "of the questions with an answer, how often the first sentence (or its passage) holds it, whether or not it was given. "
        "“No answer”: how many of those it was said of have none (precision), and how many of those without one it was said of "
        "(recall). XQuAD's questions without an answer are about passages that were left out, often of an article whose other "
        "passages are there.\n\n" + text,
    )


if __name__ == "__main__":
    main()
