"""What commands that look into a whole collection are given: an index, or files that are encoded for this once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Frame, Function, as_text
from searchctl.cli.progress import Meter
from searchctl.errors import UsageError
from searchctl.sources.formats import formats
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.explore.collection import Collection


def source_options(function: Function) -> Function:
    """Add the argument SOURCE and the options which say how files are read."""
    options = (
        click.argument("sources", nargs=-1, metavar="[SOURCE...]"),
        click.option("--id", "id_field", metavar="FIELD", help="Field of a file's records that holds the id."),
        click.option("--title", "title_field", metavar="FIELD", help="Field that holds the title."),
        click.option(
            "--text", "text_fields", metavar="FIELDS", help="Fields that hold the text, a comma between them."
        ),
        click.option(
            "--format",
            "format_name",
            type=click.Choice(tuple(formats())),
            metavar="NAME",
            help="Format of the files, whatever their names say, as csv, json or html; any other word lists them all.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def collect(
    frame: Frame,
    sources: tuple[str, ...],
    id_field: str | None,
    title_field: str | None,
    text_fields: str | None,
    format_name: str | None,
    date_field: str | None = None,
) -> tuple[Collection, str]:
    """Return the documents and a name for them; raises UsageError for a word that is neither a path nor an index."""
    from searchctl.explore.collection import from_files
    from searchctl.sources import FieldMapping, discover

    name = _index_name(sources)
    if name is not None or not sources:
        if id_field or title_field or text_fields or format_name:
            raise UsageError(
                _("--id, --title, --text and --format are for files; an index knows its fields: leave them out")
            )
        return _of_index(frame, name or frame.settings.index, date_field)
    from searchctl.encoders import DEFAULT_ENCODER, open_encoder

    texts = tuple(filter(None, (part.strip() for part in (text_fields or "").split(","))))
    files = discover(sources, format=format_name).files
    encoder = open_encoder(frame.settings.encoder or DEFAULT_ENCODER)
    with Meter(frame, _("documents"), _("encoding")) as meter:
        found = from_files(files, FieldMapping(id_field, title_field, texts), encoder, meter.update, date_field)
    return found, as_text(", ".join(Path(source).name or source for source in sources))


def _index_name(sources: tuple[str, ...]) -> str | None:
    """Return the one source where it names an index: it's no path and doesn't look like one."""
    if len(sources) != 1 or sources[0] == "-" or Path(sources[0]).exists():
        return None
    (word,) = sources
    return None if "/" in word or "\\" in word or Path(word).suffix else word


def _of_index(frame: Frame, name: str, date: str | None) -> tuple[Collection, str]:
    from searchctl.explore.collection import from_index

    frame = replace(frame, settings=replace(frame.settings, index=name))
    with frame.open_index() as index, Meter(frame, _("documents"), _("reading")) as meter:
        return from_index(index, meter.update, date), _("index '{name}'").format(name=name)
