"""`searchctl models list` and `show`: what is known of encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.listing import print_listing
from searchctl.cli.output import echo, print_json, print_pairs, print_table
from searchctl.translation import _, number

if TYPE_CHECKING:
    from searchctl.models.catalogue import KnownModel

_HEADINGS = ("name", "languages", "dim", "tokens", "MB", "search", "similarity", "classes", "here", "licence")


@click.command(
    "list",
    cls=Command,
    examples=(
        "searchctl models list",
        "searchctl models list --language ru",
        "searchctl models list --json | jq '.models[] | select(.megabytes < 200).name'",
    ),
)
@click.option("--language", metavar="CODE", help="Only encoders that read this language, such as ru.")
@framed
def list_command(frame: Frame, language: str | None) -> None:
    """List the encoders that are known by name, with published scores.

    search, similarity and classes are means of the Russian MTEB's tasks of retrieval, similarity and classification, times 100;
    ↓ marks encoders that are worse at search than BM25 without any. A star marks encoders that are on this machine.
    """
    from searchctl.models.catalogue import bm25_scores, known_models, sources
    from searchctl.models.places import model_folder

    models = [model for model in known_models().values() if language is None or _reads(model, language)]
    here = {model.name: model.family == "shipped" or model_folder(model.name) is not None for model in models}
    if frame.for_programs:
        shown = [{**asdict(model), "here": here[model.name], "below_bm25": model.below_bm25} for model in models]
        print_listing(
            frame, "models", "known-model", "models", shown, bm25=dict(bm25_scores()), sources=dict(sources())
        )
        return
    print_table(_HEADINGS, [_row(model, here[model.name]) for model in models])
    if not frame.quiet:
        worse = sum(model.below_bm25 for model in models)
        say(
            _(
                "BM25 alone has {bm25_scores} at search: {worse} of these are below it (↓). They tell classes "
                "and paraphrases apart, but don't take them to search. Scores of others and their sources: "
                "searchctl models show NAME"
            ).format(bm25_scores=bm25_scores()["retrieval"], worse=worse)
        )


@click.command("show", cls=Command, examples=("searchctl models show FRIDA", "searchctl models show LASER2 --json"))
@click.argument("name")
@framed
def show_command(frame: Frame, name: str) -> None:
    """Show how an encoder is used, what was published of it, and where its files are or belong."""
    from searchctl.models.catalogue import known_model, sources
    from searchctl.models.manifest import read_manifest
    from searchctl.models.places import folder_name, missing_model, model_folder, models_folders

    known = known_model(name)
    if known is None:
        raise missing_model(name)
    folder = model_folder(known.name)
    manifest = read_manifest(folder) if folder else None
    place = models_folders()[0] / folder_name(known.name)
    if frame.for_programs:
        extra = {"folder": folder and str(folder), "revision": manifest and manifest.revision, "place": str(place)}
        print_json("model", {**asdict(known), **extra, "below_bm25": known.below_bm25})
        return
    where = (
        str(folder)
        if folder
        else _("not here; searchctl models fetch {name}, or put its files into {place}").format(
            name=known.name, place=place
        )
    )
    if known.family in ("shipped", "muse"):
        where = (
            _("comes with searchctl") if known.family == "shipped" else _("comes with: pip install 'searchctl[muse]'")
        )
    print_pairs([*_facts(known), (_("files"), ", ".join(known.files) or "-"), (_("where"), where)])
    for kind, scores in ((_("encodechka"), known.encodechka), (_("rumteb"), known.rumteb)):
        if scores:
            echo()
            echo(_("published, {sources}:").format(sources=sources()[kind]))
            echo(_scores(scores))
    if known.below_bm25:
        echo(_("\nAt search it is worse than BM25 without any encoder: take it for classes and paraphrases only."))


def _reads(model: KnownModel, language: str) -> bool:
    """Tell whether a model reads a language; of those that are said to read dozens it's taken for granted."""
    return any(one == language.lower() or one.isdigit() for one in model.languages)


def _row(model: KnownModel, here: bool) -> list[str]:
    scores = [
        f"{model.rumteb[kind]:.1f}" if kind in model.rumteb else "-" for kind in ("retrieval", "sts", "classification")
    ]
    scores[0] += " ↓" if model.below_bm25 else ""
    facts = [str(model.dim), number(model.max_tokens), number(model.megabytes)]
    return [model.name, _languages(model), *facts, *scores, "*" if here else "", model.licence]


def _languages(model: KnownModel) -> str:
    if model.languages[0].isdigit():
        return _("{languages} languages").format(languages=model.languages[0])
    return " ".join(model.languages[:3]) + (" …" if len(model.languages) > 3 else "")


def _facts(model: KnownModel) -> list[tuple[str, str]]:
    facts = [
        ("name", model.name),
        ("note", model.note),
        ("family", model.family),
        ("hub", model.hub or ", ".join(model.urls)),
        ("languages", model.languages[0] if model.languages[0].isdigit() else " ".join(model.languages)),
        ("licence", model.licence),
        ("size", f"{model.megabytes:,} MB"),
        ("dimension", str(model.dim)),
        ("tokens", _("{max_tokens:,} at most").format(max_tokens=model.max_tokens)),
        ("pooling", model.pooling or _("as its own files say")),
        (
            "queries",
            _("prefix {query_prefix!r}").format(query_prefix=model.query_prefix)
            if model.query_prefix
            else _("no prefix"),
        ),
        (
            "documents",
            _("prefix {document_prefix!r}").format(document_prefix=model.document_prefix)
            if model.document_prefix
            else _("no prefix"),
        ),
    ]
    return [(name, value) for name, value in facts if value]


def _scores(scores: Mapping[str, float]) -> str:
    return "  " + ", ".join(f"{task} {score:g}" for task, score in scores.items())
