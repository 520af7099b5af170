"""The language of filters, as people type them and as they are printed.

    filter = all { "OR" all }
    all    = each { "AND" each }
    each   = "NOT" each | "(" filter ")" | clause
    clause = field "=" values | field "!=" values | field ( ">" | ">=" | "<" | "<=" ) value
           | field [ "NOT" ] "IN" "(" value { "," value } ")" | field "ALL" "(" value { "," value } ")"
           | field "IS" [ "NOT" ] "NULL"
    values = "*" | value { "," value }

`field=a,b` means any of the values, `field ALL (a, b)` each of them, `field=*` that it has one, `field=ab*` that one begins so.
A value or a field with anything but letters, digits, blanks and `. - _ / @ : # + % ' &` in it stands in quotes, with a backslash
before a quote or a backslash in them. Words in capitals belong to the language. Whatever else is typed is refused, with its column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from searchctl.errors import UsageError
from searchctl.filters.combining import all_hold, any_holds
from searchctl.translation import _
from searchctl.types import And, Clause, Exists, Filter, Not, OneOf, Or, Prefix, Range, Scalar

MAX_LENGTH = 20_000  # characters of one filter
MAX_CLAUSES = 500
MAX_DEPTH = 50
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "ALL", "IS", "NULL"})
_OPERATOR = re.compile(r"==|!=|<>|>=|<=|=|>|<")
_BOUNDS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
_SYMBOLS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
_FIELD_END = re.compile(r"[=!<>~]|\s+(?=(?:NOT\s+)?IN\s*\(|ALL\s*\(|IS\s+(?:NOT\s+)?NULL\b)|\s+(?=(?:AND|OR)\b)")
_VALUE_END = re.compile(r'[,()"\\<>=|]|&&|\s(?=(?:AND|OR)(?:[\s(]|$))')
_QUOTES = {'"': '"', "'": "'"}
_FOREIGN_QUOTES = "“”„«»‘’"
_PLAIN = re.compile(r"\w[\w.-]*")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{1,2}|[+-]?\d{1,3}(,\d{3})+")


def parse_where(texts: Sequence[str]) -> Filter | None:
    """Read filters of which all have to hold, as given by a repeated option. Raises UsageError."""
    return all_hold([parse_filter(text) for text in texts])


def parse_filter(text: str) -> Filter:
    """Read one filter; raises UsageError, which marks the column of what can't be read."""
    if len(text) > MAX_LENGTH:
        raise UsageError(
            _("the filter has {count:,} characters; give at most {MAX_LENGTH:,}").format(
                count=len(text), MAX_LENGTH=MAX_LENGTH
            )
        )
    return _FilterReader(text).read()


def written(given: Filter | None) -> str:
    """Return a filter as text that is read as the same filter; empty for None."""
    return "" if given is None else _written(given)


