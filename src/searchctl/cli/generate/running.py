"""What all commands of `searchctl generate` do: estimate, ask, tell what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from searchctl.cli.context import Frame
from searchctl.cli.failures import DEAD_LETTERS, say
from searchctl.cli.generate.options import GenerationOptions
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted
from searchctl.cli.output import count_of, echo, print_json, print_pairs
from searchctl.cli.progress import Meter
from searchctl.errors import SearchctlError, UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.generation.asking import AskSettings
    from searchctl.generation.generate import GenerationPlan, GenerationReport
    from searchctl.generation.model import Bill
    from searchctl.generation.prompts import TaskName
    from searchctl.generation.tasks import GenerationTask

_LIMITS = {"cost": "--max-cost", "requests": "--max-requests"}


def print_prompt(options: GenerationOptions, task: TaskName) -> bool:
    """Print the prompt where that was asked for; return whether it was."""
    if options.print_prompt:
        click.echo(options.prompts(task).of("").text, nl=False)
    return options.print_prompt


def check_server(options: GenerationOptions) -> None:
    """Raise UsageError where no server or model is named, before anything long begins."""
    for value, flag, example in (
        (options.llm, "--llm", "http://localhost:11434/v1"),
        (options.model, "--model", "qwen3"),
    ):
        if not value:
            raise UsageError(f"say which language model to ask: {flag} {example}")


def run_task(frame: Frame, task: GenerationTask, options: GenerationOptions) -> None:
    """Generate a data set, or with --dry-run tell what it would take."""
    from searchctl.generation.chat import ChatServer
    from searchctl.generation.generate import generate, plan

    settings, output = options.settings(), options.target(task.name)
    server = ChatServer(options.llm or "", options.model or "", timeout=options.timeout)
    planned = plan(task, server.model, output, settings)
    if not planned.requests:
        raise UsageError(f"there is nothing to ask about{_reasons(' (', task.passed_over, ')')}")
    if options.dry_run:
        _print_plan(frame, planned)
        return
    if not frame.quiet and not frame.json:
        say(f"searchctl: asking {server.model} at {server.url}: {', '.join(_planned(planned))}")
    with stop_on_interrupt() as stop, Meter(frame, _("answers"), _("asking")) as meter:

        def update(done: int, total: int, unanswered: int, bill: Bill) -> None:
            spent = f"{bill.prompt_tokens + bill.answer_tokens:,} tokens"
            cost = f", {bill.cost:.4g} spent" if settings.prices.known else ""
            meter.update(done, total, failed=unanswered, detail=spent + cost)

        report = generate(task, planned.requests, server, output, settings, on_progress=update, stop=stop)
    _tell(frame, report, settings)


def _planned(planned: GenerationPlan) -> list[str]:
    estimate = planned.estimate
    known = estimate.requests - estimate.new
    told = [count_of(estimate.requests, "request") + (f" ({known:,} answered before)" if known else "")]
    told.append(f"about {estimate.prompt_tokens:,} tokens in and {estimate.answer_tokens:,} out")
    if estimate.cost is not None:
        told.append(
            f"cost about {estimate.cost:.4g}, at most {estimate.most:.4g} if no answer has to be asked for again"
        )
    return told


def _print_plan(frame: Frame, planned: GenerationPlan) -> None:
    first = planned.requests[0]
    if frame.for_programs:
        passed_over = dict(planned.passed_over)
        print_json(
            "generation-plan",
            {**planned.estimate.to_json(), "passed_over": passed_over, "first_request": first.messages},
        )
        return
    for message in first.messages:
        echo(f"[{message['role']}]\n{message['content']}\n")
    say(f"searchctl: dry run, nothing sent: {', '.join(_planned(planned))}")
    if planned.passed_over:
        say(f"searchctl: not asked about{_reasons(': ', planned.passed_over)}")


def _tell(frame: Frame, report: GenerationReport, settings: AskSettings) -> None:
    if frame.reports_json:
        print_json("generated", report.to_json(settings))
    else:
        print_pairs(_lines(report, settings))
        for note in report.notes:
            say(f"note: {note}")
    if report.error is not None:
        raise report.error
    if report.ended == "stopped":
        end_interrupted(frame)
    misfits = sum(report.unanswered[kind] for kind in report.bill.misfits)
    if limit := _LIMITS.get(report.ended):
        left = report.requests - report.answered - report.unanswered.total()
        say(f"searchctl: ended at {limit} with {count_of(left, 'request')} left; the same command with more goes on")
    elif not report.lines:
        raise SearchctlError(
            f"no answer was of use{_reasons(': ', report.unanswered + report.left_out)}; "
            "look at --dry-run, try another --model or an edited --prompt"
        )
    if limit or report.unanswered.total() > misfits:
        click.get_current_context().exit(DEAD_LETTERS)


def _lines(report: GenerationReport, settings: AskSettings) -> list[tuple[str, str]]:
    bill = report.bill
    written = f"{count_of(report.lines, 'line')} in {report.output}"
    lines = [("written", written if report.written else "nothing yet")]
    lines.append(("answered", f"{report.answered:,} of {count_of(report.requests, 'request')}"))
    for name, counts in (
        ("no answer", report.unanswered),
        ("left out", report.left_out),
        ("not asked about", report.passed_over),
    ):
        if counts:
            lines.append((name, _reasons("", counts)))
    told = f"{bill.sent:,} sent, {bill.answers:,} answers"
    told += f", {bill.known:,} known before" if bill.known else ""
    told += f", put off {bill.again:,} times" if bill.again else ""
    told += f", {bill.late:,} whose answers never came" if bill.late else ""
    lines.append(("requests", told))
    if bill.misfits:
        lines.append(("unusable", _reasons("", bill.misfits) + ", before asking again"))
    counted = " (estimated: the server doesn't count)" if bill.estimated else ""
    lines.append(("tokens", f"{bill.prompt_tokens:,} in, {bill.answer_tokens:,} out{counted}"))
    if settings.prices.known:
        lines.append(("cost", f"{bill.cost:.4g}"))
    return lines + _agreement(report)


def _agreement(report: GenerationReport) -> list[tuple[str, str]]:
    found = report.agreement
    if not found:
        return []
    if "raw" in found:
        found = {"same label": found}
    names = {"relevant": "relevant or not", "grades": "same grade", "pooled": "unjudged as not relevant"}
    lines = [
        ("with people", f"{names.get(name, name)}: {_kappa(one)}")
        for name, one in found.items()
        if isinstance(one, dict)
    ]
    if found.get("recall") is not None:
        lines.append(("with people", f"of what they found relevant, the model finds {found['recall']:.1%} so"))
    return lines


def _kappa(one: Mapping[str, float | None]) -> str:
    kappa = one["kappa"]
    told = "kappa can't be told, all are alike" if kappa is None else f"kappa {kappa:.2f}"
    return f"{one['raw']:.1%} of {one['count']:,} the same, {told}"


def _reasons(before: str, counts: Mapping[Any, int], after: str = "") -> str:
    shown = ", ".join(f"{count:,} {reason}" for reason, count in Counter(counts).most_common())
    return f"{before}{shown}{after}" if shown else ""
