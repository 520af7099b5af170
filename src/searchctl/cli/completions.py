"""What a shell completes beside commands and options: indexes, fields, labels and encoders of a folder.

Nothing is asked of a server, which could be slow or away; whatever goes wrong completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import click
from click.shell_completion import CompletionItem

from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.settings.config import Settings

Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]
Names: TypeAlias = "Iterator[tuple[str, str]]"  # with what is said beside each


def _settings(ctx: click.Context) -> Settings:
    from searchctl.settings.config import load_settings

    typed: dict[str, str | bool | int | None] = {}
    context: click.Context | None = ctx
    while context is not None:  # options stand before or after the command's name
        typed = {
            **{name: context.params.get(name) for name in ("engine", "index", "profile") if context.params.get(name)},
            **typed,
        }
        context = context.parent
    return load_settings(typed)


def _completer(names: Callable[[Settings], Names]) -> Completer:
    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from searchctl.settings.connection import is_server

        try:
            settings = _settings(ctx)
            if is_server(settings.engine):
                return []
            return [CompletionItem(name, help=said) for name, said in names(settings) if name.startswith(incomplete)]
        except Exception:  # a shell has no place for a message
            return []

    return complete


def _indexes(settings: Settings) -> Names:
    from searchctl.engines import open_engine

    engine = open_engine(settings.engine, settings.connection)
    try:
        for info in engine.indexes():
            for name in (info.name, *info.aliases):
                yield name, _("{documents:,} documents").format(documents=info.documents)
    finally:
        engine.close()


def _fields(settings: Settings) -> Names:
    from searchctl.engines import open_engine
    from searchctl.text.sections import shown_fields

    engine = open_engine(settings.engine, settings.connection)
    try:
        for name, kind in sorted(shown_fields(engine.schema(settings.index).fields).items()):
            yield f"{name}=", str(kind)
    finally:
        engine.close()


def _labels(settings: Settings) -> Names:
    from searchctl.index import Index
    from searchctl.routing.router import Router

    index = next((one.value for one in settings.shown if one.key == "index" and one.origin != "default"), "routes")
    with Router(Index.open(settings.engine, str(index), create=False)) as router:
        for one in router.labels():
            yield one.label, _("{examples} examples").format(examples=one.examples)


def complete_encoder(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete the encoders that come along, and folders."""
    from searchctl.encoders import DEFAULT_ENCODER

    names = [CompletionItem(name) for name in (DEFAULT_ENCODER, "hashing") if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="dir")]


complete_index = _completer(_indexes)
complete_field = _completer(_fields)
complete_label = _completer(_labels)
