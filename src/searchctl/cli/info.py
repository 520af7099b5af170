"""`searchctl info`: what an index holds and how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.output import count_of, print_json, print_pairs, size_of
from searchctl.cli.tune import shown
from searchctl.text.sections import shown_fields
from searchctl.translation import _, number

if TYPE_CHECKING:
    from searchctl.schema import Schema


@click.command("info", cls=Command, examples=("searchctl info", "searchctl info --engine ./my-index --json"))
@framed
def command(frame: Frame) -> None:
    """Show what an index holds and how it was made."""
    with frame.open_index() as index:
        info, schema, engine = index.info(), index.schema, index.engine
    encoder, tuned = schema.encoder, _tuned(schema)
    if frame.for_programs:
        print_json(
            "index-info",
            {
                "index": info.name,
                "engine": {"name": engine.name, "url": frame.public(engine.url)},
                "documents": info.documents,
                "passages": info.passages,
                "size": info.size,
                "aliases": list(info.aliases),
                "encoder": {"name": encoder.name, "revision": encoder.revision, "dim": encoder.dim}
                if encoder
                else None,
                "analyzer": schema.analyzer,
                "passage": {"size": schema.passages.size, "overlap": schema.passages.overlap},
                "fields": dict(shown_fields(schema.fields)),
                "boosts": dict(schema.boosts),
                "synonyms": len(schema.synonyms),
                "tuned": {name: value if isinstance(value, int) else asdict(value) for name, value in tuned.items()},
            },
        )
        return
    stamp = (
        _("{name} (revision {revision}, {dim} dimensions)").format(
            name=encoder.name, revision=encoder.revision, dim=encoder.dim
        )
        if encoder
        else _("none, words only")
    )
    fields = ", ".join(f"{name} ({kind})" for name, kind in sorted(shown_fields(schema.fields).items()))
    pairs = [
        (
            _("index"),
            _("{name} on {engine}, {url}").format(name=info.name, engine=engine.name, url=frame.public(engine.url)),
        ),
        (_("documents"), number(info.documents)),
        (
            _("passages"),
            _("{passages:,}, of up to {size} tokens, {overlap} shared").format(
                passages=info.passages, size=schema.passages.size, overlap=schema.passages.overlap
            ),
        ),
        (_("encoder"), stamp),
        (_("analyzer"), schema.analyzer),
        (_("fields"), fields or _("none")),
        (_("size"), size_of(info.size)),
    ]
    if schema.boosts:
        pairs.insert(-1, (_("boosts"), ", ".join(f"{name} × {times}" for name, times in schema.boosts.items())))
    if schema.synonyms:
        pairs.insert(-1, (_("synonyms"), count_of(len(schema.synonyms), "rule")))
    if tuned:
        pairs.insert(-1, (_("tuned"), "; ".join(f"{name}: {shown(name, value)}" for name, value in tuned.items())))
    if info.aliases:
        pairs.insert(1, (_("aliases"), ", ".join(info.aliases)))
    print_pairs(pairs)


def _tuned(schema: Schema) -> dict[str, Any]:
    """Return the settings that `searchctl tune` has written."""
    from searchctl.ranking.relevance import Calibration

    relevance = Calibration(*schema.relevance) if schema.relevance else None
    tuned = {"fusion": schema.fusion, "rerank": schema.rerank_depth, "bm25": schema.bm25, "relevance": relevance}
    return {name: value for name, value in tuned.items() if value is not None}
