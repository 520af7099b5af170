"""Search inside a FastAPI app: uvicorn fastapi_app:app. The index is opened once and shared by all requests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request

from searchctl import Index, SearchctlError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the index when the app starts, and close it at the end."""
    with Index.open(os.environ.get("SEARCHCTL_ENGINE", ".searchctl"), create=False) as index:
        app.state.index = index
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/search")
def search(  # not async: FastAPI runs it in a thread, so that one search doesn't hold up the others
    request: Request, q: Annotated[str, Query(min_length=1, max_length=500)], k: Annotated[int, Query(ge=1, le=50)] = 10
) -> dict[str, Any]:
    """Answer a question; an unclear filter or query is the caller's error."""
    try:
        results = request.app.state.index.search(q, k)
    except SearchctlError as error:
        raise HTTPException(400, str(error)) from error
    hits = [{"id": hit.id, "title": hit.title, "relevance": hit.relevance} for hit in results.hits]
    return {"answered": results.answered, "hits": hits}
