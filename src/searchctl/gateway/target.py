"""What an app's name for its indexes stands for: which encoder made their vectors, what their fields hold, who may see what."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from searchctl.engines.base import VectorLeg
from searchctl.errors import IndexFormatError
from searchctl.gateway.reasons import WhyLexical
from searchctl.schema import Schema
from searchctl.settings.connection import Family
from searchctl.types import Json

META = "searchctl"  # where an index's mapping keeps its stamp
DESCRIPTION = "*.aliases,*.mappings._meta.searchctl,*.mappings.properties,*.mappings.runtime,*.settings.index.search.default_pipeline"
_SECONDS = 30.0
_MOST = 1000


@dataclass(frozen=True, slots=True)
class VectorIndexes:
    """One or several indexes that are searched together; their vectors are of one encoder.

    `names` are the indexes themselves; `types` says what their fields hold, `limit` what the alias shows of them. `coverage`
    in [0, 1] is the share of their documents that have vectors of their present text. `homes` are the companion indexes that
    hold the vectors, none where these lie in the documents.
    """

    names: frozenset[str]
    schema: Schema
    types: Mapping[str, str]
    limit: Json | None
    coverage: float = 1.0
    homes: tuple[str, ...] = ()


def read_target(
    index: str, described: Mapping[str, Any], homes: Mapping[str, Any] | None = None
) -> VectorIndexes | WhyLexical:
    """Read what the server says of the indexes behind a name (`GET /NAME`), and of companions where the vectors lie in these."""
    if not described:
        return WhyLexical("unmapped_index", "no such index")
    if not all(isinstance(body, Mapping) for body in described.values()):
        return WhyLexical("unmapped_index", "a description that can't be read")
    schemas: list[Schema] = []
    for body in (homes or described).values():
        stamp = ((body.get("mappings") or {}).get("_meta") or {}).get(META)
        if not stamp:
            return WhyLexical("unmapped_index", "an index without vectors")
        try:
            schema = Schema.from_json(stamp)
        except IndexFormatError:
            return WhyLexical("unmapped_index", "a stamp that this version can't read")
        if schema.encoder is None:
            return WhyLexical("unmapped_index", "an index made for words only")
        schemas.append(schema)
    if len({schema.encoder for schema in schemas}) > 1:
        return WhyLexical("multi_index_mixed_models")
    types: dict[str, str] = {}
    for body in described.values():
        mappings = body.get("mappings") or {}
        if (body.get("settings") or {}).get("index", {}).get("search", {}).get("default_pipeline"):
            return WhyLexical("already_vector", "a default search pipeline")
        types.update(field_types(mappings.get("properties") or {}))
        types.update({name: str(one.get("type")) for name, one in (mappings.get("runtime") or {}).items()})
    limit = alias_limit(index, described)
    return VectorIndexes(frozenset(described), schemas[0], types, limit, homes=tuple(homes or ()))


def has_stamp(body: Any) -> bool:
    """Tell whether the description of an index carries a stamp."""
    return isinstance(body, Mapping) and bool(((body.get("mappings") or {}).get("_meta") or {}).get(META))


def homes_of(whole: str, single: Sequence[str], companions: Mapping[str, Any]) -> dict[str, Any] | WhyLexical:
    """Return the companions of a name by the names they were asked under: one for all of it, or one for each index."""
    described = {real: body for real, body in companions.items() if isinstance(body, Mapping)}
    by_name = {name: body for real, body in described.items() for name in (real, *(body.get("aliases") or {}))}
    if whole in by_name:
        return {whole: by_name[whole]}
    if not all(name in by_name for name in single):
        return WhyLexical("unmapped_index", "an index without vectors")
    return {name: by_name[name] for name in single}


def field_types(properties: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the type of every field, those below others too."""
    for name, body in properties.items():
        path = f"{before}{name}"
        if "properties" in body:
            yield from field_types(body["properties"], f"{path}.")
        if "type" in body and body["type"] not in ("object", "nested"):
            yield path, str(body["type"])
        for below, field in (body.get("fields") or {}).items():
            yield f"{path}.{below}", str(field.get("type"))


def alias_limit(index: str, described: Mapping[str, Any]) -> Json | None:
    """Return the filter of an alias that is searched by its name alone; the server itself limits what is found anyhow."""
    filters = [
        (body.get("aliases") or {}).get(index, {}).get("filter") for name, body in described.items() if name != index
    ]
    if len(filters) != len(described) or any(one is None for one in filters):
        return None
    unique: list[Json] = [one for place, one in enumerate(filters) if one not in filters[:place]]
    return unique[0] if len(unique) == 1 else {"bool": {"should": unique, "minimum_should_match": 1}}


def coverage_body(leg: VectorLeg) -> Json:
    """Return a search that counts documents, and those among them which have vectors."""
    return {"size": 0, "track_total_hits": True, "aggs": {"covered": {"filter": leg.covered}}}


def read_coverage(answer: Mapping[str, Any]) -> float:
    """Return the share in [0, 1] of the documents that have vectors of their present text; 1 for an empty index."""
    total = answer["hits"]["total"]
    count = int(total["value"] if isinstance(total, Mapping) else total)
    return int(answer["aggregations"]["covered"]["doc_count"]) / count if count else 1.0


def read_family(answer: Any, headers: Mapping[str, str]) -> Family | None:
    """Return which server answers `GET /`; None where it doesn't say."""
    body = answer if isinstance(answer, Mapping) else {}
    version = body.get("version")
    if isinstance(version, Mapping) and version.get("distribution") == "opensearch":
        return "opensearch"
    tagline = str(body.get("tagline", ""))
    if "OpenSearch" in tagline:
        return "opensearch"
    names = {name.lower() for name in headers}
    return "elasticsearch" if "x-elastic-product" in names or tagline == "You Know, for Search" else None


class Known:
    """What was asked of the server about its indexes, for half a minute. Safe to use from several threads."""

    def __init__(self, family: Family | None = None) -> None:
        self.family = family
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], tuple[float, VectorIndexes | WhyLexical]] = {}
        self._factors: dict[str, float] = {}

    def get(self, index: str, identity: str) -> VectorIndexes | WhyLexical | None:
        """Return what a name stands for to whom asks under this identity; None where that has to be asked."""
        with self._lock:
            until, target = self._held.get((index, identity), (0.0, None))
            return target if until > time.monotonic() else None

    def put(self, index: str, identity: str, target: VectorIndexes | WhyLexical) -> None:
        """Keep what was found."""
        with self._lock:
            if len(self._held) >= _MOST:
                self._held.clear()
            self._held[index, identity] = (time.monotonic() + _SECONDS, target)

    def factor(self, index: str) -> float | None:
        """Return what the server leaves in an index's BM25 (see `legs.bm25_factor`); None where it isn't known."""
        return self._factors.get(index)

    def keep_factor(self, index: str, factor: float | None) -> None:
        """Keep what was found out about an index's BM25."""
        if factor is not None:
            with self._lock:
                if len(self._factors) >= _MOST:
                    self._factors.clear()
                self._factors[index] = factor

    def forget(self, index: str | None = None) -> None:
        """Ask anew about a name, or about all, because it seems to have changed."""
        with self._lock:
            for key in [key for key in self._held if index is None or key[0] == index]:
                del self._held[key]
