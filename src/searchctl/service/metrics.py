"""Counters for Prometheus, in a registry of the service's own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """What has been asked of this service since it started."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "searchctl_requests", "Requests answered.", ("operation", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "searchctl_request_seconds",
            "Time from request to answer.",
            ("operation",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._unanswered = Counter(
            "searchctl_searches_without_good_answer", "Searches without a good answer.", registry=self._registry
        )
        self._active = Gauge("searchctl_requests_active", "Requests being answered.", registry=self._registry)

    def begin(self) -> None:
        """Count a request that has come."""
        self._active.inc()

    def end(self, operation: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._active.dec()
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)

    def searched(self, *, answered: bool) -> None:
        """Count a search."""
        if not answered:
            self._unanswered.inc()

    def text(self) -> bytes:
        """Return all counters in Prometheus' text format."""
        return generate_latest(self._registry)
