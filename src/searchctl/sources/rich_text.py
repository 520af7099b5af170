"""Text that programs keep as lists and trees: Telegram's messages with links, Jira's documents, Notion's rich text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = ("text", "plain_text")
_BLOCKS = frozenset(
    "paragraph heading listItem bulletList orderedList taskItem blockquote codeBlock panel tableRow rule hardBreak "
    "rich_text_section rich_text_quote rich_text_preformatted".split()
)
_INNER = ("content", "children", "elements")
_DEEPEST = 40


def rich_text(value: Any) -> str | None:
    """Return the words of a value that is a text in pieces, None for one that isn't.

    That is a list of strings (its paragraphs), a list of strings and objects with a `text` (pieces of one text), or an
    object with `content`, `children` or `elements` that hold such pieces, as Jira's, Slack's and most editors' documents.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return "\n\n".join(value)
        pieces = [_piece(item) for item in value]
        if any(piece is None for piece in pieces):
            return None
        trees = any(isinstance(item, dict) and _inner(item) is not None for item in value)
        return ("\n" if trees else "").join(piece for piece in pieces if piece is not None)
    if isinstance(value, dict) and _inner(value) is not None:
        return "".join(_tree(value, 0)).strip()
    return None


def _piece(item: Any) -> str | None:
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return None
    words = next((item[name] for name in _WORDS if isinstance(item.get(name), str)), None)
    if words is not None:
        return str(words)
    return "".join(_tree(item, 0)).strip() if _inner(item) is not None else None


def _inner(node: Mapping[str, Any]) -> list[Any] | None:
    """Return the pieces of an editor's node; it says of what type it is."""
    if not isinstance(node.get("type"), str):
        return None
    return next((node[name] for name in _INNER if isinstance(node.get(name), list)), None)


def _tree(node: Any, depth: int) -> list[str]:
    if not isinstance(node, dict) or depth > _DEEPEST:
        return []
    words = [node["text"]] if isinstance(node.get("text"), str) else []
    for inner in _inner(node) or ():
        words += _tree(inner, depth + 1)
    return [*words, "\n"] if node.get("type") in _BLOCKS else words
