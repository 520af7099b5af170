"""`searchctl train`: models from one's own texts. Each of its commands is loaded when it is called."""

from __future__ import annotations

import click

from searchctl.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "pairs": ("searchctl.cli.train.pairs", "Mine pairs to train on from an index."),
    "siamese": ("searchctl.cli.train.siamese", "Train an encoder on labelled texts, or on questions with answers."),
    "reranker": ("searchctl.cli.train.reranker", "Train a cross-encoder on questions, answers and near misses."),
    "distil": ("searchctl.cli.train.distil", "Make a quicker encoder out of a slower one."),
    "adapt": ("searchctl.cli.train.adapt", "Adapt an encoder to texts without questions or labels."),
    "classifier": ("searchctl.cli.train.classifier", "Train a transformer with a head, on labelled texts."),
    "setfit": ("searchctl.cli.train.setfit", "Train a classifier on a handful of labelled texts."),
    "pretrain": ("searchctl.cli.train.pretrain", "Teach a model the language of plain texts."),
}


@click.group(
    "train",
    cls=LazyGroup,
    commands=COMMANDS,
    attribute="{name}_command",
    examples=(
        "searchctl train siamese pairs.jsonl --from ./model -o ./my-encoder --dry-run",
        "searchctl train siamese pairs.jsonl --from ./model -o ./my-encoder",
        'searchctl reembed --encoder ./my-encoder --judgments data/shop --gate "ndcg@10>=0.01"',
    ),
)
def command() -> None:
    """Train models on your own texts, when measurements ask for it. Needs the extra 'train'.

    Each command writes one folder, which --encoder, --rerank or the router takes, and does nothing twice: the same command
    goes on where it was interrupted. Measure first (searchctl evaluate): most collections are served well without any training.
    """
