"""What the gateway did: counts by mode and reason, latencies, and in shadow how much hybrid answers would have changed."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from searchctl.errors import MissingExtra
from searchctl.gateway.steps import SearchOutcome
from searchctl.gateway.writes import VectorsOfWrites
from searchctl.types import Json

_TIMES = 10_000  # latest of each kind
_EXAMPLES = 20
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class ShadowPair:
    """A search answered both ways: the ids of both first pages, and the text asked for."""

    text: str
    lexical: tuple[str, ...]
    hybrid: tuple[str, ...]

    @property
    def overlap(self) -> float:
        """The share in [0, 1] of the longer page's first ten that both have."""
        first, second = set(self.lexical[:10]), set(self.hybrid[:10])
        return len(first & second) / max(len(first), len(second), 1)


class Tally:
    """Counts for `/_searchctl/report`, and with `metrics` for Prometheus. Safe to use from several threads."""

    def __init__(self, *, metrics: bool = False) -> None:
        self._lock = threading.Lock()
        self._modes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._times: dict[str, deque[float]] = {}
        self._compared = 0
        self._overlap = 0.0
        self._changed_firsts = 0
        self._examples: deque[Json] = deque(maxlen=_EXAMPLES)
        self._shadowed: Counter[str] = Counter()
        self._written = VectorsOfWrites()
        self._metrics = _Metrics() if metrics else None

    def searched(self, outcome: SearchOutcome, seconds: float) -> None:
        """Count one search and how long its answer took."""
        reason = outcome.remark
        with self._lock:
            self._modes[outcome.shown] += 1
            if outcome.refusal:
                self._reasons[reason] += 1
            self._time(outcome.shown, seconds)
        if self._metrics is not None:
            self._metrics.searches.labels(outcome.shown, reason).inc()
            self._metrics.seconds.labels(outcome.shown).observe(seconds)

    def passed(self, status: int, seconds: float) -> None:
        """Count a request that went through as it came."""
        with self._lock:
            self._time("passed", seconds)
        if self._metrics is not None:
            self._metrics.passed.labels(f"{status // 100}xx").inc()
            self._metrics.seconds.labels("passed").observe(seconds)

    def wrote(self, done: VectorsOfWrites) -> None:
        """Count written documents that got vectors, and those that are left without."""
        with self._lock:
            self._written += done
        if self._metrics is not None:
            self._metrics.written.labels("encoded").inc(done.encoded)
            self._metrics.written.labels("left").inc(done.left)

    def shadowed(self, outcome: SearchOutcome, comparison: ShadowPair | None, seconds: float) -> None:
        """Count a search that was answered lexically, and what its hybrid answer would have been."""
        reason = outcome.refusal.reason if outcome.refusal else outcome.shown
        with self._lock:
            self._shadowed[reason] += 1
            self._time("shadow", seconds)
            if comparison is None:
                return
            self._compared += 1
            self._overlap += comparison.overlap
            if comparison.lexical[:1] != comparison.hybrid[:1]:
                self._changed_firsts += 1
                firsts = {"lexical": list(comparison.lexical[:3]), "hybrid": list(comparison.hybrid[:3])}
                self._examples.append({"text": comparison.text[:200], **firsts})

    def _time(self, name: str, seconds: float) -> None:
        self._times.setdefault(name, deque(maxlen=_TIMES)).append(seconds)

    def metrics(self, open_circuits: int) -> bytes:
        """Return the metrics as Prometheus reads them."""
        if self._metrics is None:
            return b""
        self._metrics.circuits.set(open_circuits)
        return self._metrics.text()

    def report(self) -> Json:
        """Return what `searchctl gateway report` shows."""
        with self._lock:
            shadow: Json = {
                "searches": sum(self._shadowed.values()),
                "by_outcome": dict(self._shadowed.most_common()),
                "compared": self._compared,
                "overlap@10": round(self._overlap / self._compared, 4) if self._compared else None,
                "changed_firsts": self._changed_firsts,
                "examples": list(self._examples),
            }
            return {
                "searches": sum(self._modes.values()),
                "modes": dict(self._modes.most_common()),
                "reasons": dict(self._reasons.most_common()),
                "latency_ms": {name: percentiles(times) for name, times in self._times.items()},
                "written": {"encoded": self._written.encoded, "left": self._written.left},
                "shadow": shadow,
            }


def percentiles(seconds: Sequence[float]) -> Json:
    """Return the median and the 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {"count": 0}
    last = len(ordered) - 1
    found = {name: round(ordered[round(share * last)] * 1000, 2) for name, share in (("p50", 0.5), ("p99", 0.99))}
    return {"count": len(ordered), **found}


class _Metrics:
    def __init__(self) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError as error:
            raise MissingExtra("the gateway", "gateway") from error
        self._registry: Any = CollectorRegistry()
        registry = self._registry
        self.searches = Counter(
            "searchctl_gateway_searches", "Searches by mode and reason.", ["mode", "reason"], registry=registry
        )
        self.passed = Counter("searchctl_gateway_passed", "Requests passed through.", ["status"], registry=registry)
        self.seconds = Histogram(
            "searchctl_gateway_seconds", "Time to the answer.", ["kind"], buckets=_BUCKETS, registry=registry
        )
        self.written = Counter(
            "searchctl_gateway_written",
            "Written documents by what became of their vectors.",
            ["vectors"],
            registry=registry,
        )
        self.circuits = Gauge(
            "searchctl_gateway_open_circuits", "Indexes for which hybrid answers pause.", registry=registry
        )

    def text(self) -> bytes:
        from prometheus_client import generate_latest

        return generate_latest(self._registry)
