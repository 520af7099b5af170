"""Input that is wrong in every way: records, recipes, dumps, settings, and the files of indexes and models.

Each `attack` makes one case from a random source and returns the commands that have to cope with it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Arguments: TypeAlias = list[str]
Attack: TypeAlias = Callable[[random.Random, Path], list[Arguments]]

NAMES = ["id", "_id", "title", "text", "name", "body", "n", "day", "x.y", "", " ", "a" * 300, "\0", "\ud800", "_error"]
NAMES += [
    "document",
    "record",
    "label",
    "_source",
    "metadata",
    "x=y",
    "a>b",
    "'; DROP TABLE documents; --",
    "index",
    "create",
]
PLAIN: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    10**20,
    10**400,
    2**53 + 1,
    "",
    " ",
]
PLAIN += [
    "words",
    "2024-01-01",
    "2024-13-45",
    "31.02.2026",
    "9999-12-31T23:59:59+99:99",
    "0000-00-00",
    "1,5",
    "NULL",
    "nan",
]
PLAIN += [
    "\ud800",
    "\0",
    "a\0b",
    "x" * 5000,
    "1" * 5000,
    "\u2028",
    "\u202e",
    "e\u0301",
    "日本語",
    "\x1b]0;own\x07",
    "=cmd()",
]
PLAIN += [
    "../../etc/passwd",
    "/etc/passwd",
    "~nosuchuser/x",
    "[",
    "**",
    [],
    {},
    [[]],
    [None],
    [1, "a"],
    {"a": {"b": [{}]}},
]
BYTES = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n\n",
    b'"',
    b"'",
    b"[",
    b"{",
    b"=",
    b",,,",
    "ё".encode("cp1251"),
]


def value(rng: random.Random, depth: int = 0) -> Any:
    """Return any JSON value, mostly one that somebody didn't expect."""
    if depth < 3 and rng.random() < 0.2:
        if rng.random() < 0.5:
            return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
        return {rng.choice(NAMES): value(rng, depth + 1) for _ in range(rng.randrange(4))}
    return rng.choice(PLAIN)


