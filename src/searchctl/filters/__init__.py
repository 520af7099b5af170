"""Filters: `grammar` reads and writes them, `values` makes one form of them, `combining` joins them.

`checking` holds them against an index's fields, and `holding` decides them for one document. A new operator is a class in
`types`, listed in `values` and `checking`, its sign in `grammar`, what it means in `holding`, and one line in each engine.
"""

from __future__ import annotations

from searchctl.filters.checking import check_filter, typed
from searchctl.filters.combining import all_hold, conjuncts
from searchctl.filters.grammar import parse_filter, parse_where, written
from searchctl.filters.holding import holds
from searchctl.filters.values import as_filter

__all__ = [
    "all_hold",
    "as_filter",
    "check_filter",
    "conjuncts",
    "holds",
    "parse_filter",
    "parse_where",
    "typed",
    "written",
]
