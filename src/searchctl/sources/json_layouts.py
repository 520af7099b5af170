"""Where a JSON file keeps its records: known layouts of exports, and a rule for those that nobody has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from searchctl.sources.mapping import kind_of, listed
from searchctl.sources.model import Unreadable
from searchctl.sources.nested import along
from searchctl.sources.rich_text import rich_text
from searchctl.sources.usual_names import ID_NAMES, TEXT_NAMES, TITLE_NAMES
from searchctl.translation import _

ACTIONS = frozenset(("index", "create", "update", "delete"))
_DEEPEST = 5
_MOST_LISTS = 50
_MOST_WEIGHED = 200  # elements of a list
_PARTS = frozenset(
    "comments comment replies answers attachments files notes history events tags labels links changelog worklog reactions "
    "custom_fields entities text_entities images options audits images комментарии вложения ответы".split()
)
_CLEARLY = 0.8  # of all words in a file's lists are in the one that holds the records


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a value, the path where they stand (empty: the value itself), and other lists that are left out."""

    items: list[Any]
    path: str = ""
    left_out: tuple[str, ...] = ()
    single: bool = False
    ids: tuple[str, ...] = ()


def find_records(value: Any, path: str | None = None) -> Records:
    """Return the records of an object: those at `path`, if one is given.

    Else they're the only list of objects in it, or the list that holds nearly all the words. An object with a text of its
    own is a record itself.

    Raises Unreadable when there's nothing at the path, and when several lists could be meant.
    """
    if path:
        return _named(value, path)
    if not isinstance(value, dict):
        raise Unreadable(_('expected an object like {{"id": …, "text": …}}, found {kind}').format(kind=kind_of(value)))
    if (rows := _by_column(value)) is not None:
        return Records(rows)
    lists = dict(_lists(value))
    full = {name: items for name, items in lists.items() if items}
    if _is_document(value, full):
        return Records([value], single=True)
    if not full:
        empty = next(iter(lists), None)
        own = {name.lower() for name in value} & {*TEXT_NAMES, *TITLE_NAMES}
        return (
            _by_key(value)
            or _by_key_within(value)
            or (Records([], empty) if empty and not own else Records([value], single=True))
        )
    weights = {name: sum(_words(item) for item in items[:_MOST_WEIGHED]) for name, items in full.items()}
    best = _clear_best(weights, {name: len(items) for name, items in full.items()})
    others = tuple(name for name in full if name != best)
    return _within(full[best], best, others) or Records(full[best], best, others)


def _clear_best(weights: Mapping[str, int], sizes: Mapping[str, int]) -> str:
    """Return the name that has nearly all the words; raises Unreadable where none has."""
    best = max(weights, key=lambda name: weights[name])
    if len(weights) > 1 and weights[best] <= _CLEARLY * sum(weights.values()):
        shown = ", ".join(f"{name} ({size:,})" for name, size in list(sizes.items())[:12])
        raise Unreadable(
            _("several lists could be the records: {shown}; name one with: --records {best}").format(
                shown=shown, best=best
            )
        )
    return best


def _within(items: list[Any], path: str, others: tuple[str, ...]) -> Records | None:
    """Return the records that are lists within the objects of a list, as the messages of chats; None where they aren't.

    Their ids count within their lists only, so that of the outer object goes before them.
    """
    sample = items[:_MOST_WEIGHED]
    if any(_has_text(item) for item in sample):
        return None
    inner: Counter[str] = Counter()
    for item in sample:
        for name, value in item.items():
            if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
                inner[name] += sum(_words(one) for one in value[:_MOST_WEIGHED])
    if not inner:
        return None
    ((name, words),) = inner.most_common(1)
    if not words or words <= _CLEARLY * sum(_words(item) for item in sample) or name in _PARTS:
        return None
    records = [
        _apart(record, outer, number)
        for number, outer in enumerate(items, 1)
        for record in (outer.get(name) if isinstance(outer.get(name), list) else ())
    ]
    return Records(records, f"{path}.{name}", others)


def _apart(record: Any, outer: Mapping[str, Any], number: int) -> Any:
    id_name = next((name for name in ID_NAMES if isinstance(record, dict) and name in record), None)
    if id_name is None:
        return record
    outer_id = next((outer[name] for name in ID_NAMES if isinstance(outer.get(name), (str, int))), number)
    return {**record, id_name: f"{outer_id}/{record[id_name]}"}


def _named(value: Any, path: str) -> Records:
    values = along(value, path)
    if isinstance(values, list):
        return Records(values, path)
    if isinstance(values, dict):
        return _by_key(values, always=True) or Records([values], path, single=True)
    known = ", ".join(name for name, _ignored in list(_lists(value))[:12]) if isinstance(value, dict) else ""
    has = listed(tuple(value)) if isinstance(value, dict) else kind_of(value)
    raise Unreadable(
        _("no records at '{path}'; the file has: {has}").format(path=path, has=has)
        + (_("; lists of objects are at: {known}").format(known=known) if known else "")
    )


