"""Why a filter let no document through, where an answer is empty."""

from __future__ import annotations

import difflib
from itertools import islice

from searchctl.engines.base import Engine
from searchctl.fields import as_values
from searchctl.filters import as_filter, conjuncts, written
from searchctl.types import Clause, Filter, OneOf, Scope, Where

_LOOKED_AT = 500  # documents whose values are looked at for one that may have been meant
_NAMED = 3


def why_filtered_out(engine: Engine, index: str, where: Where | None) -> str | None:
    """Return which part of a filter no document meets and which values come near; None where the filter isn't why."""
    given = as_filter(where)
    if given is None or engine.count(index, Scope(given)):
        return None
    for part in conjuncts(given):
        if not engine.count(index, Scope(part)):
            near = _near_values(engine, index, part)
            if near == written(part):
                return (
                    f"documents have {near}, and this index can't compare it, since it was written by an earlier searchctl; "
                    "load them again into a new index"
                )
            return f"no document meets the filter {written(part)}" + (f"; did you mean {near}?" if near else "")
    return f"no document meets all of the filter {written(given)}"


def _near_values(engine: Engine, index: str, part: Filter) -> str:
    """Return the filter with a value that documents have, for a keyword or an id."""
    if not isinstance(part, Clause) or not isinstance(part.condition, OneOf):
        return ""
    values = [str(value) for value in part.condition.values][:_NAMED]
    other_case = {
        form for value in values for form in (value.lower(), value.upper(), value.capitalize(), value.title())
    }
    found = [form for form in sorted(other_case - set(values)) if _holds(engine, index, part.field, form)]
    if not found:
        known = _known_values(engine, index, part.field)
        found = [near for value in values for near in difflib.get_close_matches(value, known, n=1)]
    return " or ".join(written(Clause(part.field, OneOf((value,)))) for value in dict.fromkeys(found[:_NAMED]))


def _holds(engine: Engine, index: str, field: str, value: str) -> bool:
    return bool(engine.count(index, Scope(Clause(field, OneOf((value,))))))


def _known_values(engine: Engine, index: str, field: str) -> list[str]:
    known: dict[str, None] = {}
    for entries in islice(engine.scan(index, batch=_LOOKED_AT), 1):
        for entry in entries:
            own = {"id": entry.document.id, "title": entry.document.title}
            known |= dict.fromkeys(
                str(value) for value in as_values(entry.document.fields.get(field, own.get(field, ())))
            )
    return [value for value in known if value]
