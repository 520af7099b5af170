"""Markdown as documentation sites write it, made plain Markdown: line by line, so that line numbers stay what they are.

Admonitions and tabs (`!!! note`, `??? tip`, `=== "Linux"`, `:::note`), attributes (`{#id .class}`, `{: .lead}`), template
tags, wiki links, includes, tables of contents, imports of MDX, comments of MDX and Obsidian.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BOX = re.compile(r"(?:!!!|\?\?\?\+?)[ \t]+[\w -]*?(?:[ \t]*\"([^\"]*)\")?[ \t]*$|===[+!]?[ \t]+\"([^\"]*)\"[ \t]*$")
_COLONS = re.compile(r" {0,3}:{3,}[ \t]*(?:\{?([\w-]+)\}?)?[ \t]*(?:\[([^\]]*)\]|([^{}\[\]]*))?(?:\{[^{}]*\})?[ \t]*$")
_DIRECTIVE = re.compile(r"\{[\w:.-]+\}[ \t]*(.*)$")
_OPTION = re.compile(r":[\w-]+:(?:[ \t].*)?$|---[ \t]*$")
_CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_INCLUDE = re.compile(
    r"[ \t]*(?:-{1,2}8<-{1,3}[ \t]*\"[^\"]*\"|\{!.*!\}|\[!INCLUDE.*\]|@include\b.*)[ \t]*$", re.IGNORECASE
)
_CONTENTS = re.compile(r"[ \t]*(?:\[\[?toc\]?\]|\[\[_toc_\]\]|\$\{toc\}|\{:toc\}|[*-] toc)[ \t]*$", re.IGNORECASE)
_IMPORT = re.compile(
    r"import\s.+\sfrom\s+['\"][^'\"]+['\"];?\s*$|import\s+['\"][^'\"]+['\"];?\s*$|export\s+(?:default|const)\b.*$"
)
_ALERT = re.compile(r"([ \t>]*>[ \t]*)\[!(\w+)\][+-]?[ \t]*")
_REPLACED = (
    (re.compile(r"\{/\*.*?\*/\}|%%.*?%%"), ""),
    (re.compile(r"\{\{[<%].*?[%>]\}\}|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"), ""),
    (re.compile(r"(?:(?<=[\])])|[ \t]+|^)\{:?[ \t]*[#.][\w:.-]+(?:[ \t][^{}]*)?\}"), ""),
    (re.compile(r"(?<=[\])])\{:?[ \t]*[\w-]+=[^{}]*\}|^\{:[^{}]*\}[ \t]*$"), ""),
    (re.compile(r"!\[\[[^\[\]]*\]\]"), ""),
    (re.compile(r"(?<!!)\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]"), r"\1"),
)
_ROLE = re.compile(r"\{[\w:-]+\}`([^`<]*?)[ \t]*(?:<[^`>]*>)?`")
_INDENT = 4


@dataclass(slots=True)
class PlainLines:
    """The lines as plain Markdown, as many as there were, and how many includes aren't followed."""

    lines: list[str] = field(default_factory=list)
    includes: int = 0


def plain_lines(text: str) -> PlainLines:
    """Return a text's lines as plain Markdown."""
    plain = PlainLines()
    boxes: list[int] = []  # the indents of the boxes that are open
    fence = ""
    at_top, options = True, False
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        while boxes and not fence and line.strip() and indent < boxes[-1] + _INDENT:
            boxes.pop()
        line = line[min(indent, boxes[-1] + _INDENT) :] if boxes else line
        mark = _FENCE.match(line)
        if fence:
            closed = mark is not None and mark.group(1).startswith(fence) and not line.strip().strip(fence[0])
            if options and _OPTION.match(line.strip()):
                line = ""
            options = options and not line.strip()
            fence = "" if closed else fence
            plain.lines.append(line)
            continue
        if mark:
            fence = mark.group(1)
            options = _DIRECTIVE.match(line.strip().lstrip("`~")) is not None
        elif line.strip():
            at_top = at_top and _IMPORT.match(line) is not None
            line = "" if at_top else _plain_line(line, plain, boxes, indent)
        plain.lines.append(line)
    return plain


def _plain_line(line: str, plain: PlainLines, boxes: list[int], indent: int) -> str:
    if _INCLUDE.match(line):
        plain.includes += 1
        return ""
    if _CONTENTS.match(line):
        return ""
    if box := _BOX.match(line.lstrip(" ")):
        boxes.append(indent)
        return next((title for title in box.groups() if title), "")
    if colons := _COLONS.match(line):
        return (colons.group(2) or colons.group(3) or "").strip()
    line = _ALERT.sub(lambda alert: f"{alert.group(1)}{alert.group(2).capitalize()}: ", line)
    if "{" not in line and "[[" not in line and "%%" not in line:
        return line
    line = _ROLE.sub(r"\1", line)
    parts, position = [], 0
    for code in _CODE_SPAN.finditer(line):
        parts += [_replaced(line[position : code.start()]), code.group()]
        position = code.end()
    return "".join([*parts, _replaced(line[position:])])


def _replaced(text: str) -> str:
    for pattern, words in _REPLACED:
        text = pattern.sub(words, text)
    return text
