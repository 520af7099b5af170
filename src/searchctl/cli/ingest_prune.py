"""What `--prune` says and asks before it deletes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, printable
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.ingest.model import ConfirmPrune, Gone

_LARGE_SHARE = 0.2  # of the documents from the same places
_FEW = 10  # documents that are deleted without a question, whatever their share
_NAMED = 10


def named(ids: tuple[str, ...], most: int = _NAMED) -> str:
    """Return ids for a message, the first few of them."""
    rest = _(" and {count:,} more").format(count=len(ids) - most) if len(ids) > most else ""
    return printable(", ".join(ids[:most]) + rest)


def prune_question(frame: Frame, yes: bool) -> ConfirmPrune:
    """Return what decides whether documents that are gone are deleted: a large share of them only after a question."""

    def confirm(gone: Gone) -> bool:
        if yes or len(gone.ids) <= _FEW or gone.share <= _LARGE_SHARE:
            return True
        told = _("{count:,} of {documents} from there are gone ({share:.0%}): {named}").format(
            count=len(gone.ids), documents=count_of(gone.held, "document"), share=gone.share, named=named(gone.ids)
        )
        if not sys.stdin.isatty():
            say(f"searchctl: {told}")
            return False
        return click.confirm(
            _("{told}\nDelete them from index '{index}'?").format(told=told, index=frame.settings.index), err=True
        )

    return confirm
