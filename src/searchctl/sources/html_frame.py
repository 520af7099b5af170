"""What stands around a page's content: headers, footers, sidebars, menus. When in doubt it is content.

Measured beside trafilatura in benchmarks/reading.py: on small pages both keep all of the article, and this keeps less of
the frame. It needs no library beyond the parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_TAGS = frozenset("header footer aside menu form dialog".split())
_ROLES = frozenset("navigation banner contentinfo search complementary menu menubar".split())
_PART = "nav|navbar|navigation|menu|sidebar|breadcrumbs?|footer|cookies?|pagination|pager|share|sharing|related|toc"
_PLACE = (
    "site|page|main|top|bottom|left|right|primary|secondary|global|header|footer|mobile|social|side|user|widget"
    "|post|entry|article|cookie"
)
_KIND = (
    "area|bar|banner|block|box|container|content|inner|links|list|notice|wrapper|widget|column|col|consent|items?"
    "|section|posts?|articles?|buttons?"
)
_NAME = re.compile(rf"(?:(?:{_PLACE})[-_]{{1,2}})*(?:{_PART})(?:[-_]{{1,2}}(?:{_KIND}|{_PART}))*")
_CONTENT = "main, [role=main], [itemprop=articleBody]"
_MOST_OF_PAGE = 0.4  # of the characters outside links: what holds so much isn't the frame
_MOST_IN_FOOTER = 0.9  # a footer says what it is, and may have more words than a short page
_LEAST_PROSE = 0.25  # of the characters in paragraphs have to stay
_LEAST_LENGTH = 0.05  # of the text; where less is left, the page is all links


class PageFrame:
    """The frame of one page. `sizes` are the characters outside links of its elements, `total` those of the page."""

    def __init__(self, sizes: Mapping[int, int], total: int) -> None:
        self._sizes = sizes
        self._total = total

    def holds(self, node: LexborNode, *, in_content: bool) -> bool:
        """Tell whether an element is around the content instead of in it."""
        if not self._is_named_so(node, in_content):
            return False
        most = _MOST_IN_FOOTER if node.tag == "footer" else _MOST_OF_PAGE
        if self._sizes.get(node.mem_id, 0) > most * self._total:
            return False
        if node.css_first(_CONTENT) is not None:
            return False
        return node.tag in _TAGS or node.css_first("article, h1") is None

    def _is_named_so(self, node: LexborNode, in_content: bool) -> bool:
        if node.tag in _TAGS and not (node.tag == "header" and in_content):
            return True
        known = node.attributes
        if not known:
            return False
        if (known.get("role") or "").lower() in _ROLES or known.get("aria-hidden") == "true":
            return True
        names = [*(known.get("class") or "").lower().split(), (known.get("id") or "").lower()]
        return any(name and _NAME.fullmatch(name) for name in names)


def keeps_enough(prose: int, all_prose: int, length: int, whole: int) -> bool:
    """Tell whether what is left without the frame is the page's content; when it isn't, the page stays whole.

    `prose` are characters in paragraphs outside links, `length` all of the text; each beside what the page has.
    """
    return prose >= _LEAST_PROSE * all_prose and length >= _LEAST_LENGTH * whole
