"""HTML pages to text: what a reader would read, in lines and paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from searchctl.sources.encodings import declared_encoding, detect
from searchctl.sources.html_frame import PageFrame, keeps_enough
from searchctl.sources.html_hidden import Hidden
from searchctl.sources.model import Unreadable
from searchctl.sources.pages import BINARY, Page, PageInput, PageText
from searchctl.sources.texts import without
from searchctl.translation import _

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED = frozenset("script style noscript template svg iframe object canvas select head nav -comment".split())
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_PARAGRAPHS = _HEADINGS | frozenset(
    "p ul ol dl table blockquote pre section article main header footer aside form figure hr details".split()
)
_LINES = frozenset(
    "div li tr dt dd br caption figcaption address summary legend fieldset option button textarea".split()
)
_CELLS = frozenset(("td", "th"))
_LAYOUT = "table, ul, ol, h1, h2, h3, p + p, pre"  # in a cell, these tell a table of layout from one of data
_SPACE = re.compile(r"[ \t\n\r\f\x1c-\x1f]+")
_SPACES = re.compile(r" {2,}")
_HEADING, _PARAGRAPH, _LINE, _CELL = "\x1c", "\x1d", "\x1e", "\x1f"  # marks in the text, until it is tidied
_PERMALINKS = frozenset("¶ # § 🔗".split())
_DENSE_TAGS = frozenset("ul ol dl div section table td p".split())
_DENSE = 0.6  # of a block's characters are in links
_FEW_LINKS = 3

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
_CHARSET = re.compile(
    rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]{1,200}encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE
)
_HEAD = 4096
# The parser's time grows with the square of the number of attributes of one tag, too.
_MOST_ATTRIBUTES = 300
_LONG_TAG = re.compile(r"<[a-z][^<>]{3000,}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"[^\s=>\"'/]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>\"']*))?")


def page(given: PageInput) -> Page:
    """Read a page: its title, its text in sections by its headings; raises Unreadable."""
    html = given.data.decode(given.encoding, "replace") if given.encoding else decode_html(given.data)
    if html is None:
        raise Unreadable(BINARY)
    title, paragraphs = _read(html, given.boilerplate)
    text = PageText(given.limits.file)
    for paragraph, is_heading in paragraphs:
        if is_heading:
            text.begin_section(paragraph)
        text.add(paragraph)
    remarks = ("pages with a title and no text: a script makes what they show",) if title and not text.text() else ()
    return Page(text.text(), title, sections=text.sections(), remarks=remarks)


def decode_html(data: bytes) -> str | None:
    """Return a page's text by its own declaration if that is true, else as detected; None when it isn't text."""
    detected = detect(data)
    declared = _CHARSET.search(data[:_HEAD])
    if detected is not None and declared and not detected.startswith("utf"):
        name = (declared.group(1) or declared.group(2)).decode("ascii", "replace")
        detected = declared_encoding(data, name) or detected
    return data.decode(detected, "replace") if detected else None


def html_to_text(html: str, *, boilerplate: bool = False) -> tuple[str, str]:
    """Return a page's title and its text: blank lines between blocks, lines for items and rows, ` | ` between cells.

    Scripts, styles, `<nav>` and what the page hides are left out. `boilerplate` also drops headers, footers, sidebars,
    menus, and blocks that are mostly links, but never most of what there is to read. Raises Unreadable for a page that is
    nested absurdly deep.
    """
    title, paragraphs = _read(html, boilerplate)
    return title, "\n\n".join(paragraph for paragraph, _ignored in paragraphs)


def _read(html: str, boilerplate: bool) -> tuple[str, list[tuple[str, bool]]]:
    """Return a page's title and its paragraphs, and whether each is a heading."""
    from selectolax.lexbor import LexborHTMLParser

    if _depth(html) > _DEEPEST:
        raise Unreadable(
            _("the page's elements are nested more than {DEEPEST} deep; no page for readers is").format(
                DEEPEST=_DEEPEST
            )
        )
    tree = LexborHTMLParser(_LONG_TAG.sub(_shortened, html) if len(html) > 3000 else html)
    heading = tree.css_first("head > title") or tree.css_first("h1")
    title = _SPACE.sub(" ", heading.text()).strip() if heading else ""
    root = tree.body
    if root is None:
        return title, []
    return title, _paragraphs(tree, root, boilerplate)


def page_paragraphs(html: str) -> list[tuple[str, bool]]:
    """Return a page's paragraphs, and whether each is a heading; raises Unreadable."""
    return _read(html, boilerplate=False)[1]


