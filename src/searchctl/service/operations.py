"""What the HTTP API can do: one plain function an operation, on types of `bodies`, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from searchctl.errors import InvalidDocument, UsageError
from searchctl.explore.answer import answer
from searchctl.explore.export import excerpt
from searchctl.index import Index
from searchctl.ingest.given import as_document
from searchctl.ingest.prepare import checked
from searchctl.routing.decide import Route, RouteSettings
from searchctl.search.as_json import results_json
from searchctl.service import bodies
from searchctl.service.access import Grant, Right
from searchctl.service.indexes import OpenIndexes
from searchctl.service.metrics import Metrics
from searchctl.service.problems import Refusal
from searchctl.types import Document, Results

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: `asked` is of the operation's type, `path` holds what stands in the address."""

    indexes: OpenIndexes
    metrics: Metrics
    grant: Grant
    path: Mapping[str, str]
    asked: Any = None

    @property
    def index(self) -> Index:
        """The index that the address names."""
        return self.indexes.index(self.path["index"])


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does. `right` is needed on the index that the path names; None where it names none.

    A GET takes its `asked` from the query string, others from a JSON body.
    """

    name: str
    method: Method
    path: str
    summary: str
    right: Right | None
    handle: Callable[[Call], Any]
    asked: type | None
    answer: type
    follows_index: bool = True  # whether equal requests get equal answers until the index changes


def list_indexes(call: Call) -> bodies.IndexesBody:
    """Return the indexes that the caller may read."""
    summaries = []
    for name in call.indexes.names():
        if call.grant.allows(name, "read"):
            index = call.indexes.index(name)
            info, schema = index.info(), index.schema
            summaries.append(
                bodies.IndexSummary(
                    name,
                    info.documents,
                    info.passages,
                    schema.encoder.name if schema.encoder else None,
                    dict(schema.fields),
                    call.grant.allows(name, "write"),
                )
            )
    return bodies.IndexesBody(summaries)


def search(call: Call) -> bodies.SearchAnswer:
    """Answer a query by words and by meaning."""
    asked: bodies.SearchRequest = call.asked
    results = call.indexes.searched(call.path["index"]).search(
        asked.q,
        asked.k,
        mode=asked.mode,
        where=asked.where,
        start=asked.start,
        min_relevance=asked.min_relevance,
        repair=asked.repair,
        sentences=asked.sentences,
        facets=asked.facets or (),
        sort=asked.sort or (),
        group_by=asked.group_by,
    )
    call.metrics.searched(answered=results.answered)
    return _search_answer(results)


def suggest(call: Call) -> bodies.SuggestionsBody:
    """Return what the beginning of a query may become."""
    asked: bodies.SuggestRequest = call.asked
    given = call.indexes.searched(call.path["index"]).suggest(asked.q, asked.k, wait=False)
    return bodies.SuggestionsBody(
        asked.q,
        given.ready,
        [bodies.SuggestionBody(one.text, one.kind, one.id, one.repair, one.index or None) for one in given],
    )


def topics(call: Call) -> bodies.TopicsBody:
    """Return the topics of an index and where its documents stand on a map."""
    drawn = call.indexes.topics.map_of(call.index)
    if drawn is None:
        return bodies.TopicsBody(False, [], [])
    collection = drawn.collection
    return bodies.TopicsBody(
        True,
        [
            bodies.TopicBody(one.id, one.name, [term.text for term in one.terms], len(one.members))
            for one in drawn.clusters.topics
        ],
        [
            bodies.PlacedDocument(id, excerpt(text), round(x, 4), round(y, 4), topic)
            for id, text, (x, y), topic in zip(
                collection.ids, collection.texts, drawn.places.tolist(), drawn.clusters.labels.tolist(), strict=True
            )
        ],
    )


def similar(call: Call) -> bodies.SearchAnswer:
    """Return the documents most like a stored one, or like a text."""
    asked: bodies.SimilarRequest = call.asked
    if (asked.id is None) == (asked.text is None):
        raise UsageError("give either the id of a stored document or a text")
    if asked.id is not None and call.index.get(asked.id) is None:
        raise Refusal(404, "no-such-document", f"there is no document '{asked.id}' in index '{call.path['index']}'")
    text = asked.id if asked.id is not None else asked.text
    assert text is not None  # one of the two is given
    return _search_answer(
        call.index.similar(text, asked.k, where=asked.where, start=asked.start, as_text=asked.id is None)
    )


def answer_question(call: Call) -> bodies.AnswerBody:
    """Return the sentence that answers a question."""
    asked: bodies.AnswerRequest = call.asked
    told = answer(call.index, asked.q, where=asked.where, others=asked.others)

    def sentence(given: Any) -> bodies.AnswerSentence:
        return bodies.AnswerSentence(
            given.id, given.title, given.sentence, given.start, given.end, given.relevance, given.score
        )

    return bodies.AnswerBody(
        told.question, told.answered, sentence(told.best) if told.best else None, [sentence(one) for one in told.others]
    )


def get_document(call: Call) -> bodies.StoredDocument:
    """Return a stored document; raises Refusal with 404 where there is none."""
    document = call.index.get(call.path["id"])
    if document is None:
        raise Refusal(404, "no-such-document", f"there is no document '{call.path['id']}'")
    return bodies.StoredDocument(document.id, document.title, document.text, dict(document.fields))


def put_document(call: Call) -> bodies.WriteReport:
    """Store a document under the id in the address, in place of what was there."""
    given: Mapping[str, Any] = call.asked
    if "id" in given and given["id"] != call.path["id"]:
        raise UsageError(f"the body's id {given['id']!r} isn't the address's '{call.path['id']}'; leave it out")
    report = call.index.ingest([{**given, "id": call.path["id"]}])
    return bodies.WriteReport(report.written, report.unchanged, [])


def delete_document(call: Call) -> bodies.DeleteReport:
    """Delete a document; one that isn't there is no error."""
    return bodies.DeleteReport(call.index.delete([call.path["id"]]))


