"""Why a request stays lexical: one word for headers and metrics, one sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Reason: TypeAlias = Literal[
    "no_text",
    "match_all",
    "size_zero",
    "sort_not_score",
    "scroll_or_pit",
    "already_vector",
    "autocomplete",
    "exact_syntax",
    "more_like_this",
    "collapse",
    "unmapped_index",
    "multi_index_mixed_models",
    "query_too_long",
    "unread_script",
    "stale_coverage",
    "embed_timeout",
    "encoder_error",
    "backend_error",
    "backend_error_on_vector_leg",
    "budget",
    "circuit_open",
    "deep_page",
    "unknown_option",
    "unreadable",
    "untouched_endpoint",
    "not_in_share",
    "gateway_error",
    "disabled",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
SENTENCES: Mapping[Reason, str] = {
    "no_text": "no clause that scores asks for words",
    "match_all": "the search asks for all documents",
    "size_zero": "the search asks for no hits, only for facets or totals",
    "sort_not_score": "the hits are sorted by something else than relevance",
    "scroll_or_pit": "a scroll, point in time, slice or search_after reads a list to its end",
    "already_vector": "the search asks for vectors itself, or a search pipeline changes its answer",
    "autocomplete": "the only text is the beginning of a word",
    "exact_syntax": "the text is an identifier, or uses operators, quotation marks, fields or wildcards",
    "more_like_this": "the search compares documents, places or stored queries",
    "collapse": "hits are collapsed by a field",
    "unmapped_index": "an index that is searched has no vectors, or its mapping can't be read",
    "multi_index_mixed_models": "the indexes that are searched hold vectors of different encoders",
    "query_too_long": "the text or the request is longer than the gateway reads",
    "unread_script": "the encoder can't read the script of the text",
    "stale_coverage": "too few documents have vectors of their present text",
    "embed_timeout": "encoding the text took too long",
    "encoder_error": "the encoder can't be opened or failed",
    "backend_error": "the server refused the search itself",
    "backend_error_on_vector_leg": "the server refused what was asked beside the search",
    "budget": "the hybrid answer took longer than the budget",
    "circuit_open": "the last hybrid answers failed, so that for a while none is tried",
    "deep_page": "the page lies beyond the hits that a search may have",
    "unknown_option": "the request has an option or a clause that the gateway doesn't know",
    "unreadable": "the body isn't JSON that the gateway can read",
    "untouched_endpoint": "only searches are made hybrid",
    "not_in_share": "this session isn't among those that get hybrid answers",
    "gateway_error": "the gateway failed; its log says how",
    "disabled": "hybrid answers are switched off",
}


@dataclass(frozen=True, slots=True)
class WhyLexical:
    """Why a request isn't made hybrid; `detail` names what was found, without any of the request's text."""

    reason: Reason
    detail: str = ""

    @property
    def sentence(self) -> str:
        """Return what people read."""
        return f"{SENTENCES[self.reason]}{f' ({self.detail})' if self.detail else ''}"


class Refused(Exception):  # noqa: N818 - it is no error: the request is answered as it stands
    """Raised inside while a request is read."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason)
        self.refusal = WhyLexical(reason, detail)
