"""The error tree: every message says what was found, what was expected and what to type next.

SearchctlError
├── UsageError             a wrong argument, filter or setting (exit 2)
│   └── Absent             nothing is there yet of what a command works on (exit 1)
├── ConfigError            a setting file or variable that can't be read (exit 2)
├── MissingExtra           an optional dependency isn't installed
├── PluginError            a plugin can't be used
├── EncoderUnavailable     no such encoder, or it can't be loaded
├── EncoderMismatch        the index was made with another encoder
├── SourceError            a source can't be read at all
├── InvalidDocument        one document can't be stored; it becomes a dead letter
├── IndexMissing           no index of that name
├── IndexExists            an index of that name is there already
├── IndexLocked            another process is writing
├── IndexFormatError       made by a newer searchctl, or damaged
├── StorageError           the disk is full, read-only or failing
├── EngineUnreachable      a server doesn't answer or refuses the credentials (exit 4)
├── ModelServerUnavailable a language model's server doesn't answer, or answers something else (exit 4)
└── ServerRefusal          a server answers a request with an error
"""

from __future__ import annotations

from searchctl.installation import install_command
from searchctl.translation import _


class SearchctlError(Exception):
    """Anything searchctl can explain; `exit_code` is what the command line returns for it."""

    exit_code = 1


class UsageError(SearchctlError):
    """An argument, filter or setting is wrong."""

    exit_code = 2


class Absent(UsageError):
    """There is nothing yet of the kind that a command works on: no labels, no step to undo."""

    exit_code = 1


class ConfigError(SearchctlError):
    """A configuration file or environment variable can't be used."""

    exit_code = 2


class MissingExtra(SearchctlError):
    """A feature needs an optional dependency which isn't installed."""

    def __init__(self, feature: str, extra: str) -> None:
        size = _(" (some gigabytes; a CPU build of torch installed before it saves most of them)")
        what = _("{feature} needs the '{extra}' extra{size}; install it with: {command}")
        super().__init__(
            what.format(
                feature=feature, extra=extra, size=size if extra == "torch" else "", command=install_command(extra)
            )
        )
        self.extra = extra


class PluginError(SearchctlError):
    """Another package's plugin can't be used."""


class EncoderUnavailable(SearchctlError):
    """No encoder of that name, or its files can't be loaded."""


class EncoderMismatch(SearchctlError):
    """The index holds vectors of another encoder than the one asked for."""


class SourceError(SearchctlError):
    """A source of documents can't be read at all."""


class InvalidDocument(SearchctlError):
    """One document can't be stored; the ingest goes on and keeps it as a dead letter."""


class IndexMissing(SearchctlError):
    """There is no index of that name."""


class IndexExists(SearchctlError):
    """An index of that name is there already."""


class IndexLocked(SearchctlError):
    """Another process is writing to the index."""


class IndexFormatError(SearchctlError):
    """The index on disk is damaged or was made by a newer searchctl."""


class StorageError(SearchctlError):
    """The disk is full, read-only or failing."""


class EngineUnreachable(SearchctlError):
    """A server doesn't answer, or refuses the credentials."""

    exit_code = 4


class AccessDenied(EngineUnreachable):
    """A server refuses the credentials, or what was asked isn't among their rights."""


class ModelServerUnavailable(SearchctlError):
    """A language model's server can't be asked, or answers something else than a completion."""

    exit_code = 4


class ServerRefusal(SearchctlError):
    """A server answers a request with an error. `status` is HTTP's, `kind` the server's own name for the error."""

    def __init__(self, message: str, status: int, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
