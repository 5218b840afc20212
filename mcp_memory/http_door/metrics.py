"""Metrics of a server over HTTP, in the text that Prometheus reads; no name, no id and no text is in them."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from mcp_memory.http_door.requests import Note

CONTENT_TYPE = CONTENT_TYPE_LATEST
ELSEWHERE = "other"
"""The route of requests that none took: their paths are whatever somebody tried."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counts what is asked, and what is held."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        of = ("method", "route")
        self._answered = Counter(
            "mcp_memory_requests", "Requests that were answered", (*of, "status"), registry=self._registry
        )
        self._took = Histogram(
            "mcp_memory_request_seconds", "What answering requests took", of, registry=self._registry
        )
        self._held = Gauge("mcp_memory_held", "What the store holds", ("what",), registry=self._registry)

    def count(self, method: str, note: Note, seconds: float) -> None:
        """Count a request that was answered."""
        route = (method if method in METHODS else ELSEWHERE, note.route or ELSEWHERE)
        self._answered.labels(*route, "none" if note.status is None else str(note.status)).inc()
        self._took.labels(*route).observe(seconds)

    def text(self, held: Mapping[str, float]) -> bytes:
        """Return all metrics, with how much of what is held."""
        for what, count in held.items():
            self._held.labels(what).set(count)
        return generate_latest(self._registry)
