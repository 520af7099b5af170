"""Words analysed here and sent as they are, for servers that lack the stemmers or the character filter of the templates."""

from __future__ import annotations

from typing import cast

from searchctl.schema import Analyzer, is_first_analysis
from searchctl.text.analysis import analyze

SENT_ANALYZER = "searchctl_sent"
_STOP = "STOP"  # terms are in lower case, so none is ever this; it keeps a stop word's place in phrases
SENT_ANALYSIS = {
    "filter": {"searchctl_sent_stop": {"type": "stop", "stopwords": [_STOP]}},
    "analyzer": {SENT_ANALYZER: {"type": "custom", "tokenizer": "standard", "filter": ["searchctl_sent_stop"]}},
}


def sent_words(text: str, analyzer: Analyzer) -> str:
    """Return the text's terms, with a mark for each stop word, as servers compare them (see `text.analysis`)."""
    first = cast(Analyzer, analyzer if is_first_analysis(analyzer) else f"{analyzer}-1")
    terms = {token.start: token.term for token in analyze(text, first)}
    return " ".join(terms.get(token.start, _STOP) for token in analyze(text, "standard-1"))
