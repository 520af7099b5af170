"""Orders by fields, as in "-updated,relevance": read, held against an index's fields, and applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.errors import UsageError
from searchctl.fields import comparables
from searchctl.filters.checking import kind_of
from searchctl.ranking.fusion import Floats, Rows
from searchctl.schema import FieldType
from searchctl.translation import _
from searchctl.types import Value

RELEVANCE = "relevance"
_MOST = 5
_FORM = "write for instance --sort=-updated,relevance, a minus before a field whose largest values come first"


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by, or `RELEVANCE`, of which the highest comes first always."""

    field: str
    descending: bool = False


def sort_keys(given: str | Sequence[str], fields: Mapping[str, FieldType]) -> tuple[SortKey, ...]:
    """Return what to sort by, the most telling first. Raises UsageError for what can't be sorted by."""
    pieces = given.split(",") if isinstance(given, str) else list(given)
    keys = tuple(_key(piece.strip(), fields) for piece in pieces if piece.strip() or len(pieces) > 1)
    if len(keys) > _MOST:
        raise UsageError(
            _("{count} fields to sort by are too many; give at most {MOST}").format(count=len(keys), MOST=_MOST)
        )
    if len({key.field for key in keys}) < len(keys):
        raise UsageError(
            _("a field is named twice in the order '{pieces}'; name each once").format(pieces=",".join(pieces))
        )
    return keys


def _key(text: str, fields: Mapping[str, FieldType]) -> SortKey:
    name = text.removeprefix("-")
    if not name:
        raise UsageError(_("a field to sort by is missing; {FORM}").format(FORM=_FORM))
    if name == RELEVANCE:
        if text != name:
            raise UsageError(_("the least relevant hits first is no order that helps; write relevance without a minus"))
        return SortKey(RELEVANCE)
    wanted, separator, direction = name.rpartition(":") if ":" in name else name.rpartition(" ")
    if separator and name not in fields and direction.lower() in ("asc", "desc"):
        sign = "-" if direction.lower() == "desc" else ""
        raise UsageError(
            _("'{text}' isn't a field; write {sign}{wanted}").format(text=text, sign=sign, wanted=wanted.strip())
        )
    sortable(name, fields, "sort")
    return SortKey(name, text != name)


def sortable(name: str, fields: Mapping[str, FieldType], what: str) -> FieldType:
    """Return the type of a field that has values to compare; raises UsageError, `what` being what can't be done with others."""
    kind = kind_of(name, fields)
    if name not in fields:
        raise UsageError(
            _(
                "can't {what} by the {name} of documents; load it as a field of its own as well, a keyword, or "
                "take one of: {names}"
            ).format(what=what, name=name, names=", ".join([RELEVANCE, *sorted(fields)]))
        )
    if kind == "text":
        raise UsageError(
            _(
                "can't {what} by '{name}', since it holds text, which is searched and not compared; declare it "
                "as a keyword in a recipe and load again"
            ).format(what=what, name=name)
        )
    return kind


def sorted_rows(
    keys: Sequence[SortKey],
    values: Sequence[Mapping[str, Value]],
    relevance: Floats,
    fields: Mapping[str, FieldType],
) -> Rows:
    """Return the places of documents in the order of the keys; those without a value last, equal ones as they were.

    `values` are the documents' fields, `relevance` (n,) theirs. Of several values the smallest counts, descending the largest.
    """
    order = list(range(len(values)))
    for key in reversed(keys):
        if key.field == RELEVANCE:
            order.sort(key=lambda place: -relevance[place])
            continue
        held = [_telling(key, document.get(key.field, ()), fields) for document in values]
        having = [place for place in order if held[place] is not None]
        having.sort(key=lambda place: held[place], reverse=key.descending)  # type: ignore[arg-type,return-value]  # of one type
        order = having + [place for place in order if held[place] is None]
    return np.array(order, dtype=np.int64)


def _telling(key: SortKey, value: Value, fields: Mapping[str, FieldType]) -> str | int | float | None:
    values = list(comparables(key.field, fields[key.field], value))
    if not values:
        return None
    return (max if key.descending else min)(values)
