# ruff: noqa: E501
"""Does `searchctl serve` hold: a hundred callers while an ingest runs, and how soon the page shows something?

    python benchmarks/serve.py [--seconds 120] [--clients 100] [--documents 5000]

The service runs as its users start it, on the embedded engine with the shipped encoder. The callers ask one request after another:
searches with facets, orders and filters, suggestions, documents, drawn from made-up titles (benchmarks/suggest.py), so that hardly two
are alike. Beside them `searchctl ingest` writes into the same index without a pause. The service's memory is read every second.
Then Chromium types the demo's questions into the page, and what passes from the last key to the first result is taken; that part
is left out without Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.parse import urlencode

import aiohttp
from report import machine, save
from suggest import titles

DEMO = Path(__file__).parents[1] / "ingest" / "demo"
BATCH = 500  # documents of one load
PIECE = 10  # seconds for which memory is told
SEARCHCTL = [sys.executable, "-m", "searchctl"]


def write(path: Path, made: Sequence[str], first: int) -> Path:
    rng = random.Random(first)
    rows = (
        {
            "id": f"d{first + row}",
            "title": title,
            "text": f"{title}. {rng.choice(made)}.",
            "brand": rng.choice("abcdefgh"),
            "price": rng.randint(1, 500),
            "updated": f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        }
        for row, title in enumerate(made)
    )
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def ingest(folder: Path, *sources: str) -> None:
    subprocess.run(
        [*SEARCHCTL, "ingest", *sources, "--engine", str(folder), "-q"], check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the address and the process id of a service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    with subprocess.Popen([*SEARCHCTL, "serve", "--engine", str(folder), "--listen", listen, "-q"]) as process:
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://{listen}/health", timeout=5).close()
                    break
                except URLError:
                    time.sleep(0.1)
            yield f"http://{listen}", process.pid
        finally:
            process.terminate()


def resident(pid: int) -> int:
    """Return a process's memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


class Loads:
    """Loads documents by other processes, one after another, until stopped."""

    def __init__(self, folder: Path, first: int) -> None:
        self.documents = 0
        self.going_on = True
        self._folder, self._first = folder, first
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while self.going_on:
            first = self._first + self.documents
            path = write(self._folder.parent / "more.jsonl", titles(BATCH, first), first)
            ingest(self._folder, str(path))
            self.documents += BATCH

    def stop(self) -> None:
        self.going_on = False
        self._thread.join()


def request(rng: random.Random, words: Sequence[str], documents: int) -> tuple[str, str]:
    """Return a request's kind and address."""
    query = " ".join(rng.sample(words, rng.randint(1, 4)))
    kind = rng.choices(
        ["search", "search with facets, an order and a filter", "suggest", "document"], [50, 20, 20, 10]
    )[0]
    base = "/v1/indexes/default"
    if kind == "document":
        return kind, f"{base}/documents/d{rng.randrange(documents)}"
    if kind == "suggest":
        return kind, f"{base}/suggest?{urlencode({'q': query[: rng.randint(3, 12)]})}"
    asked = {"q": query, "sentences": "true"}
    if kind != "search":
        asked |= {"facets": "brand,price:..100,100..300,300..", "sort": "-updated,relevance", "where": "price>=50"}
    return kind, f"{base}/search?{urlencode(asked)}"


