"""The collector's figures for Prometheus, on this host alone."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from edge.errors import UsageError, reason_of

LOOPBACK = "127.0.0.1"


class CollectorMetrics:
    """Counts; `serve` shows them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stored = Counter(
            "edge_door_collector_events", "Events stored", registry=self._registry
        )
        self._seconds = Histogram(
            "edge_door_collector_batch_seconds", "Time to commit a batch", registry=self._registry
        )
        self._connected = Gauge(
            "edge_door_collector_connected", "1 while at the broker", registry=self._registry
        )

    def serve(self, port: int) -> None:
        """Answer on 127.0.0.1.

        Raises:
            UsageError: the port is taken.
        """
        try:
            start_http_server(port, addr=LOOPBACK, registry=self._registry)
        except OSError as error:
            raise UsageError(f"--metrics-port {port}: {reason_of(error)}. Name another.") from error

    def wrote(self, events: int, seconds: float) -> None:
        """A batch is committed."""
        self._stored.inc(events)
        self._seconds.observe(seconds)

    def connected(self, *, yes: bool) -> None:
        """Whether the broker is there."""
        self._connected.set(yes)
