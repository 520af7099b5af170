"""`searchctl answer`: the sentence that answers a question."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.output import echo, print_json, printable
from searchctl.cli.where import where_of, where_option
from searchctl.errors import UsageError
from searchctl.translation import _
from searchctl.types import Json

if TYPE_CHECKING:
    from searchctl.explore.answer import Answer, Found


@click.command(
    "answer",
    cls=Command,
    examples=(
        'searchctl answer "how long may I keep a thing before I send it back"',
        'searchctl answer "сколько дней на возврат" --where lang=ru',
        'searchctl answer "what does E17 mean" --json | jq -r .answer.sentence',
        'searchctl answer "who pays for the courier" --reader ./models/xlm-roberta-squad2',
    ),
)
@click.argument("question", nargs=-1)
@where_option()
@click.option(
    "--min-relevance",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="P",
    help="How likely the best hit must be to answer [default: as search takes it].",
)
@click.option("--others", type=click.IntRange(0), default=2, show_default=True, help="More sentences to show.")
@click.option(
    "--reader", metavar="MODEL", help="Question-answering model that marks the words; needs the extra 'torch'."
)
@framed
def command(
    frame: Frame,
    question: tuple[str, ...],
    where: tuple[str, ...],
    min_relevance: float,
    others: int,
    reader: str | None,
) -> None:
    """Answer a question with the sentence of a document that says it, and its source.

    If no document does, it says so and shows the nearest sentences. Give - to read the question from standard input.
    """
    from searchctl.explore.answer import answer

    text = (sys.stdin.read() if question == ("-",) else as_text(" ".join(question))).strip()
    if not text:
        raise UsageError(_('there is no question; type: searchctl answer "how do I return an item"'))
    model = None
    if reader is not None:
        from searchctl.explore.reader import TransformersReader

        model = TransformersReader(reader)
    conditions = where_of(where)
    with frame.open_index() as index:
        found = answer(index, text, where=conditions, min_relevance=min_relevance, others=others, reader=model)
    if frame.for_programs:
        print_json("answer", _as_json(found))
    else:
        _print(frame, found)


def _as_json(answer: Answer) -> Json:
    return {
        "question": answer.question,
        "answered": answer.answered,
        "relevance": round(answer.relevance, 4),
        "answer": _found(answer.best) if answer.best else None,
        "others": [_found(one) for one in answer.others],
    }


def _found(found: Found) -> Json:
    span = found.span
    return {
        "sentence": found.sentence,
        "id": found.id,
        "title": found.title,
        "start": found.start,
        "end": found.end,
        "relevance": round(found.relevance, 4),
        "score": found.score,
        "passage": found.passage,
        "span": None if span is None else {"start": span.start, "end": span.end, "text": _marked(found)},
    }


def _marked(found: Found) -> str:
    """Return the words the reader marked, as far as they stand in the sentence."""
    if found.span is None:
        return ""
    return found.sentence[found.span.start - found.start : found.span.end - found.start]


def _print(frame: Frame, answer: Answer) -> None:
    if answer.best is None:
        echo(_("no answer found"))
    else:
        if answer.best.span is not None:
            echo(_marked(answer.best))
        echo(_line(answer.best))
    if frame.quiet or not answer.others:
        return
    say(
        _("searchctl: also:")
        if answer.best
        else _("searchctl: the nearest there is (relevance {relevance:.2f}):").format(relevance=answer.relevance)
    )
    for one in answer.others:
        say("  " + _line(one))


def _line(found: Found) -> str:
    source = f"{found.title}, {found.id}" if found.title else found.id
    return printable(f"{' '.join(found.sentence.split())} [{source}]")
