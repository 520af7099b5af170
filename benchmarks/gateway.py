# ruff: noqa: E501
"""What does an app gain behind the gateway, and what does it cost?

    python benchmarks/gateway.py --data DIR --url http://127.0.0.1:9200 [--sets xquad-ru scifact-en danetqa-ru] [--seconds 20] [--queries N]

The node is one of the tests (`python -m tests.servers opensearch-2`), or another. Each set becomes an index as
an app would make it (title and text with the language's own analyzer) and gets vectors by `vectorize`. Quality: nDCG@10 of the
app's `multi_match`, answered by the server, by reorder and expand, and of `searchctl search` on the same index. Cost: one
request at a time, the ways in turn; then many connections at once, with the gateway's memory before and after; then a large
bulk through the gateway to a server that throws it away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import urllib3
from aiohttp import web
from quality import SETS, judged, load
from report import machine, save

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.engines import open_engine
from searchctl.evaluation.metrics import parse_metric
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.foreign import ForeignIndex, Reading

NDCG = parse_metric("ndcg@10")
ANALYZERS = {"ru": "russian", "en": "english"}
TIMED = 150
CONNECTIONS = 200
BULK = 100 * 2**20
Json = dict[str, Any]


def ask(pool: urllib3.PoolManager, base: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    lines = isinstance(body, list)
    data = (
        "".join(json.dumps(line) + "\n" for line in body) if lines else json.dumps(body) if body is not None else None
    )
    kind = {"content-type": "application/x-ndjson" if lines else "application/json"}
    answer = pool.request(method, base + path, body=data, headers={**(kind if data else {}), **headers}, timeout=120)
    assert answer.status < 300, answer.data[:500]
    return json.loads(answer.data) if answer.data else None


def fill(pool: urllib3.PoolManager, url: str, name: str, documents: Sequence[Json], language: str) -> None:
    """Make an app's own index, and add vectors to it."""
    ask(pool, url, "DELETE", f"/{name}?ignore_unavailable=true")
    text = {"type": "text", "analyzer": ANALYZERS[language]}
    settings: Json = {"number_of_shards": 1, "number_of_replicas": 0}
    if ask(pool, url, "GET", "/").get("version", {}).get("distribution") == "opensearch":
        settings["knn"] = True
    ask(
        pool,
        url,
        "PUT",
        f"/{name}",
        {"settings": {"index": settings}, "mappings": {"properties": {"title": text, "text": text}}},
    )
    for start in range(0, len(documents), 500):
        part = documents[start : start + 500]
        ask(
            pool,
            url,
            "POST",
            f"/{name}/_bulk",
            [
                line
                for one in part
                for line in ({"index": {"_id": one["_id"]}}, {"title": one["title"], "text": one["text"]})
            ],
        )
    ask(pool, url, "POST", f"/{name}/_refresh")
    engine, encoder = open_engine(url), open_encoder(DEFAULT_ENCODER)
    ForeignIndex(engine, name, encoder_stamp(DEFAULT_ENCODER, encoder), encoder, Reading("title", ("text",))).run(
        Monitor()
    )
    engine.close()


def question(text: str) -> Json:
    return {"query": {"multi_match": {"query": text, "fields": ["title^2", "text"]}}, "size": 10, "_source": False}


def quality(
    pool: urllib3.PoolManager, url: str, gateway: str, name: str, queries: Sequence[Json], grades: Any
) -> list[float]:
    """Return nDCG@10 of the server, of reorder, of expand, and of searchctl's own search."""
    found: list[float] = []
    for base, switch in ((url, ""), (gateway, "reorder"), (gateway, "expand")):
        headers = {"X-Searchctl": switch} if switch else {}
        scores = []
        for query in queries:
            answer = ask(pool, base, "POST", f"/{name}/_search", question(query["text"]), **headers)
            scores.append(NDCG.of([hit["_id"] for hit in answer["hits"]["hits"]], grades[query["_id"]]))
        found.append(statistics.fmean(scores))
    with Index.open(url, name, create=False) as index:
        answers = [
            hits
            for start in range(0, len(queries), 64)
            for hits in index.search_many([one["text"] for one in queries[start : start + 64]], 10)
        ]
    own = [NDCG.of([hit.id for hit in one], grades[query["_id"]]) for query, one in zip(queries, answers, strict=True)]
    return [*found, statistics.fmean(own)]


def latencies(pool: urllib3.PoolManager, url: str, gateway: str, name: str, texts: Sequence[str]) -> list[str]:
    """Return rows of p50 and p99 in milliseconds, the ways in turn."""
    encoder = open_encoder(DEFAULT_ENCODER)
    encoder.encode_queries(texts[:1])
    ways: dict[str, Callable[[str], Any]] = {
        "server: GET /": lambda text: ask(pool, url, "GET", "/"),
        "gateway: GET /": lambda text: ask(pool, gateway, "GET", "/"),
        "server: the app's search": lambda text: ask(pool, url, "POST", f"/{name}/_search", question(text)),
        "gateway, off": lambda text: ask(pool, gateway, "POST", f"/{name}/_search", question(text), **{"X-Searchctl": "off"}),
        "encoding alone": lambda text: encoder.encode_queries([text]),
        "gateway, reorder": lambda text: ask(pool, gateway, "POST", f"/{name}/_search", question(text)),
        "gateway, expand": lambda text: ask(pool, gateway, "POST", f"/{name}/_search", question(f"{text} "), **{"X-Searchctl": "expand"}),
    }  # fmt: skip
    times: dict[str, list[float]] = {way: [] for way in ways}
    for text in texts[:TIMED]:
        for way, call in ways.items():
            began = time.perf_counter()
            call(text)
            times[way].append((time.perf_counter() - began) * 1000)
    return [
        f"| {way} | {statistics.median(values):.2f} | {sorted(values)[int(0.99 * len(values))]:.2f} |"
        for way, values in times.items()
    ]


