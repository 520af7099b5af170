"""The effective settings: flag > environment > .env > project searchctl.toml > user config.toml > default.

A profile of the user's file counts just below the place that names it: `--profile prod` below the other flags,
`SEARCHCTL_PROFILE` below the environment. Every value remembers where it came from.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from searchctl.errors import ConfigError
from searchctl.settings.connection import (
    CONNECTION_KEYS,
    CREDENTIAL_KEYS,
    INDEX_KEYS,
    PATH_KEYS,
    SECRET_KEYS,
    Connection,
    family_of,
    is_server,
    refuse_malformed,
    split_hosts,
    variables,
)
from searchctl.settings.dotenv import read_dotenv
from searchctl.settings.paths import user_path
from searchctl.settings.secrets import MASK, mask_urls
from searchctl.suggest import did_you_mean
from searchctl.translation import VARIABLE, _

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_ENGINE = ".searchctl"
DEFAULT_INDEX = "default"
PROJECT_FILE = "searchctl.toml"
_TOP_KEYS = ("engine", "index", "encoder", "profile")
_KEYS = (*_TOP_KEYS, *(f"connection.{key}" for key in (*CONNECTION_KEYS, *INDEX_KEYS)))
_OURS = "SEARCHCTL_"
_OWN_VARIABLES: Mapping[str, Sequence[str]] = {key: (f"SEARCHCTL_{key.upper()}",) for key in _TOP_KEYS}
_NUMBERS = ("shards", "replicas", "hnsw_m", "hnsw_ef_construction")
_FLAG_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}

_DEFAULTS = {"engine": DEFAULT_ENGINE, "index": DEFAULT_INDEX}

Raw: TypeAlias = "str | bool | int"
Layer: TypeAlias = "dict[str, tuple[Raw, str]]"  # key -> value and origin


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value as it may be shown, and where it came from."""

    key: str
    value: str | bool | int | None
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command works with. `engine` carries no user information: that is in `connection`."""

    engine: str = DEFAULT_ENGINE
    index: str = DEFAULT_INDEX
    encoder: str | None = None
    profile: str | None = None
    connection: Connection = field(default_factory=Connection)
    secrets: tuple[str, ...] = field(default=(), repr=False)  # of every place, even where another one's value counts
    gateway: Mapping[str, Any] = field(default_factory=dict)  # the table [gateway] as it stands
    gateway_origin: str = ""
    shown: tuple[Setting, ...] = ()


def load_settings(
    flags: Mapping[str, Raw | None],
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Resolve the settings of a command run in `directory` (default: here).

    `flags` are the settings that were typed, such as "engine" or "connection.ca_certs". Raises ConfigError.
    """
    environ = os.environ if environ is None else environ
    directory = Path.cwd() if directory is None else directory
    _refuse_misspelt(environ)
    project = _first_file(PROJECT_FILE, (directory, *directory.parents))
    dotenv = _first_file(".env", (directory, project.parent) if project else (directory,))
    user = _user_file(environ)
    user_table = _read_toml(user) if user.is_file() else {}
    profiles = _table(user_table.pop("profiles", {}), user, "profiles")
    variables_of = [_Variables(environ, "", None)]
    if dotenv:
        variables_of.append(_Variables(read_dotenv(dotenv), f"{dotenv}: ", dotenv.parent))
    typed: Layer = {key: (value, _flag(key)) for key, value in flags.items() if value is not None}
    tables = [*([(project, _read_toml(project))] if project else []), (user, user_table)]
    gateways = [(table.pop("gateway"), path) for path, table in tables if "gateway" in table]
    files = [_file_layer(path, table) for path, table in tables]

    def layers(names: Mapping[str, Sequence[str]]) -> list[Layer]:
        return _with_profile([typed, *(one.layer(names) for one in variables_of), *files], profiles, user)

    engine = str(_merge(layers(_OWN_VARIABLES))["engine"][0])
    family = family_of(engine, {name for one in variables_of for name in one.values})
    of_server = {f"connection.{key}": names for key, names in variables(family).items()}
    found = [*layers({**_OWN_VARIABLES, **of_server}), _found_above(directory)]
    settings = _settings(_merge(found), _secrets(found))
    if not gateways:
        return settings
    table, path = gateways[0]
    return replace(settings, gateway=_table(table, path, "gateway"), gateway_origin=str(path))


