"""What the legs said to one question, and what follows from it: the fused order, relevance, totals, and the legs' reports."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from searchctl.ranking.bm25 import idf, upper_bound
from searchctl.ranking.cosine_baseline import foreign_share
from searchctl.ranking.fusion import Floats, Fused, FusionSettings, Rows, fuse
from searchctl.ranking.relevance import Calibration, relevances, unseen_relevance
from searchctl.schema import Background, Schema
from searchctl.search.lexical_confidence import for_unread, gated, lexical_certainty
from searchctl.search.query import ParsedQuery
from searchctl.search.synonyms import Weighed
from searchctl.text.codes import codes
from searchctl.translation import _
from searchctl.types import LegReport, LexicalQuery, Mode, Ranking, TermStatistics, Total, VectorQuery

WINDOW = 100  # each leg's candidates; fixed, so that the order of hits never depends on the page asked for


@dataclass(frozen=True, slots=True)
class Question:
    """A query as it is put to the legs; a leg's part is None when it isn't asked."""

    text: str
    parsed: ParsedQuery
    lexical: LexicalQuery | None
    vector: VectorQuery | None
    encoding_ms: float = 0.0
    unmet: tuple[str, ...] = ()  # quoted phrases that no document has: they are looked for as words
    expansion: Weighed | None = None  # what stands for its words, with the statistics of all of them
    ignored: tuple[str, ...] = ()  # words with a sign that the index can't honour
    unread: float = 0.0  # share in [0, 1] of its letters that the encoder can't read
    no_vector: str | None = None  # why the vector leg isn't asked
    background: Background | None = (
        None  # what cosines unrelated texts have: of the index, or of the encoder in general
    )
    without: str | None = None  # the id of a document that isn't wanted

    @property
    def literals(self) -> tuple[str, ...]:
        """The words and phrases that are meant as they are typed: required, quoted, and codes."""
        typed = self.parsed.text
        own = [typed[code.start : code.end] for code in codes(typed) if code.literal]
        return tuple(dict.fromkeys((*self.parsed.required, *self.parsed.quoted, *own)))

    def without_quotes(self) -> Question:
        """Return the question with the words of its quotations, which no longer must stand together."""
        parsed = replace(self.parsed, quoted=())
        lexical = self.lexical and replace(self.lexical, scope=replace(self.lexical.scope, required=parsed.required))
        vector = self.vector and replace(self.vector, scope=replace(self.vector.scope, required=parsed.required))
        return replace(self, parsed=parsed, lexical=lexical, vector=vector, unmet=self.parsed.quoted)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Documents best first, with their relevance (n,).

    `best_relevance` is of all, also of those that weren't kept, and `unseen` the most that a document beyond could have.
    """

    fused: Fused
    relevance: Floats
    best_relevance: float
    total: Total
    unseen: float = 0.0

    def only(self, rows: Rows) -> Ordered:
        """Return the list with these rows only; what is said of all stays."""
        return replace(self, fused=self.fused.only(rows), relevance=self.relevance[rows])