def resident(pid: int) -> int:
    """Return a process's memory in MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) // 1024


async def crowd(gateway: str, name: str, texts: Sequence[str], seconds: float, pid: int) -> str:
    """Ask with many connections at once and return a row."""
    done = errors = 0
    until = time.monotonic() + seconds
    early: list[int] = []

    async def visitor(session: aiohttp.ClientSession, place: int) -> None:
        nonlocal done, errors
        while time.monotonic() < until:
            place += 1
            async with session.post(f"{gateway}/{name}/_search", json=question(texts[place % len(texts)])) as answer:
                await answer.read()
                done, errors = done + 1, errors + (answer.status != 200)
            if not early and time.monotonic() > until - seconds * 0.75:
                early.append(resident(pid))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        await asyncio.gather(*(visitor(session, place * 7) for place in range(CONNECTIONS)))
    return f"| {CONNECTIONS} connections, {seconds:.0f} s | {done:,} | {errors} | {early[0]} | {resident(pid)} |"


@contextmanager
def running(engine: str, *options: str) -> Iterator[tuple[str, int]]:
    """Start a gateway as people do; yield its address and process id."""
    command = [
        sys.executable,
        "-m",
        "searchctl",
        "gateway",
        "--engine",
        engine,
        "--listen",
        "127.0.0.1:0",
        "--budget-ms",
        "60000",
        *options,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process.stderr.readline().split()[1], process.pid
        finally:
            process.terminate()
            process.wait(40)


async def bulk() -> str:
    """Send a large bulk through a gateway to a server that throws it away, and return how much memory that took."""

    async def throw(request: web.Request) -> web.Response:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        return web.json_response({"bytes": size})

    application = web.Application(client_max_size=0)
    application.router.add_route("*", "/{path:.*}", throw)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    async def pieces() -> Any:
        for _ in range(BULK // 65536):
            yield b"x" * 65536

    loop = asyncio.get_running_loop()
    manager = running(f"opensearch://127.0.0.1:{port}")
    address, pid = await loop.run_in_executor(None, manager.__enter__)
    try:
        before = resident(pid)
        async with aiohttp.ClientSession() as session, session.post(f"{address}/_bulk", data=pieces()) as answer:
            assert (await answer.json())["bytes"] == BULK
        peak = (
            int(
                next(
                    line.split()[1]
                    for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                    if line.startswith("VmHWM")
                )
            )
            // 1024
        )
    finally:
        await loop.run_in_executor(None, manager.__exit__, None, None, None)
        await runner.cleanup()
    return (
        f"A bulk of {BULK // 2**20} MiB went through with {max(peak - before, 0)} MiB more memory than before (peak)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=["xquad-ru", "scifact-en", "danetqa-ru"])
    parser.add_argument("--url", required=True, help="a running node, as in http://127.0.0.1:9200")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--queries", type=int, help="the first so many of each set; all by default")
    options = parser.parse_args()
    pool, rows, times = urllib3.PoolManager(maxsize=4), [], []
    with running(options.url) as (gateway, pid):
        for name in options.sets:
            corpus, asked, split = SETS[name]
            index = f"benchmark-{name}"
            fill(pool, options.url, index, load(options.data / corpus / "corpus.jsonl"), name[-2:])
            grades = judged(options.data / asked / "qrels" / f"{split}.tsv")
            queries = [one for one in load(options.data / asked / "queries.jsonl") if one["_id"] in grades][
                : options.queries
            ]
            values = quality(pool, options.url, gateway, index, queries, grades)
            rows.append(f"| {name} | {len(queries)} | " + " | ".join(f"{value:.4f}" for value in values) + " |")
            print(rows[-1], flush=True)
        texts = [one["text"] for one in queries]
        times = latencies(pool, options.url, gateway, index, texts)
        print("\n".join(times), flush=True)
        crowded = asyncio.run(crowd(gateway, index, texts, options.seconds, pid))
    head = ["| set | queries | the app's query | reorder | expand | searchctl search |", "|---|---|---|---|---|---|"]
    cost = ["| answer | p50 ms | p99 ms |", "|---|---|---|", *times]
    many = ["| load | answers | errors | MiB after a quarter | MiB at the end |", "|---|---|---|---|---|", crowded]
    text = [
        "## Gateway",
        "",
        machine("searchctl", "aiohttp"),
        "",
        "nDCG@10",
        "",
        *head,
        *rows,
        "",
        *cost,
        "",
        *many,
        "",
        asyncio.run(bulk()),
    ]
    save("gateway", "\n".join(text))


if __name__ == "__main__":
    main()
