"""What a page has and doesn't show: `hidden`, `display: none` on the element or by a rule of the page's own style."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_NOT_SHOWN = re.compile(r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_NAME = re.compile(r"(?:[a-z][a-z0-9]*)?([.#][\w-]+)", re.IGNORECASE)
_LONGEST_STYLE = 200_000  # characters


class Hidden:
    """The elements that one page hides."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self._names: set[str] = set()
        for style in tree.css("style"):
            if not (style.attributes.get("media") or "").strip().lower().startswith("print"):
                self._names |= _hidden_names(style.text()[:_LONGEST_STYLE])

    def hides(self, node: LexborNode) -> bool:
        """Tell whether an element, and all in it, isn't shown."""
        known = node.attributes
        if not known:
            return node.tag == "dialog"
        if "hidden" in known and (known["hidden"] or "").lower() != "until-found":
            return True
        if node.tag == "dialog" and "open" not in known:
            return True
        if (style := known.get("style")) and _NOT_SHOWN.search(style):
            return True
        if not self._names:
            return False
        classes = (known.get("class") or "").split()
        return f"#{known.get('id')}" in self._names or any(f".{name}" in self._names for name in classes)


def _hidden_names(style: str) -> set[str]:
    """Return the classes and ids that a style sheet hides everywhere, not only on paper or on small screens."""
    names: set[str] = set()
    for selectors, declarations in _RULE.findall(_without_conditions(_COMMENT.sub("", style))):
        found = {match.group(1) for part in selectors.split(",") if (match := _NAME.fullmatch(part.strip()))}
        if _NOT_SHOWN.search(declarations):
            names |= found
        elif "display" in declarations:
            names -= found
    return names


def _without_conditions(style: str) -> str:
    """Return a style sheet without its `@media` and other blocks of rules."""
    parts, position = [], 0
    while (start := style.find("@", position)) >= 0:
        parts.append(style[position:start])
        opening, end = style.find("{", start), style.find(";", start)
        if opening < 0 or 0 <= end < opening:
            position = end + 1 if end >= 0 else len(style)
            continue
        depth, position = 1, opening + 1
        for sign in re.finditer(r"[{}]", style[position:]):
            depth += 1 if sign.group() == "{" else -1
            if depth == 0:
                position += sign.end()
                break
        else:
            position = len(style)
    return "".join([*parts, style[position:]])
