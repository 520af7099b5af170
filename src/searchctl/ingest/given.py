"""Documents as a program hands them over: plain values of Python, NumPy and the like, checked and named by document and field."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any, TypeAlias
from uuid import UUID

from searchctl.errors import InvalidDocument
from searchctl.fields import as_values
from searchctl.translation import _
from searchctl.types import Document, Scalar, Value

GivenDocument: TypeAlias = "Document | Mapping[str, Any] | str"
_LARGEST_NUMBER = 2**63
_DEEPEST = 20
_EXPECTED = "a string, number, boolean or date, a list of these, or a mapping"


def given_documents(given: Iterable[GivenDocument] | GivenDocument) -> Iterator[Document]:
    """Yield the documents of what a program gives: several, or a single string, mapping or Document.

    Raises InvalidDocument naming the document's place, and its id where it has one, and the field that is wrong.
    """
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        given = given.to_dict("records")  # a table of pandas, which by itself gives the names of its columns
    single = isinstance(given, (str, Mapping, Document))
    if not single and (isinstance(given, (bytes, bytearray)) or not isinstance(given, Iterable)):
        raise InvalidDocument(
            _("documents are given as strings, mappings or Documents, found {kind}").format(kind=_kind(given))
        )
    documents: Iterable[Any] = [given] if single else given  # type: ignore[assignment]
    for number, document in enumerate(documents):
        yield as_document(document, number)


def as_document(given: GivenDocument, number: int = 0) -> Document:
    """Return one document; raises InvalidDocument."""
    if isinstance(given, str):
        return Document(content_id("", given), given)
    if isinstance(given, Document):
        parts: dict[str, Any] = {"id": given.id, "title": given.title, "text": given.text}
        fields: Any = given.fields
    elif isinstance(given, Mapping):
        parts = dict(given)
        fields = {name: value for name, value in parts.items() if name not in ("id", "title", "text")}
    else:
        raise InvalidDocument(
            _("document {number} is {kind}, expected a string, a mapping or a Document").format(
                number=number, kind=_kind(given)
            )
        )
    where = _Where(f"document {number}")
    id = where.id(parts.get("id"))
    where = _Where(f"document {number} ('{id[:60]}')") if id else where
    title, text = where.text("title", parts.get("title")), where.text("text", parts.get("text"))
    if not text and not title:
        keys = ", ".join(str(key) for key in parts) or "none"
        raise InvalidDocument(
            _("{document}: a document needs a 'text' or a 'title'; found the keys: {keys}").format(
                document=where.document, keys=keys
            )
        )
    return Document(id or content_id(title, text), text, title, where.fields(fields))


def content_id(title: str, text: str, rest: str = "") -> str:
    """Return the id of a document that has none of its own: a hash of what it says, 24 hex digits."""
    content = f"{title}\0{text}" + (f"\0{rest}" if rest else "")
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def streamed(document: Document) -> Document:
    """Return a document from a pipe, which had no id, named by what it says: so two pipes never take each other's names."""
    rest = repr(sorted(document.fields.items(), key=lambda item: item[0])) if document.fields else ""
    return replace(document, id=content_id(document.title, document.text, rest))


