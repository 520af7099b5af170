"""What the commands of `searchctl train` share: the options of a schedule, and how a run is shown and reported."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted
from searchctl.cli.output import duration_of, print_json, print_pairs, size_of
from searchctl.cli.progress import Meter
from searchctl.training.settings import NO_GAIN, Schedule, Watch
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.training.producing import TrainingRecipe, TrainingReport
    from searchctl.types import Json

_HELP = {
    "epochs": "How often each example is seen.",
    "batch": "Examples a step.",
    "rate": "Highest learning rate.",
    "warmup": "Share of the steps in which the rate rises.",
    "patience": "Stop after N evaluations without a gain.",
    "evaluations": "Evaluate on the held-out part, and save, this many times.",
    "held_out": "Share of the data, by document, that is held out; 0 for none.",
    "max_tokens": "Cut texts to N tokens while training.",
    "seed": "Random seed.",
    "threads": "Cores to use; 0 takes the idle ones.",
}


def schedule_options(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add -o, the options of a schedule with a command's own `defaults`, and --dry-run.

    The command gets `schedule`, `out` and `dry_run`.
    """
    usual = Schedule(**defaults)

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapper(*args: Any, **values: Any) -> None:
            own = {field.name: values.pop(field.name) for field in fields(Schedule)}
            function(*args, schedule=Schedule(**own), **values)

        options = [
            click.option(
                "-o", "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder to write."
            )
        ]
        for field in fields(Schedule):
            value = getattr(usual, field.name)
            options.append(
                click.option(
                    f"--{field.name.replace('_', '-')}",
                    field.name,
                    type=type(value),
                    default=value,
                    show_default=True,
                    metavar="X" if isinstance(value, float) else "N",
                    help=_HELP[field.name],
                )
            )
        options.append(
            click.option(
                "--dry-run",
                is_flag=True,
                help="Try some steps, and show how many there are, and how much time and memory they take.",
            )
        )
        decorated: Callable[..., None] = wrapper
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return add


def train_and_print(
    frame: Frame, recipe: TrainingRecipe, schedule: Schedule, out: Path, dry_run: bool, use: str
) -> None:
    """Run a recipe, or its dry run, and print what came of it; `use` is the command that uses the folder, with {out}."""
    if dry_run:
        _print_plan(frame, recipe, schedule)
        return
    from searchctl.training.producing import produce

    with stop_on_interrupt() as stop, Meter(frame, _("steps")) as meter:
        watch = Watch(lambda done, total: meter.update(done, total, detail=f"of {total:,}"), stop)
        report = produce(recipe, schedule, out, watch)
    if report.interrupted:
        end_interrupted(frame)
    print_report(frame, report, use)


def print_report(frame: Frame, report: TrainingReport, use: str) -> None:
    """Print what was measured and what to type next."""
    card = report.card
    assert card is not None
    if frame.reports_json:
        seconds = round(report.run.seconds, 3) if report.run else None
        print_json("trained", {"out": str(report.out), "done_before": report.done_before, "seconds": seconds, **card})
        return
    if frame.quiet:
        return
    pairs = [
        (
            _("folder"),
            f"{report.out}{' (made before by this very command; nothing to do)' if report.done_before else ''}",
        )
    ]
    pairs += [(name, _shown(value)) for name, value in card["measured"].items()]
    if report.run is not None:
        early = _(", stopped early: no gain any more") if report.run.stopped_early else ""
        pairs.append((_("time"), duration_of(report.run.seconds) + early))
    print_pairs(pairs)
    for note in card["notes"]:
        say(_("note: {note}").format(note=note))
    if NO_GAIN not in card["notes"]:
        say(_("next: {use}").format(use=use.format(out=report.out)))


def _print_plan(frame: Frame, recipe: TrainingRecipe, schedule: Schedule) -> None:
    from searchctl.training.producing import dry_run

    with tempfile.TemporaryDirectory(prefix="searchctl-train-") as folder:
        found = dry_run(recipe, schedule, Path(folder))
    plan = found.plan
    data: Json = {
        "learnt": found.learnt,
        "held_out": found.held_out,
        "steps": plan.steps,
        "step_seconds": round(plan.step_seconds, 3),
        "seconds": round(plan.seconds, 1),
        "memory": plan.memory,
        "disk": plan.disk,
        "notes": list(found.notes),
    }
    if frame.for_programs:
        print_json("training-plan", data)
        return
    print_pairs(
        [
            (_("learnt"), found.learnt),
            (_("held out"), found.held_out),
            (
                _("steps"),
                _("{steps:,} of {step_seconds:.2f} s each, timed here and now").format(
                    steps=plan.steps, step_seconds=plan.step_seconds
                ),
            ),
            (
                _("time"),
                _("about {duration} with measuring, at most; writing the folder comes on top").format(
                    duration=duration_of(plan.seconds)
                ),
            ),
            (_("memory"), _("{size} at most in these steps").format(size=size_of(plan.memory))),
            (_("disk"), _("about {size} for checkpoints while it runs").format(size=size_of(plan.disk))),
        ]
    )
    for note in found.notes:
        say(_("note: {note}").format(note=note))
    if not frame.quiet:
        say(_("nothing was written"))


def _shown(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"before", "after"}:
        return f"{value['before']:.4f} -> {value['after']:.4f}, {value['after'] - value['before']:+.4f}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    return f"{value:.4f}" if isinstance(value, float) else str(value)
