"""The options that all commands of `searchctl generate` share, and the values they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from searchctl.errors import UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.generation.asking import AskSettings
    from searchctl.generation.prompts import TaskName
    from searchctl.generation.tasks import PromptChoice

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """What was typed of the shared options; see their help."""

    llm: str | None
    model: str | None
    output: Path | None
    prompt: Path | None
    language: str | None
    print_prompt: bool
    concurrency: int
    rate: float
    price_in: float | None
    price_out: float | None
    max_cost: float | None
    max_requests: int | None
    max_tokens: int
    timeout: float
    again: bool
    dry_run: bool

    def settings(self) -> AskSettings:
        """Return how requests are sent; raises UsageError for a limit of cost without prices."""
        from searchctl.generation.asking import AskSettings
        from searchctl.generation.model import Prices

        prices = Prices(self.price_in, self.price_out)
        if self.max_cost is not None and not prices.known:
            raise UsageError(_("--max-cost needs --price-in and --price-out: what a million tokens cost, in and out"))
        return AskSettings(
            self.concurrency, self.rate, prices, self.max_cost, self.max_requests, self.max_tokens, self.again
        )

    def prompts(self, task: TaskName) -> PromptChoice:
        """Return the prompts of a task; raises UsageError for a file that can't be used."""
        from searchctl.generation.tasks import PromptChoice

        return PromptChoice(task, self.prompt, self.language)

    def target(self, task: TaskName) -> Path:
        """Return the file to write."""
        return self.output or Path(f"generated-{task}.jsonl")


def generation_options(function: Function) -> Function:
    """Add the shared options; the command gets them as `generation`."""
    options = (
        click.option("--llm", metavar="URL", help="The server, up to the API's version: http://localhost:11434/v1."),
        click.option("--model", metavar="NAME", help="The model, as the server names it."),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="JSON Lines to write; the journal of what was asked lies beside it [default: generated-….jsonl].",
        ),
        click.option(
            "--prompt", type=click.Path(path_type=Path), metavar="FILE", help="An edited copy of --print-prompt."
        ),
        click.option("--language", metavar="en|ru", help="Prompt and answers in this language [default: each text's]."),
        click.option("--print-prompt", is_flag=True, help="Print the prompt as a file to edit, and do nothing else."),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 256),
            default=4,
            show_default=True,
            help="Requests on their way at once.",
        ),
        click.option(
            "--rate", type=click.FloatRange(0), default=0.0, metavar="N", help="Requests a minute at most [no limit]."
        ),
        click.option("--price-in", type=click.FloatRange(0), metavar="N", help="Price of a million tokens sent."),
        click.option("--price-out", type=click.FloatRange(0), metavar="N", help="Price of a million tokens answered."),
        click.option("--max-cost", type=click.FloatRange(0), metavar="N", help="End before this run can cost more."),
        click.option(
            "--max-requests",
            type=click.IntRange(0),
            metavar="N",
            help="Send so many at most; 0 writes what was answered before.",
        ),
        click.option(
            "--max-tokens",
            type=click.IntRange(0),
            default=0,
            metavar="N",
            help="Room for one answer; models that think before they write need thousands [default: by task].",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0, min_open=True),
            default=300.0,
            show_default=True,
            metavar="SECONDS",
            help="For one answer.",
        ),
        click.option(
            "--again", is_flag=True, help="Also ask what was on its way when a run was killed, and may have been paid."
        ),
        click.option("--dry-run", is_flag=True, help="Tell tokens and cost, show the first request, send nothing."),
    )
    names = GenerationOptions.__dataclass_fields__

    def wrapper(*arguments: Any, **values: Any) -> Any:
        typed = GenerationOptions(**{name: values.pop(name) for name in names})
        return function(*arguments, generation=typed, **values)

    wrapper.__name__, wrapper.__doc__ = function.__name__, function.__doc__
    decorated: Any = wrapper
    for option in reversed(options):
        decorated = option(decorated)
    if hasattr(function, "__click_params__"):
        decorated.__click_params__ += function.__click_params__
    result: Function = decorated
    return result
