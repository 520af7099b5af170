"""Messages in other languages: the language is chosen, templates are filled as its readers write numbers, catalogues are whole."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from tools.catalogue import SOURCE, faults, in_source, merged, messages, path_of, placeholders, read

from searchctl.cli import main
from searchctl.translation import _, language_of, ngettext, number, use_language


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    use_language("en")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru"}, "ru"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "ru_RU.KOI8-R"}, "ru"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:ru:en"}, "ru"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "ru"}, "en"),
        ({"LANG": "en_US.UTF-8", "SEARCHCTL_LANG": "ru"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LANGUAGE": "ru", "SEARCHCTL_LANG": "en"}, "en"),
        ({"SEARCHCTL_LANG": "ru-RU"}, "ru"),
    ],
)
def test_the_environment_chooses_the_language(environment: Mapping[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no language 'xx'; there is en, ru"):
        use_language("xx")
    result = CliRunner().invoke(main, ["info", "--lang", "xx"])
    assert result.exit_code == 2
    assert "'xx' is not one of 'en', 'ru'" in result.stderr


@pytest.mark.parametrize("arguments", [["--lang", "ru", "--help"], ["--help", "--lang", "ru"], ["--help", "--lang=ru"]])
def test_an_option_chooses_it_wherever_it_stands(arguments: list[str]) -> None:
    shown = CliRunner().invoke(main, arguments).stdout
    assert "Использование:" in shown
    assert "Примеры" in shown
    assert "Usage" not in shown


def test_the_option_is_stronger_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHCTL_LANG", "ru")
    assert "Использование:" in CliRunner().invoke(main, ["search", "--help"]).stdout
    assert "Usage:" in CliRunner().invoke(main, ["search", "--help", "--lang", "en"]).stdout


def test_what_stands_after_two_dashes_chooses_nothing() -> None:
    assert "error" in CliRunner().invoke(main, ["info", "--", "--lang", "ru"]).stderr


def test_clicks_own_errors_are_translated() -> None:
    said = CliRunner().invoke(main, ["search", "--lang", "ru", "-k", "many", "text"]).stderr
    assert said.startswith("searchctl: ошибка: ")
    assert "Invalid" not in said
    assert "не число" in said


def test_numbers_are_written_as_in_the_language() -> None:
    assert number(1204) == "1,204"
    use_language("ru")
    assert number(1204) == "1\u00a0204"
    assert number(3.5, ".2f") == "3,50"
    assert _("{count:,} passages").format(count=12345).startswith("12\u00a0345 ")


@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 документ"), (3, "3 документа"), (11, "11 документов"), (21, "21 документ")]
)
def test_russian_has_three_forms(count: int, said: str) -> None:
    use_language("ru")
    assert ngettext("{count:,} document", "{count:,} documents", count).format(count=count) == said


def test_messages_are_collected_from_the_source() -> None:
    source = (
        '_("one" "two"); _("a" if x else "b"); ngettext("{n} hit", "{n} hits", n); count_of(n, "box", "boxes"); f("no")'
    )
    assert set(in_source(source)) == {
        "onetwo",
        "a",
        "b",
        ("{n} hit", "{n} hits"),
        ("{count:,} box", "{count:,} boxes"),
    }


def test_placeholders_are_found_whatever_their_form() -> None:
    assert placeholders("{a:,} of {b!r}: 100% {{}}") == {"a", "b"}
    assert placeholders('as in {"id": 1') == set()


def test_the_compiled_catalogue_is_the_one_in_the_source() -> None:
    catalogue = read("ru")
    expected = {}
    for message in catalogue:
        if isinstance(message.id, tuple):
            expected |= {(message.id[0], form): text for form, text in enumerate(message.string)}
        elif message.id and message.string:
            expected[message.id] = message.string
    with path_of("ru", "mo").open("rb") as file:
        held = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    assert {key: text for key, text in held.items() if key} == expected


def test_the_catalogue_has_the_messages_of_the_source_and_no_others() -> None:
    def ids(texts: object) -> set[object]:
        return {message.id if isinstance(message.id, str) else tuple(message.id) for message in texts if message.id}  # type: ignore[attr-defined]

    assert ids(merged(read("ru"), messages())) == ids(read("ru")), "run: python tools/catalogue.py"


def test_each_message_is_translated() -> None:
    assert faults(read("ru")) == [], "translate in src/searchctl/locale/ru, then run: python tools/catalogue.py"


TELLING = (
    "say say_error echo confirm UsageError BadParameter ClickException ConfigError SearchctlError StorageError".split()
)
APART = {"_", "ngettext", "marked", "count_of", "hint", "print_json", "join", "format"}  # translated, or no message
MACHINES = (  # words of commands and formats
    "searchctl ",
    "--",
)


def untranslated(node: ast.AST) -> Iterator[str]:
    """Yield strings with words in them that don't pass through gettext."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name in APART:
            return
    if isinstance(node, ast.JoinedStr):
        literal = "\0".join(part.value for part in node.values if isinstance(part, ast.Constant))
        if two_words(literal.replace("searchctl: ", "")):
            yield literal
        children = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
    else:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and two_words(node.value):
            yield node.value
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from untranslated(child)


def two_words(text: str) -> bool:
    return not text.startswith(MACHINES) and re.search(r"[A-Za-z]{2,}[,;:)]? +[A-Za-z]{2,}", text) is not None


def test_strings_outside_gettext_are_noticed() -> None:
    source = 'say(f"no index {name} here, sir"); say(_("all is well")); say("it is " if x else _("it was"))'
    assert list(untranslated(ast.parse(source))) == ["no index \0 here, sir", "it is "]


@pytest.mark.parametrize("path", sorted((SOURCE / "cli").rglob("*.py")), ids=lambda path: path.stem)
def test_what_commands_say_passes_through_gettext(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    told = [
        call
        for call in calls
        if (call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")) in TELLING
    ]
    assert [text for call in told for argument in call.args for text in untranslated(argument)] == []
