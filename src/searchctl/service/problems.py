"""Errors as RFC 9457 describes them: what went wrong, in the words of the command line, and never a secret or a traceback."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from searchctl.errors import (
    AccessDenied,
    EncoderMismatch,
    EncoderUnavailable,
    EngineUnreachable,
    IndexExists,
    IndexLocked,
    IndexMissing,
    InvalidDocument,
    MissingExtra,
    SearchctlError,
    StorageError,
    UsageError,
)
from searchctl.service.bodies import ProblemBody, encode

MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[SearchctlError], int, str], ...] = (
    (UsageError, 400, "wrong-request"),
    (IndexMissing, 404, "no-such-index"),
    (IndexExists, 409, "index-exists"),
    (IndexLocked, 503, "index-locked"),
    (InvalidDocument, 422, "invalid-document"),
    (EncoderMismatch, 409, "encoder-mismatch"),
    (EncoderUnavailable, 503, "encoder-unavailable"),
    (MissingExtra, 501, "missing-extra"),
    (AccessDenied, 502, "engine-refuses"),
    (EngineUnreachable, 502, "engine-unreachable"),
    (StorageError, 507, "storage"),
)
_TITLES = {
    "wrong-request": "The request can't be understood",
    "no-such-index": "There is no such index",
    "no-such-document": "There is no such document",
    "no-such-path": "There is nothing at this address",
    "index-exists": "The index exists already",
    "index-locked": "Another process is writing to the index",
    "invalid-document": "The document can't be stored",
    "encoder-mismatch": "The index was made with another encoder",
    "encoder-unavailable": "The encoder can't be loaded",
    "missing-extra": "A part of the installation is missing",
    "engine-refuses": "The engine refuses the service's credentials",
    "engine-unreachable": "The engine doesn't answer",
    "storage": "The engine can't store",
    "unauthorised": "A token is needed",
    "forbidden": "The token doesn't allow this",
    "method": "This method isn't offered here",
    "too-large": "The request is too large",
    "too-many": "Too many requests",
    "internal": "The service failed",
}


class Refusal(Exception):
    """A request that is refused by the service itself, before the library is asked."""

    def __init__(self, status: int, kind: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.headers = headers or {}


def problem(status: int, kind: str, detail: str, request_id: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error as a response."""
    body = ProblemBody(
        f"urn:searchctl:problem:{kind}", _TITLES[kind], status, detail, f"urn:searchctl:request:{request_id}"
    )
    return Response(encode(body), status, headers=headers, media_type=MEDIA_TYPE)


def problem_of(error: Exception, request_id: str) -> Response:
    """Return what a caller is told of an error; an unexpected one is told without its details."""
    if isinstance(error, Refusal):
        return problem(error.status, error.kind, str(error), request_id, error.headers)
    if isinstance(error, msgspec.ValidationError | msgspec.DecodeError | UnicodeDecodeError):
        return problem(400, "wrong-request", _readable(str(error)), request_id)
    for kind_of_error, status, kind in _STATUS:
        if isinstance(error, kind_of_error):
            headers = {"Retry-After": "1"} if kind == "index-locked" else None
            return problem(status, kind, str(error), request_id, headers)
    if isinstance(error, SearchctlError):
        return problem(500, "internal", str(error), request_id)
    return problem(500, "internal", f"an unexpected {type(error).__name__}; the service's log has more", request_id)


def _readable(message: str) -> str:
    """Return msgspec's message with the field it is about said first."""
    what, _, place = message.partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    return f"{field}: {what}" if field else what
