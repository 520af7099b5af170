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
            raise UsageError(_("say which language model to ask: {flag} {example}").format(flag=flag, example=example))


def run_task(frame: Frame, task: GenerationTask, options: GenerationOptions) -> None:
    """Generate a data set, or with --dry-run tell what it would take."""
    from searchctl.generation.chat import ChatServer
    from searchctl.generation.generate import generate, plan

    settings, output = options.settings(), options.target(task.name)
    server = ChatServer(options.llm or "", options.model or "", timeout=options.timeout)
    planned = plan(task, server.model, output, settings)
    if not planned.requests:
        raise UsageError(
            _("there is nothing to ask about{reasons}").format(reasons=_reasons(" (", task.passed_over, ")"))
        )
    if options.dry_run:
        _print_plan(frame, planned)
        return
    if not frame.quiet and not frame.json:
        say(
            _("searchctl: asking {model} at {url}: {planned}").format(
                model=server.model, url=server.url, planned=", ".join(_planned(planned))
            )
        )
    with stop_on_interrupt() as stop, Meter(frame, _("answers"), _("asking")) as meter:

        def update(done: int, total: int, unanswered: int, bill: Bill) -> None:
            spent = _("{prompt_tokens:,} tokens").format(prompt_tokens=bill.prompt_tokens + bill.answer_tokens)
            cost = _(", {cost:.4g} spent").format(cost=bill.cost) if settings.prices.known else ""
            meter.update(done, total, failed=unanswered, detail=spent + cost)

        report = generate(task, planned.requests, server, output, settings, on_progress=update, stop=stop)
    _tell(frame, report, settings)


def _planned(planned: GenerationPlan) -> list[str]:
    estimate = planned.estimate
    known = estimate.requests - estimate.new
    told = [
        count_of(estimate.requests, "request")
        + (_(" ({known:,} answered before)").format(known=known) if known else "")
    ]
    told.append(
        _("about {prompt_tokens:,} tokens in and {answer_tokens:,} out").format(
            prompt_tokens=estimate.prompt_tokens, answer_tokens=estimate.answer_tokens
        )
    )
    if estimate.cost is not None:
        told.append(
            _("cost about {cost:.4g}, at most {most:.4g} if no answer has to be asked for again").format(
                cost=estimate.cost, most=estimate.most
            )
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
    say(_("searchctl: dry run, nothing sent: {planned}").format(planned=", ".join(_planned(planned))))
    if planned.passed_over:
        say(_("searchctl: not asked about{reasons}").format(reasons=_reasons(": ", planned.passed_over)))


def _tell(frame: Frame, report: GenerationReport, settings: AskSettings) -> None:
    if frame.reports_json:
        print_json("generated", report.to_json(settings))
    else:
        print_pairs(_lines(report, settings))
        for note in report.notes:
            say(_("note: {note}").format(note=note))
    if report.error is not None:
        raise report.error
    if report.ended == "stopped":
        end_interrupted(frame)
    misfits = sum(report.unanswered[kind] for kind in report.bill.misfits)
    if limit := _LIMITS.get(report.ended):
        left = report.requests - report.answered - report.unanswered.total()
        say(
            _("searchctl: ended at {limit} with {requests} left; the same command with more goes on").format(
                limit=limit, requests=count_of(left, "request")
            )
        )
    elif not report.lines:
        raise SearchctlError(
            _("no answer was of use{reasons}; look at --dry-run, try another --model or an edited --prompt").format(
                reasons=_reasons(": ", report.unanswered + report.left_out)
            )
        )
    if limit or report.unanswered.total() > misfits:
        click.get_current_context().exit(DEAD_LETTERS)


def _lines(report: GenerationReport, settings: AskSettings) -> list[tuple[str, str]]:
    bill = report.bill
    written = f"{count_of(report.lines, 'line')} in {report.output}"
    lines = [("written", written if report.written else _("nothing yet"))]
    lines.append(("answered", f"{report.answered:,} of {count_of(report.requests, 'request')}"))
    for name, counts in (
        (_("no answer"), report.unanswered),
        (_("left out"), report.left_out),
        (_("not asked about"), report.passed_over),
    ):
        if counts:
            lines.append((name, _reasons("", counts)))
    told = _("{sent:,} sent, {answers:,} answers").format(sent=bill.sent, answers=bill.answers)
    told += _(", {known:,} known before").format(known=bill.known) if bill.known else ""
    told += _(", put off {again:,} times").format(again=bill.again) if bill.again else ""
    told += _(", {late:,} whose answers never came").format(late=bill.late) if bill.late else ""
    lines.append(("requests", told))
    if bill.misfits:
        lines.append(("unusable", _reasons("", bill.misfits) + _(", before asking again")))
    counted = _(" (estimated: the server doesn't count)") if bill.estimated else ""
    lines.append(
        (
            "tokens",
            _("{prompt_tokens:,} in, {answer_tokens:,} out{counted}").format(
                prompt_tokens=bill.prompt_tokens, answer_tokens=bill.answer_tokens, counted=counted
            ),
        )
    )
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
        (_("with people"), f"{names.get(name, name)}: {_kappa(one)}")
        for name, one in found.items()
        if isinstance(one, dict)
    ]
    if found.get("recall") is not None:
        lines.append(
            (
                _("with people"),
                _("of what they found relevant, the model finds {found:.1%} so").format(found=found["recall"]),
            )
        )
    return lines


def _kappa(one: Mapping[str, float | None]) -> str:
    kappa = one["kappa"]
    told = _("kappa can't be told, all are alike") if kappa is None else _("kappa {kappa:.2f}").format(kappa=kappa)
    return _("{one:.1%} of {one2:,} the same, {told}").format(one=one["raw"], one2=one["count"], told=told)


def _reasons(before: str, counts: Mapping[Any, int], after: str = "") -> str:
    shown = ", ".join(f"{count:,} {reason}" for reason, count in Counter(counts).most_common())
    return f"{before}{shown}{after}" if shown else ""
