"""Prompt files: those that come with searchctl, edited copies, and what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchctl.errors import UsageError
from searchctl.generation.prompts import LANGUAGES, TASKS, TaskName, read_prompt, shipped_prompt
from searchctl.generation.tasks import PromptChoice
from searchctl.text.scripts import letter_counts

QUERIES = (
    'task = "queries"\nlanguage = "de"\nsystem = "Schreib."\nuser = "Titel: {{title}}\\nText: {{text}}\\n{{count}}"\n'
)


def edited(folder: Path, text: str) -> Path:
    path = folder / "prompt.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_a_prompt_in_each_language(task: TaskName, language: str) -> None:
    prompt = shipped_prompt(task, language)
    assert prompt.task == task and prompt.language == language and prompt.shots
    cyrillic, latin = letter_counts(prompt.system)
    assert (cyrillic > latin) == (language == "ru")
    values = {"text": "T1", "title": "T2", "count": "3", "label": "L", "labels": "- L", "query": "Q"}
    messages = prompt.messages(values)
    assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * len(prompt.shots), "user"]
    assert all("{{" not in message["content"] for message in messages)
    assert all(json.loads(message["content"]) for message in messages if message["role"] == "assistant")


def test_a_line_that_names_nothing_is_left_out() -> None:
    prompt = shipped_prompt("queries", "en")
    assert prompt.messages({"title": "", "text": "Body", "count": "2"})[-1]["content"].startswith("Passage: Body\n")
    assert prompt.messages({"title": "Head", "text": "Body", "count": "2"})[-1]["content"].startswith("Title: Head\n")


def test_values_are_not_templates() -> None:
    content = shipped_prompt("queries", "en").messages({"title": "", "text": "say {{count}}", "count": "2"})[-1][
        "content"
    ]
    assert "Passage: say {{count}}" in content


def test_an_edited_copy_is_taken_with_its_own_hash(tmp_path: Path) -> None:
    prompt = read_prompt(edited(tmp_path, QUERIES), "queries")
    assert prompt.language == "de" and prompt.messages({"text": "x"})[0]["content"] == "Schreib."
    assert prompt.hash != read_prompt(edited(tmp_path, QUERIES + "\n# note"), "queries").hash
    assert PromptChoice("queries", edited(tmp_path, QUERIES)).language_of("по-русски") == "de"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system = [", "can't read the prompt .*--print-prompt"),
        (QUERIES.replace("system", "sistem"), "unknown key 'sistem'; did you mean 'system'"),
        (QUERIES.replace('"queries"', '"labels"'), "it is for: searchctl generate labels"),
        (QUERIES.replace("{{title}}", "{{titel}}"), "which nothing stands for; did you mean 'title'"),
        (QUERIES.replace("{{text}}", ""), "user lacks {{text}}"),
        (QUERIES + "temperature = 5", "temperature is a number from 0 to 2"),
        (
            QUERIES + '[[examples]]\ntext = "a"\nanswer = "one"',
            "example 1 has the answer 'one'; expected a list of texts",
        ),
        (QUERIES + '[[examples]]\nanwser = ["one"]', "example 1 may have text, count, title"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_prompt(edited(tmp_path, text), "queries")


def test_a_language_without_a_prompt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no prompt for 'de'"):
        PromptChoice("queries", language="de")
    with pytest.raises(UsageError, match="is for the language 'de', not 'ru'"):
        PromptChoice("queries", edited(tmp_path, QUERIES), "ru")