def _found_above(directory: Path) -> Layer:
    """Return the nearest `.searchctl` of a parent folder as the engine, where this folder has none: as git finds its own.

    One that belongs to somebody else isn't taken: in a shared folder anybody could have put it there.
    """
    if (directory / DEFAULT_ENGINE).is_dir() or not hasattr(os, "getuid"):
        return {}
    for depth, folder in enumerate(directory.parents, start=1):
        found = folder / DEFAULT_ENGINE
        if found.is_dir() and found.stat().st_uid == os.getuid():
            return {"engine": ("/".join([".."] * depth + [DEFAULT_ENGINE]), "found in a parent folder")}
    return {}


def _flag(key: str) -> str:
    return f"--{key.removeprefix('connection.').replace('_', '-')}"


def _first_file(name: str, folders: Iterable[Path]) -> Path | None:
    return next((one / name for one in folders if (one / name).is_file()), None)


# platformdirs takes 9 ms to import, at every command, and on macOS means another folder than the one documented.
def _user_file(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CONFIG_HOME")
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    return (Path(base) if base else home / ".config") / "searchctl" / "config.toml"


@dataclass(frozen=True, slots=True)
class _Variables:
    """The environment, or a .env file: paths in it are relative to `folder`."""

    values: Mapping[str, str]
    prefix: str
    folder: Path | None

    def layer(self, names: Mapping[str, Sequence[str]]) -> Layer:
        """Return the settings found; of a setting's several variables the first one that is set counts."""
        found: Layer = {}
        for key, candidates in names.items():
            name = next((one for one in candidates if self.values.get(one)), None)
            if name:
                value = _parse(key, self.values[name], self.prefix + name)
                found[key] = (_anchored(key, value, self.folder), self.prefix + name)
        return found


def _parse(key: str, text: str, origin: str) -> Raw:
    if not key.endswith(".insecure"):
        return text
    if text.lower() not in _FLAG_WORDS:
        raise ConfigError(_("{origin} is {text!r}, expected true or false").format(origin=origin, text=text))
    return _FLAG_WORDS[text.lower()]


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    known = [VARIABLE, *(name for names in _OWN_VARIABLES.values() for name in names)]
    endings = [name.removeprefix(_OURS) for name in known]
    for name in environ:
        if not name.startswith(_OURS) or name in known:
            continue
        if hint := did_you_mean(name.removeprefix(_OURS), endings, "", cutoff=0.75, prefix=_OURS):
            raise ConfigError(
                _("the environment sets {name}, which searchctl doesn't know; {hint}").format(name=name, hint=hint)
            )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(_("{path} isn't valid TOML: {error}").format(path=path, error=error)) from error
    except OSError as error:
        raise ConfigError(_("can't read {path}: {strerror}").format(path=path, strerror=error.strerror)) from error
    return table


def _file_layer(path: Path, table: Mapping[str, Any], part: str = "") -> Layer:
    origin = f"{path}{part}"
    flat = dict(table)
    for key, value in _table(flat.pop("connection", {}), path, "connection").items():
        flat[f"connection.{key}"] = value
    found: Layer = {}
    for key, value in flat.items():
        if key not in _KEYS:
            raise ConfigError(
                _("{origin} sets '{key}', which searchctl doesn't know; {nearest}").format(
                    origin=origin, key=key, nearest=_nearest(key, _KEYS)
                )
            )
        expected = _expected(key)
        if type(value) is not expected:
            wanted = {bool: "true or false", int: "a whole number", str: "a string"}[expected]
            raise ConfigError(
                _("{origin}: '{key}' must be {wanted}, found {name}").format(
                    origin=origin, key=key, wanted=wanted, name=type(value).__name__
                )
            )
        found[key] = (_anchored(key, value, path.parent), origin)
    return found


def _expected(key: str) -> type[str] | type[bool] | type[int]:
    """Return the type that a setting has in a file."""
    if key.endswith(".insecure"):
        return bool
    return int if key.removeprefix("connection.") in _NUMBERS else str


def _anchored(key: str, value: Raw, folder: Path | None) -> Raw:
    """Paths in a file are relative to that file, so that a command means the same in every subfolder."""
    text = str(value)
    is_folder = (key == "engine" and not is_server(text)) or (key == "encoder" and text.startswith((".", "~")))
    if is_folder or key.removeprefix("connection.") in PATH_KEYS:
        path = user_path(text)
        return str(folder / path if folder else path)
    return value


def _table(value: object, path: Path, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(_("{path}: '{name}' must be a table, written as [{name}]").format(path=path, name=name))
    return dict(value)


def _nearest(key: str, known: Sequence[str]) -> str:
    return did_you_mean(key, known, f"it may be one of: {', '.join(known)}")


def _with_profile(layers: Sequence[Layer], profiles: Mapping[str, Any], user: Path) -> list[Layer]:
    """Insert the profile's layer right below the first layer that names one."""
    for position, layer in enumerate(layers):
        if "profile" in layer:
            name = str(layer["profile"][0])
            if name not in profiles:
                hint = _nearest(name, sorted(profiles)) if profiles else f"add a table [profiles.{name}] to that file"
                raise ConfigError(_("no profile '{name}' in {user}; {hint}").format(name=name, user=user, hint=hint))
            found = _file_layer(user, _table(profiles[name], user, f"profiles.{name}"), f" [profiles.{name}]")
            return [*layers[: position + 1], found, *layers[position + 1 :]]
    return list(layers)


def _merge(layers: Iterable[Layer]) -> Layer:
    found: Layer = {}
    for layer in layers:
        for key, value in layer.items():
            found.setdefault(key, value)
    for key, default in _DEFAULTS.items():
        found.setdefault(key, (default, "default"))
    return found


def _secrets(layers: Iterable[Layer]) -> tuple[str, ...]:
    found = set()
    for layer in layers:
        for key, (value, _ignored) in layer.items():
            if key.removeprefix("connection.") in SECRET_KEYS:
                found.add(str(value))
            elif key in ("engine", "connection.url") and "@" in str(value):
                _url, name, word = split_hosts(str(value))
                found.update(one for one in (word or name,) if one)  # a lone name is a token
    return tuple(sorted(found))


def _settings(found: Layer, secrets: tuple[str, ...]) -> Settings:
    engine, connection = _connect(str(found["engine"][0]), found)
    found = {**found, "engine": (engine, found["engine"][1])}
    return Settings(
        engine=engine,
        index=str(found["index"][0]),
        encoder=_text(found, "encoder"),
        profile=_text(found, "profile"),
        connection=connection,
        secrets=secrets,
        shown=tuple(
            Setting(key, _public(key, found[key][0]), found[key][1]) if key in found else Setting(key, None, "default")
            for key in _KEYS
            if key in found or key in _TOP_KEYS
        ),
    )


def _connect(engine: str, found: Layer) -> tuple[str, Connection]:
    """Return the engine without user information, and the connection."""
    refuse_malformed(engine)
    bare = is_server(engine) and not engine.partition("://")[2]
    url = _text(found, "connection.url") or "" if bare or not is_server(engine) else engine
    if bare and not url and "connection.cloud_id" not in found:
        family = family_of(engine, ())
        raise ConfigError(
            _("the engine '{engine}' has no address; set {variables}, or type --engine {family}://HOST:9200").format(
                engine=engine, variables=variables(family)["url"][0], family=family
            )
        )
    hosts, username, password = split_hosts(url)
    values: dict[str, Any] = {
        key: found[f"connection.{key}"][0] for key in CONNECTION_KEYS if f"connection.{key}" in found
    }
    values.pop("url", None)
    if username:  # credentials written into the address are about that address, so they win over all others
        values = {key: value for key, value in values.items() if key not in CREDENTIAL_KEYS}
        values |= {"username": username, "password": password}
    elif _is_elsewhere(hosts, found):
        values = {key: value for key, value in values.items() if key not in CREDENTIAL_KEYS or _is_typed(found, key)}
    options: dict[str, Any] = {key: found[f"connection.{key}"][0] for key in INDEX_KEYS if f"connection.{key}" in found}
    shown = engine if bare or not is_server(engine) else ",".join(hosts)
    connection = Connection(hosts=hosts, options=options, **values)
    if is_server(engine):
        connection.addresses()  # what isn't an address may be a password; it's refused before it can be shown
    return shown, connection


def _is_elsewhere(hosts: Sequence[str], found: Layer) -> bool:
    """Tell whether an address is set that credentials came with, and another one was named."""
    url = _text(found, "connection.url")
    if not url:
        return False
    own, _ignored, _ignored = split_hosts(url)
    return bool(hosts) and set(Connection(own).addresses()) != set(Connection(tuple(hosts)).addresses())


def _is_typed(found: Layer, key: str) -> bool:
    return str(found[f"connection.{key}"][1]).startswith("--")


def _text(found: Layer, key: str) -> str | None:
    return str(found[key][0]) if key in found else None


def _public(key: str, value: Raw) -> Raw:
    if key.removeprefix("connection.") in SECRET_KEYS:
        return MASK
    return mask_urls(value) if isinstance(value, str) else value