class _FilterReader:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._clauses = 0

    def read(self) -> Filter:
        whole = self._any(0)
        if self._at < len(self._text):
            self._refuse("expected AND, OR or the end", "a value with such a sign in it stands in quotes")
        return whole

    def _any(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            self._refuse(f"more than {MAX_DEPTH} parentheses or NOT inside each other")
        parts = [self._all(depth)]
        while self._word("OR"):
            parts.append(self._all(depth))
        return any_holds(parts)

    def _all(self, depth: int) -> Filter:
        parts = [self._each(depth)]
        while self._word("AND"):
            parts.append(self._each(depth))
        whole = all_hold(parts)
        assert whole is not None  # there is one part at least
        return whole

    def _each(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            self._refuse(f"more than {MAX_DEPTH} parentheses or NOT inside each other")
        if self._word("NOT"):
            return Not(self._each(depth + 1))
        if self._sign("("):
            inside = self._any(depth + 1)
            if not self._sign(")"):
                self._refuse("expected AND, OR or )")
            return inside
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            self._refuse(f"more than {MAX_CLAUSES} conditions")
        return self._clause()

    def _clause(self) -> Filter:
        field = self._field()
        self._blanks()
        if self._word("IS"):
            none = not self._word("NOT")
            if not self._word("NULL"):
                self._refuse("expected NULL")
            return Not(Clause(field, Exists())) if none else Clause(field, Exists())
        if self._word("ALL"):
            whole = all_hold([Clause(field, OneOf((value,))) for value in self._listed(field)])
            return whole if whole is not None else self._refuse("expected a value in ( )")
        negated = self._word("NOT")
        if self._word("IN"):
            inside: Filter = Clause(field, OneOf(self._listed(field)))
            return Not(inside) if negated else inside
        operator = self._operator()
        if operator in _BOUNDS:
            return Clause(field, Range(**{_BOUNDS[operator]: self._bound(field)}))
        values = self._values(field)
        return Not(values) if operator == "!=" else values

    def _field(self) -> str:
        self._blanks()
        quote = self._text[self._at : self._at + 1]
        if quote in _QUOTES and quote:
            name = self._quoted()
            if not name:
                self._refuse("expected the name of a field")
            return name
        begin = self._at
        end = _FIELD_END.search(self._text, begin)
        name = self._text[begin : end.start() if end else len(self._text)].strip()
        bad = re.search(r'[()",\\|]', name)
        if not name or bad or name in _WORDS:
            self._at = begin + (bad.start() if bad else 0)
            self._refuse("expected a field and what it has to be", "write for instance lang=ru or price>=10")
        first = name.split()[0]
        if first in ("AND", "OR"):
            self._refuse("expected a field and what it has to be", "write for instance lang=ru or price>=10")
        if first.upper() in ("NOT", "AND", "OR") and " " in name:
            self._refuse(f"'{name}' isn't a field's name", f"write {first.upper()} in capitals, or the name in quotes")
        self._at = end.start() if end else len(self._text)
        if end is None:
            self._at = begin
            self._refuse("there is no operator", "write field=value, field=a,b, field!=value, field>=10 or field=*")
        return name

    def _operator(self) -> str:
        sign = _OPERATOR.match(self._text, self._at)
        if not sign:
            self._refuse("expected an operator", "write =, !=, >, >=, <, <=, IN (…), ALL (…) or IS NULL")
        after = self._text[sign.end() : sign.end() + 1]
        if after and after in "=<>!~":
            self._refuse(
                f"'{sign.group()}{after}' isn't an operator",
                "write =, !=, >, >=, < or <=; a value that begins with such a sign stands in quotes",
            )
        self._at = sign.end()
        return {"==": "=", "<>": "!="}.get(sign.group(), sign.group())

    def _values(self, field: str) -> Filter:
        """Read what follows = or !=: a star, or values of which any will do, some of them perhaps beginnings."""
        self._blanks()
        begin = self._at
        values = [self._value(field)]
        while self._text[self._at : self._at + 1] == ",":
            self._check_comma(begin)
            self._at += 1
            values.append(self._value(field))
        typed = self._text[begin : self._at].strip()
        if len(values) > 1 and _DECIMAL_COMMA.fullmatch(typed):
            self._at = begin
            self._refuse(
                f"'{typed}' may be one number or several",
                f"write {typed.replace(',', '.', 1)} for one number, or {field} IN ({typed.replace(',', ', ')})",
            )
        if any(isinstance(value, Exists) for value in values) and len(values) > 1:
            self._refuse("* alone means any value", f"write {field}=*")
        exact = tuple(value for value in values if isinstance(value, str))
        others = [Clause(field, value) for value in values if not isinstance(value, str)]
        return any_holds([*([Clause(field, OneOf(exact))] if exact else []), *others])

    def _check_comma(self, begin: int) -> None:
        """Refuse a comma with a blank beside it: it may be part of one value, as in Washington, DC."""
        text, at = self._text, self._at
        if text[at + 1 : at + 2].isspace() or text[at - 1 : at].isspace():
            end = _VALUE_END.search(text, at + 1)
            whole = text[begin : end.start() if end else len(text)].strip()
            self._refuse(
                "a comma beside a blank may be part of the value",
                f'write "{whole}" in quotes for one value, or the values without blanks: a,b',
            )

    def _bound(self, field: str) -> str:
        self._blanks()
        begin = self._at
        value = self._value(field)
        if self._text[self._at : self._at + 1] == ",":
            self._refuse("a bound is one value", "decimals are written with a point: 9.5")
        if not isinstance(value, str):
            self._at = begin
            self._refuse("a bound can't have a *")
        return value

    def _listed(self, field: str) -> tuple[str, ...]:
        """Read the values of IN and ALL in their parentheses."""
        if not self._sign("("):
            self._refuse("expected ( and values")
        values: list[str] = []
        while not self._sign(")"):
            if values and not self._sign(","):
                self._refuse("expected a comma or )")
            value = self._value(field)
            if not isinstance(value, str):
                self._refuse("no * in a list", f"write ({field}=ab* OR {field}=cd*)")
            values.append(value)
        return tuple(values)

    def _value(self, field: str) -> str | Prefix | Exists:
        self._blanks()
        first = self._text[self._at : self._at + 1]
        if first and first in _QUOTES:
            value = self._quoted()
            if self._text[self._at : self._at + 1] == "*":
                self._at += 1
                return Prefix(value)
            self._blanks()
            return value
        begin = self._at
        if first and first in _FOREIGN_QUOTES:
            self._refuse("values stand in straight quotes", f'write {field}="…"')
        end = _VALUE_END.search(self._text, begin)
        stop = end.start() if end else len(self._text)
        value = self._text[begin:stop].strip()
        if end and end.group().strip() and end.group() not in ",)":
            self._at = stop
            self._refuse(f"'{end.group()}' can't stand in a value as it is", f'write the value in quotes: {field}="…"')
        if not value or value in _WORDS:
            self._refuse(
                "expected a value", f'an empty one is written {field}="", documents without one are {field}!=*'
            )
        self._at = stop
        return self._starred(field, value, begin)

    def _starred(self, field: str, value: str, begin: int) -> str | Prefix | Exists:
        star = value.find("*")
        if star < 0:
            return value
        if value == "*":
            return Exists()
        if star < len(value) - 1:
            self._at = begin + star
            self._refuse(
                "* stands alone or at the end of a value", f'a star that is meant as such stands in quotes: {field}="…"'
            )
        return Prefix(value[:-1])

    def _quoted(self) -> str:
        begin, quote = self._at, self._text[self._at]
        at, letters = begin + 1, []
        while at < len(self._text) and self._text[at] != quote:
            if self._text[at] == "\\":
                at += 1
                if self._text[at : at + 1] not in ('"', "'", "\\"):
                    self._at = at - 1
                    self._refuse("a backslash in quotes stands before a quote or a backslash")
            letters.append(self._text[at : at + 1])
            at += 1
        if at >= len(self._text):
            self._refuse("the quote isn't closed")
        self._at = at + 1
        after = self._text[self._at : self._at + 1]
        if after and not after.isspace() and after not in ",)*=!<>":
            self._refuse("expected a comma, AND, OR or the end after a quoted text", 'write a quote inside as \\"')
        return "".join(letters)

    def _word(self, word: str) -> bool:
        """Take a word of the language, if it comes next."""
        self._blanks()
        end = self._at + len(word)
        if self._text[self._at : end] != word or not re.match(r"[\s(]|$", self._text[end:]):
            return False
        self._at = end
        return True

    def _sign(self, sign: str) -> bool:
        self._blanks()
        if self._text[self._at : self._at + 1] != sign:
            return False
        self._at += 1
        return True

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _refuse(self, what: str, cure: str = "") -> NoReturn:
        """Raise UsageError: what is wrong, at which column, and what to write."""
        before, after = self._text[max(0, self._at - 60) : self._at], self._text[self._at : self._at + 40]
        raise UsageError(
            _("can't read the filter at column {at}, where ^ stands: {before}^{after}: {what}{what2}").format(
                at=self._at + 1, before=before, after=after, what=what, what2="; " + cure if cure else ""
            )
        )


def _written(given: Filter) -> str:
    if isinstance(given, And):
        return " AND ".join(_enclosed(part) if isinstance(part, Or) else _written(part) for part in given.parts)
    if isinstance(given, Or):
        return " OR ".join(_written(part) for part in given.parts)
    if isinstance(given, Clause):
        return _written_clause(given, "=", "IN")
    part = given.part
    if isinstance(part, Clause) and not isinstance(part.condition, Range):
        return _written_clause(part, "!=", "NOT IN")
    return f"NOT {_enclosed(part) if not isinstance(part, Not) else _written(part)}"


def _enclosed(part: Filter) -> str:
    return f"({_written(part)})"


def _written_clause(clause: Clause, equals: str, among: str) -> str:
    field, condition = _quote(clause.field), clause.condition
    if isinstance(condition, Exists):
        return f"{field}{equals}*"
    if isinstance(condition, Prefix):
        return f"{field}{equals}{_quote(condition.text)}*"
    if isinstance(condition, Range):
        bounds = {name: getattr(condition, name) for name in _SYMBOLS}
        return " AND ".join(
            f"{field}{_SYMBOLS[name]}{_quote(bound)}" for name, bound in bounds.items() if bound is not None
        )
    if len(condition.values) == 1:
        return f"{field}{equals}{_quote(condition.values[0])}"
    return f"{field} {among} ({', '.join(map(_quote, condition.values))})"


def _quote(value: Scalar) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(text) and text not in _WORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
