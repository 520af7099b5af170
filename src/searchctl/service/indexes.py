"""The indexes and routers that the service answers from: opened when first asked for, and shared by all requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from searchctl.across import Indexes, names_of
from searchctl.engines import open_engine
from searchctl.engines.base import FullEngine
from searchctl.errors import IndexMissing
from searchctl.index import Index
from searchctl.routing.router import Router
from searchctl.service.topics import TopicMaps
from searchctl.settings.connection import Connection


@dataclass(frozen=True, slots=True)
class Offer:
    """Where the indexes are, and which of them are offered: None for all."""

    engine: str
    connection: Connection | None = None
    names: tuple[str, ...] | None = None


class OpenIndexes:
    """Opens each index once. `close` it at the end."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._engine = open_engine(offer.engine, offer.connection)
        self._indexes: dict[str, Index] = {}
        self._routers: dict[str, Router] = {}
        self.topics = TopicMaps()
        self._lock = threading.Lock()
        self._routing = threading.Lock()

    @property
    def engine(self) -> FullEngine:
        """The engine that all indexes live in."""
        return self._engine

    @property
    def routing(self) -> threading.Lock:
        """Held while a router works: its state is one for all requests."""
        return self._routing

    def names(self) -> list[str]:
        """Return the names of the offered indexes that are there."""
        known = [info.name for info in self._engine.indexes()]
        offered = self._offer.names
        return known if offered is None else [name for name in offered if self._is_there(name)]

    def _is_there(self, name: str) -> bool:
        try:
            self._engine.resolve(name)
        except IndexMissing:
            return False
        return True

    def index(self, name: str) -> Index:
        """Return an index; raises IndexMissing where there is none of that name or it isn't offered."""
        if self._offer.names is not None and name not in self._offer.names:
            raise IndexMissing(f"there is no index '{name}' here; GET /v1/indexes lists those there are")
        with self._lock:
            if name not in self._indexes:
                self._engine.schema(name)  # raises IndexMissing
                index = Index(self._engine, name)
                self._indexes[name] = index
            return self._indexes[name]

    def searched(self, name: str) -> Index | Indexes:
        """Return what a name means for a search: an index, or several with commas between; raises IndexMissing, UsageError."""
        if "," not in name:
            return self.index(name)
        return Indexes(self._engine, [self.index(one) for one in names_of(name)])

    def router(self, name: str) -> Router:
        """Return the router whose examples are in an index; raises IndexMissing."""
        index = self.index(name)
        with self._lock:
            return self._routers.setdefault(name, Router(index))

    def close(self) -> None:
        """Release files and connections."""
        self._engine.close()