class _Where:
    """One document's values, each checked; messages name the document and the field."""

    def __init__(self, document: str) -> None:
        self.document = document

    def _wrong(self, field: str, value: object, expected: str) -> InvalidDocument:
        return InvalidDocument(
            _("{document}: '{field}' is {kind}, expected {expected}").format(
                document=self.document, field=field, kind=_kind(value), expected=expected
            )
        )

    def id(self, value: object) -> str:
        """Return an id as text, "" for none."""
        plain = _plain(value)
        if plain is None or _is_nan(plain):
            return ""
        if isinstance(plain, bool) or not isinstance(plain, (str, int, float)):
            raise self._wrong("id", value, "a string or a number")
        return str(plain)

    def text(self, field: str, value: object) -> str:
        """Return a title or text, "" for none, which pandas writes as NaN; a list of strings is joined by blank lines."""
        plain = _plain(value)
        if plain is None or _is_nan(plain):
            return ""
        if isinstance(plain, str):
            return plain
        if isinstance(plain, (int, float)) and not isinstance(plain, bool):
            return str(plain)
        if isinstance(plain, list) and all(isinstance(item, str) for item in plain):
            return "\n\n".join(plain)
        raise self._wrong(field, value, "a string or a list of strings")

    def fields(self, given: object, prefix: str = "", depth: int = 0) -> dict[str, Value]:
        """Return fields with plain values; what is nothing is left out.

        Inner mappings are flattened to `outer.inner`; of a list of mappings each such name has the values of all.
        """
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            raise self._wrong("fields", given, "a mapping of names to values")
        if depth > _DEEPEST:
            raise InvalidDocument(
                _("{document}: '{prefix}' is nested deeper than {DEEPEST} mappings").format(
                    document=self.document, prefix=prefix, DEEPEST=_DEEPEST
                )
            )
        flat: dict[str, Value] = {}
        for key, value in given.items():
            if not isinstance(key, str):
                raise InvalidDocument(
                    _("{document}: the field name {key!r} is {kind}, expected a string").format(
                        document=self.document, key=key, kind=_kind(key)
                    )
                )
            name = f"{prefix}{key}"
            if isinstance(value, Mapping):
                for inner, kept in self.fields(value, f"{name}.", depth + 1).items():
                    flat.setdefault(inner, kept)
            elif isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
                for inner, values in self._columns(value, f"{name}.", depth + 1).items():
                    flat.setdefault(inner, values)
            elif (plain := self._value(name, value)) is not None:
                flat[name] = plain
        return flat

    def _columns(self, items: Sequence[Mapping[Any, Any]], prefix: str, depth: int) -> dict[str, list[Scalar]]:
        columns: dict[str, list[Scalar]] = {}
        for item in items:
            for inner, kept in self.fields(item, prefix, depth).items():
                columns.setdefault(inner, []).extend(as_values(kept))
        return columns

    def _value(self, name: str, value: object) -> Value | None:
        plain = _plain(value)
        if isinstance(plain, list):
            items = [self._scalar(name, item) for item in plain]
            return [item for item in items if item is not None] or None
        return self._scalar(name, plain)

    def _scalar(self, name: str, value: object) -> Scalar | None:
        if value is None or isinstance(value, (str, bool, int, float)):
            return value if value is None or isinstance(value, bool) else _storable(value)
        raise self._wrong(name, value, _EXPECTED)


def _storable(value: str | int | float) -> Scalar | None:
    """Return a value as sources give it: nothing for an empty string or NaN, digits for a whole number beyond 64 bits."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_NUMBER else str(value)
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """Return a value in terms of str, int, float, bool, None and lists of these, as far as it has such a form."""
    if value is None or isinstance(value, (bool, int, float, str)):
        # Enums and NumPy's str_ and float64 are subclasses.
        if isinstance(value, Enum):
            return _plain(value.value)
        for kind in (bool, int, float, str):
            if isinstance(value, kind):
                return kind(value)
        return None
    if isinstance(value, Enum):
        return _plain(value.value)
    if type(value).__name__ in ("NaTType", "NAType"):  # what pandas puts where there is nothing
        return None
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, Fraction)):
        return _number(value)
    if isinstance(value, (UUID, PurePath)):
        return str(value)
    if isinstance(value, (Sequence, Set)) and not isinstance(value, (bytes, bytearray, memoryview)):
        items = [_plain(item) for item in value]
        return sorted(items, key=repr) if isinstance(value, Set) else items
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # NumPy's scalars and arrays
        listed = value.astype(str).tolist() if value.dtype.kind == "M" else value.tolist()
        return None if listed == "NaT" else _plain(listed) if not hasattr(listed, "dtype") else value
    return value


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _number(value: Decimal | Fraction) -> int | float | None:
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    number = float(value)
    return int(value) if value == int(value) and -_LARGEST_NUMBER < number < _LARGEST_NUMBER else number


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
