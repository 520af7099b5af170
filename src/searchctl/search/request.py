"""What is asked for beside the query itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchctl.errors import UsageError
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.search.facets import FacetLike
from searchctl.search.rerank import Rerank
from searchctl.translation import _
from searchctl.types import MODES, Mode, Where

if TYPE_CHECKING:
    from searchctl.engines.base import Technique

MAX_HITS = 10_000  # how deep paging may go


@dataclass(frozen=True, slots=True)
class Request:
    """How to answer: `k` hits from number `start` (0 is the best) among the documents that `where` allows.

    Hits less relevant than `min_relevance` are left out. With `repair`, words that the index doesn't hold are read as typed on
    the other keyboard layout or in the other alphabet, or as misspelt, if that answers better. `sentences` has the sentences of the
    hits' passages encoded, so that the one which answers is found by its meaning as well. `rerank` reorders the best. `fusion` is
    as the index was tuned unless given; with `native` the order is that of the engine's own hybrid query, which OpenSearch has.

    `facets` are what to count (see `search.facets`). `sort` orders the hits by fields, as in "-updated,relevance": all of both legs
    that are at least as relevant as `floor`. `group_by` leaves the first hit of each value of a field.
    """

    k: int = 10
    mode: Mode = "hybrid"
    where: Where | None = None
    start: int = 0
    fusion: FusionSettings | None = None
    min_relevance: float = 0.0
    repair: bool = True
    sentences: bool = False
    rerank: Rerank | None = None
    native: Technique | None = None
    facets: FacetLike | Sequence[FacetLike] = ()
    sort: str | Sequence[str] = ()
    group_by: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(
                _("no mode '{mode}'; choose one of: {MODES}").format(mode=self.mode, MODES=", ".join(MODES))
            )
        if self.sort and (self.rerank is not None or self.native is not None):
            raise UsageError(
                _("a sorted answer has the order of its fields, so nothing reorders it; leave --sort or the other out")
            )
        if self.native is not None and self.mode != "hybrid":
            raise UsageError(
                _("a native fusion joins both legs, and mode '{mode}' asks one; leave one of them out").format(
                    mode=self.mode
                )
            )
        if self.k < 1 or self.start < 0 or self.start + self.k > MAX_HITS:
            raise UsageError(
                _("can't give {k} hits from number {start} on; ask for one or more within the first {MAX_HITS}").format(
                    k=self.k, start=self.start, MAX_HITS=MAX_HITS
                )
            )
        if not 0.0 <= self.min_relevance <= 1.0:
            raise UsageError(
                _("a relevance of {min_relevance} can't be asked for; give a number from 0 to 1").format(
                    min_relevance=self.min_relevance
                )
            )

    @property
    def floor(self) -> float:
        """The relevance below which hits are left out; a sorted answer has one always, or what is irrelevant would come first."""
        return DOUBTFUL if self.sort and not self.min_relevance else self.min_relevance
