"""`searchctl train distil`: a quicker encoder that says nearly what a slower one says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
from click.core import ParameterSource

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted
from searchctl.cli.output import duration_of, print_json, print_pairs, size_of
from searchctl.cli.progress import Meter
from searchctl.cli.train.options import print_report, schedule_options, train_and_print
from searchctl.encoders import DEFAULT_ENCODER
from searchctl.errors import UsageError
from searchctl.training.settings import Schedule, Watch
from searchctl.translation import _

_USE = "searchctl evaluate DATA --encoder {out}"
_OF_STATIC = ("dim", "texts")
_OF_BOTH = ("max_tokens", "seed")


@click.command(
    "distil",
    cls=Command,
    examples=(
        "searchctl train distil corpus.jsonl --to static -o ./my-static",
        "searchctl train distil corpus.jsonl --to small --layers 6 --from ./model -o ./my-small",
        "searchctl evaluate data/shop --encoder ./my-static",
    ),
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--to", "kind", type=click.Choice(["static", "small"]), required=True, help="A vector a token, or fewer layers."
)
@click.option(
    "--from",
    "base",
    metavar="MODEL",
    help=f"The teacher: for static any encoder [default: {DEFAULT_ENCODER}]; for small a sentence-transformers folder.",
)
@click.option("--layers", type=click.IntRange(1), help="Layers of a small one.")
@click.option("--dim", type=click.IntRange(8), default=256, show_default=True, help="Numbers a vector of a static one.")
@click.option(
    "--texts", type=click.IntRange(100), default=12_000, show_default=True, help="Texts for a static one, at most."
)
@schedule_options(rate=1e-4, epochs=2.0)
@framed
@click.pass_context
def distil_command(
    ctx: click.Context,
    frame: Frame,
    path: Path,
    kind: str,
    base: str | None,
    layers: int | None,
    dim: int,
    texts: int,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Make an encoder that is quicker than its teacher and near to it on texts like those of FILE.

    FILE is JSON Lines: {"text": …} with perhaps a "title", as a corpus. A static encoder is a table, fitted in one go: of the
    schedule only --max-tokens and --seed count. A small one is trained. What they lose shows in searchctl evaluate.
    """
    if kind == "static":
        if layers:
            raise UsageError(_("--layers is for --to small: a static encoder has none"))
        _refuse_schedule(ctx)
        _static(frame, path, base or DEFAULT_ENCODER, dim, texts, schedule, out, dry_run)
        return
    from searchctl.training.small import small_recipe

    given = [name for name in _OF_STATIC if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise UsageError(f"--{given[0]} is for --to static; leave it out")
    if base is None or layers is None:
        raise UsageError(
            _("a small encoder takes a teacher to learn from and its number of layers: --from MODEL --layers 6")
        )
    train_and_print(frame, small_recipe(path, base, layers), schedule, out, dry_run, _USE)


def _refuse_schedule(ctx: click.Context) -> None:
    for field in fields(Schedule):
        if field.name not in _OF_BOTH and ctx.get_parameter_source(field.name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                _("--{replace} is for --to small: a static encoder is fitted in one go").format(
                    replace=field.name.replace("_", "-")
                )
            )


def _static(
    frame: Frame, path: Path, teacher: str, dim: int, texts: int, schedule: Schedule, out: Path, dry_run: bool
) -> None:
    from searchctl.training.static import StaticSettings, distil_static, plan_static

    settings = StaticSettings(dim, schedule.max_tokens, texts, schedule.seed)
    if dry_run:
        plan = plan_static(path, teacher, settings)
        if frame.for_programs:
            print_json("distillation-plan", plan)
            return
        print_pairs(
            [
                (_("learnt"), plan["learnt"]),
                (_("held out"), plan["held_out"]),
                (
                    _("time"),
                    _("about {duration}, by encoding some of them here and now").format(
                        duration=duration_of(plan["seconds"])
                    ),
                ),
                (_("disk"), _("about {size} while it runs").format(size=size_of(plan["disk"]))),
            ]
        )
        return
    with stop_on_interrupt() as stop, Meter(frame, _("texts"), _("distilling")) as meter:
        report = distil_static(path, teacher, out, settings, Watch(meter.update, stop))
    if report.interrupted:
        end_interrupted(frame)
    print_report(frame, report, _USE)
