"""What the device says of itself: versions, certificate, clock, temperature, outbox."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from cryptography import x509

from edge.clock import wall_trusted
from edge.link.outbox import Fill
from edge.link.payloads import Reported
from edge.warmth import THERMAL, hottest_c

if TYPE_CHECKING:
    from pathlib import Path

    from edge.ledger.ledger import Ledger
    from edge.link.outbox import Outbox
    from edge.wire.messages import Status

EVERY_S = 30.0
"""How often it is looked at; it is told only where something changed."""


class Reporter:
    """Gathers it all. LedgerError where ledger or outbox cannot be read."""

    def __init__(self, ledger: Ledger, outbox: Outbox, cert_file: Path | None) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._cert_file = cert_file

    def look(self, status: Status | None, protocol: str, *, twin: bool) -> Reported:
        """All of it now. `status` is sight's; None while sight is away."""
        marks = self._outbox.watermarks()
        fill = Fill.of(self._ledger, marks)
        fps = status.metrics.get("fps") if status else None
        return Reported(
            version=version("edge-door"),
            model=status.model if status else "",
            people=status.people if status else None,
            clock_trusted=wall_trusted(),
            temperature_c=temperature_c(),
            fps=None if fps is None else round(fps),
            certificate_ends=certificate_ends(self._cert_file),
            protocol=protocol,
            outbox_depth=fill.waiting,
            outbox_capacity=fill.capacity,
            outbox_lost=fill.lost,
            first=self._ledger.dropped() + 1,
            last=self._ledger.written(),
            confirmed=marks.confirmed,
            twin=twin,
        )


def differ(one: Reported | None, other: Reported) -> bool:
    """Whether something changed beside the numbers of the newest events, which run on."""
    if one is None:
        return True
    return replace(one, last=other.last, confirmed=other.confirmed) != other


def temperature_c() -> float | None:
    """Of the hottest zone, whole degrees; None where there is no sensor."""
    hottest = hottest_c(THERMAL)
    return None if hottest is None else float(round(hottest))


def certificate_ends(path: Path | None) -> float | None:
    """When the certificate in a PEM file ends, seconds since 1970; None without a readable one."""
    if path is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return certificate.not_valid_after_utc.timestamp()
