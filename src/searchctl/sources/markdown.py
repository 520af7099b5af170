"""Markdown to text in sections: what a reader of the page reads, with the lines on which its headings stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from searchctl.sources.front_matter import FrontMatter, split_front_matter
from searchctl.sources.html import html_to_text
from searchctl.sources.markdown_lines import plain_lines
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.text.cleaning import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_DIRECTIVE_TITLE = re.compile(
    r"\{(?!code|literal|math|image|figure|eval)[\w-]+\}[ \t]+(\S.*)"
)  # of MyST: ```{note} Title
_DEEPEST = 200  # lists and quotes within each other; the library drops what is deeper


def markdown(given: PageInput) -> Page:
    """Read a Markdown file: fields and title from front matter, else the first heading as title; raises Unreadable.

    Links give their words, emphasis and comments go, code stays as it is. A heading that became the title leaves the text.
    """
    text = given.text().replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    return markdown_page(text, given.limits.file)


def markdown_page(text: str, limit: int, *, remarks: Sequence[str] = (), lines: bool = True) -> Page:
    """Return the page of a Markdown text; without `lines` its sections don't say on which line they begin."""
    front = split_front_matter(text)
    plain = plain_lines(_with_closed_comments(front.text))
    page = MarkdownPage(PageText(limit), front)
    page.read(_parser().parse("\n".join(plain.lines)))
    all_remarks = [*remarks, *([front.remark] if front.remark else [])]
    if plain.includes:
        all_remarks.append("an included file isn't read in its place")
    sections = page.text.sections() if lines else tuple(replace(one, line=None) for one in page.text.sections())
    return Page(page.text.text(), page.title, front.fields, sections=sections, remarks=tuple(all_remarks))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    return parser.use(deflist_plugin).use(footnote_plugin)


def _with_closed_comments(text: str) -> str:
    """Return the text with a comment that is never closed as text: else it would hide all that follows."""
    last = text.rfind("<!--")
    return text if last < 0 or "-->" in text[last:] else f"{text[:last]}&lt;!--{text[last + 4 :]}"


class MarkdownPage:
    """One page in the making: blocks of tokens become blocks of text, headings become sections."""

    def __init__(self, text: PageText, front: FrontMatter, *, first_line: int = 1) -> None:
        self.text = text
        self.title = clean(front.title)
        self._given_title = self.title
        self._offset = front.lines + first_line
        self._has_heading = self._has_text = False

    def read(self, tokens: Sequence[Token]) -> None:
        """Take a page's tokens."""
        number = 0
        while number < len(tokens):
            end = _end_of(tokens, number)
            self._block(tokens[number : end + 1])
            number = end + 1

    def _block(self, tokens: Sequence[Token]) -> None:
        first = tokens[0]
        if first.type == "heading_open":
            self._heading(clean(_words(tokens[1].children or ())), first.map)
            return
        block = "\n".join(_lines(tokens))
        self._has_text = self._has_text or bool(block.strip())
        self.text.add(block)

    def _heading(self, words: str, lines: list[int] | None) -> None:
        words = words.replace("\n", " ")
        self.text.begin_section(words, line=lines[0] + self._offset if lines else None)
        is_title = not self._has_heading and words and not self._has_text and self._given_title in ("", words)
        if not self._has_heading and words:
            self._has_heading = True
            self.title = self.title or words
        if not is_title:
            self.text.add(words)
            self._has_text = True


def _end_of(tokens: Sequence[Token], start: int) -> int:
    """Return the place of the token that closes the one at `start`."""
    level = 0
    for number in range(start, len(tokens)):
        level += tokens[number].nesting
        if level <= 0:
            return number
    return len(tokens) - 1


def _lines(tokens: Iterable[Token]) -> list[str]:
    """Return the lines of a block: paragraphs within it, items with their marks, rows with bars, code as it is."""
    lines: list[str] = []
    cells: list[str] = []
    mark = ""
    numbers: list[int | None] = []
    in_row = False
    for token in tokens:
        if token.type == "inline":
            words = _words(token.children or ())
            if in_row:
                cells.append(words.replace("\n", " ").strip())
            else:
                lines.append(mark + words)
                mark = ""
        elif token.type in ("fence", "code_block"):
            if title := _DIRECTIVE_TITLE.match(token.info):
                lines.append(title.group(1))
            lines.append(mark + token.content.rstrip("\n"))
            mark = ""
        elif token.type == "html_block":
            if words := html_to_text(token.content)[1]:
                lines.append(mark + words)
                mark = ""
        elif token.type == "tr_open":
            cells, in_row = [], True
        elif token.type == "tr_close":
            lines.append(" | ".join(cell for cell in cells if cell))
            in_row = False
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            numbers.append(int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            number = numbers[-1] if numbers else None
            mark = "- " if number is None else f"{number}. "
            if number is not None:
                numbers[-1] = number + 1
    return lines


def _words(tokens: Iterable[Token]) -> str:
    """Return the words of a line's pieces: of links and emphasis what they enclose, of pictures what stands for them."""
    parts = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak") or (token.type == "html_inline" and _BREAK.match(token.content)):
            parts.append("\n")
        elif token.type == "image":
            parts.append(_words(token.children or ()))
    return "".join(parts)
