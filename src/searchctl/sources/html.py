"""HTML pages to text: what a reader would read, in lines and paragraphs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from searchctl.sources.encodings import detect
from searchctl.sources.model import Unreadable
from searchctl.sources.texts import without

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_DROPPED = frozenset("script style noscript template svg iframe object canvas select head nav -comment".split())
_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre section article main header footer aside form figure hr details".split()
)
_LINES = frozenset("div li tr dt dd br caption figcaption address summary legend fieldset option".split())
_CELLS = frozenset(("td", "th"))
_LAYOUT = "table, ul, ol, h1, h2, h3, p + p, pre"  # in a cell, these tell a table of layout from one of data
_SPACE = re.compile(r"[ \t\n\r\f\x1d-\x1f]+")
_SPACES = re.compile(r" {2,}")
_PARAGRAPH, _LINE, _CELL = "\x1d", "\x1e", "\x1f"  # marks in the text, until it is tidied

_FRAME_TAGS = frozenset("header footer aside menu form".split())
_FRAME_ROLES = frozenset("navigation banner contentinfo search complementary menu menubar".split())
_FRAME_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|footer|cookies?|pagination|pager|share|related)(?:$|[\s_-])"
)
_DENSE_TAGS = frozenset("ul ol dl div section table td p".split())
_DENSE = 0.6  # of a block's characters are in links
_FEW_LINKS = 3
_LEAST_LEFT = 0.05  # of a page's text; when less is left, the page is all links, and stays whole

# The parser's time grows with the square of the depth: 10,000 take a second, a million an hour.
_DEEPEST = 10_000
_TAG = re.compile(r"<(/?)([a-z][a-z0-9:-]*)", re.IGNORECASE)
_NO_DEPTH = frozenset(  # elements that have no content, or end by themselves where the next of their kind begins
    "area base br col embed hr img input link meta param source track wbr p li dt dd tr td th thead tbody tfoot option".split()
)
_OTHER_LANGUAGES = (
    ("<!--", "-->"),
    ("<svg", "</svg"),
    ("<math", "</math"),
    ("<script", "</script"),
    ("<style", "</style"),
)
_CHARSET = re.compile(rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_HEAD = 4096


def decode_html(data: bytes) -> str | None:
    """Return a page's text by its own declaration if that is true, else as detected; None when it isn't text."""
    found = detect(data)
    declared = _CHARSET.search(data[:_HEAD])
    if found is not None and declared and not found.startswith("utf"):
        try:
            return data.decode(declared.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return data.decode(found, "replace") if found else None


def html_to_text(html: str, *, boilerplate: bool = False) -> tuple[str, str]:
    """Return a page's title and its text: blank lines between blocks, lines for items and rows, ` | ` between cells.

    Scripts, styles and `<nav>` are left out. `boilerplate` also drops headers, footers, sidebars, menus, and blocks that
    are mostly links. Raises Unreadable for a page that is nested absurdly deep.
    """
    from selectolax.lexbor import LexborHTMLParser

    if _depth(html) > _DEEPEST:
        raise Unreadable(f"the page's elements are nested more than {_DEEPEST} deep; no page for readers is")
    tree = LexborHTMLParser(html)
    heading = tree.css_first("head > title") or tree.css_first("h1")
    title = _SPACE.sub(" ", heading.text()).strip() if heading else ""
    root = tree.body
    if root is None:
        return title, ""
    text = _Walk(boilerplate).text(root)
    if boilerplate:
        everything = _Walk(False).text(root)
        text = text if len(text) >= len(everything) * _LEAST_LEFT else everything
    return title, text


def _depth(html: str) -> int:
    """Return how deep the elements are nested, roughly; 0 for a page that has too few of them to be deep."""
    if html.count("<") < _DEEPEST:
        return 0
    for start, end in _OTHER_LANGUAGES:
        html = without(html, start, end)
    depth = deepest = 0
    for closing, tag in _TAG.findall(html):
        if tag.lower() not in _NO_DEPTH:
            depth += -1 if closing else 1
            deepest = max(deepest, depth)
    return deepest


class _Open(NamedTuple):
    """An element whose end is still to come, and how much had been written before it."""

    tag: str
    mark: str
    pieces: int
    characters: int
    linked: int
    links: int


class _Walk:
    """One walk over a page, without recursion, since pages may be nested deeper than Python's stack."""

    def __init__(self, boilerplate: bool) -> None:
        self._boilerplate = boilerplate
        self._pieces: list[str] = []
        self._characters = self._linked = self._links = 0
        self._within = dict.fromkeys(("a", "pre", "article", "main"), 0)  # how many of these are open
        self._cells = 0

    def text(self, root: LexborNode) -> str:
        stack: list[LexborNode | _Open] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, _Open):
                self._leave(node)
            elif node.tag == "-text":
                self._write(node.text(deep=False))
            elif node.tag not in _DROPPED and not (self._boilerplate and self._is_frame(node)):
                stack.append(self._enter(node))
                stack.extend(reversed(list(node.iter(include_text=True))))
        return _tidied("".join(self._pieces))

    def _write(self, text: str) -> None:
        text = text.replace("\n", _LINE) if self._within["pre"] and not self._cells else _SPACE.sub(" ", text)
        self._pieces.append(text)
        self._characters += len(text)
        self._linked += len(text) if self._within["a"] else 0

    def _enter(self, node: LexborNode) -> _Open:
        tag = node.tag or ""
        mark = self._mark(node, tag)
        opened = _Open(tag, mark, len(self._pieces), self._characters, self._linked, self._links)
        if mark != _CELL:
            self._pieces.append(mark)
        self._cells += mark == _CELL
        self._links += tag == "a"
        if tag in self._within:
            self._within[tag] += 1
        return opened

    def _leave(self, opened: _Open) -> None:
        self._cells -= opened.mark == _CELL
        if opened.tag in self._within:
            self._within[opened.tag] -= 1
        links, linked = self._links - opened.links, self._linked - opened.linked
        dense = links >= _FEW_LINKS and linked > _DENSE * (self._characters - opened.characters)
        if self._boilerplate and dense and opened.tag in _DENSE_TAGS:
            del self._pieces[opened.pieces :]
            self._characters, self._linked, self._links = opened.characters, opened.linked, opened.links
        self._pieces.append(opened.mark)

    def _mark(self, node: LexborNode, tag: str) -> str:
        """Return what is written where an element begins and ends; in a cell of data all blocks are one line."""
        if tag in _CELLS:
            return _LINE if node.css_first(_LAYOUT) else _CELL
        mark = _PARAGRAPH if tag in _PARAGRAPHS else _LINE if tag in _LINES else ""
        return " " if mark and self._cells else mark

    def _is_frame(self, node: LexborNode) -> bool:
        """Tell whether an element is around the content instead of in it."""
        if node.tag in _FRAME_TAGS and not (node.tag == "header" and (self._within["article"] or self._within["main"])):
            return True
        known = node.attributes
        if (known.get("role") or "").lower() in _FRAME_ROLES or "hidden" in known or known.get("aria-hidden") == "true":
            return True
        return any(_FRAME_NAMES.search((known.get(name) or "").lower()) for name in ("class", "id"))


def _tidied(marked: str) -> str:
    """Return text with its marks as line ends, blank lines and bars."""
    paragraphs = []
    for paragraph in marked.split(_PARAGRAPH):
        lines = []
        for line in paragraph.split(_LINE):
            cells = [cell.strip() for cell in line.split(_CELL)]
            lines.append(" | ".join(cell for cell in cells if cell))
        if any(lines):
            paragraphs.append("\n".join(line for line in lines if line))
    return _SPACES.sub(" ", "\n\n".join(paragraphs))
