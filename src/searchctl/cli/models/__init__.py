"""`searchctl models`: encoders by name. Each of its commands is loaded when it is called."""

from __future__ import annotations

import click

from searchctl.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("searchctl.cli.models.catalogue", "List the encoders that are known by name."),
    "show": ("searchctl.cli.models.catalogue", "Show what is known of an encoder, and where it is."),
    "fetch": ("searchctl.cli.models.files", "Fetch an encoder, with checksums."),
    "export": ("searchctl.cli.models.files", "Write an encoder as ONNX, so that it runs without torch."),
    "compare": ("searchctl.cli.models.compare", "Compare encoders on your own tasks."),
    "bundle": ("searchctl.cli.models.files", "Pack an encoder into one file, for a machine without network."),
    "unbundle": ("searchctl.cli.models.files", "Unpack such a file."),
}


@click.group(
    "models",
    cls=LazyGroup,
    commands=COMMANDS,
    attribute="{name}_command",
    examples=(
        "searchctl models list --language ru",
        "searchctl models show LaBSE",
        "searchctl models fetch multilingual-e5-base",
        "searchctl ingest docs/ --encoder multilingual-e5-base",
    ),
)
def command() -> None:
    """List, fetch and convert encoders.

    An encoder's name goes after --encoder. Its files are looked for in $SEARCHCTL_MODELS, in ~/.cache/searchctl/models and in
    the cache of the Hugging Face tools. If they are in none, they are fetched from the hub, unless HF_HUB_OFFLINE is set.
    """