def dumped(data: Any, rng: random.Random) -> bytes:
    return json.dumps(data, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def garbled(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with a few of them changed, lost, or joined by others."""
    octets = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        if octets:
            at = rng.randrange(len(octets))
            octets[at : at + rng.randrange(3)] = rng.choice([*BYTES, b"", bytes([rng.randrange(256)])])
    return bytes(octets)


def replaced_somewhere(data: Any, rng: random.Random) -> Any:
    """Return a JSON value with one of the values in it put in another's place."""
    if isinstance(data, dict) and data and rng.random() < 0.9:
        name = rng.choice(list(data))
        return {**data, name: replaced_somewhere(data[name], rng)}
    if isinstance(data, list) and data and rng.random() < 0.7:
        at = rng.randrange(len(data))
        return [*data[:at], replaced_somewhere(data[at], rng), *data[at + 1 :]]
    return value(rng)


def records(rng: random.Random, here: Path) -> list[Arguments]:
    rows = [{rng.choice(NAMES): value(rng) for _ in range(rng.randrange(6))} for _ in range(5)]
    for row in rows:
        if rng.random() < 0.7:
            row["text"] = rng.choice(["words here", value(rng)])
    name = rng.choice(["f.jsonl", "f.jsonl", "f.json", "f.csv"])
    if name == "f.json":
        content = dumped(rng.choice([rows, {"items": rows}, rows[0]]), rng)
    elif name == "f.csv":
        names = [*rows[0], "text"]
        table = [names, *([str(row.get(key, "")) for key in names] for row in rows)]
        content = "\n".join(rng.choice(",;\t").join(cells) for cells in table).encode("utf-8", "surrogatepass")
    else:
        content = b"\n".join(dumped(row, rng) for row in rows)
    (here / name).write_bytes(garbled(content, rng) if rng.random() < 0.3 else content)
    flags = rng.choice([[], ["--id", "id"], ["--keep", "n,day"], ["--text", "text,body"], ["--dry-run"], ["--prune"]])
    return [["ingest", name, *flags]]


RECIPE = """encoder = "hashing:16"
[source]
paths = ["good.jsonl"]
include = ["*.jsonl"]
exclude = ["x*"]
format = "jsonl"
encoding = "utf-8"
[fields]
id = "id"
title = "title"
text = ["text"]
keep = ["n"]
types = {n = "number"}
dates = {day = "%d.%m.%Y"}
boosts = {title = 3}
[passages]
size = 64
overlap = 8
[index]
name = "default"
analyzer = "auto"
synonyms = ["tv, television"]
[cleaning]
boilerplate = false
"""
TOML = [
    "1",
    "-1",
    "1e9",
    "99999999999999999999",
    "nan",
    "true",
    '""',
    '"x"',
    "[]",
    "[1]",
    "[[]]",
    "{}",
    "{a = 1}",
    "2024-01-01",
]
TOML += [
    '"\\u0000"',
    '[""]',
    '["-"]',
    '"/etc"',
    '"~nosuchuser/x"',
    '["~nosuchuser/x"]',
    '"utf-99"',
    '"rot13"',
    '"base64"',
    '"%"',
]
TOML += [
    '"["',
    '["[z-a]"]',
    '["[!]"]',
    '["**/**a"]',
    '["\\\\"]',
    '"%Q"',
    '{n = "%"}',
    '"idna"',
    '"undefined"',
    '"a" = 1',
]


def changed_line(text: str, rng: random.Random) -> bytes:
    lines = text.splitlines()
    at = rng.choice([place for place, line in enumerate(lines) if " = " in line])
    lines[at] = f"{lines[at].split(' = ')[0]} = {rng.choice(TOML)}"
    return "\n".join(lines).encode()


def recipe(rng: random.Random, here: Path) -> list[Arguments]:
    content = changed_line(RECIPE, rng) if rng.random() < 0.7 else garbled(RECIPE.encode(), rng)
    (here / "r.toml").write_bytes(content)
    return [["ingest", "--recipe", "r.toml", *rng.choice([[], ["--dry-run"]])]]


SETTINGS = 'engine = "ix"\nindex = "default"\nencoder = "hashing:16"\n[connection]\nusername = "ann"\npassword = "secretword"\nshards = 1\n'
ADDRESSES = [
    "opensearch://",
    "https://u:p@h",
    "://",
    "opensearch://[::1",
    "opensearch://h:99999",
    "https://h:abc",
    "ssh://x",
    "a:b@c",
]


def config(rng: random.Random, here: Path) -> list[Arguments]:
    TOML_OR_ADDRESS = changed_line(SETTINGS, rng)
    if rng.random() < 0.4:
        TOML_OR_ADDRESS = SETTINGS.replace('"ix"', json.dumps(rng.choice(ADDRESSES))).encode()
    (here / "searchctl.toml").write_bytes(TOML_OR_ADDRESS if rng.random() < 0.8 else garbled(SETTINGS.encode(), rng))
    return [rng.choice([["config", "show"], ["info"], ["search", "tea"]])]


def manifest(rng: random.Random, here: Path) -> list[Arguments]:
    files = {file.name: file.read_bytes() for file in (here / "dump").iterdir()}
    data = json.loads(files["manifest.json"])
    lines = gzip.decompress(files["documents.jsonl.gz"]).splitlines()
    chance = rng.random()
    if chance < 0.5:
        data = replaced_somewhere(data, rng)
    elif chance < 0.85:
        at = rng.randrange(len(lines))
        lines[at] = dumped(replaced_somewhere(json.loads(lines[at]), rng), rng)
        files["documents.jsonl.gz"] = gzip.compress(b"\n".join(lines) + b"\n")
    else:
        name = rng.choice(list(files))
        files[name] = garbled(files[name], rng)
    if isinstance(data, dict) and isinstance(data.get("files"), dict) and rng.random() < 0.9:
        data["files"] |= {name: hashlib.sha256(files[name]).hexdigest() for name in data["files"] if name in files}
    files["manifest.json"] = files["manifest.json"] if chance >= 0.85 else dumped(data, rng)
    shutil.rmtree(here / "bad", ignore_errors=True)
    (here / "bad").mkdir()
    for name, content in files.items():
        (here / "bad" / name).write_bytes(content)
    engine = ["--engine", "restored"]
    shutil.rmtree(here / "restored", ignore_errors=True)
    return [[*engine, "restore", "bad"], [*engine, "search", "tea"], [*engine, "info"]]


def metadata(rng: random.Random, here: Path) -> list[Arguments]:
    """Damage a small file of an index: what the folder says of itself, or of what is derived."""
    shutil.rmtree(here / "copy", ignore_errors=True)
    shutil.copytree(here / "ix", here / "copy")
    file = rng.choice([path for path in sorted((here / "copy").rglob("*")) if path.suffix in (".json", ".lock")])
    try:
        data = json.loads(file.read_bytes())
    except ValueError:
        data = None
    content = dumped(replaced_somewhere(data, rng), rng) if data is not None and rng.random() < 0.7 else b""
    file.write_bytes(content or garbled(file.read_bytes(), rng))
    engine = ["--engine", "copy"]
    return [[*engine, "search", "tea"], [*engine, "info"], [*engine, "ingest", "good.jsonl"]]


def model(rng: random.Random, here: Path) -> list[Arguments]:
    """Damage what a model's folder says of the model."""
    shutil.rmtree(here / "broken", ignore_errors=True)
    (here / "broken").mkdir()
    for path in (here / "model").iterdir():
        (here / "broken" / path.name).symlink_to(path.resolve())
    small = [
        path for path in sorted((here / "broken").iterdir()) if path.suffix == ".json" and path.stat().st_size < 50_000
    ]
    file = rng.choice(small)
    content = file.read_bytes()
    file.unlink()
    changed = dumped(replaced_somewhere(json.loads(content), rng), rng) if rng.random() < 0.8 else garbled(content, rng)
    file.write_bytes(changed)
    return [["--engine", "fresh", "--encoder", "./broken", "ingest", "good.jsonl", "--dry-run"]]


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (records, recipe, config, manifest, metadata, model)
}
