"""What the commands that move whole indexes share: opening without an encoder, and ending when interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Frame, as_text
from searchctl.cli.failures import INTERRUPTED, say
from searchctl.cli.progress import Meter

if TYPE_CHECKING:
    from searchctl.index import Index


def open_as_is(frame: Frame) -> Index:
    """Open the index the settings name, whatever encoder they name: that one may be meant for a new version."""
    from searchctl.index import Index

    return Index.open(frame.settings.engine, frame.settings.index, connection=frame.settings.connection, create=False)


def hint(frame: Frame, *words: str, index: str | None = None) -> str:
    """Return a command for the same engine, naming it where it was typed."""
    settings = {one.key: one for one in frame.settings.shown}
    options = ["--engine", frame.settings.engine] if settings["engine"].origin == "--engine" else []
    wanted = frame.settings.index if index is None else index
    if index is not None or settings["index"].origin == "--index":
        options += ["--index", wanted]
    return as_text(frame.public(shlex.join(["searchctl", *words, *options])))


class Stages:
    """One meter after another, each named by what it counts: a terminal shows one bar at a time."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._noun = ""
        self._meter: Meter | None = None

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def counting(self, noun: str) -> Callable[[int, int], None]:
        """Return what takes the progress of one kind of thing: how many of how many."""

        def update(done: int, total: int) -> None:
            if self._meter is None or noun != self._noun:
                self._end()
                self._noun, self._meter = noun, Meter(self._frame, noun)
                self._meter.__enter__()
            self._meter.update(done, total)

        return update

    def _end(self) -> None:
        if self._meter is not None:
            self._meter.__exit__(None, None, None)
            self._meter = None


def end_interrupted(frame: Frame) -> None:
    """Say how to go on and end with the exit code of an interruption."""
    typed = as_text(frame.public(shlex.join(["searchctl", *frame.argv])))
    say(f"searchctl: interrupted; what is stored is kept. Resume with:\n  {typed}")
    click.get_current_context().exit(INTERRUPTED)
