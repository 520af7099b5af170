"""The steps of a flow: what it asks next, what it is answered, and what becomes of its search."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from searchctl.gateway.reasons import WhyLexical
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.schema import EncoderStamp, FusionSettings
from searchctl.search.leg_answers import Ordered
from searchctl.search.rerank import DEPTH
from searchctl.types import Json

Mode: TypeAlias = Literal["reorder", "expand", "off"]
Shown: TypeAlias = Literal["hybrid", "reorder", "lexical"]
Step: TypeAlias = "Ask | Encode | Reorder"
Flow: TypeAlias = "Generator[Step, Any, SearchOutcome]"


@dataclass(frozen=True, slots=True)
class RerankPolicy:
    """The name of what reorders the first `depth` documents (see `rerankers.open_reranker`)."""

    name: str
    depth: int = DEPTH


@dataclass(frozen=True, slots=True)
class Policy:
    """How searches of some indexes are answered.

    `fields` are the only ones whose text counts, all where none are named. `least_coverage` and `least_relevance` in [0, 1]:
    below the one an index stays lexical, below the other a document that no word matches isn't shown. With `repair` a search that
    finds nothing is tried as it was probably meant; `rerank` reorders the best, None leaves them as they are.
    """

    mode: Mode = "reorder"
    fusion: FusionSettings | None = None
    fields: tuple[str, ...] = ()
    least_coverage: float = 0.5
    least_relevance: float = DOUBTFUL
    repair: bool = True
    rerank: RerankPolicy | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the server: a body, or lines for `_msearch`.

    `about` says that it asks what an index is, which the gateway's own credentials may answer where it has some.
    """

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    lines: tuple[Json, ...] = ()
    about: bool = False


@dataclass(frozen=True, slots=True)
class ServerReply:
    """What the server answered; `body` is a JSON value, `headers` are as they came."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Encode:
    """A text to encode as a question; `Encoded` is what comes back."""

    stamp: EncoderStamp
    text: str


@dataclass(frozen=True, slots=True)
class Reorder:
    """Let a slower model reorder the first documents, of which these are the texts; `Reordered` is what comes back."""

    stamp: EncoderStamp
    how: RerankPolicy
    query: str
    ordered: Ordered
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reordered:
    """The list as a slower model has it, or as it was where that failed."""

    ordered: Ordered


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What became of a search: its answer, or (`answer` None) why the app's own request has to be answered as it stands.

    `rescued`: nothing but meaning found something. `repaired` is the text that was answered in place of the one that found nothing.
    """

    shown: Shown
    refusal: WhyLexical | None = None
    answer: Json | None = None
    rescued: bool = False
    repaired: str = ""

    @property
    def remark(self) -> str:
        """Return the reason that headers and counts show: why it is lexical, or how a search that finds nothing was helped."""
        if self.refusal is not None:
            return self.refusal.reason
        return "repaired" if self.repaired else "rescued" if self.rescued else ""


class EndOfFlow(Exception):  # noqa: N818 - no error
    """Ends a flow early: the search stays lexical, for this reason."""

    def __init__(self, refusal: WhyLexical) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def lexical(refusal: WhyLexical) -> SearchOutcome:
    """Return the outcome of a search that stays as it is."""
    return SearchOutcome("lexical", refusal)
