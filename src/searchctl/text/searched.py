"""What the lexical leg holds of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from searchctl.fields import as_values
from searchctl.schema import Schema
from searchctl.text.codes import keys_of
from searchctl.types import Document


@dataclass(frozen=True, slots=True)
class SearchedTexts:
    """A document's texts by name: title, text and its fields of type text, in this order; phrases don't go from one to the next.

    `again` are texts of boosted fields, once for each further time that they count. `keys` are those of the codes in all texts.
    """

    parts: dict[str, str]
    again: tuple[str, ...]
    keys: str

    @property
    def beyond(self) -> list[str]:
        """What is searched beyond the texts themselves."""
        return [*self.again, *([self.keys] if self.keys else [])]

    def all(self) -> list[str]:
        """Return everything that is searched, the texts in one piece."""
        return ["\n".join(self.parts.values()), *self.beyond]

    def paragraphs(self) -> Iterator[str]:
        """Yield pieces of which no phrase crosses the borders: everything that is searched."""
        for text in (*self.parts.values(), *self.beyond):
            yield from (paragraph for paragraph in text.split("\n\n") if paragraph)


def searched_texts(document: Document, schema: Schema) -> SearchedTexts:
    """Return what the lexical leg holds of a document: all of its text, and once more for each time that a boosted field counts.

    So a word counts in a boosted field as if it stood there so often, before BM25 lets its repetitions fade: "Simple BM25
    Extension to Multiple Weighted Fields" (Robertson, Zaragoza and Taylor, CIKM 2004). How common words are, and so the most
    a query can score, stays as it is.
    """
    parts = {"title": document.title, "text": document.text}
    parts |= {
        name: "\n\n".join(map(str, as_values(document.fields[name])))
        for name in sorted(document.fields)
        if schema.fields.get(name) == "text"
    }
    again = [parts[name] for name, times in sorted(schema.boosts.items()) if parts.get(name) for _ in range(times - 1)]
    keys = " ".join(dict.fromkeys(key for text in parts.values() for key in keys_of(text).split()))
    return SearchedTexts(parts, tuple(again), keys)