async def crowd(
    url: str, pid: int, clients: int, seconds: float, documents: int
) -> tuple[dict[str, list[float]], Counter[str], list[int]]:
    """Return what each kind of request took in ms, what went wrong, and the memory by the second."""
    words = sorted({word for title in titles(2000, 0) for word in title.split()})
    took: dict[str, list[float]] = {}
    wrong: Counter[str] = Counter()
    memory: list[int] = []
    until = time.monotonic() + seconds

    async def caller(session: aiohttp.ClientSession, number: int) -> None:
        rng = random.Random(number)
        while time.monotonic() < until:
            kind, path = request(rng, words, documents)
            began = time.perf_counter()
            try:
                async with session.get(url + path) as response:
                    body = await response.read()
                    if response.status != 200:
                        wrong[f"{response.status} {body[:120]!r}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                wrong[repr(error)[:120]] += 1
            took.setdefault(kind, []).append((time.perf_counter() - began) * 1000)

    async def watch() -> None:
        while time.monotonic() < until:
            memory.append(resident(pid))
            await asyncio.sleep(1)

    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
        await asyncio.gather(watch(), *(caller(session, number) for number in range(clients)))
    return took, wrong, memory


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def load_lines(options: argparse.Namespace, work: Path) -> list[str]:
    """Return the section's lines on many callers."""
    folder = work / "engine"
    ingest(folder, str(write(work / "first.jsonl", titles(options.documents, 0), 0)))
    with serving(folder) as (url, pid):
        loads = Loads(folder, options.documents)
        took, wrong, memory = asyncio.run(crowd(url, pid, options.clients, options.seconds, options.documents))
        loads.stop()
    every = [value for values in took.values() for value in values]
    pieces = [f"{max(memory[start : start + PIECE])}" for start in range(0, len(memory), PIECE)]
    rows = [
        f"| {kind} | {len(values):,} | {quantile(values, 0.5):.0f} | {quantile(values, 0.95):.0f} | {quantile(values, 0.99):.0f} |"
        for kind, values in [*sorted(took.items()), ("all", every)]
    ]
    faults = ", ".join(f"{count} × {what}" for what, count in wrong.most_common(5)) or "no error"
    return [
        f"- {options.clients} callers for {options.seconds:.0f} s on {options.documents:,} documents, while {loads.documents:,} more were loaded by "
        f"`searchctl ingest`: {len(every) / options.seconds:,.0f} requests/s, {faults}. Callers, service and loads share the machine's cores; its load average of the last quarter of an hour was {os.getloadavg()[2]:.0f}.",
        f"- The service's memory in MiB, the highest of each {PIECE} s: {', '.join(pieces)}.",
        "",
        "| request | number | median ms | p95 ms | p99 ms |",
        "|---|---|---|---|---|",
        *rows,
    ]


def page_lines(work: Path) -> list[str]:
    """Return the section's lines on the page, which is asked in Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        return ["- No Chromium here: the page wasn't timed."]
    from playwright.sync_api import sync_playwright

    folder = work / "demo"
    ingest(folder, "--recipe", "demo")
    lines = (DEMO / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines[::3]]
    times = []
    with serving(folder) as (url, _), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#index option", state="attached")
        for text in texts:
            page.fill("#q", text[:-1])
            page.wait_for_selector("#results .hit, #status:has-text('Nothing found')")
            page.wait_for_timeout(300)
            page.evaluate("document.querySelector('#results').replaceChildren()")
            took = page.evaluate(
                """letter => new Promise(done => {
                    const box = document.querySelector('#q'), list = document.querySelector('#results'), began = performance.now();
                    new MutationObserver((_, seen) => { if (list.children.length) { seen.disconnect(); requestAnimationFrame(() => done(performance.now() - began)); } })
                        .observe(list, {childList: true});
                    box.value += letter;
                    box.dispatchEvent(new Event('input', {bubbles: true}));
                })""",
                text[-1],
            )
            times.append(took)
            page.wait_for_timeout(150)
        browser.close()
    return [
        f"- The page on the demo ({len(times)} questions, Chromium): from the last key to the first results on the screen {statistics.median(times):.0f} ms "
        f"(median), {quantile(times, 0.95):.0f} ms (p95), with the 120 ms that it waits for further letters.",
    ]


def main() -> None:
    """Measure, and write the section of results.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--documents", type=int, default=5_000)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        work = Path(name)
        lines = load_lines(options, work) if options.seconds else []
        lines = [*page_lines(work), *lines]
    save("serve", "\n".join(["## The service", "", machine("searchctl", "starlette", "uvicorn"), "", *lines]))


if __name__ == "__main__":
    main()
