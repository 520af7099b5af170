"""Several indexes of one engine asked at once: each by its own words, encoder and settings, their hits in one order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from searchctl.engines import DEFAULT_ENGINE, open_engine
from searchctl.engines.base import FullEngine
from searchctl.errors import UsageError
from searchctl.index import Index, SearchOptions
from searchctl.schema import FieldType
from searchctl.search.facets import MAX_VALUES, facets_of
from searchctl.search.joining import joined, joined_suggestions
from searchctl.search.request import MAX_HITS
from searchctl.search.sorting import SortKey, sort_keys
from searchctl.settings.connection import Connection
from searchctl.translation import _
from searchctl.types import Facet, Results, Suggestions

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

MAX_INDEXES = 20


class Indexes:
    """Several indexes, asked as one. A context manager; `close` it otherwise. Hits say which index they come from."""

    def __init__(self, engine: FullEngine, indexes: Sequence[Index]) -> None:
        self.engine = engine
        self._indexes = tuple(indexes)

    @classmethod
    def open(
        cls,
        engine: str | os.PathLike[str] = DEFAULT_ENGINE,
        names: str | Sequence[str] = "default",
        *,
        connection: Connection | None = None,
    ) -> Indexes:
        """Open indexes that are there, named in a list or with commas between them. Raises IndexMissing, UsageError."""
        wanted = names_of(names)
        opened = open_engine(engine, connection)
        with ExitStack() as failed:
            failed.callback(opened.close)
            for name in wanted:
                opened.schema(name)  # raises IndexMissing
            failed.pop_all()
        return cls(opened, [Index(opened, name) for name in wanted])

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order given."""
        return tuple(index.name for index in self._indexes)

    def search(self, text: str, k: int = 10, **options: Unpack[SearchOptions]) -> Results:
        """Return the `k` best documents of all indexes, from number `start` on: by relevance, which can be compared between indexes.

        Each index answers with its own encoder and settings. What a filter, a facet, an order or a group names has to be a field
        of each of them, and of one type where it is compared. Counts of facets are sums. Raises UsageError, also for `fusion`:
        each index joins its legs as it was tuned.
        """
        if options.get("fusion"):
            raise UsageError(
                _("each index joins its legs as it was tuned; leave fusion out, or search them one by one")
            )
        start = options.get("start", 0)
        if k < 1 or start < 0 or start + k > MAX_HITS:
            raise UsageError(
                _("can't give {k} hits from number {start} on; ask for one or more within the first {MAX_HITS}").format(
                    k=k, start=start, MAX_HITS=MAX_HITS
                )
            )
        keys = self._order(options.get("sort", ()), options.get("group_by"))
        first = options.get("facets", ())
        if first and any(one.automatic for one in facets_of(first, self._fields)):
            raise UsageError(
                "ranges that suit one index don't suit another, so their counts have no sum; write them out, as in "
                "price:..10,10..50,50.."
            )
        own: Any = {**options, "start": 0}
        answers = []
        for index in self._indexes:
            if first:
                asked = facets_of(first, index.schema.fields)
                own["facets"] = [one if one.ranges else replace(one, n=MAX_VALUES) for one in asked]
            answers.append(index.search(text, start + k, **own))
        counted: Sequence[Facet] = facets_of(first, self._fields) if first else ()
        return joined(self.names, answers, start, k, counted, keys, self._fields)

    def suggest(
        self, typed: str, k: int = 8, *, wait: bool = True, on_progress: Callable[[int, int], None] | None = None
    ) -> Suggestions:
        """Return what the beginning of a query may become in any of the indexes: the best of each in turn, equal texts once."""
        given = [index.suggest(typed, k, wait=wait, on_progress=on_progress) for index in self._indexes]
        return joined_suggestions(self.names, given, k)

    @property
    def _fields(self) -> Mapping[str, FieldType]:
        return self._indexes[0].schema.fields

    def _order(self, sort: str | Sequence[str], group_by: str | None) -> tuple[SortKey, ...]:
        """Return what to sort by; raises UsageError for what can't be compared between the indexes."""
        keys = [sort_keys(sort, index.schema.fields) for index in self._indexes]
        for name in dict.fromkeys([*(key.field for key in keys[0]), *([group_by] if group_by else [])]):
            kinds = {index.schema.fields[name]: index.name for index in self._indexes if name in index.schema.fields}
            if len(kinds) > 1:
                told = " and ".join(f"{kind} in '{index}'" for kind, index in kinds.items())
                raise UsageError(
                    _("field '{name}' is {told}, which can't be compared; search them one by one").format(
                        name=name, told=told
                    )
                )
        return keys[0]

    def __len__(self) -> int:
        return sum(len(index) for index in self._indexes)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Index]:
        return iter(self._indexes)

    def __repr__(self) -> str:
        return f"<Indexes {', '.join(map(repr, self.names))} on {self.engine.url}>"

    def close(self) -> None:
        """Release files and connections."""
        self.engine.close()

    def __enter__(self) -> Indexes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of indexes, each once; raises UsageError for none, an empty one, and too many."""
    pieces = names.split(",") if isinstance(names, str) else list(names)
    wanted = tuple(dict.fromkeys(piece.strip() for piece in pieces))
    if not wanted or not all(wanted):
        raise UsageError(
            _("'{names}' doesn't name indexes; write them with commas between: --index shop,help").format(names=names)
        )
    if len(wanted) > MAX_INDEXES:
        raise UsageError(
            _("{count} indexes are too many for one search; name at most {MAX_INDEXES}").format(
                count=len(wanted), MAX_INDEXES=MAX_INDEXES
            )
        )
    return wanted