def write_documents(index: Index, lines: list[tuple[int, Mapping[str, Any]]]) -> bodies.WriteReport:
    """Store documents, each with its line number. One that can't be stored is reported; the others are stored.

    Where an id occurs twice, the later line is stored and the earlier one reported.
    """
    wanted: dict[str, tuple[int, Document]] = {}
    failed = []
    for number, given in lines:
        try:
            document = checked(as_document(given))
        except (InvalidDocument, UsageError) as error:
            failed.append(bodies.FailureBody(number, _id_of(given), str(error)))
            continue
        if document.id in wanted:
            earlier = wanted[document.id][0]
            reason = f"line {number} has the same id; that one is stored"
            failed.append(bodies.FailureBody(earlier, document.id, reason))
        wanted[document.id] = (number, document)
    report = index.ingest([document for _, document in wanted.values()])
    return bodies.WriteReport(report.written, report.unchanged, failed)


def joined(reports: list[bodies.WriteReport]) -> bodies.WriteReport:
    """Return the sum of reports."""
    return bodies.WriteReport(
        sum(report.written for report in reports),
        sum(report.unchanged for report in reports),
        [failure for report in reports for failure in report.failed],
    )


def _id_of(document: Mapping[str, Any]) -> str | None:
    id = document.get("id")
    return None if id is None else str(id)


def list_labels(call: Call) -> bodies.LabelsBody:
    """Return all labels of a router."""
    with call.indexes.routing:
        labels = call.indexes.router(call.path["index"]).labels()
    return bodies.LabelsBody([bodies.LabelSummary(one.label, one.examples, one.description) for one in labels])


def predict(call: Call) -> bodies.RoutesBody:
    """Route texts to labels."""
    asked: bodies.PredictRequest = call.asked
    settings = RouteSettings(target_precision=asked.target_precision) if asked.target_precision else None
    with call.indexes.routing:
        routes = call.indexes.router(call.path["index"]).predict(asked.texts, settings)
    return bodies.RoutesBody([_routed(route) for route in routes])


def add_examples(call: Call) -> bodies.ChangedBody:
    """Add example texts of a label, effective at once."""
    asked: bodies.ExamplesRequest = call.asked
    with call.indexes.routing:
        return bodies.ChangedBody(call.indexes.router(call.path["index"]).add(asked.label, asked.texts))


