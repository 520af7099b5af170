"""What went wrong, as one red line on stderr, and the exit code that says so."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import click

from searchctl.cli.context import META_SECRETS, META_VERBOSITY
from searchctl.cli.output import printable
from searchctl.cli.wrapping import width_of, wrapped
from searchctl.errors import SearchctlError
from searchctl.settings.secrets import mask
from searchctl.suggest import did_you_mean
from searchctl.translation import _

FAILED = 1
USAGE = 2
DEAD_LETTERS = 3
GATE_MISSED = 5
INTERRUPTED = 130


def say(message: str) -> None:
    """Write a line to stderr, without control characters that a document, a label or a file's name may have in it."""
    width = width_of(sys.stderr)
    click.echo(printable(message) if width is None else wrapped(printable(message), width), err=True)


def say_error(message: str) -> None:
    """Write `searchctl: error: …` to stderr on one line, red on a terminal unless NO_COLOR is set."""
    line = printable(_("searchctl: error: ") + " ".join(message.split()))
    width = width_of(sys.stderr)
    line = line if width is None else wrapped(line, width)
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    click.echo(click.style(line, fg="red") if colour else line, err=True)


def explain(error: Exception, meta: Mapping[str, Any]) -> int:
    """Report what a command raised and return its exit code; with -vv the traceback comes first."""
    secrets = meta.get(META_SECRETS, ())
    verbose = meta.get(META_VERBOSITY, 0) >= 2
    if verbose:
        say(mask("".join(traceback.format_exception(error)), secrets))
    if isinstance(error, SearchctlError):
        say_error(mask(str(error), secrets))
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        say_error(mask(f"{error.strerror}{where}", secrets))
        return FAILED
    hint = "" if verbose else _("; -vv shows the traceback, please report it")
    unexpected = _("unexpected {kind}: {error}{hint}").format(kind=type(error).__name__, error=error, hint=hint)
    say_error(mask(unexpected, secrets))
    return FAILED


def guard(call: Callable[[], Any]) -> int:
    """Run the command line and return the exit code; what click itself raises is reported in the same form."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name with half a letter in it is shown, not a reason to fail
            stream.reconfigure(errors="backslashreplace")
    output = sys.stdout
    try:
        result = call()
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message())
        return USAGE
    except click.ClickException as error:
        say_error(mask(_sentence(error)) + _usage_hint(error))
        return error.exit_code
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            say(_("searchctl: interrupted"))
            return INTERRUPTED
        say_error(_("nothing done: the question wasn't answered"))
        return FAILED
    except BrokenPipeError:  # the reader has what it wanted, as in `| head`
        _discard_output()
        return 0
    except SystemExit:
        if sys.stdout is output:
            raise
        _discard_output()  # click wraps stdout where the reader left, and takes it for a failure
        return 0
    except OSError as error:  # standard output can't be written to
        _discard_output()
        say_error(error.strerror or str(error))
        return FAILED
    return result if isinstance(result, int) else 0


def _discard_output() -> None:
    """Let go of what can't be written; otherwise closing stdout at the end complains once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: click.ClickException) -> str:
    """Return click's message; of an unknown option with the one name that was probably meant."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error.format_message()
    known = [name for option in error.ctx.command.get_params(error.ctx) for name in option.opts if name[:2] == "--"]
    near = did_you_mean(error.option_name, known, "") if error.option_name.startswith("--") else ""
    said = _("no option {name}").format(name=error.option_name)
    return f"{said}; {near}" if near else said


def _usage_hint(error: click.ClickException) -> str:
    if not isinstance(error, click.UsageError) or error.ctx is None or "searchctl --help" in error.message:
        return ""
    hint = _(" (see: {command})").format(command=f"{error.ctx.command_path} --help")
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        hint += _("; put -- before a text that begins with a dash")
    return hint
