"""reStructuredText to text by docutils, in sections by its titles. Nothing is included from other files, nothing is run."""

from __future__ import annotations

import re
from typing import Any

from searchctl.sources.pages import Page, PageInput, PageText

_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": False,
    "line_length_limit": 1_000_000,
    "_disable_config": True,
    "syntax_highlight": "none",
}
# What Sphinx adds to the language is read for its words: roles as their text, directives as what stands in them.
_ROLE = re.compile(r":[a-zA-Z][\w:+.-]*:`(?:[!~])?([^`<]*?)(?:\s*<[^`>]*>)?`")
_DIRECTIVE = re.compile(r"^([ \t]*)\.\.[ \t]+([\w:.+-]+)::[ \t]*(.*)$")
_OPTION = re.compile(r"^[ \t]+:[\w-]+:(?:[ \t].*)?$")
_KNOWN = frozenset(
    "note warning tip hint important caution danger attention error admonition code code-block math image figure "
    "table csv-table list-table topic sidebar epigraph rubric contents parsed-literal container".split()
)
_SILENT = frozenset(
    "toctree include literalinclude index highlight currentmodule module automodule autoclass autofunction raw "
    "contents meta default-role role only ifconfig tabularcolumns sectionauthor codeauthor".split()
)
_INCLUDED = frozenset(("include", "literalinclude"))
_SKIPPED = frozenset(("comment", "system_message", "problematic", "substitution_definition", "target", "raw"))
_BLOCKS = frozenset(
    "paragraph term literal_block doctest_block caption attribution line rubric field_name math_block title subtitle".split()
)


def rst(given: PageInput) -> Page:
    """Read a reStructuredText file; raises Unreadable."""
    from docutils import nodes
    from docutils.core import publish_doctree

    source, includes = _plain(given.text())
    tree = publish_doctree(source, settings_overrides=_SETTINGS)
    text = PageText(given.limits.file)
    title = ""
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        kind = type(node).__name__
        if kind in _SKIPPED:
            continue
        if isinstance(node, nodes.title) and isinstance(node.parent, (nodes.section, nodes.document)):
            words = node.astext()
            text.begin_section(words, line=_line(node))
            if not title:
                title = words
                continue
            text.add(words)
        elif kind == "table":
            text.add("\n".join(_rows(node)))
        elif kind in _BLOCKS or (isinstance(node, nodes.TextElement)):
            text.add(_item_mark(node) + node.astext())
        else:
            stack.extend(reversed(getattr(node, "children", [])))
    remarks = ("an included file isn't read in its place",) if includes else ()
    return Page(text.text(), title, sections=text.sections(), remarks=remarks)


def _line(node: Any) -> int | None:
    """Return the line of a title: docutils counts to the line below it."""
    line = getattr(node, "line", None) or getattr(node.parent, "line", None)
    return max(1, line - 1) if isinstance(line, int) else None


def _rows(table: Any) -> list[str]:
    rows = []
    for row in table.findall(lambda node: type(node).__name__ == "row"):
        cells = [" ".join(entry.astext().split()) for entry in row.children]
        rows.append(" | ".join(cell for cell in cells if cell))
    return rows


def _item_mark(node: Any) -> str:
    item = node.parent
    first = type(item).__name__ == "list_item" and item.children and item.children[0] is node
    return "- " if first else ""


def _plain(text: str) -> tuple[str, int]:
    """Return the text without what only Sphinx knows, as many lines as before, and how many includes it has."""
    lines: list[str] = []
    includes = 0
    silent: int | None = None  # the indent of a directive whose content isn't for readers
    options = False
    for line in text.replace("\r\n", "\n").split("\n"):
        indent = len(line) - len(line.lstrip())
        if silent is not None and (not line.strip() or indent > silent):
            lines.append("")
            continue
        silent = None
        if options and _OPTION.match(line):
            lines.append("")
            continue
        options = False
        if (match := _DIRECTIVE.match(line)) and match.group(2).lower() not in _KNOWN:
            name = match.group(2).lower()
            includes += name in _INCLUDED
            if name in _SILENT:
                silent = len(match.group(1))
                lines.append("")
            else:  # `.. function:: f(x)`, `.. versionadded:: 2`: the words of its line, then its content as a quote
                lines.append(match.group(1) + (match.group(3) or ""))
                options = True
            continue
        lines.append(_ROLE.sub(r"\1", line))
    return "\n".join(lines), includes
