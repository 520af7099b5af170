"""What an ingest is asked to do: the flags, and beneath them the recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.errors import UsageError
from searchctl.ingest.recipes import Recipe, load_recipe
from searchctl.schema import PassageSettings
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.sources import FieldMapping

NO_RECIPE = Recipe(Path())


def combine(flags: Recipe, recipe: str | None) -> Recipe:
    """Return the recipe of this name with all that the flags say in its place; raises ConfigError, UsageError."""
    base = load_recipe(recipe) if recipe is not None else NO_RECIPE
    paths = flags.paths or base.paths
    if not paths:
        hint = _("; the recipe '{recipe}' names no paths").format(recipe=recipe) if recipe is not None else ""
        raise UsageError(_("say what to read: searchctl ingest FOLDER{hint}").format(hint=hint))
    return replace(
        base,
        paths=paths,
        include=flags.include or base.include,
        exclude=flags.exclude or base.exclude,
        format=flags.format or base.format,
        encoding=flags.encoding or base.encoding,
        mapping=_mapping(flags.mapping, base.mapping),
        analyzer=flags.analyzer or base.analyzer,
        boilerplate=flags.boilerplate or base.boilerplate,
        boosts=flags.boosts or base.boosts,
        date_formats={**base.date_formats, **flags.date_formats},
    )


def _mapping(flags: FieldMapping, recipe: FieldMapping) -> FieldMapping:
    return replace(
        recipe,
        id=flags.id or recipe.id,
        title=flags.title or recipe.title,
        text=flags.text or recipe.text,
        keep=recipe.keep if flags.keep is None else flags.keep,
        records=flags.records or recipe.records,
    )


def with_passages(recipe: Recipe, size: int | None, overlap: int | None) -> Recipe:
    """Return the recipe with the passage flags; raises UsageError when they contradict each other."""
    if size is None and overlap is None:
        return recipe
    usual = recipe.passages or PassageSettings()
    size = usual.size if size is None else size
    passages = usual.resized(size) if overlap is None else PassageSettings(size, overlap)
    if passages.overlap >= size:
        raise UsageError(
            _("passages of {size} tokens can't share {overlap}; give a smaller --passage-overlap").format(
                size=size, overlap=overlap
            )
        )
    return replace(recipe, passages=passages)


def placed(frame: Frame, recipe: Recipe) -> Frame:
    """Return the frame with the recipe's index and encoder, unless others were typed."""
    typed = {one.key for one in frame.settings.shown if one.origin == f"--{one.key}"}
    index = frame.settings.index if "index" in typed or recipe.index is None else recipe.index
    encoder = frame.settings.encoder if "encoder" in typed or recipe.encoder is None else recipe.encoder
    return replace(frame, settings=replace(frame.settings, index=index, encoder=encoder))