def _paragraphs(tree: LexborHTMLParser, root: LexborNode, boilerplate: bool) -> list[tuple[str, bool]]:
    hidden = Hidden(tree)
    everything = _Walk(hidden, None)
    whole = list(_tidied(everything.text(root)))
    if not boilerplate:
        return whole
    walk = _Walk(hidden, PageFrame(everything.sizes, everything.unlinked))
    content = list(_tidied(walk.text(root)))
    enough = keeps_enough(walk.prose, everything.prose, _length(content), _length(whole))
    return content if enough else whole


def _length(paragraphs: list[tuple[str, bool]]) -> int:
    return sum(len(text) for text, _ignored in paragraphs)


def _shortened(tag: re.Match[str]) -> str:
    """Return a tag with no more attributes than any page has."""
    attributes = _ATTRIBUTE.findall(tag.group()[1:-1])
    return tag.group() if len(attributes) <= _MOST_ATTRIBUTES else f"<{' '.join(attributes[:_MOST_ATTRIBUTES])}>"


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
    element: int


class _Walk:
    """One walk over a page, without recursion, since pages may be nested deeper than Python's stack.

    After a walk without `frame`, `sizes` are the characters outside links of each element that may be a frame, by its
    `mem_id`. `unlinked` and `prose` count the characters outside links, in all and in paragraphs
    that aren't in a footer.
    """

    def __init__(self, hidden: Hidden, frame: PageFrame | None) -> None:
        self._hidden = hidden
        self._frame = frame
        self._pieces: list[str] = []
        self._characters = self._linked = self._links = 0
        self._within = dict.fromkeys(("a", "pre", "article", "main", "p", "footer"), 0)  # how many of these are open
        self._cells = 0
        self.sizes: dict[int, int] = {}
        self.prose = 0

    @property
    def unlinked(self) -> int:
        """The characters outside links that were written."""
        return self._characters - self._linked

    def text(self, root: LexborNode) -> str:
        """Return what is in an element, with marks between its parts."""
        stack: list[LexborNode | _Open] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, _Open):
                self._leave(node)
            elif node.tag == "-text":
                self._write(node.text(deep=False))
            elif (
                node.tag not in _DROPPED
                and not _is_permalink(node)
                and not self._hidden.hides(node)
                and not self._is_frame(node)
            ):
                stack.append(self._enter(node))
                stack.extend(reversed(list(node.iter(include_text=True))))
        return "".join(self._pieces)

    def _write(self, text: str) -> None:
        text = text.replace("\n", _LINE) if self._within["pre"] and not self._cells else _SPACE.sub(" ", text)
        self._pieces.append(text)
        count = len(text.strip())
        self._characters += count
        self._linked += count if self._within["a"] else 0
        if self._within["p"] and not self._within["a"] and not self._within["footer"]:
            self.prose += count

    def _enter(self, node: LexborNode) -> _Open:
        tag = node.tag or ""
        mark = self._mark(node, tag)
        opened = _Open(tag, mark, len(self._pieces), self._characters, self._linked, self._links, node.mem_id)
        if mark != _CELL:
            self._pieces.append(mark + _HEADING if tag in _HEADINGS and mark == _PARAGRAPH else mark)
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
        characters = self._characters - opened.characters
        if self._frame is None:
            self.sizes[opened.element] = characters - linked
        elif links >= _FEW_LINKS and linked > _DENSE * characters and opened.tag in _DENSE_TAGS:
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
        if self._frame is None:
            return False
        return self._frame.holds(node, in_content=bool(self._within["article"] or self._within["main"]))


def _is_permalink(node: LexborNode) -> bool:
    """Tell whether an element is the sign beside a heading that links to it."""
    if node.tag != "a" or not node.attributes:
        return False
    return node.text(strip=True) in _PERMALINKS and (node.attributes.get("href") or "").startswith("#")


def _tidied(marked: str) -> Iterator[tuple[str, bool]]:
    """Yield the paragraphs of a text with marks, its marks as line ends and bars, and whether each is a heading."""
    for paragraph in marked.split(_PARAGRAPH):
        lines = []
        is_heading = paragraph.startswith(_HEADING)
        for line in paragraph.removeprefix(_HEADING).replace(_HEADING, "").split(_LINE):
            cells = [cell.strip() for cell in line.split(_CELL)]
            lines.append(" | ".join(cell for cell in cells if cell))
        if any(lines):
            yield _SPACES.sub(" ", "\n".join(line for line in lines if line)), is_heading
