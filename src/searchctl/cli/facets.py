"""How the counts of facets look: a small table each on a terminal, a line each beside hits that go into a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from searchctl.cli.output import printable, stdout_console
from searchctl.translation import _, number
from searchctl.types import FacetCounts, FacetValue, Range


def facet_lines(facets: Sequence[FacetCounts]) -> Iterator[str]:
    """Yield a line for each facet."""
    for counted in facets:
        values = " · ".join(f"{_named(one)} {one.count:,}" for one in counted.values)
        yield f"searchctl: {printable(counted.field)} ({_said_of(counted)}): {values or 'no value'}"


def print_facets(facets: Sequence[FacetCounts]) -> None:
    """Print a table for each facet."""
    from rich.table import Table
    from rich.text import Text

    for counted in facets:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("documents", justify="right", no_wrap=True)
        table.add_column(Text(f"{printable(counted.field)} ({_said_of(counted)})"), overflow="fold")
        for value in counted.values:
            table.add_row(number(value.count), Text(_named(value)))
        if counted.missing:
            table.add_row(number(counted.missing), Text(_("without a value"), style="dim"))
        stdout_console().print(table)


def _named(one: FacetValue) -> str:
    value = one.value
    if not isinstance(value, Range):
        return printable(str(value).lower() if isinstance(value, bool) else str(value))
    low = f"{value.gte}" if value.gte is not None else f">{value.gt}" if value.gt is not None else ""
    high = f"{value.lt}" if value.lt is not None else f"≤{value.lte}" if value.lte is not None else ""
    return printable(f"{low}..{high}")


def _said_of(counted: FacetCounts) -> str:
    what = _("with words of the query") if counted.counts == "lexical" else _("that the filter allows")
    parts = [_("of {documents:,} documents {what}").format(documents=counted.documents, what=what)]
    if counted.missing:
        parts.append(_("{missing:,} without a value").format(missing=counted.missing))
    if counted.more:
        parts.append(_("more values: --facet FIELD:N"))
    if counted.error:
        parts.append(_("counts may lack up to {error:,}").format(error=counted.error))
    return ", ".join(parts)
