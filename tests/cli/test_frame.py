"""What every command shares: help, versions, settings, errors, exit codes and lazy imports."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from searchctl.cli import COMMANDS, SearchctlGroup, main, output
from searchctl.cli.context import META_SECRETS, META_VERBOSITY, Command, framed
from searchctl.cli.failures import explain, say, say_error
from searchctl.cli.output import echo, print_json, print_pairs, print_table
from searchctl.errors import EngineUnreachable, IndexMissing, SearchctlError, UsageError

from .conftest import Run, process

HEAVY = ("numpy", "onnxruntime", "tantivy", "faiss", "rich", "tokenizers", "selectolax", "pypdf")


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name, (_, summary) in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert summary in result.stdout
    for code in ("0", "1", "2", "3", "4", "5", "130"):
        assert f"\n  {code} " in result.stdout


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["config", "show"], ["completion", "zsh"], ["search", "--help"]]
)
def test_light_commands_import_nothing_heavy(arguments: list[str], here: Path) -> None:
    code = (
        "import sys\nfrom searchctl.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "loaded: []"


def all_commands() -> list[tuple[str, click.Command]]:
    found = []
    for name, (module, _) in COMMANDS.items():
        command = importlib.import_module(module).command
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {child}", one) for child, one in command.commands.items()]
    return found


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=[name for name, _ in all_commands()])
def test_every_command_has_help_with_an_example_that_parses(name: str, command: click.Command, run: Run) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert command.help
    examples = [line for line in command.examples if f"searchctl {name}" in line]  # type: ignore[attr-defined]
    assert examples
    for line in command.examples:  # type: ignore[attr-defined]
        assert line in result.stdout
    if isinstance(command, Command):
        assert {"engine", "index", "encoder", "profile", "quiet", "verbose", "json_output"} <= {
            one.name for one in command.params
        }


def test_version_tells_what_it_runs_on(run: Run) -> None:
    lines = dict(line.split(" ", 1) for line in run("--version").stdout.splitlines())
    assert {"searchctl", "python", "tantivy", "onnxruntime", "encoder"} <= set(lines)
    assert lines["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "missing" not in lines.values()


def test_global_options_go_before_and_after_the_command(shown: Run) -> None:
    before = json.loads(shown("--json", "--index", "one", "config", "show").stdout)
    after = json.loads(shown("config", "show", "--json", "--index", "one").stdout)
    assert before == after
    assert {"setting": "index", "value": "one", "origin": "--index"} in before["settings"]
    nearer = json.loads(shown("--index", "far", "config", "show", "--json", "--index", "near").stdout)
    assert {"setting": "index", "value": "near", "origin": "--index"} in nearer["settings"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["serch", "x"], "no command 'serch'; did you mean 'search'?"),
        (["search", "x", "--mod", "hybrid"], "--mod"),
        (["search", "x", "--mode", "semantic"], "'semantic' is not one of 'hybrid', 'lexical', 'vector'"),
        (["search", "x", "-k", "0"], "0 is not in the range x>=1"),
        (["search"], "there is nothing to search for"),
        (
            ["search", "x", "--where", "lang"],
            "can't read the filter at column 1, where ^ stands: ^lang: there is no operator",
        ),
        (["delete"], "say what to delete"),
        (["get"], "Missing argument 'ID...'"),
        (["config", "show", "--profile", "none"], "no profile 'none'"),
    ],
)
def test_wrong_usage_is_one_line_on_stderr_and_exit_2(arguments: list[str], expected: str, run: Run) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("searchctl: error: ")
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_command_shows_the_help_and_fails(run: Run) -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Start here:" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["search", "x"], ["get", "1"], ["info"], ["similar", "x"], ["delete", "1", "--yes"]]
)
def test_a_missing_index_is_explained_and_nothing_is_created(arguments: list[str], run: Run, here: Path) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "searchctl ingest" in result.stderr
    assert list(here.iterdir()) == []


def command_that_raises(error: BaseException) -> click.Group:
    """A command line with one command, which fails."""

    @click.command("search", cls=Command, examples=())
    @framed
    def command(frame: object) -> None:
        raise error

    class Failing(SearchctlGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return command

    return Failing("searchctl", examples=(), commands=COMMANDS, params=main.params, callback=main.callback)


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (IndexMissing("no index 'a'"), 1, "searchctl: error: no index 'a'\n"),
        (UsageError("wrong\n  words"), 2, "searchctl: error: wrong words\n"),
        (EngineUnreachable("401 from https://ann:pw@host"), 4, "searchctl: error: 401 from https://***@host\n"),
        (OSError(28, "No space left on device", "x.db"), 1, "searchctl: error: No space left on device: x.db\n"),
        (KeyError("k"), 1, "searchctl: error: unexpected KeyError: 'k'; -vv shows the traceback, please report it\n"),
        (KeyboardInterrupt(), 130, "\nsearchctl: interrupted\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_errors_become_a_line_and_an_exit_code(error: BaseException, code: int, expected: str, here: Path) -> None:
    result = CliRunner().invoke(command_that_raises(error), ["search"])
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", expected)


def test_vv_shows_the_traceback_without_secrets(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "planted-password")
    error = SearchctlError("refused planted-password at https://u:planted@h for planted-too")
    engine = "opensearch://u:planted-too@h"
    result = CliRunner().invoke(command_that_raises(error), ["search", "-vv", "--engine", engine])
    assert "Traceback" in result.stderr
    assert "refused ***" in result.stderr
    assert "planted" not in result.output.replace('SearchctlError("refused planted', "")


def test_explain_masks_known_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    code = explain(SearchctlError("bad key planted-key"), {META_SECRETS: ("planted-key",), META_VERBOSITY: 2})
    shown = capsys.readouterr()
    assert code == 1
    assert "planted" not in shown.out + shown.err


def test_config_show_masks_every_secret(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "searchctl.toml").write_text('engine = "opensearch"\n[connection]\napi_key = "planted-key"\n')
    (here / ".env").write_text("OPENSEARCH_PASSWORD=planted-password\n")
    monkeypatch.setenv("OPENSEARCH_URL", "https://ann:planted-url@host:9200")
    for arguments in (["config", "show"], ["config", "show", "--json"], ["config", "show", "-vv"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "planted" not in result.output
        assert "https://***@host:9200" in result.stdout
        assert "connection.password" in result.stdout


def test_completion_lists_commands_and_options(here: Path) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_SEARCHCTL_COMPLETE" in process("completion", shell).stdout
    code = "from searchctl.cli import main; main(prog_name='searchctl')"

    def complete(words: str, position: int) -> set[str]:
        import os

        environ = {
            **os.environ,
            "_SEARCHCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(position),
        }
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
        return {line.partition(",")[2] for line in found.stdout.splitlines()}

    assert complete("searchctl sea", 1) == {"search"}
    assert complete("searchctl search --mode ", 3) == {"hybrid", "lexical", "vector"}
    assert "--explain" in complete("searchctl search --e", 2)


@pytest.mark.parametrize("arguments", ["--help", "config show", "completion bash"])
@pytest.mark.parametrize("reader", ["head -n 1", "true"])
def test_a_reader_that_leaves_early_is_no_error(here: Path, arguments: str, reader: str) -> None:
    command = f"{sys.executable} -m searchctl {arguments} | {reader} > /dev/null; exit ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")


def test_output_that_cannot_be_written_is_an_error(here: Path) -> None:
    with open("/dev/full", "w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "searchctl", "--version"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (found.returncode, found.stderr) == (1, "searchctl: error: No space left on device\n")


def test_a_table_keeps_labels_whole_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    rows = [["billing/payment", "delivery/address", "en 4, ru 4"]]
    monkeypatch.setenv("COLUMNS", "43")
    output.print_table(["label", "confused with", "languages"], rows)
    shown = capsys.readouterr().out
    assert "billing/payment" in shown and "delivery/address" in shown
    monkeypatch.setenv("COLUMNS", "20")
    output.print_table(["label", "confused with", "languages"], rows)
    folded = capsys.readouterr().out
    assert "billing/payment" not in folded
    assert all(len(line.rstrip()) <= 20 for line in folded.splitlines())


def test_nothing_printed_can_drive_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    attack = "a\x1b]0;own\x07b\x9b2Jc\u202ed"
    print_pairs([(attack, attack)])
    print_table([attack], [[attack]])
    echo(attack)
    say(attack)
    say_error(attack)
    print_json("info", {attack: attack})
    out, err = capsys.readouterr()
    assert not set("\x1b\x07\x9b\u202e") & set(out + err)
    assert json.loads(out.splitlines()[-1]) == {"schema": "info/1", attack: attack}
