"""`searchctl ingest`: read files into an index, resumably."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.choices import choice
from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import DEAD_LETTERS, FAILED, INTERRUPTED, say, say_error
from searchctl.cli.ingest_prune import prune_question
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.load_report import print_plan, print_report
from searchctl.cli.output import count_of
from searchctl.cli.progress import Meter, show_load
from searchctl.errors import IndexMissing, UsageError
from searchctl.ingest.model import OnError, SameId
from searchctl.notation import check_date_format
from searchctl.schema import ANALYZERS, Analyzer, PassageSettings
from searchctl.sources.formats import formats
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.index import Index
    from searchctl.ingest.model import ConfirmPrune, IngestReport, IngestSettings
    from searchctl.ingest.recipes import Recipe
    from searchctl.sources import Skipped, SourceFile


@click.command(
    "ingest",
    cls=Command,
    examples=(
        "searchctl ingest docs/",
        "searchctl ingest articles.jsonl --id sku --title name --text body --keep price,brand",
        "searchctl ingest docs/ --include '*.md' --exclude 'drafts/**' --prune",
        "searchctl ingest --recipe demo",
        "searchctl ingest articles.jsonl --boost title=3 --index articles",
        "searchctl ingest docs/ --dry-run --prune",
        "searchctl ingest sales.csv --date-format sold=%m/%d/%Y",
        "zcat export.jsonl.gz | searchctl ingest - --format jsonl",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--recipe",
    metavar="NAME",
    help="Read sources and settings from a TOML file, or a recipe of searchctl's own, as demo.",
)
@click.option("--include", multiple=True, metavar="GLOB", help="Read only files like this; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out files like this; repeatable.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(tuple(formats())),
    metavar="NAME",
    help="Format of the files, whatever their names say, as csv, json or html; any other word lists them all.",
)
@click.option("--encoding", metavar="NAME", help="Encoding of the files, if it is guessed wrong, as cp1251.")
@click.option("--id", "id_field", metavar="FIELD", help="Field that holds a record's id.")
@click.option("--title", "title_field", metavar="FIELD", help="Field that holds the title.")
@click.option("--text", "text_fields", metavar="FIELDS", help="Fields that hold the text, a comma between them.")
@click.option(
    "--records",
    metavar="PATH",
    help="Where a JSON file keeps its records, as in data.items [default: found by itself].",
)
@click.option("--keep", metavar="FIELDS", help="Fields to keep for filters [default: all].")
@click.option(
    "--analyzer", type=click.Choice(ANALYZERS), help="Stemming and stop words of a new index [default: auto]."
)
@click.option(
    "--passage-size", type=click.IntRange(16), metavar="N", help="Tokens in each passage of a new index [default: 256]."
)
@click.option(
    "--passage-overlap",
    type=click.IntRange(0),
    metavar="N",
    help="Tokens that neighbouring passages share [default: 32].",
)
@click.option(
    "--boost",
    "boosts",
    multiple=True,
    metavar="FIELD=N",
    help="Count a text field's words N times, for a new index, as in title=3; repeatable.",
)
@click.option("--boilerplate", is_flag=True, help="Leave out menus, headers and footers of HTML pages.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, with estimates; store nothing.")
@click.option(
    "--defer-vectors", is_flag=True, help="Store the texts only; make their vectors later: searchctl vectorize."
)
@click.option("--prune", is_flag=True, help="Delete documents whose source is gone; asks first if they are many.")
@click.option("--yes", is_flag=True, help="Prune without asking.")
@click.option(
    "--same-id",
    type=choice(SameId),
    default="refuse",
    show_default=True,
    help="If records share an id, the last file's is stored: report the others as failed, or say that this is intended (last).",
)
@click.option(
    "--date-format",
    "date_formats",
    multiple=True,
    metavar="FIELD=FORMAT",
    help="How a field's dates are written, as in sold=%m/%d/%Y; repeatable.",
)
@click.option(
    "--on-error",
    type=choice(OnError),
    default="dead-letter",
    show_default=True,
    help="What to do with a bad document.",
)
@click.option("--dead-letters", type=click.Path(path_type=Path), metavar="FILE", help="Where bad documents go.")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Documents stored together.")
@framed
def command(
    frame: Frame,
    paths: tuple[str, ...],
    recipe: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    format_name: str | None,
    encoding: str | None,
    id_field: str | None,
    title_field: str | None,
    text_fields: str | None,
    records: str | None,
    keep: str | None,
    analyzer: Analyzer | None,
    passage_size: int | None,
    passage_overlap: int | None,
    boosts: tuple[str, ...],
    boilerplate: bool,
    dry_run: bool,
    defer_vectors: bool,
    prune: bool,
    yes: bool,
    same_id: SameId,
    date_formats: tuple[str, ...],
    on_error: OnError,
    dead_letters: Path | None,
    batch: int,
) -> None:
    """Read files or folders into an index; - is standard input.

    Running the same command again resumes where it stopped and skips what hasn't changed. A large load into a new index
    stores all texts first, so that they are found by words within seconds, and then makes their vectors.
    """
    from searchctl.cli.ingest_request import NO_RECIPE, combine, placed, with_passages
    from searchctl.ingest.model import IngestSettings
    from searchctl.sources import FieldMapping

    flags = replace(
        NO_RECIPE,
        paths=paths,
        include=include,
        exclude=exclude,
        format=format_name,
        encoding=encoding,
        mapping=FieldMapping(id_field, title_field, _names(text_fields) or (), _names(keep), records=records),
        analyzer=analyzer,
        boilerplate=boilerplate,
        boosts=dict(map(_boost, boosts)) or None,
        date_formats=dict(map(_date_format, date_formats)),
    )
    request = with_passages(combine(flags, recipe), passage_size, passage_overlap)
    frame = placed(frame, request)
    files = _discovered(frame, request)
    typed = as_text(frame.public(shlex.join(["searchctl", *frame.argv])))
    settings = IngestSettings(
        mapping=request.mapping,
        batch=batch,
        prune=prune,
        on_error=on_error,
        dead_letters=dead_letters,
        boilerplate=request.boilerplate,
        defer_vectors=defer_vectors,
        command=typed,
        same_id=same_id,
        date_formats=request.date_formats,
        types=request.types,
    )
    if dry_run:
        _show_plan(frame, files, settings, request)
        return
    with _open(frame, request) as index:
        report = _load(frame, index, files, settings, prune_question(frame, yes))
    print_report(frame, report, deferred=defer_vectors)
    _leave(report, typed)


def _leave(report: IngestReport, typed: str) -> None:
    """Say what to type next, and leave with the exit code that the report asks for; `typed` is this command."""
    if report.interrupted:
        say(_("searchctl: interrupted; what is stored is kept. Resume with:\n  {typed}").format(typed=typed))
        click.get_current_context().exit(INTERRUPTED)
    if report.spared:
        say_error(
            _(
                "{documents} that are gone were not deleted; look at them with --dry-run, and if they may go, "
                "add --yes: {typed} --yes"
            ).format(documents=count_of(report.spared, "document"), typed=typed)
        )
        click.get_current_context().exit(FAILED)
    if report.dead:
        click.get_current_context().exit(DEAD_LETTERS)


def _boost(text: str) -> tuple[str, int]:
    name, _ignored, times = text.partition("=")
    if not times.isdecimal():
        raise UsageError(
            _("'{text}' isn't a boost; write a field and how many times its words count, as in: title=3").format(
                text=text
            )
        )
    return name.strip(), int(times)


def _date_format(text: str) -> tuple[str, str]:
    name, _ignored, pattern = text.partition("=")
    check_date_format(pattern.strip(), f"'{text}'", UsageError)
    return name.strip(), pattern.strip()


def _names(text: str | None) -> tuple[str, ...] | None:
    """Split `a,b`; None stays None."""
    return None if text is None else tuple(filter(None, (name.strip() for name in text.split(","))))


def _discovered(frame: Frame, request: Recipe) -> tuple[SourceFile, ...]:
    """Return the files to read, and say which are passed over."""
    from searchctl.sources import discover

    sources = discover(
        request.paths,
        include=request.include,
        exclude=request.exclude,
        format=request.format,
        encoding=request.encoding,
    )
    _say_skipped(frame, sources.skipped)
    return sources.files


def _say_skipped(frame: Frame, skipped: Sequence[Skipped]) -> None:
    """Tell what is passed over: how many files of each kind, or with -v which and why."""
    from searchctl.sources import kinds

    if frame.verbosity:
        for file in skipped:
            say(as_text(_("searchctl: not read: {path}: {reason}").format(path=file.path, reason=file.reason)))
    elif skipped and not frame.quiet:
        say(as_text(_("searchctl: passed over: {kinds}; -v says which").format(kinds=kinds(skipped))))


def _open(frame: Frame, request: Recipe) -> Index:
    """Open the index or make it; raises UsageError when it's there and was made in another way than was asked for."""
    from searchctl.index import Index

    where = frame.settings
    index = Index.open(
        where.engine,
        where.index,
        encoder=where.encoder,
        connection=where.connection,
        create=True,
        analyzer=request.analyzer or "auto",
        passages=request.passages,
        fields=request.types,
        boosts=request.boosts,
        synonyms=request.synonyms or (),
    )
    made = index.schema
    for what, wanted, present in (
        ("analyzer", request.analyzer, made.analyzer),
        ("passages", request.passages, made.passages),
        ("boosts", request.boosts, dict(made.boosts)),
    ):
        if wanted is not None and wanted != present:
            index.close()
            raise UsageError(
                _(
                    "index '{index}' was made with {setting}, not {setting2}; leave the option out, or ingest into a "
                    "new index with --index NEW"
                ).format(index=where.index, setting=_setting(what, present), setting2=_setting(what, wanted))
            )
    if request.types or index.has_pending_types:
        anew = index.declare_types(request.types, request.date_formats)
        if anew and not frame.quiet:
            say(
                _("searchctl: {documents} indexed anew, because fields have other types now").format(
                    documents=count_of(anew, "document")
                )
            )
    if request.synonyms is not None:
        index.use_synonyms(request.synonyms)
    return index


