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
from searchctl.translation import _

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
    """One meter for the stages of a work, each with a phase and a noun of its own."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._meter: Meter | None = None

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def begin(self, phase: str) -> None:
        """Name what is being done now."""
        self._named(phase, "")

    def counting(self, noun: str, phase: str = "") -> Callable[[float, int], None]:
        """Return what takes the progress of one stage: how many of how many. Where all are done, the stage may yet go on."""

        def update(done: float, total: int) -> None:
            self._named(phase, noun).update(done, total)

        return update

    def _named(self, phase: str, noun: str) -> Meter:
        if self._meter is None:
            self._meter = Meter(self._frame, noun, phase)
            self._meter.__enter__()
        self._meter.phase(phase, noun)
        return self._meter

    def _end(self) -> None:
        if self._meter is not None:
            self._meter.__exit__(None, None, None)
            self._meter = None


def end_interrupted(frame: Frame) -> None:
    """Say how to go on and end with the exit code of an interruption."""
    typed = as_text(frame.public(shlex.join(["searchctl", *frame.argv])))
    say(_("searchctl: interrupted; what is stored is kept. Resume with:\n  {typed}").format(typed=typed))
    click.get_current_context().exit(INTERRUPTED)