def _has_text(value: Mapping[str, Any]) -> bool:
    return any(name.lower() in TEXT_NAMES and isinstance(inner, str) and inner.strip() for name, inner in value.items())


def _is_document(value: Mapping[str, Any], lists: Mapping[str, list[Any]]) -> bool:
    """Tell whether an object is a document itself, and its lists are parts of it: comments, attachments, tags.

    A description may be that of the list, so it counts only where all lists have names of parts.
    """
    texts = {name.lower() for name, inner in value.items() if _has_text({name: inner})}
    parts = all(name.rpartition(".")[2].lower() in _PARTS for name in lists)
    return bool(texts - {"desc", "description", "message"}) or (bool(texts) and parts)


def _lists(value: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of objects within an object that aren't within other lists, the shallow ones first."""
    level: Sequence[tuple[str, Mapping[str, Any]]] = [("", value)]
    lists = 0
    for _ignored in range(_DEEPEST):
        deeper = []
        for prefix, outer in level:
            for name, inner in outer.items():
                if isinstance(inner, dict):
                    if rich_text(inner) is None:
                        deeper.append((f"{prefix}{name}.", inner))
                elif isinstance(inner, list) and all(isinstance(item, dict) for item in inner):
                    lists += 1
                    if lists > _MOST_LISTS:
                        return
                    yield f"{prefix}{name}", inner
        level = deeper


def _words(value: Any, depth: int = 0) -> int:
    """Return how many words a value's strings have: what is to be searched, unlike keys, dates and addresses."""
    if isinstance(value, str):
        count = len(value.split())
        return count if count > 1 else 0
    if depth > _DEEPEST:
        return 0
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(_words(item, depth + 1) for item in inner)


def _by_key(value: Mapping[str, Any], *, always: bool = False) -> Records | None:
    """Return the records of an object that holds them by their ids: `{"a1": {"text": …}, "a2": {"text": …}}`."""
    items = list(value.values())
    alike = len(items) > 1 and all(
        isinstance(item, dict) and {name.lower() for name in item} & {*TEXT_NAMES, *TITLE_NAMES} for item in items
    )
    if not alike and not (always and items and all(isinstance(item, dict) for item in items)):
        return None
    return Records(items, ids=tuple(value))


def _by_key_within(value: Mapping[str, Any]) -> Records | None:
    """Return the records that one of an object's objects holds by their ids, as a database of several collections.

    Raises Unreadable where two of them could be meant.
    """
    objects = {name: inner for name, inner in value.items() if isinstance(inner, dict) and inner}
    keyed = {name: records for name, inner in objects.items() if (records := _by_key(inner)) is not None}
    if not keyed or not all(isinstance(item, dict) for inner in objects.values() for item in inner.values()):
        return None
    best = _clear_best(
        {name: sum(map(_words, records.items[:_MOST_WEIGHED])) for name, records in keyed.items()},
        {name: len(records.items) for name, records in keyed.items()},
    )
    return replace(keyed[best], path=best, left_out=tuple(name for name in value if name != best))


def _by_column(value: Mapping[str, Any]) -> list[Any] | None:
    """Return the rows of a table that is written by columns, as pandas does: `{"text": {"0": …, "1": …}}`, or rows below names."""
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list) and value.keys() <= {"columns", "index", "data"}:
        fit = all(isinstance(name, str) for name in names) and all(
            isinstance(row, list) and len(row) == len(names) for row in data
        )
        return [dict(zip(names, row, strict=True)) for row in data] if fit and names else None
    columns = list(value.values())
    if not columns or not all(isinstance(column, dict) and column for column in columns):
        return None
    numbers = columns[0].keys()
    if not all(number.isdigit() for number in numbers) or any(column.keys() != numbers for column in columns[1:]):
        return None
    if any(isinstance(cell, dict) for column in columns for cell in column.values()):
        return None
    return [{name: column[number] for name, column in value.items()} for number in numbers]


def is_action(value: Any) -> bool:
    """Tell whether a line is an action of a search engine's bulk format: `{"index": {"_id": "1"}}`."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((name, inner),) = value.items()
    return name in ACTIONS and isinstance(inner, dict) and all(key in _OF_ACTIONS for key in inner)


_OF_ACTIONS = frozenset(
    (
        *("_index", "_id", "_type", "_routing", "routing", "_parent", "parent", "pipeline", "version", "version_type"),
        *("_version", "_version_type", "retry_on_conflict", "_retry_on_conflict", "require_alias", "if_seq_no"),
        *("if_primary_term", "op_type", "dynamic_templates", "list_executed_pipelines"),
    )
)