@dataclass(frozen=True, slots=True)
class LegAnswers:
    """What the legs said to a question: the first `depth` of each."""

    question: Question
    statistics: TermStatistics
    lexical: Ranking | None
    vector: Ranking | None
    depth: int = WINDOW

    @property
    def weights(self) -> dict[str, float]:
        """How much each of the query's words tells, for those which the index holds."""
        own = {term: idf(self.statistics.documents, n) for term, n in self.statistics.frequencies.items() if n}
        return own if self.question.expansion is None else {**own, **self.question.expansion.weights}

    @property
    def bound(self) -> float:
        """The most that BM25 could give for the query."""
        expansion = self.question.expansion
        return upper_bound(self.statistics) if expansion is None or expansion.bound is None else expansion.bound

    @property
    def is_cut_off(self) -> bool:
        """Whether a leg may have more documents than it gave."""
        return any(leg is not None and len(leg.ids) >= self.depth for leg in (self.lexical, self.vector))

    @property
    def best_passages(self) -> dict[str, int]:
        """The ordinal of each document's best passage, for the documents of which the vector leg knows it."""
        return dict(zip(self.vector.ids, self.vector.passages, strict=True)) if self.vector is not None else {}

    @property
    def quotes_nothing(self) -> bool:
        """Whether quoted phrases are why no document was found, as far as that can be told."""
        rankings = [ranking for ranking in (self.lexical, self.vector) if ranking is not None]
        return bool(self.question.parsed.quoted) and not any(ranking.ids for ranking in rankings)

    @property
    def knows_no_word(self) -> bool:
        """Whether the query has words and the index holds none of them."""
        frequencies = self.statistics.frequencies
        return bool(frequencies) and not any(frequencies.values())

    def fused(self, schema: Schema, settings: FusionSettings) -> Fused:
        """Join the legs, a query's codes and quotations leaning towards its words."""
        query, background = self.question.vector, self.question.background
        if background is not None and query is not None:
            background = background.around(query.vector)
        certainty = lexical_certainty(self.question.parsed, self.statistics, schema.analyzer)
        if self.question.expansion is not None:
            certainty = max(certainty, self.question.expansion.certainty)
        return fuse(
            self.lexical,
            self.vector,
            bound=self.bound,
            background=background,
            settings=for_unread(gated(settings, certainty), self.question.unread),
        )

    def ordered(self, schema: Schema, settings: FusionSettings) -> Ordered:
        """Fuse the legs, and tell how relevant each document is."""
        fused = self.fused(schema, settings)
        weighted = fused if settings.method == "weighted" else self.fused(schema, FusionSettings())
        foreign = foreign_share(self.question.parsed.text, schema.background)
        own = Calibration(*schema.relevance) if schema.relevance and self.lexical and self.vector else None
        relevance = relevances(weighted, self.documents, foreign, own)
        if weighted is not fused:
            by_id = dict(zip(weighted.ids, relevance.tolist(), strict=True))
            relevance = np.array([by_id[id] for id in fused.ids])
        best = float(relevance.max(initial=0.0))
        unseen = unseen_relevance(weighted, self.documents, self.depth, foreign, own)
        return Ordered(fused, relevance, best, self.total(len(fused.ids)), unseen)

    def total_from(self, count: int, unseen: float, least: float) -> Total:
        """Count the documents of at least this relevance, `count` of those that were seen."""
        return Total(count, "eq" if unseen < least else "gte", self._mode)

    @property
    def _mode(self) -> Mode:
        if self.vector is None:
            return "lexical"
        return "vector" if self.lexical is None else "hybrid"

    def total(self, candidates: int) -> Total:
        """Count matches: a hybrid answer has what was fused, exactly so if neither leg knows more; else at least that.

        Lexical answers count the documents with the query's words, those of the vector leg all that have vectors.
        """
        if self.lexical is None or self.vector is None:
            alone = self.vector if self.lexical is None else self.lexical
            return replace(alone.total, counts=self._mode) if alone is not None else Total(0)
        lexical = self.lexical.total
        complete = all(
            leg.total.relation == "eq" and leg.total.value <= len(leg.ids) for leg in (self.lexical, self.vector)
        )
        if lexical.value > candidates:
            return Total(lexical.value, "gte", "lexical")
        return Total(candidates, "eq" if complete else "gte", "hybrid")

    def reports(self) -> dict[str, LegReport]:
        """Return for each leg whether it ran, and why it gave nothing or hasn't looked at everything."""
        return {"lexical": self._lexical_report(), "vector": self._vector_report()}

    @property
    def documents(self) -> int:
        """How many documents the index holds."""
        return max(self.statistics.documents, self.vector.total.value if self.vector is not None else 0)

    def _lexical_report(self) -> LegReport:
        if self.lexical is None:
            return LegReport(False, "only vectors were asked for")
        if self.lexical.gap is not None:
            return LegReport(not self.lexical.gap.whole, self.lexical.gap.reason, round(self.lexical.took_ms, 3))
        reason = None if self.lexical.ids else _("no document matches")
        if not self.statistics.frequencies and not self.lexical.ids:
            reason = _("the query has no words to look for")
        elif self.knows_no_word:
            reason = _("no word of the query is in the index")
        return LegReport(True, reason, round(self.lexical.took_ms, 3))

    def _vector_report(self) -> LegReport:
        if self.vector is not None:
            reason = None if self.vector.ids else _("no document matches")
            if self.vector.gap is not None:
                reason = self.vector.gap.reason
            return LegReport(True, reason, round(self.vector.took_ms + self.question.encoding_ms, 3))
        return LegReport(False, self.question.no_vector or "the index has no vectors")
