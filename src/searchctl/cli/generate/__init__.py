"""`searchctl generate`: data sets that a language model writes. Each of its commands is loaded when it is called."""

from __future__ import annotations

import click

from searchctl.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "queries": ("searchctl.cli.generate.queries", "Queries for the documents of an index."),
    "judgements": ("searchctl.cli.generate.judgements", "Grades of what an index finds for queries."),
    "paraphrases": ("searchctl.cli.generate.texts", "Texts in other words."),
    "examples": ("searchctl.cli.generate.texts", "New texts for labels."),
    "labels": ("searchctl.cli.generate.texts", "Labels for texts."),
}


@click.group(
    "generate",
    cls=LazyGroup,
    commands=COMMANDS,
    attribute="{name}_command",
    examples=(
        "searchctl generate queries --llm http://localhost:11434/v1 --model qwen3 --documents 200 -o queries.jsonl",
        "searchctl generate judgements queries.jsonl --llm http://localhost:8000/v1 --model qwen3 -o judged.jsonl",
        "searchctl generate examples tickets.jsonl --llm https://api.openai.com/v1 --model gpt-4.1-mini --dry-run",
        "searchctl generate queries --print-prompt --language ru > my-prompt.toml",
    ),
)
def command() -> None:
    """Have a language model write data to measure, tune and train with.

    It takes any server that speaks OpenAI's /v1/chat/completions: Ollama, vLLM, LM Studio, llama.cpp, OpenAI. Put a key into
    SEARCHCTL_LLM_KEY, and the host it is for into SEARCHCTL_LLM_HOST. Answers are kept beside the output, so the same command
    resumes, and nothing is paid for twice.
    """
