"""The formats that can be read. A new one is a row here and a reader of its own; everything else asks this table.

Nothing heavy is imported: a reader is named by its module and function and imported when a file needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from searchctl.installation import install_command

Format: TypeAlias = str  # a name in FORMATS


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format: its name, the endings of its files, and what reads it.

    `reader` is "module:function" below `searchctl.sources`. With `rows` it yields records from a stream
    (`records.RowReader`); else it makes one document of the whole file (`pages.PageReader`). `text` says that the file is
    text in some encoding. `alone` readers run in a process of their own once a file is larger than this many bytes, because
    their libraries can be made to take any amount of time or memory. `needs` are modules of the extra `office`.
    """

    name: Format
    endings: tuple[str, ...]
    reader: str
    rows: bool = False
    text: bool = False
    alone: int | None = None
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether a library is missing, so that files of this format can't be read."""
        return any(not _is_installed(module) for module in self.needs)

    def load(self) -> Any:
        """Import the reader."""
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
    FileFormat("eml", (".eml",), "mail:eml", alone=_ALONE),
    FileFormat("mbox", (".mbox",), "mail:read_mbox", rows=True),
    FileFormat("msg", (".msg",), "outlook:msg", alone=0, needs=("oxmsg",)),
    FileFormat("zip", (".zip",), "archive:read_archive", rows=True),
)
FORMATS: tuple[Format, ...] = tuple(form.name for form in _TABLE)
PAGE_FORMATS = tuple(form.name for form in _TABLE if not form.rows)  # a file is one document
ROW_FORMATS = tuple(form.name for form in _TABLE if form.rows and form.text)  # a file of text holds many
TABLE: Mapping[Format, FileFormat] = {form.name: form for form in _TABLE}
ENDINGS: Mapping[str, Format] = {ending: form.name for form in _TABLE for ending in form.endings}


@cache
def office_command() -> str:
    """Return what installs the libraries for office files."""
    return install_command("office")
