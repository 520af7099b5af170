"""`searchctl train pretrain`: a model learns the language of plain texts."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.choices import choice
from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.training.objectives import ObjectiveName
from searchctl.training.own_tokenizer import ARCHITECTURES
from searchctl.training.scratch import Sizes
from searchctl.training.settings import Schedule

_USUAL = Sizes()


@click.command(
    "pretrain",
    cls=Command,
    examples=(
        "searchctl train pretrain texts.jsonl --from ./model -o ./pretrained --dry-run",
        "searchctl train pretrain texts.jsonl --from ./model -o ./pretrained --epochs 3",
        "searchctl train pretrain texts.jsonl --from ./bert -o ./pretrained --objective mlm+nsp",
        "searchctl train pretrain texts.jsonl --architecture electra --vocab-size 16000 -o ./electra",
        "searchctl train siamese pairs.jsonl --from ./pretrained -o ./my-encoder",
    ),
)
@click.argument("path", metavar="TEXTS", type=click.Path(path_type=Path))
@click.option(
    "--from", "base", metavar="MODEL", help="Model to go on with: a Hugging Face or sentence-transformers folder."
)
@click.option(
    "--objective",
    type=choice(ObjectiveName),
    help="Hidden words (mlm), and whether a sentence follows (mlm+nsp), or replaced ones (electra) [default: mlm; of electra: electra].",
)
@click.option("--architecture", type=click.Choice(ARCHITECTURES), help="A new model, with a tokenizer of its own.")
@click.option("--vocab-size", type=int, default=_USUAL.vocabulary, show_default=True, help="Tokens of a new tokenizer.")
@click.option("--layers", type=int, default=_USUAL.layers, show_default=True, help="Layers of a new model.")
@click.option("--hidden", type=int, default=_USUAL.hidden, show_default=True, help="Numbers of its hidden states.")
@click.option("--lower-case", is_flag=True, help="A new tokenizer reads capitals as small letters.")
@click.option(
    "--masked",
    type=click.FloatRange(0.01, 0.6),
    default=0.15,
    show_default=True,
    help="Share of the tokens that is hidden.",
)
@click.option(
    "--all-weights", is_flag=True, help="With --from: also train the word embeddings, which takes far more memory."
)
@schedule_options(rate=5e-5, epochs=3.0)
@framed
def pretrain_command(
    frame: Frame,
    path: Path,
    base: str | None,
    objective: str | None,
    architecture: str | None,
    vocab_size: int,
    layers: int,
    hidden: int,
    lower_case: bool,
    masked: float,
    all_weights: bool,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Teach a model the language of your texts, without labels: it guesses hidden words. Then go on with `train siamese`.

    TEXTS is JSON Lines: {"text": …}, with perhaps a "title". A part of them is held out, and the perplexity on it is told before
    and after. It takes much text: below a million tokens it has seldom helped.
    """
    from searchctl.training.pretrain import PretrainSettings, pretrain_recipe

    sizes = Sizes(layers, hidden, schedule.max_tokens, vocab_size)
    usual = "electra" if architecture == "electra" else "mlm"
    settings = PretrainSettings(objective or usual, architecture, sizes, lower_case, masked, all_weights)
    recipe = pretrain_recipe(path, base, settings)
    train_and_print(frame, recipe, schedule, out, dry_run, "searchctl train siamese PAIRS.jsonl --from {out} -o DIR")
