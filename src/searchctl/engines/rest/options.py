"""How a server keeps a new index: shards, copies, and the graph of its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from searchctl.errors import ConfigError
from searchctl.translation import _

VectorEngine: TypeAlias = Literal["lucene", "faiss"]
Quantisation: TypeAlias = Literal["none", "fp16", "int8", "bbq"]


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How a server keeps a new index: primary shards, copies of each, and the graph of its vectors.

    `vector_engine` is OpenSearch's choice of library. Quantised vectors take less memory and make scores approximate. Raises
    ConfigError.
    """

    shards: int = 1
    replicas: int = 1
    hnsw_m: int = 16
    hnsw_ef_construction: int = 100
    vector_engine: VectorEngine = "lucene"
    quantisation: Quantisation = "none"

    def __post_init__(self) -> None:
        for name, least in (("shards", 1), ("replicas", 0), ("hnsw_m", 2), ("hnsw_ef_construction", 2)):
            if getattr(self, name) < least:
                raise ConfigError(
                    _("'{name}' is {getattr}, expected {least} or more").format(
                        name=name, getattr=getattr(self, name), least=least
                    )
                )
        for name, known in (("vector_engine", get_args(VectorEngine)), ("quantisation", get_args(Quantisation))):
            if getattr(self, name) not in known:
                raise ConfigError(
                    _("'{name}' is '{getattr}'; choose one of: {known}").format(
                        name=name, getattr=getattr(self, name), known=", ".join(known)
                    )
                )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> IndexOptions:
        """Return the options of a connection's settings; raises ConfigError for one that is none."""
        known = [option.name for option in fields(cls)]
        for name in settings:
            if name not in known:
                raise ConfigError(
                    _("no option '{name}' of an index on a server; it has: {known}").format(
                        name=name, known=", ".join(known)
                    )
                )
        return cls(**settings)
