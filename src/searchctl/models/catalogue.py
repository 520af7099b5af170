"""What is known of encoders by name: how each is to be used, and what was published of it. The data is in `catalogue.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FILE = Path(__file__).with_name("catalogue.toml")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class KnownModel:
    """An encoder of the catalogue. What is empty or 0 isn't known, and then the model's own files say it.

    `files` are what its folder needs, "A or B" where one of them will do. `languages` are codes, or one number: how many there
    are. `megabytes` is about what is to be fetched. `encodechka` and `rumteb` are published scores; see `sources`.
    """

    name: str
    family: str
    hub: str = ""
    files: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    pooling: str = ""
    query_prefix: str = ""
    document_prefix: str = ""
    lower_case: bool = False
    dim: int = 0
    max_tokens: int = 0
    languages: tuple[str, ...] = ()
    licence: str = ""
    megabytes: int = 0
    note: str = ""
    encodechka: Mapping[str, float] = field(default_factory=dict)
    rumteb: Mapping[str, float] = field(default_factory=dict)

    @property
    def below_bm25(self) -> bool:
        """Whether its published retrieval is below that of BM25 on the same tasks; False where nothing was published."""
        retrieval = self.rumteb.get("retrieval")
        return retrieval is not None and retrieval < bm25_scores()["retrieval"]


def known_models() -> Mapping[str, KnownModel]:
    """Return all models by name, in the catalogue's order."""
    return _known()[0]


def known_model(name: str) -> KnownModel | None:
    """Return the model of that name, in whatever case, or of that name on the hub; None for an unknown one."""
    return _known()[1].get(name.casefold())


def sources() -> Mapping[str, str]:
    """Return for each kind of published scores where they are from and what unit they have."""
    return {str(name): str(text) for name, text in _read()["sources"].items()}


def bm25_scores() -> Mapping[str, float]:
    """Return what BM25 has in `rumteb`."""
    return {str(name): float(value) for name, value in _read()["baseline"]["rumteb"].items()}


@cache
def _known() -> tuple[dict[str, KnownModel], dict[str, KnownModel]]:
    data = _read()
    files = {family: entry["files"] for family, entry in data["families"].items()}
    models = {
        name: _model(name, {"files": files.get(entry["family"], []), **entry}) for name, entry in data["models"].items()
    }
    by_key = {key.casefold(): model for model in models.values() for key in (model.hub, model.name) if key}
    return models, by_key


def _model(name: str, entry: dict[str, Any]) -> KnownModel:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return KnownModel(name, **values)


@cache
def _read() -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    if data["format"] != FORMAT:
        raise ValueError(f"{_FILE} has format {data['format']}, expected {FORMAT}")
    return data
