"""The formats that can be read. A new one is a row here and a reader of its own; everything else asks this table.

Plugins bring more formats, which `formats()` has too. Nothing heavy is imported: a reader is named by its module and function, and
imported when a file needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from searchctl.errors import PluginError
from searchctl.installation import install_command
from searchctl.plugins import Plugin, plugins

Format: TypeAlias = str  # a name in `formats()`
_LOG = logging.getLogger("searchctl")


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format: its name, the endings of its files, and what reads it.

    `reader` is "module:function" below `searchctl.sources`, or a plugin's function itself. With `rows` it yields records from a stream
    (`records.RowReader`); else it makes one document of the whole file (`pages.PageReader`). `text` says that the file is
    text in some encoding. `alone` readers run in a process of their own once a file is larger than this many bytes, because
    their libraries can be made to take any amount of time or memory. `needs` are modules of the extra `office`.
    """

    name: Format
    endings: tuple[str, ...]
    reader: str | Callable[..., Any]
    rows: bool = False
    text: bool = False
    alone: int | None = None
    needs: tuple[str, ...] = ()

    @property
    def is_plugin(self) -> bool:
        """Whether another package brings it."""
        return not isinstance(self.reader, str)

    @property
    def missing(self) -> bool:
        """Whether a library is missing, so that files of this format can't be read."""
        return any(not _is_installed(module) for module in self.needs)

    def load(self) -> Any:
        """Import the reader."""
        if not isinstance(self.reader, str):
            return self.reader
        module, _, function = self.reader.partition(":")
        return getattr(import_module(f"searchctl.sources.{module}"), function)


@cache
def _is_installed(module: str) -> bool:
    return find_spec(module) is not None


_ALONE = 10_000  # at this size even work that grows with the square of the input is small

_TABLE = (
    FileFormat("txt", (".txt", ".text"), "texts:plain", text=True),
    FileFormat("md", (".md", ".markdown", ".mdx"), "markdown:markdown", text=True, alone=_ALONE),
    FileFormat("html", (".html", ".htm", ".xhtml"), "html:page", text=True, alone=_ALONE),
    FileFormat("pdf", (".pdf",), "pdf:pdf", alone=0),
    FileFormat("docx", (".docx", ".docm"), "word:docx", alone=0),
    FileFormat("csv", (".csv",), "tables:read_table", rows=True, text=True),
    FileFormat("tsv", (".tsv", ".tab"), "tables:read_table", rows=True, text=True),
    FileFormat("json", (".json",), "rows:read_json", rows=True, text=True),
    FileFormat("jsonl", (".jsonl", ".ndjson"), "rows:read_jsonl", rows=True, text=True),
    FileFormat("rst", (".rst",), "rst:rst", text=True, alone=_ALONE, needs=("docutils",)),
    FileFormat("ipynb", (".ipynb",), "notebook:notebook", alone=_ALONE),
    FileFormat("xlsx", (".xlsx", ".xlsm"), "sheets:read_sheets", rows=True, needs=("openpyxl",)),
    FileFormat("pptx", (".pptx",), "slides:slides", alone=0, needs=("pptx",)),
    FileFormat("odt", (".odt",), "opendocument:odt", alone=0, needs=("odfdo",)),
    FileFormat("rtf", (".rtf",), "rtf:rtf", alone=_ALONE, needs=("striprtf",)),
    FileFormat("epub", (".epub",), "epub:epub", alone=0),
    FileFormat("eml", (".eml", ".mht", ".mhtml"), "mail:eml", alone=_ALONE),
    FileFormat("mbox", (".mbox",), "mail:read_mbox", rows=True),
    FileFormat("msg", (".msg",), "outlook:msg", alone=0, needs=("oxmsg",)),
    FileFormat("zip", (".zip",), "archive:read_archive", rows=True),
)
_OWN: Mapping[Format, FileFormat] = {form.name: form for form in _TABLE}


@cache
def formats() -> Mapping[Format, FileFormat]:
    """Return all formats by name: searchctl's own, then those of plugins; a plugin that can't be used is warned of."""
    table, broken = load_formats()
    for error in broken.values():
        _LOG.warning("%s", error)
    return table


def load_formats() -> tuple[dict[Format, FileFormat], dict[Plugin, PluginError]]:
    """Load the plugins' formats, and return all formats by name, and why plugins are left out."""
    table, broken = dict(_OWN), {}
    for plugin in plugins("formats", is_own_format):
        try:
            form = _plugin_format(plugin, {ending for known in table.values() for ending in known.endings})
        except PluginError as error:
            broken[plugin] = error
        else:
            table[form.name] = form
    return table, broken


@cache
def endings() -> Mapping[str, Format]:
    """Return the format that each ending of files stands for."""
    return {ending: form.name for form in formats().values() for ending in form.endings}


def page_formats() -> tuple[Format, ...]:
    """Return the formats of which a file is one document."""
    return tuple(form.name for form in formats().values() if not form.rows)


def row_formats() -> tuple[Format, ...]:
    """Return the formats of which a file is text with many records in it."""
    return tuple(form.name for form in formats().values() if form.rows and form.text)


def is_own_format(name: str) -> bool:
    """Tell whether a name is searchctl's own, so that no plugin may have it."""
    return name in _OWN


def _plugin_format(plugin: Plugin, taken: Set[str]) -> FileFormat:
    """Load a plugin's format; raises PluginError, also where it wants an ending that is `taken`."""
    form = plugin.load()
    if not isinstance(form, FileFormat) or not form.is_plugin:
        raise plugin.failure("it isn't a FileFormat with a function as its reader")
    if form.name != plugin.name or not form.endings:
        raise plugin.failure(f"its FileFormat is named '{form.name}' and has {len(form.endings)} endings")
    refused = [ending for ending in form.endings if ending in taken or ending[:1] != "." or ending != ending.lower()]
    if refused:
        raise plugin.failure(
            f"it can't have the endings {', '.join(refused)}: other formats have them, or they are no endings"
        )
    return form


@cache
def office_command() -> str:
    """Return what installs the libraries for office files."""
    return install_command("office")
