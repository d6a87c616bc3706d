"""The dashboard as a program: uvicorn around the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from edge.fleet.web.app import make_app
from edge.fleet.web.patience import Patient
from edge.fleet.web.site import Options

if TYPE_CHECKING:
    from pathlib import Path

    from edge.fleet.database.database import Database
    from edge.fleet.web.provider import Provider


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dashboard is served."""

    host: str
    port: int
    cert_file: Path | None
    key_file: Path | None
    proxies: str
    """Addresses whose X-Forwarded-* headers are believed, with commas; empty: none."""
    behind_tls: bool
    """A proxy before it speaks TLS."""

    @property
    def tls(self) -> bool:
        """Whether browsers come by https."""
        return self.cert_file is not None or self.behind_tls

    @property
    def address(self) -> str:
        """For people."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


def serve(database: Database, place: Place, title: str, provider: Provider | None) -> None:
    """Serve until a signal ends it."""
    uvicorn.run(
        make_app(database, Options(tls=place.tls, title=title, provider=provider)),
        host=place.host,
        port=place.port,
        ssl_certfile=place.cert_file,
        ssl_keyfile=place.key_file,
        proxy_headers=bool(place.proxies),
        forwarded_allow_ips=place.proxies or None,
        server_header=False,
        http=Patient,
        log_level="warning",
        # Streams never end by themselves.
        timeout_graceful_shutdown=2,
    )
