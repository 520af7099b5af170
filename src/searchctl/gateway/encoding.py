"""Encoding what is asked: one thread, which takes all that waits at once, and the vectors of the last questions."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from searchctl.encoders import open_encoder
from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import unread_shares
from searchctl.encoders.weighting import weighted
from searchctl.errors import EncoderMismatch
from searchctl.gateway.legs import Encoded
from searchctl.gateway.steps import Encode
from searchctl.schema import EncoderStamp
from searchctl.search.prior import general_background
from searchctl.search.recent import Recent

_log = logging.getLogger(__name__)
_REMEMBERED = 10_000  # questions; people ask the same, and search as they type
_WAITING = 1000
_BATCH = 32
_IDLE_SECONDS = 10.0  # without a question, after which the thread ends; the next one starts another


class EncodingBusyError(Exception):
    """More texts wait to be encoded than are worth waiting for."""


class QueryEncoder:
    """Turns texts into vectors in a thread of its own, so that whoever asked can stop waiting."""

    def __init__(self, opener: Callable[[str], Encoder] = open_encoder) -> None:
        self._opener = opener
        self._vectors: Recent[Encoded] = Recent(_REMEMBERED)
        self._encoders: dict[EncoderStamp, Encoder] = {}
        self._waiting: queue.Queue[tuple[Encode, Future[Encoded]] | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._opening = threading.Lock()

    def submit(self, request: Encode) -> Future[Encoded]:
        """Return the vector to come; raises EncodingBusyError where too many wait."""
        future: Future[Encoded] = Future()
        known = self._vectors.get((request.stamp, request.text))
        if known is not None:
            future.set_result(known)
            return future
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="searchctl-encoder", daemon=True)
                self._thread.start()
            try:
                self._waiting.put_nowait((request, future))
            except queue.Full:
                raise EncodingBusyError from None
        return future

    def close(self) -> None:
        """End the thread when it has done what waits, and let go of the encoders' memory."""
        with self._lock:
            running = self._thread is not None
        if running:
            self._waiting.put(None)
        else:
            self._encoders.clear()

    def _work(self) -> None:
        while True:
            try:
                first = self._waiting.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._thread = None  # which lets go of a client that nobody has any more
                        return
                continue
            if first is None:
                with self._lock:
                    self._thread = None
                self._encoders.clear()
                return
            batch = [first]
            while len(batch) < _BATCH and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    self._waiting.put(None)
                    break
                batch.append(more)
            self._encode([one for one in batch if one[1].set_running_or_notify_cancel()])

    def _encode(self, batch: list[tuple[Encode, Future[Encoded]]]) -> None:
        for stamp in {asked.stamp for asked, _ in batch}:
            part = [(asked, future) for asked, future in batch if asked.stamp == stamp]
            texts = list(dict.fromkeys(asked.text for asked, _ in part))
            try:
                encoder = self.encoder_of(stamp)
                background, shares = general_background(encoder), unread_shares(encoder, texts)
                encoded = zip(texts, encoder.encode_queries(texts), shares, strict=True)
                vectors = {text: Encoded(vector, background, share) for text, vector, share in encoded}
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to know
                for _, future in part:
                    future.set_exception(error)
                continue
            for request, future in part:
                self._vectors.put((request.stamp, request.text), vectors[request.text])
                future.set_result(vectors[request.text])

    def encoder_of(self, stamp: EncoderStamp) -> Encoder:
        """Return the encoder of a stamp, opened when first needed. Raises EncoderMismatch, EncoderUnavailable, MissingExtra."""
        with self._opening:
            if stamp not in self._encoders:
                opened = weighted(self._opener(stamp.name), stamp)
                if (opened.revision, opened.dim) != (stamp.revision, stamp.dim):
                    raise EncoderMismatch(
                        f"the index's vectors are of {stamp.name} of revision {stamp.revision}, and here that is revision "
                        f"{opened.revision}; make them anew with: searchctl vectorize INDEX"
                    )
                self._encoders[stamp] = opened
            return self._encoders[stamp]
