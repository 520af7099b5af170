"""`searchctl route`: texts to labels that have a handful of examples. Each of its commands is loaded when it is called."""

from __future__ import annotations

import click

from searchctl.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "add": ("searchctl.cli.route.examples", "Add examples of a label, or its description."),
    "import": ("searchctl.cli.route.examples", "Add labelled texts from a file."),
    "remove": ("searchctl.cli.route.examples", "Remove a label, or examples."),
    "rename": ("searchctl.cli.route.relabel", "Give a label another name."),
    "merge": ("searchctl.cli.route.relabel", "Give the examples of labels to one label."),
    "labels": ("searchctl.cli.route.examples", "List the labels with their examples."),
    "export": ("searchctl.cli.route.relabel", "Write all examples to a file."),
    "undo": ("searchctl.cli.route.examples", "Take back the last change."),
    "predict": ("searchctl.cli.route.predict", "Route texts, with confidence and reasons."),
    "check": ("searchctl.cli.route.check", "Find what is wrong with the examples, and what to label next."),
    "impact": ("searchctl.cli.route.check", "Say what new examples would change, before adding them."),
    "discover": ("searchctl.cli.route.discover", "Find labels that are missing, in texts without one."),
    "apply": ("searchctl.cli.route.apply", "Label the documents of an index."),
    "evaluate": ("searchctl.cli.route.evaluate", "Measure few-shot routing on labelled texts."),
}
_FIT = (
    "there is nothing to fit: examples take effect at once, without training. To train a classifier: searchctl train setfit, or "
    "searchctl train classifier; it answers by: searchctl route predict --classifier FOLDER"
)


@click.group(
    "route",
    cls=LazyGroup,
    commands=COMMANDS,
    attribute="{name}_command",
    refused={"fit": _FIT},
    examples=(
        'searchctl route add billing/refund "I want my money back" "When do I get my refund?"',
        "searchctl route import tickets.csv --text message --label queue",
        'searchctl route predict "They charged me twice"',
        "searchctl route predict tickets.jsonl --target-precision 0.95",
    ),
)
def command() -> None:
    """Route texts to labels that have a handful of examples each, effective at once.

    Examples live in the index 'routes' of the engine, or in the one named with --index.
    """
