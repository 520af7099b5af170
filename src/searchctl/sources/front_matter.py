"""Front matter: what stands above a Markdown file's text, in YAML between ---, TOML between +++, or JSON in braces."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from searchctl.sources.mapping import as_value
from searchctl.sources.nested import Flat
from searchctl.types import Value

_STARTS = ("---", "+++", "{\n")
_YAML_BOUNDARY = re.compile(r"^(?:-{3,}|\.{3})[ \t]*$", re.MULTILINE)
_TOML_BOUNDARY = re.compile(r"^\+{3,}[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(\S.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_COLON = re.compile(
    r"^([\w-][\w -]*:[ \t]+)(?![\"'\[{|>&*!])(.*:[ \t].*)$", re.MULTILINE
)  # as in `title: Setup: the guide`
_LARGEST = 100_000  # characters
_OFTEN = 2  # times the block's length is what its values may come to: aliases of YAML repeat


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """A file's fields and title, the text below them, and how many lines stand above that. `remark` says what is wrong."""

    text: str
    title: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)
    lines: int = 0
    remark: str = ""


def split_front_matter(text: str) -> FrontMatter:
    """Return a file's front matter and the text below it; all is text where there is none."""
    if not text.startswith(_STARTS):
        return FrontMatter(text)
    from frontmatter.default_handlers import BaseHandler, JSONHandler, YAMLHandler

    class Toml(BaseHandler):
        FM_BOUNDARY = _TOML_BOUNDARY

        def load(self, fm: str) -> dict[str, Any]:
            return _toml(fm)

    for handler in (YAMLHandler(fm_boundary=_YAML_BOUNDARY), Toml(), JSONHandler()):
        if handler.detect(text):
            return _split(text, handler)
    return FrontMatter(text)


def _split(text: str, handler: Any) -> FrontMatter:
    try:
        block, below = handler.split(text)
    except ValueError:  # it has no end
        return FrontMatter(text)
    lines = text[: len(text) - len(below)].count("\n")
    if len(block) > _LARGEST:
        return FrontMatter(below, lines=lines, remark="front matter left out: it's longer than 100 kB")
    try:
        data = handler.load(block)
    except Exception as error:  # noqa: BLE001 - each library has errors of its own
        try:
            data = handler.load(_COLON.sub(_quoted, block))
        except Exception:  # noqa: BLE001
            return _damaged(block, below, lines, error)
    if not isinstance(data, dict):  # a rule, some text, a rule
        return FrontMatter(text) if data is not None else FrontMatter(below, lines=lines)
    return _fields(data, block, below, lines)


def _quoted(line: re.Match[str]) -> str:
    return line.group(1) + json.dumps(line.group(2).strip(), ensure_ascii=False)


def _damaged(block: str, below: str, lines: int, error: Exception) -> FrontMatter:
    """Return what can be saved: the title. A block without any `key:` isn't front matter at all."""
    title = _TITLE.search(block)
    reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    remark = f"front matter left out but for its title: {reason}"
    return FrontMatter(below, title.group(1).strip("\"'") if title else "", lines=lines, remark=remark)


def _fields(data: Mapping[str, Any], block: str, below: str, lines: int) -> FrontMatter:
    flat = Flat()
    flat.add("", {str(name): value for name, value in data.items()})
    fields: dict[str, Value] = {}
    left_out = dict(flat.left_out)
    room = _OFTEN * len(block) + 1000
    title = ""
    for name, value in flat.fields.items():
        kept = as_value(_plain(value))
        room -= len(str(kept)) if kept is not None and room > 0 else 0
        if room <= 0:
            left_out["more"] = "its values repeat each other"
            break
        if kept is None:
            if isinstance(value, list) and value:
                left_out[name] = "a list of objects"
        elif name.lower() == "title" and not isinstance(kept, list):
            title = title or str(kept)
        else:
            fields[name] = kept
    remark = ", ".join(f"'{name}' of the front matter left out: {why}" for name, why in left_out.items())
    return FrontMatter(below, title, fields, lines, remark)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: dates as ISO 8601."""
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set)):
        return [item.isoformat() if isinstance(item, (date, datetime, time)) else item for item in value]
    return value


def _toml(block: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    data: dict[str, Any] = tomllib.loads(block)
    return data
