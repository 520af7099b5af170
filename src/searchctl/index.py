"""An index as its user sees it: an engine, a name, and the encoder its vectors came from."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from searchctl.encoders import DEFAULT_ENCODER, open_encoder, open_stamped
from searchctl.encoders.base import Encoder
from searchctl.encoders.weighting import weighted, weights_of
from searchctl.engines import DEFAULT_ENGINE, open_engine
from searchctl.engines.base import FullEngine, technique_of
from searchctl.errors import EncoderMismatch, IndexExists, IndexMissing, SearchctlError, UsageError
from searchctl.filters import as_filter, holds, typed
from searchctl.notation import without_halves
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.unit import unit
from searchctl.rerankers import open_reranker
from searchctl.rerankers.base import Reranker
from searchctl.schema import Analyzer, EncoderStamp, FieldType, PassageSettings, Schema
from searchctl.search.facets import FacetLike
from searchctl.search.recent import Recent
from searchctl.search.rerank import DEPTH, Rerank
from searchctl.search.searcher import Lists, Request, Searcher
from searchctl.search.suggesting import MOST, Suggester
from searchctl.search.synonyms import read_rules
from searchctl.settings.connection import Connection
from searchctl.settings.paths import user_path
from searchctl.several import as_texts
from searchctl.translation import _
from searchctl.types import Document, IndexInfo, Mode, Results, Scope, Suggestions, Where

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from searchctl.ingest.model import ConfirmPrune, IngestReport, IngestSettings, OnProgress
    from searchctl.sources import SourceFile

Answer = TypeVar("Answer")


class SearchOptions(TypedDict, total=False):
    """What `Index.search` takes beside the query; see `search.searcher.Request` for what is usual."""

    mode: Mode
    where: Where | None
    start: int
    fusion: FusionSettings | str | None
    min_relevance: float
    repair: bool
    sentences: bool
    rerank: str | Rerank | None
    facets: FacetLike | Sequence[FacetLike]
    sort: str | Sequence[str]
    group_by: str | None


_REPLACED_SECONDS = 5.0  # how long a server may take to put one index in another's place
_PAUSE = 0.02
_LISTS = 64  # fused lists kept for their next pages: at most some megabytes


class Index:
    """Documents with their vectors in one index of one engine. A context manager; `close` it otherwise.

    The index remembers its encoder, so searching needs no settings. `Index.open` is the usual way to get one.
    """

    def __init__(self, engine: FullEngine, name: str, encoder: Encoder | None = None) -> None:
        self.engine = engine
        self.name = name
        self._encoder = encoder
        self._rerankers: dict[str, Reranker] = {}
        self._lists: Lists = Recent(_LISTS)
        self._suggester = Suggester(engine, name)

    @classmethod
    def open(
        cls,
        engine: str | os.PathLike[str] = DEFAULT_ENGINE,
        name: str = "default",
        *,
        encoder: str | Encoder | None = None,
        connection: Connection | None = None,
        client: object = None,
        create: bool = True,
        analyzer: Analyzer = "auto",
        passages: PassageSettings | None = None,
        fields: Mapping[str, FieldType] | None = None,
        boosts: Mapping[str, int] | None = None,
        synonyms: Sequence[str] = (),
    ) -> Index:
        """Open an index, or make it when there is none and `create` allows that.

        `encoder` is a name or an object; None means the one the index was made with, and for a new index the shipped one.
        `connection` holds a server's credentials and TLS; `client` is an `OpenSearch(...)` or `Elasticsearch(...)` of your own in
        place of both: its signing, proxies and pool are used, and it stays open. The rest shapes a new index only: `boosts` is how
        many times the words of text fields count, as in `{"title": 3}`, and `synonyms` are lines like "tv, television" (see
        `use_synonyms`).
        Raises IndexMissing, EncoderMismatch, EncoderUnavailable, EngineUnreachable.
        """
        opened = open_engine(engine, connection, client=client)
        with ExitStack() as failed:
            failed.callback(opened.close)
            try:
                schema = opened.schema(name)
            except IndexMissing:
                if not create:
                    raise
                made = (
                    open_encoder(encoder or DEFAULT_ENCODER) if isinstance(encoder, str) or encoder is None else encoder
                )
                schema = Schema(
                    encoder_stamp(encoder, made),
                    analyzer,
                    passages or PassageSettings.usual(made.max_tokens),
                    dict(fields or {}),
                    boosts=dict(boosts or {}),
                    synonyms=read_rules(as_texts(synonyms, "a rule"), analyzer),
                )
                try:
                    opened.create(name, schema)
                except IndexExists:  # another process has made it just now
                    schema = opened.schema(name)
                    index = cls(opened, name)
                    index._use(made, schema)
                else:
                    index = cls(opened, name, made)
            else:
                index = cls(opened, name)
                if encoder is not None:
                    made = open_encoder(encoder) if isinstance(encoder, str) else encoder
                    index._use(weighted(made, schema.encoder), schema)
            failed.pop_all()
        return index

    def _use(self, encoder: Encoder, schema: Schema) -> None:
        stamp = schema.encoder
        if stamp is None or (encoder.revision, encoder.dim) != (stamp.revision, stamp.dim):
            holds = (
                f"vectors of {stamp.name} (revision {stamp.revision}, {stamp.dim} numbers)" if stamp else "no vectors"
            )
            raise EncoderMismatch(
                _(
                    "index '{name}' holds {holds}, not of {name2} (revision {revision}, {dim} numbers); leave "
                    "--encoder out, or ingest into a new index: searchctl ingest FOLDER --index NEW --encoder {name2}"
                ).format(name=self.name, holds=holds, name2=encoder.name, revision=encoder.revision, dim=encoder.dim)
            )
        self._encoder = encoder

    @property
    def schema(self) -> Schema:
        """The index's stamp."""
        return self.engine.schema(self.name)

    @property
    def encoder(self) -> Encoder | None:
        """The encoder the index was made with, loaded when first needed; None for an index without vectors."""
        return self._encoder_of(self.schema)

    def _encoder_of(self, schema: Schema) -> Encoder | None:
        """Return the stamp's encoder: another one than before when the name has come to mean a re-embedded index."""
        stamp, held = schema.encoder, self._encoder
        if stamp is None:
            return None
        if held is None or (held.revision, held.dim) != (stamp.revision, stamp.dim):
            held = open_stamped(stamp)
            if (held.revision, held.dim) != (stamp.revision, stamp.dim):
                raise EncoderMismatch(
                    _(
                        "index '{name}' was made with {name2} of revision {revision}, and here that is revision "
                        "{revision2}; make its vectors anew: searchctl reembed --index {name} --encoder {name2} "
                        "--known-items 0, or search by words: --mode lexical"
                    ).format(name=self.name, name2=stamp.name, revision=stamp.revision, revision2=held.revision)
                )
            self._encoder = held
        return held

    # Writing

    def ingest(
        self,
        documents: Iterable[Document | Mapping[str, Any] | str] | Document | Mapping[str, Any] | str,
        *,
        batch: int = 64,
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        """Store documents, encoded; those that are there unchanged cost next to nothing.

        A mapping has `text` and perhaps `id`, `title`; its other keys are fields: strings, numbers, booleans, dates, NumPy's
        scalars, lists of these, or mappings, which are flattened to `outer.inner`. None is nothing. A string is a text; without
        an `id` a document is named by a hash of its content. A single document needs no list. Raises InvalidDocument naming
        document and field at the first that can't be stored, what came before it being kept, and IndexLocked while another
        process writes. `on_progress` is told how far it is.
        """
        from searchctl.ingest.load import ingest_documents

        return ingest_documents(self.engine, self.name, self.encoder, documents, batch=batch, on_progress=on_progress)

    def ingest_files(
        self,
        files: Sequence[SourceFile],
        settings: IngestSettings,
        *,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
        confirm_prune: ConfirmPrune | None = None,
    ) -> IngestReport:
        """Store the documents of files that `sources.discover` found. Set `stop` to end after the passages in hand.

        With `settings.prune` what is known to be gone is deleted, if `confirm_prune` agrees to it.

        Raises IndexLocked, StorageError, EngineUnreachable, and with `on_error="stop"` InvalidDocument; what was acknowledged
        before stays.
        """
        from searchctl.ingest.load import ingest

        encoder = None if settings.defer_vectors else self.encoder
        return ingest(
            self.engine,
            self.name,
            encoder,
            files,
            settings,
            on_progress=on_progress,
            stop=stop,
            confirm_prune=confirm_prune,
        )

    def delete(self, ids: str | Sequence[str]) -> int:
        """Delete documents and return how many there were."""
        return self.engine.delete(self.name, self._ids(ids))

    def _ids(self, ids: str | Sequence[str]) -> list[str]:
        """Return ids in a form that engines can look for; none has half a letter in it."""
        return list(map(without_halves, as_texts(ids, "an id")))

    def declare_types(self, types: Mapping[str, FieldType], date_formats: Mapping[str, str] | None = None) -> int:
        """Give fields these types, whether the index has met them or not, and return how many documents were indexed anew for it.

        `date_formats` are formats of `strptime`, by field. Raises UsageError where a server can't change a field's type.
        """
        from searchctl.ingest.declared import declare_types

        return declare_types(self.engine, self.name, types, date_formats)

    @property
    def has_pending_types(self) -> bool:
        """Whether giving fields other types was interrupted; `declare_types` goes on with it."""
        from searchctl.ingest.declared import has_pending_types

        return has_pending_types(self.engine, self.name)

    def use_synonyms(self, lines: Iterable[str]) -> None:
        """Take these synonyms in place of those there were, for all searches from now on; no document is touched.

        A line is a rule of Solr's format: "tv, television" stand for each other, "e-book => ebook, digital book" puts one
        or several in place of what is typed. Raises UsageError naming the line that isn't one.
        """
        schema = self.schema
        self.engine.update_schema(
            self.name, replace(schema, synonyms=read_rules(as_texts(lines, "a rule"), schema.analyzer)), since=schema
        )

    # Reading

    def search(self, text: str, k: int = 10, **options: Unpack[SearchOptions]) -> Results:
        """Return the `k` best documents for a query, from number `start` on.

        A page that follows is cut from the list that was made for the first, until the index changes (embedded engine).

        The query may hold "exact phrases", +required and -excluded words. `where` filters both legs, as in
        `{"lang": "ru", "year": Range(gte=2020), "tag": ["a", "b"]}`. Hits less relevant than `min_relevance` are left out.
        With `repair`, words that the index doesn't hold are read as typed on the wrong keyboard layout or in the wrong
        alphabet if that answers better; `Results.repaired` says so. `sentences` has the hits' sentences encoded, so that
        `HitPassage.sentence` is chosen by meaning as well; otherwise it is where words match. `rerank` names a reranker, as
        in "maxsim" or "maxsim:20" (see `reranking`). `fusion` says how legs are joined; the names "native" and "native-rrf" leave
        that to OpenSearch itself, to compare. `facets` are counted over all documents with words of the query, whichever page
        is asked for: `"brand"`, `"brand:5"`, `"price:..10,10..50,50.."`, or a `Facet` (see `Results.facets`).
        `sort` is an order by fields, as in "-updated,relevance": of all documents that are relevant enough, by `min_relevance` or
        as for `Results.answered`, those without a value last. `group_by` is a field of which each value is shown once, by its first
        document (see `Hit.group`).
        """
        return self._search(as_texts([text], "a query"), self._request(k, options), self._lists)[0]

    def search_many(self, texts: Sequence[str], k: int = 10, **options: Unpack[SearchOptions]) -> list[Results]:
        """Answer many queries at once: quicker than one by one."""
        return self._search(as_texts(texts, "a query"), self._request(k, options), lists=None)

    def _request(self, k: int, options: SearchOptions) -> Request:
        """Return the request that keywords ask for: rerankers and native fusions are given by name there."""
        rerank, fusion = options.get("rerank"), options.get("fusion")
        given: dict[str, Any] = {name: value for name, value in options.items() if name not in ("rerank", "fusion")}
        return Request(
            k,
            **given,
            fusion=None if isinstance(fusion, str) else fusion,
            native=technique_of(fusion) if isinstance(fusion, str) else None,
            rerank=self.reranking(rerank) if isinstance(rerank, str) else rerank,
        )

    def _search(self, texts: Sequence[str], request: Request, lists: Lists | None) -> list[Results]:
        def answer(name: str) -> list[Results]:
            schema = self.engine.schema(name)
            encoder = None if request.mode == "lexical" else self._encoder_of(schema)
            return Searcher(self.engine, name, schema, encoder, lists).search(texts, request)

        return self._of_one_index(answer)

    def reranking(self, name: str, *, budget_ms: float | None = None) -> Rerank:
        """Return what `search` takes as `rerank`: a reranker by name, or `NAME:DEPTH`, opened once.

        "maxsim" compares the tokens' vectors of the index's own encoder; a folder or a hub name is a cross-encoder. Raises
        EncoderUnavailable, MissingExtra, UsageError.
        """
        reranker, _ignored, depth = name.rpartition(":")
        if not (reranker and depth.isdigit()):
            reranker, depth = name, str(self.schema.rerank_depth or DEPTH)
        if reranker not in self._rerankers:
            self._rerankers[reranker] = open_reranker(reranker, lambda: self.encoder)
        return Rerank(self._rerankers[reranker], int(depth), budget_ms)

    def similar(
        self,
        id_or_text: str,
        k: int = 10,
        *,
        where: Where | None = None,
        start: int = 0,
        as_text: bool | None = None,
    ) -> Results:
        """Return the documents most like a stored document (given its id) or a text.

        With `as_text` None, what is no document's id is a text if it has a blank in it, which `Results.remarks` tells; a single
        word that is no id is taken for a mistyped one. True is a text always, False an id. Raises UsageError for an unknown id.
        """
        request = Request(k, "vector", where, start)
        (given,) = map(without_halves, as_texts([id_or_text], "an id or a text"))
        return self._of_one_index(lambda name: self._similar(name, given, request, as_text))

    def _similar(self, name: str, id_or_text: str, request: Request, as_text: bool | None) -> Results:
        schema = self.engine.schema(name)
        (entry,) = [None] if as_text else self.engine.get(name, [id_or_text], vectors=True)
        if entry is None and (as_text is False or (as_text is None and len(id_or_text.split()) < 2)):
            raise UsageError(
                _(
                    "no document {id_or_text!r} in index '{name}'; find ids with: searchctl search, or say that it "
                    "is a text: --text, in Python as_text=True"
                ).format(id_or_text=id_or_text, name=self.name)
            )
        if entry is not None and entry.vectors is not None:
            vector = unit(entry.vectors.mean(axis=0))
            return Searcher(self.engine, name, schema, None).similar(id_or_text, vector, request, without=id_or_text)
        encoder = self._encoder_of(schema)
        if encoder is None:
            raise UsageError(
                _("index '{name}' has no vectors, so nothing can be compared; search it with --mode lexical").format(
                    name=self.name
                )
            )
        text = id_or_text if entry is None else f"{entry.document.title}\n{entry.document.text}".strip()
        vector = encoder.encode_documents([text])[0]
        results = Searcher(self.engine, name, schema, encoder).similar(id_or_text, vector, request)
        if as_text is None and entry is None:
            results = replace(results, remarks=("no document has this id, so it was taken for a text",))
        return results

    def suggest(
        self, typed: str, k: int = 8, *, wait: bool = True, on_progress: Callable[[int, int], None] | None = None
    ) -> Suggestions:
        """Return what the beginning of a query may become: titles, and frequent phrases and terms of the index.

        The last word is a beginning unless a blank follows. Where nothing fits, the other keyboard layout and alphabet are tried,
        and one typing error in one word is corrected. The words of the index are gathered by reading it once after each change
        (on a server, every ten minutes); without `wait` that happens beside, and those of before are given meanwhile.
        """
        (text,) = map(without_halves, as_texts([typed], "a beginning"))
        if not 1 <= k <= MOST:
            raise UsageError(_("can't give {k} suggestions; ask for 1 to {MOST}").format(k=k, MOST=MOST))
        return self._suggester.suggest(text, k, wait=wait, progress=on_progress)

    def _of_one_index(self, answer: Callable[[str], Answer]) -> Answer:
        """Return an answer that comes whole from one index, though the name may be pointed at another meanwhile.

        An index that is replaced stays, so an answer from it is good. Only where the name itself was the index's, or the index is
        gone, the question is put once more: at once, or a little later while a server is about to replace it. Names that keep
        moving are followed for some seconds; then the answer or the error at hand is given out.
        """
        until = time.monotonic() + _REPLACED_SECONDS
        while True:
            name = self.engine.resolve(self.name)
            try:
                found = answer(name)
            except SearchctlError as error:
                moved = self.engine.resolve(self.name) != name
                if time.monotonic() > until or not (moved or isinstance(error, IndexMissing)):
                    raise
                if not moved:
                    time.sleep(_PAUSE)
                continue
            if name != self.name or time.monotonic() > until or self.engine.resolve(self.name) == name:
                return found

    def get(self, id: str) -> Document | None:
        """Return a document, or None."""
        (entry,) = self.engine.get(self.name, self._ids(id))
        return None if entry is None else entry.document

    def matching_ids(self, where: Where) -> Iterator[str]:
        """Yield the ids of the documents for which a filter holds, in the engine's order. Raises UsageError.

        Works on every engine, at the price of reading all documents.
        """
        fields = self.schema.fields
        wanted = as_filter(where)
        checked = typed(wanted, fields) if wanted is not None else None
        for entries in self.engine.scan(self.name):
            for entry in entries:
                if checked is None or holds(entry.document, checked, fields):
                    yield entry.document.id

    def count(self, where: Where | None = None) -> int:
        """Count documents."""
        return self.engine.count(self.name, Scope(as_filter(where)))

    def info(self) -> IndexInfo:
        """Return counts and size."""
        return self.engine.info(self.name)

    def __len__(self) -> int:
        return self.engine.count(self.name)

    def __bool__(self) -> bool:
        return True  # an empty index is an index

    def __repr__(self) -> str:
        return f"<Index {self.name!r} on {self.engine.url}>"

    def close(self) -> None:
        """Release files and connections."""
        self.engine.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def encoder_stamp(typed: str | Encoder | None, made: Encoder) -> EncoderStamp:
    """Return the stamp of an encoder that was asked for by this name, under which it can be opened again from any folder.

    Raises UsageError for one that takes its weights from an index and hasn't got them.
    """
    name = made.name
    if isinstance(typed, str) and user_path(typed).is_dir():
        name = str(user_path(typed).resolve())
    elif isinstance(typed, str) and ":" in typed:
        name = typed
    return EncoderStamp(name, made.revision, made.dim, weights_of(made))
