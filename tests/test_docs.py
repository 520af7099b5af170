"""What the README says is what happens: every block is run, every command has help with examples."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from searchctl.cli import COMMANDS
from tests.encoders.test_encoders import make_model

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL)
INSTALLING = ("pip", "make")  # what this very run was started with
SERVING = ("serve",)  # which don't end by themselves


def commands() -> list[str]:
    """Return the README's shell commands in order."""
    return shell_commands(README)


def shell_commands(text: str) -> list[str]:
    """Return the shell commands of a page in order, but for those that install."""
    blocks = re.findall(r"```(sh|python)\n(.*?)```", text, re.DOTALL)
    lines = [line for kind, block in blocks if kind == "sh" for line in block.splitlines()]
    return [line for line in lines if line.strip() and line.split()[0] not in INSTALLING]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with everything the README's commands name."""
    (tmp_path / "ingest").symlink_to(ROOT / "ingest")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Returns\n\nSend it back within thirty days.", encoding="utf-8")
    (tmp_path / "docs" / "b.txt").write_bytes("Возврат товара возможен в течение тридцати дней.".encode("cp1251"))
    (tmp_path / "shop.jsonl").write_text(
        json.dumps({"sku": "A1", "name": "Kettle", "body": "Boils water.", "price": 20, "brand": "Q"})
    )
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "gift card"}))
    make_model(tmp_path / "models" / "e5-large", "last_hidden_state", pooled=False)
    return tmp_path


def run(place: Path, *command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=place, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def serve(place: Path, *command: str) -> None:
    """Start a service, see the page it serves, and end it."""
    with subprocess.Popen([sys.executable, "-m", *command], cwd=place, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            address = re.search(r"http://\S+", process.stderr.readline())
            assert address
            for _ in range(200):
                try:
                    with urlopen(address[0], timeout=5) as page:
                        assert b"searchctl" in page.read()
                    break
                except URLError:
                    time.sleep(0.1)
            else:
                raise AssertionError("nothing answers")
        finally:
            process.terminate()


@pytest.mark.slow
def test_every_shell_command_of_the_readme_works(place: Path) -> None:
    assert len(commands()) > 8
    for command in commands():
        words = shlex.split(command, comments=True)
        assert words[0] == "searchctl"
        serve(place, *words) if words[1] in SERVING else run(place, *words)
    found = json.loads(run(place, "searchctl", "search", "will you take my old fridge away", "--json"))
    assert found["hits"][0]["title"] == "We take away your old appliance" and found["legs"]["vector"]["ran"]
    question = "Заберёте старый холодильник?"
    russian = json.loads(run(place, "searchctl", "search", question, "--where", "lang=en", "--json"))
    assert russian["hits"][0]["id"] == found["hits"][0]["id"]
    codes = json.loads(run(place, "searchctl", "search", "washing machine shows E17", "--json"))
    assert codes["hits"][0]["id"] == "en-errors-001" and "E17" in codes["hits"][0]["title"]


RUSSIAN = (ROOT / "README.ru.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_russian_readme_works(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHCTL_LANG", "ru")
    for command in shell_commands(RUSSIAN):
        words = shlex.split(command, comments=True)
        assert words[0] == "searchctl"
        run(place, *words)
    code = json.loads(run(place, "searchctl", "search", "стиральная машина пишет E17", "--json"))
    assert code["hits"][0]["title"] == "Стиральная машина Halden W7: ошибка E17"
    question = "will you take my old fridge away"
    fridge = json.loads(run(place, "searchctl", "search", question, "--where", "lang=ru", "--json"))
    assert fridge["hits"][0]["title"] == "Вывоз старой техники и скидка за нее"
    (python,) = re.findall(r"```python\n(.*?)```", RUSSIAN, re.DOTALL)
    assert (
        "vozvrat"
        in subprocess.run([sys.executable, "-c", python], cwd=place, capture_output=True, text=True, check=True).stdout
    )


def test_every_command_and_link_in_the_russian_readme_is_there() -> None:
    assert set(re.findall(r"^(?:\| `)?searchctl ([a-z]+)", RUSSIAN, re.MULTILINE)) <= COMMANDS.keys()
    targets = re.findall(r"\]\(([^)#:]+)\)", RUSSIAN)
    assert len(targets) > 8 and all((ROOT / target).exists() for target in targets)


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"^(?:\\| `)?searchctl ([a-z]+)", README, re.MULTILINE))
    assert named <= COMMANDS.keys()
    assert {"ingest", "search", "similar", "info", "doctor", "get", "delete"} <= set(re.findall(r"[a-z]+", README))


@pytest.mark.slow
def test_the_python_of_the_readme_works(tmp_path: Path) -> None:
    (code,) = (block for kind, block in BLOCKS if kind == "python")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "returns" in done.stdout and "vozvrat" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    text = subprocess.run(
        [sys.executable, "-m", "searchctl", name, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert f"searchctl {name}" in text.split("Examples", 1)[1]


def test_the_version_and_the_changelogs_newest_section_agree() -> None:
    """The version stands in pyproject.toml alone; the changelog says what is in it."""
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    newest = re.search(
        r"^## (\S+) \((unreleased|\d{4}-\d{2}-\d{2})\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert newest is not None, "the newest section is '## VERSION (unreleased)' or '## VERSION (YYYY-MM-DD)'"
    assert newest[1] == version
    others = [path for path in (ROOT / "src").rglob("*.py") if f'"{version}"' in path.read_text(encoding="utf-8")]
    assert others == []


GUIDES = ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/glossary.md"]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_in_a_guide_is_there(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    links = [(ROOT / guide).parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    paths = {path for path in re.findall(r"`([\w./-]*\w(?:\.py|/))`", text) if "*" not in path}
    missing = {path for path in paths if not ((ROOT / path).exists() or (ROOT / "src" / "searchctl" / path).exists())}
    assert missing == set() and all(target.exists() for target in links)


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "searchctl"
    rooms = {f"`{path.name}`" for path in source.glob("[a-z]*.py")}
    rooms |= {f"`{path.parent.name}/`" for path in source.glob("*/__init__.py")}
    assert {room for room in rooms if room not in text} == set()


def test_every_tier_of_the_guide_can_be_typed() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for guide in (*GUIDES, "README.md")
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / guide).read_text(), re.MULTILINE)
    }
    assert named <= targets and {"test-fast", "test-servers", "test-torch", "test-browser", "test-wheel"} <= targets
