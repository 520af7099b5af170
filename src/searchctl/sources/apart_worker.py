"""The process that reads files for `apart`: a file comes in, its page goes out, within limits of time and memory."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any, BinaryIO

from searchctl.sources.model import Limits, Unreadable, size_of
from searchctl.sources.pages import PageInput, read_here


def main() -> None:
    """Read files from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints isn't an answer
    _without_core_dumps()
    while (given := _next(sys.stdin.buffer)) is not None:
        _limit(given.limits)
        answer = json.dumps(_answer(given)).encode()
        answers.write(b"%d\n" % len(answer) + answer)
        answers.flush()


def _next(stream: BinaryIO) -> PageInput | None:
    line = stream.readline()
    if not line:
        return None
    head = json.loads(line)
    data = stream.read(head["size"])
    return PageInput(head["format"], data, head["encoding"], head["boilerplate"], Limits(*head["limits"]), head["name"])


def _answer(given: PageInput) -> dict[str, Any]:
    try:
        page = read_here(given)
    except Unreadable as error:
        return {"reason": error.reason, "excerpt": error.excerpt}
    except MemoryError:
        return {"reason": f"reading it takes more than {size_of(given.limits.memory)} of memory", "excerpt": ""}
    except Exception as error:  # noqa: BLE001 - whatever a parser stumbles over costs that file alone
        return {"reason": f"broken {given.format}: {type(error).__name__}: {error}"[:500], "excerpt": ""}
    return {**asdict(page), "sections": [astuple(section) for section in page.sections]}


def _limit(limits: Limits) -> None:
    """Let this process use so much computing and memory beyond what it has used."""
    try:
        import resource
    except ImportError:  # Windows: the other side waits for so long and no longer
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_within(used + limits.seconds, hard), hard))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_within(_virtual_size() + limits.memory, hard), hard))


def _within(wanted: int, hard: int) -> int:
    return wanted if hard < 0 else min(wanted, hard)


def _virtual_size() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 500_000_000
    return pages * os.sysconf("SC_PAGE_SIZE")


def _without_core_dumps() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


if __name__ == "__main__":
    main()
