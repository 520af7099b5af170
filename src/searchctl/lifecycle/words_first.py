"""Words first: a large load into a new index stores all texts, which are found by their words at once, and their vectors after that.

Interrupted or killed at any moment, the index answers by what it has, and the same load goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from searchctl.engines.base import Deferring
from searchctl.errors import InvalidDocument
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.ingest.dead_letters import DeadLetters
from searchctl.ingest.intake import first_failure
from searchctl.ingest.journal import journal_path
from searchctl.ingest.model import ConfirmPrune, IngestReport, IngestSettings, OnProgress, Phase, Progress
from searchctl.lifecycle.vectorize import count_waiting, encode_deferred
from searchctl.sources import Failure, SourceFile
from searchctl.types import Document

LARGE = 200_000  # bytes of sources: more than some seconds of encoding with the shipped encoder


def goes_words_first(index: Index, files: Sequence[SourceFile], settings: IngestSettings) -> bool:
    """Tell whether a load stores words first: one that is large, into a new index or one whose vectors were interrupted.

    An index that has its vectors keeps them: a document that changed is never without meanwhile.
    """
    if settings.defer_vectors or index.schema.encoder is None or not isinstance(index.engine, Deferring):
        return False
    if index.engine.count(index.name):
        return index.engine.waiting(index.name) > 0
    return sum(file.size or 0 for file in files) > LARGE


def ingest_words_first(
    index: Index,
    files: Sequence[SourceFile],
    settings: IngestSettings,
    *,
    on_progress: OnProgress | None = None,
    on_words: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
    confirm_prune: ConfirmPrune | None = None,
) -> IngestReport:
    """Load files as `Index.ingest_files` does, in two passes: the texts, then the vectors of all that lack them.

    Between the two `on_words` is told how many documents wait for vectors. Raises what `Index.ingest_files` does, and what
    opening the encoder raises before anything is stored.
    """
    stop = stop or threading.Event()
    assert index.encoder is not None  # which loads it: what is wrong with it is said now, not after the texts
    with index.engine.writing(index.name):
        report = index.ingest_files(
            files,
            replace(settings, defer_vectors=True),
            on_progress=on_progress,
            stop=stop,
            confirm_prune=confirm_prune,
        )
        waiting = count_waiting(index)
        if report.interrupted or not waiting:
            return report
        if on_words is not None:
            on_words(waiting)
        return _with_vectors(index, report, settings, stop, on_progress, sum(file.size or 0 for file in files))


def _with_vectors(
    index: Index,
    report: IngestReport,
    settings: IngestSettings,
    stop: threading.Event,
    on_progress: OnProgress | None,
    size: int,
) -> IngestReport:
    began, passages = time.monotonic(), 0
    failures: list[Failure] = []
    letters = DeadLetters(settings.dead_letters or journal_path(index.engine, index.name).parent, settings.mapping)

    def count(more: int) -> None:
        nonlocal passages
        passages += more

    def tell(done: float, total: int) -> None:
        if on_progress is not None:
            on_progress(
                Progress(
                    read=total,
                    dead=report.dead + len(failures),
                    bytes_done=size,
                    bytes_total=size,
                    passages=passages,
                    in_hand=done - report.dead - len(failures),
                    phase="encoding",
                )
            )

    def show_phase(phase: Phase) -> None:
        if on_progress is not None:
            on_progress(
                Progress(
                    read=1,
                    written=1,
                    bytes_done=size,
                    bytes_total=size,
                    passages=passages,
                    phase=phase,
                    dead=report.dead,
                )
            )

    def bury(failure: Failure, document: Document) -> None:
        if settings.on_error == "stop":
            raise InvalidDocument(first_failure(failure))
        if settings.on_error == "dead-letter":
            letters.add(failure, document)
        failures.append(failure)

    try:
        vectors = encode_deferred(index, Monitor(tell, stop), bury=bury, on_passages=count, on_phase=show_phase)
    finally:
        letters.close()
    return replace(
        report,
        dead=report.dead + len(failures),
        first_failure=report.first_failure or (first_failure(failures[0]) if failures else None),
        dead_letters=letters.path or report.dead_letters,
        interrupted=vectors.interrupted,
        passages=vectors.passages,
        seconds=report.seconds + time.monotonic() - began,
        remarks=(*report.remarks, *filter(None, [vectors.remark])),
    )