def _setting(what: str, value: str | PassageSettings | Mapping[str, int]) -> str:
    if isinstance(value, str):
        return _("the {what} '{value}'").format(what=what, value=value)
    if isinstance(value, PassageSettings):
        return _("{what} of {size} tokens, {overlap} shared").format(what=what, size=value.size, overlap=value.overlap)
    return f"{what} of {', '.join(f'{name} = {times}' for name, times in value.items())}" if value else f"no {what}"


def _show_plan(frame: Frame, files: tuple[SourceFile, ...], settings: IngestSettings, request: Recipe) -> None:
    from searchctl.encoders import DEFAULT_ENCODER, open_encoder
    from searchctl.index import encoder_stamp
    from searchctl.ingest.journal import journal_path, known_files
    from searchctl.ingest.plan import plan
    from searchctl.schema import Schema

    try:
        with frame.open_index() as index:
            known = known_files(journal_path(index.engine, index.name))
            schema = index.schema.with_fields(request.types)
            shown = plan(files, settings, index.encoder, schema, (index.engine, index.name), known)
    except IndexMissing:
        name = frame.settings.encoder or DEFAULT_ENCODER
        encoder = open_encoder(name)
        passages = request.passages or PassageSettings.usual(encoder.max_tokens)
        schema = Schema(encoder_stamp(name, encoder), passages=passages, fields=dict(request.types))
        shown = plan(files, settings, encoder, schema)
    print_plan(frame, shown)


def _load(
    frame: Frame, index: Index, files: tuple[SourceFile, ...], settings: IngestSettings, confirm: ConfirmPrune
) -> IngestReport:
    from searchctl.lifecycle.words_first import goes_words_first, ingest_words_first

    def tell_words(waiting: int) -> None:
        meter.phase(_("encoding"))
        text = _("searchctl: {documents} can be found by words now; vectors follow")
        meter.tell(text.format(documents=count_of(waiting, "document")))

    with Meter(frame, _("documents"), _("reading")) as meter, stop_on_interrupt() as stop:
        show = functools.partial(show_load, meter)
        if goes_words_first(index, files, settings):
            return ingest_words_first(
                index, files, settings, on_progress=show, on_words=tell_words, stop=stop, confirm_prune=confirm
            )
        return index.ingest_files(files, settings, on_progress=show, stop=stop, confirm_prune=confirm)
