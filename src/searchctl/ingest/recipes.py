"""Recipes: a source, its fields and an index's settings in one TOML file, so that a load can be repeated by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from searchctl.errors import ConfigError, SearchctlError
from searchctl.notation import check_date_format
from searchctl.schema import ANALYZERS, FIELD_TYPES, MOST_BOOST, Analyzer, FieldType, PassageSettings
from searchctl.settings.paths import user_path
from searchctl.settings.resources import resource_folder
from searchctl.sources.formats import Format, formats
from searchctl.sources.model import STDIN, FieldMapping
from searchctl.suggest import did_you_mean
from searchctl.translation import _

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KEYS: Mapping[str, tuple[str, ...]] = {
    "source": ("paths", "include", "exclude", "format", "encoding", "records"),
    "fields": ("id", "title", "text", "keep", "types", "dates", "boosts"),
    "passages": ("size", "overlap"),
    "index": ("name", "analyzer", "synonyms", "synonyms_file"),
    "cleaning": ("boilerplate",),
}
_LEAST_SIZE = 16
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe says; None and empty for what it leaves to flags and defaults.

    Relative `paths` start at the recipe's folder, and are absolute here.
    """

    path: Path
    paths: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    format: Format | None = None
    encoding: str | None = None
    mapping: FieldMapping = field(default_factory=FieldMapping)
    types: Mapping[str, FieldType] = field(default_factory=dict)
    date_formats: Mapping[str, str] = field(default_factory=dict)
    passages: PassageSettings | None = None
    index: str | None = None
    analyzer: Analyzer | None = None
    encoder: str | None = None
    boilerplate: bool = False
    boosts: Mapping[str, int] | None = None
    synonyms: tuple[str, ...] | None = None


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with searchctl, sorted."""
    return sorted(path.stem for path in resource_folder("ingest").glob("*.toml"))


def load_recipe(path_or_name: str | Path) -> Recipe:
    """Read a recipe: a file's path, or the name of one that comes with searchctl. Raises ConfigError."""
    path = _find(path_or_name)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            _("can't read the recipe {path}: {strerror}; check its name and permissions").format(
                path=path, strerror=error.strerror
            )
        ) from error
    except ValueError as error:
        raise ConfigError(
            _("the recipe {path} isn't TOML: {error}; see the recipes in the folder ingest/ for examples").format(
                path=path, error=error
            )
        ) from error
    return _RecipeReader(path, data).recipe()


def read_lines(path: Path, error_class: type[SearchctlError] = ConfigError) -> tuple[str, ...]:
    """Return a file's lines; raises ConfigError, or the class given."""
    try:
        return tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise error_class(f"can't read {path}: {reason}; expected a text file in UTF-8, a rule on each line") from error


def _find(given: str | Path) -> Path:
    path = user_path(given)
    if path.is_file():
        return path
    names = recipe_names()
    if str(given) in names:
        return resource_folder("ingest") / f"{given}.toml"
    hint = did_you_mean(path.stem, names, f"give a file, or one of: {', '.join(names)}")
    raise ConfigError(
        _("no recipe '{given}': there is no such file, and none of that name comes with searchctl; {hint}").format(
            given=given, hint=hint
        )
    )


