"""Topic maps of the indexes that the page shows: drawn beside, since that takes a while, and kept until the index changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from searchctl.engines.base import Revisions
from searchctl.errors import SearchctlError, UsageError
from searchctl.explore.cluster import Clusters, cluster
from searchctl.explore.collection import Collection, from_index
from searchctl.explore.layout import Places, layout
from searchctl.index import Index

MAX_DOCUMENTS = 20_000
_MAPS = 4


@dataclass(frozen=True, slots=True)
class TopicMap:
    """The topics of an index, and where each document stands: `places` (n, 2)."""

    collection: Collection
    clusters: Clusters
    places: Places


class TopicMaps:
    """Makes one map at a time. Safe to use from several threads."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[str, Hashable], TopicMap | Exception] = OrderedDict()
        self._making: set[tuple[str, Hashable]] = set()
        self._mutex = threading.Lock()
        self._turn = threading.Lock()

    def map_of(self, index: Index) -> TopicMap | None:
        """Return an index's map, or None while it is being drawn. Raises what kept it from being drawn, and UsageError."""
        documents = index.count()
        if documents > MAX_DOCUMENTS:
            raise UsageError(
                f"this map is for up to {MAX_DOCUMENTS:,} documents, and the index has {documents:,}; write it to a file with: "
                f"searchctl cluster {index.name} -o map.html"
            )
        engine = index.engine
        key = (index.name, engine.mark(index.name) if isinstance(engine, Revisions) else documents)
        with self._mutex:
            made = self._made.get(key)
            if made is None and key not in self._making:
                self._making.add(key)
                threading.Thread(target=self._make, args=(index, key), name="searchctl-topics", daemon=True).start()
        if isinstance(made, Exception):
            raise made
        return made

    def _make(self, index: Index, key: tuple[str, Hashable]) -> None:
        made: TopicMap | Exception
        try:
            with self._turn:
                made = _drawn(index)
        except Exception as error:  # told to everyone who asks for this map
            made = error if isinstance(error, SearchctlError) else SearchctlError(f"the map can't be drawn: {error}")
        with self._mutex:
            self._making.discard(key)
            self._made[key] = made
            while len(self._made) > _MAPS:
                self._made.popitem(last=False)


def _drawn(index: Index) -> TopicMap:
    collection = from_index(index)
    clusters = cluster(collection.texts, collection.vectors)
    return TopicMap(collection, clusters, layout(collection.texts, collection.vectors, clusters.labels, 0))
