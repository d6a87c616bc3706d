"""What it takes to enter at a broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """Where to connect, as whom, and what the broker must keep to."""

    host: str
    port: int
    client_id: str
    keepalive_s: int
    user: str | None
    password: str | None
    tls: ssl.SSLContext | None
    max_packet: int
    """Bytes; an MQTT 5 broker keeps longer packets back."""
    at_once: int
    """Messages that an MQTT 5 broker sends before the first is acknowledged."""

    @property
    def address(self) -> str:
        """`host:port`, for people."""
        return f"{self.host}:{self.port}"