def remove_examples(call: Call) -> bodies.ChangedBody:
    """Remove example texts, or a label with all of its examples."""
    asked: bodies.RemoveExamplesRequest = call.asked
    with call.indexes.routing:
        return bodies.ChangedBody(call.indexes.router(call.path["index"]).remove(asked.label, texts=asked.texts))


def undo(call: Call) -> bodies.ChangedBody:
    """Take back the last change to the examples."""
    with call.indexes.routing:
        return bodies.ChangedBody(undone=call.indexes.router(call.path["index"]).undo())


def _search_answer(results: Results) -> bodies.SearchAnswer:
    return msgspec.convert(results_json(results), bodies.SearchAnswer)


def _routed(route: Route) -> bodies.RoutedText:
    return bodies.RoutedText(
        route.label,
        route.candidates[0].label if route.candidates else None,
        route.confidence,
        route.why,
        [bodies.NeighbourBody(one.text, list(one.labels), one.similarity) for one in route.neighbours],
    )


_INDEX = "/v1/indexes/{index}"
OPERATIONS: tuple[Operation, ...] = (
    Operation("list_indexes", "GET", "/v1/indexes", "List the indexes.", None, list_indexes, None, bodies.IndexesBody),
    Operation(
        "search", "GET", f"{_INDEX}/search", "Search.", "read", search, bodies.SearchRequest, bodies.SearchAnswer
    ),
    Operation(
        "search_by_body",
        "POST",
        f"{_INDEX}/search",
        "Search, the question in the body.",
        "read",
        search,
        bodies.SearchRequest,
        bodies.SearchAnswer,
    ),
    Operation(
        "suggest",
        "GET",
        f"{_INDEX}/suggest",
        "Suggest what the beginning of a query may become.",
        "read",
        suggest,
        bodies.SuggestRequest,
        bodies.SuggestionsBody,
        follows_index=False,
    ),
    Operation(
        "topics",
        "GET",
        f"{_INDEX}/topics",
        "Sort the documents into topics, on a map.",
        "read",
        topics,
        None,
        bodies.TopicsBody,
        follows_index=False,
    ),
    Operation(
        "similar",
        "GET",
        f"{_INDEX}/similar",
        "Find documents like one, or like a text.",
        "read",
        similar,
        bodies.SimilarRequest,
        bodies.SearchAnswer,
    ),
    Operation(
        "answer",
        "GET",
        f"{_INDEX}/answer",
        "Answer a question with a sentence.",
        "read",
        answer_question,
        bodies.AnswerRequest,
        bodies.AnswerBody,
    ),
    Operation(
        "get_document",
        "GET",
        f"{_INDEX}/documents/{{id}}",
        "Read a document.",
        "read",
        get_document,
        None,
        bodies.StoredDocument,
    ),
    Operation(
        "put_document",
        "PUT",
        f"{_INDEX}/documents/{{id}}",
        "Store a document.",
        "write",
        put_document,
        bodies.DocumentBody,
        bodies.WriteReport,
    ),
    Operation(
        "delete_document",
        "DELETE",
        f"{_INDEX}/documents/{{id}}",
        "Delete a document.",
        "write",
        delete_document,
        None,
        bodies.DeleteReport,
    ),
    Operation(
        "labels", "GET", f"{_INDEX}/labels", "List a router's labels.", "read", list_labels, None, bodies.LabelsBody
    ),
    Operation(
        "predict",
        "POST",
        f"{_INDEX}/predict",
        "Route texts to labels.",
        "read",
        predict,
        bodies.PredictRequest,
        bodies.RoutesBody,
    ),
    Operation(
        "add_examples",
        "POST",
        f"{_INDEX}/examples",
        "Add examples of a label.",
        "write",
        add_examples,
        bodies.ExamplesRequest,
        bodies.ChangedBody,
    ),
    Operation(
        "remove_examples",
        "POST",
        f"{_INDEX}/examples/remove",
        "Remove examples, or a label.",
        "write",
        remove_examples,
        bodies.RemoveExamplesRequest,
        bodies.ChangedBody,
    ),
    Operation(
        "undo",
        "POST",
        f"{_INDEX}/undo",
        "Take back the last change of examples.",
        "write",
        undo,
        None,
        bodies.ChangedBody,
    ),
)