class _RecipeReader:
    """Takes a recipe's values one by one, each checked; messages name the key, the value and what was expected.

    msgspec was tried in its place: 8 ms to import, and its messages ("Expected `str | array`, got `int` - at
    `$.source.paths`") name neither the value nor the near key; translated into ours they are as long as this.
    """

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self._path = path
        self._data = data

    def recipe(self) -> Recipe:
        self._refuse_unknown(self._data, (*_KEYS, "encoder"), "")
        for table, keys in _KEYS.items():
            self._refuse_unknown(self._take(self._data, table, "", dict, "a table") or {}, keys, f"{table}.")
        folder = self._path.resolve().parent
        return Recipe(
            path=self._path,
            paths=tuple(
                path if path == STDIN else str(folder / user_path(path)) for path in self._texts("source", "paths")
            ),
            include=self._texts("source", "include"),
            exclude=self._texts("source", "exclude"),
            format=self._choice("source", "format", tuple(formats())),
            encoding=self._text("source", "encoding"),
            mapping=FieldMapping(
                id=self._text("fields", "id"),
                title=self._text("fields", "title"),
                text=self._texts("fields", "text"),
                keep=self._texts("fields", "keep") if "keep" in self._table("fields") else None,
                records=self._text("source", "records"),
            ),
            types=self._types(),
            date_formats=self._date_formats(),
            passages=self._passages(),
            index=self._text("index", "name"),
            analyzer=cast("Analyzer | None", self._choice("index", "analyzer", ANALYZERS)),
            encoder=self._take(self._data, "encoder", "", str, "a string"),
            boilerplate=bool(self._take(self._table("cleaning"), "boilerplate", "cleaning.", bool, "true or false")),
            boosts=self._boosts(),
            synonyms=self._synonyms(folder),
        )

    def _table(self, name: str) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self._data.get(name, {}))

    def _take(self, table: Mapping[str, Any], key: str, prefix: str, kind: type[_T], expected: str) -> _T | None:
        value = table.get(key)
        if value is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
            return value
        raise self._wrong(prefix + key, value, expected)

    def _text(self, table: str, key: str) -> str | None:
        return self._take(self._table(table), key, f"{table}.", str, "a string")

    def _texts(self, table: str, key: str) -> tuple[str, ...]:
        """Return a list of strings; a single string is a list of one."""
        value = self._table(table).get(key, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) and item for item in values):
            raise self._wrong(f"{table}.{key}", value, "a string or a list of strings")
        return tuple(values)

    def _choice(self, table: str, key: str, choices: Sequence[str]) -> str | None:
        value = self._text(table, key)
        if value is not None and value not in choices:
            raise self._wrong(f"{table}.{key}", value, f"one of {', '.join(choices)}")
        return value

    def _types(self) -> dict[str, FieldType]:
        types = self._take(self._table("fields"), "types", "fields.", dict, "a table of field = type") or {}
        for name, kind in types.items():
            if kind not in FIELD_TYPES:
                raise self._wrong(f"fields.types.{name}", kind, f"one of {', '.join(FIELD_TYPES)}")
        return cast("dict[str, FieldType]", types)

    def _date_formats(self) -> dict[str, str]:
        formats = self._take(self._table("fields"), "dates", "fields.", dict, "a table of field = format") or {}
        for name, pattern in formats.items():
            if not isinstance(pattern, str):
                raise self._wrong(f"fields.dates.{name}", pattern, "a format like %d.%m.%Y")
            check_date_format(pattern, f"the recipe {self._path}, fields.dates.{name},", ConfigError)
        return formats

    def _boosts(self) -> dict[str, int] | None:
        boosts = self._take(self._table("fields"), "boosts", "fields.", dict, "a table of field = number")
        expected = f"a whole number from 1 to {MOST_BOOST}"
        for name in boosts or ():
            self._take(cast("Mapping[str, Any]", boosts), name, "fields.boosts.", int, expected)
        return boosts

    def _synonyms(self, folder: Path) -> tuple[str, ...] | None:
        table, name = self._table("index"), self._text("index", "synonyms_file")
        if name is None:
            return self._texts("index", "synonyms") if "synonyms" in table else None
        if "synonyms" in table:
            raise self._wrong("index.synonyms_file", name, "either that or index.synonyms, not both")
        return read_lines(folder / user_path(name))

    def _passages(self) -> PassageSettings | None:
        table = self._table("passages")
        if not table:
            return None
        usual = PassageSettings()
        size = self._take(table, "size", "passages.", int, "a number of tokens")
        overlap = self._take(table, "overlap", "passages.", int, "a number of tokens")
        settings = PassageSettings(usual.size if size is None else size, usual.overlap if overlap is None else overlap)
        if settings.size < _LEAST_SIZE:
            raise self._wrong("passages.size", settings.size, f"at least {_LEAST_SIZE} tokens")
        if not 0 <= settings.overlap < settings.size:
            raise self._wrong(
                "passages.overlap", settings.overlap, f"0 to {settings.size - 1}, less than passages.size"
            )
        return settings

    def _refuse_unknown(self, table: Mapping[str, Any], known: Sequence[str], prefix: str) -> None:
        for key in table:
            if key not in known:
                names = [prefix + name for name in known]
                hint = did_you_mean(key, known, f"known here: {', '.join(names)}", cutoff=0.5, prefix=prefix)
                raise ConfigError(
                    _("the recipe {path} has an unknown key '{prefix}{key}'; {hint}").format(
                        path=self._path, prefix=prefix, key=key, hint=hint
                    )
                )

    def _wrong(self, key: str, value: object, expected: str) -> ConfigError:
        return ConfigError(
            _("in the recipe {path}, {key} is {value!r}, expected {expected}").format(
                path=self._path, key=key, value=value, expected=expected
            )
        )
