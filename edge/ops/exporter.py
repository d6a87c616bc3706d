"""A door's figures for Prometheus, on this host alone: asked of sight and the files at each scrape.

A program of its own, so that nothing of the door waits for whoever scrapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from edge.errors import LedgerError, UsageError, WireError, reason_of
from edge.ledger.reading import read_ledger
from edge.link.outbox import Outbox
from edge.link.reporting import Reporter
from edge.wire.channel import Channel
from edge.wire.messages import AskStatus, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import Metric

    from edge.config import Config
    from edge.link.payloads import Reported

LOOPBACK = "127.0.0.1"
_MS, _SECONDS = "_ms", "_seconds"
_REPORTED = {
    "people": ("people", "Enrolled"),
    "clock_trusted": ("clock_trusted", "1 once the clock was synchronised"),
    "temperature_c": ("temperature_celsius", "Of the hottest zone"),
    "certificate_ends": (
        "certificate_expiry_timestamp_seconds",
        "When the client certificate ends, since 1970",
    ),
    "outbox_depth": ("outbox_events", "Events that wait for the broker"),
    "outbox_capacity": ("outbox_capacity_events", "The oldest are dropped beyond so many"),
    "outbox_lost": ("outbox_lost_events", "Events dropped before the broker could have them"),
    "last": ("newest_event", "Number of the newest event"),
    "confirmed": ("confirmed_event", "Number of the newest event that a reader has confirmed"),
}
"""What a door reports, as Prometheus names it: with the unit, and base units alone.

Source: https://prometheus.io/docs/practices/naming/
"""


class DoorMetrics(Collector):
    """Looks when it is scraped. What cannot be asked is left out, and `up` says so."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @override
    def collect(self) -> Iterable[Metric]:
        """Every figure that can be had now."""
        status = self._status()
        yield _gauge("sight_up", "1 while sight answers", status is not None)
        if status is not None:
            yield _gauge("guard_up", "1 while the relay guard answers", status.door)
            yield _gauge("camera_up", "1 while the camera delivers", status.camera == "ok")
            for name, value in status.metrics.items():
                yield _gauge(*_in_base_units(name, value))
        yield from self._files(status)

    def _files(self, status: Status | None) -> Iterator[Metric]:
        config = self._config
        try:
            with (
                read_ledger(config) as ledger,
                Outbox.open(config.outbox_db, read_only=True) as outbox,
            ):
                reporter = Reporter(ledger, outbox, config.mqtt.cert_file)
                reported: Reported | None = reporter.look(status, "", twin=False)
        except LedgerError:
            reported = None
        yield _gauge("ledger_up", "1 while the ledger can be read", reported is not None)
        for field, (name, text) in _REPORTED.items():
            value = getattr(reported, field, None)
            if value is not None:
                yield _gauge(name, text, value)

    def _status(self) -> Status | None:
        try:
            with Channel.connect(self._config.sight_socket) as channel:
                answer = channel.ask(AskStatus())
        except WireError:
            return None
        return answer if isinstance(answer, Status) else None


def serve(config: Config, port: int) -> int:
    """Answer on 127.0.0.1, on threads of the library's own; the port.

    Raises:
        UsageError: the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(DoorMetrics(config))
    try:
        server, _ = start_http_server(port, addr=LOOPBACK, registry=registry)
    except OSError as error:
        raise UsageError(f"--port {port}: {reason_of(error)}. Name another.") from error
    return int(server.server_port)


def _in_base_units(name: str, value: float) -> tuple[str, str, float]:
    said = f"{name} on the MQTT topic metrics"
    if name.endswith(_MS):
        return name.removesuffix(_MS) + _SECONDS, said, value / 1000
    return name, said, value


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"edge_door_{name}", text, value=float(value))
